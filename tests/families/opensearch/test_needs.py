"""What each request that is known needs, written out (needs.jsonl): whoever changes the rules sees which requests that changes. Nodes of
both releases are asked of the more usual ones in test_needs_on_node.py: with all of it nobody is refused, without any one everybody is.

Each line: method, path, body; then what is needed, each with whatever is not usual of it. null: not known, and never guessed. Then what
nodes said (`python -m benchmarks.deciding.asked_needs`), by release: the actions that were missing, one after another, to somebody who was
given no more than these, and the status when nobody refused them any more. Where that is text nothing could be learnt, and the line is no
fact of that release, but what we say.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from portcullis.families.opensearch.requesting.need import Need, NotKnown
from portcullis.families.opensearch.requesting.requests import needs

from tests.families.opensearch.test_needs_on_node import REQUESTS

# Asked for where what is written to is not there; what is there is no matter of the request, and the decision adds it.
MADE = "indices:admin/create"
LINES = [json.loads(line) for line in (Path(__file__).parent / "needs.jsonl").read_text().splitlines()]


def told(method: str, path: str, body: Any) -> Any:
    try:
        found = needs(method, path, body)
    except NotKnown:
        return None
    return json.loads(json.dumps([unusual(one) for one in found]))


def unusual(need: Need) -> dict[str, Any]:
    usual, found = asdict(Need("", ())), asdict(need)
    return {one.name: found[one.name] for one in fields(Need) if found[one.name] != usual[one.name]}


def test_each_request_needs_what_is_written() -> None:
    wrong = [(line[:3], ours) for line in LINES if (ours := told(*line[:3])) != line[3]]
    assert wrong == []


def test_what_nodes_are_asked_of_is_among_them() -> None:
    written = [line[:2] for line in LINES if line[3] is not None]
    assert [one for one in REQUESTS if list(one[:2]) not in written and "a point in time" not in str(one)] == []


def test_nodes_refuse_for_what_is_told_and_for_nothing_else() -> None:
    wrong = []
    for *request, told, said in LINES:
        for release, (*asked, status) in ((key, one) for key, one in said.items() if isinstance(one, list)):
            needed = {MADE, *(one["action"] for one in told or ())}
            certain = {one["action"] for one in told or () if not {"perhaps", "of_each"} & one.keys()}
            # Of what ends in an error the rest was not asked for.
            left = certain - {*asked} if status < 300 else set()
            if told is not None and (left or {*asked} - needed):
                wrong.append((release, request, asked, status, sorted(needed)))
    assert wrong == []
