"""Given an Elasticsearch whose settings give roles to whoever does not sign in, then they are told, and a lock takes what it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from portcullis.custody.types import Measure, State
from portcullis.entry.verbs import VERBS
from portcullis.operations.access.checking import check
from portcullis.operations.custody.guard import guard
from portcullis.operations.sweep import sweep

from local.elastic.node import Elasticsearch
from tests.fixtures_elastic import FEW_ROUNDS, RELEASES, make_new
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, deployed
from tests.operations.estates import Key as Desk
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


def test_an_anonymous_super_user_is_told_while_a_cluster_is_open(
    here: tuple[Account, Key], elastic: Elasticsearch, nobody: Callable[[str], int]
) -> None:
    """By the sweep as a critical drift, once; by `check --live`, `findings`, `masters`, and as somebody in `who-can`."""
    made, _ = here
    deployed(made, elastic)
    assert nobody("logs-1") == 200
    sweep(made.services)
    sweep(made.services)
    [told] = [alert for alert in made.aws.told if alert.name == "drift"]
    assert told.severity == "critical"
    assert (
        f"also without signing in (by the settings of the nodes), administers the engine (superuser through {SETTING})"
        in told.happened
    )
    seeing = replace(made.services, key_desk=lambda _: Desk("demo", now=made.aws.now))
    [found] = [one for one in check(seeing, "demo", CAUSE).findings if one.code == "anonymous-administrator"]
    assert "also without signing in, has superuser" in found.message
    says = [one.says for one in VERBS["findings"].run(made.services, "demo", CAUSE).findings]
    assert any(
        f"{SETTING} of the nodes, which gives for-nobody, superuser, lets in whoever there is" in one for one in says
    )
    assert ("superuser", SETTING) in {
        (one.role, one.through) for one in VERBS["master-list"].run(made.services, "demo", CAUSE)
    }
    may = VERBS["who-can"].run(made.services, "demo", CAUSE, does="read", index="logs-1")
    assert "nobody:whoever does not sign in" in str(may)
    assert "cognito_user:anna" in str(may), "and whoever signs in has it besides"
