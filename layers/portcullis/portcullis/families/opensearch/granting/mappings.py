"""Who has which role: role mappings by what a caller is called, so that one caller's roles are found without a look at every entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from portcullis.access.actual import Actual
from portcullis.access.plan import Claim
from portcullis.access.terms import Caller
from portcullis.families.last_made import LastMade
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.names.matching import is_expression, is_pattern, match

DIRECT = "opendistro_security_roles"  # of an internal user: roles without any mapping
_LISTS = ("users", "backend_roles", "hosts")


class Held(NamedTuple):
    """An entry and where it stands: the first of a role's is told as the reason."""

    role: str
    place: tuple[int, int]
    entry: str

    @property
    def claim(self) -> Claim:
        return Claim(Kind.MAPPINGS, self.role, _LISTS[self.place[0]], self.entry)


@dataclass(slots=True)
class _Table:
    """The entries of one list: those that are a name, and patterns by what they begin with."""

    exact: dict[str, list[Held]] = field(default_factory=dict)
    everybody: list[Held] = field(default_factory=list)
    begins: dict[str, list[Held]] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)

    def add(self, held: Held) -> None:
        entry = held.entry
        if not entry.strip():
            return  # blanks fit nobody
        if entry == "*":
            self.everybody.append(held)
        elif not is_pattern(entry):
            self.exact.setdefault(entry, []).append(held)
        else:
            head = "" if is_expression(entry) else entry.partition("*")[0].partition("?")[0]
            self.begins.setdefault(head, []).append(held)
            self.lengths.add(len(head))

    def fitting(self, value: str) -> Iterator[tuple[Held, bool | None]]:
        """The entries that fit, and those of which only the engine knows (None)."""
        for held in self.exact.get(value, ()):
            yield held, True
        for length in self.lengths:
            for held in self.begins.get(value[:length], ()):
                if (fits := match(held.entry, value)) is not False:
                    yield held, fits


class Mappings:
    def __init__(self, held: Actual) -> None:
        self._held = held
        self._tables = {name: _Table() for name in _LISTS}
        self._all_of: list[tuple[str, tuple[str, ...]]] = []
        self.by_address: list[Held] = []
        for role in sorted(held.of(Kind.MAPPINGS)):
            for which, name in enumerate(_LISTS):
                for at, entry in enumerate(held.entries(role, name)):
                    self._tables[name].add(one := Held(role, (which, at), entry))
                    if name == "hosts" and entry.strip():
                        self.by_address.append(one)
            if needed := held.entries(role, "and_backend_roles"):
                self._all_of.append((role, needed))

    def roles(self, caller: Caller) -> dict[str, str]:
        """role -> why the caller has it, by name. An internal user's own roles need no mapping."""
        found: dict[str, Held] = {}
        for held, fits in self._fitting(caller):
            if fits and (held.role not in found or held.place < found[held.role].place):
                found[held.role] = held
        reasons = {role: str(held.claim) for role, held in found.items()}
        for role, needed in self._all_of:
            if role not in reasons and self._all_fit(needed, caller.backend_roles) is True:
                reasons[role] = f"{Kind.MAPPINGS.value}/{role}/and_backend_roles: {' and '.join(needed)}"
        for role in (self._held.of(Kind.USERS).get(caller.name) or {}).get(DIRECT) or ():
            reasons[role] = f"{Kind.USERS.value}/{caller.name}/{DIRECT}"
        return dict(sorted(reasons.items()))

    def unknown(self, caller: Caller, roles: Iterable[str]) -> Iterator[str]:
        """Entries of which only the engine can tell whether they give the caller a further role."""
        had = set(roles)
        for held, fits in self._fitting(caller):
            if fits is None and held.role not in had:
                yield f"whether {held.claim} fits, only the engine can tell"
        for role, needed in self._all_of:
            if role not in had and self._all_fit(needed, caller.backend_roles) is None:
                claim = Claim(Kind.MAPPINGS, role, "and_backend_roles", " and ".join(needed))
                yield f"whether {claim} fits, only the engine can tell"

    def _fitting(self, caller: Caller) -> Iterator[tuple[Held, bool | None]]:
        for name, values in (
            ("users", (caller.name,)),
            ("backend_roles", caller.backend_roles),
            ("hosts", caller.hosts),
        ):
            table = self._tables[name]
            # `*` fits a caller without any backend role, too; hosts are looked at only where there is an address.
            if values or name == "backend_roles":
                yield from ((held, True) for held in table.everybody)
            for value in values:
                yield from table.fitting(value)

    @staticmethod
    def _all_fit(needed: Sequence[str], backend_roles: Sequence[str]) -> bool | None:
        worst: bool | None = True
        for entry in needed:
            if entry == "*":
                continue
            fits = [match(entry, role) for role in backend_roles] if entry.strip() else []
            if True in fits:
                continue
            if None not in fits:
                return False
            worst = None
        return worst


_LAST: LastMade[Mappings] = LastMade(4)


def mappings(held: Actual) -> Mappings:
    """The role mappings of a config, ready to be asked."""
    return _LAST.of(held, lambda: Mappings(held))
