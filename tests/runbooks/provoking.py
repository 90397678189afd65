"""What brings about, on a real Elasticsearch elsewhere, the alerts that no incident of a page does: by real calls, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from portcullis.custody.rules import Rules
from portcullis.families.elasticsearch.documents.baseline import LOCK_ROLE

from local.elastic.node import Elasticsearch
from local.rehearsal.incidents import locked_by_hand
from local.rehearsal.stand import DEPLOYMENT, done, ledger_of, until_it_is
from local.story.stages import INDEX
from tests.runbooks.conftest import OnCall

Provoked = Callable[[OnCall], AbstractContextManager[None]]


def _pools(person: OnCall) -> tuple[Any, str]:
    return person.client("cognito-idp"), person.up.output("UserPool")


def _node(person: OnCall) -> Elasticsearch:
    return cast(Elasticsearch, person.up.node)


def _as_elastic(person: OnCall, method: str, path: str, body: Any) -> None:
    """As the one whom a lock leaves enabled, as the password stands in the nodes' settings."""
    status, answer = _node(person).ask(method, path, body)
    assert status < 300, answer


@contextmanager
def _applied(person: OnCall, text: str) -> Iterator[tuple[int, str]]:
    """The file is applied as a person does, and the one before it again."""
    before = ledger_of(person).model(DEPLOYMENT).text
    try:
        yield _apply(person, text)
    finally:
        status, said = _apply(person, before)
        assert status == 0, said


def _apply(person: OnCall, text: str) -> tuple[int, str]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{DEPLOYMENT}.yaml"
        file.write_text(text, encoding="utf-8")
        return person.portcullis("apply", str(file))


@contextmanager
def a_wall_was_undone(person: OnCall) -> Iterator[None]:
    with locked_by_hand(person):
        _as_elastic(person, "PUT", f"/{INDEX}/_settings", {"index.blocks.read": False, "index.blocks.write": False})
        person.portcullis("guard", DEPLOYMENT)
        yield


@contextmanager
def the_lock_has_no_right_to_blocks(person: OnCall) -> Iterator[None]:
    """What the lock lacks is given back while it is locked, and the lock is whole then."""
    role = person.engine("GET", f"/_security/role/{LOCK_ROLE}")[LOCK_ROLE]
    kept = {name: role[name] for name in ("cluster", "indices", "metadata")}
    person.engine("PUT", f"/_security/role/{LOCK_ROLE}", {"cluster": ["monitor"], "indices": []})
    try:
        person.portcullis("lock", DEPLOYMENT, "--reason", "a drill")
        yield
    finally:
        _as_elastic(person, "PUT", f"/_security/role/{LOCK_ROLE}", kept)
        _later(person)
        person.portcullis("guard", DEPLOYMENT)
        until_it_is(person, "locked")
        done(person, "unlock", DEPLOYMENT)
        until_it_is(person, "open")


@contextmanager
def groups_cannot_be_read_at_an_unlock(person: OnCall) -> Iterator[None]:
    done(person, "lock", DEPLOYMENT, "--reason", "a drill")
    person.up.aws.admin("fault", actions=["cognito-idp:ListUsersInGroup"], kind="throttle", caller="portcullis-")
    try:
        person.portcullis("unlock", DEPLOYMENT)
        yield
    finally:
        person.up.aws.admin("mend")
        _later(person)
        person.portcullis("guard", DEPLOYMENT)
        until_it_is(person, "open")


def _later(person: OnCall) -> None:
    """What failed lies so much further back that it is tried again now."""
    ledger, back = ledger_of(person), Rules().retry_after
    custody = ledger.custody(DEPLOYMENT)
    measures = {measure: replace(one, at=one.at - back) for measure, one in custody.measures.items()}
    ledger.keep_custody(replace(custody, measures=measures))


@contextmanager
def a_name_that_is_granted_was_made_again(person: OnCall) -> Iterator[None]:
    pools, pool = _pools(person)
    user = {"UserPoolId": pool, "Username": "named.by.a.grant"}
    pools.admin_create_user(**user, MessageAction="SUPPRESS")
    text = ledger_of(person).model(DEPLOYMENT).text
    grant = "    - {level: support, to: {cognito_user: named.by.a.grant}}\n"
    try:
        with _applied(person, text.replace("  grants:\n", f"  grants:\n{grant}")):
            pools.admin_delete_user(**user)
            pools.admin_create_user(**user, MessageAction="SUPPRESS")
            person.portcullis("synchronise", DEPLOYMENT)
            yield
    finally:
        pools.admin_delete_user(**user)


# Alerts that are told meanwhile, or when it is put back.
PROVOKED: Mapping[tuple[str, ...], Provoked] = {
    ("lock-opened",): a_wall_was_undone,
    ("lock-incomplete", "lock-complete"): the_lock_has_no_right_to_blocks,
    ("unlock-incomplete",): groups_cannot_be_read_at_an_unlock,
    ("another-person",): a_name_that_is_granted_was_made_again,
}
