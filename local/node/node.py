"""A real OpenSearch node in a process of its own: started, waited for, stopped, started again on the same home."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portcullis.errors import PortcullisError

from local.node import jars
from local.node.certificates import Certificates, Identity, make
from local.node.files import write_private
from local.node.security import SecuritySetup
from local.processes import LOOPBACK
from local.server import LOG4J, Server, check_given, quiet, two_ports

JVM = (
    "-Xrs",  # leaves the signals to Python
    "-XX:+UseG1GC",  # the memory breaker nudges this one to collect; under the serial one a large request leaves the node refusing for long
    "--enable-native-access=ALL-UNNAMED",
)
SOON_UP = ("-Xms512m", "-Xmx512m", "-XX:TieredStopAtLevel=1")  # compiles quickly and never well
STAYS_UP = ("-Xms1g", "-Xmx1g")


class Node(Server):
    """Use `Node.start`. Paths are absolute; everything of the node lies under `home`."""

    name = "OpenSearch"

    def __init__(
        self, home: Path, version: str, security: SecuritySetup, port: int, transport_port: int, repository: Path
    ) -> None:
        self.security = security
        self.repository = repository  # the folder that `fs` snapshot repositories may lie in (path.repo)
        self.certificates: Certificates = make(home / "config" / "certs")
        self._context: ssl.SSLContext | None = None
        command = [sys.executable, "-m", "local.node.launch", str(home / "launch.json")]
        super().__init__(home, version, (port, transport_port), self.certificates.ca, command)

    @classmethod
    def start(
        cls,
        home: Path,
        cache: Path,
        version: str,
        *,
        security: SecuritySetup,
        tell: Callable[[str], None] = quiet,
        port: int | None = None,
        transport_port: int | None = None,
        repositories: dict[str, str] | None = None,
        repository: Path | None = None,
        stays_up: bool = False,
    ) -> Node:
        """Bring a node up and return when it and its security index answer.

        `home`: a new folder, or that of an earlier node, whose data and security index are then kept. `cache`: where the
        jars lie. `repository`: where snapshots may lie; another node's, to see what that one keeps there; its own under `home` by default.
        `stays_up`: compiled as a node that runs for long, as production's do; it is up a little later and faster from then
        on. Raises BadInput (version, port in use), CannotFetch, Died (with the log's last lines),
        PortcullisError (not up in time).
        """
        home = home.resolve()
        check_given(port=port, transport_port=transport_port)
        classpath = jars.ensure(version, cache.resolve(), tell, repositories=repositories)
        port, transport_port = two_ports(port, transport_port)
        node = cls(home, version, security, port, transport_port, repository or home / "repo")
        node._write(
            classpath,
            jars.default_files(version, cache.resolve()),
            (*JVM, *(STAYS_UP if stays_up else SOON_UP)),
            None if stays_up else cache.resolve() / "archives",
        )
        node._up(tell)
        try:
            node._set_passwords()
        except BaseException:
            node.stop()
            raise
        return node

    @property
    def admin(self) -> Identity:
        """Super administrator of the Security plugin by client certificate: past every check, the door included."""
        return self.certificates.admin

    @property
    def door(self) -> Identity:
        """The client certificate without which a node `behind_door` talks to nobody."""
        return self.certificates.door

    @property
    def token_key(self) -> Path:
        """Signs what the door hands over: see handover.Signer."""
        return self.certificates.token_key

    @property
    def user(self) -> str:
        """The master's name in the internal user database (`basic` only)."""
        return self.security.master_user

    @property
    def password(self) -> str:
        return self.security.master_password

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 30.0) -> tuple[int, Any]:
        """One request as super administrator: status and decoded body. For setting up and looking, not for the story.

        Raises OSError or http.client.HTTPException when the node does not answer.
        """
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self.ca))
            self._context.load_cert_chain(*self.admin.pair)
        return self._request(self._context, method, path, body, timeout=timeout)

    def _write(self, classpath: list[Path], defaults: Path, jvm: tuple[str, ...], archives: Path | None) -> None:
        conf = self.home / "config"
        plugin = conf / "opensearch-security"
        shutil.rmtree(plugin, ignore_errors=True)
        for folder in (plugin, self.home / "tmp", self.repository):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in self.security.files(defaults, self.certificates.token_public_key).items():
            write_private(plugin / name, content.encode())
        write_private(conf / "opensearch.yml", json.dumps(self._settings(), indent=1).encode())
        write_private(conf / "log4j2.properties", LOG4J.encode())
        spec = {
            "version": self.version,
            "home": str(self.home),
            "conf": str(conf),
            "jvm": list(jvm),
            "release": f"opensearch-{self.version}",
            "archives": archives and str(archives),
            "jars": [str(path) for path in classpath],
        }
        (self.home / "launch.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "cluster.name": "portcullis",
            "node.name": "node",
            "network.host": LOOPBACK,
            "http.port": self.port,
            "transport.port": self.transport_port,
            "discovery.type": "single-node",
            "path.repo": [str(self.repository)],
            # A full disk elsewhere on the machine is no reason to refuse writes; benches make many small indices.
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "cluster.max_shards_per_node": 10000,
            "plugins.security.allow_default_init_securityindex": True,
            "plugins.security.ssl.transport.enforce_hostname_verification": False,
            "plugins.security.ssl.http.enabled": True,
            "plugins.security.authcz.admin_dn": [self.admin.subject],
            # Masked values are hashes under this salt: without it, under one that everybody knows.
            "plugins.security.compliance.salt": hashlib.sha256(self.ca.read_bytes()).hexdigest()[:16],
            "plugins.security.nodes_dn": [self.certificates.node.subject],
        }
        for layer in ("transport", "http"):
            prefix = f"plugins.security.ssl.{layer}"
            settings[f"{prefix}.pemcert_filepath"] = "certs/node.pem"
            settings[f"{prefix}.pemkey_filepath"] = "certs/node.key"
            settings[f"{prefix}.pemtrustedcas_filepath"] = "certs/ca.pem"
        return {**settings, **self.security.node_settings()}

    def _answers(self) -> bool:
        """Whether the cluster has a state, and the plugin has read its security index."""
        status, health = self.ask("GET", "/_cluster/health", timeout=5)
        if status != 200 or health["status"] == "red":
            return False
        status, health = self.ask("GET", "/_plugins/_security/health", timeout=5)
        return status == 200 and bool(health["status"] == "UP")

    def _set_passwords(self) -> None:
        """Users given with a password, in one write. The running node hashes it: no password lies in a file."""
        users = self.security.passwords()
        if not users:
            return
        patch = [
            {"op": "add", "path": "/" + name.replace("~", "~0").replace("/", "~1"), "value": user}
            for name, user in users.items()
        ]
        status, answer = self.ask("PATCH", "/_plugins/_security/api/internalusers", patch)
        if status != 200:
            raise PortcullisError(f"the node refused the users {', '.join(users)}: {status} {answer}")
