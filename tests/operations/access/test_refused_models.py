"""Given a model that is refused, by whomever, then what stood before goes on standing, and nobody who left stays in for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Grant, Membership, Subject, SubjectKind
from portcullis.custody.types import State
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.documents.compiling import desired
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.access.rolling_back import rollback
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.operations.status import status

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, account, model_text, plain
from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")
READERS, WRITERS = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers"))
ANNA, BEN, CARL = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl"))
MODEL = model_text(
    "  roles: {viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n"
    "  grants: [{role: viewers, to: {cognito_group: readers}}]\n"
)
# Written in this order: the action group, the role, the mapping.
NEW = MODEL.replace("  roles: {", "  action_groups: {looks: {allowed_actions: [read]}}\n  roles: {more: {}, ")
TWO = MODEL.replace("  grants: [", "  grants: [{role: manage_snapshots, to: {cognito_group: writers}}, ")


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA, BEN), WRITERS: (CARL,)}
    introduce(one.services.at(one.ledger.registration("demo")), MODEL, CAUSE)
    one.engine.sent.clear()
    return one


def mapped(made: Account, role: str = "viewers") -> set[str]:
    return set(made.engine.held.entries(role, "users"))


def claims(made: Account) -> frozenset[Any]:
    return made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]


def no(*kinds: Kind) -> Any:
    def refuses(kind: Kind, operations: Sequence[Json]) -> bool:
        return kind in kinds

    return refuses


def no_document(name: str) -> Any:
    def refuses(kind: Kind, operations: Sequence[Json]) -> bool:
        return any(operation["path"] == f"/{name}" and operation["op"] != "remove" for operation in operations)

    return refuses


def told(made: Account, name: str) -> list[Any]:
    return [alert for alert in made.aws.told if alert.name == name]


# ---------------------------------------------------------------------- a new model


@pytest.mark.parametrize("what", ["looks", "more"])
def test_a_model_the_engine_refuses_changes_nothing_and_stops_nothing(made: Account, what: str) -> None:
    before, ours = plain(made.engine.held), claims(made)
    made.engine.refuses = no_document(what)
    with pytest.raises(Refused, match="not taken"):
        apply_text(made.services, "demo", NEW, CAUSE)
    assert plain(made.engine.held) == before, "what it had changed by then is taken back"
    assert claims(made) == ours
    assert made.ledger.model("demo").text == MODEL
    made.people.groups[READERS] = (BEN, CARL)
    synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {BEN, CARL}


def test_a_refused_model_is_named_by_status_and_told_with_who_and_why(made: Account) -> None:
    made.engine.refuses = no_document("looks")
    with pytest.raises(Refused):
        apply_text(made.services, "demo", NEW, CAUSE)
    [problem] = status(made.services, "demo").problems
    assert "was refused and is not in force" in problem
    assert "applied by somebody (a test)" in problem
    assert "answered 400: this is not taken" in problem
    [alert] = told(made, "model-refused")
    assert alert.happened == problem
    synchronise(made.services, "demo", CAUSE)
    assert status(made.services, "demo").problems == (problem,)
    made.engine.refuses = no()
    apply_text(made.services, "demo", NEW, CAUSE)
    assert (status(made.services, "demo").problems, made.ledger.model("demo").text) == ((), NEW)


@pytest.mark.parametrize("again", ["the same text", "no text", "CloudFormation, which rolls back"])
def test_a_refused_model_is_forgotten_once_a_person_says_what_stands(made: Account, again: str) -> None:
    """CloudFormation says the old text by itself after a refusal, and nobody would read of that in status."""
    made.engine.refuses = no(Kind.ACTION_GROUPS)
    with pytest.raises(Refused):
        apply_text(made.services, "demo", NEW, CAUSE)
    assert any("was refused" in problem for problem in status(made.services, "demo").problems)
    made.engine.refuses = no()
    if again.startswith("CloudFormation"):
        introduce(made.services.at(made.ledger.registration("demo")), MODEL, CAUSE)
    else:
        apply_text(made.services, "demo", MODEL if again == "the same text" else None, CAUSE)
    named = any("was refused" in problem for problem in status(made.services, "demo").problems)
    assert named is (again != "the same text")


def test_a_refusal_that_cannot_be_told_is_told_by_the_next_look(made: Account) -> None:
    class Mute:
        def tell(self, alert: Any) -> None:
            raise Unreachable("the alert was not sent")

    made.engine.refuses = no_document("looks")
    with pytest.raises(Refused, match="not taken"):
        apply_text(replace(made.services, alerts=Mute()), "demo", NEW, CAUSE)
    for _ in range(2):
        synchronise(made.services, "demo", CAUSE)
    assert len(told(made, "model-refused")) == 1


@pytest.mark.parametrize(
    "trouble", [Refused("not allowed (AccessDenied)"), RuntimeError("a mistake of ours")], ids=["AWS", "ours"]
)
def test_a_model_refused_by_somebody_else_than_the_engine_is_no_different(made: Account, trouble: Exception) -> None:
    class Store:
        def version(self, secret: str) -> str | None:
            raise trouble

    services = replace(made.services, secrets=lambda _: Store())
    before = plain(made.engine.held)
    with pytest.raises(type(trouble)):
        apply_text(services, "demo", NEW + "  users: {robot: {}}\n", CAUSE)
    assert (plain(made.engine.held), made.ledger.model("demo").text) == (before, MODEL)
    assert len(told(made, "model-refused")) == 1
    made.people.groups[READERS] = ()
    synchronise(services, "demo", CAUSE)
    assert mapped(made) == set()


def test_a_refused_first_model_grants_nobody_anything() -> None:
    """Status says that it was refused. Once the engine takes it, it is in effect and the problem is gone."""
    made = account()
    here = made.registered()
    made.people.groups = {READERS: (ANNA,)}
    made.engine.refuses = no_document("viewers")
    with pytest.raises(Refused, match="not taken"):
        introduce(made.services.at(here), NEW, CAUSE)
    assert "looks" not in made.engine.held.of(Kind.ACTION_GROUPS)
    assert "was refused" in status(made.services, "demo").problems[0]
    synchronise(made.services, "demo", CAUSE)
    made.engine.refuses = no()
    introduce(made.services.at(here), NEW, CAUSE)
    assert (mapped(made), status(made.services, "demo").problems) == ({ANNA}, ())


def test_a_model_deployed_during_a_lock_is_tried_at_the_unlock(made: Account) -> None:
    """The engine refuses it then: it is told once, and the old model stays in force without who left."""
    from portcullis import custody as machine

    guard(made.services, "demo", CAUSE, change=lambda c: machine.hold(c, "somebody", "a test", made.services.now()))
    assert introduce(made.services.at(made.ledger.registration("demo")), NEW, CAUSE).status == "waiting"
    assert made.ledger.model("demo").text == MODEL
    made.engine.refuses, made.people.groups[READERS] = no_document("looks"), (ANNA,)
    guard(made.services, "demo", CAUSE, change=machine.release)
    assert (mapped(made), made.ledger.model("demo").text) == ({ANNA}, MODEL)
    assert len(told(made, "model-refused")) == 1


def test_a_model_that_was_cut_off_on_its_way_is_gone_on_with(made: Account) -> None:
    made.fate.at = made.fate.calls + 5
    with pytest.raises(Crash):
        apply_text(made.services, "demo", NEW, CAUSE)
    made.ledger._leases.clear()
    assert made.ledger.model("demo").text == MODEL
    assert "is not in effect yet" in " ".join(status(made.services, "demo").problems)
    synchronise(made.services, "demo", CAUSE)
    assert made.ledger.model("demo").text == NEW
    assert "looks" in made.engine.held.of(Kind.ACTION_GROUPS)
    assert status(made.services, "demo").problems == ()


@pytest.mark.parametrize(
    ("expected", "why"),
    [("a plan.of long ago", "changed since this plan"), ("", "cannot read its document filter")],
    ids=["not as it was planned", "a filter that the engine cannot read"],
)
def test_what_is_refused_before_a_write_says_nothing_of_a_model_that_was_cut_off(
    made: Account, expected: str, why: str
) -> None:
    """That one is gone on with: it is not told as refused, with a reason that is not its own."""
    made.fate.at = made.fate.calls + 5
    with pytest.raises(Crash):
        apply_text(made.services, "demo", NEW, CAUSE)
    made.ledger._leases.clear()
    made.engine.unread = "unknown query [trem]"
    filtered = MODEL.replace("[logs-*], ", '[logs-*], dls: \'{"term": {"team": 1}}\', ')
    with pytest.raises(Refused, match=why):
        apply_text(made.services, "demo", filtered, CAUSE, expected=expected)
    assert not told(made, "model-refused")
    assert "is not in effect yet" in " ".join(status(made.services, "demo").problems)
    synchronise(made.services, "demo", CAUSE)
    assert (made.ledger.model("demo").text, status(made.services, "demo").problems) == (NEW, ())


def test_whoever_applies_what_is_in_force_calls_off_what_was_cut_off(made: Account) -> None:
    made.fate.at = made.fate.calls + 5
    with pytest.raises(Crash):
        apply_text(made.services, "demo", NEW, CAUSE)
    made.ledger._leases.clear()
    apply_text(made.services, "demo", None, CAUSE)
    assert status(made.services, "demo").problems == ()
    assert "looks" not in made.engine.held.of(Kind.ACTION_GROUPS)


def test_a_model_the_engine_never_answers_to_is_given_up_after_a_while(made: Account) -> None:
    """Leavers are taken out at every try. In the end it is told, and the old model stays."""

    def silent(kind: Kind, operations: Sequence[Json]) -> bool:
        if kind == Kind.ACTION_GROUPS:
            raise Unreachable("answered 500")
        return False

    made.engine.refuses = silent
    for turn in range(3):
        made.people.groups[READERS] = (ANNA, f"Cognito/{POOL}/turn-{turn}")
        with pytest.raises(Unreachable):
            apply_text(made.services, "demo", NEW, CAUSE) if not turn else synchronise(made.services, "demo", CAUSE)
        assert BEN not in mapped(made)
        assert not told(made, "model-refused")
    synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {ANNA, f"Cognito/{POOL}/turn-2"}
    assert len(told(made, "model-refused")) == 1
    assert made.ledger.model("demo").text == MODEL


def test_a_refused_rollback_leaves_the_model_in_force(made: Account) -> None:
    apply_text(made.services, "demo", NEW, CAUSE)
    before, ours = plain(made.engine.held), claims(made)
    made.engine.refuses = lambda kind, operations: any(o["path"] == "/more" and o["op"] == "remove" for o in operations)
    with pytest.raises(Refused):
        rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), claims(made), made.ledger.model("demo").text) == (before, ours, NEW)
    made.engine.refuses = no()
    synchronise(made.services, "demo", CAUSE)
    assert plain(made.engine.held) == before


# ---------------------------------------------------------------------- what is in force


def test_a_refused_document_of_the_model_in_force_stops_no_leaver(made: Account) -> None:
    """Status shows that access does not follow the groups, until the engine takes the document again."""
    apply_text(made.services, "demo", NEW, CAUSE)
    made.engine.by_hand(Kind.ACTION_GROUPS, [{"op": "remove", "path": "/looks"}])
    made.engine.refuses, made.people.groups[READERS] = no_document("looks"), (ANNA,)
    with pytest.raises(Refused, match="not taken"):
        synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {ANNA}
    assert "access does not follow the groups" in " ".join(status(made.services, "demo").problems)
    made.engine.refuses = no()
    synchronise(made.services, "demo", CAUSE)
    assert status(made.services, "demo").problems == ()


def test_one_patch_that_is_refused_is_sent_again_with_the_leavers_alone(made: Account) -> None:
    def no_joiner(kind: Kind, operations: Sequence[Json]) -> bool:
        return any(operation.get("value") == CARL for operation in operations)

    made.engine.refuses, made.people.groups[READERS] = no_joiner, (ANNA, CARL)
    with pytest.raises(Refused):
        synchronise(made.services, "demo", CAUSE)
    assert mapped(made) == {ANNA}
    assert BEN not in {one.entry for one in claims(made)}
    assert "remove rolesmapping/viewers/users" in str(made.ledger.history("demo")[0].after)


def test_leavers_go_ahead_of_documents_and_with_joiners_in_one_patch(made: Account) -> None:
    made.people.groups[READERS] = (BEN, CARL)
    synchronise(made.services, "demo", CAUSE)
    assert [kind for kind, _ in made.engine.sent] == [Kind.MAPPINGS], "a burst is no more writes than it was"
    made.engine.sent.clear()
    made.people.groups[READERS] = (CARL,)
    apply_text(made.services, "demo", NEW, CAUSE)
    kinds = [kind for kind, _ in made.engine.sent]
    assert kinds[0] == Kind.MAPPINGS
    assert kinds[1:] == [Kind.ACTION_GROUPS, Kind.ROLES]


def test_whom_only_the_new_model_takes_out_waits_for_it_to_be_taken(made: Account) -> None:
    made.engine.refuses = no_document("looks")
    with pytest.raises(Refused):
        apply_text(made.services, "demo", NEW.replace("cognito_group: readers", "cognito_group: writers"), CAUSE)
    assert mapped(made) == {ANNA, BEN}
    assert Kind.MAPPINGS not in [kind for kind, _ in made.engine.sent]


def test_a_condition_is_never_widened_on_the_way() -> None:
    from portcullis.access.difference import difference
    from portcullis.families.opensearch.documents.config import SecurityConfig
    from portcullis.operations.writing.removals import of_leavers

    def both(*entries: str) -> AccessModel:
        return AccessModel(roles={"r": {"cluster_permissions": ["x"]}}, and_backend_roles={"r": entries})

    wanted = desired(both("a", "b"), Membership())
    held = SecurityConfig(
        {
            Kind.ROLES: dict(wanted.of(Kind.ROLES)),
            Kind.MAPPINGS: {"r": {"users": [], "backend_roles": [], "hosts": [], "and_backend_roles": ["a", "b"]}},
        }
    )

    def ahead(*entries: str) -> int:
        return len(
            of_leavers(
                OPENSEARCH,
                difference(OPENSEARCH, desired(both(*entries), Membership()), held, wanted.claims(OPENSEARCH.mappings)),
                held,
            )
        )

    assert (ahead("a", "c"), ahead("a"), ahead()) == (0, 0, 2)


# ---------------------------------------------------------------------- a group that cannot be read


@pytest.mark.parametrize("why", [Refused("not allowed"), Unreachable("no answer")], ids=["denied", "silent"])
def test_a_group_that_cannot_be_read_keeps_nobody_in_who_left_another(made: Account, why: PortcullisError) -> None:
    apply_text(made.services, "demo", TWO, CAUSE)
    covered = made.ledger.watermark("demo")
    made.people.groups = {READERS: (ANNA,), WRITERS: ()}
    made.people.unread = {WRITERS: why}
    if isinstance(why, Unreachable):
        with pytest.raises(Unreachable, match=str(why)):
            synchronise(made.services, "demo", CAUSE)
    else:
        synchronise(made.services, "demo", CAUSE)  # told, and no further try mends it
    assert (mapped(made), mapped(made, "manage_snapshots")) == ({ANNA}, {CARL}), "unread is not empty"
    assert made.ledger.watermark("demo") == covered
    assert str(why) in " ".join(status(made.services, "demo").problems)
    made.people.unread = {}
    synchronise(made.services, "demo", CAUSE)
    assert mapped(made, "manage_snapshots") == set()


def test_a_new_model_with_a_group_that_does_not_answer_waits_before_a_write(made: Account) -> None:
    made.people.unread = {WRITERS: Unreachable("writers did not answer")}
    with pytest.raises(Unreachable, match="writers did not answer"):
        apply_text(made.services, "demo", TWO, CAUSE)
    assert (made.engine.sent, made.ledger.model("demo").text) == ([], MODEL)


def test_a_model_naming_an_unreadable_group_is_in_force_without_that_group(made: Account) -> None:
    """A deployment is not rolled back for one name that is wrong: it is a finding that names it."""
    made.people.unread = {WRITERS: Refused("not allowed to read writers")}
    done = apply_text(made.services, "demo", TWO, CAUSE)
    assert made.ledger.model("demo").text == TWO
    assert "not allowed to read writers" in " ".join(done.plan.notes)
    assert mapped(made, "manage_snapshots") == set()


def test_a_group_that_was_deleted_drops_no_grant_that_comes_after_it() -> None:
    gone, there = Subject(SubjectKind.IAM_GROUP, "aaa"), Subject(SubjectKind.BACKEND_ROLE, "zzz")
    model = AccessModel(grants=(Grant(gone, "r1", "x"), Grant(there, "r2", "x")))
    found = desired(model, Membership(missing=frozenset({gone})))
    assert {role: set(lists["backend_roles"]) for role, lists in found.entries.items()} == {"r2": {"zzz"}}


# ---------------------------------------------------------------------- the ledger


def test_a_model_that_cannot_be_read_any_more_keeps_no_gate_open(here: Town) -> None:
    def unreadable(deployment: str) -> Any:
        raise BadInput("cannot be read", source="ledger", place="model", remedy="deploy the version that wrote it")

    here.account.ledger.model = unreadable  # type: ignore[method-assign]
    here.aws.disabled = True
    assert here.handle([here.sent(here.kms("DisableKey"))], "key") == ["done"]
    assert here.state is State.LOCKED
    assert "cannot be read" in " ".join(status(here.services, "demo").problems)


# ---------------------------------------------------------------------- the reactions


@pytest.fixture
def here() -> Town:
    return town()


def test_an_event_whose_change_is_refused_is_told_once_and_holds_up_no_other(here: Town) -> None:
    here.handle([here.sent(here.join("anna")), here.sent(here.join("ben"))])
    engine = here.account.engine
    engine.refuses = lambda kind, operations: any("carl" in str(operation.get("value")) for operation in operations)
    events = [here.join("carl"), here.leave("anna")]
    for event in events:
        here.pass_time(30)
        assert here.handle([here.sent(event)]) == ["refused"]
    assert here.mapped == ["ben"]
    assert (len(here.told("access-refused")), here.aws.buried) == (1, [])
    engine.refuses = lambda *_: False
    here.sweep()
    assert sorted(here.mapped) == here.members
