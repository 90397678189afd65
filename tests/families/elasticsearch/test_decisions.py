"""Decisions held against what real servers of 6.8.23, 7.17.29, 8.19.21 and 9.5.3 answered.

decisions.jsonl and fixture.json: 107 requests as one native user, each run on all four. A row's `result` holds on the versions of `on`,
`otherwise` has what the others answered; a version in neither cannot run the row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.decide import Answer, View, answer
from portcullis.families.elasticsearch.granting.merging import Holding, holding
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Request
from portcullis.families.elasticsearch.requesting.requests import needs

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE / "decisions.jsonl").read_text().splitlines()]
FIXTURE = json.loads((HERE / "fixture.json").read_text())
VERSIONS = ("9.5.3", "8.19.21", "7.17.29", "6.8.23")
RED = {"term": {"team": "red"}}


def documents(ids: list[str], stream: bool) -> dict[str, dict[str, Any]]:
    """As the fixture says: the first of each pair is red and of level 1, the second blue and of level 2."""
    found: dict[str, dict[str, Any]] = {}
    for place, one in enumerate(ids):
        found[one] = {"team": ("red", "blue")[place], "level": place + 1, "secret": "s"}
        found[one] |= {"@timestamp": "t"} if stream else {"msg": "hello world", "user.name": "anna", "user.mail": "a@x"}
    return found


DOCUMENTS = {name: documents(ids, stream=False) for name, ids in FIXTURE["indices"].items()}
BACKING = ".ds-ds-app-2026.11.28-000001"
DOCUMENTS["logs-new"] = {}  # made by one row, deleted by the next
DOCUMENTS[BACKING] = documents(FIXTURE["data_streams"]["ds-app"], stream=True)


def world(release: Release) -> EngineFacts:
    names = [*FIXTURE["indices"], "logs-new", ".security-6" if release.major == 6 else ".security-7"]
    streams = {"ds-app": (BACKING,)} if release.major >= 8 else {}  # the packages of 7.17 have no data streams
    indices = [
        Index(name, hidden=release.major > 6 and (name in FIXTURE["hidden"] or name.startswith(".security")))
        for name in names
    ]
    indices += [Index(one, hidden=True) for backing in streams.values() for one in backing]
    aliases: dict[str, dict[str, Any]] = {".security": {names[-1]: None}}
    for alias, members in FIXTURE["aliases"].items():
        aliases[alias] = {m.partition(" where ")[0]: RED if " where " in m else None for m in members}
    return EngineFacts(tuple(indices), aliases, streams)


def holds(query: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether a document matches: the queries that the rows use."""
    match query:
        case {"term": term}:
            return all(document.get(name) == value for name, value in term.items())
        case {"match_none": _}:
            return False
        case {"match_all": _}:
            return True
    raise NotImplementedError(query)


def seen(view: View, asked: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The documents of an index as the view shows them, hidden fields taken out before the search's own query is asked."""
    found = {}
    for one, whole in DOCUMENTS.get(view.index, {}).items():
        if view.documents is not None and not any(holds(json.loads(q), whole) for q in view.documents):
            continue
        if view.alias_filters is not None and not any(holds(json.loads(q), whole) for q in view.alias_filters):
            continue
        shown = {name: value for name, value in whole.items() if view.fields.sees(name)}
        if asked is None or holds(asked, shown):
            found[one] = shown
    return found


def cases() -> list[Any]:
    rows = []
    for row in ROWS:
        for version in VERSIONS:
            result = row["result"] if version in row["on"] else row.get("otherwise", {}).get(version)
            if result is not None:
                rows.append(pytest.param(row, version, result, id=f"{row['id']}-{version}"))
    return rows


def asked(row: dict[str, Any], version: str) -> tuple[Holding, Request, Release]:
    release = Release.of(version)
    roles = {f"case{i}": role for i, role in enumerate(row["roles"]) if isinstance(role, dict)}
    names = [role if isinstance(role, str) else f"case{i}" for i, role in enumerate(row["roles"])]
    sent = row["request"]
    path = sent["path"].replace(".security-7", ".security-6") if release.major == 6 else sent["path"]
    return holding(roles, names, release), Request(sent["method"], path, sent["body"]), release


# What ends in an error for another reason than access, which no rule of access tells.
NOT_ACCESS = {
    "es-028": "the security index takes no such field",
    "es-062": "a template in a query: only the engine fills it in",
}


@pytest.mark.parametrize(("row", "version", "result"), cases())
def test_an_answer_is_what_the_server_said(row: dict[str, Any], version: str, result: dict[str, Any]) -> None:
    held, request, release = asked(row, version)
    if row["id"] in NOT_ACCESS and result["status"] != 403:
        return check_not_access(row, held, request, release)
    wanted = needs(request)
    assert wanted is not None, request
    if not wanted:
        assert result["status"] == 200
        return None
    there = world(release)
    answers = [answer(held, need, there, release) for need in wanted]
    whole = [one for one in answers if not one.need.item]
    status = next((one.status for one in whole if one.status >= 400), 200)
    of_a_document = result.get("found") is False or result.get("result") == "not_found"
    assert status == (result["status"] if result["status"] >= 400 and not of_a_document else 200), answers
    if status == 200:
        compare(request, result, answers)
    return None


def check_not_access(row: dict[str, Any], held: Holding, request: Request, release: Release) -> None:
    wanted = needs(request)
    assert wanted, NOT_ACCESS[row["id"]]
    assert answer(held, wanted[0], world(release), release).allowed, NOT_ACCESS[row["id"]]


def compare(request: Request, result: dict[str, Any], answers: list[Answer]) -> None:
    items = [one for one in answers if one.need.item]
    for kind in ("docs", "items", "responses"):
        if kind in result:
            assert [one.allowed for one in items] == [_was_allowed(one) for one in result[kind]]
    views = [view for one in answers for view in one.views]
    body = request.body if isinstance(request.body, dict) else {}
    found: dict[str, dict[str, Any]] = {}
    for view in views:
        found |= seen(view, body.get("query"))
    if "documents" in result and "aggs" not in body:
        assert sorted(found) == result["documents"]
        assert sorted({name for one in found.values() for name in one}) == result["fields"]
    if "count" in result:
        assert len(found) == result["count"]
    if request.path.endswith(("_mapping", "_field_caps?fields=*")):
        [view] = views
        assert [name for name in ("level", "msg", "secret", "team") if view.fields.sees(name)] == result["fields"]
    if "/_doc/" in request.path and request.method == "GET":
        assert (request.parts[-1] in found) == result["found"]


def _was_allowed(item: Any) -> bool:
    if isinstance(item, dict):
        return item["error"] is None
    return item < 400
