"""Kinds of requests over clusters that the engine's own suites of remote security look at, on a real pair and by `decide`.

Not in the random ones (benchmarks/reaching), or drawn there too seldom: people who ask by an API key or as somebody else, limits of
several roles and of the key at once, `_msearch`, which clusters have something (`_resolve/cluster`), terms (`_terms_enum`), figures of
remotes, roles that have `remote_cluster` alone, and what the packages that run here cannot answer, which stays unknown.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from benchmarks.reaching.beside import Counts, Reached, differs, done
from benchmarks.reaching.cases import USERS, question
from tests.fixtures_pair import RELEASE

pytestmark = pytest.mark.node
Json = dict[str, Any]
RED, SECOND = {"term": {"team": "red"}}, {"term": {"level": 2}}
PASSWORD = "not asked for"


def on(names: str, *privileges: str, **limits: Any) -> Json:
    return {"names": names.split(), "privileges": list(privileges or ("read",)), **limits}


def far(clusters: str, names: str, *privileges: str, **limits: Any) -> Json:
    return {**on(names, *privileges, **limits), "clusters": clusters.split()}


HERE: dict[str, Json] = {
    "reader": {"indices": [on("own-*")], "remote_indices": [far("one two", "logs-1 metrics-* red-logs")]},
    "limited": {
        "indices": [on("own-*")],
        "remote_indices": [far("*", "logs-*", query=RED, field_security={"grant": ["team", "level"]})],
    },
    "second": {"remote_indices": [far("*", "logs-*", query=SECOND, field_security={"grant": ["o.*"]})]},
    "nowhere": {"indices": [on("own-*")]},
    "elsewhere": {"indices": [on("own-*")], "remote_indices": [far("other*", "*")]},
    "looks": {"indices": [on("own-*")], "remote_indices": [far("one", "logs-*", "view_index_metadata")]},
    "figures": {
        "cluster": ["monitor"],
        "remote_cluster": [{"clusters": ["*"], "privileges": ["monitor_stats"]}],
    },
    "agent": {"run_as": [USERS[2], USERS[5]]},
    "everything": {"indices": [on("*", "all")], "remote_indices": [far("*", "*", "all")]},
}
THERE: dict[str, Json] = {
    "reader": {"indices": [on("logs-*")]},
    "limited": {"indices": [on("logs-*", query={"term": {"team": "blue"}})]},
    "second": {"indices": [on("logs-2 red-logs", field_security={"grant": ["*"], "except": ["secret"]})]},
    "looks": {"indices": [on("logs-*", "view_index_metadata")]},
    "figures": {"cluster": ["monitor"]},
}
ROLES = {"both": ["limited", "second"]} | {name: [name] for name in HERE}
CALLED = dict(zip(HERE, USERS[2:], strict=False)) | {"both": USERS[11], "superuser": USERS[0], "nobody": USERS[1]}
AGREED: Json = {
    "here": HERE,
    "there": THERE,
    "users": {user: ROLES.get(name, []) for name, user in CALLED.items()} | {USERS[0]: ["superuser"]},
    "access": {
        "one": {
            "search": [
                {
                    "names": ["logs-*", "metrics-*", "all-logs", "red-logs"],
                    "field_security": {"grant": ["*"], "except": ["secret"]},
                }
            ]
        },
        "two": {"search": [{"names": ["logs-1"], "query": RED}]},
    },
}
# API keys: whose, and the roles of their own. None: what the owner had when it was made.
KEYS: dict[str, tuple[str, Json]] = {
    "all-of-it": ("reader", {}),
    "narrow": ("everything", {"a": {"indices": [on("own-*")], "remote_indices": [far("o*", "logs-1", query=RED)]}}),
    "own-alone": ("reader", {"a": {"indices": [on("own-* logs-*")]}}),
    "beyond": ("limited", {"superuser": {"remote_indices": [far("*", "*")]}}),
    "of-superuser": ("superuser", {"a": {"indices": [on("logs-*")], "remote_indices": [far("one", "*")]}}),
}
SEARCH, CAPS, TERMS = "_search?size=100", "_field_caps?fields=*", "_terms_enum"
SHARDS = "_search?size=100&ccs_minimize_roundtrips=false"
# Who, what of which names (or a whole path), and what 9.5.3 says. None: a part of the answer or all of it is known to the engine alone.
ROWS: list[tuple[str, str, str, int | None]] = [
    ("reader", "one:logs-1", SEARCH, 200),
    ("reader", "one:logs-2", SEARCH, 403),
    ("reader", "own-1,one:logs-1", SEARCH, 200),
    ("reader", "o*:logs-1,own-*,-own-none", SEARCH, 200),
    ("reader", "one:logs-1,two:logs-1,-two:*", SEARCH, 200),
    ("reader", "one:*,-one:*", SEARCH, 403),
    ("reader", "nope:logs-1,one:logs-1", SEARCH, 404),
    ("reader", "n*:logs-1,one:logs-1", SEARCH, 200),
    ("reader", "cert:logs-2,two:logs-1", SEARCH, 200),
    ("limited", "one:logs-1", SEARCH, 200),
    ("limited", "cert:logs-1", SEARCH, 200),
    ("both", "one:logs-*", SEARCH, 200),
    ("both", "two:logs-1", SEARCH, 200),
    ("both", "cert:logs-*,one:logs-1", SEARCH, 200),
    ("both", "one:logs-1", SHARDS, 200),
    ("looks", "one:logs-1", SEARCH, 403),
    ("looks", "one:logs-1", CAPS, 200),
    ("looks", "cert:logs-*", CAPS, 200),
    ("figures", "one:logs-1", SEARCH, 403),
    ("figures", "one:*", SEARCH, 403),
    ("elsewhere", "one:logs-1", SEARCH, 403),
    ("elsewhere", "*,two:*", SEARCH, 200),
    ("agent as reader", "one:logs-1", SEARCH, 200),
    ("agent as reader", "cert:hr", SEARCH, 403),
    ("agent as nowhere", "own-1,one:logs-1", SEARCH, 403),
    ("agent as superuser", "one:logs-1", SEARCH, 403),
    ("all-of-it", "one:logs-1", SEARCH, 200),
    ("all-of-it", "one:logs-2", SEARCH, 403),
    (
        "all-of-it",
        "cert:logs-1",
        SEARCH,
        403,
    ),  # what the owner has here is asked for over there, and no role of that name
    ("all-of-it", "own-1,two:logs-1", SEARCH, 200),
    ("narrow", "one:logs-1", SEARCH, 200),
    ("narrow", "one:logs-2", SEARCH, 403),
    ("narrow", "one:*,own-*", SHARDS, 200),
    ("narrow", "two:logs-1,own-1", SEARCH, 200),
    ("narrow", "cert:logs-1", SEARCH, 403),
    ("narrow", "one:logs-1", CAPS, 200),
    ("own-alone", "one:logs-1", SEARCH, 403),
    ("own-alone", "cert:logs-1", SEARCH, 403),
    ("beyond", "one:*", SEARCH, 200),
    ("beyond", "one:metrics-1", SEARCH, 403),
    ("of-superuser", "one:metrics-1", SEARCH, 200),
    ("of-superuser", "two:logs-1", SEARCH, 200),
    ("of-superuser", "cert:logs-1", SEARCH, 200),
    ("of-superuser", "cert:hr", SEARCH, 403),
    ("superuser", "one:hr", SEARCH, 403),
    ("superuser", "cert:hr,one:logs-1", SEARCH, 200),
    ("superuser", "two:metrics-1", SEARCH, 200),
    ("reader", "one:logs-1,own-1", TERMS, 200),
    ("reader", "one:hr", TERMS, 200),
    ("reader", "one:red-logs,two:logs-1", TERMS, 200),  # of all documents, whatever the alias shows
    ("limited", "one:logs-1,own-1", TERMS, 200),
    ("nobody", "own-1,one:logs-1", TERMS, 403),
    ("nobody", "x*:logs-1", TERMS, 403),
    ("superuser", "gone:logs-1,nope:x", TERMS, 404),
    ("narrow", "one:logs-1,own-1", TERMS, 200),
    ("reader", "/_resolve/cluster/one:logs-1,two:*,own-*", "", 200),
    ("reader", "/_resolve/cluster/one:hr,own-none,cert:none*", "", 200),
    ("nowhere", "/_resolve/cluster/one:logs-1,own-1", "", 200),
    ("nobody", "/_resolve/cluster/own-1,one:logs-1", "", 403),
    ("nobody", "/_resolve/cluster/own-*,cert:logs-1", "", 200),
    ("nobody", "/_resolve/cluster/x*:logs-1", "", 403),
    ("reader", "/_resolve/cluster/nope:logs-1", "", 404),
    ("reader", "/_resolve/cluster/own-none*,one:logs-1?allow_no_indices=false", "", 404),
    ("narrow", "/_resolve/cluster/one:logs-*,two:logs-1", "", 200),
    ("reader", "/_resolve/index/one:*,own-*", "", 200),
    ("looks", "/_resolve/index/one:logs-*,cert:*", "", 200),
    ("reader", "one:logs-1", "_search_shards", 200),
    ("nobody", "one:logs-1", "_search_shards", 403),
    ("superuser", "own-1,one:logs-1", "_search_shards", 400),
    ("superuser", "one:logs-1", "_stats?ignore_unavailable=true", 400),
    ("reader", "/_remote/info", "", 403),
    ("figures", "/_remote/info", "", 200),
    ("figures", "/_cluster/stats?include_remotes=true", "", 200),
    ("reader", "/_msearch", "", 200),
    ("nobody", "/_msearch", "", 403),
    ("narrow", "/_msearch", "", 200),
    ("reader", "/_search?pit", "", None),
    ("reader", "one:logs-1", "_async_search", None),
    ("reader", "one:logs-1", "_search/template", None),
]
OF_NO_DOCUMENT = ("/_remote/info", "_search_shards", "include_remotes=true", "_stats?ignore_unavailable=true")
ITEMS: list[Json] = [
    *({"index": "one:logs-1"}, {"size": 100}, {"index": "one:hr"}, {}, {"index": "own-1,two:logs-1"}, {"size": 100}),
    *({"index": "nope:x"}, {}, {"index": "cert:*"}, {"size": 100}),
]


def test_what_suites_of_remote_security_ask_is_answered_as_a_real_pair_does(reached: Reached) -> None:
    reached.hold(AGREED)
    keys = {name: _key(reached, owner, of) for name, (owner, of) in KEYS.items()}
    otherwise: list[tuple[Any, ...]] = []
    for who, names, what, status in ROWS:
        path = names if names.startswith("/") else f"/{names}/{what}"
        method, body = _sent(path)
        asked = question(AGREED, "", path, RELEASE, method)
        asked["principal"], how = _who(who, keys)
        asked["request"]["body"] = body
        ours = answer_question(asked)
        if status is None:
            otherwise += [] if ours["allowed"] is None and ours["reasons"] else [(who, path, "known", ours["status"])]
            continue
        text = "".join(f"{json.dumps(line)}\n" for line in body) if isinstance(body, list) else body
        code, said = reached.pair.local.ask(method, path, text, **how)
        if found := _otherwise(ours, code, said, path):
            otherwise.append((who, path, found, str(said)[:400]))
        elif RELEASE.startswith("9") and (ours["allowed"] is None or code != status):
            otherwise.append((who, path, f"status {code}, row {status}, ours {ours['status']}"))
    assert otherwise == []


def _sent(path: str) -> tuple[str, Any]:
    if "_terms_enum" in path:
        return "POST", {"field": "team"}
    if "?pit" in path:
        return "POST", {"pit": {"id": "of one that is open"}}
    return ("POST", ITEMS) if path == "/_msearch" else ("GET", None)


def _key(reached: Reached, owner: str, roles: Json) -> str:
    asked = {"grant_type": "password", "username": CALLED[owner], "password": PASSWORD}
    given = {"name": "of a test", "role_descriptors": roles}
    made = done(reached.pair.local, "POST", "/_security/api_key/grant", {**asked, "api_key": given})
    return str(made["encoded"])


def _who(who: str, keys: dict[str, str]) -> tuple[Json, Json]:
    """As `decide` takes them, and as the engine does."""
    name, _, acts_as = who.partition(" as ")
    if acts_as:
        told = {"name": CALLED[name], "run_as": CALLED[acts_as]}
        return told, {"user": CALLED[name], "password": PASSWORD, "run_as": CALLED[acts_as]}
    if name in keys:
        owner, roles = KEYS[name]
        told = {"name": CALLED[owner], "api_key": {"role_descriptors": roles}}
        return told, {"authorization": f"ApiKey {keys[name]}"}
    pair = base64.b64encode(f"{CALLED[name]}:{PASSWORD}".encode()).decode()
    return {"name": CALLED[name]}, {"authorization": f"Basic {pair}"}


def _otherwise(ours: Json, code: int, said: Json, path: str) -> str:
    """What `decide` says otherwise than the engine: the status, who refuses, what is seen."""
    if ours["allowed"] is None:
        return "unknown"
    if code != 200 or path.endswith(OF_NO_DOCUMENT):
        wrong = "" if code == ours["status"] else f"status {code}, ours {ours['status']}"
        here = "no remote indices privileges apply" in str(said)
        told = [
            one["rule"] == "no-remote-indices" for one in ours.get("remotes", {}).values() if one["allowed"] is False
        ]
        return wrong or ("side" if "towards remote cluster" in str(said) and code == 403 and here not in told else "")
    if path == "/_msearch":
        found = [
            _otherwise(told, one["status"], one, "") for told, one in zip(ours["items"], said["responses"], strict=True)
        ]
        return "; ".join(filter(None, found))
    what = differs(ours, code, said, Counts(), path)
    return what[0] if what else ""
