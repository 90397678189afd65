"""Which actions each privilege allows, as the engine's own classes said of 9.5.3 and 6.8.23 (allowed-*.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from portcullis.families.elasticsearch.known.privileges import (
    as_held,
    cluster_within,
    grants_on_cluster,
    grants_on_index,
    index_within,
    unknown,
    writes_mappings,
)
from portcullis.families.elasticsearch.known.release import Release

RELEASE = Release.of("9.5.3")
ALLOWED = json.loads((Path(__file__).parent / "allowed-9.5.3.json").read_text())
OF_INDICES = sorted(name for name in ALLOWED["index"] if name == "none" or not unknown([name], "index"))
OF_CLUSTER = sorted(name for name in ALLOWED["cluster"] if not unknown([name], "cluster"))
# Of failure stores, views and datasets: nothing is asked by a request that is known here.
OTHERS = ("dataset", "view", "failure_store")


def of_others(name: str) -> bool:
    return name != "view_index_metadata" and any(word in name.split("_", 1)[-1] for word in OTHERS)


@pytest.mark.parametrize("name", [name for name in OF_INDICES if not of_others(name)])
def test_a_privilege_of_indices_allows_what_the_engine_says(name: str) -> None:
    held = as_held([name], RELEASE)
    ours = {action for action in ALLOWED["actions"] if grants_on_index(held, action, RELEASE)}
    assert ours == set(ALLOWED["index"][name])


@pytest.mark.parametrize("name", OF_CLUSTER)
def test_a_privilege_of_the_cluster_allows_what_the_engine_says(name: str) -> None:
    ours = {action for action in ALLOWED["actions"] if grants_on_cluster([name], action, RELEASE)}
    assert ours == set(ALLOWED["cluster"][name])


OLD = Release.of("6.8.23")
ALLOWED_OLD = json.loads((Path(__file__).parent / "allowed-6.8.23.json").read_text())


@pytest.mark.parametrize("name", sorted(ALLOWED_OLD["index"]))
def test_a_privilege_of_indices_allows_what_the_old_engine_says(name: str) -> None:
    """There whoever writes documents changes mappings, too."""
    ours = {one for one in ALLOWED_OLD["actions"] if grants_on_index([name], one, OLD) or writes_mappings([name], one)}
    assert ours == set(ALLOWED_OLD["index"][name])


@pytest.mark.parametrize("name", sorted(ALLOWED_OLD["cluster"]))
def test_a_privilege_of_the_cluster_allows_what_the_old_engine_says(name: str) -> None:
    ours = {one for one in ALLOWED_OLD["actions"] if grants_on_cluster([name], one, OLD)}
    assert ours == set(ALLOWED_OLD["cluster"][name])


def test_of_all_privileges_few_are_not_known() -> None:
    assert unknown(ALLOWED["index"], "index") == ()
    assert unknown(ALLOWED["cluster"], "cluster") == ("manage_project_routing", "read_project_routing")


@pytest.mark.parametrize("table", ["index", "cluster"])
def test_a_privilege_is_within_another_only_where_the_engine_allows_all_of_it(table: str) -> None:
    """Whoever had `manage` and was given `all`, or to grant API keys, was said to have gained nothing."""
    within = {"index": index_within, "cluster": cluster_within}[table]
    # Of some privileges these jars name no action.
    names = [name for name, of in ALLOWED[table].items() if of and not of_others(name) and not unknown([name], table)]
    wrong = [
        (one, other)
        for one in names
        for other in names
        if within(one, as_held([other], RELEASE)) and not set(ALLOWED[table][one]) <= set(ALLOWED[table][other])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("one", "others", "whole"),
    [
        ("manage_api_key", ["manage"], False),
        ("all", ["manage"], False),
        ("all", ["manage", "manage_security"], False),  # which leaves out delegating of certificates
        ("MONITOR", ["Manage"], True),
        ("manage_connector", ["manage"], True),
        ("read_connector_secrets", ["manage_connector"], False),
        ("cluster:monitor/health", ["monitor"], True),
        ("cluster:admin/xpack/security/user/get", ["manage"], False),
        ("cluster:*/user/put", ["manage"], False),
        ("cluster:admin/xpack/s*", ["manage"], False),
        ("cluster:monitor/*", ["manage"], True),
        ("monitor", ["cluster:monitor/"], True),
        ("manage_of_tomorrow", ["manage", "monitor"], False),
        ("manage_of_tomorrow", ["all"], True),
        ("none", ["monitor"], True),
    ],
)
def test_whether_privileges_of_the_cluster_allow_all_of_another(one: str, others: list[str], whole: bool) -> None:
    assert cluster_within(one, others) is whole
