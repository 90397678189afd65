"""What the strings of a role mean beside their words: attributes of callers (${user.name}), and whether a field is shown or hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable

ATTRIBUTE = re.compile(r"\$\{([^}]*)\}")
LISTS = ("user.roles", "user.securityRoles")  # filled in as values in quotes with commas between
_EXCLUDED = ("~", "!")  # of a field rule; the second is older, and in no documentation


def is_list(attribute: str) -> bool:
    return attribute.replace("user_", "user.", 1) in LISTS


def fields(rules: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that field rules include, and those that they exclude."""
    given = tuple(rules)
    included = tuple(rule for rule in given if not rule.startswith(_EXCLUDED))
    return included, tuple(rule[1:] for rule in given if rule.startswith(_EXCLUDED))


def field_of(rule: str) -> str:
    """The field that a field rule is about."""
    return rule[1:] if rule.startswith(_EXCLUDED) else rule
