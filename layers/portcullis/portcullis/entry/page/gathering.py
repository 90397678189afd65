"""What stands on the page of a deployment, asked verb by verb of whoever answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HISTORY = 200  # entries of the timeline
# Verb -> what it is asked with.
ASKED: dict[str, dict[str, Any]] = {
    "history": {"limit": HISTORY},
    "status": {},
    "report": {},
    "findings": {},
    "drift": {},
}


def of_deployment(answer: Callable[[str], Any], unread: dict[str, str]) -> dict[str, Any]:
    """The page's data. `answer`: what a verb of `ASKED` said, None where it said nothing; `unread`: verb -> why it said nothing."""
    found, drift = answer("findings"), answer("drift")
    return {
        "of_file": False,
        "picture": answer("report"),
        "findings": found["findings"] if found else [],
        "status": answer("status"),
        "drift": drift["drift"] if drift else None,
        "history": answer("history"),
        "unread": unread,
    }


def no_picture(deployment: str) -> dict[str, Any]:
    """Of a deployment that nothing is known of yet: nobody, by nothing."""
    lists: tuple[str, ...] = ("people", "indices", "roles", "unknown", "not_looked_at")
    texts = ("at", "reads", "parts", "writes", "doubts", "stopped")
    return {"deployment": deployment} | {name: [] for name in lists} | dict.fromkeys(texts, "")
