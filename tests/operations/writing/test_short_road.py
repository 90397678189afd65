"""Given a change of groups, then only what it touches is looked at and written; what else may be the case takes the whole road."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.changing.applying import Outcome
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Services, Trigger
from portcullis.operations.sweep import sweep
from portcullis.operations.writing.noted import noted

from tests.operations.counting import Counted, counted
from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, account, arn, model_text
from tests.reactions.town import town

CAUSE = Trigger("a test", "somebody")
READERS, WRITERS = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers"))
ANNA, BEN, CARL = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl"))
ROLE = "{index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}"
WHOLE_LOOK = [f"GET {kind}" for kind in ("actiongroups", "tenants", "roles", "internalusers", "rolesmapping")]
LOOK = ["GET roles/viewers", "GET rolesmapping/viewers"]
WRITE = "PATCH rolesmapping"
MOST_OF_LEDGER = 21  # requests, of which the lease is two


def text(many: int = 0, more: str = "") -> str:
    roles = "".join(f"    further_{number}: {ROLE}\n" for number in range(many))
    grants = "".join(
        f"    - {{role: further_{number}, to: {{backend_role: people-{number}}}}}\n" for number in range(many)
    )
    return model_text(
        f"  roles:\n    viewers: {ROLE}\n{roles}  grants:\n    - {{role: viewers, to: {{cognito_group: readers}}}}\n{grants}{more}"
    )


@dataclass
class Here:
    """A deployment at rest, and what is asked for it from now on."""

    made: Account
    services: Services
    asked: Counted

    def follow(self, *people: str) -> Outcome:
        """These are in the group now, and the event of it is reacted to."""
        self.made.people.groups[READERS] = people
        self.asked.clear()
        return synchronise(self.services, "demo", CAUSE, short=True)

    @property
    def mapped(self) -> set[str]:
        return set(self.made.engine.held.entries("viewers", "users"))

    @property
    def claimed(self) -> set[str]:
        claims = self.made.ledger.claims(self.made.ledger.registration("demo").place.id)["demo"]
        return {one.entry for one in claims if (one.name, one.entry_list) == ("viewers", "users")}

    @property
    def looked_at_everything(self) -> bool:
        return set(WHOLE_LOOK) <= set(self.asked.of_engine)


def at_rest(many: int = 0, more: str = "") -> Here:
    made = account()
    made.registered()
    made.people.groups = {READERS: (ANNA,), WRITERS: ()}
    services, asked = counted(made)
    apply_text(services, "demo", text(many, more), CAUSE)
    here = Here(made, services, asked)
    here.follow(ANNA)  # what is known of people is of an open deployment from here on
    return here


@pytest.fixture
def here() -> Here:
    return at_rest()


# ---------------------------------------------------------------------- what is asked, as a law


@pytest.mark.parametrize("many", [0, 1000])
def test_law_a_change_of_one_group_asks_as_much_among_a_thousand_roles(many: int) -> None:
    here = at_rest(many)
    assert here.follow(ANNA, BEN).writes == 1
    assert here.asked.of_engine == [*LOOK, WRITE, *LOOK]
    assert here.asked.ledger_requests <= MOST_OF_LEDGER, here.asked.of_ledger
    assert (here.mapped, here.claimed) == ({ANNA, BEN}, {ANNA, BEN})
    assert here.follow(ANNA).writes == 1
    # Whoever is taken out is taken out by their place in a list: that is looked at right before.
    assert here.asked.of_engine == [*LOOK, LOOK[1], WRITE, *LOOK]
    assert here.asked.ledger_requests <= MOST_OF_LEDGER, here.asked.of_ledger
    assert (here.mapped, here.claimed) == ({ANNA}, {ANNA})


def test_law_an_event_that_changes_nobodys_access_does_not_ask_the_engine(here: Here) -> None:
    before = here.made.ledger.watermark("demo")
    assert here.follow(ANNA).status == "unchanged"
    assert here.asked.of_engine == []
    assert here.asked.ledger_requests <= MOST_OF_LEDGER, here.asked.of_ledger
    assert here.made.ledger.watermark("demo") != before


def test_what_is_looked_up_at_once_is_of_one_deployment_and_read_anew_once_changed() -> None:
    made = account()
    made.registered()
    for deployment in ("demo", "other"):
        made.ledger.save(deployment, "one", f"of {deployment}")
    ledger = noted(made.services.site("demo"), ["one", "another"]).ledger
    assert [ledger.saved(of, "one") for of in ("demo", "other")] == ["of demo", "of other"]
    made.ledger.save("demo", "one", "somebody else's")
    made.ledger.save("demo", "another", "somebody else's")
    assert [ledger.saved("demo", name) for name in ("one", "another")] == ["of demo", None]
    ledger.save("demo", "one", "ours")
    ledger.forget("demo", "another")
    made.ledger.save("demo", "another", "theirs, with the lease by then")
    assert [ledger.saved("demo", name) for name in ("one", "another")] == ["ours", "theirs, with the lease by then"]


def test_the_history_tells_the_same_as_after_a_look_at_everything() -> None:
    short, whole = at_rest(), at_rest()
    short.follow(BEN)
    whole.made.people.groups[READERS] = (BEN,)
    synchronise(whole.services, "demo", CAUSE)
    one, other = (here.made.ledger.history("demo")[0] for here in (short, whole))
    assert replace(one, at=other.at) == other


# ---------------------------------------------------------------------- what takes the whole road


def test_what_is_not_enough_to_look_at_is_not_written_from(here: Here) -> None:
    """A role that somebody deleted by hand: before anything is written, everything is looked at."""
    here.made.engine.by_hand(Kind.ROLES, [{"op": "remove", "path": "/viewers"}])
    assert here.follow(ANNA, BEN).writes
    asked = here.asked.of_engine
    first = next(number for number, one in enumerate(asked) if one.startswith("PATCH"))
    assert asked[:2] == LOOK
    assert set(WHOLE_LOOK) <= set(asked[2:first])


def cut_off(here: Here) -> None:
    """A writer claims what it is about to write, and dies."""

    def die(_: Any) -> None:
        raise Crash

    here.made.engine.meddle = die
    with suppress(Crash):
        here.follow(ANNA, CARL)
    here.made.ledger._leases.clear()
    here.made.people.groups[READERS] = (ANNA,)


def silent(here: Here) -> None:
    def no_answer(_: Any) -> None:
        here.made.engine.meddle = no_answer
        raise Unreachable("no answer")

    here.made.engine.meddle = no_answer
    with pytest.raises(Unreachable):
        here.follow(ANNA, CARL)
    here.made.engine.meddle = None
    here.made.people.groups[READERS] = (ANNA,)


def refused(here: Here) -> None:
    here.made.engine.refuses = lambda *_: True
    with pytest.raises(Refused):
        here.follow(ANNA, CARL)
    here.made.engine.refuses = lambda *_: False
    here.made.people.groups[READERS] = (ANNA,)


def locked_since(here: Here) -> None:
    custody = here.made.ledger.custody("demo")
    here.made.ledger.keep_custody(replace(custody, saves=custody.saves + 1))


def unread(here: Here) -> None:
    here.made.people.unread = {READERS: Refused("not allowed to read readers")}


def model_on_its_way(here: Here) -> None:
    here.made.fate.at = here.made.fate.calls + 5
    with suppress(Crash):
        apply_text(here.services, "demo", text(1), CAUSE)
    here.made.ledger._leases.clear()


@pytest.mark.parametrize("happened", [cut_off, silent, refused, locked_since, unread, model_on_its_way])
def test_after_an_unclear_run_everything_is_looked_at(here: Here, happened: Callable[[Here], None]) -> None:
    """What may have left the engine and the claims apart."""
    happened(here)
    here.follow(ANNA, BEN)
    assert here.looked_at_everything
    here.made.people.unread = {}
    synchronise(here.services, "demo", CAUSE)
    assert (here.mapped, here.made.ledger.custody("demo").state.value) == ({ANNA, BEN}, "open")


def test_a_change_of_who_administers_is_looked_at_whole() -> None:
    here = at_rest(more="    - {role: all_access, to: {cognito_group: writers}}\n")
    here.made.people.groups[WRITERS] = (CARL,)
    here.follow(ANNA)
    assert here.looked_at_everything
    assert CARL in here.made.engine.held.entries("all_access", "users")


def test_a_role_that_is_gone_is_made_again(here: Here) -> None:
    here.made.engine.by_hand(Kind.MAPPINGS, [{"op": "remove", "path": "/viewers"}])
    here.made.engine.by_hand(Kind.ROLES, [{"op": "remove", "path": "/viewers"}])
    here.follow(ANNA, BEN)
    assert here.looked_at_everything
    assert here.mapped == {ANNA, BEN}


def test_who_would_let_break_glass_in_is_refused_and_told_once() -> None:
    here = at_rest(more="    - {role: viewers, to: {iam_group: ops}}\n")
    here.made.people.groups[Subject(SubjectKind.IAM_GROUP, "ops")] = (arn("role", "portcullis-demo-break-glass"),)
    with pytest.raises(Refused, match="break-glass"):
        here.follow(ANNA)
    assert [alert.name for alert in here.made.aws.told].count("lock-out-refused") == 1
    assert here.mapped == {ANNA}


def test_a_writer_that_died_may_still_take_somebody_out_who_came_back_since(here: Here) -> None:
    """What it sent may arrive late: until everything was looked at after that, a short look is not enough."""
    here.follow(ANNA, BEN)
    late: list[Any] = []

    def sent_and_died(engine: Any) -> None:
        late.append([{"op": "remove", "path": "/viewers/users/1"}])
        raise Crash

    here.made.engine.meddle = sent_and_died
    with suppress(Crash):
        here.follow(ANNA)
    here.made.ledger._leases.clear()
    here.follow(ANNA, BEN)
    here.made.engine.by_hand(Kind.MAPPINGS, late[0])
    assert here.mapped == {ANNA}, "it is taken out, and nobody of us saw it"
    here.made.aws.at += timedelta(minutes=20)
    here.follow(ANNA, BEN)
    assert here.looked_at_everything
    assert here.mapped == {ANNA, BEN}
    here.follow(ANNA)
    assert not here.looked_at_everything, "it was seen once nothing could come any more"


# ---------------------------------------------------------------------- what happens on it


def test_others_at_work_meanwhile_are_seen_and_everything_is_looked_at(here: Here) -> None:
    here.follow(ANNA, BEN)

    def by_hand() -> None:
        here.made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/0", "value": "by-hand"}])

    here.asked.before = {3: by_hand}  # between the first look and the one right before the write
    here.follow(BEN)
    assert here.looked_at_everything
    assert here.mapped == {BEN, "by-hand"}


def test_what_the_engine_refuses_on_the_short_road_is_decided_on_the_whole_one(here: Here) -> None:
    refusals = iter([True])
    here.made.engine.refuses = lambda *_: next(refusals, False)
    here.follow(ANNA, BEN)
    assert here.looked_at_everything
    assert here.mapped == {ANNA, BEN}


def test_an_entry_made_by_hand_before_its_owner_joins_stays_nobodys(here: Here) -> None:
    here.made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": BEN}])
    here.follow(ANNA, BEN)
    here.follow(ANNA)
    assert (here.mapped, here.claimed) == ({ANNA, BEN}, {ANNA})


def test_a_change_by_hand_elsewhere_waits_for_the_sweep() -> None:
    """What the groups did touches `viewers` alone: of another role the short road sees nothing."""
    here = at_rest(1)
    engine = here.made.engine
    engine.by_hand(Kind.MAPPINGS, [{"op": "remove", "path": "/further_0/backend_roles/0"}])
    here.follow(ANNA, BEN)
    assert not here.looked_at_everything
    assert (here.mapped, engine.held.entries("further_0", "backend_roles")) == ({ANNA, BEN}, ())
    sweep(here.services)
    assert engine.held.entries("further_0", "backend_roles") == ("people-0",)


def test_a_change_by_hand_of_what_a_group_touches_is_put_right_with_it(here: Here) -> None:
    here.made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users", "value": []}])
    here.follow(ANNA, BEN)
    assert not here.looked_at_everything
    assert (here.mapped, here.claimed) == ({ANNA, BEN}, {ANNA, BEN})


def test_who_left_while_it_was_locked_is_out_though_events_take_the_short_road() -> None:
    here = town()
    here.services, asked = counted(here.account)
    for name in ("anna", "ben"):
        here.handle([here.sent(here.join(name))])
        here.pass_time(60)
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    event = here.leave("anna")
    here.handle([here.sent(event)])
    here.aws.disabled = False
    here.pass_time(60)
    guard(here.services, "demo", CAUSE)
    asked.clear()
    here.handle([here.sent(here.join("cara"))])
    assert asked.of_engine == [*LOOK, WRITE, *LOOK], "the short road"
    assert sorted(here.mapped) == ["ben", "cara"]
