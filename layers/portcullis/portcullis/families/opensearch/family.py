"""OpenSearch, and Elasticsearch 6.x and 7.x with Open Distro as Amazon runs them, as a family of engines."""

from __future__ import annotations

from portcullis.access.actual import Actual, Write
from portcullis.families.opensearch import callers, compare, config, effect, matching, patch, patterns
from portcullis.families.opensearch.config import Kind, SecurityConfig


class OpenSearch:
    """The Family protocol."""

    order = config.WRITE_ORDER
    roles, users, mappings = Kind.ROLES, Kind.USERS, Kind.MAPPINGS
    lists = config.MAPPING_LISTS
    condition = "and_backend_roles"
    administrator_roles = config.ADMINISTRATOR_ROLES
    same = staticmethod(compare.same)
    differing = staticmethod(compare.differing)
    mapped_roles = staticmethod(callers.mapped_roles)
    holders = staticmethod(effect.holders)
    administrators = staticmethod(callers.administrators)
    asks_for = staticmethod(callers.asks_for)
    claim_of = staticmethod(callers.claim_of)
    let_in_by = staticmethod(callers.let_in_by)
    only_the_engine_knows = staticmethod(matching.unknown)
    unloadable = staticmethod(patterns.unloadable)

    def simulate(self, actual: Actual, write: Write) -> SecurityConfig:
        return patch.apply_patch(actual, write.kind, write.body)


OPENSEARCH = OpenSearch()
