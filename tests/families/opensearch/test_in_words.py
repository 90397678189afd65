"""What is said of an answer: which roles' limits count and why, and what of a caller's roles only the engine can read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.families.opensearch.names.world import EngineFacts, Release

from tests.families.opensearch.test_decide import ANNA, asked, engine, on

A, B = '{"term": {"a": 1}}', '{"term": {"a": 2}}'
WORLD = EngineFacts(("orders", "pay"), {}, now=datetime(2026, 3, 4, tzinfo=UTC))
FREED = EngineFacts(("orders", "pay"), {}, dfm_empty_overrides_all=True, now=datetime(2026, 3, 4, tzinfo=UTC))
HOLDS = "documents limited by"


def reasons(world: EngineFacts = WORLD, **roles: list[Json]) -> tuple[str, ...]:
    (view,) = asked(engine(**roles), "orders", world=world).views
    return view.reasons


@pytest.mark.parametrize(
    ("roles", "said", "not_said"),
    [
        ({"a": [on("orders", dls=A)]}, ["documents limited by a"], ["sets no limit", "of several"]),
        ({"a": [on("orders", dls=A)], "b": [on("ord*", dls=B)]}, ["documents limited by a, b"], []),
        (
            {"a": [on("orders", dls=A)], "b": [on("ord*")]},
            ["b sets no limit on documents, but a does, which counts"],
            ["documents limited by", "of several entries"],
        ),
        (
            {"a": [on("orders", dls=A), on("ord*")]},
            ["documents limited by a", "one entry of a sets no limit on documents, but another of its entries does, which counts"],
            ["of several entries"],
        ),
        (
            {"a": [on("orders", dls=A), on("ord*", dls=B)]},
            ["of several entries of a the last one's documents count", "documents limited by a"],
            ["sets no limit"],
        ),
        (
            {"a": [on("orders", fls=["x"]), on("pay", dls=A)], "b": [on("orders", masked_fields=["m"], fls=["y"])]},
            ["fields limited by a, b"],
            ["documents limited"],
        ),
        ({"a": [on("orders", dls="{}")]}, ["no role of theirs says which documents are seen: none"], ["documents limited"]),
        (
            {"a": [on("orders", fls=["x", "~y"])]},
            ["included fields are ignored, since others are excluded"],
            [],
        ),
        ({"a": [on("orders", fls=["x"])]}, ["fields limited by a"], ["included fields are ignored"]),
        ({"a": [on("orders", fls=["~y"])]}, ["fields limited by a"], ["included fields are ignored"]),
    ],
)  # fmt: skip
def test_whose_limit_counts_is_said(roles: dict[str, list[Json]], said: list[str], not_said: list[str]) -> None:
    told = reasons(**roles)
    assert [one for one in said if one not in told] == [], told
    assert [one for one in not_said if any(one in line for line in told)] == [], told


def test_a_role_that_lifts_limits_is_named_with_those_it_lifts() -> None:
    told = reasons(FREED, a=[on("orders", dls=A)], b=[on("orders", dls=B)], c=[on("ord*")])
    assert told[-1] == "c lifts the documents of a, b (dfm_empty_overrides_all)" or (
        "c lifts the documents of a, b (dfm_empty_overrides_all)" in told
    )
    assert not any(HOLDS in line for line in told)


def test_a_filter_that_looks_at_what_is_hidden_is_said_to_find_nothing_there() -> None:
    told = reasons(a=[on("orders", dls=A)], b=[on("orders", fls=["~a"])])
    assert "the document filter looks at a, hidden or masked for them: the engine finds nothing there" in told


LONG = "/(a+)+" + "b?" * 3000 + "/"


@pytest.mark.parametrize(
    ("entry", "doubt"),
    [
        (on(LONG), "(index_patterns) covers, only the engine can tell"),
        (on("orders", LONG), "(allowed_actions) covers, only the engine can tell"),
        (
            on("orders", dls='{"of_a_plugin": {}}'),
            "whether a document filter of roles/odd is one, only the engine can tell",
        ),
        (
            on("orders", dls='{"of_a_plugin": {"x": "${user.name}"}}'),
            "whether a document filter of roles/odd is one, only the engine can tell",
        ),
        (on("<logs-{now/d{of_its_own}}>"), "(index_patterns) covers, only the engine can tell"),
    ],
)
def test_what_only_the_engine_can_read_is_said_with_its_role(entry: Json, doubt: str) -> None:
    decision = asked(engine(odd=[entry], plain=[on("orders")]), "orders", world=WORLD)
    assert [one for one in decision.unknown if doubt in one and "roles/odd" in one], decision.unknown
    assert not asked(engine(plain=[on("orders")]), "orders", world=WORLD).unknown


def test_a_permission_of_the_cluster_that_only_the_engine_can_read_is_said() -> None:
    held: Any = engine(odd=[on("orders")])
    held.documents["roles"]["odd"]["cluster_permissions"] = [LONG]
    (doubt,) = asked(held, "orders", world=WORLD).unknown
    assert doubt.endswith("of roles/odd (cluster_permissions) covers, only the engine can tell")


@pytest.mark.parametrize(
    ("release", "rules", "sees"),
    [
        (Release.V3, ["/o.*/"], {"old": True, "new": False}),
        (Release.V2, ["~/o.*/", "~new"], {"old": True, "new": False}),  # its documents mind no expression
        (Release.V3, ["~/o.*/", "~new"], {"old": False, "new": False}),
        (Release.V2, ["n?w"], {"old": False, "new": False}),
        (Release.V3, ["n?w"], {"old": False, "new": True}),
    ],
)
def test_which_fields_a_document_has_by_release(release: Release, rules: list[str], sees: dict[str, bool]) -> None:
    (view,) = asked(
        engine(a=[on("orders", fls=rules)]), "orders", world=EngineFacts(("orders",), release=release)
    ).views
    assert {name: view.fields.sees(name) for name in sees} == sees
    older = any("documents of 2.x mind no /regular expression/" in one for one in view.reasons)
    assert older is (release is Release.V2)


def test_the_caller_is_named_where_an_attribute_is_missing() -> None:
    assert any(
        "anna" in one
        for one in asked(
            engine(a=[on("orders", dls='{"term": {"x": "${attr.internal.no}"}}')]), "orders", caller=ANNA
        ).reasons
    )
