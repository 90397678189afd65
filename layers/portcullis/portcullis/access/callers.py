"""Which roles a caller is mapped to, as the engine works it out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from portcullis.access.config import ADMINISTRATOR_ROLES, Held, Kind
from portcullis.access.plan import Claim


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with what a decision needs: how the engine names it, its backend roles, attributes and address."""

    name: str
    backend_roles: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()  # the address, and the host name where the engine resolves it


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        try:
            return re.compile(pattern[1:-1])
        except re.error:  # a mistake of somebody's, or Java's own: it matches nobody that we could name
            return None
    if "*" in pattern or "?" in pattern:
        wild = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
        return re.compile(wild, re.DOTALL)
    return None


def matches(pattern: str, value: str) -> bool:
    """The engine's matcher: `*` and `?` are wildcards, `/…/` is a regular expression, anything else is itself."""
    compiled = _compiled(pattern)
    return pattern == value if compiled is None else compiled.fullmatch(value) is not None


def matches_any(patterns: Iterable[str], value: str) -> bool:
    return any(matches(pattern, value) for pattern in patterns)


def mapped_roles(held: Held, caller: Caller) -> dict[str, str]:
    """role -> why the caller has it. Users, backend roles and hosts are OR-ed; `and_backend_roles` needs all of its entries.

    An internal user's `opendistro_security_roles` are roles without any mapping.
    """
    roles: dict[str, str] = {}
    direct = (held.get(Kind.USERS, caller.name) or {}).get("opendistro_security_roles") or ()
    for role in direct:
        roles[role] = f"internalusers/{caller.name}/opendistro_security_roles"
    for role in sorted(held.of(Kind.MAPPINGS)):
        for entry_list, values in (
            ("users", (caller.name,)),
            ("backend_roles", caller.backend_roles),
            ("hosts", caller.hosts),
        ):
            for entry in held.entries(role, entry_list):
                if role not in roles and any(matches(entry, value) for value in values):
                    roles[role] = str(Claim(Kind.MAPPINGS, role, entry_list, entry))
        needed = held.entries(role, "and_backend_roles")
        if role not in roles and needed and all(any(matches(n, b) for b in caller.backend_roles) for n in needed):
            roles[role] = f"{Kind.MAPPINGS.value}/{role}/and_backend_roles: {' and '.join(needed)}"
    return roles


@dataclass(frozen=True, slots=True, order=True)
class Administrator:
    """Somebody who can give himself everything. `entry` is as held; several joined by " and " for `and_backend_roles`."""

    role: str
    entry_list: str  # one of MAPPING_LISTS, or opendistro_security_roles for an internal user given the role directly
    entry: str

    def __str__(self) -> str:
        return f"{self.entry} ({self.entry_list} of {self.role})"


def administrators(held: Held) -> tuple[Administrator, ...]:
    """Everybody who is all_access or security_manager."""
    found: set[Administrator] = set()
    for role in ADMINISTRATOR_ROLES:
        for entry_list in ("users", "backend_roles", "hosts"):
            found |= {Administrator(role, entry_list, entry) for entry in held.entries(role, entry_list)}
        if needed := held.entries(role, "and_backend_roles"):
            found.add(Administrator(role, "and_backend_roles", " and ".join(needed)))
        for name, user in held.of(Kind.USERS).items():
            if role in (user.get("opendistro_security_roles") or ()):
                found.add(Administrator(role, "opendistro_security_roles", name))
    return tuple(sorted(found))
