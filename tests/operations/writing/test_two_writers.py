"""Given two writers on one domain, then whoever lost the lease stops before the next write, and nothing is left that is nobody's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis.access.guard import Danger
from portcullis.access.plan import Claim, Operation, Subject, SubjectKind
from portcullis.custody.types import State
from portcullis.errors import Conflict, Overtaken, Refused, Shut, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.changing import lock_out
from portcullis.operations.access.changing.looking import compare
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.operations.telling import tell_kept

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, Aws, account, model_text

CAUSE, OTHER = Trigger("a test", "somebody"), Trigger("another writer", "somebody")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
ANNA, BEN, CARL = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl"))
MODEL = model_text(
    "  roles: {viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n"
    "  grants: [{role: viewers, to: {cognito_group: readers}}]\n"
)


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA,)}
    apply_text(one.services, "demo", MODEL, CAUSE)
    return one


def mapped(made: Account) -> set[str]:
    return set(made.engine.held.entries("viewers", "users"))


def claimed(made: Account) -> set[str]:
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]
    return {one.entry for one in claims if (one.name, one.entry_list) == ("viewers", "users")}


def meanwhile(made: Account, *people: str) -> Callable[[Any], None]:
    """The lease runs out, these are in the group now, and another writer does all of its work."""

    def overtake(_: Any) -> None:
        made.ledger._leases.clear()
        made.people.groups = {READERS: people}
        synchronise(made.services, "demo", OTHER)

    return overtake


def test_who_is_mapped_again_by_a_slow_writer_is_removed_at_the_next_look(made: Account) -> None:
    """The entry is claimed, so it belongs to somebody and can be taken out."""
    made.people.groups = {READERS: (ANNA, BEN)}
    made.engine.meddle = meanwhile(made, ANNA)  # before Ben's entry is written: he left again, and that was seen
    with pytest.raises((Overtaken, Conflict)):
        synchronise(made.services, "demo", CAUSE)
    assert BEN in mapped(made), "the write was on its way"
    assert BEN in claimed(made), "and is not nobody's"
    synchronise(made.services, "demo", OTHER)
    assert mapped(made) == {ANNA}


def test_a_writer_that_lost_the_lease_sends_nothing_more(made: Account) -> None:
    more = MODEL.replace("  grants:", "  tenants: {late: {description: a tenant}}\n  grants:")
    domain = made.ledger.registration("demo").place.id

    def overtake(_: Any) -> None:
        made.ledger._leases[domain] = ("another", float("inf"))

    made.engine.meddle = overtake  # at the first of its two writes
    with pytest.raises(Overtaken, match="another writer is at work"):
        apply_text(made.services, "demo", more.replace("[read]", "[read, write]"), CAUSE)
    assert "late" in made.engine.held.of(Kind.TENANTS), "it was on its way"
    written = made.engine.held.get(Kind.ROLES, "viewers") or {}
    assert written["index_permissions"][0]["allowed_actions"] == ["read"]
    assert made.ledger._leases[domain][0] == "another", "and nobody else's lease is ended"


@pytest.mark.parametrize(
    ("answer", "times", "says"),
    [
        (Conflict("version conflict"), 12, "others kept writing to demo through 12"),
        (Unreachable("none"), 3, "none"),
    ],
)
def test_an_engine_that_never_takes_a_write_is_asked_so_often_and_no_more(
    made: Account, answer: Exception, times: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def write(one: Any) -> bool:
        sent.append(one)
        raise answer

    made.people.groups = {READERS: (ANNA, BEN)}
    monkeypatch.setattr(made.engine, "write", write)
    with pytest.raises(type(answer), match=says):
        synchronise(made.services, "demo", CAUSE)
    assert (len(sent), mapped(made)) == (times, {ANNA})


def test_a_model_whose_writer_lost_the_lease_before_it_was_seen_is_not_in_force(
    made: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the lease by then may have applied another one."""
    domain, read, before = made.ledger.registration("demo").place.id, made.engine.read, made.engine.writes

    def overtaken(*kinds: Any) -> Any:
        if made.engine.writes > before:
            made.ledger._leases[domain] = ("another", float("inf"))
        return read(*kinds)

    monkeypatch.setattr(made.engine, "read", overtaken)
    with pytest.raises(Overtaken):
        apply_text(made.services, "demo", MODEL.replace("[read]", "[read, write]"), CAUSE)
    assert made.engine.writes == before + 1
    assert made.ledger.model("demo").text == MODEL
    assert waits(made), "it is not refused for that: the next run goes on with it"


def waits(made: Account) -> bool:
    """Whether a model is on its way, and none was refused."""
    kept = [made.ledger.saved("demo", name) is not None for name in ("model-coming", "model-refused")]
    return kept == [True, False] and "model-refused" not in [alert.name for alert in made.aws.told]


def test_a_lock_that_begins_while_a_model_is_written_refuses_no_model(made: Account) -> None:
    """Nobody is told that somebody's file was not taken: it is gone on with once it is open."""
    custody = made.ledger.custody("demo")

    def lock(_: Any) -> None:
        made.ledger.keep_custody(replace(custody, state=State.LOCKING, saves=custody.saves + 1))

    made.engine.meddle = lock
    with pytest.raises(Shut):
        apply_text(made.services, "demo", MODEL.replace("[read]", "[read, write]"), CAUSE)
    assert waits(made)
    made.ledger.keep_custody(replace(made.ledger.custody("demo"), state=State.OPEN))
    synchronise(made.services, "demo", CAUSE)
    assert "[read, write]" in made.ledger.model("demo").text


def test_what_may_still_come_stays_claimed_though_it_is_taken_out_now(made: Account) -> None:
    """Sent twice, or by two: the second may come once the first was undone."""
    site = made.services.site("demo")
    ben = Claim(Kind.MAPPINGS, "viewers", "users", BEN)
    mine = made.ledger.claims(site.place.id)["demo"]
    made.ledger.keep_claims(
        site.place.id, "demo", mine.becoming({*mine, ben}, late={ben}, until=made.aws.at + timedelta(minutes=15))
    )
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": BEN}])
    now = compare(site, made.ledger.model("demo"))
    assert [(step.operation, step.claim) for step in now.plan.steps] == [(Operation.REMOVE, ben)]
    assert ben in now.claims_after()


def test_an_entry_two_deployments_let_go_at_once_is_removed(made: Account) -> None:
    """Neither may rely on the other to keep it."""
    made.registered("second")
    apply_text(made.services, "second", MODEL.replace("deployment: demo", "deployment: second"), CAUSE)
    domain = made.ledger.registration("demo").place.id
    both = made.ledger.claims(domain)
    assert {one for one in both["demo"] if one.entry == ANNA} <= both["second"]
    made.people.groups = {READERS: ()}
    kept, halted = made.ledger.keep_claims, False

    def keep(*given: Any) -> Any:
        """Between the renewal of its lease and the write stands the first for so long that the other does all of its work."""
        nonlocal halted
        if not halted:
            halted = True
            own = made.ledger._of_thread.__dict__.pop(domain)
            made.ledger._leases.clear()
            synchronise(made.services, "second", OTHER)
            made.ledger._of_thread.__dict__[domain] = own
        return kept(*given)

    made.ledger.keep_claims = keep  # type: ignore[method-assign]
    with suppress(Overtaken):
        synchronise(made.services, "demo", CAUSE)
    assert halted
    synchronise(made.services, "demo", CAUSE)
    synchronise(made.services, "second", CAUSE)
    assert mapped(made) == set(), "somebody took it out"


def test_what_was_not_answered_stays_claimed_for_a_while_and_no_longer(made: Account) -> None:
    made.people.groups = {READERS: (ANNA, BEN)}
    late: list[Any] = []

    def silent(engine: Any) -> None:
        """The request is on its way to an engine that does not answer; meanwhile Ben leaves."""
        made.people.groups = {READERS: (ANNA,)}
        late.append([{"op": "add", "path": "/viewers/users/-", "value": BEN}])
        raise Unreachable("no answer")

    made.engine.meddle = silent
    synchronise(made.services, "demo", CAUSE)
    assert (mapped(made), BEN in claimed(made)) == ({ANNA}, True)
    made.engine.by_hand(Kind.MAPPINGS, late[0])  # it arrives after all
    synchronise(made.services, "demo", CAUSE)
    assert (mapped(made), BEN in claimed(made)) == ({ANNA}, True)
    made.aws.at += timedelta(minutes=15)
    synchronise(made.services, "demo", CAUSE)
    assert claimed(made) == {ANNA}


def test_a_writer_that_died_leaves_its_claims_until_nothing_of_it_can_come(made: Account) -> None:
    made.people.groups = {READERS: (ANNA, BEN)}

    def die(_: Any) -> None:
        raise Crash

    made.engine.meddle = die
    with pytest.raises(Crash):
        synchronise(made.services, "demo", CAUSE)
    made.ledger._leases.clear()
    made.people.groups = {READERS: (ANNA,)}
    synchronise(made.services, "demo", OTHER)
    assert BEN in claimed(made)
    made.aws.at += timedelta(minutes=15)
    synchronise(made.services, "demo", OTHER)
    assert claimed(made) == {ANNA}


@pytest.mark.parametrize("trouble", [Conflict("moved"), Unreachable("no answer")], ids=["conflict", "silence"])
def test_after_a_conflict_or_a_silence_the_groups_are_read_again(made: Account, trouble: Exception) -> None:
    made.people.groups = {READERS: (ANNA, BEN, CARL)}

    def leave(_: Any) -> None:
        made.people.groups = {READERS: (ANNA, CARL)}
        raise trouble

    made.engine.meddle = leave
    before = made.ledger.watermark("demo")
    synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {ANNA, CARL}, "a conflict is followed by a new look, and Ben never got in"
    assert made.ledger.watermark("demo") != before


def test_a_conflict_while_taking_out_is_followed_by_a_new_look(made: Account) -> None:
    made.people.groups = {READERS: ()}

    def once(_: Any) -> None:
        raise Conflict("moved")

    made.engine.meddle = once
    synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == set()


def test_a_deployment_is_not_set_up_while_another_writer_is_at_work(made: Account) -> None:
    here = made.ledger.registration("demo")
    made.ledger._leases[here.place.id] = ("somebody", float("inf"))
    lease = made.ledger.lease
    made.ledger.lease = lambda *a, **k: lease(*a, **{**k, "wait": 0.01})  # type: ignore[method-assign]
    writes = made.engine.writes
    with pytest.raises(Unreachable, match="another writer is at work on demo"):
        introduce(made.services.at(here), MODEL.replace("[read]", "[read, write]"), CAUSE)
    assert made.engine.writes == writes
    assert made.ledger.model("demo").text == MODEL


def test_the_guard_of_an_apply_is_asked_before_the_first_write(made: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_out, "guard_plan", lambda *_: (Danger("nobody is left", "keep somebody"),))
    writes, made.people.groups = made.engine.writes, {READERS: (ANNA, BEN)}
    with pytest.raises(Refused, match="nobody is left"):
        synchronise(made.services, "demo", CAUSE)
    assert made.engine.writes == writes
    [told] = made.aws.told
    assert (told.name, told.detail) == ("lock-out-refused", {"cause": CAUSE.what, "actor": CAUSE.actor})


def test_a_change_that_locks_out_is_refused_though_that_cannot_be_told(
    made: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be told is no silence of the engine: it is refused at once, and whoever left goes alone."""
    made.people.groups = {READERS: (ANNA, BEN)}
    synchronise(made.services, "demo", CAUSE)
    made.people.groups = {READERS: (BEN, CARL)}
    danger = (Danger("nobody is left", "keep somebody"),)
    joins = lambda held, sequence: any(CARL in str(one.body) for one in sequence)  # noqa: E731

    def guard(family: Any, held: Any, sequence: Any, *_: Any) -> Any:
        return danger if joins(held, sequence) else ()

    def mute(self: Aws, alert: Any) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    monkeypatch.setattr(lock_out, "guard_plan", guard)
    monkeypatch.setattr(Aws, "tell", mute)
    with pytest.raises(Refused, match="nobody is left"):
        synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {BEN}
    monkeypatch.undo()
    tell_kept(made.services, "demo")
    assert [alert.name for alert in made.aws.told] == ["lock-out-refused"]


def test_what_was_adopted_is_claimed_and_goes_with_the_next_model(made: Account) -> None:
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/backend_roles", "value": ["by-hand"]}])
    adopted = adopt(made.services, "demo", CAUSE)
    assert adopted.exit_status == 0
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]
    assert "by-hand" in {one.entry for one in claims}
    apply_text(made.services, "demo", MODEL, CAUSE)
    assert made.engine.held.entries("viewers", "backend_roles") == ()
