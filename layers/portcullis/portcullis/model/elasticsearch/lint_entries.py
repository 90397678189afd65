"""What one entry of a cluster's role says by itself: its filter, and the fields that it takes out.

Measured on 9.5.3 and 6.8.23 (tests/model/test_entries_on_elastic.py). The kinds of queries are Elastic's own, so that only what means
the same there is taken from the table of OpenSearch's; what the cluster cannot read it refuses by itself, from 7.17 on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from portcullis.families.elasticsearch.known.names import is_expression
from portcullis.families.elasticsearch.requesting.asking import ALL
from portcullis.model.elasticsearch.types import IndexEntry, OnCluster
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.limiting.filter_queries import wrong_in
from portcullis.model.lints.limiting.filter_reach import limits_nothing, read
from portcullis.model.lints.limiting.odd_fields import in_vain, odd, odd_name, odd_pattern
from portcullis.model.names import shown
from portcullis.model.parts import Path

_SAME_THERE = ("dls-relative-date", "dls-should", "dls-everything")
# Mustache puts these in without making them safe for JSON, or may (behind other signs than braces, `{{=<% %>=}}`), seen on 6.8.23.
_AS_IT_IS = re.compile(r"\{\{\{|\{\{\s*&|\{\{\s*=|\{\{\s*#\s*join")


def of_entries(deployment: OnCluster) -> Iterator[Finding]:
    for name, role in deployment.access.roles.items():
        for key, entries in (("indices", role.indices), ("remote_indices", role.remote_indices)):
            for i, entry in enumerate(entries):
                here: Path = ("access", "roles", name, key, i)
                yield from _filter(deployment, (*here, "query"), entry)
                yield from _fields(deployment, (*here, "field_security"), entry)
                for pattern in entry.names:
                    yield from _names(deployment, (*here, "names"), pattern)


def _names(deployment: OnCluster, path: Path, pattern: str) -> Iterator[Finding]:
    yield from odd_pattern(deployment, path, pattern)
    if is_expression(pattern):
        return
    if pattern != ALL:
        yield from in_vain(deployment, path, pattern, pattern, "!~^_")
    if "{{" in pattern or "${" in pattern:
        message = f"{shown(pattern)} is taken as it stands: nothing of who asks is filled in there"
        yield found(deployment, "pattern-attribute", path, message, "a role for each, or a filter on documents")


def _fields(deployment: OnCluster, path: Path, entry: IndexEntry) -> Iterator[Finding]:
    for field in entry.field_security.except_ if entry.field_security else ():
        if not field.startswith("/") and "" in field.split("."):
            problem = f"{field!r}: no field has an empty part in its name"
            yield found(deployment, "field-matches-nothing", path, problem, "the name without the dot, and NAME.*")
        elif why := odd(field):
            yield odd_name(deployment, path, field, why)


def _filter(deployment: OnCluster, path: Path, entry: IndexEntry) -> Iterator[Finding]:
    query: Any = entry.query
    if query is None:
        return
    text = query if isinstance(query, str) else json.dumps(query)
    try:
        query = read(text)
    except ValueError as error:
        problem = f"the document-level query is not JSON: {error}"
        yield found(deployment, "dls-invalid", path, problem, '{"term": {"region": "eu"}}, or the same as an object')
        return
    if isinstance(query, dict) and "template" in query:
        if _AS_IT_IS.search(json.dumps(query)):  # as it is read: a brace may be written \u007b
            message = (
                "{{{…}}}, {{&…}}, {{#join}} and what has other signs than braces ({{=<% %>=}}) go into the filter as they are: a name "
                "with a quotation mark makes another filter of it"
            )
            yield found(
                deployment, "dls-name", path, message, "two braces, which make the value safe: {{_user.username}}"
            )
        return
    if "{{" in text:
        message = "{{…}} is filled in within a template alone, and is text here: nobody sees anything"
        yield found(
            deployment,
            "dls-attribute",
            path,
            message,
            'query: {template: {source: {term: {owner: "{{_user.username}}"}}}}',
        )
        return
    problems = list(wrong_in(query))
    for code, message, remedy in problems:
        if code in _SAME_THERE:
            yield found(deployment, code, path, message, remedy)
    if not problems and limits_nothing(query):
        message = "the document-level query has no condition: every document matches"
        yield found(deployment, "dls-everything", path, message, "leave query out, unless it is meant to lift others")
