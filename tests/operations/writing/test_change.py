"""One change of access, step by step: what it holds to, whoever changes what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from portcullis.access.actual import Write
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.custody.types import Act, Measure, MeasureRecord, Progress, State
from portcullis.errors import Overtaken, Shut
from portcullis.families.opensearch.documents.config import Kind
from portcullis.model.option_types import Options
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.change import AccessChange
from portcullis.operations.writing.in_effect import in_doubt
from portcullis.operations.writing.undertaking import begin, undertaken
from portcullis.ports.ledger import Claims

from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")
NONE = frozenset[Claim]()
ANOTHER = Claim(Kind.ROLES, "another")


@dataclass
class Here:
    town: Town
    site: Site
    renewed: list[str] = field(default_factory=list)

    def change(self) -> AccessChange:
        """One that has had its first look."""
        one = AccessChange.of(self.site, CAUSE, "apply")
        one.looked(self.site.engine.read(), self.mine, NONE, Options())
        return one

    @property
    def mine(self) -> Claims:
        return self.site.ledger.claims(self.site.place.id)["demo"]

    def plan(self, name: str) -> Plan:
        claim = Claim(Kind.MAPPINGS, "viewers", "users", name)
        return Plan(steps=(Step(Operation.ADD, claim, None, name, "joined"),))

    def writes(self, *names: str) -> list[Write]:
        held = self.site.engine.read()
        return [write for name in names for write in self.site.family.writes(self.plan(name).steps, held)]

    def write_down(self, change: AccessChange, name: str) -> None:
        held, plan = self.site.engine.read(), self.plan(name)
        pending = change.going_on(plan, held)
        change.write_down(plan.claims_before(change.claims), pending=pending, coming=plan.added)

    @property
    def history(self) -> list[str]:
        return [one.operation for one in self.site.ledger.history("demo", 50)]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    made = town()
    made.join("zoe")
    synchronise(made.services, "demo", CAUSE)
    site = made.services.site("demo")
    with site.ledger.lease(site.place.id, "a test") as ours:
        assert ours
        one, renew = Here(made, site), made.account.ledger.renew

        def noted(place: str) -> None:
            one.renewed.append(place)
            renew(place)

        monkeypatch.setattr(made.account.ledger, "renew", noted)
        yield one


def test_what_was_read_counts_only_if_it_was_open_ever_since(here: Here) -> None:
    change = AccessChange.of(here.site, CAUSE, "apply")
    ledger = here.site.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), saves=5))
    with pytest.raises(Shut, match="locked meanwhile"):
        change.looked(here.site.engine.read(), here.mine, NONE, Options())
    assert not change.has_looked


def test_a_persons_change_waits_for_the_end_of_an_unlock(here: Here) -> None:
    ledger = here.site.ledger
    put_back = MeasureRecord(Progress.UNDONE, here.town.aws.at, act=Act.UNDO)
    unlocking = {"state": State.UNLOCKING, "measures": {Measure.SHUT_MAPPINGS: put_back}}
    ledger.keep_custody(replace(ledger.custody("demo"), **unlocking))
    with pytest.raises(Shut):
        AccessChange.of(here.site, CAUSE, "apply")
    assert AccessChange.of(here.site, CAUSE, "synchronise", unlocking=True).custody.state is State.UNLOCKING


def test_it_names_no_model_unless_it_is_told_of_one(here: Here) -> None:
    pending = AccessChange.of(here.site, CAUSE, "apply").pending
    assert (pending.operation, pending.model_before, pending.model_after) == ("apply", "", "")


def test_the_first_look_settles_what_an_earlier_run_left_and_no_more(here: Here) -> None:
    earlier, before = here.change(), here.history
    here.write_down(earlier, "anna")
    earlier.send(here.writes("anna"), here.site.engine.read())
    change = here.change()
    assert here.history == ["apply, interrupted", *before]
    assert undertaken(here.site) is None
    here.write_down(change, "ben")
    change.looked(here.site.engine.read(), change.claims, NONE, Options())
    assert undertaken(here.site) == change.pending
    change.send(here.writes("ben"), here.site.engine.read())
    change.settle(here.site.engine.read(), Options())
    assert (here.history, undertaken(here.site)) == (["apply", "apply, interrupted", *before], None)
    assert change.writes == 1


def test_what_took_effect_and_what_came_to_be_done_since_are_one_change(here: Here) -> None:
    change = here.change()
    for name in ("anna", "ben"):
        here.write_down(change, name)
        change.send(here.writes(name), here.site.engine.read())
    change.settle(here.site.engine.read(), Options())
    latest = next(iter(here.site.ledger.history("demo", 1)))
    assert [one.entry for one in latest.touched] == ["anna", "ben"]


def test_what_took_effect_is_in_the_history_though_its_undoing_was_cut_off(here: Here) -> None:
    """She joined and left again while one change was made: that she was let in is not forgotten for a removal that never came."""
    change = here.change()
    here.write_down(change, "anna")
    change.send(here.writes("anna"), here.site.engine.read())
    gone = Step(Operation.REMOVE, Claim(Kind.MAPPINGS, "viewers", "users", "anna"), "anna", None, "left")
    change.write_down(change.claims, pending=change.going_on(Plan(steps=(gone,)), here.site.engine.read()))
    here.change()
    latest = next(iter(here.site.ledger.history("demo", 1)))
    assert [(one.operation, one.entry) for one in latest.touched] == [("add", "anna")]


def test_what_becomes_ours_or_nobodys_without_a_write_is_written_down_once(here: Here) -> None:
    """Also what is taken over by being replaced; a document of ours that is replaced is none of it."""
    ours, theirs, let_go, as_it_is = (Claim(Kind.ROLES, name) for name in ("ours", "theirs", "let go", "as it is"))
    replaced = (Step(Operation.REPLACE, one, {}, {"cluster_permissions": ["x"]}, "differs") for one in (ours, theirs))
    added = Step(Operation.ADD, ANOTHER, None, {}, "asked for")
    plan = Plan(steps=(*replaced, added), release_only=(let_go,), claim_only=(as_it_is,))
    change = here.change()
    change.claims = Claims({ours})
    for later in (plan, plan, Plan(release_only=(ANOTHER,))):
        change.pending = change.going_on(later, here.site.engine.read())
    assert change.pending.released == (let_go, ANOTHER)
    assert change.pending.claimed == (as_it_is, theirs)


def test_whoever_lost_the_lease_writes_nothing_down_and_sends_nothing(here: Here) -> None:
    change = here.change()
    here.town.account.ledger._leases[here.site.place.id] = ("somebody", float("inf"))
    sent = len(here.town.account.engine.sent)
    with pytest.raises(Overtaken):
        here.write_down(change, "anna")
    assert undertaken(here.site) is None
    with pytest.raises(Overtaken):
        change.send(here.writes("anna"), here.site.engine.read())
    with pytest.raises(Overtaken):
        change.renew_lease()
    with pytest.raises(Overtaken):
        change.keep([ANOTHER])
    assert len(here.town.account.engine.sent) == sent


@pytest.mark.parametrize(("later", "renews"), [(0.0, [0, 1]), (1.5, [0, 1]), (2.5, [1, 1]), (50.0, [1, 1])])
def test_the_lease_is_renewed_before_each_write_unless_it_was_in_the_same_moment(
    here: Here, later: float, renews: list[int]
) -> None:
    """Keeping the claims has renewed it: right before the first write, once is enough."""
    change = here.change()
    here.write_down(change, "anna")
    assert len(here.renewed) == 1, "with what is begun and with the claims, which follow at once"
    here.town.pass_time(later)
    counted = []
    for name in ("anna", "ben"):
        before = len(here.renewed)
        change.send(here.writes(name), here.site.engine.read())
        counted.append(len(here.renewed) - before)
    assert counted == renews


def test_claims_that_stay_renew_nothing_so_the_next_write_does(here: Here) -> None:
    change = here.change()
    change.keep(here.mine)
    assert here.renewed == []
    change.send(here.writes("anna"), here.site.engine.read())
    assert len(here.renewed) == 1
    change.keep([ANOTHER])
    assert len(here.renewed) == 2


def test_a_lease_that_was_renewed_by_itself_is_renewed_by_the_next_write_too(here: Here) -> None:
    change = here.change()
    here.write_down(change, "anna")
    change.renew_lease()
    before = len(here.renewed)
    change.send(here.writes("anna"), here.site.engine.read())
    assert len(here.renewed) - before == 1


def test_what_was_not_answered_stays_claimed_for_a_while_whatever_is_seen(here: Here) -> None:
    change = here.change()
    anna = here.plan("anna").added
    change.unanswered(anna)
    change.keep(anna)
    assert change.claims.late == anna
    change.keep({*anna, ANOTHER}, coming=frozenset({ANOTHER}))
    assert change.claims.late == {*anna, ANOTHER}
    assert change.claims.late_at(here.town.aws.at + timedelta(minutes=14)) == change.claims.late


def test_whoever_was_overtaken_settles_nothing(here: Here) -> None:
    change, before = here.change(), here.history
    here.write_down(change, "anna")
    change.send(here.writes("anna"), here.site.engine.read())
    theirs = replace(change.pending, cause="somebody else's")
    begin(here.site, theirs)
    change.settle(here.site.engine.read(), Options())
    assert (undertaken(here.site), here.history) == (theirs, before)


@pytest.mark.parametrize(
    ("after", "everything", "may_come"),
    [(16, False, True), (14, True, True), (16, True, False)],
    ids=["a part", "too early", "everything, later than any write comes"],
)
def test_a_write_may_come_until_everything_was_looked_at(
    here: Here, after: int, everything: bool, may_come: bool
) -> None:
    change, ledger = here.change(), here.site.ledger
    in_doubt(here.site)
    assert None not in (ledger.saved("demo", "in-doubt"), ledger.saved("demo", "may-come"))
    change.seen(here.site.engine.read(), here.town.aws.at + timedelta(minutes=after), everything=everything)
    assert ledger.saved("demo", "in-doubt") is None, "the nodes have loaded it"
    assert (ledger.saved("demo", "may-come") is not None) is may_come
