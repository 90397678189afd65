"""Indices that the policies do not tell apart: of those one answers for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from portcullis.access.edge.conditions import like, listed
from portcullis.access.edge.policies import Own, statements
from portcullis.access.edge.way import Edge, paths
from portcullis.access.questions.answers import Request


def alike(edge: Edge, own: Own, request: Request, indices: Iterable[str]) -> Mapping[str, str]:
    """Index -> the one that answers for it."""
    documents = [edge.policy or {}, *(one.document for one in own.policies)]
    if own.boundary:
        documents.append(own.boundary.document)
    every = {
        pattern
        for document in documents
        for body in statements(document)
        for pattern in listed(body.get("Resource") or body.get("NotResource") or [])
    }
    patterns = sorted(one for one in every if one not in ("*", f"{edge.arn}/*", f"{edge.arn}*"))
    indices = tuple(indices)
    if not patterns:
        return dict.fromkeys(indices, indices[0]) if indices else {}
    if any("${" in one for one in patterns):
        return {index: index for index in indices}
    first: dict[tuple[bool, ...], str] = {}
    found = {}
    for index in indices:
        mine = paths(replace(request, indices=(index,)))
        fits = tuple(like(edge.arn + path, pattern) for pattern in patterns for path in mine)
        found[index] = first.setdefault(fits, index)
    return found
