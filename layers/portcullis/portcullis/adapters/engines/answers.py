"""What an engine's answer means to whoever asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.ports.engine import Stop

Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]


def refuse(name: str, status: int, body: Any, request: str) -> NoReturn:
    """Raise what an answer that is no success means."""
    said = f"{name}: {request} answered {status}: {message(body)}"
    if status == 409 or (status == 400 and "out of bounds" in said) or (status == 500 and "version conflict" in said):
        raise Conflict(said)
    if status in (408, 429) or status >= 500:
        raise Unreachable(said)
    raise Refused(said)


def message(body: Any) -> str:
    """The engine's own words, shortened; never more than a line."""
    if isinstance(body, dict):
        error = body.get("error")
        reason = error.get("reason") if isinstance(error, dict) else error
        body = body.get("message") or body.get("Message") or reason or json.dumps(body, default=str)
    return " ".join(str(body).split())[:500]


def filters_in(told: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of `GET _alias`: alias -> index -> its filter there, as JSON; empty where it has none."""
    found: dict[str, dict[str, str]] = {}
    for index, one in told.items():
        for alias, how in one["aliases"].items():
            found.setdefault(alias, {})[index] = json.dumps(how["filter"], sort_keys=True) if "filter" in how else ""
    return found


def what_stops_a_search(transport: Transport, name: str, index: str) -> Stop | None:
    """What keeps whoever this connection is from searching this index now; None if nothing does. Unreachable if that cannot be told."""
    status, body = transport("POST", f"/{index}/_search", None, {"size": 0})
    if status in (200, 404):
        return None
    if status in (401, 403):
        kind = error.get("type") if isinstance(body, dict) and isinstance(error := body.get("error"), dict) else ""
        return {"security_exception": Stop.PRIVILEGES, "cluster_block_exception": Stop.BLOCK}.get(
            str(kind), Stop.OUTSIDE
        )
    return refuse(name, status, body, f"search of {index}")
