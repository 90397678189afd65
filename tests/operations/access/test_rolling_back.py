"""A rollback puts model, roles and people back as they were, stands in the history as what it is, and can be rolled back itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.plan import AppliedStep, Subject, SubjectKind
from portcullis.errors import BadInput, Conflict, Overtaken, Refused, Shut, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.rolling_back import rollback, stamp
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.operations.writing.undertaking import digest
from portcullis.operations.writing.undoing import undone
from portcullis.ports.ledger import Change

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, account, mapping, model_text, plain, role

CAUSE = Trigger("a test", "somebody")
READERS, WRITERS = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers"))
ANNA, BEN = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
ROLES = "  roles:\n    viewers: {index_permissions: [{index_patterns: [%s], allowed_actions: [read]}]}\n"
FIRST = model_text((ROLES % "logs-*") + "  grants: [{role: viewers, to: {cognito_group: readers}}]\n")
SECOND = model_text((ROLES % "orders-*") + "  grants: [{role: viewers, to: {cognito_group: writers}}]\n")


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA,), WRITERS: (BEN,)}
    apply_text(one.services, "demo", FIRST, CAUSE)
    return one


def latest(made: Account) -> Change:
    return made.services.ledger.history("demo", 1)[0]


def users(made: Account) -> tuple[str, ...]:
    return made.engine.held.entries("viewers", "users")


def test_a_model_that_is_rolled_back_is_replaced_by_the_one_before_it(made: Account) -> None:
    before = plain(made.engine.held)
    apply_text(made.services, "demo", SECOND, CAUSE)
    after = plain(made.engine.held)
    assert users(made) == (BEN,)
    done = rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), users(made)) == (before, (ANNA,))
    assert (done.status, done.writes > 0) == ("applied", True)
    assert made.services.ledger.model("demo").text == FIRST
    entry = latest(made)
    assert (entry.operation, entry.cause, entry.actor) == ("rollback", "a test", "somebody")
    assert (entry.model_before, entry.model_after) == (SECOND, digest(FIRST))
    assert all(one.because.startswith("undoes: ") for one in entry.touched if one.because)
    rollback(made.services, "demo", CAUSE, entry=stamp(entry))
    assert plain(made.engine.held) == after
    assert made.services.ledger.model("demo").text == SECOND


def test_an_earlier_model_that_today_is_an_error_of_check_is_not_rolled_back_to(
    made: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was no error then (of a Portcullis before this one) may be one now, and nobody could apply it any more."""
    now = FIRST.replace("allowed_actions", "masked_fields: ['name::sha-0'], allowed_actions")
    with monkeypatch.context() as then:
        then.setattr("portcullis.operations.access.deployments.refuse_new_errors", lambda *_: None)
        apply_text(made.services, "demo", now, CAUSE)
    apply_text(made.services, "demo", FIRST, CAUSE)
    before = plain(made.engine.held)
    with pytest.raises(BadInput, match="sha-0"):
        rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), made.services.ledger.model("demo").text) == (before, FIRST)


def test_a_role_that_was_taken_away_comes_back_with_whom_it_was_given_to(made: Account) -> None:
    """In the order in which they stood."""
    made.people.groups[READERS] = (ANNA, BEN)
    synchronise(made.services, "demo", CAUSE)
    before = plain(made.engine.held)
    apply_text(made.services, "demo", model_text("  grants: []\n"), CAUSE)
    assert made.engine.held.get(Kind.ROLES, "viewers") is None
    assert made.engine.held.get(Kind.MAPPINGS, "viewers") is None
    rollback(made.services, "demo", CAUSE, entry="1")
    assert plain(made.engine.held) == before
    assert users(made) == (ANNA, BEN)


def test_nobody_who_left_since_is_put_back_by_a_rollback(made: Account) -> None:
    """Not even for the moment until the next look at the groups."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.people.groups = {READERS: (), WRITERS: (BEN,)}
    held = plain(made.engine.held)
    with pytest.raises(Refused, match="it would not last"):
        rollback(made.services, "demo", CAUSE, entry="1")
    assert plain(made.engine.held) == held
    assert made.services.ledger.model("demo").text == SECOND


def test_a_model_that_changes_nothing_on_the_engine_is_rolled_back(made: Account) -> None:
    """It is in the history like any other."""
    held, commented = plain(made.engine.held), f"# for the auditors\n{FIRST}"
    apply_text(made.services, "demo", commented, CAUSE)
    entry = latest(made)
    assert (entry.operation, entry.model_before, entry.model_after) == ("apply", FIRST, digest(commented))
    assert (entry.touched, "a new model" in entry.summary) == ((), True)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert made.services.ledger.model("demo").text == FIRST
    assert plain(made.engine.held) == held


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("call", range(2, 14))
def test_a_rollback_that_is_cut_off_is_gone_on_with(made: Account, call: int, after: bool) -> None:
    """Whatever it was doing: the next run comes to one of the two models whole, with the people whom that one asks for."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.fate.at, made.fate.after = made.fate.calls + call, after
    writes, wrote = made.engine.writes, True
    try:
        rollback(made.services, "demo", CAUSE, entry="1")
    except Crash:
        made.fate.at, wrote = -1, made.engine.writes > writes
        made.ledger._leases.clear()  # whoever had it is gone
        synchronise(made.services, "demo", CAUSE)
    made.fate.at = -1
    asked = {FIRST: (ANNA,), SECOND: (BEN,)}[made.services.ledger.model("demo").text]
    assert asked == (ANNA,) or not wrote, "what was begun on the engine is gone on with"
    assert users(made) == asked
    synchronise(made.services, "demo", CAUSE)
    assert users(made) == asked


def test_undoing_is_the_mirror_image_of_what_was_done() -> None:
    """In the opposite order, each with why; what had no reason gets none."""
    made_ = AppliedStep("add", Kind.ROLES, "viewers", after={"x": 1}, because="the model asks for it")
    put_in = AppliedStep("add", Kind.MAPPINGS, "viewers", "users", ANNA, after=ANNA)
    took_out = AppliedStep("remove", Kind.MAPPINGS, "viewers", "users", BEN, before=BEN, places=(1,))
    assert undone([made_, put_in, took_out]) == (
        AppliedStep("add", Kind.MAPPINGS, "viewers", "users", BEN, after=BEN),
        AppliedStep("remove", Kind.MAPPINGS, "viewers", "users", ANNA, before=ANNA),
        AppliedStep("remove", Kind.ROLES, "viewers", before={"x": 1}, because="undoes: the model asks for it"),
    )


# ---------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("written", ["1", "%Y%m%dT%H%M%S.%f", "%Y-%m-%dT%H:%M:%S.%f+00:00"])
def test_an_entry_is_named_by_its_number_or_by_its_time_as_history_shows_it(made: Account, written: str) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)
    rollback(made.services, "demo", CAUSE, entry=latest(made).at.strftime(written))
    assert users(made) == (ANNA,)


@pytest.mark.parametrize("strange", ["0", "77", "yesterday", "2025-06-01", ""])
def test_an_entry_that_is_not_there_is_answered_with_those_that_are(made: Account, strange: str) -> None:
    with pytest.raises(BadInput, match=f"no entry {strange!r} in the history of demo .1 to 1, or the time of one"):
        rollback(made.services, "demo", CAUSE, entry=strange)
    made.services.ledger._history.clear()
    with pytest.raises(BadInput, match=r"no entry '1' in the history of demo .there is none yet"):
        rollback(made.services, "demo", CAUSE, entry="1")


def test_the_answer_says_what_was_undone_and_that_the_file_is_ahead(made: Account) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)
    done = rollback(made.services, "demo", CAUSE, entry="1")
    assert done.file_is_ahead
    assert done.put_back == (
        f"remove rolesmapping/viewers/users: {BEN}",
        f"add rolesmapping/viewers/users: {ANNA}",
        "replace roles/viewers",
    )


# ---------------------------------------------------------------------- what is ours


def mine(made: Account) -> set[str]:
    return set(map(str, made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]))


def test_what_was_adopted_is_nobodys_again_and_stays_and_can_be_taken_over_again(made: Account) -> None:
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/hand", "value": role("read")}])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/hand", "value": mapping(backend_roles=["crew"])}])
    before, held = mine(made), plain(made.engine.held)
    adopt(made.services, "demo", CAUSE)
    taken = mine(made) - before
    assert taken == {"roles/hand", "rolesmapping/hand/backend_roles: crew"}
    rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), mine(made)) == (held, before)
    assert set(map(str, latest(made).released)) == taken
    synchronise(made.services, "demo", CAUSE)
    assert plain(made.engine.held) == held
    rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), mine(made)) == (held, before | taken)
    assert set(map(str, latest(made).claimed)) == taken
    apply_text(made.services, "demo", FIRST, CAUSE)
    assert made.engine.held.get(Kind.ROLES, "hand") is None, "once it is ours it goes with the model"


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("call", range(2, 12))
def test_what_was_adopted_stays_though_its_rollback_is_cut_off(made: Account, call: int, after: bool) -> None:
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/hand", "value": role("read")}])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/hand", "value": mapping(backend_roles=["crew"])}])
    held = plain(made.engine.held)
    adopt(made.services, "demo", CAUSE)
    made.fate.at, made.fate.after = made.fate.calls + call, after
    try:
        rollback(made.services, "demo", CAUSE, entry="1")
    except Crash:
        made.ledger._leases.clear()  # whoever had it is gone
    made.fate.at = -1
    for _ in range(2):
        synchronise(made.services, "demo", CAUSE)
    assert plain(made.engine.held) == held


def test_what_a_rollback_took_out_is_ours_no_more(made: Account) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert f"rolesmapping/viewers/users: {ANNA}" in mine(made)
    assert f"rolesmapping/viewers/users: {BEN}" not in mine(made)
    assert "roles/viewers" in mine(made), "it was replaced, and is ours as before"
    assert latest(made).claimed == (), "what it put back was ours before, and goes with the next rollback"


def test_everybody_comes_back_to_the_place_where_they_stood(made: Account) -> None:
    """Among others who are not ours, and twice over."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": "eve"}])
    rollback(made.services, "demo", CAUSE, entry="1")
    assert set(users(made)) == {ANNA, "eve"}
    rollback(made.services, "demo", CAUSE, entry="1")
    assert users(made) == (BEN, "eve")


def test_what_a_refused_rollback_had_put_back_is_taken_out_again(made: Account) -> None:
    """The engine takes the first write and not the second."""
    apply_text(made.services, "demo", model_text("  grants: []\n"), CAUSE)
    held, claimed = plain(made.engine.held), mine(made)
    made.engine.refuses = lambda kind, _: kind == Kind.MAPPINGS
    with pytest.raises(Refused, match="PATCH rolesmapping answered 400"):
        rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), mine(made)) == (held, claimed)
    made.engine.refuses = lambda *_: False
    synchronise(made.services, "demo", CAUSE)
    assert plain(made.engine.held) == held


def test_a_write_of_a_rollback_that_comes_late_lets_nobody_stay_in_who_left(made: Account) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": "eve"}])
    write = made.engine.write

    def silent(_: Any) -> bool:
        raise Unreachable("no answer")

    made.engine.write = silent  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        rollback(made.services, "demo", CAUSE, entry="1")
    made.engine.write = write  # type: ignore[method-assign]
    made.people.groups = {READERS: (), WRITERS: ()}
    synchronise(made.services, "demo", CAUSE)
    assert users(made) == ("eve",)
    # It arrives after all
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": ANNA}])
    synchronise(made.services, "demo", CAUSE)
    assert users(made) == ("eve",)


def test_what_was_changed_since_is_named_five_of_it_at_most(made: Account) -> None:
    many = "  roles:\n" + "".join(f"    r{n}: {{}}\n" for n in range(7))
    apply_text(made.services, "demo", model_text(many), CAUSE)
    for n in range(7):
        made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": f"/r{n}", "value": role("read")}])
        named = "; ".join(f"roles/r{one}" for one in range(min(n + 1, 5)))
        more = "; ..." if n >= 5 else ""
        with pytest.raises(Refused, match=f"^changed since: {named}{more}: roll that back first$"):
            rollback(made.services, "demo", CAUSE, entry="1")


# ---------------------------------------------------------------------- others at work


def test_a_rollback_that_somebody_got_ahead_of_looks_again(made: Account) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)

    def conflict(_: Any) -> None:
        raise Conflict("moved")

    made.engine.meddle = conflict
    done = rollback(made.services, "demo", CAUSE, entry="1")
    assert (done.writes > 0, len(done.put_back) > 0, users(made)) == (True, True, (ANNA,))


def test_what_else_is_to_be_done_by_then_does_not_stop_a_rollback(made: Account) -> None:
    """Somebody joined meanwhile: they come in with the model of before."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    carl = f"Cognito/{POOL}/carl"
    made.people.groups[READERS] = (ANNA, carl)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert set(users(made)) == {ANNA, carl}


@pytest.mark.parametrize("error", [Shut, Overtaken])
def test_a_rollback_that_was_shut_out_in_its_midst_does_not_say_that_it_was_done(
    made: Account, error: type[Exception]
) -> None:
    """Though all of it could go on right after."""
    apply_text(made.services, "demo", SECOND, CAUSE)

    def shut(_: Any) -> None:
        raise error("locked meanwhile, and open again")

    made.engine.meddle = shut
    with pytest.raises(error):
        rollback(made.services, "demo", CAUSE, entry="1")


def test_a_rollback_that_others_always_get_ahead_of_ends_and_says_so(made: Account) -> None:
    apply_text(made.services, "demo", SECOND, CAUSE)
    held, asked, waited = plain(made.engine.held), list[Any](), list[float]()

    def conflict(one: Any) -> bool:
        asked.append(one)
        raise Conflict("moved")

    made.engine.write = conflict  # type: ignore[method-assign]
    services = replace(made.services, sleep=waited.append)
    with pytest.raises(Conflict, match="others kept writing to demo; nothing of theirs was overwritten"):
        rollback(services, "demo", CAUSE, entry="1")
    assert plain(made.engine.held) == held
    assert len(asked) == len(waited) == 8


def test_only_a_user_who_comes_back_is_given_a_password(made: Account) -> None:
    text = model_text("  users: {kim: {}}\n  roles: {more: {}}\n").replace(
        "configuration: cognito", "configuration: internal"
    )
    apply_text(made.services, "demo", text, CAUSE)
    assert set(made.passwords.kept) == {"portcullis/demo/kim"}
    made.passwords.kept.clear()
    rollback(made.services, "demo", CAUSE, entry="1")
    assert made.engine.held.get(Kind.USERS, "kim") is None
    assert made.passwords.kept == {}
    rollback(made.services, "demo", CAUSE, entry="1")
    assert made.engine.held.get(Kind.USERS, "kim") is not None
    assert set(made.passwords.kept) == {"portcullis/demo/kim"}
