"""Which roles a caller is mapped to, as the engine works it out."""

from __future__ import annotations

from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim
from portcullis.access.terms import Administrator, Caller
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES, NOT_SIGNED_IN_AS, Kind
from portcullis.families.opensearch.granting.mappings import DIRECT, mappings
from portcullis.families.opensearch.names.matching import matches


def mapped_roles(held: Actual, caller: Caller) -> dict[str, str]:
    """role -> why the caller has it. Users, backend roles and hosts are OR-ed; `and_backend_roles` needs all of its entries.

    An internal user's `opendistro_security_roles` are roles without any mapping.
    """
    return mappings(held).roles(caller)


def administrators(held: Actual) -> tuple[Administrator, ...]:
    """Everybody who is all_access or security_manager."""
    found: set[Administrator] = set()
    for role in ADMINISTRATOR_ROLES:
        for entry_list in ("users", "backend_roles", "hosts"):
            found |= {
                Administrator(role, entry_list, entry, not is_nobody(entry)) for entry in held.entries(role, entry_list)
            }
        if needed := held.entries(role, "and_backend_roles"):
            found.add(Administrator(role, "and_backend_roles", " and ".join(needed), not all(map(is_nobody, needed))))
        for name, user in held.of(Kind.USERS).items():
            if role in (user.get(DIRECT) or ()):
                found.add(Administrator(role, DIRECT, name))
    return tuple(sorted(found))


def is_nobody(entry: str) -> bool:
    """Whether an entry of a mapping means whoever does not sign in: by name, or by a pattern that is for more than everybody."""
    return entry in NOT_SIGNED_IN_AS or (
        entry.strip("*?") != "" and any(matches(entry, one) for one in NOT_SIGNED_IN_AS)
    )


def asks_for(desired: Desired, admin: Administrator) -> bool:
    """Whether the model asks for this administrator. For whoever there is no model can ask."""
    if not admin.signs_in:
        return False
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
    document = held.get(Kind.USERS, name) or {}
    given = document.get("attributes") or {}  # of one without a value the engine keeps nothing
    attributes = {f"attr.internal.{key}": str(value) for key, value in given.items() if value is not None}
    return Caller(name, tuple(document.get("backend_roles") or ()), attributes)
