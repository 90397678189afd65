"""The dialects of the security API: documents into the common form and out of it. What a dialect cannot hold is a named loss.

Sources: the documents of 6.x and 7.x in Amazon's guide to fine-grained access control ("REST API Differences"), and the Open
Distro documentation for 6.x and 7.x. No 6.x server runs in the tests; 7.x (`_opendistro`) and OpenSearch (`_plugins`) do.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.errors import BadInput
from portcullis.families.opensearch.documents.config import WRITE_ORDER, Kind
from portcullis.families.opensearch.documents.patch import parts, pointer

# Action groups that both have, in 6.x written in capitals. Translated as a swap: a 6.x group that somebody really named `read`
# becomes `READ` in the common form, so that nothing is lost on the way back.
_CAPITALS = (
    *(
        "unlimited",
        "indices_all",
        "cluster_all",
        "read",
        "write",
        "delete",
        "crud",
        "search",
        "suggest",
        "index",
        "get",
    ),
    *(
        "create_index",
        "manage",
        "manage_aliases",
        "manage_snapshots",
        "data_access",
        "indices_monitor",
        "cluster_monitor",
    ),
    *("cluster_composite_ops", "cluster_composite_ops_ro"),
)
# Action groups that 6.x has nothing for. (`kibana_all_read` and `kibana_all_write` are its RO and RW of tenants.)
_NOT_IN_6 = frozenset(
    {"manage_point_in_time", "manage_data_streams", "cluster_manage_index_templates", "cluster_manage_pipelines"}
)
_SWAP = {name: name.upper() for name in _CAPITALS} | {name.upper(): name for name in _CAPITALS}

# Fields of the common form -> of 6.x.
_FIELDS: dict[Kind, dict[str, str]] = {
    Kind.ROLES: {"cluster_permissions": "cluster", "index_permissions": "indices", "tenant_permissions": "tenants"},
    Kind.MAPPINGS: {"backend_roles": "backendroles", "and_backend_roles": "and_backendroles"},
    Kind.USERS: {"backend_roles": "roles"},
    Kind.ACTION_GROUPS: {"allowed_actions": "permissions"},
    Kind.TENANTS: {},
}
# Fields that 6.x does not have.
_UNKNOWN_TO_6: dict[Kind, tuple[str, ...]] = {
    Kind.ROLES: ("description",),
    Kind.MAPPINGS: ("description",),
    Kind.USERS: ("description", "opendistro_security_roles"),
    Kind.ACTION_GROUPS: ("description", "type"),
    Kind.TENANTS: (),
}
_LIMITS = {"dls": "_dls_", "fls": "_fls_", "masked_fields": "_masked_fields_"}
_TENANT_ACTIONS = {"RW": "kibana_all_write", "RO": "kibana_all_read"}

Losses = tuple[str, ...]


class Dialect(StrEnum):
    V6 = "6.x"  # Open Distro for Elasticsearch 6.x
    V7 = "7.x"  # Open Distro for Elasticsearch 7.x
    PLUGINS = "opensearch"

    @property
    def prefix(self) -> str:
        return "/_plugins/_security/api" if self is Dialect.PLUGINS else "/_opendistro/_security/api"

    def path(self, kind: Kind) -> str:
        """The path of a collection. BadInput for tenants in 6.x, which are a part of roles there."""
        if self is Dialect.V6 and kind == Kind.TENANTS:
            raise BadInput("6.x has no tenants of its own: a tenant exists by being named in a role")
        segment = "user" if self is Dialect.V6 and kind == Kind.USERS else kind.value
        return f"{self.prefix}/{segment}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds it has, in the order of writing."""
        return tuple(kind for kind in WRITE_ORDER if not (self is Dialect.V6 and kind == Kind.TENANTS))


def detect(info: Mapping[str, Any]) -> Dialect:
    """The dialect from the answer to `GET /`. BadInput if it is no engine with this security API.

    OpenSearch in compatibility mode calls itself 7.10.2, and still names its distribution.
    """
    version = info.get("version") or {}
    number, distribution = str(version.get("number", "")), version.get("distribution")
    if distribution == "opensearch":
        return Dialect.PLUGINS
    major = number.split(".")[0]
    if distribution is None and major in ("6", "7"):
        return Dialect.V6 if major == "6" else Dialect.V7
    found = f"{distribution or 'Elasticsearch'} {number}".strip()
    raise BadInput(
        f"{found} has no such security API", remedy="OpenSearch, or Elasticsearch 6.x or 7.x with Open Distro"
    )


def release_named(dialect: Dialect, version: str) -> str:
    """An engine that runs, as a deployment file names it: OpenSearch_3.4. Empty for OpenSearch in compatibility mode, which tells no
    release of its own."""
    number = ".".join(version.split(".")[:2])
    if dialect is not Dialect.PLUGINS:
        return f"Elasticsearch_{number}"
    return "" if number.startswith("7.") else f"OpenSearch_{number}"


def from_engine(kind: Kind, document: Any, dialect: Dialect) -> Json:
    """A document as the engine shows it, in the common form. Nothing is lost: `to_engine` brings it back as it was.

    A type of documents within an index (6.x only) is kept as `types` of the index permission.
    """
    if dialect is not Dialect.V6:
        return dict(document)
    if isinstance(document, list):  # 6.x shows an action group as a mere list, and takes it as an object
        document = {"permissions": document}
    names = {theirs: ours for ours, theirs in _FIELDS[kind].items()}
    common: Json = {}
    for key, value in document.items():
        common[names.get(key, key)] = _from_6(names.get(key, key), copy.deepcopy(value), kind)
    if "readonly" in document:  # "true" and "false" are strings there
        common["reserved"] = str(document["readonly"]).lower() == "true"
    return common


def to_engine(kind: Kind, document: Json, dialect: Dialect) -> tuple[Json | None, Losses]:
    """A document as this dialect writes it, and what it cannot hold of it. None: it has nothing of that kind.

    What cannot be held is left out, so that a loss never lets anybody do more.
    """
    if dialect is Dialect.V6:
        return _to_6(kind, document)
    plain = {key: value for key, value in document.items() if key != "readonly"}
    typed = [permission["types"] for permission in plain.get("index_permissions") or () if permission.get("types")]
    if typed:
        permissions = plain["index_permissions"]
        plain["index_permissions"] = [{k: v for k, v in one.items() if k != "types"} for one in permissions]
    return plain, tuple(
        f"permissions on single types ({', '.join(sorted(types))}) exist in 6.x only and are left out"
        for types in typed
    )


def representable(desired: Desired, dialect: Dialect) -> tuple[Desired, Losses]:
    """What of a model this dialect can hold, in the common form, and the losses. Give this to `difference`: else what cannot be
    held would differ forever."""
    documents: dict[str, dict[str, Json]] = {}
    losses: list[str] = []
    for kind, named in ((Kind(kind), named) for kind, named in desired.documents.items()):
        documents[kind] = {}
        for name, document in sorted(named.items()):
            theirs, lost = to_engine(kind, document, dialect)
            losses += [f"{kind}/{name}: {loss}" for loss in lost]
            if theirs is not None:
                documents[kind][name] = from_engine(kind, theirs, dialect)
    return replace(desired, documents=documents), tuple(losses)


def operations(kind: Kind, common: Sequence[Json], dialect: Dialect) -> list[Json]:
    """The operations of a collection PATCH, with paths and values as this dialect names them."""
    if dialect is not Dialect.V6:
        return [dict(operation) for operation in common]
    translated = []
    for operation in common:
        path = parts(operation["path"])
        path[1:2] = [_FIELDS[kind].get(field, field) for field in path[1:2]]
        changed = operation | {"path": pointer(*path)}
        if len(path) == 1 and "value" in operation:
            changed["value"] = to_engine(kind, operation["value"], dialect)[0]
        translated.append(changed)
    return translated


def _swapped(names: list[str]) -> list[str]:
    return [_SWAP.get(name, name) for name in names]


def _swapped_to_6(names: list[str], losses: list[str]) -> list[str]:
    losses += [f"6.x has no action group {name}: left out" for name in names if name in _NOT_IN_6]
    return _swapped([name for name in names if name not in _NOT_IN_6])


def _from_6(field: str, value: Any, kind: Kind) -> Any:
    if field in ("cluster_permissions", "allowed_actions"):
        return _swapped(value)
    if kind == Kind.ROLES and field == "tenant_permissions":
        return [{"tenant_patterns": [t], "allowed_actions": [_TENANT_ACTIONS.get(a, a)]} for t, a in value.items()]
    if kind == Kind.ROLES and field == "index_permissions":
        return [_permission_from_6(pattern, by_type) for pattern, by_type in value.items()]
    return value


def _permission_from_6(pattern: str, by_type: Json) -> Json:
    permission: Json = {"index_patterns": [pattern]}
    permission |= {ours: by_type[theirs] for ours, theirs in _LIMITS.items() if theirs in by_type}
    types = {name: _swapped(actions) for name, actions in by_type.items() if name not in _LIMITS.values()}
    if "*" in types:
        permission["allowed_actions"] = types.pop("*")
    if types:
        permission["types"] = types
    return permission


def _to_6(kind: Kind, document: Json) -> tuple[Json | None, Losses]:
    if kind == Kind.TENANTS:
        return None, ("6.x has no tenants of its own: it exists by being named in a role, and has no description",)
    losses: list[str] = []
    theirs: Json = {}
    for key, value in document.items():
        if key in ("reserved", "static"):
            continue  # said by `readonly`, where 6.x said it
        if key in _UNKNOWN_TO_6[kind]:
            if value:
                losses.append(f"6.x has no {key}")
            continue
        theirs[_FIELDS[kind].get(key, key)] = _field_to_6(kind, key, copy.deepcopy(value), losses)
    return theirs, tuple(losses)


def _field_to_6(kind: Kind, key: str, value: Any, losses: list[str]) -> Any:
    if key in ("cluster_permissions", "allowed_actions"):
        return _swapped_to_6(value or [], losses)
    if kind == Kind.ROLES and key == "tenant_permissions":
        return _tenants_to_6(value or [], losses)
    if kind == Kind.ROLES and key == "index_permissions":
        return _indices_to_6(value or [], losses)
    return value


def _tenants_to_6(permissions: list[Json], losses: list[str]) -> Json:
    words = {action: word for word, action in _TENANT_ACTIONS.items()}
    tenants: Json = {}
    for permission in permissions:
        given = {words.get(action) for action in permission.get("allowed_actions") or ()}
        for tenant in permission.get("tenant_patterns") or ():
            if "*" in tenant or "?" in tenant:
                losses.append(f"6.x knows no wildcard in a tenant: {tenant} is left out")
            elif not given or None in given:
                losses.append(f"6.x gives a tenant RW or RO only: {tenant} is left out")
            else:
                tenants[tenant] = "RW" if "RW" in given or tenants.get(tenant) == "RW" else "RO"
    return tenants


def _indices_to_6(permissions: list[Json], losses: list[str]) -> Json:
    indices: Json = {}
    for permission in permissions:
        limits = {theirs: permission[ours] for ours, theirs in _LIMITS.items() if ours in permission}
        types = {name: _swapped(actions) for name, actions in (permission.get("types") or {}).items()}
        if "allowed_actions" in permission:
            types["*"] = _swapped_to_6(permission["allowed_actions"] or [], losses)
        for pattern in permission.get("index_patterns") or ():
            there = indices.get(pattern)
            if there is None:
                indices[pattern] = copy.deepcopy(types | limits)
            elif _limits_of(there) == _limits_of(limits):
                for name, actions in types.items():
                    there[name] = list(dict.fromkeys([*there.get(name, ()), *actions]))
            else:
                losses.append(
                    f"6.x holds one permission an index pattern: the second, with other limits, of {pattern} is left out"
                )
    return indices


def _limits_of(by_type: Json) -> Json:
    return {name: by_type[name] for name in _LIMITS.values() if by_type.get(name)}
