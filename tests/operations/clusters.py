"""A deployment of a real Elasticsearch cluster: its users, and Portcullis connected and registered as each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.ports.registration import Cluster, EngineUser, Registration

from local.elastic.node import Elasticsearch
from local.processes import LOOPBACK
from tests.operations.worlds import registration

PASSWORD = "correct-horse-4711"
AUTOMATION, CANARY, BREAK_GLASS = ACTORS = ("portcullis", "canary", "break-glass")


def release_of(node: Elasticsearch) -> str:
    """As a deployment file says it: 9.5."""
    return ".".join(node.version.split(".")[:2])


def with_users(node: Elasticsearch, *names: str, roles: Iterable[str] = ()) -> None:
    """Native users of this password, with no roles but these."""
    for name in names:
        user = {"password": PASSWORD, "roles": list(roles)}
        assert node.ask("PUT", f"/_security/user/{name}", user)[0] == 200


def transport(node: Elasticsearch, user: str = "", password: str = PASSWORD) -> Any:
    """As a user, and as the node's own administrator if none is named."""
    who = (user, password) if user else (node.user, node.password)
    return basic_transport(f"{LOOPBACK}:{node.port}", *who, ca=str(node.ca))


def connected(
    node: Elasticsearch, user: str = "", password: str = PASSWORD, name: str = "the cluster"
) -> ElasticsearchEngine:
    return ElasticsearchEngine(transport(node, user, password), name)


def registered(node: Elasticsearch, name: str = "demo") -> Registration:
    return registration(
        name,
        family="elasticsearch",
        place=Cluster(f"{LOOPBACK}:{node.port}"),
        master=EngineUser("elastic", "the-masters"),
        automation=EngineUser(AUTOMATION, "the-automations"),
        break_glass=EngineUser(BREAK_GLASS, "the-break-glass"),
        canary=EngineUser(CANARY, "the-canarys"),
    )
