"""Which roles a caller is mapped to, as the engine works it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from portcullis.access.config import ADMINISTRATOR_ROLES, MAPPING_LISTS, Kind, SecurityConfig
from portcullis.access.matching import match, matches, unknown
from portcullis.access.plan import Claim


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with what a decision needs: how the engine names it, its backend roles, attributes and address."""

    name: str
    backend_roles: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()  # the address, and the host name where the engine resolves it


def mapped_roles(held: SecurityConfig, caller: Caller) -> dict[str, str]:
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


def only_the_engine_knows(held: SecurityConfig, caller: Caller, roles: Iterable[str]) -> tuple[str, ...]:
    """What may give a caller more than `roles`, or let these reach further, by an expression that cannot be read here."""
    return tuple(dict.fromkeys((*_mappings_unknown(held, caller, set(roles)), *_patterns_unknown(held, sorted(roles)))))


def _mappings_unknown(held: SecurityConfig, caller: Caller, roles: set[str]) -> Iterator[str]:
    values = {"users": (caller.name,), "backend_roles": caller.backend_roles, "hosts": caller.hosts}
    for role in sorted(held.of(Kind.MAPPINGS).keys() - roles):
        for entry_list in MAPPING_LISTS:
            for entry in held.entries(role, entry_list):
                asked = values.get(entry_list, caller.backend_roles)
                if any(match(entry, value) is None for value in asked):
                    yield f"whether {Claim(Kind.MAPPINGS, role, entry_list, entry)} fits, only the engine can tell"


def _patterns_unknown(held: SecurityConfig, roles: Iterable[str]) -> Iterator[str]:
    for role in roles:
        for permission in (held.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
            for part in ("index_patterns", "allowed_actions"):
                for pattern in permission.get(part) or ():
                    if unknown(re.sub(r"\$\{[^}]+\}", "x", pattern)):
                        yield f"what {pattern} of {Claim(Kind.ROLES, role)} ({part}) covers, only the engine can tell"


@dataclass(frozen=True, slots=True, order=True)
class Administrator:
    """Somebody who can give himself everything. `entry` is as held; several joined by " and " for `and_backend_roles`."""

    role: str
    entry_list: str  # one of MAPPING_LISTS, or opendistro_security_roles for an internal user given the role directly
    entry: str

    def __str__(self) -> str:
        return f"{self.entry} ({self.entry_list} of {self.role})"


def administrators(held: SecurityConfig) -> tuple[Administrator, ...]:
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
