"""Two real clusters, one of which reads the other: `local` by the alias `dc2`, `remote` on a port of its own for whoever comes with a key.

A CA each. With `trust="key"` the reading one only trusts the CA of that port; with `"both"` the transport of each trusts the other's CA
too, as the certificate model wants it, so that both models can be used at once.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from local.elastic.node import USER, Elasticsearch
from local.node.certificates import make
from local.processes import LOOPBACK, free_port
from local.server import quiet

ALIAS = "dc2"
Trust = Literal["key", "both"]
_TRANSPORT, _SERVER, _CLIENT = (
    f"xpack.security.{one}.ssl." for one in ("transport", "remote_cluster_server", "remote_cluster_client")
)


def _own(prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}enabled": True,
        f"{prefix}certificate": "certs/node.pem",
        f"{prefix}key": "certs/node.key",
    }


@dataclass(frozen=True)
class Side:
    """What a node of one of the two has besides its own: settings, and files of its config folder."""

    settings: dict[str, Any]
    files: dict[str, bytes]


def wired(reads: Path, is_read: Path, interface: int, trust: Trust = "both") -> tuple[Side, Side]:
    """The cluster that reads and the one that is read, by the homes of their nodes, whose certificates are made here if they are not there.

    `interface`: the port of the one that is read for whoever comes with a key.
    """
    cas = [make(home / "config" / "certs").ca.read_bytes() for home in (reads, is_read)]
    client: dict[str, Any] = {f"{_CLIENT}enabled": True, f"{_CLIENT}certificate_authorities": ["certs/other.pem"]}
    server: dict[str, Any] = {
        "remote_cluster_server.enabled": True,
        "remote_cluster.host": LOOPBACK,
        "remote_cluster.port": interface,
        **_own(_SERVER),
    }
    if trust == "both":
        both = {f"{_TRANSPORT}certificate_authorities": ["certs/ca.pem", "certs/other.pem"], **_own(_TRANSPORT)}
        client, server = {**client, **both}, {**server, **both}
    return Side(client, {"certs/other.pem": cas[1]}), Side(server, {"certs/other.pem": cas[0]})


def all_or_none(starts: Mapping[str, Callable[[], Elasticsearch]]) -> dict[str, Elasticsearch]:
    """Each started, all at once. Raises what the first that failed raised, and leaves none running then."""
    with ThreadPoolExecutor(len(starts)) as pool:
        starting = {name: pool.submit(start) for name, start in starts.items()}
    failed = [error for one in starting.values() if (error := one.exception()) is not None]
    if failed:
        for one in starting.values():
            if one.exception() is None:
                one.result().stop()
        raise failed[0]
    return {name: one.result() for name, one in starting.items()}


@dataclass
class Pair:
    """Use `Pair.start`, and as a context, which stops both."""

    local: Elasticsearch
    remote: Elasticsearch
    interface: int  # the remote's port for whoever comes with a key

    @classmethod
    def start(
        cls,
        home: Path,
        cache: Path,
        version: str,
        *,
        trust: Trust = "both",
        licence: str = "trial",
        settings: Mapping[str, Any] | None = None,
        tell: Callable[[str], None] = quiet,
    ) -> Pair:
        """Both at once, with these settings besides; raises as `Elasticsearch.start`, and leaves none running then."""
        folders = {name: (home / name).resolve() for name in ("local", "remote")}
        interface = free_port()
        sides = dict(zip(folders, wired(folders["local"], folders["remote"], interface, trust), strict=True))

        def up(name: str) -> Elasticsearch:
            own = {"cluster.name": name, **sides[name].settings, **(settings or {})}
            return Elasticsearch.start(
                folders[name], cache, version, licence=licence, settings=own, files=sides[name].files, tell=tell
            )

        found = all_or_none({name: partial(up, name) for name in folders})
        return cls(found["local"], found["remote"], interface)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.local.stop()
        self.remote.stop()


@dataclass
class Searching:
    """Searches that go on from several threads while something else is done, and what became of them.

    A 200 that left the other cluster out is none: it counts as refused.
    """

    node: Elasticsearch
    path: str = f"/{ALIAS}:logs-1/_search"
    threads: int = 2  # each fifty times a second at the most, with a connection of its own
    pause: float = 0.02
    user: str = USER
    password: str = ""
    searches: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_from: float = 0  # of the first that was refused: when it was asked
    refused_to: float = 0  # of the last: when it was answered

    @property
    def seconds_refused(self) -> float:
        """From the first refused search to the answer of the last."""
        return self.refused_to - self.refused_from

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._running = [threading.Thread(target=self._search) for _ in range(self.threads)]
        for one in self._running:
            one.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._over.set()
        for one in self._running:
            one.join()

    def more(self, searches: int) -> None:
        """Wait until so many more were answered."""
        until = self.searches + searches
        while self.searches < until:
            time.sleep(self.pause)

    def _search(self) -> None:
        """One thread's: each keeps its connection, as a client does."""
        context = ssl.create_default_context(cafile=str(self.node.ca))
        connection = http.client.HTTPSConnection(LOOPBACK, self.node.port, context=context, timeout=60)
        while not self._over.is_set():
            asked = time.perf_counter()
            why = self._one(connection)
            with self._lock:
                self.searches += 1
                if why:
                    self.refused[why] += 1
                    self.refused_from = min(self.refused_from or asked, asked)
                    self.refused_to = time.perf_counter()
            self._over.wait(self.pause)
        connection.close()

    def _one(self, connection: http.client.HTTPSConnection) -> str:
        """Why it was no answer; empty if it was one."""
        pair = base64.b64encode(f"{self.user}:{self.password or self.node.password}".encode()).decode()
        try:
            connection.request("GET", self.path, headers={"authorization": f"Basic {pair}"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return f"{type(error).__name__}: {error}"
        if answer.status != 200:
            return f"{answer.status}: {str(body)[:400]}"
        return f"skipped: {str(body['_clusters'])[:400]}" if body.get("_clusters", {}).get("skipped") else ""
