"""Decisions beside the Security plugin's own classes, both releases: each kind that was found wrong once, and some random configs.

The classes run in a process of their own, without a node (local/oracle). What a row says we say is asserted, and that the plugin says
the same. Many thousands of random questions are in `make bench-differential`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.limiting.showing import NOTHING
from portcullis.families.opensearch.limiting.view import Decision

from benchmarks.deciding.beside import Counts, compare, facts, play, row, shrink
from benchmarks.deciding.cases import FIELDS, GET, GROUPS, SEARCH, today
from local.oracle.plugin import Plugin
from tests.fixtures_node import CACHE

V2, V3 = "2.19.3", "3.4.0"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # the day of the rows; the plugin is asked on its own
A, B = '{"term": {"a": 1}}', '{"term": {"a": 2}}'
STREAM = {"s-web": [".ds-s-web-000001"]}
BEHIND = {"indices": [".ds-s-web-000001", "hr"], "streams": STREAM, "hidden": [".ds-s-web-000001"]}
LIFTS = {"settings": {"plugins.security.dfm_empty_overrides_all": "true"}}
UPDATE, DELETE = "indices:data/write/update", "indices:admin/delete"


def on(*patterns: str, **more: Any) -> Json:
    return {"index_patterns": list(patterns), "allowed_actions": ["read"], **more}


@dataclass(frozen=True, slots=True)
class Row:
    """`says`: whether it is allowed, and index -> document filter (None: all) of what is reached."""

    name: str
    roles: dict[str, list[Json]]
    asked: tuple[str, ...]
    says: tuple[bool, dict[str, tuple[str, ...] | None]]
    action: str = SEARCH
    mapping: Json | None = None
    person: Json = field(default_factory=lambda: {"name": "anna"})
    world: Json = field(default_factory=dict)
    releases: tuple[str, ...] = (V3, V2)

    def case(self, now: datetime = NOW) -> Json:
        world = {"indices": ["logs-a", "logs-b", "hr"], "aliases": {}, "streams": {}, "hidden": [], **self.world}
        mapped = self.mapping or {"users": ["*"]}
        security = {
            "roles": {name: {"index_permissions": entries} for name, entries in self.roles.items()},
            "rolesmapping": dict.fromkeys(self.roles, mapped),
            "actiongroups": GROUPS,
            "internalusers": {},
        }
        question = {"who": self.person["name"], "action": self.action, "indices": list(self.asked)}
        case = {
            "security": security,
            "world": world,
            "people": [self.person],
            "fields": list(FIELDS),
            "questions": [question],
        }
        of_that_day: Json = json.loads(json.dumps(case).replace(today(NOW), today(now)))
        return of_that_day


ONLY = {"r": [on("logs-a")]}
REFUSED: tuple[bool, dict[str, tuple[str, ...] | None]] = (False, {})
ROWS = (
    # ---- who has which role
    Row(
        "a star as backend role fits a caller without any",
        ONLY,
        ("logs-a",),
        (True, {"logs-a": None}),
        mapping={"backend_roles": ["*"]},
    ),
    Row(
        "a star among roles of which all are needed, too",
        ONLY,
        ("logs-a",),
        (True, {"logs-a": None}),
        mapping={"and_backend_roles": ["*"]},
    ),
    Row("two stars fit only a caller who has one", ONLY, ("logs-a",), REFUSED, mapping={"backend_roles": ["**"]}),
    # ---- which names a pattern covers
    Row(
        "a pattern with a date is the index of that day",
        {"r": [on("<logs-{now/d}>")]},
        (today(NOW),),
        (True, {today(NOW): None}),
        world={"indices": [today(NOW), "hr"]},
    ),
    Row(
        "a role on the indices behind a data stream does not give the stream",
        {"r": [on(".ds-*")]},
        ("s-web",),
        REFUSED,
        world=BEHIND,
    ),
    Row(
        "a role on a data stream gives the indices behind it",
        {"r": [on("s-*")]},
        (".ds-s-web-000001",),
        (True, {".ds-s-web-000001": None}),
        world=BEHIND,
    ),
    Row(
        "a name with a star in it covers more where a pattern takes it in",
        {"r": [on("${user.name}-b")]},
        ("logs-b",),
        (True, {"logs-b": None}),
        person={"name": "lo*s"},
    ),
    Row(
        "an attribute is found by its name with underscores",
        {"r": [on("${attr_internal_team}-a")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        person={"name": "anna", "attributes": {"attr.internal.team": "logs"}},
    ),
    Row(
        "the name of an action group is a pattern as well",
        {"r": [{"index_patterns": ["hr"], "allowed_actions": ["indices:monitor/*"]}]},
        ("hr",),
        (True, {"hr": None}),
        action="indices:monitor/settings/get",
    ),
    # ---- what a request means
    Row("a wildcard that fits nothing is permitted to anybody", {"r": [on("hr")]}, ("none-*",), (True, {})),
    Row("all indices are asked for by no name", {"r": [on("logs-*")]}, (), REFUSED),
    Row("_all beside a name asks for everything", {"r": [on("logs-*")]}, ("_all", "logs-a"), REFUSED),
    Row(
        "an exclusion after a wildcard leaves out",
        {"r": [on("logs-*")]},
        ("*", "-hr"),
        (True, {"logs-a": None, "logs-b": None}),
    ),
    Row(
        "a hidden index is checked with a wildcard that does not reach it",
        {"r": [on("logs-a", "logs-b")]},
        ("logs-*",),
        REFUSED,
        world={"indices": ["logs-a", "logs-b", "logs-h"], "hidden": ["logs-h"]},
    ),
    Row(
        "a missing name beside a wildcard: what is written is checked",
        {"r": [on("logs-*"), on("missing")]},
        ("logs-*", "missing"),
        (True, {}),
    ),
    Row(
        "what writes to everything at once is refused to everybody",
        {"r": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]},
        ("*",),
        REFUSED,
        action=DELETE,
    ),
    Row(
        "forbidden indices are left out of a search",
        ONLY,
        ("logs-*",),
        (True, {"logs-a": None}),
        world={"do_not_fail_on_forbidden": True},
    ),
    Row(
        "and of nothing that writes",
        {"r": [{"index_patterns": ["logs-a"], "allowed_actions": ["*"]}]},
        ("logs-a", "hr"),
        REFUSED,
        action=DELETE,
        world={"do_not_fail_on_forbidden": True},
    ),
    Row(
        "what is left of a wildcard is asked by name: hidden indices too",
        {"r": [on("logs-a", "logs-h")]},
        ("logs-*",),
        (True, {"logs-a": None, "logs-h": None}),
        world={"indices": ["logs-a", "logs-b", "logs-h"], "hidden": ["logs-h"], "do_not_fail_on_forbidden": True},
    ),
    # ---- limits on 3.x
    Row(
        "an entry with a star among its patterns is one for everything",
        {"r": [on("*", "logs-*", dls=A), on("logs-*", dls=B)]},
        ("logs-a",),
        (True, {"logs-a": (A, B)}),
    ),
    Row(
        "of two entries on one index the last counts",
        {"r": [on("logs-a", dls=A), on("logs-*", dls=B)]},
        ("logs-a",),
        (True, {"logs-a": (B,)}),
        releases=(V3,),
    ),
    Row(
        "of two entries on one index both count",
        {"r": [on("logs-a", dls=A), on("logs-*", dls=B)]},
        ("logs-a",),
        (True, {"logs-a": (A, B)}),
        releases=(V2,),
    ),
    Row(
        "a filter that is no query limits nothing beside a role without one",
        {"r": [on("logs-a", dls="{}")], "free": [on("logs-*")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        releases=(V3,),
    ),
    Row(
        "a filter that is no query, and no other role: nothing is seen",
        {"r": [on("logs-a", dls="{}")]},
        ("logs-a",),
        (True, {"logs-a": (NOTHING,)}),
        releases=(V3,),
    ),
    Row(
        "and takes the filters after it in its role away",
        {"r": [on("hr", dls="{}"), on("logs-a", dls=A)], "free": [on("*")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        releases=(V3,),
    ),
    Row("a filter that is no query is refused", {"r": [on("logs-a", dls="{}")]}, ("logs-a",), REFUSED, releases=(V2,)),
    Row(
        "a filter of blanks is none",
        {"r": [on("logs-a", dls=" ")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        releases=(V3,),
    ),
    Row("a filter of blanks is refused", {"r": [on("logs-a", dls=" ")]}, ("logs-a",), REFUSED, releases=(V2,)),
    Row(
        "a filter of blanks on no name is read where everything is asked for",
        {"r": [on("", dls=" ")], "all": [on("*")]},
        (),
        REFUSED,
        releases=(V2,),
    ),
    Row(
        "and by nobody who asks for a name",
        {"r": [on(" ", dls=" ")], "all": [on("*")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        releases=(V2,),
    ),
    Row(
        "an undefined attribute refuses all that is asked for with it",
        {"r": [on("logs-a", dls='{"term": {"a": "${attr.internal.none}"}}'), on("logs-b")]},
        ("logs-*",),
        REFUSED,
        releases=(V3,),
    ),
    Row(
        "a field rule that hides nothing forbids an update all the same",
        {"r": [on("logs-a", allowed_actions=["*"], fls=["*"])]},
        ("logs-a",),
        REFUSED,
        action=UPDATE,
    ),
    Row(
        "a role without a limit lifts it where the engine is set to",
        {"r": [on("logs-a", dls=A)], "free": [on("logs-*")]},
        ("logs-a",),
        (True, {"logs-a": None}),
        world=LIFTS,
    ),
    # ---- limits on 2.19
    Row(
        "limits for everything do not reach a hidden index",
        {"r": [on("*", dls=A)]},
        ("logs-h",),
        (True, {"logs-h": None}),
        world={"indices": ["logs-a", "logs-h"], "hidden": ["logs-h"]},
        releases=(V2,),
    ),
    Row(
        "limits for everything reach a hidden index",
        {"r": [on("*", dls=A)]},
        ("logs-h",),
        (True, {"logs-h": (A,)}),
        world={"indices": ["logs-a", "logs-h"], "hidden": ["logs-h"]},
        releases=(V3,),
    ),
    Row("an expression's limit counts alone", {"r": [on("/logs-[ab]/", dls=A)]}, ("logs-a",), (True, {"logs-a": (A,)})),
    Row(
        "an expression's limit is not lifted by a role without one",
        {"r": [on("/logs-[ab]/", dls=A)], "free": [on("logs-*")]},
        ("logs-a",),
        (True, {"logs-a": (A,)}),
        world=LIFTS,
        releases=(V2,),
    ),
    Row(
        "a filter that is no query behind a data stream ends a search of the stream",
        {"r": [on("*", dls=" ")], "stream": [on("s-web")]},
        ("s-web",),
        REFUSED,
        world=BEHIND,
        releases=(V2,),
    ),
    Row(
        "and not what opens no document",
        {"r": [on("*", dls=" ")], "stream": [on("s-web", allowed_actions=["*"])]},
        ("s-web",),
        (True, {}),
        action="indices:monitor/settings/get",
        world=BEHIND,
        releases=(V2,),
    ),
    Row(
        "a filter that is lifted is not read beside a pattern that fits no name",
        {"r": [on("*a*", dls="{}")], "s": [on("l?gs-a", dls=A)], "free": [on("*")]},
        (),
        (True, {"logs-a": (A,), "logs-b": None, "hr": None}),
        world=LIFTS,
        releases=(V2,),
    ),
    Row(
        "two masks of a name end what reads a document in an error",
        {"r": [on("logs-a", masked_fields=["m"])], "s": [on("logs-*", masked_fields=["m::SHA-256"])]},
        ("logs-a",),
        (True, {}),
        action=GET,
        releases=(V2,),
    ),
    Row(
        "and nothing is shown of that index beside others",
        {"r": [on("logs-a", masked_fields=["m", "m::/x/::y"]), on("logs-*")]},
        ("logs-*",),
        (True, {"logs-b": None}),
        releases=(V2,),
    ),
    Row(
        "an index got by name has one limit, too",
        {"r": [on("logs-a", dls=A)]},
        ("logs-a",),
        (True, {"logs-a": (A,)}),
        action=GET,
    ),
)


@pytest.fixture(scope="module", params=[V3, V2])
def plugin(request: pytest.FixtureRequest) -> Iterator[Plugin]:
    with Plugin(request.param, CACHE, print) as plugin:
        yield plugin


def decided(case: Json, version: str) -> Decision:
    question, (person,) = case["questions"][0], case["people"]
    caller = Caller(person["name"], tuple(person.get("backend_roles", ())), person.get("attributes", {}))
    compiled = Compiled(SecurityConfig(case["security"]), facts(case, version, NOW))
    return compiled.decide(caller, question["action"], question["indices"])


@pytest.mark.parametrize(("version", "one"), [pytest.param(v, r, id=f"{v} {r.name}") for r in ROWS for v in r.releases])
def test_what_we_say_of_a_kind(version: str, one: Row) -> None:
    decision = decided(one.case(), version)
    reached = (
        {v.index: v.documents for v in decision.views if v.allowed} if decision.allowed and not decision.error else {}
    )
    assert (decision.allowed, reached) == one.says, decision.reasons
    assert not decision.unknown


def asked(plugin: Plugin, rows: list[Row]) -> tuple[datetime, list[Json], list[Json]]:
    """On the day that it is: the plugin looks at its own clock."""
    now = datetime.now(UTC)
    cases = [one.case(now) for one in rows]
    return now, cases, list(plugin.ask(cases))


@pytest.mark.node
def test_the_plugin_says_the_same_of_each_kind(plugin: Plugin) -> None:
    rows = [one for one in ROWS if plugin.version in one.releases]
    now, cases, answers = asked(plugin, rows)
    if datetime.now(UTC).date() != now.date():  # midnight came meanwhile
        now, cases, answers = asked(plugin, rows)
    for one, case, told in zip(rows, cases, answers, strict=True):
        assert "answers" in told, (one.name, told)
        assert [found.what for found in compare(case, told, plugin.version, now, Counts())] == [], one.name


# Where two of these limit one index on 2.19, one of them counts; which, is decided by the order of a table without one.
BESIDE = {"r": [on("/logs-[ab]/", dls=A)], "s": [on("logs-*", dls=B)]}


def test_an_expressions_limit_beside_another_is_unknown_on_2() -> None:
    (view,) = decided(Row("", BESIDE, ("logs-a",), REFUSED).case(), V2).views
    assert view.documents is None  # no less is seen than we say
    assert "one of several counts, and only the engine knows which" in view.unknown[0]
    (newer,) = decided(Row("", BESIDE, ("logs-a",), REFUSED).case(), V3).views
    assert (newer.documents, newer.unknown) == ((A, B), ())


@pytest.mark.parametrize(
    ("masks", "open_"),
    [
        ((["m"], ["m::/x/::y"]), True),
        ((["m*"], ["m::/x/::y"]), True),
        ((["/m|n/"], ["m::/x/::y"]), True),
        ((["m"], ["m::SHA-256"]), False),  # masked by either
        ((["m", "m::/x/::y"], ["n"]), False),  # of one role the first counts
        ((["m::/x/::y"], ["n"]), False),
        ((["m::/x/::y"], ["m::/x/::y"]), False),
    ],
)
def test_of_two_masks_one_of_which_replaces_a_part_more_may_be_shown(
    masks: tuple[list[str], list[str]], open_: bool
) -> None:
    one, other = masks
    roles = {"r": [on("logs-a", masked_fields=one)], "s": [on("logs-a", masked_fields=other)]}
    (view,) = decided(Row("", roles, ("logs-a",), REFUSED).case(), V3).views
    assert any("only the engine knows which" in doubt for doubt in view.unknown) is open_


def test_two_roles_masks_of_one_field_are_both_told() -> None:
    roles = {"r": [on("logs-a", masked_fields=["m"])], "s": [on("logs-a", masked_fields=["m::SHA-256", "m*"])]}
    (view,) = decided(Row("", roles, ("logs-a",), REFUSED).case(), V3).views
    assert (view.masks_of("m"), view.masks_of("mm"), view.masks_of("a")) == (("m", "m::SHA-256"), ("m*",), ())


@pytest.mark.node
def test_random_configs_are_decided_as_the_plugin_does(plugin: Plugin) -> None:
    """10,000 questions of each release."""
    counts = Counts()
    found = next(play(plugin, range(834), counts), None)
    assert found is None, row(shrink(found, plugin, datetime.now(UTC), rounds=10), plugin.version)
    assert counts.questions - counts.unknown > 9_500
