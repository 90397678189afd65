"""Which engine the embedded default is to run: ENGINE=elasticsearch make demo, else OpenSearch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from portcullis.errors import BadInput

from local import beside, embedded
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


def engine_from_environment() -> Engine:
    """BadInput for one that there is not."""
    name = os.environ.get("PORTCULLIS_ENGINE") or "opensearch"
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
    return Engine(name, title, "cluster", parts, beside.running, on_cluster.cast_of, on_cluster.STAGES)


def _of_domain(whole: Embedded) -> Cast:
    people = People(whole)
    return Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
