"""Given a change of groups on a real Elasticsearch, then a handful of requests brings it about, and what is others' stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.operations.access.synchronise import synchronise

from local.elastic.node import Elasticsearch
from tests.operations.clusters import PASSWORD, transport, with_users
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, READERS, Key, as_, deployed, search
from tests.operations.worlds import POOL, Account

pytestmark = pytest.mark.node
here = custody.here
MANY = 10  # roles and users that nobody declared
NUMBERS, LICENCE = "POST /.security/_mget", "GET /_license"


@dataclass
class Asked:
    """The engine of a deployment, whose every request is written down. `before` the n-th something may happen."""

    made: Account
    requests: list[str] = field(default_factory=list)
    before: dict[int, Callable[[], None]] = field(default_factory=dict)

    def follow(self, *people: str) -> int:
        """These are in the group now, and the event of it is reacted to: how many writes it took."""
        self.made.people.groups = {READERS: tuple(f"Cognito/{POOL}/{name}" for name in people)}
        self.requests.clear()
        return synchronise(self.made.services, "demo", CAUSE, short=True).writes

    @property
    def looked_at_everything(self) -> bool:
        return "GET /_security/role" in self.requests


@pytest.fixture
def asked(here: tuple[Account, Key], elastic: Elasticsearch) -> Asked:
    made, _ = here
    deployed(made, elastic)
    stem = f"team-{uuid4().hex[:8]}"
    for number in range(MANY):
        assert elastic.ask("PUT", f"/_security/role/{stem}-{number}", {"cluster": ["monitor"]})[0] == 200
        with_users(elastic, f"{stem}-{number}", roles=[f"{stem}-{number}"])
    real = transport(elastic, "portcullis")
    seen = Asked(made)

    def send(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        seen.requests.append(f"{method} {path}")
        seen.before.pop(len(seen.requests), lambda: None)()
        return real(method, path, params, body)

    engine = ElasticsearchEngine(send, "the cluster")
    assert engine.release  # is asked for once
    seen.made = replace(made, services=replace(made.services, engine=lambda _: engine))
    seen.follow("anna", "ben")
    return seen


def test_a_group_change_among_many_roles_asks_for_those_it_touches(asked: Asked, elastic: Elasticsearch) -> None:
    with_users(elastic, "cara", roles=["theirs"])
    assert asked.follow("anna", "ben", "cara") == 1
    documents = ["GET /_security/role/viewers", "GET /_security/user/anna,ben,cara"]
    looks = [NUMBERS, *documents, LICENCE]
    write = ["GET /_security/user/cara", NUMBERS, "PUT /_security/user/cara"]
    assert _sorted(asked.requests) == _sorted([*looks, *write, *looks])
    assert search(elastic, **as_("cara")) == 200
    assert asked.follow("anna", "ben") == 1
    ended = [one for one in asked.requests if "oauth2" in one or "api_key" in one]  # what she may hold still
    assert _sorted(asked.requests) == _sorted([*looks, *write, *looks, *ended])
    assert search(elastic, **as_("cara")) == 403
    assert asked.follow("anna", "ben") == 0
    assert asked.requests == []


def _sorted(requests: list[str]) -> list[str]:
    """Names in a path come in any order."""
    return sorted(",".join(sorted(one.replace("/user/", "/user/,").split(","))) for one in requests)


def test_all_that_others_keep_of_a_user_stays_as_it_is(asked: Asked, elastic: Elasticsearch) -> None:
    of_others = {"full_name": "Cara", "email": "cara@example.com", "metadata": {"team": ["a", "b"]}, "enabled": False}
    made = {"password": PASSWORD, "roles": ["theirs", "other"], **of_others}
    assert elastic.ask("PUT", "/_security/user/cara", made)[0] == 200
    for people, roles in ((("cara",), ["theirs", "other", "viewers"]), ((), ["theirs", "other"])):
        asked.follow("anna", "ben", *people)
        assert not asked.looked_at_everything
        _, found = elastic.ask("GET", "/_security/user/cara")
        assert {key: found["cara"][key] for key in of_others} == of_others
        assert found["cara"]["roles"] == roles
    assert elastic.ask("PUT", "/_security/user/cara/_enable")[0] == 200
    assert search(elastic, **as_("cara")) == 403, "the password is still hers"


@pytest.mark.parametrize("request_", [4, 5, 6])
def test_whoever_writes_a_member_meanwhile_loses_nothing(asked: Asked, elastic: Elasticsearch, request_: int) -> None:
    """Before the documents are read, right after, and between the last look and the write: each is seen."""
    with_users(elastic, "cara")
    asked.before[request_] = lambda: with_users(elastic, "cara", roles=["theirs"])
    asked.follow("anna", "ben", "cara")
    assert asked.looked_at_everything
    assert elastic.ask("GET", "/_security/user/cara")[1]["cara"]["roles"] == ["theirs", "viewers"]


def test_a_member_who_is_gone_and_a_role_that_is_gone(asked: Asked, elastic: Elasticsearch) -> None:
    assert elastic.ask("DELETE", "/_security/user/ben")[0] == 200
    assert asked.follow("anna") == 0
    assert not asked.looked_at_everything
    with_users(elastic, "ben")
    assert elastic.ask("DELETE", "/_security/role/viewers")[0] == 200
    asked.follow("anna", "ben")
    assert asked.looked_at_everything
    assert [search(elastic, **as_(name)) for name in ("anna", "ben")] == [200, 200]
