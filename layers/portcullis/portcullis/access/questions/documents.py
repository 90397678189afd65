"""What somebody would see of one document: whether their filters find it, and which of its fields are shown. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from portcullis.access.questions.queries import Document, finds
from portcullis.access.truth import Truth, all_of, any_of
from portcullis.errors import BadInput

ASSUMED = "fields are taken for what the engine makes of them without being told otherwise: other mappings may find more or less"
MASKED = "(masked)"
V = TypeVar("V")

Path = tuple[str, ...]  # the keys that lead to a field: a key may have dots of its own


class Field(Enum):
    SHOWN = auto()
    HIDDEN = auto()
    MASKED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class OfDocument:
    """What is shown of one document. `source`: what is left of it, texts that are masked as `(masked)`; null where it is not seen.
    `masked`: the fields of these. `seen`: null where only the engine can tell; then `source` is the most that is shown."""

    index: str
    id: str | None
    seen: Truth
    source: Any = None
    masked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    number: int = 1  # which of those that were given


@dataclass(frozen=True, slots=True)
class Given:
    """A document that is asked about. `index`: where it is; empty: in any that is asked for. `number`: which of those that were given."""

    source: Document
    id: str | None = None
    index: str = ""
    number: int = 1

    def unseen(self, seen: Truth, index: str = "") -> OfDocument:
        """That it is not seen, or not known to be."""
        return OfDocument(index or self.index, self.id, seen, number=self.number)


def all_given(values: Any, source: str) -> tuple[Given, ...]:
    """Documents as people have them, a list or one alone: hits of a search (`_source`, `_id`, `_index`), or what is in them alone. BadInput
    with the place of the first that is neither."""
    return tuple(_given(value, source, at) for at, value in enumerate(values if isinstance(values, list) else [values]))


def _given(value: Any, source: str, at: int) -> Given:
    place = f"documents[{at}]"
    if not isinstance(value, Mapping):
        raise BadInput("is no document", source=source, place=place, remedy="an object, or a hit of a search")
    if "_source" not in value:
        return Given(value, number=at + 1)
    held, id_, index = value["_source"], value.get("_id"), value.get("_index", "")
    if not (isinstance(held, Mapping) and isinstance(id_, str | None) and isinstance(index, str)):
        remedy = "_source is an object, _id and _index are texts"
        raise BadInput("is no hit of a search", source=source, place=place, remedy=remedy)
    return Given(held, id_, index, at + 1)


def as_data(told: Sequence[OfDocument]) -> dict[str, Any]:
    """As `decide` answers it."""
    found = [
        {
            "document": one.number,
            "index": one.index or None,
            "id": one.id,
            "seen": one.seen,
            "source": one.source,
            "masked": list(one.masked),
            "unknown": list(one.unknown),
        }
        for one in told
    ]
    return {"documents": found, "assumed": ASSUMED}


def in_each(
    documents: Sequence[Given], views: Mapping[str, V], elsewhere: Truth, of_one: Callable[[Given, V], OfDocument]
) -> tuple[OfDocument, ...]:
    """Of each document what is shown in its index, or in each of `views` where it names none. `elsewhere`: what is said of one whose index
    the request does not reach."""
    found: list[OfDocument] = []
    for document in documents:
        there = [view for index, view in views.items() if document.index in ("", index)]
        found += [of_one(document, view) for view in there] or [document.unseen(elsewhere)]
    return tuple(found)


def looked_at(
    document: Given, index: str, filters: Sequence[Sequence[str]], field: Callable[[Path], Field], allowed: Truth
) -> OfDocument:
    """What is shown of a document of an index. `filters`: of each list one has to find it. `field`: what becomes of a field, by the
    keys that lead to it. `allowed`: whether the index is shown at all."""
    found = all_of(any_of(finds(_query(one), document.source, document.id) for one in some) for some in filters if some)
    seen = all_of((allowed, found))
    if seen is False:
        return document.unseen(False, index)
    masked, open_ = list[str](), list[str]()
    source = _shown(document.source, (), field, masked, open_)
    unknown = [
        f"whether it fits {' or '.join(one)}, only the engine can tell" for one in filters if found is None and one
    ]
    unknown += [f"what is shown of the field {name}, only the engine can tell" for name in dict.fromkeys(open_)]
    return OfDocument(index, document.id, seen, source, tuple(dict.fromkeys(masked)), tuple(unknown), document.number)


def _query(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shown(value: Any, path: Path, field: Callable[[Path], Field], masked: list[str], open_: list[str]) -> Any:
    """What is left; _NOTHING where nothing is. What is not known stays."""
    if isinstance(value, Mapping):
        parts = {
            key: left
            for key, part in value.items()
            if (left := _shown(part, (*path, key), field, masked, open_)) is not _NOTHING
        }
        return parts if parts or not value or not path else _NOTHING
    if isinstance(value, list):
        left = [one for part in value if (one := _shown(part, path, field, masked, open_)) is not _NOTHING]
        return left if left or not value else _NOTHING
    becomes, name = field(path), ".".join(path)
    if becomes is Field.HIDDEN:
        return _NOTHING
    if becomes is Field.UNKNOWN:
        open_.append(name)
    if becomes is Field.MASKED and isinstance(value, str):
        masked.append(name)
        return MASKED
    return value


_NOTHING = object()
