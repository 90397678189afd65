"""What of an Elasticsearch moves and deletes by itself: index lifecycle management, and that of snapshots.

It works as the cluster itself, whoever wrote the policies, and no block of an index keeps it from deleting one: seen on 6.8.23. So it is
stopped as a whole, which waits for what it is in the middle of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcullis.adapters.engines.answers import Transport, message, refuse

# As the API names them -> what they are called.
_KINDS = {"ilm": "index lifecycle management", "slm": "snapshot lifecycle management"}
_NONE = (400, 404, 405)  # a release, or a package, without it
_REFUSED = 403


class Policies:
    """Of one cluster, as whoever `transport` is."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def running(self) -> tuple[str, ...]:
        """Of those that this account may ask for."""
        return tuple(kind for kind in _KINDS if self._mode(kind) == "RUNNING")

    def stop(self) -> str:
        return "; ".join(self._stopped())

    def _stopped(self) -> Iterator[str]:
        for kind, called in _KINDS.items():
            mode = self._mode(kind)
            if mode is None:
                yield f"{called} is not known to be stopped: the lock role may not ask for it, which the next apply mends"
            elif mode == "RUNNING":
                self._ask(kind, "stop")

    def start(self, kinds: Sequence[str]) -> str:
        said = ((kind, self._ask(kind, "start")) for kind in kinds if kind in _KINDS)
        return "; ".join(
            f"{_KINDS[kind]} stays stopped ({why}): start it by hand, POST /_{kind}/start" for kind, why in said if why
        )

    def _mode(self, kind: str) -> str | None:
        """RUNNING, STOPPING, STOPPED; empty where there is no such thing; None where this account may not ask."""
        status, body = self._transport("GET", f"/_{kind}/status", None, None)
        if status in _NONE:
            return ""
        if status == _REFUSED:
            return None
        if status != 200:
            refuse(self._name, status, body, f"GET /_{kind}/status")
        return str(body["operation_mode"])

    def _ask(self, kind: str, what: str) -> str:
        """Why it is refused; empty if it is done."""
        status, body = self._transport("POST", f"/_{kind}/{what}", None, None)
        if status not in (200, _REFUSED):
            refuse(self._name, status, body, f"POST /_{kind}/{what}")
        return message(body) if status == _REFUSED else ""
