"""Seed documents of 6.x and 7.x before real engines: 7.x's are taken as printed, 6.x's only once they are translated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.dialects import Dialect, to_engine

from local.node.node import Node
from tests.tutorials.stage import OPENDISTRO, PLUGINS, new_password

pytestmark = pytest.mark.node

GOLDEN = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in (Path(__file__).parent.parent / "families" / "opensearch" / "golden").glob("*.json")
}
WRITTEN = sorted(name for name in GOLDEN if name != "tenants-7")  # that one is an answer, of what nobody may write
SET_BY_ENGINE = ("reserved", "hidden", "static", "readonly")
NAME = "as-in-the-guide"


def body(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is sent: with a password that the engine takes, without what only the engine sets."""
    sent = {name: value for name, value in document.items() if name not in SET_BY_ENGINE}
    return sent | {"password": new_password()} if "password" in sent else sent


def shown(node: Node, path: str) -> dict[str, Any]:
    status, answer = node.ask("GET", f"{path}/{NAME}")
    assert status == 200, answer
    document: dict[str, Any] = answer[NAME]
    return document


def named_by(document: dict[str, Any]) -> dict[str, Any]:
    """What a document says, apart from what the engine never shows."""
    return {name: value for name, value in document.items() if name not in (*SET_BY_ENGINE, "password")}


def holds(found: Any, asked: Any) -> bool:
    """Whether what the engine shows has everything that was asked for; it adds its defaults."""
    if isinstance(asked, dict):
        return isinstance(found, dict) and all(holds(found.get(name), value) for name, value in asked.items())
    if isinstance(asked, list):
        return (
            isinstance(found, list)
            and len(found) == len(asked)
            and all(holds(one, other) for one, other in zip(found, asked, strict=True))
        )
    return bool(found == asked)


@pytest.mark.parametrize("prefix", [PLUGINS, OPENDISTRO])
@pytest.mark.parametrize("golden", [name for name in WRITTEN if name.endswith("-7")])
def test_a_document_of_7_is_taken_as_printed(internal_node: Node, golden: str, prefix: str) -> None:
    printed = GOLDEN[golden]
    path = printed["path"].replace(OPENDISTRO, prefix)
    if printed["kind"] == Kind.MAPPINGS.value:  # a mapping needs its role
        assert internal_node.ask("PUT", f"{prefix}/roles/{NAME}", {"cluster_permissions": []})[0] == 201
    status, answer = internal_node.ask("PUT", f"{path}/{NAME}", body(printed["engine"]))
    assert status == 201, answer
    assert holds(shown(internal_node, path), named_by(printed["common"]))


@pytest.mark.parametrize("golden", [name for name in WRITTEN if name.endswith("-6")])
def test_a_document_of_6_is_refused_as_printed_and_taken_once_translated(internal_node: Node, golden: str) -> None:
    printed = GOLDEN[golden]
    kind = Kind(printed["kind"])
    path = Dialect.PLUGINS.path(kind)
    status, answer = internal_node.ask("PUT", f"{path}/{NAME}", body(printed["engine"]))
    assert (status, answer["reason"]) == (400, "Invalid configuration")
    translated, losses = to_engine(kind, printed["common"], Dialect.PLUGINS)
    assert not losses
    status, answer = internal_node.ask("PUT", f"{path}/{NAME}", body(translated))
    assert status == 201, answer
    assert holds(shown(internal_node, path), named_by(printed["common"]))


def test_users_are_to_be_had_by_the_older_name_of_their_collection_too(internal_node: Node) -> None:
    # "a GET request to _opendistro/_security/api/user returns all users, which you can then modify and use"
    answers = [internal_node.ask("GET", f"{OPENDISTRO}/{name}") for name in ("user", "internalusers")]
    assert answers[0] == answers[1]
    assert internal_node.user in answers[0][1]


@pytest.mark.parametrize("prefix", [PLUGINS, OPENDISTRO])
def test_tenants_have_a_collection_of_their_own_with_the_global_one_in_it(internal_node: Node, prefix: str) -> None:
    status, answer = internal_node.ask("GET", f"{prefix}/tenants")
    printed = GOLDEN["tenants-7"]["engine"]
    assert status == 200
    # The guide prints `static: false`; both engines here say that it is built in.
    assert answer["global_tenant"] == {**printed, "static": True}
