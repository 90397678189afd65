"""What engines have from the start."""

import pytest
from portcullis.families.opensearch.limiting.known import known, modules, queries


@pytest.mark.parametrize(
    "engine", ["OpenSearch_3.3", "OpenSearch_2.19", "OpenSearch_2.3", "OpenSearch_1.3", "Elasticsearch_7.10"]
)
def test_every_engine_from_7_on_has_the_roles_and_groups_that_presets_use(engine):
    """Also the names of the Dashboards roles as the engine spells them."""
    held = known(engine)
    assert {
        "all_access",
        "security_manager",
        "manage_snapshots",
        held.dashboards_user,
        held.dashboards_read_only,
    } <= set(held.roles)
    assert {"read", "write", "crud", "indices_all", "cluster_composite_ops", "cluster_composite_ops_ro"} <= set(
        held.action_groups
    )
    assert "indices:data/read/search" in held.permissions
    assert "global_tenant" in held.tenants
    assert "security" in held.source


def test_given_6_then_its_action_groups_are_in_capitals():
    assert {"READ", "CRUD", "INDICES_ALL", "CLUSTER_COMPOSITE_OPS_RO"} <= set(known("Elasticsearch_6.8").action_groups)


def test_roles_of_dashboards_are_called_as_the_engine_calls_them():
    assert known("OpenSearch_1.0").dashboards_user == "opensearch_dashboards_user"
    assert known("Elasticsearch_7.10").dashboards_user == "kibana_user"
    assert "kibana_user" in known("OpenSearch_3.3").roles  # a domain upgraded from Elasticsearch keeps the old names


def test_measured_versions_differ_where_they_do():
    assert "forecast_full_access" in known("OpenSearch_3.3").roles
    assert "forecast_full_access" not in known("OpenSearch_2.19").roles


def test_query_types_are_those_of_the_query_dsl():
    assert {"term", "terms", "bool", "match", "match_all", "knn"} <= set(queries())
    assert "query" not in queries()


def test_every_module_brings_query_types_that_are_known():
    assert {query for brought in modules().values() for query in brought} <= set(queries())
