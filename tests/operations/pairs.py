"""Two real clusters with an offer of one to the other: as their automations, with the rights that these are given and no more."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from portcullis.adapters.engines.elastic_remotes import ElasticClusterKeys, ElasticRemotes
from portcullis.adapters.keystores.files import KeystoreFiles
from portcullis.adapters.passwords.keys import KeySecrets
from portcullis.families.elasticsearch.documents.baseline import DOCUMENTS, REMOTES, REMOTES_ROLE, SECURITY_ROLE
from portcullis.operations.remotes.keys.rotating import Giving, Taking, rotate
from portcullis.ports.remotes import Connection
from portcullis.remotes.keys import Offer

from local.elastic.keystore import TOOL
from local.elastic.node import Elasticsearch
from local.elastic.pair import ALIAS, Pair
from local.processes import LOOPBACK
from tests.operations.clusters import AUTOMATION, PASSWORD, transport, with_users

LOGS = {"search": [{"names": ["logs-*"]}]}


def now() -> datetime:
    return datetime.now(UTC)


def asleep(seconds: float) -> None:
    """Between two looks at what a node does by itself."""
    time.sleep(seconds)


@dataclass
class World:
    pair: Pair
    giving: Giving
    taking: Taking

    @property
    def keys(self) -> ElasticClusterKeys:
        assert isinstance(self.giving.keys, ElasticClusterKeys)
        return self.giving.keys

    def ours(self) -> list[str]:
        return sorted(one.id for one in self.keys.shown() if one.offer[1] == self.giving.offer.name)

    def held(self) -> str:
        text = self.giving.texts.read(self.giving.offer.secret)
        return text.id if text else ""

    def rotate(self, **more: Any) -> str:
        return rotate(self.giving, [self.taking], now, asleep, **more).key

    def search(self, index: str = "logs-1", user: str = "elastic") -> int:
        password = PASSWORD if user != "elastic" else ""
        return self.pair.local.ask("GET", f"/{ALIAS}:{index}/_search", user=user, password=password)[0]


def automation(node: Elasticsearch, roles: dict[str, Any]) -> Any:
    """A connection as the automation, with the rights it is given and no more."""
    for name, document in roles.items():
        assert node.ask("PUT", f"/_security/role/{name}", document)[0] == 200
    with_users(node, AUTOMATION, roles=roles)
    return transport(node, AUTOMATION)


def made(pair: Pair, secrets_manager: Any) -> World:
    """An offer of its own, with nothing made of it yet, and an alias that has no key of it."""
    for index in ("logs-1", "metrics-1"):
        assert pair.remote.ask("PUT", f"/{index}/_doc/1?refresh=true", {"team": "red"})[0] in (200, 201)
    read = automation(pair.remote, {SECURITY_ROLE: DOCUMENTS[SECURITY_ROLE]})
    reads = automation(pair.local, {REMOTES_ROLE: REMOTES})
    offer = Offer("logs", f"orders-{uuid4().hex[:8]}", LOGS, 90, "remotes/orders")
    texts, remotes = KeySecrets(secrets_manager), ElasticRemotes(reads, "local")
    keystores = KeystoreFiles({"node": pair.local.home / "config"}, TOOL)
    giving = Giving(offer, ElasticClusterKeys(read, "remote"), texts, lambda: nullcontext(True))
    remotes.connect(Connection(ALIAS, f"{LOOPBACK}:{pair.interface}"))
    return World(pair, giving, Taking(ALIAS, offer.secret, texts, keystores, remotes))
