"""What the documents of each dialect hold, as types: what is not so was shown by no engine. Fields that decide nothing may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.dialects import Dialect

_Words = list[str] | None


class _Entry(Struct):
    index_patterns: _Words = None
    allowed_actions: _Words = None
    dls: str | None = None
    fls: _Words = None
    masked_fields: _Words = None


class _TenantEntry(Struct):
    tenant_patterns: _Words = None
    allowed_actions: _Words = None


class _Role(Struct):
    cluster_permissions: _Words = None
    index_permissions: list[_Entry] | None = None
    tenant_permissions: list[_TenantEntry] | None = None


class _Mapping(Struct):
    users: _Words = None
    backend_roles: _Words = None
    hosts: _Words = None
    and_backend_roles: _Words = None


class _User(Struct):
    backend_roles: _Words = None
    opendistro_security_roles: _Words = None
    attributes: dict[str, str] | None = None


class _Group(Struct):
    allowed_actions: _Words = None


_LIMITS_OF_6 = {"dls": "_dls_", "fls": "_fls_", "masked_fields": "_masked_fields_"}


class _EntryOf6(Struct, rename=_LIMITS_OF_6):
    dls: str | None = None
    fls: _Words = None
    masked_fields: _Words = None


class _RoleOf6(Struct):
    cluster: list[str] = []
    indices: dict[str, _EntryOf6] = {}
    tenants: dict[str, str] = {}


class _MappingOf6(Struct):
    users: _Words = None
    backendroles: _Words = None
    hosts: _Words = None
    and_backendroles: _Words = None


class _UserOf6(Struct):
    roles: _Words = None
    attributes: dict[str, str] | None = None


class _GroupOf6(Struct):
    permissions: list[str] = []


_SHAPES: dict[Kind, Any] = {
    Kind.ROLES: _Role,
    Kind.MAPPINGS: _Mapping,
    Kind.USERS: _User,
    Kind.ACTION_GROUPS: _Group,
    Kind.TENANTS: dict[str, Any],
}
_SHAPES_OF_6: dict[Kind, Any] = {
    Kind.ROLES: _RoleOf6,
    Kind.MAPPINGS: _MappingOf6,
    Kind.USERS: _UserOf6,
    Kind.ACTION_GROUPS: list[str] | _GroupOf6,
    Kind.TENANTS: dict[str, Any],
}


def shapes_of(kind: Kind, dialect: Dialect, document: Any) -> Iterator[tuple[Any, Any]]:
    """Each part of a document as the engine shows it, with its type: the whole first."""
    of_6 = dialect is Dialect.V6
    yield document, (_SHAPES_OF_6 if of_6 else _SHAPES)[kind]
    if of_6 and kind is Kind.ROLES:  # 6.x has permissions by the types of documents, which are called anything
        for by_type in document.get("indices", {}).values():
            yield (
                {name: actions for name, actions in by_type.items() if name not in _LIMITS_OF_6.values()},
                dict[str, list[str]],
            )
