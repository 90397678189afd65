"""Given a question of any shape, then decide answers it, or says in one line what is wrong with it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from portcullis.cli import main as cli

RULE = {"index_patterns": ["a-${attr.x}"], "allowed_actions": ["read"], "dls": "{}", "fls": ["b"]}
GOOD: dict[str, Any] = {
    "engine": "opensearch",
    "security": {
        "roles": {
            "r": {
                "index_permissions": [
                    {"index_patterns": ["a-${attr.x}"], "allowed_actions": ["read"], "dls": "{}", "fls": ["b"]}
                ]
            }
        },
        "rolesmapping": {"r": {"users": ["anna"]}},
        "internalusers": {"anna": {"backend_roles": ["x"], "attributes": {"x": "y"}}},
        "actiongroups": {"mine": {"allowed_actions": ["read"]}},
    },
    "principal": {"name": "anna", "backend_roles": ["x"], "attributes": {"x": "y"}, "hosts": []},
    "request": {"action": "indices:data/read/search", "indices": ["a-y"]},
    "world": {"indices": ["a-y"], "aliases": {"b": ["a-y"]}},
}
ELASTIC: dict[str, Any] = {
    "engine": "elasticsearch-9",
    "security": {
        "roles": {"r": {"indices": [{"names": ["a"], "privileges": ["read"]}]}},
        "users": {},
        "role_mappings": {},
    },
    "principal": {"name": "anna", "roles": ["r"]},
    "request": {"method": "GET", "path": "/a/_search"},
}
OF_6: dict[str, Any] = {
    **GOOD,
    "engine": "6.x",
    "security": {
        "roles": {
            "r": {
                "cluster": ["UNLIMITED"],
                "indices": {
                    "a-*": {"*": ["READ"], "doc": ["WRITE"], "_dls_": "{}", "_fls_": ["b"], "_masked_fields_": ["c"]}
                },
                "tenants": {"t": "RW"},
            }
        },
        "rolesmapping": {"r": {"users": ["anna"], "backendroles": ["x"], "and_backendroles": ["y"]}},
        "internalusers": {"anna": {"roles": ["x"], "attributes": {"x": "y"}}},
        "actiongroups": {"MINE": ["READ"], "OURS": {"permissions": ["READ"], "readonly": "true"}},
    },
}
WRONG = (None, True, 5, 1.5, "", "x", "\ud800", [], [[]], [5], {}, {"a": 5}, {"a": [5]}, [{"index_permissions": 5}])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in parts for place in places(part, (*path, key)))]


def put(question: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    made = json.loads(json.dumps(question))
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return made


def decided(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    status = cli.main(["decide", "-"])
    out, err = capsys.readouterr()
    assert (status, len(out.splitlines()), len(err.splitlines())) in ((0, 1, 0), (2, 0, 1)), ascii((text[:300], err))
    return status


@pytest.mark.parametrize(
    "question", [GOOD, GOOD | {"engine": "7.x"}, OF_6, ELASTIC], ids=["opensearch", "7.x", "6.x", "elasticsearch"]
)
def test_every_part_of_a_question_may_be_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], question: Any
) -> None:
    assert decided(monkeypatch, capsys, json.dumps(question)) == 0
    for path in places(question):
        for wrong in WRONG:
            decided(monkeypatch, capsys, json.dumps(put(question, path, wrong)))


@pytest.mark.parametrize(
    "text",
    ['{"engine": []}', '{"engine": {}}', "[" * 100_000, "[" * 100_000 + "]" * 100_000, "9" * 5000, "", "\0"],
    ids=range(7),
)
def test_what_is_no_question_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert decided(monkeypatch, capsys, text) == 2
