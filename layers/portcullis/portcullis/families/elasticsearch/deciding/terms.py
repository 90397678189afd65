"""Terms of a field (`_terms_enum`): of all documents of an index, or of none."""

from __future__ import annotations

from dataclasses import replace

from portcullis.families.elasticsearch.deciding.decide import Answer, View

TERMS = "indices:data/read/xpack/termsenum/list"
_EVERY = '{"match_all":{}}'


def of_terms(told: Answer) -> Answer:
    """Whatever the filter of an alias shows, terms are of all documents; an index of which roles limit documents is left out, unless a
    query of them lets all through (`match_all`)."""
    if told.need.action != TERMS:
        return told
    return replace(told, views=tuple(shown for view in told.views for shown in of_all_documents(view)))


def of_all_documents(view: View) -> tuple[View, ...]:
    """The view without its alias' filter; nothing where it keeps terms back."""
    return () if _keeps_terms(view) else (replace(view, alias_filters=None),)


def _keeps_terms(view: View) -> bool:
    within = view.within is not None and _keeps_terms(view.within)
    return within or (view.documents is not None and not any("".join(one.split()) == _EVERY for one in view.documents))
