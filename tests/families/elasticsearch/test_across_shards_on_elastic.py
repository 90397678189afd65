"""Searches of which each shard of another cluster decides, on a real pair and by `decide`, where the index, or an alias alone, is covered.

With `ccs_minimize_roundtrips=false`, by a scroll, and at the opening of a point in time a remote tells where the shards lie, and each is
asked by its index; by aliases only where all that was asked for, wildcards and `_all` written out, has a filter. A cluster of which every
shard refuses is skipped where it may be, and the others are answered; where no shard of all answers, that is a 403. Releases differ in what
they make of several indices of which some refuse: the rows say what 9.5.3 does, and the comparison holds on each.
"""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from benchmarks.reaching.beside import Counts, Reached, differs, done
from benchmarks.reaching.cases import THERE, USERS, Asked, question
from tests.fixtures_pair import RELEASE

pytestmark = pytest.mark.node
Json = dict[str, Any]
RED = {"term": {"team": "red"}}
WORLD = {**THERE, "aliases": {**THERE["aliases"], "of-two": ["logs-2"]}}


def on(names: str, *privileges: str, **limits: Any) -> Json:
    return {"names": names.split(), "privileges": list(privileges or ("read",)), **limits}


ENTRIES: dict[str, list[Json]] = {
    "index": [on("logs-1")],
    "alias": [on("of-two")],
    "alias-of-both": [on("all-logs")],
    "filtered": [on("red-logs")],
    "filtered-hr": [on("red-logs hr")],
    "limited": [on("logs-*", query=RED), on("all-logs", field_security={"grant": ["team"]})],
    "across": [on("of-two", "read", "read_cross_cluster"), on("logs-2", "view_index_metadata")],
    "everything": [on("*")],
}
CALLED = dict(zip(ENTRIES, USERS[2:], strict=False))
AGREED: Json = {
    "here": {
        name: {
            "indices": [{"names": ["own-*"], "privileges": ["read"]}],
            "remote_indices": [{**one, "clusters": ["*"]} for one in of],
        }
        for name, of in ENTRIES.items()
    },
    "there": {name: {"indices": of} for name, of in ENTRIES.items()},
    "users": {name: [] for name in USERS} | {CALLED[name]: [name] for name in ENTRIES} | {"u0": ["superuser"]},
    # The keys of `one` and of `two`, which may be skipped, as `certs` may.
    "access": {
        "one": {"search": [{"names": ["*"]}]},
        "two": {"search": [{"names": ["all-logs", "red-logs", "of-two"]}]},
    },
}
SHARDS, SCROLL, WHOLE = "_search?size=100&ccs_minimize_roundtrips=false", "_search?size=2&scroll=1m", "_search?size=100"
ALL_OR_NOTHING = f"{SHARDS}&allow_partial_search_results=false"
PIT, FIELDS = "_pit?keep_alive=1m", "_field_caps?fields=*"
# Who, what they ask for, in which way, and what 9.5.3 says; clusters that it skips. None: the engine alone knows what is seen.
ROWS: list[tuple[str, str, str, int | None, str]] = [
    ("index", "one:logs-1", SHARDS, 200, ""),
    ("index", "one:logs-1", SCROLL, 200, ""),
    ("index", "one:logs-1", PIT, 200, ""),
    ("index", "two:logs-1", SHARDS, 200, "two"),  # the key covers aliases alone
    ("index", "two:logs-1", PIT, 200, "two"),
    ("alias", "one:of-two", WHOLE, 200, ""),
    ("alias", "one:of-two", SHARDS, 403, ""),
    ("alias", "one:of-two", SCROLL, 403, ""),
    ("alias", "one:of-two", PIT, 403, ""),
    ("alias", "one:of-two", FIELDS, 200, ""),
    ("alias", "two:of-two", SHARDS, 403, ""),  # a cluster that may be skipped, too, where nothing else answers
    ("alias", "cert:of-two", SHARDS, 403, ""),
    ("alias", "certs:of-two", SCROLL, 403, ""),
    ("alias", "one:*", SHARDS, 403, ""),
    ("alias", "own-1,two:of-two", SHARDS, 200, "two"),
    ("alias", "own-1,two:of-two", SCROLL, 200, "two"),
    ("alias", "own-1,two:of-two", PIT, 403, ""),
    ("alias", "own-1,two:of-two", ALL_OR_NOTHING, 403, ""),
    ("alias", "own-1,one:of-two", SHARDS, 200, ""),  # it is failed, and stands beside an answer
    ("alias", "own-1,certs:of-two", SCROLL, 200, "certs"),
    ("alias", "own-none*,two:of-two", SHARDS, 403, ""),
    ("alias", "two:of-two,certs:of-two", SHARDS, 403, ""),
    ("alias-of-both", "one:all-logs", WHOLE, 200, ""),
    ("alias-of-both", "cert:all-logs", WHOLE, 200, ""),
    ("alias-of-both", "own-1,cert:all-logs", WHOLE, 200, ""),
    ("filtered", "one:red-logs", SHARDS, 200, ""),
    ("filtered", "one:red-logs", SCROLL, 200, ""),
    ("filtered", "one:_all", SHARDS, 200, ""),  # all that is permitted has a filter
    ("filtered", "one:*", SCROLL, 200, ""),
    ("filtered", "two:_all", SHARDS, 200, ""),
    ("filtered", "two:_all", PIT, 200, ""),
    ("filtered", "two:_all,certs:hr,certs:logs-1", SHARDS, 200, "certs"),
    ("filtered", "cert:*", SHARDS, 200, ""),
    ("filtered", "certs:red*", SCROLL, 200, ""),
    ("filtered", "one:red-logs,own-1", ALL_OR_NOTHING, 200, ""),
    ("filtered-hr", "one:red-logs,one:hr", SHARDS, 200, ""),
    ("filtered-hr", "one:_all", SCROLL, 200, ""),
    ("filtered-hr", "two:_all", SHARDS, 200, ""),
    ("limited", "one:logs-1", SHARDS, 200, ""),
    ("limited", "cert:logs-*", SCROLL, 200, ""),
    ("across", "one:of-two", SHARDS, 403, ""),
    ("across", "cert:of-two", SCROLL, 403, ""),
    ("everything", "one:_all", SHARDS, 200, ""),
    ("everything", "two:red-logs", SHARDS, 200, ""),
    ("everything", "two:logs-1", SHARDS, 200, "two"),
    ("everything", "two:*,own-1", FIELDS, 200, ""),
    ("everything", "one:red-logs,one:logs-1", SCROLL, 200, ""),  # one of the two has no filter
    (
        "everything",
        "one:red-logs,cert:logs-1",
        SHARDS,
        None,
        "",
    ),  # the same index of the same cluster, with the filter and without
    ("everything", "one:red-logs,cert:red-logs", SHARDS, 200, ""),
    ("everything", "one:red-logs,cert:logs-1", WHOLE, 200, ""),
    ("u0", "two:red-logs", SHARDS, 200, ""),
    ("u0", "two:of-two,own-1", SCROLL, 200, "two"),
]


def test_what_shards_decide_is_answered_as_a_real_pair_does(reached: Reached) -> None:
    reached.hold(AGREED)
    done(reached.pair.remote, "PUT", "/logs-2/_alias/of-two")
    otherwise: list[tuple[Any, ...]] = []
    try:
        for who, names, way, status, skipped in ROWS:
            user, method, path = CALLED.get(who, who), "POST" if way is PIT else "GET", f"/{names}/{way}"
            asked = question(AGREED, user, path, RELEASE, method)
            asked["remotes"] = {alias: {**one, "world": WORLD} for alias, one in asked["remotes"].items()}
            ours, (code, said) = answer_question(asked), reached.ask(Asked(user, method, path))
            if what := differs(ours, code, said, Counts(), path):
                otherwise.append((who, path, what[0], str(said)[:300]))
            elif status is None:
                known = RELEASE.startswith("9") and ours["allowed"] is not None
                otherwise += [(who, path, "known")] if known else []
            elif RELEASE.startswith("9") and (ours["allowed"] is None or code != status):
                otherwise.append((who, path, f"status {code}, row {status}, ours {ours['status']}"))
            elif RELEASE.startswith("9") and way in (SHARDS, SCROLL) and status == 200:
                left_out = [alias for alias, one in ours["remotes"].items() if one["skipped"]]
                otherwise += [(who, path, f"skipped {left_out}")] if left_out != skipped.split() else []
    finally:
        done(reached.pair.remote, "DELETE", "/logs-2/_alias/of-two")
    assert otherwise == []
