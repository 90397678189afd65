"""What of an Elasticsearch works by itself: index lifecycle management, that of snapshots, and the watches that people made.

Lifecycles work as the cluster itself, whoever wrote the policies, and no block of an index keeps them from deleting one. A watch works with
the roles of who made it, of which a super user's cannot be emptied: where a window of break-glass lifts the blocks, it reads, and sends
away what it read. Both seen on 6.8.23. So each is stopped as a whole, which waits for what it is in the middle of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcullis.adapters.engines.answers import Transport, message, refuse

# As the API names them -> what they are called.
_WATCHES = "watcher"
_KINDS = {
    "ilm": "index lifecycle management",
    "slm": "snapshot lifecycle management",
    _WATCHES: "the running of watches",
}
_OF_WATCHES = ("/_watcher", "/_xpack/watcher")  # 7 and later, 6
_NONE = (400, 404, 405)  # a release, or a package, without it
_REFUSED = 403
_RUNNING = "RUNNING"


class Policies:
    """Of one cluster, as whoever `transport` is."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name
        self._watches = ""  # where watches are asked for, once it is known

    def running(self) -> tuple[str, ...]:
        """Of those that this account may ask for."""
        return tuple(kind for kind in _KINDS if self._mode(kind) == _RUNNING)

    def stop(self) -> str:
        return "; ".join(self._stopped())

    def _stopped(self) -> Iterator[str]:
        for kind, called in _KINDS.items():
            mode = self._mode(kind)
            if mode is None:
                yield f"{called} is not known to be stopped: the lock role may not ask for it, which the next apply mends"
            elif mode == _RUNNING and (why := self._ask(kind, "stop")):
                yield f"{called} is not stopped ({why}): the next apply gives the lock role what it takes"

    def start(self, kinds: Sequence[str]) -> str:
        said = ((kind, self._ask(kind, "start")) for kind in kinds if kind in _KINDS)
        return "; ".join(
            f"{_KINDS[kind]} stays stopped ({why}): start it by hand, POST {self._path(kind, 'start')}"
            for kind, why in said
            if why
        )

    def _mode(self, kind: str) -> str | None:
        """RUNNING, STOPPING, STOPPED; empty where there is no such thing; None where this account may not ask."""
        if kind == _WATCHES:
            return self._mode_of_watches()
        status, body = self._transport("GET", f"/_{kind}/status", None, None)
        if status in _NONE:
            return ""
        if status == _REFUSED:
            return None
        if status != 200:
            refuse(self._name, status, body, f"GET /_{kind}/status")
        return str(body["operation_mode"])

    def _mode_of_watches(self) -> str | None:
        """Whether they are to run: each node begins and ends with them a moment later."""
        for path in (self._watches,) if self._watches else _OF_WATCHES:
            status, body = self._transport("GET", f"{path}/stats", None, None)
            if status in _NONE:
                continue
            self._watches = path
            if status == _REFUSED:
                return None
            if status != 200:
                refuse(self._name, status, body, f"GET {path}/stats")
            return "STOPPED" if body["manually_stopped"] else _RUNNING
        return ""

    def _path(self, kind: str, what: str) -> str:
        if kind != _WATCHES:
            return f"/_{kind}/{what}"
        if not self._watches:
            self._mode_of_watches()
        return f"{self._watches}/_{what}"

    def _ask(self, kind: str, what: str) -> str:
        """Why it is refused; empty if it is done."""
        path = self._path(kind, what)
        status, body = self._transport("POST", path, None, None)
        if status not in (200, _REFUSED):
            refuse(self._name, status, body, f"POST {path}")
        return message(body) if status == _REFUSED else ""
