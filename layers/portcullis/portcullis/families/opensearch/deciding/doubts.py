"""What of a caller's roles only the engine can read: said beside every answer about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portcullis.families.opensearch.limiting.query_shapes import readable
from portcullis.families.opensearch.limiting.roles import DOCUMENTS, Role
from portcullis.families.opensearch.limiting.showing import Filled
from portcullis.families.opensearch.names.attributes import filled_in, needs_attributes
from portcullis.families.opensearch.names.dates import NotKnown, resolved
from portcullis.families.opensearch.names.matching import unknown
from portcullis.families.opensearch.names.world import EngineFacts

OF_TENANTS = (
    "of .kibana whoever has no permission on the tenant global_tenant is refused, unless Dashboards is set to have no"
    " tenants"
)
_ENGINE = "only the engine can tell"


class Doubts:
    def __init__(self, world: EngineFacts) -> None:
        self._world = world
        self._of_roles: dict[str, tuple[str, ...]] = {}

    def of(self, who: Filled) -> Iterator[str]:
        for role in who.roles:
            if role.name not in self._of_roles:
                self._of_roles[role.name] = tuple(dict.fromkeys(self._of_role(role)))
            yield from self._of_roles[role.name]
            if role.templates:
                yield from _once_filled(who, role)

    def _of_role(self, role: Role) -> Iterator[str]:
        for pattern in role.cluster.unreadable:
            yield f"what {pattern} of roles/{role.name} (cluster_permissions) covers, {_ENGINE}"
        for entry in role.entries:
            for pattern in entry.written:
                if unknown(filled_in(pattern, "x", (), (), {})) or self._undated(pattern):
                    yield f"what {pattern} of roles/{role.name} (index_patterns) covers, {_ENGINE}"
            for pattern in entry.actions.unreadable:
                yield f"what {pattern} of roles/{role.name} (allowed_actions) covers, {_ENGINE}"
            if entry.readable is None:
                yield f"whether a document filter of roles/{role.name} is one, {_ENGINE}"

    def _undated(self, pattern: str) -> bool:
        try:
            resolved(pattern, self._world.now)
        except NotKnown:
            return True
        return False


def _once_filled(who: Filled, role: Role) -> Iterator[str]:
    """What can be read only once attributes are filled in."""
    for entry in role.entries:
        for pattern in entry.patterns.templates:
            if unknown(who.render(pattern)):
                yield f"what {pattern} of roles/{role.name} covers for {who.caller.name}, {_ENGINE}"
        query = entry.limits.get(DOCUMENTS, "")
        if needs_attributes(query) and readable(who.render(query)) is None:
            yield f"whether a document filter of roles/{role.name} is one, {_ENGINE}"


def of_another_cluster(names: Iterable[str]) -> str:
    """Why it is not known whom these names let in. What this side's roles say of them decides nothing: the other one maps whoever asks."""
    return f"{', '.join(names)} is of another cluster, which decides by its own mappings, and is not asked here"
