"""Two keys against each other: what one takes away and the other gives beside is never left unsaid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portcullis.families.elasticsearch.known.names import covers
from portcullis.remotes.comparing import differ

NAMES = ("logs-1", "logs-2", "hr", "metrics-1", "l")
_PATTERN = st.sampled_from([*NAMES, "logs-*", "l*", "*", "?r", "*-1", "logs-?"])
_QUERY = st.sampled_from([None, {"term": {"team": "red"}}, {"term": {"team": "blue"}}])
_FIELDS = st.sampled_from([None, {"grant": ["a"]}, {"grant": ["*"], "except": ["b"]}])


def _entry(names: list[str], query: Any, fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"names": names}
    return found | ({"query": query} if query else {}) | ({"field_security": fields} if fields else {})


_SEARCH = st.lists(st.builds(_entry, st.lists(_PATTERN, min_size=1, max_size=3), _QUERY, _FIELDS), max_size=3)
_ACCESS = st.builds(
    lambda search, names: {"search": search, "replication": [{"names": names}] if names else []},
    _SEARCH,
    st.lists(_PATTERN, max_size=2),
)


def seen(access: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """(part, index, team of a document, field) that a key shows, as the engine adds its entries up: a limit that one entry has and
    another has not is none."""
    found = set()
    for part in ("search", "replication"):
        for name in NAMES:
            fitting = [one for one in access[part] if any(covers(pattern, name) for pattern in one["names"])]
            queries, fields = ([one.get(key) for one in fitting] for key in ("query", "field_security"))
            teams = [
                team for team in ("red", "blue") if any(one is None or one["term"]["team"] == team for one in queries)
            ]
            shown = [f for f in "abc" if any(one is None or _shows(one, f) for one in fields)]
            found |= {(part, name, team, field) for team in teams for field in shown}
    return found


def _shows(fields: dict[str, Any], name: str) -> bool:
    return any(covers(pattern, name) for pattern in fields["grant"]) and name not in fields.get("except", ())


@settings(max_examples=500, deadline=None)
@given(_ACCESS, _ACCESS)
def test_what_shows_more_is_never_left_unsaid(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = differ(before, after)
    if seen(after) - seen(before):
        assert found.wider
    if seen(before) - seen(after):
        assert found.narrower
    turned = differ(after, before)
    assert (turned.narrower, turned.wider) == (found.wider, found.narrower)
    assert differ(before, before) == differ({}, {})


LOGS = {"search": [{"names": ["logs-*"]}]}


@pytest.mark.parametrize(
    ("before", "after", "narrower", "wider"),
    [
        (LOGS, {"search": [{"names": ["logs-1", "logs-*"]}]}, (), ()),
        (LOGS, {"search": [{"names": ["logs-1"]}]}, ("search of logs-*",), ()),
        (LOGS, {"replication": [{"names": ["logs-*"]}]}, ("search of logs-*",), ("replication of logs-*",)),
        (
            LOGS,
            {"search": [{"names": ["logs-*"], "query": '{"term": {"team": "red"}}'}]},
            ("search of logs-*",),
            (),
        ),
        (
            {"search": [{"names": ["/lo.*/"]}]},
            {"search": [{"names": ["/log.*/"]}]},
            ("search of /lo.*/",),
            ("search of /log.*/",),
        ),
    ],
)
def test_a_difference_is_told_in_words(
    before: Any, after: Any, narrower: tuple[str, ...], wider: tuple[str, ...]
) -> None:
    found = differ(before, after)
    assert (found.narrower, found.wider) == (narrower, wider)
