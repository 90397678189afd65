"""Attributes of callers, as documents of the security config name them: ${user.name}."""

from __future__ import annotations

import re

ATTRIBUTE = re.compile(r"\$\{([^}]*)\}")
LISTS = ("user.roles", "user.securityRoles")  # filled in as values in quotes with commas between


def is_list(attribute: str) -> bool:
    return attribute.replace("user_", "user.", 1) in LISTS
