"""Given a cluster, when it is asked how it is set, then it says which release runs, in the words of deployment files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.families.elasticsearch.deciding.compiled import release_of
from portcullis.families.elasticsearch.known.release import Release


@pytest.mark.parametrize(("runs", "release"), [("8.19.21", Release(8, 19)), ("6.8.23", Release(6, 8))])
def test_questions_of_a_cluster_go_by_the_release_that_runs(runs: str, release: Release) -> None:
    """It may have been upgraded since its file was written, and 9 answers otherwise than 8."""

    def transport(_method: str, path: str, _params: Mapping[str, str] | None, _body: Any) -> tuple[int, Any]:
        assert path == "/_nodes/_local"
        return 200, {"nodes": {"a": {"version": runs}}}

    assert release_of(ElasticsearchEngine(transport, "the cluster").settings().release) == release
