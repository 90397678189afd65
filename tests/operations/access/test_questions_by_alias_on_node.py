"""Given aliases with filters on a real node, then `can` says of each person what a search of theirs by the alias shows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from portcullis.access.questions.answers import ALIAS_FILTER, Why
from portcullis.entry.verbs import VERBS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.shutting.baseline import LOCK_ROLE
from portcullis.operations.access.deployments import introduce
from portcullis.ports.registration import IamRole

from local.node.node import Node
from tests.fixtures_node import make_new
from tests.operations.on_node import API, MASTER, account_on, bytes_of, made_by_hand, put_back, transport
from tests.operations.orders import CAUSE
from tests.operations.seen import fits
from tests.operations.worlds import Account, model_text, registration

pytestmark = pytest.mark.node

PASSWORD = "Correct-horse-battery-9"
RED, ONE = {"term": {"team": "red"}}, {"term": {"level": 1}}
DOCUMENTS = {
    f"{team}-{level}": {"team": team, "level": level, "secret": "x"} for team in ("red", "blue") for level in (1, 2)
}
# alias -> index -> its filter
ALIASES = {
    "red": {"logs-1": RED, "logs-2": RED},
    "whole": {"logs-1": None, "logs-2": None},
    "mixed": {"logs-1": RED, "logs-2": None},
    "ones": {"logs-1": ONE},
}
# person -> patterns, document filter
PEOPLE = {
    "by-index": (["logs-*"], None),
    "by-alias": (["red"], None),
    "by-both": (["red", "ones"], None),
    "limited": (["logs-*"], ONE),
    "one-index": (["logs-1"], None),
    "elsewhere": (["other-*"], None),
}
ASKED = (
    *("red", "whole", "mixed", "ones", "red,ones", "red,logs-1", "r*", "logs-1", "*ed"),
    *("mixed,-logs-1", "lo*,-logs-1", "r*,-logs-1", "m*,-mixed", "-logs-1", "lo*,-*-2,ones"),
)


@pytest.fixture
def here(node_basic: Node) -> Iterator[tuple[Node, Account]]:
    make_new(node_basic)
    found = bytes_of(node_basic)
    made = account_on(node_basic)
    try:
        introduce(made.services.at(registration(master=IamRole(MASTER))), model_text("  roles: {}\n"), CAUSE)
        for index in ("logs-1", "logs-2"):
            node_basic.ask(
                "PUT",
                f"/{index}",
                {"mappings": {"properties": {"team": {"type": "keyword"}, "level": {"type": "long"}}}},
            )
            for id_, document in DOCUMENTS.items():
                assert node_basic.ask("PUT", f"/{index}/_doc/{id_}?refresh=true", document)[0] == 201
        actions = [
            {"add": {"index": index, "alias": alias, **({"filter": one} if one else {})}}
            for alias, of in ALIASES.items()
            for index, one in of.items()
        ]
        assert node_basic.ask("POST", "/_aliases", {"actions": actions})[0] == 200
        for who, (patterns, dls) in PEOPLE.items():
            entry = {"index_patterns": patterns, "allowed_actions": ["indices:data/read/search"]}
            entry |= {"dls": json.dumps(dls)} if dls else {}
            made_by_hand(node_basic, Kind.USERS, who, {"password": PASSWORD})
            made_by_hand(node_basic, Kind.ROLES, who, {"index_permissions": [entry]})
            made_by_hand(node_basic, Kind.MAPPINGS, who, {"users": [who]})
        yield node_basic, made
    finally:
        node_basic.ask("DELETE", "/logs-1,logs-2")
        put_back(node_basic, found)


def can(made: Account, who: str, names: str) -> Why:
    found: Why = VERBS["can"].run(
        made.services, "demo", CAUSE, person=f"internal_user:{who}", does="GET", what=f"{names}/_search"
    )
    return found


def said(found: Why) -> set[tuple[str, str]] | None:
    """Which documents of which index are seen; None: none is, as all of it is refused or ends in an error."""
    assert found.allowed is not None, found.unknown
    if not found.allowed or found.ends:
        return None
    return {
        (one.index, id_)
        for one in found.seen
        if one.allowed
        for id_, document in DOCUMENTS.items()
        if all(
            any(fits(document, json.loads(query)) for query in some)
            for some in (one.documents, one.alias_filters)
            if some
        )
    }


def shown(node: Node, who: str, names: str) -> set[tuple[str, str]] | None:
    status, body = transport(node, who, PASSWORD)("GET", f"/{names}/_search", {"size": "100"}, None)
    return {(one["_index"], one["_id"]) for one in body["hits"]["hits"]} if status == 200 else None


def test_a_search_by_an_alias_shows_what_its_filter_leaves(here: tuple[Node, Account]) -> None:
    node, made = here
    wrong = []
    for who in PEOPLE:
        for names in ASKED:
            ours, theirs = said(can(made, who, names)), shown(node, who, names)
            if ours != theirs:
                wrong.append((who, names, ours, theirs))
    assert wrong == []
    told = can(made, "by-alias", "red")
    assert told.answer.endswith(
        'sees only a part: by the filter of an alias documents that match {"term": {"team": "red"}}'
    )
    assert ALIAS_FILTER not in told.unknown


def test_while_the_automation_may_not_read_filters_that_is_said(here: tuple[Node, Account]) -> None:
    """Of a deployment whose role has not been put right since it is asked for."""
    node, made = here
    path = f"{API}/roles/{LOCK_ROLE}"
    role = node.ask("GET", path)[1][LOCK_ROLE]
    entry = role["index_permissions"][0]
    actions = [one for one in entry["allowed_actions"] if one != "indices:admin/aliases/get"]
    less = {
        "cluster_permissions": role["cluster_permissions"],
        "index_permissions": [{"index_patterns": ["*"], "allowed_actions": actions}],
    }
    made_by_hand(node, Kind.ROLES, LOCK_ROLE, less)
    told = can(made, "by-alias", "red")
    assert (told.allowed, ALIAS_FILTER in told.unknown) == (True, True)
    assert {one.index: one.by_alias for one in told.seen} == {"logs-1": ("red",), "logs-2": ("red",)}
