"""Who asks, and what their roles grant them.

A set of names is a number, a bit a name (`world.Names`): whether a caller may search a thousand indices is one comparison. Roles are
compiled when somebody who has them first asks, and what a caller's roles come to is kept for the next question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from portcullis.access.actual import Actual
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.doubts import Doubts
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.granting.mappings import mappings
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.limiting.limits import rendered
from portcullis.families.opensearch.limiting.roles import MASKS, Role, Roles
from portcullis.families.opensearch.limiting.showing import named_twice, names_of
from portcullis.families.opensearch.limiting.view import View
from portcullis.families.opensearch.names.attributes import filled_in
from portcullis.families.opensearch.names.matching import matches_any
from portcullis.families.opensearch.names.world import EngineFacts, Names, Release

_GLOBAL_TENANT, _WRITES_TENANTS = "global_tenant", "kibana:saved_objects/x/write"
KEPT = 20_000  # callers, and questions


@dataclass(eq=False)
class Who:
    """A caller with their roles, and what was worked out for them."""

    caller: Caller
    why: dict[str, str]  # role -> why they have it
    roles: Sequence[Role]
    unknown: tuple[str, ...] = ()
    granted: dict[str, int] = field(default_factory=dict)  # action -> names
    covering: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # action -> roles, and the names of each
    limited: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # kind of limit -> names it limits, names nothing is seen of
    everywhere: dict[str, tuple[bool, bool]] = field(
        default_factory=dict
    )  # kind -> limited, and freed, whatever the index
    wrong: dict[int, str] | None = None
    out_of_reach: int | None = None  # what v4 gives nobody who has no more than they
    shown: dict[str, View] = field(default_factory=dict)
    views: dict[tuple[str, str, bool], View] = field(default_factory=dict)

    @cached_property
    def masks_twice(self) -> bool:
        """Whether any of their roles' masks are of one name, on whatever index."""
        every = (rule for role in self.roles for entry in role.entries for rule in entry.limits.get(MASKS, ()))
        return bool(named_twice(every))

    @cached_property
    def named(self) -> str:
        return names_of(self.why)

    @property
    def nobody(self) -> str:
        return f"{self.caller.name} is mapped to no role"

    def render(self, text: str) -> str:
        caller = self.caller
        return filled_in(text, caller.name, caller.backend_roles, self.why, caller.attributes)


class Granted:
    """What a security config grants on an engine as it is."""

    def __init__(self, held: Actual, world: EngineFacts) -> None:
        self._held, self.names = held, Names(world)
        self.older = world.release is Release.V2
        self.mappings = mappings(held)
        self._roles = Roles(held, blank_is_filter=self.older)
        self._who: dict[tuple[object, ...], Who] = {}
        self._covers: dict[tuple[str, str], int] = {}
        self._doubts = Doubts(world)

    def who(self, caller: Caller) -> Who:
        key = (caller.name, caller.backend_roles, caller.hosts, tuple(caller.attributes.items()))
        found = self._who.get(key)
        if found is None:
            if len(self._who) >= KEPT:
                self._who.clear()
            why = self.mappings.roles(caller)
            roles = [role for name in why if (role := self._roles.get(name)) is not None]
            found = self._who[key] = Who(caller, why, roles)
            doubts = (*self.mappings.unknown(caller, why), *self._doubts.of(found))
            found.unknown = tuple(dict.fromkeys(doubts))
        return found

    def forget(self) -> None:
        """Every caller, and what was worked out for them."""
        self._who.clear()

    def on(self, who: Who, action: str) -> int:
        """Every name on which the caller may do the action."""
        found = who.granted.get(action)
        if found is None:
            found = 0
            for role in who.roles:
                found |= self._cover(role, action)
                if role.dynamic:
                    found |= self._dynamic(who, role, action)
            who.granted[action] = found
        return found

    def in_so_many_words(self, who: Who, action: str) -> int:
        """Every index on which the caller has a permission by more than `*`."""
        found = 0
        for role in who.roles:
            for entry in role.entries:
                if entry.actions.name(action):
                    patterns = (*entry.patterns.static, *(rendered(who, p, self.names) for p in entry.patterns.dynamic))
                    found |= self.names.with_members(self.names.fitting_any(patterns))
        return found

    def _cover(self, role: Role, action: str) -> int:
        found = self._covers.get((role.name, action))
        if found is None:
            found = 0
            for entry in role.entries:
                if entry.actions.allow(action):
                    found |= self.names.with_members(self.names.fitting_any(entry.patterns.static))
            self._covers[role.name, action] = found
        return found

    def granting(self, who: Who, action: str, name: str) -> list[str]:
        """The roles by which it is granted on a name, which may not exist."""
        at = self.names.place.get(name)
        if at is not None:
            bit = 1 << at
            return [role for role, names in self._covering(who, action) if names & bit]
        return [
            role.name
            for role in who.roles
            if any(
                entry.actions.allow(action)
                and self.names.fits_any(
                    (*entry.patterns.static, *(rendered(who, p, self.names) for p in entry.patterns.dynamic)), name
                )
                for entry in role.entries
            )
        ]

    def _covering(self, who: Who, action: str) -> list[tuple[str, int]]:
        """Of each role that is theirs, the names on which it allows the action; those that do so nowhere are left out."""
        found = who.covering.get(action)
        if found is None:
            each = ((one, self._cover(one, action)) for one in who.roles)
            told = ((one.name, on | self._dynamic(who, one, action) if one.dynamic else on) for one, on in each)
            found = who.covering[action] = [(name, on) for name, on in told if on]
        return found

    def _dynamic(self, who: Who, role: Role, action: str) -> int:
        """What a role covers for this caller, and on this day."""
        found = 0
        for entry in role.entries:
            if entry.patterns.dynamic and entry.actions.allow(action):
                for pattern in entry.patterns.dynamic:
                    found |= self.names.with_members(self.names.fitting(rendered(who, pattern, self.names)))
        return found

    def has_global_tenant(self, who: Who, action: str) -> bool:
        """Whether any permission on the global tenant is theirs; what does not read takes one to write. Seen on 2.19.3 and 3.4.0."""
        wanted = "" if action.startswith("indices:data/read/") else _WRITES_TENANTS
        for role in who.roles:
            for entry in (self._held.get(Kind.ROLES, role.name) or {}).get("tenant_permissions") or ():
                if matches_any(entry.get("tenant_patterns") or (), _GLOBAL_TENANT):
                    allowed = expand(self._held, entry.get("allowed_actions") or ())
                    if not wanted or matches_any(allowed, wanted):
                        return True
        return False

    @staticmethod
    def anywhere(who: Who, action: str) -> bool:
        """Whether it is permitted on any index there could be."""
        return any(entry.written and entry.actions.allow(action) for role in who.roles for entry in role.entries)
