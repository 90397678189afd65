"""How a verified caller reaches the node: a short-lived token (ES256) in a header that no client can send past the door.

The Security plugin's proxy authentication would carry the usual names too, but not all: it reads headers as Latin-1, and splits the
list of roles at a separator that a role's path may contain (with a comma, a role with the path `/x,all_access,y/` got in as the
master). The token carries every name on 2.19.3 and 3.4.0 alike, measured: non-ASCII, spaces, commas, slashes, 1,000 characters. It is
therefore used for all. What it does not carry: white space around a name (the plugin trims it off, which would make another name of
it) and more than the node's 8 KiB for a header; such names are refused here, and never get in as another's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from local.door.answers import Refused
from local.node.handover import VALID_S, Signer

LONGEST = 6000  # characters of a token; 2.19.3 takes 8 KiB of request headers
KEPT_S = VALID_S / 4
KEPT = 1024


class HandOver:
    """Makes the headers, and keeps them for a while: signing is most of the door's own work otherwise."""

    def __init__(self, key: Path, clock: Callable[[], float] = time.time) -> None:
        self._signer, self._clock = Signer(key), clock
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[float, dict[str, str]]] = {}

    def headers(self, name: str, backend_roles: tuple[str, ...]) -> dict[str, str]:
        """The headers that tell the node who is calling. Raises Refused (403) for a name that cannot be carried unchanged."""
        now, who = self._clock(), (name, backend_roles)
        until, headers = self._kept.get(who, (0.0, {}))
        if now < until:
            return headers
        for one in (name, *backend_roles):
            _check(one)
        headers = self._signer.headers(name, backend_roles, now=now)
        if any(len(value) > LONGEST for value in headers.values()):
            raise _refused("is too long")
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[who] = (now + KEPT_S, headers)
        return headers


def _check(name: str) -> None:
    if not name or name != name.strip():
        raise _refused("is empty or has white space around it")
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", name):
        raise _refused("has a character that is none")


def _refused(why: str) -> Refused:
    return Refused(403, {"message": f"The caller's name cannot be handed over to the node: it {why}."})
