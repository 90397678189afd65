"""Which engine the embedded default is to run: ENGINE=elasticsearch make demo, else OpenSearch; and of how many clusters: CLUSTERS=2."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from portcullis.errors import BadInput

from local import beside, embedded, two_teams
from local.embedded import Embedded, Parts, Tell
from local.people import People
from local.story import on_cluster, stages
from local.story.stages import Cast

Stages = Sequence[tuple[str, str, Callable[..., None]]]


@dataclass(frozen=True)
class Engine:
    name: str
    title: str  # with its version
    place: str  # what its deployment is
    parts: Parts
    running: Callable[[Parts, Tell], AbstractContextManager[Any]]
    cast: Callable[[Any], Cast]
    stages: Stages
    of_two: bool = False  # two clusters, of two teams: for `make up` alone


def engine_from_environment() -> Engine:
    """BadInput for one that there is not."""
    name = os.environ.get("PORTCULLIS_ENGINE") or "opensearch"
    two = _two_clusters(name)
    if name == "opensearch":
        parts = embedded.parts_from_environment()
        return Engine(name, f"OpenSearch {parts.version}", "domain", parts, embedded.running, _of_domain, stages.STAGES)
    if name != "elasticsearch":
        raise BadInput(
            f"no engine {name!r} runs here",
            source="environment",
            place="ENGINE",
            remedy="opensearch, or elasticsearch",
        )
    version = os.environ.get("PORTCULLIS_ELASTICSEARCH", "")
    parts = beside.parts_from_environment(embedded.parts_from_environment(), version)
    title = f"Elasticsearch {parts.version}"
    if two:
        parts = two_teams.parts(parts)
    return Engine(name, title, "cluster", parts, beside.running, on_cluster.cast_of, on_cluster.STAGES, two)


def _two_clusters(engine: str) -> bool:
    """BadInput for another number of clusters than there can be."""
    given = os.environ.get("PORTCULLIS_CLUSTERS") or "1"
    remedy = ""
    if given not in ("1", "2"):
        remedy = "1 or 2"
    elif given == "2" and engine != "elasticsearch":
        remedy = "ENGINE=elasticsearch beside it: one OpenSearch does not read another one here"
    if remedy:
        raise BadInput(f"{given!r} clusters do not run here", source="environment", place="CLUSTERS", remedy=remedy)
    return given == "2"


def _of_domain(whole: Embedded) -> Cast:
    people = People(whole)
    return Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
