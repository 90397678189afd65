"""Given groups that count by the token, when somebody has a role by none of them any more, then what the engine gave them ends, once.

That it does so on a real cluster, where people sign in, is in tests/tutorials/test_flights_on_elastic.py.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import Unreachable
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.people.token_groups import TOKEN_GROUPS
from portcullis.operations.services import Trigger
from portcullis.operations.writing.outliving import still_held

from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account

CAUSE = Trigger("a test", "somebody")
TEXT = """\
deployment: demo
engine: elasticsearch-9.5
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}, further: {}}}}
people: {realm: {name: sign-in, type: oidcBY}}
access:
  roles:
    viewers: {indices: [{names: ["logs-*"], privileges: [read]}]}
    keepers: {indices: [{names: ["orders"], privileges: [read]}]}
  grants:
GRANTS"""
READERS, FURTHER = "readers", "further"
VIEW, KEEP, VIEW_TOO = (
    f"    - {{role: {role}, to: {{cognito_group: {group}}}}}\n"
    for role, group in (("viewers", READERS), ("keepers", READERS), ("viewers", FURTHER))
)


class Ending:
    """What the engine was asked to end, and whom our role mappings let in then."""

    def __init__(self, made: Account) -> None:
        self.made, self.silent = made, False
        self.asked: list[tuple[str, ...]] = []
        self.mapped: list[str] = []
        made.engine.end_tokens_of = self.end  # type: ignore[method-assign]

    def end(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        if self.silent:
            raise Unreachable("no answer")
        self.asked.append(tuple(users))
        self.mapped = sorted(self.made.engine.held.of(Kind.MAPPINGS))
        return ()


def text(*grants: str, by: str = ", by: groups") -> str:
    return TEXT.replace("BY", by).replace("GRANTS", "".join(grants))


def are_in(made: Account, **groups: tuple[str, ...]) -> None:
    made.people.groups = {
        Subject(SubjectKind.COGNITO_GROUP, group): tuple(f"Cognito/{POOL}/{name}" for name in names)
        for group, names in groups.items()
    }


def applied(*grants: str) -> tuple[Account, Ending]:
    """Anna and x/y are readers, anna is in the other group, too."""
    made = account(make=ELASTICSEARCH_9)
    made.registered()
    are_in(made, readers=("anna", "x/y"), further=("anna",))
    apply_text(made.services, "demo", text(*grants), CAUSE)
    return made, Ending(made)


def follow(made: Account) -> None:
    synchronise(made.services, "demo", CAUSE)


def ends(made: Account) -> list[Any]:
    return [one.after for one in made.ledger.history("demo", 20) if one.operation == "end tokens"]


def test_who_leaves_a_group_has_nothing_any_more_of_what_the_engine_gave_them() -> None:
    made, ending = applied(VIEW)
    follow(made)
    are_in(made, readers=("anna", "carl"), further=("anna",))
    follow(made)
    follow(made)
    assert (ending.asked, ends(made)) == ([("x/y",)], [["x/y has viewers by no group any more"]])
    are_in(made, further=("anna",))  # the group itself is gone
    follow(made)
    assert ending.asked == [("x/y",), ("anna", "carl")]


def test_who_has_the_role_by_another_group_keeps_what_they_hold() -> None:
    made, ending = applied(VIEW, VIEW_TOO)
    are_in(made, readers=(), further=("anna",))
    follow(made)
    assert ending.asked == [("x/y",)]


def test_a_group_that_loses_a_role_takes_its_members_tokens_along_once_it_is_written() -> None:
    made, ending = applied(VIEW, KEEP)
    assert len(made.engine.held.of(Kind.MAPPINGS)) == 2
    apply_text(made.services, "demo", text(VIEW), CAUSE)
    assert (ending.asked, ending.mapped) == ([("anna", "x/y")], ["portcullis/demo/viewers"])
    assert (made.ledger.history("demo")[0].operation, ends(made)) == ("apply", []), "what is rolled back is the latest"


def test_a_file_that_counts_by_name_from_now_on_keeps_no_list_of_groups() -> None:
    made, ending = applied(VIEW)
    apply_text(made.services, "demo", text(VIEW, by=""), CAUSE)
    assert (ending.asked, TOKEN_GROUPS.saved(made.ledger, "demo")) == ([("anna", "x/y")], None)


def test_what_cannot_be_ended_now_waits_and_nobody_else_is_held_up() -> None:
    made, ending = applied(VIEW)
    ending.silent = True
    are_in(made, readers=("anna",))
    follow(made)
    assert still_held(made.services.site("demo")) == ("x/y",)
    ending.silent = False
    follow(made)
    assert (ending.asked, still_held(made.services.site("demo"))) == ([("x/y",)], ())


def test_who_left_is_known_by_the_first_look_that_can_read_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    made, ending = applied(VIEW)
    are_in(made, readers=("anna",))

    def unread(_: Collection[str]) -> Any:
        raise Unreachable("the user pool did not answer")

    with monkeypatch.context() as patched:
        patched.setattr(made.people, "members_of", unread)
        with pytest.raises(Unreachable, match="did not answer"):
            follow(made)
    assert ending.asked == []
    follow(made)
    assert ending.asked == [("x/y",)]
