"""Calls about many roles at once, from 8.15 on: what such a call would merge, and what became of each role."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from portcullis.access.actual import Json
from portcullis.adapters.engines.answers import Transport, message, refuse
from portcullis.errors import Conflict, Refused, Unreachable

_PATH = "/_security/role"
_PASSING = ("unavailable", "timeout", "timed_out", "rejected", "circuit_breaking", "not_master", "no_longer_master")


class Roles:
    """Of one cluster, as whoever `transport` is. `read` has all roles read, and told by `were_read`."""

    def __init__(self, transport: Transport, name: str, read: Callable[[], object]) -> None:
        self._transport, self._name, self._read = transport, name, read
        self._merged: dict[str, Json] | None = (
            None  # role -> what it held of the fields that are merged; None: not read yet
        )

    def were_read(self, roles: Mapping[str, Json], *, everything: bool) -> None:
        found = {name: _of_merged(role) for name, role in roles.items()}
        if everything:
            self._merged = found
        elif self._merged is not None:
            self._merged |= found

    def would_be_merged(self, name: str, document: Json) -> bool:
        """Whether a call about many roles would leave something of what this role held: it merges these fields instead of replacing
        them, seen on 9.5.3, so that what is left out, or empty, stays."""
        if self._merged is None:
            self._read()
        merged = self._merged if self._merged is not None else {}
        held, merged[name] = merged.get(name, {}), _of_merged(document)
        return bool(held) and held != merged[name]

    def each_taken(self, method: str, body: Json, count: int) -> bool:
        """A call about many roles answers 200 whatever became of each: what it says of each is what counts."""
        status, answer = self._transport(method, _PATH, None, body)
        if status != 200:
            refuse(self._name, status, answer, f"{method} {_PATH}")
        details = (answer.get("errors") or {}).get("details") or {}
        if not details:
            return bool(answer.get("created") or answer.get("updated") or answer.get("deleted"))
        first = "; ".join(f"{name}: {message(one)}" for name, one in sorted(details.items())[:3])
        said = f"{self._name}: {method} {_PATH}: {len(details)} of {count} roles were not taken ({first})"
        kinds = {str(one.get("type", "")) for one in details.values()}
        if any(word in kind for kind in kinds for word in _PASSING):
            raise Unreachable(said)
        if any("version_conflict" in kind for kind in kinds):
            raise Conflict(said)
        raise Refused(said)


def _of_merged(role: Json) -> Json:
    """Of a role, what a call about many would merge, as far as it says anything."""
    within = role.get("global") or {}
    said = {"global": {key: one for key, one in within.items() if one}, "metadata": role.get("metadata") or {}}
    return {key: one for key, one in said.items() if one}
