"""The three dialects: golden documents of Amazon's guide, round trips without loss, losses with a name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.difference import difference
from portcullis.access.plan import Claim
from portcullis.errors import BadInput
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import (
    Dialect,
    detect,
    from_engine,
    operations,
    release_named,
    representable,
    to_engine,
)
from portcullis.families.opensearch.documents.patch import patches
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.limiting.known import known

from tests.access.strategies import holding, mapping, role, wanted

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_the_documents_of_the_guide_are_read_and_written_as_printed(file: Path) -> None:
    golden = json.loads(file.read_text())
    kind, dialect = Kind(golden["kind"]), Dialect(golden["dialect"])
    assert from_engine(kind, golden["engine"], dialect) == golden["common"]
    assert to_engine(kind, golden["common"], dialect) == (golden["engine"], ())
    assert dialect.path(kind) == golden["path"]


NAMES = st.sampled_from(["READ", "read", "CRUD", "UNLIMITED", "indices:data/read*", "my_group", "kibana_all_read"])
ACTIONS = st.lists(NAMES, max_size=3, unique=True)
STRINGS = st.lists(st.text(max_size=4), max_size=3)
FLAGS: dict[str, st.SearchStrategy[Any]] = {
    "readonly": st.sampled_from(["true", "false", True, False]),
    "hidden": st.sampled_from(["true", False]),
}
BY_TYPE = st.builds(
    lambda types, limits: types | limits,
    st.dictionaries(st.sampled_from(["*", "_doc", "movie"]), ACTIONS, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "_dls_": st.sampled_from(['{"term": {"a": 1}}', "", None]),
            "_fls_": STRINGS,
            "_masked_fields_": st.lists(st.sampled_from(["a", "b::SHA-1", "c::/x/::y"]), max_size=2),
        },
    ),
)
DOCUMENTS_6: dict[Kind, st.SearchStrategy[Json]] = {
    Kind.ROLES: st.fixed_dictionaries(
        {},
        optional={
            "cluster": ACTIONS,
            "indices": st.dictionaries(st.sampled_from(["*", "logs-*", "?kibana", "größe"]), BY_TYPE, max_size=3),
            "tenants": st.dictionaries(st.sampled_from(["admin_tenant", "t/x"]), st.sampled_from(["RW", "RO"])),
        }
        | FLAGS,
    ),
    Kind.MAPPINGS: st.fixed_dictionaries(
        {},
        optional={"backendroles": STRINGS, "and_backendroles": STRINGS, "users": STRINGS, "hosts": STRINGS} | FLAGS,
    ),
    Kind.USERS: st.fixed_dictionaries(
        {"hash": st.just("")},
        optional={"roles": STRINGS, "attributes": st.dictionaries(st.text(max_size=3), st.text(max_size=3))} | FLAGS,
    ),
    Kind.ACTION_GROUPS: st.fixed_dictionaries({"permissions": ACTIONS}, optional=FLAGS),
}


@given(st.sampled_from(sorted(DOCUMENTS_6)).flatmap(lambda kind: st.tuples(st.just(kind), DOCUMENTS_6[kind])))
def test_every_document_of_6_goes_to_the_common_form_and_back_without_loss(case: tuple[Kind, Json]) -> None:
    kind, document = case
    assert to_engine(kind, from_engine(kind, document, Dialect.V6), Dialect.V6) == (document, ())


@given(st.sampled_from(sorted(DOCUMENTS_6)).flatmap(lambda kind: st.tuples(st.just(kind), DOCUMENTS_6[kind])))
def test_what_6_can_hold_of_a_model_it_holds_as_it_is(case: tuple[Kind, Json]) -> None:
    kind, document = case
    common = from_engine(kind, document, Dialect.V6)
    once, _ = representable(
        wanted(**{kind.name.lower(): {"x": common}}) if kind != Kind.ROLES else wanted({"x": common}), Dialect.V6
    )
    assert representable(once, Dialect.V6) == (once, ())


def test_an_action_group_shown_as_a_list_by_6_is_read_as_an_object() -> None:
    """Elasticsearch 6 shows a list and takes an object. Both are translated, and nothing is lost."""
    shown = from_engine(Kind.ACTION_GROUPS, ["READ", "WRITE"], Dialect.V6)
    assert shown == {"allowed_actions": ["read", "write"]}
    assert to_engine(Kind.ACTION_GROUPS, shown, Dialect.V6) == ({"permissions": ["READ", "WRITE"]}, ())


@pytest.mark.parametrize(
    ("kind", "document", "dialect", "written", "loss"),
    [
        (Kind.TENANTS, {"description": "x"}, Dialect.V6, None, "6.x has no tenants of its own"),
        (Kind.ROLES, {"description": "x"}, Dialect.V6, {}, "6.x has no description"),
        (Kind.MAPPINGS, {"description": "x"}, Dialect.V6, {}, "6.x has no description"),
        (Kind.USERS, {"opendistro_security_roles": ["a"]}, Dialect.V6, {}, "6.x has no opendistro_security_roles"),
        (
            Kind.ACTION_GROUPS,
            {"allowed_actions": ["read"], "type": "index"},
            Dialect.V6,
            {"permissions": ["READ"]},
            "6.x has no type",
        ),
        (
            Kind.ROLES,
            {"cluster_permissions": ["cluster_manage_pipelines", "cluster_monitor"]},
            Dialect.V6,
            {"cluster": ["CLUSTER_MONITOR"]},
            "6.x has no action group cluster_manage_pipelines: left out",
        ),
        (
            Kind.ROLES,
            {"tenant_permissions": [{"tenant_patterns": ["t*"], "allowed_actions": ["kibana_all_read"]}]},
            Dialect.V6,
            {"tenants": {}},
            "6.x knows no wildcard in a tenant: t* is left out",
        ),
        (
            Kind.ROLES,
            {"tenant_permissions": [{"tenant_patterns": ["t"], "allowed_actions": ["other"]}]},
            Dialect.V6,
            {"tenants": {}},
            "6.x gives a tenant RW or RO only: t is left out",
        ),
        (
            Kind.ROLES,
            {
                "index_permissions": [
                    {"index_patterns": ["a"], "allowed_actions": ["read"], "dls": "1"},
                    {"index_patterns": ["a"], "allowed_actions": ["write"]},
                ]
            },
            Dialect.V6,
            {"indices": {"a": {"*": ["READ"], "_dls_": "1"}}},
            "6.x holds one permission an index pattern: the second, with other limits, of a is left out",
        ),
        (
            Kind.ROLES,
            {"index_permissions": [{"index_patterns": ["a"], "allowed_actions": [], "types": {"t": ["read"]}}]},
            Dialect.PLUGINS,
            {"index_permissions": [{"index_patterns": ["a"], "allowed_actions": []}]},
            "permissions on single types (t) exist in 6.x only and are left out",
        ),
    ],
)
def test_what_a_dialect_cannot_hold_is_named(
    kind: Kind, document: Json, dialect: Dialect, written: Json | None, loss: str
) -> None:
    theirs, losses = to_engine(kind, document, dialect)
    assert theirs == written
    assert len(losses) == 1
    assert losses[0].startswith(loss)


def test_several_patterns_become_several_indices_and_the_same_limits_join() -> None:
    document = {
        "index_permissions": [
            {"index_patterns": ["a", "b"], "allowed_actions": ["read"]},
            {"index_patterns": ["a"], "allowed_actions": ["write"], "dls": ""},
        ]
    }
    assert to_engine(Kind.ROLES, document, Dialect.V6) == (
        {"indices": {"a": {"*": ["READ", "WRITE"]}, "b": {"*": ["READ"]}}},
        (),
    )


def test_on_6_the_plan_after_an_apply_is_empty() -> None:
    """The engine shows its documents in another form than they were written in. That is no difference."""
    want, losses = representable(
        wanted({"r": role("read", patterns=("a", "b")) | {"description": "lost"}}, tenants={"t": {}}), Dialect.V6
    )
    assert [loss.split(":")[0] for loss in losses] == ["roles/r", "tenants/t"]
    assert Kind.TENANTS not in Dialect.V6.kinds
    shown = to_engine(Kind.ROLES, want.of(Kind.ROLES)["r"], Dialect.V6)[0]
    held = holding({"r": from_engine(Kind.ROLES, shown, Dialect.V6)})
    assert difference(OPENSEARCH, want, held, frozenset({Claim(Kind.ROLES, "r")})).empty


def test_given_6_then_the_operations_name_its_fields() -> None:
    held = holding({"r": role("read")}, {"r": mapping(users=["x"], backend_roles=["y"])})
    want = wanted(
        {"r": role("read"), "s": role("read")}, {"r": {"backend_roles": {"z": ""}, "and_backend_roles": {"a": ""}}}
    )
    sequence = patches(difference(OPENSEARCH, want, held, frozenset({Claim(Kind.ROLES, "r")})), held)
    assert [(kind, operations(kind, ops, Dialect.V6)) for kind, ops in sequence] == [
        (
            Kind.ROLES,
            [
                {
                    "op": "add",
                    "path": "/s",
                    "value": {"cluster": [], "indices": {"logs-*": {"*": ["READ"]}}, "tenants": {}},
                }
            ],
        ),
        (
            Kind.MAPPINGS,
            [
                {"op": "add", "path": "/r/backendroles/-", "value": "z"},
                {"op": "add", "path": "/r/and_backendroles", "value": ["a"]},
            ],
        ),
    ]
    assert [operations(kind, ops, Dialect.PLUGINS) for kind, ops in sequence] == [ops for _, ops in sequence]


def test_what_6_calls_read_only_is_fixed() -> None:
    shown = {"readonly": "true"}, {"readonly": "false"}
    held = SecurityConfig(
        {Kind.ROLES: {str(n): from_engine(Kind.ROLES, document, Dialect.V6) for n, document in enumerate(shown)}}
    )
    assert [held.is_fixed(Kind.ROLES, name) for name in "01"] == [True, False]


@pytest.mark.parametrize(
    ("version", "dialect", "release"),
    [
        ({"number": "6.8.0", "build_flavor": "oss"}, Dialect.V6, "Elasticsearch_6.8"),
        ({"number": "7.10.2", "build_flavor": "oss"}, Dialect.V7, "Elasticsearch_7.10"),
        ({"number": "7.10.2", "distribution": "opensearch"}, Dialect.PLUGINS, ""),  # in compatibility mode
        ({"number": "2.19.3", "distribution": "opensearch"}, Dialect.PLUGINS, "OpenSearch_2.19"),
        ({"number": "3.4.0", "distribution": "opensearch"}, Dialect.PLUGINS, "OpenSearch_3.4"),
    ],
)
def test_dialect_and_release_are_told_from_the_root(version: Json, dialect: Dialect, release: str) -> None:
    assert detect({"version": version}) is dialect
    assert release_named(dialect, version["number"]) == release


@pytest.mark.parametrize("info", [{}, {"version": {"number": "9.5.3", "build_flavor": "default"}}])
def test_an_engine_without_this_api_is_named(info: Json) -> None:
    with pytest.raises(BadInput, match="has no such security API"):
        detect(info)


def test_6_has_no_path_for_tenants() -> None:
    with pytest.raises(BadInput, match="a tenant exists by being named in a role"):
        Dialect.V6.path(Kind.TENANTS)


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ({"number": "9.1.0"}, "Elasticsearch 9.1.0 has no such"),
        ({"number": "9.1.0", "distribution": "solr"}, "solr 9.1.0 has no such"),
        ({"number": "7.10.2", "distribution": "other"}, "other 7.10.2 has no such"),
        ({}, "Elasticsearch has no such"),
    ],
)
def test_an_engine_without_this_api_is_named_as_it_names_itself(version: Json, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        detect({"version": version})


# Those of tenants are said otherwise in 6.x.
OF_7 = sorted(group for group in known("Elasticsearch_7.10").action_groups if not group.startswith("kibana_all_"))


@pytest.mark.parametrize("group", OF_7)
def test_action_groups_of_the_engine_are_those_of_6_or_lost(group: str) -> None:
    """On 6 an action group of the engine is the one that 6 has, or is said to be lost."""
    document = role(group) | {"tenant_permissions": []}
    written, lost = to_engine(Kind.ROLES, document, Dialect.V6)
    [of_index] = written["indices"].values()
    has = known("Elasticsearch_6.8").action_groups
    assert lost == (() if of_index["*"] else (f"6.x has no action group {group}: left out",))
    assert set(of_index["*"]) <= set(has)
    assert bool(lost) is (group.upper() not in has)
