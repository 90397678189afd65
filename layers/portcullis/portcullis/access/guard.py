"""The lock-out guard: the end state of a plan simulated before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.plan import Grant, Subject, SubjectKind
from portcullis.access.terms import Administrator, Caller, Terms

_LIST_OF_KIND = {"users": SubjectKind.INTERNAL_USER, "backend_roles": SubjectKind.BACKEND_ROLE}


@dataclass(frozen=True, slots=True)
class ProtectedPrincipal:
    """One principal that must not be locked out, and the roles it needs."""

    who: str  # "master", "automation": how people call it
    entry: str  # as it stands in a mapping: an ARN, a user name
    roles: tuple[str, ...]
    entry_list: str = "backend_roles"  # or users
    exact: bool = False  # has these roles and no other

    def caller(self) -> Caller:
        """As the engine sees it. An IAM role is its ARN as name and as backend role."""
        return Caller(self.entry, (self.entry,) if self.entry_list == "backend_roles" else ())


@dataclass(frozen=True, slots=True)
class ProtectedPrincipals:
    """Who keeps the keys of the house, and who has none while nobody handed him one."""

    keepers: tuple[ProtectedPrincipal, ...] = ()
    shut_out: str = ""  # break-glass: mapped to nothing but by a lock, for as long as a window is open

    @classmethod
    def of(
        cls,
        *,
        master: str = "",
        master_roles: Sequence[str] = (),
        automation: str = "",
        automation_roles: Sequence[str] = (),
        master_list: str = "backend_roles",
        automation_list: str = "backend_roles",
        shut_out: str = "",
    ) -> ProtectedPrincipals:
        """The usual two, each by its ARN (the master by its user name and `users` for the internal database); "" leaves one out."""
        found = (
            ProtectedPrincipal("master", master, tuple(master_roles), master_list),
            ProtectedPrincipal("automation", automation, tuple(automation_roles), automation_list),
        )
        return cls(tuple(keeper for keeper in found if keeper.entry), shut_out)

    def while_locked(
        self, break_glass: str = "", roles: Sequence[str] = (), entry_list: str = "backend_roles"
    ) -> ProtectedPrincipals:
        """Those who are let in while a deployment is locked: all but the master; and break-glass, where it is given roles."""
        stay = tuple(keeper for keeper in self.keepers if keeper.who != "master")
        opened = (
            (ProtectedPrincipal("break-glass", break_glass, tuple(roles), entry_list, exact=True),)
            if break_glass and roles
            else ()
        )
        return ProtectedPrincipals((*stay, *opened))

    def grants(self) -> tuple[Grant, ...]:
        """What the keepers need, as grants to be added to every access model."""
        return tuple(
            Grant(Subject(_LIST_OF_KIND[keeper.entry_list], keeper.entry), role, f"{keeper.who} of the deployment")
            for keeper in self.keepers
            for role in keeper.roles
        )


@dataclass(frozen=True, slots=True, order=True)
class Danger:
    """What is wrong with a state. `refuses`: a plan that brings it about is not applied; else it is an alarm."""

    what: str
    remedy: str
    refuses: bool = True
    lacks: str = ""  # keeper and role that are apart: the same whether the role or its mapping is missing

    def __str__(self) -> str:
        return f"{self.what} ({self.remedy})"


def guard(
    terms: Terms, held_after: Actual, keepers: ProtectedPrincipals, desired: Desired | None = None
) -> tuple[Danger, ...]:
    """What would be wrong if the engine held this: keepers without what they need, nobody left to administer, strangers who do.

    Without `desired` every administrator but the keepers counts as not asked for.
    """
    found: list[Danger] = []
    for keeper in keepers.keepers:
        has = terms.mapped_roles(held_after, keeper.caller())
        for role in keeper.roles:
            if role not in held_after.of(terms.roles):
                what = f"role {role}, which {keeper.who} needs, does not exist"
                found.append(Danger(what, f"define role {role}", lacks=f"{keeper.entry} {role}"))
            elif role not in has:
                remedy = f"keep {keeper.entry} in {keeper.entry_list} of {role}"
                what = f"{keeper.who} ({keeper.entry}) is not mapped to {role}"
                found.append(Danger(what, remedy, lacks=f"{keeper.entry} {role}"))
    admins = terms.administrators(held_after)
    if not any(admin.signs_in and admin.role in held_after.of(terms.roles) for admin in admins):
        remedy = f"keep somebody in {' or '.join(terms.administrator_roles)}"
        found.append(Danger("nobody is left to administer the engine", remedy))
    found += [danger for admin in admins if (danger := _stranger(terms, admin, keepers, desired))]
    for claim in terms.let_in_by(held_after, keepers.shut_out):
        what = f"break-glass is mapped to {claim.name} through {claim.entry_list} ({claim.entry})"
        remedy = f"take {claim.entry} out of {claim.entry_list} of {claim.name}: only a window of a lock lets it in"
        found.append(Danger(what, remedy))
    return tuple(sorted(set(found), key=lambda d: (not d.refuses, d)))


def guard_plan(
    terms: Terms,
    held: Actual,
    sequence: Sequence[Write],
    keepers: ProtectedPrincipals,
    desired: Desired | None = None,
) -> tuple[Danger, ...]:
    """The dangers of these writes one after another, looked at after each of them.

    What is wrong already before them is an alarm and no reason to refuse: else nothing could be put right any more. Conflict or
    Refused if the engine would not take one of the writes.
    """
    before = guard(terms, held, keepers, desired)
    already = {danger.lacks or danger.what for danger in before}
    found: dict[str, Danger] = {}
    for number, write in enumerate(sequence):
        held = terms.simulate(held, write)
        last = number == len(sequence) - 1
        for danger in guard(terms, held, keepers, desired):
            # An intermediate state may not lock out, but what else it shows may be mended by the next write.
            if last or danger.refuses:
                found.setdefault(danger.what, danger)
    if not sequence:
        found = {danger.what: danger for danger in before}
    dangers = (replace(d, refuses=d.refuses and (d.lacks or d.what) not in already) for d in found.values())
    return tuple(sorted(dangers, key=lambda d: (not d.refuses, d)))


def _stranger(
    terms: Terms, admin: Administrator, keepers: ProtectedPrincipals, desired: Desired | None
) -> Danger | None:
    if "*" in admin.entry.split(" and ") or admin.entry_list == "hosts":
        whom = "everyone" if admin.entry == "*" else f"every caller that matches {admin.entry}"
        what = f"{whom} is {admin.role} through {admin.entry_list}"
        return Danger(what, f"remove {admin.entry} from {admin.entry_list} of {admin.role}", refuses=False)
    if any(keeper.entry == admin.entry and admin.role in keeper.roles for keeper in keepers.keepers):
        return None
    if desired is not None and terms.asks_for(desired, admin):
        return None
    what = f"{admin.entry} is {admin.role} through {admin.entry_list}, and the model does not ask for it"
    return Danger(what, "remove it by hand, or grant it in the model", refuses=False)
