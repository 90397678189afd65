"""Real nodes as deployments: the snapshot role is an internal user with just the rights that the foundation gives it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

import requests
from portcullis.access.plan import AccessModel
from portcullis.adapters.engines.documents import OpenSearchDocuments
from portcullis.adapters.engines.snapshots import OpenSearchSnapshots
from portcullis.families.opensearch.shutting.baseline import COMPARE_ROLE, SNAPSHOT_ROLE
from portcullis.operations.access.changing.foundation import with_foundation
from portcullis.operations.data.comparing import Part, further

from local.node.node import Node
from tests.operations.worlds import registration, snapshot_store

TAKER, PASSWORD = "taker", "Takes-snapshots-9-only"
API = "/_plugins/_security/api"
Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]


def ok(answer: tuple[int, Any]) -> Any:
    status, body = answer
    assert status < 300, body
    return body


def let_taker_in(node: Node, *, sample: str = "", moving: bool = False) -> None:
    """The role as the foundation makes it, and the taker mapped to it and to manage_snapshots."""
    one = registration(snapshots=snapshot_store())
    role = with_foundation(AccessModel(), one, sample=sample, moving=moving).roles[COMPARE_ROLE]
    ok(node.ask("PUT", f"{API}/internalusers/{TAKER}", {"password": PASSWORD}))
    ok(node.ask("PUT", f"{API}/roles/{COMPARE_ROLE}", role))
    for name in (COMPARE_ROLE, SNAPSHOT_ROLE):
        ok(node.ask("PUT", f"{API}/rolesmapping/{name}", {"users": [TAKER]}))


def transport(node: Node) -> Transport:
    session = requests.Session()
    session.trust_env, session.verify, session.auth = False, str(node.ca), (TAKER, PASSWORD)

    def send(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        answer = session.request(method, node.url + path, params=dict(params or {}), json=body, timeout=30)
        return answer.status_code, answer.json()

    return send


def documents(node: Node) -> OpenSearchDocuments:
    return OpenSearchDocuments(transport(node), node.version)


def checksum(store: OpenSearchDocuments, index: str) -> str:
    """Of every document of an index, as a re-key compares them."""
    part = Part(index)
    while part.shard < store.shards(index):
        part = further(part, store, store)
    return part.before


class FolderSnapshots(OpenSearchSnapshots):
    """A repository in the node's folder in the place of a bucket. Another's is linked to: the two nodes share no folder."""

    def __init__(self, node: Node, others: Mapping[str, Node] | None = None) -> None:
        super().__init__(transport(node), node.version)
        self._node, self._others = node, dict(others or {})

    def register(self, repository: str, settings: Mapping[str, Any], kind: str = "s3") -> None:
        assert settings["base_path"]
        folder = self._node.repository / repository
        if settings.get("readonly") and not folder.exists():
            folder.symlink_to(self._others[settings["base_path"]].repository / "portcullis")
        given = {"location": str(folder), **({"readonly": True} if settings.get("readonly") else {})}
        super().register(repository, given, "fs")


def write(node: Node, index: str, many: int, *, shards: int = 1, first: int = 0) -> None:
    """Documents `first` to `first + many`, in bulk."""
    if first == 0:
        ok(node.ask("PUT", f"/{index}", {"settings": {"number_of_shards": shards, "number_of_replicas": 0}}))
    session = requests.Session()
    session.trust_env, session.verify, session.cert = False, str(node.ca), tuple(map(str, node.admin.pair))
    for start in range(first, first + many, 1000):
        lines = []
        for number in range(start, min(start + 1000, first + many)):
            lines.append(f'{{"index": {{"_id": "d{number}", "routing": "r{number % 7}"}}}}')
            lines.append(f'{{"number": {number}, "text": "é {number}", "nested": {{"b": [1.0, 2.50], "a": null}}}}')
        answer = session.post(
            f"{node.url}/{index}/_bulk?refresh=true",
            data=("\n".join(lines) + "\n").encode(),
            headers={"content-type": "application/x-ndjson"},
            timeout=60,
        )
        assert not answer.json()["errors"], answer.text[:500]


def clear(node: Node, *names: str) -> None:
    for name in names:
        node.ask("DELETE", f"/{name}")
    _, listed = node.ask("GET", "/_snapshot/_all")
    for repository in listed or {}:
        node.ask("DELETE", f"/_snapshot/{repository}")
    shutil.rmtree(node.repository, ignore_errors=True)
    node.repository.mkdir(exist_ok=True)
