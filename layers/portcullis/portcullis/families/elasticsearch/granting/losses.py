"""What a config asks for that a release or a licence cannot hold: said before anything is written. Pure.

6.8 looks at nothing it is given: an unknown privilege, a filter that is no JSON, a field taken out that was never given are taken, and
every request of whoever holds them fails. So what later releases refuse is looked for here, for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.merging import asks_for_filters
from portcullis.families.elasticsearch.known.names import Unreadable, is_expression, is_pattern, matches_any
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import BASIC, MAPPING_FIELDS, OF_LATER, ROLE_FIELDS, holds

_RAW = ("cluster:", "indices:", "internal:")
_LONGEST_NAME = 507
_FILTERS = "this licence has no filters on documents and fields"
_CONTENT = ("cluster", "indices", "applications", "run_as", "remote_indices", "remote_cluster", "global")


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """One thing that would not be as it was asked for, and what to do."""

    kind: str
    name: str
    place: str  # within the document
    why: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.kind} {self.name}" + (f", {self.place}" if self.place else "")
        return f"{where}: {self.why} ({self.remedy})"


def losses(wanted: SecurityConfig, release: Release, licence: str) -> tuple[Loss, ...]:
    """Everything in the wanted documents that this release under this licence does not hold. Documents of the engine's own are its own."""
    found: set[Loss] = set()
    for kind in (Kind.ROLES, Kind.MAPPINGS, Kind.USERS):
        for name, document in wanted.of(kind).items():
            if not wanted.is_fixed(kind, name):
                found |= {Loss(kind, name, *one) for one in _of(kind, name, document, release, licence)}
    return tuple(sorted(found))


Found = Iterator[tuple[str, str, str]]


def _of(kind: Kind, name: str, document: Json, release: Release, licence: str) -> Found:
    yield from _of_any(kind, name, document, release)
    if kind is Kind.ROLES:
        yield from _of_role(document, release, licence)
    elif kind is Kind.MAPPINGS:
        yield from _of_mapping(document, release)


def _of_any(kind: Kind, name: str, document: Json, release: Release) -> Found:
    if kind is not Kind.MAPPINGS and not (name and name.isascii() and name.isprintable() and name == name.strip()):
        yield "", "such a name is not taken", "ASCII that prints, without blanks at its ends"
    if len(name) > _LONGEST_NAME:
        yield "", f"a name has {_LONGEST_NAME} characters at most", "a shorter one"
    kept = holds(release).reserved_roles if kind is Kind.ROLES else holds(release).reserved_users
    if kind is not Kind.MAPPINGS and name in kept:
        yield "", "the engine keeps this name for itself", "another name"
    for key in document.get("metadata") or {}:
        if key.startswith("_"):
            yield f"metadata.{key}", "a key that begins with _ is the engine's", "another key"


def _of_role(role: Json, release: Release, licence: str) -> Found:
    for key in role:
        since = ROLE_FIELDS.get(key)
        if since is None:
            yield key, "no release knows it", f"one of {', '.join(_CONTENT)}, description, metadata"
        elif since > release and role[key]:
            yield key, f"{release} does not know it", f"leave it out, or {since} and later"
    yield from _privileges(role.get("cluster"), "cluster", holds(release).cluster, release)
    yield from _names(role.get("run_as"), "run_as")
    for key in ("indices", "remote_indices"):
        for number, entry in enumerate(role.get(key) or ()):
            yield from _entry(entry, f"{key}[{number}]", release, licence)
    if licence == BASIC and (role.get("remote_indices") or role.get("remote_cluster")):
        yield "remote_indices", "this licence has no keys between clusters", "leave it out, or another licence"


def _entry(entry: Json, place: str, release: Release, licence: str) -> Found:
    if not entry.get("names"):
        yield f"{place}.names", "it is about no index", "at least one name"
    yield from _names(entry.get("names"), f"{place}.names", of_indices=True)
    privileges = entry.get("privileges") or ()
    yield from _privileges(privileges, f"{place}.privileges", holds(release).index, release)
    query, fields = entry.get("query"), entry.get("field_security")
    if asks_for_filters(entry) and licence == BASIC:
        yield place, _FILTERS, "leave them out, or another licence"
    if query and not _is_query(query):
        yield f"{place}.query", "it is no JSON object, so that nothing of it would hold", "a query in JSON"
    if isinstance(fields, Mapping):
        yield from _fields(fields, place)


def _privileges(given: Any, place: str, known: frozenset[str], release: Release) -> Found:
    for name in given or ():
        if name.lower() in OF_LATER and not release.has_create_doc:
            yield place, f"{name} would end every request of its holders in an error on {release}", "leave it out"
        elif name.lower() not in known and not name.startswith(_RAW):
            yield place, f"{release} has no privilege {name}", f"one of {', '.join(sorted(known))}"


def _names(given: Any, place: str, *, of_indices: bool = False) -> Found:
    """Names and patterns. What no release can read ends every request of its holders, or of whoever searches."""
    for name in (given,) if isinstance(given, str) else given or ():
        if name.startswith("/") and not is_expression(name):
            yield place, f"{name} begins as a regular expression and does not end as one", "/expression/, or the name"
        elif of_indices and not is_expression(name) and (sign := next((one for one in (",", "::") if one in name), "")):
            yield place, f"no index has {sign} in its name, and {name} is one name", "several names are several entries"


def _fields(fields: Mapping[str, Any], place: str) -> Found:
    grant, without = fields.get("grant"), fields.get("except") or ()
    if not fields or (without and grant is None):
        problem = "it takes fields out of none that are given" if without else "it gives no field and takes none out"
        yield f"{place}.field_security", problem, 'grant: ["*"] beside except'
        return
    given = (grant,) if isinstance(grant, str) else grant or ()
    yield from _names((*given, *without), f"{place}.field_security")
    for name in without:
        try:
            fits = matches_any(given, name.replace("*", "x").replace("?", "x"))
        except Unreadable:
            continue
        if not fits and not (is_pattern(name) and name in given):
            yield f"{place}.field_security", f"{name} is taken out and was never given", "what grant covers"


def _is_query(query: Any) -> bool:
    """Whether it is a query in form. A template is filled in by the engine, and is an object, too."""
    if isinstance(query, str):
        try:
            query = json.loads(query)
        except ValueError:
            return False
    return isinstance(query, dict) and bool(query)


def _of_mapping(mapping: Json, release: Release) -> Found:
    for key in mapping:
        since = MAPPING_FIELDS.get(key)
        if since is None:
            yield key, "no release knows it", f"one of {', '.join(MAPPING_FIELDS)}"
        elif since > release and mapping[key]:
            yield key, f"{release} does not know it", f"leave it out, or {since} and later"
    if not mapping.get("roles") and not mapping.get("role_templates"):
        yield "roles", "it gives no role", "at least one, or no mapping"
    yield from _rule(mapping.get("rules"), "rules")


def _rule(rule: Any, place: str, *, in_all: bool = False) -> Found:
    """What no release takes, and the two that it takes as something else than they look like."""
    if not isinstance(rule, dict) or len(rule) != 1:
        yield place, "is no rule", "one of any, all, except, field"
        return
    [(kind, of)] = rule.items()
    if kind in ("any", "all") and isinstance(of, list):
        if kind == "all" and not of:
            yield place, "all of nothing is everybody", 'at least one rule; {"any": []} is nobody'
        for number, one in enumerate(of):
            yield from _rule(one, f"{place}.{kind}[{number}]", in_all=kind == "all")
    elif kind == "except":
        if not in_all:
            yield place, "except stands alone", "one of the rules of an all"
        yield from _rule(of, f"{place}.except")
    elif kind == "field" and isinstance(of, dict) and len(of) == 1:
        [(name, values)] = of.items()
        if name not in ("username", "groups", "dn", "realm.name") and not name.startswith("metadata."):
            yield place, f"nobody has a field {name}", "one of username, groups, dn, realm.name, metadata.*"
        if values == []:
            yield place, "a list of nobody is refused", 'at least one, or {"any": []}'
    else:
        yield place, "is no rule", "one of any, all, except, field"
