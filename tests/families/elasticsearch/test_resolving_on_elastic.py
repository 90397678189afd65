"""What the names of a request come to, asked of the real engine and of `decide`: exclusions, options, closed indices, names of dates.

Each path was answered otherwise once, by us or by an engine between two releases.
"""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from local.elastic.node import Elasticsearch

pytestmark = pytest.mark.node
PASSWORD = "Correct-horse-battery-9"
INDICES = ("logs-1", "logs-2", "pay-1", "shut-1")
ALIASES = {"al-1": ["logs-1"], "al-both": ["logs-1", "pay-1"]}
ROLES: dict[str, Any] = {
    "some": {"indices": [{"names": ["logs-1", "al-both", "shut-1"], "privileges": ["read"]}]},
    "all": {"indices": [{"names": ["*"], "privileges": ["read"]}]},
    "other": {"indices": [{"names": ["pay-1"], "privileges": ["view_index_metadata"]}]},
    "writes": {"indices": [{"names": ["logs-*"], "privileges": ["create"]}]},
    "keeps": {"indices": [{"names": ["*"], "privileges": ["maintenance"]}]},
}
SEARCHES = (
    # An exclusion before any wildcard is a name up to 8, and from 9 on takes away wherever it stands.
    *(
        "-logs-1,logs-*",
        "-logs-1",
        "logs-1,-logs-1",
        "logs-1,logs-2,-logs-1",
        "logs-1,-pay-1",
        "logs-1,-absent",
        "logs-1,-logs-*",
    ),
    *("pay-1,logs-*,-pay-1", "absent,logs-*,-absent", "*,-logs-1,logs-1", "-*", "*,-*"),
    # Up to 8 a wildcard takes away what it reaches: no name that is not there, or not theirs.
    *("pay-1,logs-*,-pay-*", "absent,logs-*,-abs*", "al-both,logs-*,-al-*", "logs-2,*,-logs-*"),
    *("logs-*,-absent*?allow_no_indices=false", "pay-1,logs-*,-pay-*?allow_no_indices=false"),
    # A wildcard that reaches nothing, where that is not allowed: a 404 before it is asked who may.
    *("absent*,logs-1?allow_no_indices=false", "absent*?allow_no_indices=false", "*,-*?allow_no_indices=false"),
    *("logs-1?ignore_unavailable=true&allow_no_indices=false", "absent?ignore_unavailable=true&allow_no_indices=false"),
    # No wildcard is expanded: they are names like others, and everything is nothing.
    *("logs-*?expand_wildcards=none", "*?expand_wildcards=none", "_all?expand_wildcards=none"),
    # A wildcard reaches aliases whatever is said of open and closed.
    *("al-*?expand_wildcards=closed", "*?expand_wildcards=closed&ignore_unavailable=true"),
    # A closed index is an error by its name and by a wildcard, and left out where what is not there may be missing.
    *(
        "shut-1",
        "shut-1?ignore_unavailable=true",
        "shut-*?expand_wildcards=all",
        "shut-1,logs-1?ignore_unavailable=true",
    ),
    # Between angle brackets stands a name that may be worked out from a date.
    *("<logs-1>", "<logs-2>"),
)
OTHERS: tuple[tuple[str, str, Any], ...] = (
    # Whoever may write documents may change mappings, too.
    ("PUT", "logs-1/_mapping", "mapping"),
    # Clearing a cache is not within `maintenance`; refreshing is.
    ("POST", "logs-1/_cache/clear", None),
    ("POST", "logs-1/_refresh", None),
    ("POST", "shut-1/_refresh", None),
    # Names of aliases are asked about beside the indices.
    ("GET", "pay-1/_alias/al-both", None),
    ("GET", "logs-1,logs-2/_doc/1", None),
    ("GET", "al-both/_doc/1", None),
    ("PUT", "nothing-*/_settings", {"index": {"refresh_interval": None}}),
    ("GET", "_security/user/_privileges", None),
    ("GET", "_snapshot/absent/_all", None),
    ("GET", "_nodes/hot_threads", None),
    ("GET", "_cat/shards", None),
    ("GET", "_cat/count/logs-1", None),
)


@pytest.fixture
def cluster(elastic: Elasticsearch) -> Elasticsearch:
    def sure(method: str, path: str, body: object = None) -> None:
        status, said = elastic.ask(method, path, body)
        assert status in (200, 201), said

    for name in INDICES:
        sure("PUT", f"/{name}/_doc/1?refresh=true", {"x": 1})
    actions = [{"add": {"index": index, "alias": alias}} for alias, of in ALIASES.items() for index in of]
    sure("POST", "/_aliases", {"actions": actions})
    sure("POST", "/shut-1/_close")
    for name, role in ROLES.items():
        sure("PUT", f"/_security/role/{name}", role)
        sure("PUT", f"/_security/user/{name}", {"password": PASSWORD, "roles": [name]})
    return elastic


def decided(elastic: Elasticsearch, user: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    indices = [{"name": name, "closed": name == "shut-1"} for name in INDICES]
    return answer_question(
        {
            "engine": f"elasticsearch-{elastic.version}",
            "security": {"roles": ROLES},
            "principal": {"name": user, "roles": [user]},
            "request": {"method": method, "path": f"/{path}", "body": body},
            "world": {"indices": indices, "aliases": ALIASES},
        }
    )


def test_a_search_finds_what_decide_says_by_each_kind_of_name(cluster: Elasticsearch) -> None:
    otherwise = []
    for user in ("some", "all", "other"):
        for one in SEARCHES:
            names, _, more = one.partition("?")
            path = f"{names}/_search?size=100&{more}".rstrip("&")
            status, said = cluster.ask("GET", f"/{path}", user=user, password=PASSWORD)
            found = sorted({hit["_index"] for hit in said["hits"]["hits"]}) if status == 200 else []
            told = decided(cluster, user, "GET", path)
            if (status, found) != (told["status"], sorted(told["indices"]) if status == 200 else []):
                otherwise.append((user, one, status, found, told["status"], told["indices"]))
    assert otherwise == []


def test_other_requests_are_refused_and_not_as_decide_says(cluster: Elasticsearch) -> None:
    old = cluster.version.startswith("6.")
    otherwise = []
    for user in ROLES:
        for method, path, given in OTHERS:
            where, body = path, given
            if given == "mapping":
                where, body = (f"{path}/_doc" if old else path), {"properties": {"x": {"type": "long"}}}
            status, _ = cluster.ask(method, f"/{where}", body, user=user, password=PASSWORD)
            told = decided(cluster, user, method, where, body)
            if told["allowed"] is None or (told["status"] == 403) != (status == 403):
                otherwise.append((user, method, where, status, told["status"], told["reasons"]))
    assert otherwise == []
