"""Given somebody who leaves a group of a real Elasticsearch, then what the engine gave them before does not outlive it unsaid."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from portcullis.custody.types import State
from portcullis.errors import Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.telling import tell_once
from portcullis.ports.alerts import Alert

from local.elastic.node import Elasticsearch
from tests.operations.clusters import PASSWORD
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, READERS, TEXT, Key, as_, deployed, search
from tests.operations.worlds import POOL, Account, Aws

pytestmark = pytest.mark.node
here = custody.here

Held = dict[str, dict[str, str]]


@pytest.fixture
def held(here: tuple[Account, Key], elastic: Elasticsearch) -> Iterator[Held]:
    """What anna got from the engine while she could read: a token, and a key. Somebody had her make keys by hand."""
    made, _ = here
    deployed(made, elastic)
    makes = "manage_security" if elastic.version.startswith("6") else "manage_own_api_key"
    assert elastic.ask("PUT", "/_security/role/makes-keys", {"cluster": [makes]})[0] == 200
    assert elastic.ask("PUT", "/_security/user/anna", {"roles": ["viewers", "makes-keys"]})[0] == 200
    granted = {"grant_type": "password", "username": "anna", "password": PASSWORD}
    status, token = elastic.ask("POST", "/_security/oauth2/token", granted)
    assert status == 200, token
    name = f"annas-{uuid4()}"  # the oldest release takes a name once
    status, key = elastic.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": {}}, **as_("anna"))
    assert status == 200, key
    found: Held = {
        "token": {"authorization": f"Bearer {token['access_token']}"},
        "key": {"authorization": "ApiKey " + base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()},
        "of the key": {"id": key["id"], "name": name},
    }
    assert [search(elastic, **found[one]) for one in ("token", "key")] == [200, 200]
    yield found
    elastic.ask("DELETE", "/_security/api_key", {"username": "anna"})  # a shared node has none of another test's


def are_in(made: Account, *names: str) -> None:
    made.people.groups = {READERS: tuple(f"Cognito/{POOL}/{name}" for name in names)}
    synchronise(made.services, "demo", CAUSE)


def anna_leaves(made: Account) -> None:
    are_in(made, "ben")


def told(made: Account, *names: str) -> list[Any]:
    return [one for one in made.aws.told if one.name in (names or ("keys-left", "tokens-not-ended"))]


def test_a_leavers_token_ends_and_her_key_is_named_once(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held
) -> None:
    made, _ = here
    anna_leaves(made)
    assert [search(elastic, **who) for who in (as_("anna"), as_("ben"), held["token"])] == [403, 200, 401]
    assert search(elastic, **held["key"]) == 200, "no key is ended unless the file asks for it"
    synchronise(made.services, "demo", CAUSE)
    (alert,) = told(made)
    key = held["of the key"]
    assert f"{key['name']} of anna ({key['id']})" in alert.happened
    assert (alert.name, "tokens are ended" in alert.done) == ("keys-left", True)


def test_a_leavers_key_is_named_by_the_first_look_that_can_tell_it(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = here

    def mute(self: Aws, alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        anna_leaves(made)
    assert search(elastic, **as_("anna")) == 403
    are_in(made)  # somebody without a key leaves before that
    assert [search(elastic, **as_("ben")), [held["of the key"]["id"] in one.happened for one in told(made)]] == [
        403,
        [True],
    ]
    are_in(made)
    assert len(told(made)) == 1


def test_tokens_that_end_at_last_leave_what_is_told_of_sessions_as_it_is(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of AWS and tokens of the engine are two facts: one that is over is not the other's end."""
    made, _ = here
    happened = "somebody left a group that has a role"
    tell_once(made.services, alert_table.SESSIONS_NOT_ENDED.of("demo", happened), happened)
    _no_token_ends(made, monkeypatch)
    anna_leaves(made)
    are_in(made, "ben")
    monkeypatch.undo()
    are_in(made, "ben")
    assert search(elastic, **held["token"]) == 401
    tell_once(made.services, alert_table.SESSIONS_NOT_ENDED.of("demo", happened), happened)
    names = [one.name for one in told(made, "sessions-not-ended", "tokens-not-ended", "keys-left")]
    assert names == ["sessions-not-ended", "tokens-not-ended", "keys-left"]


def test_a_leavers_key_ends_with_her_where_the_file_asks_for_it(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held
) -> None:
    made, _ = here
    release = ".".join(elastic.version.split(".")[:2])
    text = TEXT.replace("RELEASE", release) + "custody: {end_api_keys: true}\n"
    apply_text(made.services, "demo", text, CAUSE)
    assert search(elastic, **held["key"]) == 200, "whoever stays keeps their keys"
    anna_leaves(made)
    assert [search(elastic, **held[one]) for one in ("token", "key")] == [401, 401]
    assert search(elastic, **as_("ben")) == 200
    assert told(made) == []


def test_what_cannot_be_ended_now_is_told_and_ended_by_the_next_look(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = here
    _no_token_ends(made, monkeypatch)
    anna_leaves(made)
    assert [search(elastic, **who) for who in (as_("anna"), held["token"])] == [403, 200]
    (alert,) = told(made)
    assert (alert.name, "could not be ended" in alert.happened) == ("tokens-not-ended", True)
    monkeypatch.undo()
    synchronise(made.services, "demo", CAUSE)
    assert search(elastic, **held["token"]) == 401


def test_a_token_of_the_lock_keeps_it_shut_until_it_ended_with_who_left(
    here: tuple[Account, Key], elastic: Elasticsearch, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody signs in while it is locked, by what speaks for them with a right of its own, and leaves before it opens."""
    made, key = here
    key.gone = True
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    assert search(elastic, **held["token"]) == 401
    granted = {"grant_type": "password", "username": "anna", "password": PASSWORD}
    status, token = elastic.ask("POST", "/_security/oauth2/token", granted)
    assert status == 200, token
    held["token"] = {"authorization": f"Bearer {token['access_token']}"}
    _no_token_ends(made, monkeypatch)
    made.people.groups = {READERS: (f"Cognito/{POOL}/ben",)}
    key.gone = False
    assert guard(made.services, "demo", CAUSE).state is State.UNLOCKING
    assert search(elastic, **held["token"]) == 403, "nothing is open"
    monkeypatch.undo()
    made.aws.at += timedelta(seconds=31)
    assert guard(made.services, "demo", CAUSE).state is State.OPEN
    assert [search(elastic, **who) for who in (held["token"], as_("ben"))] == [401, 200]


def _no_token_ends(made: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = made.services.engine(made.ledger.registration("demo"))._tokens  # type: ignore[attr-defined]
    answers = tokens._transport

    def silent(method: str, path: str, params: Any, body: Any) -> tuple[int, Any]:
        return (503, "not now") if method == "DELETE" else answers(method, path, params, body)

    monkeypatch.setattr(tokens, "_transport", silent)
