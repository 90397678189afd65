"""What the engine asks about each request that is known, written out (needs.jsonl): whoever changes the rules sees which requests that
changes. Real servers are asked of the more usual ones in test_suites_on_elastic.py, test_privileges_on_elastic.py and the kept answers.

Each line: method, path, body; then what is asked, each with whatever is not usual of it; and by release what is asked otherwise there.
Nothing: everybody may. null: not known, and never guessed. Then what servers said (`python -m benchmarks.deciding.asked_needs`), by
release: the actions that were missing, one after another, to somebody who was given no more than these, and the status when nobody refused
them any more. Where that is text nothing could be learnt, and the line is no fact of that release, but what we say.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need, Options, Request
from portcullis.families.elasticsearch.requesting.requests import needs

LINES = (Path(__file__).parent / "needs.jsonl").read_text().splitlines()
RELEASES = ("9.5", "7.17", "6.8")


def told(method: str, path: str, body: Any, release: str) -> Any:
    found = needs(Request(method, path, body=body), Release.of(release))
    return None if found is None else json.loads(json.dumps([unusual(one) for one in found]))


def unusual(need: Need) -> dict[str, Any]:
    usual: Any = Need("")
    found = {one.name: getattr(need, one.name) for one in fields(need) if one.name != "options"}
    found = {name: value for name, value in found.items() if value != getattr(usual, name)}
    how = {one.name: getattr(need.options, one.name) for one in fields(Options)}
    how = {name: value for name, value in how.items() if value != getattr(usual.options, name)}
    return {**found, **({"options": how} if how else {})}


@pytest.mark.parametrize("release", RELEASES)
def test_each_request_is_asked_about_as_it_is_written(release: str) -> None:
    wrong = []
    for method, path, body, newest, otherwise, _ in map(json.loads, LINES):
        ours = told(method, path, body, release)
        if ours != otherwise.get(release, newest):
            wrong.append((method, path, body, ours))
    assert wrong == []


def test_servers_refuse_for_what_is_told_and_for_nothing_else() -> None:
    wrong = []
    for *request, newest, otherwise, said in map(json.loads, LINES):
        for release, (*asked, status) in ((key, one) for key, one in said.items() if isinstance(one, list)):
            told = otherwise.get(release.rpartition(".")[0], newest)
            needed = {one["action"] for one in told or ()}
            # By its name a privilege gives each action that begins with it; and of what ends in an error the rest was not asked for.
            left = [one for one in needed if not one.startswith(tuple(asked))] if status < 300 else []
            if told is not None and (left or {*asked} - needed):
                wrong.append((release, request, asked, status, sorted(needed)))
    assert wrong == []
