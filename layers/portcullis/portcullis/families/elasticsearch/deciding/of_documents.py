"""What an answer shows of documents that are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from portcullis.access.questions.documents import Field, Given, OfDocument, Path, in_each, looked_at
from portcullis.families.elasticsearch.deciding.decide import Answer, View
from portcullis.families.elasticsearch.deciding.templates import UNFILLED, is_template

_READS = "indices:data/read/"


def of_documents(documents: Sequence[Given], allowed: bool | None, answers: Iterable[Answer]) -> tuple[OfDocument, ...]:
    """A document is shown by what reads of the request: in its index, or in each that the request reaches."""
    views: dict[str, View] = {}
    for one in answers:
        if one.allowed and one.status < 400 and one.need.action.startswith(_READS):
            views |= {view.index: view for view in one.views if view.index not in views}
    elsewhere = None if allowed is None and not views else False
    return in_each(documents, views, elsewhere, lambda document, view: _of_one(document, view, allowed))


def _of_one(document: Given, view: View, allowed: bool | None) -> OfDocument:
    filters = [*_filters(view)]
    open_ = any(is_template(query) for some in filters for query in some)

    def field(path: Path) -> Field:
        return Field.SHOWN if all(one.fields.sees(".".join(path)) for one in _levels(view)) else Field.HIDDEN

    told = looked_at(document, view.index, filters, field, allowed)
    if open_ and told.seen is None:
        return replace(told, unknown=(UNFILLED,))
    return told


def _filters(view: View) -> Iterator[tuple[str, ...]]:
    for one in _levels(view):
        # None is all documents, and no query at all is none.
        yield ('{"match_none": {}}',) if one.documents == () else one.documents or ()
    yield view.alias_filters or ()


def _levels(view: View) -> Iterator[View]:
    """What the roles show, and what a key lets through of it."""
    yield view
    if view.within is not None:
        yield from _levels(view.within)
