"""Given a locked Elasticsearch, when somebody is let in by hand and has a token or a key made, then these end with it."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from portcullis.custody.types import Measure, State
from portcullis.operations.custody.guard import guard

from local.elastic.node import Elasticsearch
from local.people import until
from tests.operations.clusters import PASSWORD
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody import test_roads_on_elastic as roads
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, as_, deployed, search
from tests.operations.custody.test_roads_on_elastic import locked, opened
from tests.operations.worlds import Account

pytestmark = pytest.mark.node
here = custody.here
keys = roads.keys

Presented = dict[str, str]


def super_user_by_hand(node: Elasticsearch, name: str, holder: Presented) -> tuple[Presented, Presented]:
    """Made by whoever may write access; the token and the API key that they have made at once."""
    user = {"password": PASSWORD, "roles": ["superuser"]}
    assert node.ask("PUT", f"/_security/user/{name}", user, **holder)[0] == 200
    asked = {"grant_type": "password", "username": name, "password": PASSWORD}
    status, token = node.ask("POST", "/_security/oauth2/token", asked)
    assert status == 200, token
    status, key = node.ask("POST", "/_security/api_key", {"name": f"{name}s", "role_descriptors": {}}, **as_(name))
    assert status == 200, key
    encoded = base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()
    return {"authorization": f"Bearer {token['access_token']}"}, {"authorization": f"ApiKey {encoded}"}


def answers(node: Elasticsearch, *presented: Presented) -> list[int]:
    return [node.ask("GET", "/_security/_authenticate", **one)[0] for one in presented]


@pytest.mark.parametrize("looked", [True, False], ids=["the next look", "the unlock"])
def test_what_somebody_had_made_who_was_let_in_by_hand_ends_with(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, Presented], looked: bool
) -> None:
    """A token and a key know nothing of a user who is disabled. Keys of before stay, as the file does not end them."""
    made, key = here
    deployed(made, elastic)
    locked(made, key)
    given = super_user_by_hand(elastic, "eve", keys["of everything"])
    assert answers(elastic, *given) == [200, 200]
    if looked:
        again = guard(made.services, "demo", CAUSE)
        assert again.state is State.LOCKED
        assert answers(elastic, *given) == [401, 401]
        assert "API key eves of eve" in again.measures[Measure.END_SEARCHES].detail
        assert "0 tokens ended" not in again.measures[Measure.END_SEARCHES].detail
    ended = opened(made, key)
    assert answers(elastic, *given, *keys.values()) == [401, 401, 200, 200]
    if not looked:
        assert "API key eves of eve" in ended.measures[Measure.SHUT_MAPPINGS].detail
        (told,) = (one for one in made.aws.told if one.name == "unlocked")
        assert "was made while locked, and is ended for good" in told.done
    assert search(elastic, **as_("ben")) == 200


@pytest.fixture
def broken(elastic: Elasticsearch) -> Any:
    """An index that the engine could not make any more, on which somebody has a point in time open; the latter is there from 7.10 on."""
    file = elastic.home / "config" / "words.txt"
    file.write_text("and\n", encoding="utf-8")
    analysis = {"analyzer": {"a": {"type": "standard", "stopwords_path": file.name}}}
    for index in ("broken", "whole"):
        body = {"settings": {"analysis": analysis}} if index == "broken" else {}
        assert elastic.ask("PUT", f"/{index}", body)[0] == 200
        if not elastic.version.startswith("6"):
            assert elastic.ask("POST", f"/{index}/_pit?keep_alive=30m")[0] == 200
    file.unlink()
    yield
    elastic.ask("DELETE", "/broken")


@pytest.mark.usefixtures("broken")
def test_an_index_that_does_not_open_again_holds_up_no_unlock(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    made, key = here
    deployed(made, elastic)
    key.gone = True
    found = guard(made.services, "demo", CAUSE)
    closes = not elastic.version.startswith("6")
    said = found.measures[Measure.END_SEARCHES].detail
    assert ("broken was closed to end its searches, and does not open again" in said) is closes
    assert search(elastic, **as_("anna")) == 403
    key.gone = False
    made.aws.at += timedelta(seconds=31)
    ended = opened(made, key)
    assert ("broken was closed" in ended.measures[Measure.BLOCK_INDICES].detail) is closes
    assert [elastic.ask("GET", f"/{index}/_search")[0] for index in ("whole", "broken")] == [
        200,
        400 if closes else 200,
    ]
    assert search(elastic, **as_("anna")) == 200
    if closes:
        (told,) = (one for one in made.aws.told if one.name == "unlocked")
        assert "Of indices: broken was closed" in told.done


def test_an_index_that_the_engine_makes_itself_is_shut_and_no_alarm(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    """By a copy that somebody is refused who has nothing. The packages of later releases have no such call."""
    made, key = here
    deployed(made, elastic)
    locked(made, key)
    copying = {"source": {"index": "logs-1"}, "dest": {"index": "logs-copy"}}
    path = "/_reindex?wait_for_completion=false"
    has_call = elastic.version.startswith("6")
    assert (elastic.ask("POST", path, copying, **as_("anna"))[0] == 200) is has_call
    if has_call:
        until(lambda: elastic.ask("HEAD", "/.tasks")[0] == 200, what="the engine keeps the refusal")
    found = guard(made.services, "demo", CAUSE)
    assert found.state is State.LOCKED
    assert (".tasks came in the lock" in found.measures[Measure.BLOCK_INDICES].detail) is has_call
    assert not [one for one in made.aws.told if one.name == "lock-opened"]
    opened(made, key)
    elastic.ask("DELETE", "/.tasks")
