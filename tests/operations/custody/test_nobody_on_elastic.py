"""Given an Elasticsearch whose settings give roles to whoever does not sign in, then a lock takes what it can and says what it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from portcullis.custody.types import Measure, State
from portcullis.operations.custody.guard import guard

from local.elastic.node import Elasticsearch
from tests.fixtures_elastic import FEW_ROUNDS, RELEASES, make_new
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, deployed
from tests.operations.worlds import Account

pytestmark = pytest.mark.node
here = custody.here
SETTING = "xpack.security.authc.anonymous.roles"


@pytest.fixture(scope="module", params=RELEASES)
def open_to_nobody(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, jar_cache: Path
) -> Iterator[Elasticsearch]:
    home = tmp_path_factory.mktemp(f"nobody-{request.param}-")
    settings = FEW_ROUNDS | {SETTING: ["superuser", "for-nobody"]}
    with Elasticsearch.start(home, jar_cache, request.param, settings=settings, tell=print) as node:
        yield node


@pytest.fixture
def elastic(open_to_nobody: Elasticsearch) -> Elasticsearch:
    make_new(open_to_nobody)
    return open_to_nobody


@pytest.fixture
def nobody(elastic: Elasticsearch) -> Callable[[str], int]:
    """A search by whoever does not sign in."""

    def search(index: str) -> int:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{elastic.url}/{index}/_search", timeout=30, verify=str(elastic.ca)).status_code

    return search


def test_a_lock_names_the_roles_of_nobody_that_it_cannot_take(
    here: tuple[Account, Key], elastic: Elasticsearch, nobody: Callable[[str], int]
) -> None:
    """Everybody has them, the canary too: so it is not proven that anybody is shut out, and it is said why."""
    made, key = here
    reads = {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}
    assert elastic.ask("PUT", "/_security/role/for-nobody", reads)[0] == 200
    deployed(made, elastic)
    assert nobody("logs-1") == 200
    key.gone = True
    assert guard(made.services, "demo", CAUSE).state is State.LOCKING
    assert nobody("logs-1") == 403, "the index blocks hold"
    assert elastic.ask("GET", "/_security/role/for-nobody")[1]["for-nobody"]["indices"] == []
    said = made.ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    assert f"everybody, also without signing in, has superuser by the nodes' settings ({SETTING})" in said
    assert "lock-incomplete" in [alert.name for alert in made.aws.told]
    key.gone = False
    assert guard(made.services, "demo", CAUSE).state is State.OPEN
    assert nobody("logs-1") == 200
