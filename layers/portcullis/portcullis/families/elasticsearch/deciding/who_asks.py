"""As whom the engine takes a request: a user, somebody acting as another (`run_as`), or the holder of an API key.

Seen on 9.5.3, 8.19.21, 7.17.29 and 6.8.23 (benchmarks/deciding/wider.py):

- Who acts as somebody needs a role whose `run_as` names them; then the other's roles alone count. Somebody who is not there is refused.
- What an API key lets through has to be let through by the roles that its owner had when it was made, and by its own. A key without
  any of its own has its owner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from portcullis.families.elasticsearch.deciding.asked import Principal, Security
from portcullis.families.elasticsearch.granting.callers import NATIVE, Caller, roles_of, templates_of
from portcullis.families.elasticsearch.granting.merging import Holding, holding
from portcullis.families.elasticsearch.known.names import matches_any
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import built_in

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WhoAsks:
    """`roles`: role -> why it counts. `refused`: why no request is let in at all."""

    caller: Caller
    roles: dict[str, str]
    documents: Mapping[str, Json]  # of the roles
    user: Json  # what a template of a filter knows of them
    limited_to: Mapping[str, Json] | None = None  # the roles of an API key, by their names in it
    refused: str = ""
    by_key: bool = False  # it is an API key that asks
    perhaps: tuple[str, ...] = ()  # why they may have more, or less, than their roles give: only the engine can tell

    @property
    def of_key(self) -> dict[str, Json] | None:
        """What an API key is limited to, by names that no role of the engine's own has."""
        return {f"key/{name}": role for name, role in self.limited_to.items()} if self.limited_to else None

    def holding(self, release: Release) -> Holding:
        own = holding(self.documents, self.roles, release)
        if self.limited_to is None:
            return own
        key = holding(self.of_key or {}, self.of_key or (), release)
        return replace(
            own,
            within=key,
            broken=(*own.broken, *key.broken),
            unknown=(*own.unknown, *key.unknown),
            unknown_of_cluster=(*own.unknown_of_cluster, *key.unknown_of_cluster),
        )


def who_asks(principal: Principal, security: Security, release: Release) -> WhoAsks:
    """Raises Unreadable and BadInput as `roles_of` does."""
    caller = Caller(
        principal.name,
        principal.realm,
        tuple(principal.groups),
        principal.dn,
        principal.metadata,
        tuple(principal.roles),
    )
    held = msgspec.to_builtins(security)
    users: dict[str, Json] = held["users"]
    roles = roles_of(caller, users, held["role_mappings"])
    documents: dict[str, Json] = held["roles"]
    by_template = templates_of(caller, held["role_mappings"])
    perhaps = tuple(
        f"which roles role_mapping/{name} gives by its templates only the engine can tell" for name in by_template
    )
    refused = ""
    if principal.run_as:
        refused = _may_not_act_as(principal.run_as, roles, documents, users, release)
        perhaps = perhaps if refused else ()
        caller = Caller(principal.run_as, NATIVE)
        roles = {} if refused else roles_of(caller, users, {})
    found = WhoAsks(caller, roles, documents, _user(caller, users, roles), refused=refused, perhaps=perhaps)
    if (key := principal.api_key) is None:
        return found
    of_key: dict[str, Json] = {name: msgspec.to_builtins(role) for name, role in key.role_descriptors.items()}
    if key.limited_by is not None:
        then: dict[str, Json] = {name: msgspec.to_builtins(role) for of in key.limited_by for name, role in of.items()}
        owners = dict.fromkeys(then, "the owner's when the key was made")
        found = replace(found, documents=then, roles=owners, perhaps=found.perhaps if refused else ())
    restricted = sorted(name for name, role in of_key.items() if role.get("restriction"))
    perhaps = tuple(
        f"which requests the restriction of {name} lets through only the engine can tell" for name in restricted
    )
    return replace(found, limited_to=of_key or None, by_key=True, perhaps=(*found.perhaps, *perhaps))


def _may_not_act_as(
    name: str, roles: Mapping[str, str], documents: Mapping[str, Json], users: Mapping[str, Json], release: Release
) -> str:
    patterns = [one for role in roles for one in (documents.get(role) or built_in(role, release)).get("run_as") or ()]
    if not matches_any(patterns, name):
        return f"no role of {', '.join(sorted(roles)) or 'theirs'} lets them act as {name}"
    if name not in users:
        return f"{name} is no user here, and nobody acts as somebody who is not there"
    if users[name].get("enabled") is False:
        return f"{name} is disabled"
    return ""


def _user(caller: Caller, users: Mapping[str, Json], roles: Mapping[str, str]) -> Json:
    held = users.get(caller.name, {}) if caller.realm == NATIVE else {}
    return {
        "username": caller.name,
        "full_name": held.get("full_name"),
        "email": held.get("email"),
        "roles": list(roles),
        "metadata": dict(caller.metadata or held.get("metadata") or {}),
    }
