"""Requests that end before all that they need is asked for: by an index that is not there or is closed, or as nothing is left to ask for.

Each with the permissions that whoever sends it has, on every index and of the cluster; what the engine answers, a release each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

A, M, R, W = "indices:admin/", "indices:monitor/", "indices:data/read/", "indices:data/write/"
OPEN, SHUT, ALIAS, ABSENT = "early-000001", "early-shut", "early-al", "early-none"
SETTINGS, STATE, SHARDS = f"{M}settings/get", "cluster:monitor/state", "cluster:monitor/shards"
BROKEN = '{"term": {"n": 1}, "match_all": {}}'
ALL = {"query": {"match_all": {}}}


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    has: tuple[str, ...]
    status: int
    older: int = 0  # of 2.19.3, where it is another one
    body: Any = None
    dls: str = ""  # a document filter on OPEN

    def of(self, release: str) -> int:
        return self.older if self.older and release.startswith("2") else self.status

    def __str__(self) -> str:
        return f"{self.method} {self.path} with {', '.join(self.has)}{' and a broken filter' if self.dls else ''}"


_SETTINGS_ALONE = [
    Row("GET", f"{before}/{names}", (SETTINGS,), status)
    for before in ("_cat/indices", "_list/indices")
    for names, status in ((ABSENT, 404), (f"{OPEN},{ABSENT}", 404), (OPEN, 403), (SHUT, 403), ("early-x*", 403))
]
_ENDED = [
    Row("POST", f"{name}/{after}", has, status, body=body)
    for after, has, body, statuses in (
        ("_flush", (f"{A}flush",), None, (404, 400, 403)),
        ("_refresh", (f"{A}refresh",), None, (404, 400, 403)),
        ("_close", (f"{A}close",), None, (404, 200, 403)),
        ("_update/1", (f"{W}update",), {"doc": {"n": 1}}, (404, 400, 403)),
        ("_update_by_query", (f"{W}update/byquery",), ALL, (403, 403, 403)),
    )
    for name, status in zip((ABSENT, SHUT, OPEN), statuses, strict=True)
    if after != "_update/1" or name == SHUT  # what is absent is made
]
ROWS: tuple[Row, ...] = (
    *_SETTINGS_ALONE,
    *_ENDED,
    # What 2.19 checks for all indices that there are.
    *(Row("POST", f"{name}/_rollover", (f"{A}rollover",), 400, 403) for name in (ABSENT, SHUT, OPEN)),
    Row("POST", f"{ALIAS}/_rollover", (f"{A}rollover",), 403),
    *(Row("PUT", f"{name}/_block/write", (f"{A}block/add",), status) for name, status in ((ABSENT, 404), (OPEN, 403))),
    *(Row("PUT", f"{ABSENT}/_{how}/early-new", (f"{A}resize",), 500, 403) for how in ("clone", "shrink")),
    *(
        Row("POST", "_reindex", (f"{W}reindex",), status, body={"source": {"index": name}, "dest": {"index": "early-new"}})
        for name, status in ((ABSENT, 404), (SHUT, 400), (OPEN, 403))
    ),
    # A page that is empty, or shows closed indices alone, has no sizes to ask for.
    *(Row("GET", f"_list/shards/{name}", (SHARDS, STATE), status) for name, status in ((ABSENT, 200), (SHUT, 200), (OPEN, 403))),
    *(Row("GET", f"_cat/shards/{name}", (SHARDS, STATE), 403) for name in (ABSENT, OPEN)),
    # Of no index the health of all of them is asked for, and the filter of any ends it.
    *(Row("GET", f"_list/indices/{names}", ("*",), 200, older, dls=BROKEN) for names, older in (("early-x*", 500), (SHUT, 200))),
    *(Row("GET", f"_cat/indices/{names}", ("*",), 200, older, dls=BROKEN) for names, older in (("early-x*", 200), (OPEN, 500))),
    # What is closed is answered all the same.
    *(Row("GET", f"{SHUT}{after}", ("*",), 200) for after in ("", "/_mapping", "/_settings", "/_alias", "/_recovery")),
    *(Row("GET", f"{before}/{SHUT}", ("*",), 200) for before in ("_cat/indices", "_list/indices")),
    *(Row("GET", f"{SHUT}/{after}", ("*",), 400) for after in ("_search", "_count", "_stats", "_segments")),
    Row("PUT", f"{SHUT}/_settings", ("*",), 200, body={"index": {"priority": 2}}),
    Row("PUT", f"{ABSENT}/_doc/1", ("*",), 201, body={"n": 1}),
)  # fmt: skip
