"""Why an Elasticsearch answers as it does, in words: each with its status, on the releases where it is so."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.families.elasticsearch.deciding.question import answer_question

NINE, EIGHT, SEVEN, SIX = "9.5.3", "8.19.21", "7.17.29", "6.8.23"
QUERY = '{"term": {"team": "red"}}'
WORLD: Json = {
    "indices": ["logs-1", "logs-2", {"name": "shut-1", "closed": True}],
    "aliases": {"one": ["logs-1"], "both": ["logs-1", "logs-2"]},
    "data_streams": {"ds": [".ds-ds-1"]},
}


def on(*names: str, privileges: tuple[str, ...] = ("read",), **more: Any) -> Json:
    return {"names": list(names), "privileges": list(privileges), **more}


def asked(release: str, method: str, path: str, *entries: Json, body: Any = None, **roles: Json) -> Json:
    security = {"roles": {"r": {"indices": list(entries)}, **{name: {"indices": [one]} for name, one in roles.items()}}}
    return answer_question(
        {
            "engine": f"elasticsearch-{release}",
            "security": security,
            "principal": {"name": "anna", "roles": [*security["roles"]]},
            "request": {"method": method, "path": path, "body": body},
            "world": WORLD,
        }
    )


DELETES = on("*", privileges=("delete",))
NO_QUERY = "free grants the same without a query, which lifts that of r"
NO_RULES = "free grants the same without field rules, which lifts those of r"
READS, WRITES = on("logs-*", "shut-*", "both", "ds"), on("*", privileges=("write", "read"))
MANAGES, INDEXES = on("logs-*", privileges=("manage",)), on("logs-*", "new-*", privileges=("index",))


@pytest.mark.parametrize(
    ("release", "method", "path", "entry", "allowed", "status", "said"),
    [
        (NINE, "GET", "/logs-1/_search", READS, True, 200, "logs-1 through r"),
        (NINE, "GET", "/none-*/_search", READS, True, 200, "nothing that matches is visible: an empty answer"),
        (NINE, "GET", "/pay-1/_search", READS, False, 403, "no role of r grants indices:data/read/search on pay-1"),
        (NINE, "PUT", "/logs-1/_settings", READS, False, 403, "no role of r grants indices:admin/settings/update on any index"),
        (NINE, "GET", "/logs-9/_search", READS, True, 404, "logs-9 does not exist: the answer is 404, not 403"),
        (NINE, "GET", "/shut-1/_search", READS, True, 400, "shut-1 is closed: 400"),
        (NINE, "GET", "/logs-9/_search?ignore_unavailable=true&allow_no_indices=false", READS, True, 404, "allow_no_indices is false"),
        (NINE, "DELETE", "/logs-*", MANAGES, True, 400, "wildcards are refused to whoever asks for this"),
        (EIGHT, "DELETE", "/logs-*", MANAGES, True, 400, "wildcards are refused to whoever asks for this"),
        (SEVEN, "DELETE", "/logs-*", MANAGES, True, 200, "logs-1 through r"),
        (NINE, "GET", "/logs-*/_doc/1", READS, True, 400, "this takes the name of one index, and no wildcard"),
        (EIGHT, "GET", "/logs-*/_doc/1", READS, True, 400, "this takes the name of one index, and no wildcard"),
        (SEVEN, "GET", "/logs-*/_doc/1", READS, False, 403, "this takes the name of one index, and no wildcard"),
        (NINE, "GET", "/-logs-1/_doc/1", READS, False, 403, "an exclusion, where one name is taken"),
        (NINE, "GET", "/both/_doc/1", READS, True, 400, "both is an alias of several indices, and this is asked of one: 400"),
        (NINE, "GET", "/ds/_doc/1", READS, True, 404, "ds is a data stream, and no document is asked of one: 404"),
        (NINE, "PUT", "/new-1/_doc/1", INDEXES, False, 403, "new-1 does not exist, and making it takes auto_configure or create_index"),
        (NINE, "POST", "/new-1/_update/1", INDEXES, False, 403, "new-1 does not exist, and making it takes create_index"),
        (NINE, "PUT", "/shut-1/_doc/1", WRITES, True, 400, "shut-1 is closed, which is told to whoever may write: 400"),
        (NINE, "PUT", "/ds/_doc/1", WRITES, True, 400, "ds is a data stream, to which documents are only added: 400"),
        (NINE, "DELETE", "/gone/_doc/1", DELETES, True, 404, "gone does not exist, which is told to whoever may delete"),
        (NINE, "GET", "/logs-1,_all/_search", WRITES, True, 400, "_all beside other names is a name, and no index may have it: 400"),
        (SEVEN, "GET", "/logs-1,_all/_search", WRITES, None, 0, "what _all means beside other names was not measured on"),
        (NINE, "PUT", "/logs-9", on("logs-*", privileges=("create_index",)), True, 200, "indices:admin/create on logs-9 through r"),
        (NINE, "POST", "/logs-1/_alias/both", MANAGES, False, 403, "no role of r grants indices:admin/aliases on both"),
        (NINE, "GET", "/logs-1/_alias/none", on("*", privileges=("manage",)), True, 404, "none is no alias of what is visible: 404"),
        (NINE, "POST", "/logs-1/_search", on("logs-*", query=QUERY), True, 200, "documents limited by r"),
        (NINE, "POST", "/logs-1/_search", on("logs-*", field_security={"grant": ["a"]}), True, 200, "fields limited by r"),
    ],
)  # fmt: skip
def test_an_answer_says_why(
    release: str, method: str, path: str, entry: Json, allowed: bool | None, status: int, said: str
) -> None:
    told = asked(release, method, path, entry, body={"doc": {}} if "_update" in path else None)
    assert (told["allowed"], told["status"] or 0) == (allowed, status), told["reasons"]
    assert any(said in one for one in told["reasons"]), told["reasons"]


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (on("logs-1"), [NO_QUERY, NO_RULES]),
        (on("logs-1", query='{"term": {"team": "blue"}}'), ["documents limited by free, r", NO_RULES]),
        (on("logs-1", field_security={"grant": ["b"]}), [NO_QUERY, "fields limited by free, r"]),
        (on("pay-*"), ["documents limited by r", "fields limited by r"]),
    ],
)  # fmt: skip
def test_which_role_limits_and_which_lifts_it_is_said(free: Json, said: list[str]) -> None:
    limited = on("logs-*", query=QUERY, field_security={"grant": ["a"]})
    told = asked(NINE, "GET", "/logs-1/_search", limited, free=free)
    assert [one for one in told["reasons"] if "limit" in one or "lifts" in one] == said
    view = told["views"]["logs-1"]
    assert (view["documents"] == "all") is said[0].startswith("free grants")
    assert (view["fields"] == "all") is said[1].startswith("free grants")


def test_what_tells_of_all_documents_is_refused_under_limits_with_the_index() -> None:
    told = asked(NINE, "POST", "/logs-1/_search", on("logs-*", query=QUERY), body={"profile": True})
    assert (told["allowed"], told["status"]) == (False, 400)
    assert told["reasons"] == ["a profile tells of all documents: refused where documents are limited (logs-1)"]
    assert asked(NINE, "POST", "/logs-1/_search", on("logs-*"), body={"profile": True})["status"] == 200
