"""The engine's own indices: what a lock leaves alone, by name. Every other index is blocked, whatever its name begins with. Pure.

Named is what the Security plugin keeps for itself (its own index, and the system indices of its documented configuration): no role lets
anybody at those, ours included, so that a request that touches one is refused whole. A domain may keep fewer names: an index that is called
so is one like any other there, which the engine's adapter finds out. What Dashboards keeps (`.kibana*`, `.opensearch_dashboards*`) is made
by people, and is no index of the engine's; backing indices of data streams (`.ds-*`) neither.
"""

from __future__ import annotations

from collections.abc import Mapping

from portcullis.families.opensearch.documents.dialects import Dialect

SECURITY_INDEX = ".opendistro_security"
_OPEN_DISTRO = (
    SECURITY_INDEX,
    ".opendistro-alerting-config",
    ".opendistro-alerting-alert*",
    ".opendistro-anomaly-results*",
    ".opendistro-anomaly-detector*",
    ".opendistro-anomaly-checkpoints",
    ".opendistro-anomaly-detection-state",
    ".opendistro-reports-*",
    ".opendistro-notifications-*",
    ".opendistro-notebooks",
    ".opendistro-asynchronous-search-response*",
)
# OpenSearch kept those names, and the releases since have added these: first in (major, minor) -> what.
_SINCE: Mapping[tuple[int, int], tuple[str, ...]] = {
    (1, 0): (".opensearch-notifications-*", ".opensearch-notebooks", ".opensearch-observability"),
    (1, 1): (".replication-metadata-store",),
    (2, 4): (".opensearch-knn-models", ".plugins-ml-config", ".plugins-ml-model", ".plugins-ml-task"),
    (2, 5): (".ql-datasources", ".geospatial-ip2geo-data*", ".plugins-ml-model-group"),
    (2, 9): (".plugins-ml-connector", ".plugins-ml-conversation-meta", ".plugins-ml-conversation-interactions"),
    (2, 12): (
        *(".plugins-ml-agent", ".plugins-ml-controller", ".plugins-ml-memory-meta", ".plugins-ml-memory-message"),
        *(".plugins-ml-stop-words", ".plugins-flow-framework-config", ".plugins-flow-framework-templates"),
        ".plugins-flow-framework-state",
    ),
    (3, 1): (".plugins-search-relevance-experiment", ".plugins-search-relevance-judgment-cache"),
}


def own_indices(dialect: Dialect, version: str) -> tuple[str, ...]:
    """Names and patterns of the indices that the engine of this dialect and version keeps for itself."""
    if dialect is not Dialect.PLUGINS:
        return _OPEN_DISTRO
    major, _, minor = version.partition(".")
    now = (int(major), int(minor.split(".")[0] or 0)) if major.isdigit() and minor[:1].isdigit() else (99, 0)
    return (*_OPEN_DISTRO, *(name for since, names in _SINCE.items() if since <= now for name in names))
