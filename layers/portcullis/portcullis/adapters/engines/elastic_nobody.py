"""What the nodes' own settings say of how people sign in: no call changes it, and the security API does not show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcullis.adapters.engines.answers import Transport


def of_nodes(transport: Transport, part: str) -> Iterator[Any]:
    """This part of what the settings of each node say of signing in, where there is one. Nothing where they are not shown."""
    status, body = transport("GET", "/_nodes/settings", None, None)
    for node in body["nodes"].values() if status == 200 else ():
        found: Any = node.get("settings", {})
        for name in ("xpack", "security", "authc", part):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        yield found


def roles_of_nobody(transport: Transport) -> list[str]:
    """The roles of whoever does not sign in, which everybody has besides: those of all nodes."""
    named: set[str] = set()
    for found in of_nodes(transport, "anonymous"):
        given = found.get("roles") if isinstance(found, dict) else None
        named |= {given} if isinstance(given, str) else {str(one) for one in given or ()}
    return sorted({one.strip() for some in named for one in some.split(",")} - {""})
