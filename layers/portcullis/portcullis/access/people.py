"""A change in words: who gains and who loses what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from portcullis.access.config import Held, Json, Kind
from portcullis.access.privileges import expand


@dataclass(frozen=True, slots=True, order=True)
class Access:
    """One thing that one principal may do through one role."""

    who: str  # an entry of a mapping; all that are needed, joined by " and ", for and_backend_roles
    role: str
    what: str  # "read on logs-*", "cluster permissions cluster_monitor", "kibana_all_write in tenant team"
    limits: str = ""  # documents, fields, masks
    meant: tuple[str, ...] = field(default=(), repr=False)  # what the action groups among its names stand for

    def __str__(self) -> str:
        return f"{self.who}: {self.what}" + (f", {self.limits}" if self.limits else "") + f" (role {self.role})"


@dataclass(frozen=True, slots=True)
class Effect:
    """Who gains and who loses what, sorted by person."""

    gains: tuple[Access, ...] = ()
    loses: tuple[Access, ...] = ()

    def lines(self) -> tuple[str, ...]:
        return (*(f"gains  {access}" for access in self.gains), *(f"loses  {access}" for access in self.loses))

    def people(self) -> tuple[str, ...]:
        return tuple(sorted({access.who for access in (*self.gains, *self.loses)}))


def people(before: Held, after: Held) -> Effect:
    """What the change from `before` to `after` means for people. A role or action group that changed concerns all who have it.

    A principal that has the same through several entries of one role is named once an entry: entries are what can be removed.
    """
    had, has = set(_everything(before)), set(_everything(after))
    return Effect(tuple(sorted(has - had)), tuple(sorted(had - has)))


def holders(held: Held, role: str) -> tuple[str, ...]:
    """Whom a role is given to, as entries."""
    found = [e for name in ("users", "backend_roles", "hosts") for e in held.entries(role, name)]
    if needed := held.entries(role, "and_backend_roles"):
        found.append(" and ".join(needed))
    given = (n for n, u in held.of(Kind.USERS).items() if role in (u.get("opendistro_security_roles") or ()))
    return tuple(dict.fromkeys([*found, *sorted(given)]))


def _everything(held: Held) -> Iterator[Access]:
    given = {r for user in held.of(Kind.USERS).values() for r in user.get("opendistro_security_roles") or ()}
    for role in held.of(Kind.MAPPINGS).keys() | given:
        document = held.get(Kind.ROLES, role)
        if document is not None:
            for who in holders(held, role):
                yield from _of_role(held, who, role, document)


def _of_role(held: Held, who: str, role: str, document: Json) -> Iterator[Access]:
    if cluster := document.get("cluster_permissions"):
        yield Access(who, role, f"cluster permissions {_names(cluster)}", meant=_meant(held, cluster))
    for permission in document.get("index_permissions") or ():
        actions, patterns = permission.get("allowed_actions") or (), permission.get("index_patterns") or ()
        what = f"{_names(actions) or 'nothing'} on {_names(patterns) or 'no index'}"
        yield Access(who, role, what, limits(permission), _meant(held, actions))
    for permission in document.get("tenant_permissions") or ():
        actions, patterns = permission.get("allowed_actions") or (), permission.get("tenant_patterns") or ()
        yield Access(
            who, role, f"{_names(actions) or 'nothing'} in tenant {_names(patterns)}", meant=_meant(held, actions)
        )
    if not any(document.get(k) for k in ("cluster_permissions", "index_permissions", "tenant_permissions")):
        yield Access(who, role, "a role without permissions")


def limits(permission: Json) -> str:
    """The limits of an index permission in words; empty if there are none."""
    found = []
    if permission.get("dls"):
        found.append(f"only documents that match {permission['dls']}")
    fields = permission.get("fls") or ()
    if without := [f[1:] for f in fields if f.startswith(("~", "!"))]:
        found.append(f"without the fields {_names(without)}")
    elif fields:
        found.append(f"only the fields {_names(fields)}")
    if masked := permission.get("masked_fields"):
        found.append(f"masked: {', '.join(masked)}")  # in order: the first that matches wins
    return ", ".join(found)


def _names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names))


def _meant(held: Held, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(expand(held, names)))
