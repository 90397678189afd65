"""A real Elasticsearch in a process of its own, with security on and TLS before its API."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.elastic.distribution import Distribution, ensure, link, major
from local.elastic.launch import SECURE_IN
from local.node.certificates import make
from local.node.files import write_private
from local.processes import LOOPBACK
from local.server import LOG4J, Server, check_given, quiet, two_ports

_TRIED = "/_security/role/portcullis-node-is-up"
USER = "elastic"  # the superuser that every release has from the start
JVM = (
    *("-Xrs", "-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-Dlog4j2.disable.jmx=true", "-Dio.netty.noUnsafe=true", "-Dio.netty.allocator.type=unpooled"),
    *("-Djava.net.preferIPv4Stack=true", "--enable-native-access=ALL-UNNAMED", "-Dlog4j.shutdownHookEnabled=false"),
)
OPENED = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.io=ALL-UNNAMED")


class Elasticsearch(Server):
    """Use `Elasticsearch.start`. Everything of the node lies under `home`."""

    name = "Elasticsearch"
    user = USER

    def __init__(
        self, home: Path, version: str, at: tuple[int, int], password: str, secure: Mapping[str, str] | None = None
    ) -> None:
        self.password = password
        certificates = make(home / "config" / "certs")
        command = [sys.executable, "-m", "local.elastic.launch", str(home / "launch.json")]
        super().__init__(home, version, at, certificates.ca, command)
        # Its own process alone sees it; no file holds it as text.
        self._child.env[SECURE_IN] = json.dumps({**(secure or {}), "bootstrap.password": password})
        self._context: ssl.SSLContext | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        cache: Path,
        version: str,
        *,
        licence: str = "trial",
        settings: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        secure: Mapping[str, str] | None = None,
        password: str = "",
        tell: Callable[[str], None] = quiet,
        port: int | None = None,
        transport_port: int | None = None,
        repositories: Mapping[str, str] | None = None,
    ) -> Elasticsearch:
        """Bring a node up and return when it and its security index answer.

        `home`: a new folder, or that of an earlier node, whose data are then kept (give the same `password`). `licence`: trial or basic.
        `settings` are added to the node's own, `files` to its config folder, `secure` (setting -> value) to its keystore. Raises BadInput
        (version, port in use), CannotFetch, Died, PortcullisError (not up in time).
        """
        home = home.resolve()
        check_given(port=port, transport_port=transport_port)
        found = ensure(version, cache.resolve(), tell, repositories=repositories)
        node = cls(home, version, two_ports(port, transport_port), password or secrets.token_urlsafe(16), secure)
        # 6.8 spares little by an archive, and is started once or twice.
        archives = cache.resolve() / "archives" if major(version) > 6 else None
        node._write(found, archives, {"xpack.license.self_generated.type": licence, **(settings or {})}, files or {})
        node._up(tell)
        return node

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = USER,
        password: str = "",
        authorization: str = "",
        run_as: str = "",
        timeout: float = 60.0,
    ) -> tuple[int, Any]:
        """One request: status and decoded body. As the superuser, as a user with a password, or with a whole Authorization header; and
        as whoever `run_as` names, if those may."""
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self.ca))
        if not authorization:
            pair = f"{user}:{password or self.password}".encode()
            authorization = f"Basic {base64.b64encode(pair).decode()}"
        headers = {"authorization": authorization, **({"es-security-runas-user": run_as} if run_as else {})}
        return self._request(self._context, method, path, body, headers=headers, timeout=timeout)

    def _answers(self) -> bool:
        """Whether there is a licence, and the security index is there and takes a write.

        Before it is recovered even the superuser is a stranger; 9 makes it by itself, a moment after it answers.
        """
        licence = "/_xpack/license" if major(self.version) == 6 else "/_license"
        status, found = self.ask("GET", licence, timeout=5)
        if status != 200 or found["license"]["status"] != "active":
            return False
        tried = [
            self.ask("PUT", _TRIED, {"cluster": []}),
            self.ask("DELETE", _TRIED),
            self.ask("GET", "/_security/role_mapping"),
        ]
        return [status for status, _ in tried] == [200, 200, 200]

    def _write(
        self, found: Distribution, archives: Path | None, more: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> None:
        conf = self.home / "config"
        for folder in ("data", "logs", "tmp"):
            (self.home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("modules", "plugins"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
            (self.home / folder).mkdir()
        for module in found.modules:
            _lay(module, self.home / "modules" / module.name)
        found.lay_plugin(self.home / "plugins")
        write_private(conf / "log4j2.properties", LOG4J.encode())
        for name, content in files.items():
            write_private(conf / name, content)
        release = major(self.version)
        jvm = [*JVM, f"-Djava.io.tmpdir={self.home / 'tmp'}", f"-Des.logs.base_path={self.home / 'logs'}"]
        jvm += [f"-Des.nativelibs.path={found.native}"] if release >= 8 else list(OPENED)
        spec = {
            "version": self.version,
            "home": str(self.home),
            "jvm": jvm,
            "release": f"elasticsearch-{self.version}",
            "archives": archives and str(archives),
            "classpath": [str(path) for path in found.classpath],
            "settings": {**self._settings(release), **more},
        }
        write_private(self.home / "launch.json", json.dumps(spec, indent=1).encode())

    def _settings(self, release: int) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "path.home": str(self.home),
            "path.data": str(self.home / "data"),
            "path.logs": str(self.home / "logs"),
            "cluster.name": "portcullis",
            "node.name": "node",
            "discovery.type": "single-node",
            "http.host": LOOPBACK,
            "http.port": self.port,
            "transport.host": LOOPBACK,
            "transport.tcp.port" if release == 6 else "transport.port": self.transport_port,
            # A full disk elsewhere on the machine is no reason to refuse writes; benches make many small indices.
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "cluster.max_shards_per_node": 10000,
            "xpack.security.enabled": True,
            "xpack.security.http.ssl.enabled": True,
            "xpack.security.http.ssl.certificate": "certs/node.pem",
            "xpack.security.http.ssl.key": "certs/node.key",
        }
        if release >= 7:
            # By what is reserved, not by the heap: this collector leaves there what nothing uses any more, and a node that refuses every
            # request for want of memory (429) makes nothing by which it would be collected.
            settings["indices.breaker.total.use_real_memory"] = False
        if release >= 8:
            settings |= {"xpack.security.autoconfiguration.enabled": False, "xpack.security.enrollment.enabled": False}
        if release == 6:
            settings |= {"xpack.ml.enabled": False, "xpack.watcher.enabled": False, "xpack.monitoring.enabled": False}
        return settings


def _lay(module: Path, into: Path) -> None:
    """A module as a node's home has it: its jars linked, its description without what only the launcher of the distribution can do."""
    into.mkdir()
    for path in sorted(module.rglob("*")):
        if path.suffix == ".jar":
            link(path, into / path.name)
        elif path.name == "plugin-descriptor.properties":
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            (into / path.name).write_text("".join(line for line in lines if not line.startswith("modulename")))
        elif path.is_file():
            shutil.copyfile(path, into / path.name)
