"""OpenSearch, and Elasticsearch 6.x and 7.x with Open Distro as Amazon runs them, as a family of engines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.desired import Desired
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AppliedStep, Claim, Operation, Step
from portcullis.families.base import Closed, Family
from portcullis.families.opensearch.documents import batching, compare, compiling, config, dialects, patch, undoing
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.granting import administering, adopting, callers, effect, filters
from portcullis.families.opensearch.names import matching, patterns
from portcullis.families.opensearch.shutting import baseline, shut


class OpenSearch:
    """The Family protocol. One collection PATCH is one write."""

    name = "opensearch"
    order = config.WRITE_ORDER
    roles, users, mappings = Kind.ROLES, Kind.USERS, Kind.MAPPINGS
    entries_in = Kind.MAPPINGS
    lists = config.MAPPING_LISTS
    condition = "and_backend_roles"
    administrator_roles = config.ADMINISTRATOR_ROLES
    closing = (Kind.ROLES, Kind.USERS, Kind.MAPPINGS, Kind.ACTION_GROUPS)
    gives_out = False
    naming = ()

    mapped_roles = staticmethod(callers.mapped_roles)
    holders = staticmethod(effect.holders)
    administrators = staticmethod(callers.administrators)
    asks_for = staticmethod(callers.asks_for)
    claim_of = staticmethod(callers.claim_of)
    let_in_by = staticmethod(callers.let_in_by)
    only_the_engine_knows = staticmethod(matching.unknown)
    unloadable = staticmethod(patterns.unloadable)
    disguised = staticmethod(administering.disguised)

    compile = staticmethod(compiling.desired)
    baseline = staticmethod(baseline.baseline)
    refuse_if_moved = staticmethod(patch.refuse_if_moved)
    simulate_all = staticmethod(patch.apply_patches)
    reopen = staticmethod(shut.reopen)
    effect = staticmethod(effect.people)
    user = staticmethod(callers.user)
    filters = staticmethod(filters.filters)
    adoptable = staticmethod(adopting.adoptable)

    def written_by_us(self, saved: Mapping[str, Any], before: Actual, now: Callable[[], Actual]) -> None:
        """No document of this engine tells how it was written."""

    def same(self, _kind: str, one: Json | None, other: Json | None) -> bool:
        return compare.same(one, other)

    def differing(self, _kind: str, one: Json | None, other: Json | None) -> tuple[str, ...]:
        return compare.differing(one, other)

    def names_roles(self, _kind: str, _document: Json) -> tuple[str, ...]:
        return ()

    def named(self, _kind: str, _document: Json | None) -> Collection[str]:
        return ()

    def taking(self, _step: Step) -> Step | None:
        return None

    def representable(self, desired: Desired, dialect: str) -> tuple[Desired, tuple[str, ...]]:
        return dialects.representable(desired, Dialect(dialect))

    def simulate(self, actual: Actual, write: Write) -> SecurityConfig:
        return patch.apply_patch(actual, write.kind, write.body)

    def new_users(self, steps: Sequence[Step]) -> list[str]:
        adding = (step.claim for step in steps if step.operation is Operation.ADD)
        return [claim.name for claim in adding if claim.kind == Kind.USERS]

    def writes(
        self, steps: Sequence[Step], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        return batching.quickest(patch.patches(steps, actual, _secrets(self.new_users(steps), passwords)))

    def undoing(
        self, touched: Sequence[AppliedStep], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        coming_back = [one.name for one in touched if one.kind == Kind.USERS and one.operation == Operation.REMOVE]
        return batching.quickest(undoing.undoing(touched, actual, _secrets(coming_back, passwords)))

    def password(self, user: str, password: str) -> Write:
        return Write(Kind.USERS, [{"op": "add", "path": patch.pointer(user, "password"), "value": password}])

    def look_again(self, write: Write) -> Mapping[str, Collection[str]]:
        moved = patch.changed_by_place(write)
        return {Kind.MAPPINGS: moved} if moved else {}

    def close(
        self,
        actual: Actual,
        keep: ProtectedPrincipals,
        saved: Mapping[str, Any] | None = None,
        *,
        roles_too: bool = False,
    ) -> Closed:
        return shut.shut(actual, keep, saved, roles_too=roles_too)

    def only(self, actual: Actual, roles: Collection[str]) -> SecurityConfig:
        mappings = {role: one for role, one in actual.of(Kind.MAPPINGS).items() if role in roles}
        return SecurityConfig({Kind.MAPPINGS: mappings, Kind.USERS: actual.of(Kind.USERS)})

    def administers(self, actual: Actual, claim: Claim) -> bool:
        return administering.administers(actual, claim)

    def kind_of(self, section: str) -> str:
        return next(kind for kind, known in adopting.SECTIONS.items() if known == section)


def _secrets(users: Collection[str], passwords: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """What makes a new user complete; a hash that is none where nothing is sent."""
    if passwords is None:
        return {name: {"hash": ""} for name in users}
    return {name: {"password": password} for name, password in passwords.items()}


OPENSEARCH: Family = OpenSearch()
