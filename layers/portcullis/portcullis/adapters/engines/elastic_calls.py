"""How a document of Elasticsearch's security API is called in a path, and what becomes of several calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote

from portcullis.errors import Unreachable
from portcullis.families.elasticsearch.documents.config import SECRET, Kind

_LONGEST_PATH = 2000  # the first line of a request has 4096 at most


def all_of(calls: Sequence[Callable[[], bool]]) -> bool:
    """Whether any of these changed anything. All are made, whatever becomes of one. Of their failures an unanswered one is raised first,
    as what it asked for may have been written all the same; else the first."""
    changed, failed = False, []
    for call in calls:
        try:
            changed = call() or changed
        except Exception as error:
            failed.append(error)
    if failed:
        raise next((error for error in failed if isinstance(error, Unreachable)), failed[0])
    return changed


def path_of_some(kind: Kind, names: Collection[str]) -> str:
    """What follows the path of a collection to be shown these alone; empty where the whole of it has to be read."""
    joined = ",".join(quote(name, safe="") for name in names)
    plain = not any("," in name for name in names) and joined not in (".", "..")
    return f"/{joined}" if kind in (Kind.USERS, Kind.ROLES) and plain and len(joined) <= _LONGEST_PATH else ""


def in_path(kind: Kind, name: str) -> str:
    if kind is Kind.PRIVILEGES:
        application, _, privilege = name.partition("/")
        return f"{quote(application, safe='')}/{quote(privilege, safe='')}"
    return quote(name, safe="")


def without_secrets(answer: Any, body: Any) -> Any:
    """An answer that repeats a password is not told on."""
    secrets = [str(body[key]) for key in SECRET if isinstance(body, dict) and body.get(key)]
    return "the answer repeats a secret" if any(one in str(answer) for one in secrets) else answer
