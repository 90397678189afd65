"""Real nodes for whoever needs one: started on first use, one per release and test session, stopped at its end.

Load with `pytest_plugins = ["tests.fixtures_node"]`. Tests that use them carry the mark `node`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.node.node import Node
from local.node.pair import trusting
from local.node.security import SecuritySetup

CACHE = Path(__file__).resolve().parent.parent / ".portcullis" / "cache"
MASTER_ROLE = "arn:aws:iam::000000000000:role/Master"
# After every change of its security config a node hashes anew the password of whoever calls, and with the usual 12 rounds of bcrypt each
# of these takes half a second of processor time. How hard a password is to guess is nothing that is tested here.
FEW_ROUNDS = {
    "plugins.security.password.hashing.bcrypt.rounds": 4,
    # And a test may set what Amazon sets for its domains and nobody else may.
    "plugins.security.unsupported.restapi.allow_securityconfig_modification": True,
}


# The role mappings of each shared node, by its release, as they were when it had just come up.
MAPPED_AS_NEW: dict[str, Any] = {}
# What a new node of `SecuritySetup.basic()` holds besides what the engine reserves.
_NEW = {
    "rolesmapping": {
        name: {"backend_roles": ["admin"], "description": "The master"} for name in ("all_access", "security_manager")
    },
    "roles": {},
    "internalusers": {},
    "tenants": {},
    "actiongroups": {},
}


def make_new(node: Node) -> None:
    """Take away what other tests left on a shared node: its security config and its indices are as on a new one afterwards."""
    for kind, new in _NEW.items():
        path = f"/_plugins/_security/api/{kind}"
        status, held = node.ask("GET", path)
        assert status == 200, held
        left = [
            name
            for name, document in held.items()
            if name not in new and name != node.user and not (document.get("reserved") or document.get("static"))
        ]
        operations = [{"op": "remove", "path": "/" + name.replace("~", "~0").replace("/", "~1")} for name in left]
        operations += [
            {"op": "replace" if name in held else "add", "path": f"/{name}", "value": new[name]} for name in new
        ]
        if operations:
            status, said = node.ask("PATCH", path, operations, timeout=120)
            assert status == 200, said
    status, said = node.ask("DELETE", "/*,-.*?expand_wildcards=all&ignore_unavailable=true")
    assert status in (200, 404), said


@pytest.fixture(scope="session")
def jar_cache() -> Path:
    """The project's own cache: filled by whoever comes first, shared by all."""
    return CACHE


@pytest.fixture(scope="session")
def node_homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, SecuritySetup]]:
    """Of each release where its node is at home, and as what it starts: they trust each other, so that one may search the other."""
    homes = {version: tmp_path_factory.mktemp(f"opensearch-{version}-") for version in ("3.4.0", "2.19.3")}
    trust = trusting([*homes.values()])
    return {
        version: (
            home,
            SecuritySetup.basic(settings={**FEW_ROUNDS, **trust, "cluster.name": f"portcullis-{version}"}),
        )
        for version, home in homes.items()
    }


def _node(homes: dict[str, tuple[Path, SecuritySetup]], cache: Path, version: str) -> Iterator[Node]:
    home, security = homes[version]
    with Node.start(home, cache, version, security=security, tell=print) as node:
        status, MAPPED_AS_NEW[version] = node.ask("GET", "/_plugins/_security/api/rolesmapping")
        assert status == 200
        yield node


@pytest.fixture(scope="session")
def node_basic_3(node_homes: dict[str, tuple[Path, SecuritySetup]], jar_cache: Path) -> Iterator[Node]:
    """OpenSearch 3.4.0 with internal users: `node.user`, `node.password`."""
    yield from _node(node_homes, jar_cache, "3.4.0")


@pytest.fixture(scope="session")
def node_basic_2(node_homes: dict[str, tuple[Path, SecuritySetup]], jar_cache: Path) -> Iterator[Node]:
    """OpenSearch 2.19.3 with internal users: `node.user`, `node.password`."""
    yield from _node(node_homes, jar_cache, "2.19.3")


@pytest.fixture(scope="session", params=["3.4.0", "2.19.3"])
def node_basic(request: pytest.FixtureRequest) -> Node:
    """Each of the two in turn, for tests that both must pass."""
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    return node
