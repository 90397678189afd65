"""Real Elasticsearch nodes: started on first use, one a release and worker, stopped at the session's end.

The newest and the oldest release are run by default, as each has to be fetched once. `ELASTICSEARCH="8.19.21 7.17.29"` runs those
instead. Tests that use them carry the mark `node`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from local.elastic.node import Elasticsearch

# As with OpenSearch (fixtures_node): how hard a password is to guess is nothing that is tested here.
FEW_ROUNDS = {"xpack.security.authc.password_hashing.algorithm": "bcrypt4"}
RELEASES = os.environ.get("ELASTICSEARCH", "9.5.3 6.8.23").split()

_RESULTS = ".tasks"  # where the engine keeps the results of what was set going


def make_new(node: Elasticsearch) -> None:
    """Take away what other tests left on a shared node: what it holds of access, and every index."""
    for kind in ("role_mapping", "role", "user", "privilege"):
        status, held = node.ask("GET", f"/_security/{kind}")
        assert status in (200, 404), held
        found = held if status == 200 else {}
        if kind == "privilege":
            found = {f"{application}/{name}": one for application, of in found.items() for name, one in of.items()}
        for name, document in found.items():
            if not (document.get("metadata") or {}).get("_reserved"):
                path = quote(name, safe="/" if kind == "privilege" else "")
                status, said = node.ask("DELETE", f"/_security/{kind}/{path}")
                assert status == 200, said
    everything = "/*,-.security*?expand_wildcards=all&ignore_unavailable=true&allow_no_indices=true"
    status, said = node.ask("GET", everything.replace("?", "/_settings?"))
    assert status == 200, said
    for index in said:
        if not index.startswith("."):
            assert node.ask("DELETE", f"/{index}")[0] == 200
    if _RESULTS in said:
        _without_results(node)


def _without_results(node: Elasticsearch) -> None:
    """Since 7 a role has to say that it reaches such an index, and that of the super user does not."""
    entry = {"names": [_RESULTS], "privileges": ["delete_index"], "allow_restricted_indices": True}
    of, whoever = {"indices": [entry]}, {"user": "cleans", "password": "cleans-up-afterwards"}
    assert node.ask("PUT", "/_security/role/cleans", of)[0] == 200
    assert node.ask("PUT", "/_security/user/cleans", {"password": whoever["password"], "roles": ["cleans"]})[0] == 200
    assert node.ask("DELETE", f"/{_RESULTS}", **whoever)[0] == 200
    assert node.ask("DELETE", "/_security/user/cleans")[0] == 200
    assert node.ask("DELETE", "/_security/role/cleans")[0] == 200


@pytest.fixture(scope="session", params=RELEASES)
def shared_elastic(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, jar_cache: Path
) -> Iterator[Elasticsearch]:
    """Each release in turn."""
    home = tmp_path_factory.mktemp(f"elasticsearch-{request.param}-")
    with Elasticsearch.start(home, jar_cache, request.param, settings=FEW_ROUNDS, tell=print) as node:
        yield node


@pytest.fixture
def elastic(shared_elastic: Elasticsearch) -> Elasticsearch:
    """Each release in turn, holding nothing but its own."""
    make_new(shared_elastic)
    return shared_elastic
