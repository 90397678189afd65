"""Given a group that has a role of its own, when somebody is no longer in it, then what she still holds ends: once, and not before."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.types import Measure, Progress, State
from portcullis.entry.operate import carry_out
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.custody.guard import guard
from portcullis.operations.people.sessions import still_to_be_ended
from portcullis.operations.services import Trigger
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Cognito

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, Aws, Fate, account, arn, model_text
from tests.reactions.town import town

GROUP, ROLE, MASTER = "tokens", arn("role", "portcullis-demo-tokens"), arn("role", "master")
MASTERS, READERS = "masters", "readers"
ANNA, BEN, CARL = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl"))
ACCESS = """\
  roles: {viewers: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}}
  grants:
    - {role: viewers, to: {cognito_group: tokens, by: role}}
    - {role: viewers, to: {cognito_group: readers}}
"""
WITH_ROLES = Cognito(POOL, group_roles={GROUP: ROLE, MASTERS: MASTER}, bounded_roles={GROUP: ROLE})
DENY, SIGN_OUT, BOTH, NEITHER = (
    "{deny_older_sessions: true}",
    "{end_sessions: true}",
    "{deny_older_sessions: true, end_sessions: true}",
    "{sweep_minutes: 5}",
)


def are_in(made: Account, **groups: tuple[str, ...]) -> None:
    made.people.groups = {Subject(SubjectKind.COGNITO_GROUP, group): who for group, who in groups.items()}


def ask(made: Account, verb: str, **arguments: Any) -> Any:
    request = {"verb": verb, "deployment": "demo", "arguments": arguments, "actor": "somebody", "cause": "a test"}
    return json.loads(json.dumps(carry_out(made.services, request, alias="act")))


def opted(custody: str, fate: Fate | None = None) -> Account:
    """A deployment whose groups `tokens` and `masters` have roles, of which the first is within a boundary; anna and ben are in."""
    made = account(fate=fate)
    made.registered(cognito=WITH_ROLES)
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,), readers=())
    ask(made, "apply", text=model_text(ACCESS, custody=custody))
    return made


def ends(made: Account) -> list[dict[str, Any]]:
    return [change for change in ask(made, "history") if change["operation"] == "end sessions"]


@pytest.mark.parametrize(
    ("custody", "signed_out", "denied"),
    [(DENY, [BEN], True), (SIGN_OUT, [BEN], False), (BOTH, [BEN], True), (NEITHER, [], False)],
)
def test_a_leaver_is_signed_out_and_older_sessions_denied_as_the_file_says(
    custody: str, signed_out: list[str], denied: bool
) -> None:
    """The file may ask for one of them, for both or for neither."""
    made = opted(custody)
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    before = made.aws.at
    ask(made, "synchronise")
    assert made.people.signed_out == signed_out
    assert set(made.people.denied) == ({ROLE} if denied else set())
    assert all(at > before for at in made.people.denied.values())
    assert len(ends(made)) == len(signed_out)


def test_the_history_says_who_left_and_from_when_on_sessions_count() -> None:
    made = opted(DENY)
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    (told,) = ends(made)
    assert told["after"] == [f"{BEN} left tokens"]
    assert f"sessions of tokens from before {made.people.denied[ROLE]:%Y-%m-%dT%H:%M:%SZ} denied" in told["summary"]
    assert told["actor"] == "somebody"


@pytest.mark.parametrize("who", [(ANNA, BEN), (ANNA, BEN, CARL)])
def test_nothing_ends_while_nobody_leaves(who: tuple[str, ...]) -> None:
    made = opted(BOTH)
    are_in(made, tokens=who, masters=(CARL,))
    for _ in range(3):
        ask(made, "synchronise")
    assert (made.people.signed_out, made.people.denied, ends(made)) == ([], {}, [])


def test_it_ends_once_and_a_later_leaving_moves_the_instant_on() -> None:
    made = opted(DENY)
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    first = made.people.denied[ROLE]
    ask(made, "synchronise")
    assert (made.people.denied[ROLE], made.people.signed_out) == (first, [BEN])
    made.aws.at = made.aws.at.replace(year=2026)
    are_in(made, masters=(CARL,))
    ask(made, "synchronise")
    assert made.people.denied[ROLE] > first
    assert made.people.signed_out == [BEN, ANNA]


def test_a_group_that_is_gone_has_nobody_left_in_it() -> None:
    made = opted(DENY)
    are_in(made, masters=(CARL,))
    ask(made, "synchronise")
    assert (sorted(made.people.signed_out), set(made.people.denied)) == ([ANNA, BEN], {ROLE})


def test_the_masters_role_is_never_denied_though_a_leaver_is_signed_out() -> None:
    """Denying its older sessions would shut out the master."""
    made = opted(DENY)
    are_in(made, tokens=(ANNA, BEN))
    ask(made, "synchronise")
    assert (made.people.signed_out, made.people.denied) == ([CARL], {})


def test_a_leaver_from_a_group_by_members_ends_nobodys_role_sessions() -> None:
    """They are signed out. The role of another group is not denied."""
    made = opted(BOTH)
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,), readers=(CARL,))
    ask(made, "synchronise")
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,))
    ask(made, "synchronise")
    assert (made.people.signed_out, made.people.denied) == ([CARL], {})


@pytest.mark.parametrize("failing", ["fails", "denials_fail"])
def test_what_cannot_be_ended_is_told_holds_up_nothing_and_is_made_up_for(failing: str) -> None:
    made = opted(DENY)
    are_in(made, tokens=(ANNA,), masters=(CARL,), readers=(CARL,))
    setattr(made.people, failing, 2)
    assert ask(made, "synchronise")["status"] == "applied"
    denied = dict(made.people.denied)
    assert set(denied) == ({ROLE} if failing == "fails" else set()), "the one way does not wait for the other"
    ask(made, "synchronise")
    assert [alert.name for alert in made.aws.told] == ["sessions-not-ended"], "told once"
    assert (made.people.denied, ends(made)) == (denied, []), "who stays signs in anew once, and not with each try"
    made.aws.at += timedelta(minutes=5)
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,), readers=(CARL,))  # who comes back does not undo it
    ask(made, "synchronise")
    assert BEN in made.people.signed_out
    assert set(made.people.denied) == {ROLE}
    assert made.people.denied != denied, (
        "once more, after the sign-out: a token of before fetched credentials until then"
    )
    assert len(ends(made)) == 1
    setattr(made.people, failing, 1)
    are_in(made, tokens=(ANNA,), masters=(CARL,), readers=(CARL,))
    ask(made, "synchronise")
    assert len(made.aws.told) == 2, "the next time it is told again"


def test_a_leaver_is_out_though_neither_their_sessions_end_nor_anybody_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever takes away the topic keeps nobody in: not in that group, nor in any other."""
    made = opted(DENY)
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,), readers=(ANNA,))
    ask(made, "synchronise")
    assert made.engine.held.get(Kind.MAPPINGS, "viewers")["users"] == [ANNA]

    def mute(self: Aws, alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    made.people.fails = 2
    are_in(made, tokens=(ANNA,), masters=(CARL,), readers=())
    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        assert ask(made, "synchronise")["status"] == "applied"
    assert made.engine.held.get(Kind.MAPPINGS, "viewers")["users"] == []
    ask(made, "synchronise")
    assert [alert.name for alert in made.aws.told] == ["sessions-not-ended"], "told by the first look that can"


def test_a_second_leaver_is_denied_though_the_first_is_not_signed_out_yet() -> None:
    made = opted(DENY)
    made.people.fails = 9
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    first = made.people.denied[ROLE]
    made.aws.at += timedelta(minutes=5)
    are_in(made, tokens=(), masters=(CARL,))
    ask(made, "synchronise")
    second = made.people.denied[ROLE]
    made.aws.at += timedelta(minutes=5)
    ask(made, "synchronise")
    assert (second > first, made.people.denied[ROLE]) == (True, second)


def test_another_missing_right_is_told_and_the_same_one_is_not_told_again() -> None:
    """Whoever gives one back would else think that it was all."""
    made = opted(DENY)
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    for right in ("a:B", "a:B", "c:D"):

        def refuse(_: object, right: str = right) -> int:
            raise Refused(f"no: not authorized to perform: {right} on resource: x")

        made.people.end_sessions = refuse  # type: ignore[method-assign,assignment]
        ask(made, "synchronise")
    assert [right for alert in made.aws.told for right in ("a:B", "c:D") if right in alert.happened] == ["a:B", "c:D"]


def test_who_waited_as_the_file_asks_for_it_no_more_keeps_nothing_shut() -> None:
    made = opted(DENY)
    made.people.fails = 2
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    assert still_to_be_ended(made.services.site("demo")) == ("tokens",)
    ask(made, "apply", text=model_text(ACCESS, custody=NEITHER))
    assert still_to_be_ended(made.services.site("demo")) == ()
    assert ask(made, "lock", reason="a test")["state"] == "locked"
    assert ask(made, "unlock")["state"] == "open"
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,))
    ask(made, "apply", text=model_text(ACCESS, custody=DENY))
    made.people.fails = 1
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    names = [alert.name for alert in made.aws.told]
    assert names.count("sessions-not-ended") == 2, "told again: the first one was over"


@pytest.mark.parametrize("why", [Unreachable("the user pool did not answer"), Refused("not allowed to look")])
def test_groups_that_cannot_be_read_lose_nobody_and_keep_no_leaver_in(why: PortcullisError) -> None:
    made = opted(DENY)
    are_in(made, tokens=(ANNA, BEN), masters=(CARL,), readers=(ANNA, CARL))
    ask(made, "synchronise")

    def silent(_: Any) -> Any:
        raise why

    reading, made.people.members_of = made.people.members_of, silent  # type: ignore[method-assign]
    are_in(made, tokens=(ANNA,), masters=(CARL,), readers=(CARL,))
    with pytest.raises(type(why)):
        ask(made, "synchronise")
    assert made.engine.held.get(Kind.MAPPINGS, "viewers")["users"] == [CARL]
    assert (made.people.signed_out, made.people.denied) == ([], {})
    made.people.members_of = reading  # type: ignore[method-assign]
    ask(made, "synchronise")
    assert (made.people.signed_out, set(made.people.denied)) == ([BEN], {ROLE})


@pytest.mark.parametrize("why", [Unreachable("the user pool did not answer"), Refused("not allowed to look")])
def test_after_a_lock_nothing_opens_before_it_is_known_who_left_a_group_with_a_role(why: PortcullisError) -> None:
    """They may have signed in during the lock, and hold the role."""
    made = opted(DENY)
    ask(made, "lock", reason="a test")
    are_in(made, tokens=(ANNA,), masters=(CARL,))

    def silent(_: Any) -> Any:
        raise why

    reading, made.people.members_of = made.people.members_of, silent  # type: ignore[method-assign]
    assert ask(made, "unlock")["state"] == "unlocking"
    made.people.members_of = reading  # type: ignore[method-assign]
    made.aws.at += timedelta(seconds=31)
    assert guard(made.services, "demo", Trigger("a test")).state is State.OPEN
    assert BEN in made.people.signed_out


def test_an_engine_that_is_silent_keeps_nobodys_session_alive() -> None:
    made = opted(DENY)
    are_in(made, tokens=(ANNA,), masters=(CARL,))

    def silent(*_: Any) -> Any:
        raise Unreachable("no answer")

    made.engine.read = silent  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        ask(made, "synchronise")
    assert set(made.people.denied) == {ROLE}


def test_an_option_applied_but_not_deployed_signs_out_and_denies_no_role() -> None:
    """Denying needs rights that only the stacks give."""
    made = account()
    made.registered(cognito=Cognito(POOL, group_roles={GROUP: ROLE}))
    are_in(made, tokens=(ANNA, BEN))
    ask(made, "apply", text=model_text(ACCESS, custody=DENY))
    are_in(made, tokens=(ANNA,))
    ask(made, "synchronise")
    assert (made.people.signed_out, made.people.denied) == ([BEN], {})
    assert [one["summary"] for one in ends(made)] == ["1 person signed out"], "and says no more than that"


@given(at=st.integers(1, 12), after=st.booleans(), leaves=st.sets(st.sampled_from([ANNA, BEN]), min_size=1))
def test_wherever_a_run_is_cut_off_the_next_one_ends_it(at: int, after: bool, leaves: set[str]) -> None:
    made = opted(DENY)
    are_in(made, tokens=tuple(sorted({ANNA, BEN} - leaves)), masters=(CARL,))
    made.fate.at, made.fate.after = made.fate.calls + at, after
    left_at: datetime = made.aws.at
    try:
        ask(made, "synchronise")
    except Crash:
        made.fate.at = -1
        ask(made, "synchronise")
    made.fate.at = -1
    assert set(made.people.signed_out) == leaves
    assert made.people.denied[ROLE] > left_at
    count = len(made.people.signed_out)
    ask(made, "synchronise")
    assert len(made.people.signed_out) == count, "and it is over then"


MANY = tuple(f"Cognito/{POOL}/{name}" for name in ("zoe", "ulf", "pia", "max", "kim", "eva", "bob"))
OTHER, OTHERS_ROLE = "alpha", arn("role", "portcullis-demo-alpha")


def test_leavers_of_several_groups_are_kept_ended_and_named_in_order() -> None:
    """Whatever order the pool answers in: so that two looks at the same people are the same."""
    made = account()
    both = {GROUP: ROLE, OTHER: OTHERS_ROLE}
    made.registered(cognito=Cognito(POOL, group_roles=both, bounded_roles=both))
    are_in(made, tokens=MANY, alpha=MANY[::2])
    ask(made, "apply", text=model_text(ACCESS, custody=BOTH))
    kept = made.ledger.saved("demo", "role-members")
    assert kept["members"] == {GROUP: sorted(MANY), OTHER: sorted(MANY[::2])}
    are_in(made)
    made.people.fails = 1
    ask(made, "synchronise")
    assert still_to_be_ended(made.services.site("demo")) == (OTHER, GROUP)
    assert made.ledger.saved("demo", "role-members")["leaving"] == kept["members"]
    asked: list[list[str]] = []
    made.people.end_sessions = lambda entries: asked.append([*entries]) or len(entries)  # type: ignore[method-assign,func-returns-value]
    denied: list[list[str]] = []
    made.people.deny_older_sessions = lambda roles, _: denied.append([*roles]) or 2  # type: ignore[method-assign,func-returns-value]
    ask(made, "synchronise")
    assert (asked, denied) == ([sorted(MANY)], [[OTHERS_ROLE, ROLE]])
    (told,) = ends(made)
    assert told["after"] == [f"{one} left {OTHER}" for one in sorted(MANY[::2])] + [
        f"{one} left {GROUP}" for one in sorted(MANY)
    ]
    assert f"{len(MANY)} people signed out; sessions of {OTHER}, {GROUP} from before" in told["summary"]


@pytest.mark.parametrize("custody", [BOTH, NEITHER])
def test_a_look_that_finds_nothing_new_of_who_left_writes_nothing(
    custody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = opted(custody)
    touched: list[str] = []
    for call in ("save", "forget"):
        before = getattr(made.ledger, call)
        monkeypatch.setattr(
            made.ledger, call, lambda of, name, *more, before=before: touched.append(name) or before(of, name, *more)
        )
    ask(made, "synchronise")
    assert not [name for name in touched if name in ("role-members", "told#sessions-not-ended")]


def test_without_groups_of_roles_what_was_kept_of_them_is_forgotten() -> None:
    """The pool's groups were taken out of the stacks, though the file still asks for the end of sessions."""
    made = opted(BOTH)
    made.people.fails = 1
    are_in(made, tokens=(ANNA,), masters=(CARL,))
    ask(made, "synchronise")
    assert still_to_be_ended(made.services.site("demo")) == ("tokens",)
    made.ledger.register(structs.replace(made.ledger.registration("demo"), cognito=Cognito(POOL)))
    ask(made, "synchronise")
    assert made.ledger.saved("demo", "role-members") is None
    assert still_to_be_ended(made.services.site("demo")) == ()


# ---------------------------------------------------------------------- at a lock


@pytest.mark.parametrize(
    ("custody", "signed_out", "denied"),
    [
        (DENY, {ANNA, CARL}, {ROLE}),
        (SIGN_OUT, {ANNA, BEN, CARL}, set()),
        (BOTH, {ANNA, BEN, CARL}, {ROLE}),
        (NEITHER, set(), set()),
    ],
)
def test_a_lock_ends_the_sessions_the_file_names_and_unlock_restores_none(
    custody: str, signed_out: set[str], denied: set[str]
) -> None:
    """Each way to end sessions is an option of the file: sign out, deny older ones, both or neither."""
    here = town()
    made = here.account
    made.ledger.register(structs.replace(made.ledger.registration("demo"), cognito=WITH_ROLES))
    are_in(made, tokens=(ANNA,), masters=(CARL,), readers=(BEN,))
    ask(made, "apply", text=model_text(ACCESS, custody=custody))
    here.aws.disabled = True
    locked = guard(here.services, "demo", Trigger("a test", "somebody"))
    assert locked.state is State.LOCKED
    taken = Progress.DONE if signed_out else Progress.SKIPPED
    assert locked.measures[Measure.END_SESSIONS].progress is taken
    assert set(made.people.signed_out) == signed_out
    assert set(made.people.denied) == denied
    told = dict(made.people.denied)
    here.aws.disabled = False
    assert guard(here.services, "demo", Trigger("a test", "somebody")).state is State.OPEN
    assert made.people.denied == told
