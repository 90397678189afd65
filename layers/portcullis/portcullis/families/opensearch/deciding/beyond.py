"""What a request shows beyond what its views say, and by which values it ends in an error. As 2.19.3 and 3.4.0 answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.world import Release
from portcullis.families.opensearch.requesting.actions import TERM_VECTORS
from portcullis.families.opensearch.requesting.need import Need

SHOWS_TERMS = (
    "2.19 shows by _termvectors the terms of hidden and masked fields, too, where the index keeps term vectors of them (term_vector in its"
    " mapping)"
)
_EMPTY = (
    "buckets without a document (min_doc_count 0 below another sum, or of multi_terms) show terms of all documents of %s, those that the"
    " filter hides too"
)
_FILTERED = "the point in time was opened by an alias with a filter: only what that finds is shown"
_SUGGESTS = "suggestions (term, phrase) are made of the terms of all documents of %s, those that the filter hides too"
_MASKED_VALUES = (
    "%s of %s is masked: where it is a number, a date, an address, or true and false, what sums it up, sorts by it or lists it ends"
    " in an error (500 or 400), or lacks the documents of that index"
)
_LIKE_CLOSED = "a search for what is like a document of a closed index ends in an error (400), if any shard is searched"


def beyond(asked: Compiled, answers: Sequence[tuple[Need, Decision]]) -> Iterator[str]:
    """In words, of what is let in."""
    for need, answer in answers:
        if any(asked.names.of((name,)) & asked.names.closed for name in need.like):
            yield _LIKE_CLOSED
        views = [view for view in answer.views if view.allowed] if answer.allowed and not answer.error else []
        for view in views:
            yield from (_MASKED_VALUES % (name, view.index) for name in need.reads if view.masks_of(name))
            if need.suggests and view.written is not None:
                yield _SUGGESTS % view.index
            if need.empty and view.written is not None:
                yield _EMPTY % view.index
        if shows_terms(asked, need.action, views):
            yield SHOWS_TERMS
        if need.filtered and views:
            yield _FILTERED


def shows_terms(asked: Compiled, action: str, views: Sequence[View]) -> bool:
    """Whether terms of what field rules and masks hide may be shown."""
    limited = any(view.masks or not view.fields.everything for view in views)
    return limited and action in TERM_VECTORS and asked.world.release is Release.V2
