"""A question's documents as people write them, before they are read as typed ones: which of many is wrong, and what nobody here would read.

A list or an object under a name that no release has may decide all the same, as the fields of OpenSearch's plugin do: read as nothing,
whoever has it would seem to have no access by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from portcullis import typed
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.asked import (
    Entry,
    RemoteEntry,
    RemotePrivileges,
    Role,
    RoleMapping,
    User,
)
from portcullis.families.elasticsearch.documents.config import WRITTEN

_TYPES: Mapping[str, type[msgspec.Struct]] = {"roles": Role, "users": User, "role_mappings": RoleMapping}
_ENTRIES: Mapping[str, type[msgspec.Struct]] = {
    "indices": Entry,
    "remote_indices": RemoteEntry,
    "remote_cluster": RemotePrivileges,
}
# What decides nothing here.
_BESIDE = frozenset({"applications", "global", "metadata", "transient_metadata", WRITTEN})
# Of the Security plugin's own documents.
_OPENSEARCHS = frozenset(
    {"cluster_permissions", "index_permissions", "tenant_permissions", "backend_roles", "hosts", "attributes"}
)


def as_shown(question: Any, source: str) -> Any:
    """The question with the privileges of each role on indices under the name that the engine shows them by: it takes `index` as well.
    BadInput for a field that nobody here would read."""
    if not isinstance(question, dict):
        return question
    made = {**question}
    if isinstance(security := made.get("security"), dict):
        made["security"] = {kind: _documents(kind, of, f"security.{kind}", source) for kind, of in security.items()}
    principal = made.get("principal")
    if isinstance(principal, dict) and isinstance(key := principal.get("api_key"), dict):
        place = "principal.api_key"
        read = {**key}
        if isinstance(own := key.get("role_descriptors"), dict):
            read["role_descriptors"] = _documents("roles", own, f"{place}.role_descriptors", source)
        if isinstance(then := key.get("limited_by"), list):
            read["limited_by"] = [_documents("roles", one, f"{place}.limited_by", source) for one in then]
        made["principal"] = {**principal, "api_key": read}
    return made


def of_which(question: Any) -> tuple[str, str] | None:
    """What is wrong with a document, and its place with its name; of many documents their type says only that one is."""
    security = question.get("security") if isinstance(question, dict) else None
    for kind, kind_type in _TYPES.items():
        documents = security.get(kind) if isinstance(security, dict) else None
        for name, document in documents.items() if isinstance(documents, dict) else ():
            try:
                typed.of_plain(document, kind_type)
            except msgspec.ValidationError as error:
                what, _, place = str(error).partition(" - at `$")
                return what, f"security.{kind}.{name}{place.strip('`')}"
    return None


def _documents(kind: str, documents: Any, place: str, source: str) -> Any:
    if kind not in _TYPES or not isinstance(documents, dict):
        return documents
    return {name: _document(kind, document, f"{place}.{name}", source) for name, document in documents.items()}


def _document(kind: str, document: Any, place: str, source: str) -> Any:
    if not isinstance(document, dict):
        return document
    if kind == "roles" and "index" in document and "indices" not in document:
        document = {("indices" if field == "index" else field): of for field, of in document.items()}
    for at, field in _not_known(document, _TYPES[kind], place):
        other = field in _OPENSEARCHS
        problem = "is no field that Elasticsearch has here" + (", and OpenSearch has" if other else "")
        remedy = "engine: opensearch" if other else "as the engine's GET shows it"
        raise BadInput(problem, source=source, place=f"{at}.{field}", remedy=remedy)
    return document


def _not_known(document: Mapping[str, Any], kind: type[msgspec.Struct], place: str) -> Iterator[tuple[str, str]]:
    known = {*kind.__struct_fields__} | _BESIDE
    for field, value in document.items():
        if isinstance(value, list | dict) and field not in known:
            yield place, field
        elif kind is Role and field in _ENTRIES and isinstance(value, list):
            for number, entry in enumerate(value):
                if isinstance(entry, dict):
                    yield from _not_known(entry, _ENTRIES[field], f"{place}.{field}[{number}]")
