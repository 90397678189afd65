"""What a decision shows of documents that are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from portcullis.access.questions.documents import Field, Given, OfDocument, Path, in_each, looked_at
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.world import Release
from portcullis.families.opensearch.requesting.need import R


def of_documents(
    documents: Sequence[Given], allowed: bool | None, decisions: Iterable[tuple[str, Decision]], release: Release
) -> tuple[OfDocument, ...]:
    """A document is shown by what reads of the request: in its index, or in each that the request reaches. `decisions`: action, answer."""
    views: dict[str, View] = {}
    for action, decision in decisions:
        if action.startswith(R) and not decision.error:
            views |= {view.index: view for view in decision.every_view if view.allowed and view.index not in views}
    elsewhere = None if allowed is None and not views else False
    return in_each(documents, views, elsewhere, lambda document, view: _of_one(document, view, allowed, release))


def _of_one(document: Given, view: View, allowed: bool | None, release: Release) -> OfDocument:
    older = release is Release.V2
    filters = [view.documents or (), view.alias_filters]
    certain = None if view.unknown and allowed else allowed
    told = looked_at(document, view.index, filters, lambda path: field_of(view, path, older=older), certain)
    more = (*told.unknown, *view.unknown) if told.seen is not False else ()
    return replace(told, unknown=tuple(dict.fromkeys(more)))


def field_of(view: View, path: Path, *, older: bool) -> Field:
    """What a document shows of a field. An object that is hidden hides what stands in it, and not a key that names it before a dot."""
    if not view.fields.shows(path, older=older):
        return Field.HIDDEN
    return Field.MASKED if view.masks_of(".".join(path)) else Field.SHOWN
