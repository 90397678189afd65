"""The nodes of a domain: which instance types Amazon takes for what the stacks make of every domain. That is a gp3 volume a node,
encryption at rest and fine-grained access control.

Sources, in the OpenSearch Service developer guide: "Supported instance types", "EBS volume size quotas", "Features by engine version".
What is not in them (a newer family) is left to AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from portcullis.model.names import Wrong
from portcullis.model.parts import Strict, named

_USUAL, _BEFORE_GRAVITON = "r7g.large.search", "r5.large.search"
_GRAVITON_SINCE = (7, 9)  # of Elasticsearch; every OpenSearch has it
_OPTIMIZED_SINCE = (2, 11)  # of OpenSearch
_OPTIMIZED_LEAST_GIB = 20

# By what a family's name begins with, or is.
_OF_WARM_NODES = re.compile(r"ultrawarm\d+")
_WITHOUT_ENCRYPTION = re.compile(r"m3|r3|t2")
_WITHOUT_GP3 = re.compile(r"c4|i2|m4|r4")
_OWN_STORAGE = re.compile(r"oi\d+|d\d+|i(?!2$)[a-z]*\d+[a-z]*|[a-z]+\d+[a-z]*d")  # i3, im4gn, r6gd
_GRAVITON = re.compile(r"[a-z]+\d+g[a-z]*")
_OPTIMIZED = re.compile(r"o[rm]\d+")


class DataNodes(Strict):
    type: Annotated[str, *named("an instance type")] | None = None
    """Instance type of the data nodes, as Amazon names it. Default: r7g.large.search; r5.large.search for Elasticsearch before 7.9."""
    count: int = Field(default=2, ge=1, le=1000)
    """Number of data nodes; they are spread over the Availability Zones."""
    storage_gib: int = Field(default=50, ge=10, le=24576)
    """Size of each node's gp3 volume in GiB."""

    def type_on(self, engine: str) -> str:
        """The instance type for an engine as Amazon names it, such as OpenSearch_3.3."""
        return self.type or (_BEFORE_GRAVITON if _is_before(engine, "Elasticsearch", _GRAVITON_SINCE) else _USUAL)


def refused(engine: str, nodes: DataNodes) -> Iterator[tuple[str, Wrong]]:
    """Why AWS would refuse a domain with these nodes, minutes into a deployment, as (key of the nodes, what is wrong there)."""
    kind = nodes.type_on(engine)
    family = kind.partition(".")[0]
    if why := _never(family):
        yield "type", Wrong(f"{kind} will not do for a data node: {why}", _USUAL)
    elif _GRAVITON.fullmatch(family) and _is_before(engine, "Elasticsearch", _GRAVITON_SINCE):
        yield "type", Wrong(f"{engine} has no Graviton nodes, and {kind} is one", f"{_BEFORE_GRAVITON}, or m5 and c5")
    elif _OPTIMIZED.fullmatch(family) and (
        engine.startswith("Elasticsearch") or _is_before(engine, "OpenSearch", _OPTIMIZED_SINCE)
    ):
        yield "type", Wrong(f"{kind} takes OpenSearch_2.11 or later, and the engine is {engine}", _USUAL)
    if _OPTIMIZED.fullmatch(family) and nodes.storage_gib < _OPTIMIZED_LEAST_GIB:
        yield (
            "storage_gib",
            Wrong(
                f"{nodes.storage_gib} GiB are too few for {kind}",
                f"{_OPTIMIZED_LEAST_GIB} or more",
            ),
        )


def _never(family: str) -> str:
    """Why no node of these families can stand in a domain of the stacks; empty if one can."""
    if _OF_WARM_NODES.fullmatch(family):
        return "it is for warm nodes, beside those that hold the data"
    if _WITHOUT_ENCRYPTION.fullmatch(family):
        return "it has no encryption at rest, and so no fine-grained access control"
    if _OWN_STORAGE.fullmatch(family):
        return "it stores on the machine itself and takes no volume, and every node gets one here"
    if _WITHOUT_GP3.fullmatch(family):
        return "it takes no gp3 volume, and every node gets one here"
    return ""


def most_gib(kind: str) -> int:
    """The largest gp3 volume in GiB that Amazon's guide gives an instance type; 0 where it is not in our table."""
    family, _, rest = kind.partition(".")
    size = rest.partition(".")[0]
    return next((sizes.get(size, 0) for families, sizes in _MOST_GIB.items() if family in families.split()), 0)


def _is_before(engine: str, family: str, version: tuple[int, int]) -> bool:
    name, _, numbers = engine.partition("_")
    return name == family and tuple(map(int, numbers.split("."))) < version


# Families, and the GiB that each size of theirs takes.
_C = {"large": 256, "xlarge": 512, "2xlarge": 1024, "4xlarge": 1536}
_M = {"xlarge": 2048, "2xlarge": 3072, "4xlarge": 6144, "8xlarge": 12288, "12xlarge": 18432}
_R = {"xlarge": 3072, "2xlarge": 6144, "4xlarge": 12288, "8xlarge": 16384, "12xlarge": 24576}
_MOST_GIB = {
    "t3": {"small": 100, "medium": 200},
    "m5 m6g": {"large": 1024, **_M},
    "m7g m7i m8g om2": {"medium": 512, "large": 768, **_M, "16xlarge": 24576},
    "c5": {**_C, "9xlarge": 3584, "18xlarge": 7168},
    "c6g c7g c7i c8g": {**_C, "8xlarge": 3072, "12xlarge": 4608, "16xlarge": 6144},
    "r5 r6g": {"large": 2048, **_R},
    "r7g r7i or1 or2": {"medium": 768, "large": 1536, **_R},
    "r8g": {"medium": 768, "large": 1532, **_R},
}
