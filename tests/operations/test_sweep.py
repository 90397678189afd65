"""Given one deployment that fails, in whatever way, then the sweep of the others is done, and what can be done of its own is."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from portcullis import correlation
from portcullis.custody.types import Custody, State
from portcullis.entry import operate
from portcullis.entry.verbs.types import exit_status_of
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Services, Trigger
from portcullis.operations.status import every
from portcullis.operations.sweep import sweep
from portcullis.operations.writing.undertaking import begin, starting
from portcullis.signals.types import ACCOUNT

from tests.operations.estates import Estate, estate
from tests.operations.worlds import Account, account, mapping, model_text
from tests.reactions.town import Town, town

KINDS = (TypeError, RecursionError, KeyError, UnicodeEncodeError, MemoryError, Unreachable)


def an(error: type[Exception]) -> Exception:
    return (
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")
        if error is UnicodeEncodeError
        else error("as it happens")
    )


def failing(made: Estate, part: str, error: Exception) -> Services:
    """The world, in which one part does not work for the deployment `bad`; alerts and queues are everybody's."""

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return fails

    if part in ("alerts", "dead_letters"):
        return replace(made.services, **{part: Failing()})
    working = getattr(made.services, part)
    return replace(made.services, **{part: lambda one: Failing() if one.deployment == "bad" else working(one)})


@pytest.mark.parametrize("error", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("part", ["keys", "engine", "identity"])
def test_one_that_fails_is_told_once_and_the_others_are_swept(part: str, error: type[Exception]) -> None:
    made = estate("aaa", "bad", "zzz")
    services = failing(made, part, an(error))
    for _ in range(2):
        aaa, bad, zzz = sweep(services)
        assert (aaa.error, aaa.state, zzz.error, zzz.state) == ("", "open", "", "open")
        assert bad.error == (str(an(error)) if error is Unreachable else f"{error.__name__}: {an(error)}")
    assert made.alerts().count("sweep-failed") == 1


@pytest.mark.parametrize("part", ["engine", "chores", ""])
def test_a_sweep_that_was_not_whole_is_no_success_to_a_runbook(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """It goes by the exit status alone. The answer names what is missing."""
    made = estate("bad", "zzz")
    right = Refused("User: x is not authorized to perform: a:B on resource: y")
    services = failing(made, "engine", right) if part == "engine" else made.services
    if part == "chores":
        monkeypatch.setattr("portcullis.operations.sweep.rotate_when_due", _refuses(right))
    monkeypatch.setattr(operate, "from_environment", lambda: services)
    door = "arn:aws:lambda:eu-central-1:111122223333:function:portcullis-operate:act"
    answer = operate.answer({"verb": "sweep", "actor": "a runbook"}, door, logging.getLogger("test"))
    assert answer["exit_status"] == (1 if part else 0)
    assert ("a:B" in str(answer["answer"])) is bool(part)


def _refuses(error: Exception) -> Any:
    def refuse(*_: Any) -> None:
        raise error

    return refuse


def test_another_missing_right_is_told_though_a_sweep_failed_before() -> None:
    made = estate("bad")
    for right in ("a:B", "a:B", "c:D"):
        sweep(failing(made, "engine", Refused(f"not authorized to perform: {right} on resource: y")))
    assert made.alerts().count("sweep-failed") == 2


def test_a_ledger_that_cannot_be_read_is_told_by_each_sweep() -> None:
    """Nobody can say whether it was told: better twice than never."""
    made = estate("bad")

    class Shut:
        def __getattr__(self, name: str) -> Any:
            if name == "deployments":
                return lambda: ("bad",)
            raise Unreachable("the ledger lets nobody in: dynamodb:GetItem")

    for _ in range(2):
        (bad,) = sweep(replace(made.services, ledger=Shut()))
        assert "dynamodb:GetItem" in bad.error
    failed = [alert for alert in made.account.aws.told if alert.name == "sweep-failed"]
    assert len(failed) == 2
    assert "dynamodb:GetItem" in failed[0].happened


@pytest.mark.parametrize("error", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("part", ["alerts", "dead_letters"])
def test_what_is_the_accounts_and_fails_keeps_no_deployment_from_being_swept(part: str, error: type[Exception]) -> None:
    made = estate("aaa", "zzz")
    found = sweep(failing(made, part, an(error)))
    assert [(one.deployment, one.state) for one in found] == [("aaa", "open"), ("zzz", "open")]


def test_a_key_that_cannot_be_looked_at_keeps_nobody_who_left_in() -> None:
    """The parts of one sweep do not wait for each other either."""
    made = estate("bad")
    read: list[str] = []
    services = failing(made, "keys", TypeError("no such probe"))
    engine = services.engine
    services = replace(services, engine=lambda one: read.append(one.deployment) or engine(one))
    [found] = sweep(services)
    assert "TypeError" in found.error
    assert read


@pytest.mark.parametrize("damage", [b"[]", b'{"deployment": 5}', b"no json at all", b'{"deployment": "bad"}'])
def test_a_registration_that_cannot_be_read_is_its_own_deployments_trouble(damage: bytes) -> None:
    made = estate("aaa", "bad", "zzz")
    made.account.ledger._items["registration", "bad"] = damage
    found = {one.deployment: one for one in sweep(made.services)}
    assert found["bad"].error
    assert (found["aaa"].error, found["zzz"].error) == ("", "")
    assert "sweep-failed" in made.alerts()
    listed = {line["deployment"]: line["state"] for line in every(made.services)}
    assert (listed["aaa"], listed["zzz"]) == ("open", "open")
    assert listed["bad"] == "unknown"
    [bad] = [line for line in every(made.services) if "error" in line]
    assert "cannot be read" in bad["error"]
    assert exit_status_of(every(made.services)) == 1


@pytest.mark.parametrize("error", [TypeError, Unreachable], ids=lambda kind: kind.__name__)
def test_a_custody_that_cannot_be_read_is_its_own_deployments_trouble(error: type[Exception]) -> None:
    """Nobody knows whether it is open, so its access is left alone; the others are swept."""
    made = estate("aaa", "bad", "zzz")
    read: list[str] = []

    class Ledger:
        def __getattr__(self, name: str) -> Any:
            return getattr(made.services.ledger, name)

        def custody(self, deployment: str) -> Any:
            if deployment == "bad":
                raise error("as it happens")
            return made.services.ledger.custody(deployment)

    engine = made.services.engine
    services = replace(made.services, ledger=Ledger(), engine=lambda one: read.append(one.deployment) or engine(one))
    found = {one.deployment: one for one in sweep(services)}
    assert "as it happens" in found["bad"].error
    assert [(found[name].error, found[name].state) for name in ("aaa", "zzz")] == [("", "open")] * 2
    assert set(read) == {"aaa", "zzz"}


def test_whatever_a_sweep_does_is_logged_under_its_deployment() -> None:
    made = estate("aaa", "zzz")
    about: set[tuple[str, str]] = set()
    engine = made.services.engine
    services = replace(
        made.services, engine=lambda one: about.add((one.deployment, correlation.deployment())) or engine(one)
    )
    sweep(services)
    assert about == {("aaa", "aaa"), ("zzz", "zzz")}


def test_what_went_wrong_is_in_the_log_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "portcullis"):
        sweep(failing(estate("bad"), "engine", TypeError("unhashable")))
    assert any(record.exc_info and "unhashable" in record.getMessage() for record in caplog.records)


def test_once_it_works_again_the_next_failure_is_told_again() -> None:
    made = estate("bad")
    broken = failing(made, "engine", TypeError("first"))
    for services in (broken, broken, made.services, broken):
        sweep(services)
    assert made.alerts().count("sweep-failed") == 2


def mapped_by_hand(here: Town, role: str, *users: str) -> None:
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}", "value": mapping(users=list(users))}])


def drifts(here: Town) -> list[Any]:
    return [one for one in here.services.ledger.history("demo") if one.operation == "drift"]


@pytest.mark.parametrize(("role", "severity"), [("viewers", "warning"), ("security_manager", "critical")])
def test_what_was_changed_by_hand_is_told_once_and_stands_in_the_history(role: str, severity: str) -> None:
    """Who administers the domain is graver than who reads of it. What a person put in stays, and is told again only if it went and came."""
    here = town()
    before = here.account.engine.held.get(Kind.MAPPINGS, role)
    mapped_by_hand(here, role, "eve")
    for _ in range(2):
        [swept] = sweep(here.services)
        assert [line for line in swept.drift if "eve" in line]
        assert (swept.state, swept.health, swept.error) == ("open", "healthy", "")
    [told] = here.told("drift")
    assert told.severity == severity
    assert "eve" in told.happened
    assert told.detail["drift"] == list(swept.drift)
    [entry] = drifts(here)
    assert (entry.cause, entry.actor, entry.after) == ("sweep", "portcullis", list(swept.drift))
    assert "eve" in entry.summary
    for value in (before or mapping(), mapping(users=["eve"])):
        here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}", "value": value}])
        sweep(here.services)
    assert len(drifts(here)) == len(here.told("drift")) >= 2


def test_what_was_done_elsewhere_on_the_domain_is_nobodys_drift() -> None:
    here = town()
    mapped_by_hand(here, "opensearch_dashboards_user", "eve")
    [swept] = sweep(here.services)
    assert swept.drift == ()
    assert (here.told("drift"), drifts(here)) == ([], [])


def test_dead_letters_are_told_by_queue_and_again_once_there_were_none() -> None:
    here = town()

    def lie(*queues: str) -> list[str]:
        here.aws.buried[:] = [(queue, "{}", "demo", "unread") for queue in queues]
        here.sweep()
        return [told.happened.rpartition(": ")[2] for told in here.told("dead-letters-waiting")]

    both = "1 of the identity queue, 2 of the key queue"
    assert lie() == []
    assert lie("key", "identity", "key") == [both]
    assert lie("key", "identity", "key") == [both]
    assert lie("key") == [both, "1 of the key queue"]
    lie()
    assert lie("key") == [both, "1 of the key queue", "1 of the key queue"]


def test_a_locked_deployment_is_swept_for_its_key_alone() -> None:
    """Its access is not compared, for its mappings are shut. The key that comes back opens it, and whoever left meanwhile is out."""
    here = town()
    here.join("anna")
    here.join("ben")
    here.sweep()
    here.aws.disabled = True
    [swept] = sweep(here.services)
    assert (swept.state, swept.health, swept.drift, swept.steps) == ("locked", "revoked", (), 0)
    here.leave("ben")
    here.aws.disabled = False
    [swept] = sweep(here.services)
    assert (swept.state, here.mapped) == ("open", ["anna"])
    assert here.told("drift") == []


def test_a_sweep_says_how_much_it_put_right() -> None:
    here = town()
    here.join("anna")
    assert [one.steps for one in sweep(here.services)] == [2], "the mapping, and she in it"
    assert [one.steps for one in sweep(here.services)] == [0]
    assert here.mapped == ["anna"]


def test_what_was_put_right_while_nobody_could_be_told_is_told_later() -> None:
    """The next look finds it no more: what is ours was put right."""
    here = town()
    here.join("anna")
    here.sweep()
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "remove", "path": "/viewers/users/0"}])
    here.aws.mute = True
    [swept] = sweep(here.services)
    assert (here.mapped, len(swept.drift), swept.error) == (["anna"], 1, "")
    here.aws.mute = False
    for _ in range(2):
        here.sweep()
    [told] = here.told("drift")
    assert told.detail["drift"] == list(swept.drift)
    [entry] = drifts(here)
    assert entry.after == list(swept.drift)


@pytest.mark.parametrize(
    ("state", "asked"),
    [(State.OPEN, True), (State.LOCKED, True), (State.DELETING, False), (State.DELETED, False)],
    ids=lambda one: getattr(one, "value", ""),
)
def test_the_page_of_a_locked_one_is_asked_for_and_that_of_a_deleted_one_is_not(state: State, asked: bool) -> None:
    """Whoever is on call wants it most then."""
    made, pages = estate("demo"), list[str]()
    made.services.ledger.keep_custody(Custody("demo", state))
    settings = replace(made.services.settings, page_minutes=60)
    sweep(replace(made.services, settings=settings, ask_for_page=pages.append))
    assert pages == ["demo"] * asked


def test_a_chore_that_cannot_be_done_is_told_once_and_keeps_no_other_from_being_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be done stands in the answer, each time. Over, it is told when it comes again."""
    made, done = estate("demo"), list[str]()
    chores = ("follow_secrets", "keep_role_choice", "rotate_when_due", "keep_restorable", "look_after_keys")
    for chore in chores:
        monkeypatch.setattr(f"portcullis.operations.sweep.{chore}", lambda *_, chore=chore: done.append(chore))

    def broken(*_: Any) -> None:
        raise Unreachable("Secrets Manager did not answer")

    said = "passwords: Secrets Manager did not answer"
    for works in (False, False, True, False):
        with monkeypatch.context() as patched:
            if not works:
                patched.setattr("portcullis.operations.sweep.follow_secrets", broken)
            done.clear()
            [swept] = sweep(made.services)
        assert (swept.error, swept.not_seen_to) == ("", () if works else (said,))
        assert done == list(chores if works else chores[1:])
    told = [alert for alert in made.account.aws.told if alert.name == "passwords-not-seen-to"]
    assert [alert.happened for alert in told] == [
        "the sweep could not see to the passwords of demo: Secrets Manager did not answer"
    ] * 2


def test_nothing_is_swept_and_no_dead_letter_told_where_there_is_no_deployment() -> None:
    made = account()
    assert sweep(made.services) == []
    assert made.aws.told == []


def test_at_most_twenty_changes_are_named_and_all_are_kept_with_the_alert() -> None:
    here = town()
    mapped_by_hand(here, "viewers", *(f"user-{number:02d}" for number in range(23)))
    [swept] = sweep(here.services)
    [told] = here.told("drift")
    assert len(swept.drift) > 20
    assert told.detail["drift"] == list(swept.drift)
    assert told.happened == ("the engine holds something else than the model asks for: " + "; ".join(swept.drift[:20]))


def test_a_ledger_that_goes_at_the_end_of_a_sweep_is_said_in_its_answer() -> None:
    """All of it was done by then; how it is now nobody can say."""
    made = estate("demo")

    class Ledger:
        def __getattr__(self, name: str) -> Any:
            return getattr(made.services.ledger, name)

        def saved(self, deployment: str, name: str) -> Any:
            if name == "told#sweep-failed":
                raise Unreachable("the ledger did not answer")
            return made.services.ledger.saved(deployment, name)

    [swept] = sweep(replace(made.services, ledger=Ledger()))
    assert (swept.deployment, swept.error) == ("demo", "the ledger did not answer")
    assert (swept.state, swept.health, swept.drift, swept.steps) == ("", "", (), 0)


def test_what_was_changed_by_hand_stands_in_the_answer_though_it_cannot_be_put_right() -> None:
    here = town()
    mapped_by_hand(here, "viewers", "eve")
    here.join("anna")
    here.account.engine.refuses = lambda *_: True
    [swept] = sweep(here.services)
    assert "this is not taken" in swept.error
    assert any("eve" in one for one in swept.drift)


def widened_by_hand() -> Account:
    made = account()
    made.registered()
    text = model_text(
        "  roles: {viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n"
    )
    apply_text(made.services, "demo", text, Trigger("a test", "somebody"))
    synchronise(made.services, "demo", Trigger("a test", "somebody"))
    path = "/viewers/index_permissions/0/index_patterns"
    made.engine.by_hand(Kind.ROLES, [{"op": "replace", "path": path, "value": ["*"]}])
    return made


def of_viewers(made: Account) -> list[str]:
    return [alert.happened for alert in made.aws.told if alert.name == "drift" and "viewers" in alert.happened]


def test_what_was_changed_by_hand_is_told_by_the_reaction_that_puts_it_right() -> None:
    """The next sweep finds it as it should be."""
    made = widened_by_hand()
    synchronise(made.services, "demo", Trigger("an event", "somebody"))
    sweep(made.services)
    assert len(of_viewers(made)) == 1
    assert [one.cause for one in made.services.ledger.history("demo") if one.operation == "drift"] == ["an event"]


def test_what_a_run_of_ours_left_half_done_is_nobodys_drift() -> None:
    """Cut off in the midst of taking a refused model back, say."""
    made = widened_by_hand()
    one = starting(made.services, Trigger("a test", "somebody"), "apply")
    begin(made.services.site("demo"), one)
    synchronise(made.services, "demo", Trigger("an event", "somebody"))
    assert of_viewers(made) == []


def test_a_sweep_looks_at_the_eyes_and_roads_of_the_account_and_of_each_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[tuple[str, str]] = []
    for name in ("look_at_account", "look_at_roads", "look_at_own"):

        def look(where: Any, *more: Any, name: str = name) -> None:
            of = more[0] if name == "look_at_roads" else getattr(where, "name", "account")
            looked.append((name, of))

        monkeypatch.setattr(f"portcullis.operations.sweep.{name}", look)
    sweep(estate("aaa", "zzz").services)
    each = [(look, name) for look in ("look_at_own", "look_at_roads") for name in ("aaa", "zzz")]
    assert sorted(looked) == sorted([("look_at_account", "account"), ("look_at_roads", ACCOUNT), *each])
