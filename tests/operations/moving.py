"""Two real clusters, a deployment each, the one reading the other by certificate: what a move to a key begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portcullis.operations.remotes.moving.migrating import Migrated, migrate_remote
from portcullis.operations.remotes.moving.planning import Migration, remote_migration
from portcullis.ports.remotes import Connection

from local.elastic.pair import ALIAS
from local.processes import LOOPBACK
from tests.operations.clusters import PASSWORD
from tests.operations.remotes.test_two_deployments_on_elastic import CAUSE, GIVER, HEAD, READER, Two

NEW = "dc2k"
SECRET = "remotes/orders"
ALLOWS = "{search: [{names: ['logs-*'], query: {term: {team: red}}}]}"
GIVES = (
    HEAD
    + f"""\
offers: {{for-orders: {{search: [{{names: ['logs-*'], query: {{term: {{team: red}}}}}}], secret: {SECRET}}}}}
access:
  roles:
    log_reader: {{indices: [{{names: ['logs-*'], privileges: [read, read_cross_cluster], query: '{{"term": {{"team": "red"}}}}'}}]}}
"""
)


def reads(remotes: str, clusters: str) -> str:
    """The file of the side that reads."""
    return (
        HEAD
        + f"""\
remotes: {{{remotes}}}
access:
  roles:
    log_reader: {{remote_indices: [{{clusters: [{clusters}], names: ['logs-*'], privileges: [read]}}]}}
  grants: [{{role: log_reader, to: {{cognito_group: readers}}}}]
"""
    )


@dataclass
class Move:
    """Deployed, with `dc2` read by certificate, and files that say by what it is to be read."""

    two: Two
    alias: str = ALIAS

    @property
    def transport(self) -> str:
        return f"{LOOPBACK}:{self.two.pair.remote.transport_port}"

    @property
    def interface(self) -> str:
        return f"{LOOPBACK}:{self.two.pair.interface}"

    @property
    def certificate(self) -> str:
        return f"{ALIAS}: {{address: '{self.transport}', model: certificate}}"

    def by_key(self, alias: str) -> str:
        return f"{alias}: {{address: '{self.interface}', credential: {SECRET}, allows: {ALLOWS}}}"

    def begin(self) -> None:
        """By certificate, and no key anywhere."""
        site = self.two.made.services.site(READER)
        for alias in (ALIAS, NEW):
            site.remotes.disconnect(alias)
            site.keystores.put("node", alias, None)
        site.remotes.reload()
        self.two.apply(GIVER, GIVES)
        self.two.apply(READER, reads(self.certificate, ALIAS))
        site.remotes.connect(Connection(ALIAS, self.transport))
        self.answers(ALIAS)

    def declare(self, remotes: str, clusters: str) -> None:
        assert self.two.apply(READER, reads(remotes, clusters)).status in ("applied", "unchanged")

    def second(self) -> None:
        self.declare(f"{self.certificate}, {self.by_key(NEW)}", f"{ALIAS}, {NEW}")

    def same(self) -> None:
        self.declare(self.by_key(ALIAS), ALIAS)

    def answers(self, alias: str, user: str = "anna") -> None:
        for _ in range(100):
            if self.search(alias, user) == 200:
                return
            self.two.made.services.sleep(0.2)
        raise AssertionError(f"{alias} does not answer {user}: {self.search(alias, user)}")

    def search(self, alias: str, user: str = "anna", index: str = "logs-1") -> int:
        password = PASSWORD if user != "elastic" else ""
        return self.two.pair.local.ask("GET", f"/{alias}:{index}/_search", user=user, password=password)[0]

    def plan(self, **more: Any) -> Migration:
        return remote_migration(self.two.made.services, READER, alias=ALIAS, **more)

    def migrate(self, **more: Any) -> Migrated:
        return migrate_remote(self.two.made.services, READER, CAUSE, alias=ALIAS, **more)

    def info(self) -> dict[str, str]:
        """alias -> by which model it is set."""
        found = self.two.pair.local.ask("GET", "/_remote/info")[1]
        return {alias: "key" if one.get("cluster_credentials") else "certificate" for alias, one in found.items()}
