"""`portcullis can ... --document FILE`: what somebody would see of documents, worked out here: the documents go nowhere."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from portcullis.access.questions.answers import Seen
from portcullis.access.questions.documents import ASSUMED, Given, OfDocument, all_given, as_data, looked_at
from portcullis.cli.console import console
from portcullis.errors import BadInput
from portcullis.families.answering import answering
from portcullis.typed import of_plain
from portcullis.words import line

_ELASTIC = "elasticsearch-"  # how the name of an engine of Elastic's own begins
_WORDS = {True: "sees", False: "does not see", None: "perhaps sees"}
_COLOURS = {True: "green", False: "red", None: "yellow"}


def read_documents(file: str) -> tuple[Given, ...]:
    """A document, a list of them, or the answer of a search. BadInput names the place."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        value = json.loads(text)
    except UnicodeDecodeError:
        raise BadInput("is no UTF-8", source=file, remedy="JSON: a document, or the answer of a search") from None
    except OSError as error:
        raise BadInput(error.strerror or str(error), source=file, remedy="a file with a document as JSON") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no JSON: {error}", source=file, remedy="a document, or the answer of a search") from None
    hits = value.get("hits") if isinstance(value, dict) else None
    return all_given(hits["hits"] if isinstance(hits, dict) and "hits" in hits else value, file)


def add_documents(found: Any, documents: tuple[Given, ...]) -> None:
    """What is shown of each, put into an answer of `can`: in the index that it says it is in, or in each that is asked for."""
    answers, engine = (
        answering("elasticsearch" if found["engine"].startswith(_ELASTIC) else "opensearch"),
        found["engine"],
    )
    told = list[OfDocument]()
    for one in documents:
        rows = [row for row in found["seen"] if not one.index or row["index"] == one.index]
        for row in rows:
            seen = of_plain(row, Seen)
            allowed = False if found["allowed"] is False else seen.allowed if found["allowed"] else None
            field = partial(answers.field, seen, engine=engine)
            told.append(looked_at(one, seen.index, [seen.documents], field, allowed))
        if not rows:
            told.append(one.unseen(False if found["allowed"] is not None else None))
    found |= as_data(told)


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
