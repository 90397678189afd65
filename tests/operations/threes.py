"""Three real clusters: `orders` reads `logs` with a key and `bills` by certificate, `logs` reads `bills` and, in a circle, `orders` back.

The third one is of the release of the others, unless THIRD names another. Its certificates are of the CA of `logs`, which `orders` trusts
already: as where one team runs both.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portcullis.entry.verbs import VERBS
from portcullis.operations.remotes.keys.tending import rotate_remote

from local.elastic.keystore_server import KeystoreServer
from local.elastic.node import Elasticsearch
from local.elastic.pair import ALIAS, Pair, wired
from local.processes import LOOPBACK, free_port
from tests.fixtures_elastic import FEW_ROUNDS
from tests.operations.clusters import PASSWORD
from tests.operations.remotes.test_two_deployments_on_elastic import CAUSE, GIVER, HEAD, READER, Two, deployed

THIRD = "bills"
BILLS, BILLS_BY_KEY = "bills", "billsk"  # the aliases of the third one
RED = 'query: \'{"term": {"team": "red"}}\''
GIVES = (
    HEAD
    + """\
offers: {for-orders: {search: [{names: ['logs-*'], query: {term: {team: red}}}], secret: remotes/orders}}
remotes: {bills: {deployment: bills, model: certificate}, orders: {deployment: orders, model: certificate}}
"""
)
THIRD_GIVES = (
    HEAD
    + f"""\
offers: {{for-orders: {{search: [{{names: ['logs-*'], query: {{term: {{team: red}}}}}}], secret: remotes/bills}}}}
access:
  roles:
    reader: {{indices: [{{names: ['logs-*'], privileges: [read, read_cross_cluster], {RED}}}]}}
"""
)


def reads(*aliases: str, bills: str = "") -> str:
    """The file of the one that reads both. `bills`: its remotes of the third one, if they are others."""
    allows = "allows: {search: [{names: ['logs-*'], query: {term: {team: red}}}]}"
    bills = bills or f"{BILLS}: {{deployment: {THIRD}, model: certificate}}"
    return (
        HEAD
        + f"""\
remotes:
  {ALIAS}: {{deployment: {GIVER}, credential: remotes/orders, {allows}}}
  {bills}
access:
  roles:
    reader:
      indices: [{{names: ['logs-*'], privileges: [read]}}]
      remote_indices: [{{clusters: [{", ".join(aliases or (ALIAS,))}], names: ['logs-*'], privileges: [read]}}]
  grants: [{{role: reader, to: {{cognito_group: readers}}}}]
"""
    )


FILES = {GIVER: GIVES, READER: reads(), THIRD: THIRD_GIVES}


@dataclass
class Three:
    two: Two
    third: Elasticsearch
    interface: int  # of the third one, for whoever comes with a key

    @property
    def services(self) -> Any:
        return self.two.made.services

    def apply(self, name: str, text: str) -> None:
        assert self.two.apply(name, text).status in ("applied", "unchanged")

    def rotate(self, alias: str = ALIAS) -> str:
        return str(rotate_remote(self.services, READER, CAUSE, alias=alias).key)

    def asks(self, verb: str, **arguments: Any) -> Any:
        return VERBS[verb].run(self.services, READER, CAUSE, **arguments)

    def search(self, names: str, user: str = "anna", at: str = READER, options: str = "") -> tuple[int, Any]:
        password = PASSWORD if user != "elastic" else ""
        path = f"/{names}/_search?size=100{options}"
        return self.two.node(at).ask("GET", path, user=user, password=password)

    def seen(self, names: str, user: str = "anna", **more: Any) -> list[str] | int:
        """`index/id` of each document that they are shown; the status of a refusal."""
        status, body = self.search(names, user, **more)
        return sorted(f"{hit['_index']}/{hit['_id']}" for hit in body["hits"]["hits"]) if status == 200 else status


def points(node: Elasticsearch, alias: str, port: int | None, *, skip: bool = False) -> None:
    """No port: the alias is taken away."""
    at = f"cluster.remote.{alias}."
    if port is None:
        gone = {f"{at}{one}": None for one in ("mode", "proxy_address", "skip_unavailable")}
        assert node.ask("PUT", "/_cluster/settings", {"persistent": gone})[0] == 200
        return
    # not with the mode: 8.19 forgets it then
    proxy = {f"{at}mode": "proxy", f"{at}proxy_address": f"{LOOPBACK}:{port}"}
    for settings in (proxy, {f"{at}skip_unavailable": not skip}, {f"{at}skip_unavailable": skip}):
        assert node.ask("PUT", "/_cluster/settings", {"persistent": settings})[0] == 200


@contextmanager
def third_beside(pair: Pair, home: Path, cache: Path) -> Iterator[tuple[Elasticsearch, int]]:
    """One more cluster, which the two of a pair and it trust."""
    shutil.copytree(pair.remote.home / "config" / "certs", home / "config" / "certs")
    interface = free_port()
    _, side = wired(pair.local.home, home, interface)
    trusts = {"xpack.security.remote_cluster_client.ssl.certificate_authorities": ["certs/ca.pem"]}
    settings = {"cluster.name": "third", **side.settings, **trusts, **FEW_ROUNDS}
    with (
        Elasticsearch.start(
            home, cache, os.environ.get("THIRD", pair.local.version), settings=settings, files=side.files
        ) as node,
        KeystoreServer(home),
    ):
        yield node, interface


@contextmanager
def three_deployed(pair: Pair, third: Elasticsearch, interface: int) -> Iterator[Three]:
    with deployed(pair, FILES, **{THIRD: third}) as two:
        for name, node in (("orders", pair.local), ("logs", pair.remote), ("bills", third)):
            for id_, team in (("r", "red"), ("b", "blue")):
                for index in ("logs-1", "hr"):
                    document = {"team": team, "of": name}
                    assert node.ask("PUT", f"/{index}/_doc/{id_}?refresh=true", document)[0] in (200, 201)
        ways = ((pair.local, BILLS, third), (pair.remote, BILLS, third), (pair.remote, READER, pair.local))
        for node, alias, to in ways:
            points(node, alias, to.transport_port)
        three = Three(two, third, interface)
        three.apply(GIVER, GIVES)
        three.apply(READER, reads(ALIAS, BILLS_BY_KEY))
        three.rotate()
        try:
            yield three
        finally:
            for node, alias in (*((node, alias) for node, alias, _ in ways), (pair.local, BILLS_BY_KEY)):
                points(node, alias, None)
            for node in (pair.local, pair.remote):  # other tests have the same pair
                node.ask("DELETE", "/_security/role/reader")
                node.ask("DELETE", "/logs-1,hr")
