"""Which indices are the engine's own is a named list by version: what is on it a lock does not block."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.names.own_indices import own_indices

ADDED: dict[str, str] = {
    "1.0": ".opensearch-notifications-* .opensearch-notebooks .opensearch-observability",
    "1.1": ".replication-metadata-store",
    "2.4": ".opensearch-knn-models .plugins-ml-config .plugins-ml-model .plugins-ml-task",
    "2.5": ".ql-datasources .geospatial-ip2geo-data* .plugins-ml-model-group",
    "2.9": ".plugins-ml-connector .plugins-ml-conversation-meta .plugins-ml-conversation-interactions",
    "2.12": ".plugins-ml-agent .plugins-ml-controller .plugins-ml-memory-meta .plugins-ml-memory-message .plugins-ml-stop-words "
    ".plugins-flow-framework-config .plugins-flow-framework-templates .plugins-flow-framework-state",
    "3.1": ".plugins-search-relevance-experiment .plugins-search-relevance-judgment-cache",
}
BEFORE = set(own_indices(Dialect.V7, ""))


@pytest.mark.parametrize("version", ADDED)
def test_a_release_has_what_it_added_and_all_before_it(version: str) -> None:
    releases = list(ADDED)
    known = " ".join(ADDED[one] for one in releases[: releases.index(version) + 1]).split()
    assert set(own_indices(Dialect.PLUGINS, version)) == BEFORE | set(known)
    assert set(own_indices(Dialect.PLUGINS, f"{version}.7")) == BEFORE | set(known)


@pytest.mark.parametrize("version", ["", "new", "99.1", "3", "x.1"])
def test_of_a_version_that_is_not_known_everything_that_is_known_counts(version: str) -> None:
    assert set(own_indices(Dialect.PLUGINS, version)) == BEFORE | set(" ".join(ADDED.values()).split())
