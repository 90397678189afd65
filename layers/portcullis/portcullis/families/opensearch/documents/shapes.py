"""What the documents of each dialect hold, as types: what is not so was shown by no engine. Fields that decide nothing may be anything,
but for lists and objects that are not known: those may decide, as the fields of another dialect do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    attributes: dict[str, str | None] | None = None


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
    attributes: dict[str, str | None] | None = None


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


# What decides nothing and may be a list or an object all the same.
_BESIDE = frozenset({"readonly", "reserved", "hidden", "static", "description", "type", "hash"})


def not_known(kind: Kind, dialect: Dialect, document: Any) -> tuple[str, str]:
    """A field of the document that this dialect does not have and that holds more than a word, and the dialect that has one called so:
    nobody here would read it, and who has it would seem to have nothing by it. Two empty texts if there is none."""
    if not isinstance(document, dict):
        return "", ""
    of_6 = dialect is Dialect.V6
    here, there = _names(kind, of_6=of_6), _names(kind, of_6=not of_6)
    for field in _beyond(document, here):
        other = (Dialect.PLUGINS if of_6 else Dialect.V6).value
        return field, other if field in there else ""
    for field, entry in (("index_permissions", _Entry), ("tenant_permissions", _TenantEntry)):
        entries = document.get(field) if field in here else ()
        for number, one in enumerate(entries if isinstance(entries, list) else ()):
            for inner in _beyond(one, {*entry.__struct_encode_fields__}):
                return f"{field}[{number}].{inner}", ""
    return "", ""


def _beyond(part: Any, known: Collection[str]) -> Iterator[str]:
    for field, value in part.items() if isinstance(part, dict) else ():
        if isinstance(value, list | dict) and field not in known and field not in _BESIDE:
            yield field


def _names(kind: Kind, *, of_6: bool) -> frozenset[str]:
    found = (_RoleOf6, _MappingOf6, _UserOf6, _GroupOf6) if of_6 else (_Role, _Mapping, _User, _Group)
    kinds = (Kind.ROLES, Kind.MAPPINGS, Kind.USERS, Kind.ACTION_GROUPS)
    struct = dict(zip(kinds, found, strict=True)).get(kind)
    return frozenset(struct.__struct_encode_fields__ if struct else ())


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
