"""A real engine in a process of its own: waited for until it answers, stopped, started again on the same home and ports."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from portcullis.errors import PortcullisError

from local.processes import LOOPBACK, Child, Died, check_port, free_port, last_lines

UP_WITHIN_S = 300.0
# It closes within 8 s by itself; the first of its release writes down its classes besides (local/archives.py).
ENDS_WITHIN_S = 75.0
ASKS_EVERY_S = 0.1
TELLS_EVERY_S = 2.0
LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def quiet(_line: str) -> None:
    """Tells nobody."""


def check_given(**ports: int | None) -> None:
    """BadInput for a given port that is in use: asked before anything is fetched or made."""
    for what, port in ports.items():
        if port is not None:
            check_port(port, what)


def two_ports(port: int | None, transport_port: int | None) -> tuple[int, int]:
    """Those given, else free ones; never the same twice."""
    port = port or free_port()
    while transport_port is None or transport_port == port:
        transport_port = free_port()
    return port, transport_port


class Server(ABC):
    """What an OpenSearch and an Elasticsearch have in common. Whoever derives from it says in `_answers` when it is up."""

    name = "the engine"

    def __init__(self, home: Path, version: str, at: tuple[int, int], ca: Path, command: Sequence[str]) -> None:
        self.home, self.version, self.ca = home, version, ca  # `ca`: what to verify it with
        self.port, self.transport_port = at
        self.log = home / "node.log"
        # It watches its life line itself.
        self._child = Child(self.name, command, log=self.log, guarded=False, patience=ENDS_WITHIN_S)
        self._kept = threading.local()  # a thread's connection to it: a handshake costs more than most answers
        self._starts = 0

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def death(self) -> Died | None:
        """Why it is not running although nobody stopped it."""
        return self._child.death()

    def stop(self) -> None:
        """End the process; the home stays. Nothing happens if it is not running."""
        self._let_go()
        self._child.stop()

    def start_again(self, tell: Callable[[str], None] = quiet) -> None:
        """Up again after `stop`: same home, same data, same ports."""
        for port in (self.port, self.transport_port):
            check_port(port, self.name)
        self._up(tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it does all that is asked of it. May raise what a connection raises."""

    def _up(self, tell: Callable[[str], None]) -> None:
        started = time.monotonic()
        self._starts += 1
        self._child.start()
        try:
            self._wait(tell, started)
        except BaseException:
            self.stop()
            raise
        tell(f"{self.name} {self.version} is up at {self.url} after {time.monotonic() - started:.1f} s")

    def _wait(self, tell: Callable[[str], None], started: float) -> None:
        told = started
        while not self._answers_now():
            if death := self.death():
                raise death
            now = time.monotonic()
            if now - started > UP_WITHIN_S:
                raise PortcullisError(
                    f"{self.name} {self.version} was not up within {UP_WITHIN_S:.0f} s; "
                    f"the end of {self.log}:\n{last_lines(self.log)}"
                )
            if now - told > TELLS_EVERY_S:
                told = now
                tell(f"{self.name} {self.version} is starting ({now - started:.0f} s)")
            time.sleep(ASKS_EVERY_S)

    def _answers_now(self) -> bool:
        try:
            return self._answers()
        except (OSError, http.client.HTTPException):
            return False

    def _request(
        self,
        context: ssl.SSLContext,
        method: str,
        path: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> tuple[int, Any]:
        """One request: status and decoded body. Raises OSError or http.client.HTTPException where there is no answer."""
        connection = self._connection(context, timeout)
        try:
            text = None if body is None else body if isinstance(body, str) else json.dumps(body)
            kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
            sent = ({} if text is None else {"content-type": kind}) | dict(headers or {})
            connection.request(method, quote(path, safe="/?&=%*,:"), text, sent)
            answer = connection.getresponse()
            content = answer.read().decode()
        except BaseException:  # what is left of an answer would be taken for the next one's
            self._let_go()
            raise
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, content

    def _connection(self, context: ssl.SSLContext, timeout: float) -> http.client.HTTPSConnection:
        """This thread's own, to the process that runs now."""
        kept = self._kept.__dict__
        if kept.get("start") != self._starts:
            self._let_go()
            kept["start"] = self._starts
        connection: http.client.HTTPSConnection | None = kept.get("connection")
        if connection is None or kept["context"] is not context:
            if connection is not None:
                connection.close()
            connection = http.client.HTTPSConnection(LOOPBACK, self.port, context=context, timeout=timeout)
            kept |= {"connection": connection, "context": context}
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def _let_go(self) -> None:
        connection = self._kept.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()
