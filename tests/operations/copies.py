"""A world of memory once more, as it stands: for laws that break off at every call, each time from the same beginning."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

from tests.operations.worlds import Account, account

# What a part has of its own: the other parts, and what keeps threads apart, are not copied.
_OF_THE_LEDGER = ("_items", "_history", "_leases")
_OF_THE_ENGINE = (
    *("held", "writes", "index_blocks", "groups", "sent", "unread", "stop", "cannot_load", "set_to", "closed"),
    *("policies", "unstoppable", "filters"),
    *("meddle", "refuses"),  # functions: the same in both
)
_SHARED = frozenset({"ledger", "lock"})


def copied(made: Account) -> Account:
    """All that the world holds and counts, in parts of its own: what is done to one is not seen by the other."""
    fate = replace(made.fate)
    again = account(made.engine.held, fate, made.engine.make)
    for name in _OF_THE_LEDGER:
        setattr(again.ledger, name, deepcopy(getattr(made.ledger, name)))
    for name in _OF_THE_ENGINE:
        setattr(again.engine, name, deepcopy(getattr(made.engine, name)))
    for old, new in ((made.aws, again.aws), (made.people, again.people)):
        _fill(old, new)
    again.passwords.kept = dict(made.passwords.kept)
    return again


def _fill(old: Any, new: Any) -> None:
    for one in fields(old):
        if one.name not in _SHARED:
            setattr(new, one.name, deepcopy(getattr(old, one.name)))
