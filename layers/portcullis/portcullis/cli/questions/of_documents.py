"""`portcullis can ... --document FILE`: what somebody would see of documents, worked out here: the documents go nowhere."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from portcullis.access.questions.answers import ALIAS_FILTER, OF_HIDDEN_FIELDS, Seen
from portcullis.access.questions.documents import ASSUMED, Given, OfDocument, all_given, as_data, in_each, looked_at
from portcullis.cli.console import console
from portcullis.cli.json_files import read_json
from portcullis.errors import BadInput
from portcullis.families.answering import answering
from portcullis.typed import of_plain
from portcullis.words import line

_ELASTIC = "elasticsearch-"  # how the name of an engine of Elastic's own begins
_SHOWS = {"GET": ("_search", "_doc", "_source", "_explain"), "POST": ("_search", "_explain")}
_WORDS = {True: "sees", False: "does not see", None: "perhaps sees"}
_COLOURS = {True: "green", False: "red", None: "yellow"}


def read_documents(file: str) -> tuple[Given, ...]:
    """A document, a list of them, or the answer of a search. BadInput names the place."""
    value = read_json(file, remedy="a document, or the answer of a search")
    hits = value.get("hits") if isinstance(value, dict) else None
    return all_given(hits["hits"] if isinstance(hits, dict) and "hits" in hits else value, file)


def require_reading(does: str, what: str) -> None:
    """BadInput for a question that shows no documents, whoever may do it: what they would see there is nothing."""
    parts = what.partition("?")[0].split("/")
    if (
        does == "read"
        or does.startswith("indices:data/read/")
        or any(one in parts for one in _SHOWS.get(does.upper(), ()))
    ):
        return
    remedy = "ask whether they may read INDEX, or GET INDEX/_search"
    raise BadInput(f"{does} {what} shows no documents", source="command", place="--document", remedy=remedy)


def add_documents(found: Any, documents: tuple[Given, ...]) -> None:
    """What is shown of each, put into an answer of `can`: in the index that it says it is in, or in each that is asked for."""
    engine, sees = found["engine"], {row["index"]: of_plain(row, Seen) for row in found["seen"]}
    of_elastic = engine.startswith(_ELASTIC)
    answers = answering("elasticsearch" if of_elastic else "opensearch")

    def of_one(document: Given, seen: Seen) -> OfDocument:
        allowed = False if found["allowed"] is False else seen.allowed if found["allowed"] else None
        filters, field = [seen.documents, seen.alias_filters], partial(answers.field, seen, engine=engine)
        told = looked_at(document, seen.index, filters, field, allowed)
        open_ = [*seen.unknown, *([ALIAS_FILTER] if seen.by_alias else [])]
        if of_elastic and seen.alias_filters and (seen.fields_only or seen.fields_hidden):
            open_.append(OF_HIDDEN_FIELDS)
        return replace(told, seen=None, unknown=(*told.unknown, *open_)) if told.seen and open_ else told

    elsewhere = False if found["allowed"] is not None else None
    try:
        found |= as_data(in_each(documents, sees, elsewhere, of_one))
    except RecursionError:
        raise BadInput(
            "is nested too deep", source="command", place="--document", remedy="a flatter document"
        ) from None


def show_documents(found: Any) -> None:
    """Each in a line, and what is left of it."""
    for one in found["documents"]:
        where = f" of {line(one['index'])}" if one["index"] else ""
        console().text()
        console().prose(
            f"{_WORDS[one['seen']]} document {line(one['id'] or one['document'])}{where}",
            fg=_COLOURS[one["seen"]],
            bold=True,
        )
        for text in (
            json.dumps(one["source"], ensure_ascii=False, indent=2).splitlines() if one["source"] is not None else ()
        ):
            console().text(f"  {line(text, 2000)}")
        for why in one["unknown"]:
            console().prose(f"  {line(why, 2000)}", "    ", fg="yellow")
    console().text()
    console().prose(ASSUMED, dim=True)
