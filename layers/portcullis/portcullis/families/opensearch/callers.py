"""Which roles a caller is mapped to, as the engine works it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim
from portcullis.access.terms import Administrator, Caller
from portcullis.families.opensearch.config import ADMINISTRATOR_ROLES, MAPPING_LISTS, Kind
from portcullis.families.opensearch.matching import match, matches, unknown

DIRECT = "opendistro_security_roles"  # of an internal user: roles without any mapping


def mapped_roles(held: Actual, caller: Caller) -> dict[str, str]:
    """role -> why the caller has it. Users, backend roles and hosts are OR-ed; `and_backend_roles` needs all of its entries.

    An internal user's `opendistro_security_roles` are roles without any mapping.
    """
    roles: dict[str, str] = {}
    direct = (held.get(Kind.USERS, caller.name) or {}).get(DIRECT) or ()
    for role in direct:
        roles[role] = f"internalusers/{caller.name}/{DIRECT}"
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


def only_the_engine_knows(held: Actual, caller: Caller, roles: Iterable[str]) -> tuple[str, ...]:
    """What may give a caller more than `roles`, or let these reach further, by an expression that cannot be read here."""
    return tuple(dict.fromkeys((*_mappings_unknown(held, caller, set(roles)), *_patterns_unknown(held, sorted(roles)))))


def _mappings_unknown(held: Actual, caller: Caller, roles: set[str]) -> Iterator[str]:
    values = {"users": (caller.name,), "backend_roles": caller.backend_roles, "hosts": caller.hosts}
    for role in sorted(held.of(Kind.MAPPINGS).keys() - roles):
        for entry_list in MAPPING_LISTS:
            for entry in held.entries(role, entry_list):
                asked = values.get(entry_list, caller.backend_roles)
                if any(match(entry, value) is None for value in asked):
                    yield f"whether {Claim(Kind.MAPPINGS, role, entry_list, entry)} fits, only the engine can tell"


def _patterns_unknown(held: Actual, roles: Iterable[str]) -> Iterator[str]:
    for role in roles:
        for permission in (held.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
            for part in ("index_patterns", "allowed_actions"):
                for pattern in permission.get(part) or ():
                    if unknown(re.sub(r"\$\{[^}]+\}", "x", pattern)):
                        yield f"what {pattern} of {Claim(Kind.ROLES, role)} ({part}) covers, only the engine can tell"


def administrators(held: Actual) -> tuple[Administrator, ...]:
    """Everybody who is all_access or security_manager."""
    found: set[Administrator] = set()
    for role in ADMINISTRATOR_ROLES:
        for entry_list in ("users", "backend_roles", "hosts"):
            found |= {Administrator(role, entry_list, entry) for entry in held.entries(role, entry_list)}
        if needed := held.entries(role, "and_backend_roles"):
            found.add(Administrator(role, "and_backend_roles", " and ".join(needed)))
        for name, user in held.of(Kind.USERS).items():
            if role in (user.get(DIRECT) or ()):
                found.add(Administrator(role, DIRECT, name))
    return tuple(sorted(found))


def asks_for(desired: Desired, admin: Administrator) -> bool:
    """Whether the model asks for this administrator."""
    if admin.entry_list == DIRECT:
        user = desired.of(Kind.USERS).get(admin.entry) or {}
        return admin.role in (user.get(DIRECT) or ())
    return all(desired.because(admin.role, admin.entry_list, entry) is not None for entry in _entries_of(admin))


def claim_of(admin: Administrator) -> Claim:
    """What makes somebody an administrator."""
    if admin.entry_list == DIRECT:
        return Claim(Kind.USERS, admin.entry, DIRECT, admin.role)
    return Claim(Kind.MAPPINGS, admin.role, admin.entry_list, _entries_of(admin)[0])


def _entries_of(admin: Administrator) -> list[str]:
    return admin.entry.split(" and ") if admin.entry_list == "and_backend_roles" else [admin.entry]


def let_in_by(held: Actual, role_arn: str) -> tuple[Claim, ...]:
    """The entries of role mappings that let this IAM role in, however they are written; but for what lets everybody in."""
    if not role_arn:
        return ()
    return tuple(
        Claim(Kind.MAPPINGS, role, entry_list, entry)
        for role in sorted(held.of(Kind.MAPPINGS))
        for entry_list in ("users", "backend_roles", "and_backend_roles")
        for entry in held.entries(role, entry_list)
        if entry != "*" and matches(entry, role_arn)
    )


def user(held: Actual, name: str) -> Caller:
    """An internal user, as the engine sees them."""
    return Caller(name, tuple((held.get(Kind.USERS, name) or {}).get("backend_roles") or ()))
