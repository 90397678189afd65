"""The document filters that steps would write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcullis.access.plan import Operation, Step
from portcullis.families.base import Filter
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.names.attributes import with_attributes


def filters(steps: Sequence[Step]) -> Iterator[Filter]:
    for step in steps:
        if step.claim.kind != Kind.ROLES or step.operation is Operation.REMOVE:
            continue
        for entry in step.after.get("index_permissions") or ():
            if dls := entry.get("dls"):
                yield Filter(step.claim, ", ".join(entry.get("index_patterns") or ()), with_attributes(dls))
