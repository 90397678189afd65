"""Given a document, filters and what becomes of its fields, then what somebody would see of it is said."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.questions.documents import (
    ASSUMED,
    MASKED,
    Field,
    Given,
    OfDocument,
    Path,
    all_given,
    as_data,
    in_each,
    looked_at,
)
from portcullis.errors import BadInput

DOCUMENT = {"name": "ann", "pay": {"sum": 7, "bank": {"iban": "x"}}, "tags": ["a", {"of": "b"}], "none": {}, "few": []}
ALL, NO = '{"match_all": {}}', '{"match_none": {}}'
OPEN, NOT_JSON = '{"script": {"script": "1"}}', "{"
BECOMES = {"-": Field.HIDDEN, "~": Field.MASKED, "?": Field.UNKNOWN}


def seen_by(fields: str, document: Any = None, *filters: list[str], allowed: bool | None = True) -> OfDocument:
    """Of fields as `-pay.sum ~name ?tags`: one that begins so is hidden, masked, or nobody can tell."""
    told = {word[1:]: BECOMES[word[0]] for word in fields.split()}

    def field(path: Path) -> Field:
        name = ".".join(path)
        return next((one for start, one in told.items() if f"{name}.".startswith(f"{start}.")), Field.SHOWN)

    given = Given(DOCUMENT if document is None else document, "1", number=3)
    return looked_at(given, "people", filters, field, allowed)


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {**{name: one for name, one in DOCUMENT.items() if name not in names}, **more}


@pytest.mark.parametrize(
    ("fields", "left", "masked", "unknown"),
    [
        ("", DOCUMENT, (), ()),
        ("-name", without("name"), (), ()),
        ("-pay.sum", without(pay={"bank": {"iban": "x"}}), (), ()),
        ("-pay.bank.iban", without(pay={"sum": 7}), (), ()),  # an object of which nothing is left goes, too
        ("-pay", without("pay"), (), ()),
        ("-pay.sum -pay.bank.iban", without("pay"), (), ()),
        ("-tags", without("tags"), (), ()),
        ("-tags.of", without(tags=["a"]), (), ()),
        ("-name -pay -tags", {"none": {}, "few": []}, (), ()),
        ("~name", without(name=MASKED), ("name",), ()),
        ("~pay", without(pay={"sum": 7, "bank": {"iban": MASKED}}), ("pay.bank.iban",), ()),  # a number is not masked
        ("~tags", without(tags=[MASKED, {"of": MASKED}]), ("tags", "tags.of"), ()),
        ("?name ?tags.of", DOCUMENT, (), ("name", "tags.of")),
        ("~name ?pay.sum -tags", without("tags", name=MASKED), ("name",), ("pay.sum",)),
    ],
)
def test_of_a_document_the_fields_that_are_shown_are_left(
    fields: str, left: Any, masked: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    found = seen_by(fields)
    assert (found.seen, found.source, found.masked) == (True, left, masked)
    assert found.unknown == tuple(f"what is shown of the field {one}, only the engine can tell" for one in unknown)
    assert (found.index, found.id, found.number) == ("people", "1", 3)


def test_a_field_is_named_once_however_often_it_stands_in_a_list() -> None:
    document = {"tags": ["a", "b"], "of": [{"x": "c"}, {"x": "d"}]}
    found = seen_by("~tags ?of", document)
    assert (found.source, found.masked) == ({"tags": [MASKED, MASKED], "of": document["of"]}, ("tags",))
    assert len(found.unknown) == 1
    assert "of.x" in found.unknown[0]


def test_a_key_with_dots_is_the_field_of_that_name() -> None:
    assert seen_by("-pay.sum", {"pay.sum": 1, "pay": {"sum": 2, "by": 3}}).source == {"pay": {"by": 3}}


def test_of_a_document_that_is_all_hidden_an_empty_one_is_left() -> None:
    assert seen_by("-a", {"a": {"b": 1}}).source == {}
    assert seen_by("-a", {"a": [{"b": 1}, {"b": 2}]}).source == {}
    assert seen_by("-a.b", {"a": [{"b": 1}, {"c": 2}]}).source == {"a": [{"c": 2}]}


@pytest.mark.parametrize(
    ("filters", "allowed", "seen", "unknown"),
    [
        ([], True, True, []),
        ([[]], True, True, []),
        ([[ALL]], True, True, []),
        ([[NO]], True, False, []),
        ([[NO, ALL]], True, True, []),
        ([[ALL], [NO]], True, False, []),
        ([[ALL], [ALL], []], True, True, []),
        ([[OPEN]], True, None, [OPEN]),
        ([[NOT_JSON]], True, None, [NOT_JSON]),
        ([[OPEN, ALL]], True, True, []),
        ([[OPEN, NO], []], True, None, [f"{OPEN} or {NO}"]),
        ([[OPEN], [NO]], True, False, []),
        ([], False, False, []),
        ([[OPEN]], False, False, []),
        ([], None, None, []),
        ([[NO]], None, False, []),
        ([[OPEN]], None, None, [OPEN]),
    ],
)
def test_a_document_is_seen_if_a_filter_of_each_kind_finds_it(
    filters: list[list[str]], allowed: bool | None, seen: bool | None, unknown: list[str]
) -> None:
    found = seen_by("~name", None, *filters, allowed=allowed)
    assert found.seen is seen
    assert list(found.unknown) == [f"whether it fits {one}, only the engine can tell" for one in unknown]
    if seen is False:
        assert found == OfDocument("people", "1", False, number=3)
    else:
        assert (found.source, found.masked) == (without(name=MASKED), ("name",))


def test_documents_are_what_is_in_them_or_hits_of_a_search() -> None:
    one, hit = {"a": 1}, {"_source": {"b": 2}, "_id": "7", "_index": "logs"}
    assert all_given(one, "file") == (Given(one),)
    assert all_given([one, hit], "file") == (Given(one, number=1), Given({"b": 2}, "7", "logs", 2))
    assert all_given({"_source": {}}, "file") == (Given({}),)
    assert all_given([], "file") == ()


@pytest.mark.parametrize(
    ("value", "says", "place"),
    [
        ("text", "is no document", "documents[0]"),
        ([{}, 1], "is no document", "documents[1]"),
        ({"_source": "text"}, "is no hit of a search", "documents[0]"),
        ([{}, {}, {"_source": {}, "_id": 1}], "is no hit of a search", "documents[2]"),
        ({"_source": {}, "_index": 1}, "is no hit of a search", "documents[0]"),
        ({"_source": {}, "_index": None}, "is no hit of a search", "documents[0]"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(value: Any, says: str, place: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        all_given(value, "the file")
    assert (refused.value.source, refused.value.place) == ("the file", place)
    assert refused.value.remedy


@pytest.mark.parametrize("elsewhere", [False, None])
def test_a_document_is_looked_at_in_its_index_or_in_each(elsewhere: bool | None) -> None:
    documents = [Given({"a": 1}), Given({"b": 2}, index="two"), Given({"c": 3}, "x", "three", 9)]
    views = {"one": "first", "two": "second"}
    told = in_each(documents, views, elsewhere, lambda given, view: OfDocument(view, None, True, given.source))
    assert [(one.index, one.seen, one.source) for one in told] == [
        ("first", True, {"a": 1}), ("second", True, {"a": 1}), ("second", True, {"b": 2}), ("three", elsewhere, None),
    ]  # fmt: skip
    assert (told[-1].id, told[-1].number) == ("x", 9)


def test_what_is_shown_of_documents_is_told_as_data() -> None:
    seen = OfDocument("logs", "1", True, {"a": MASKED}, ("a",), ("perhaps",), 2)
    assert as_data([seen, Given({}).unseen(None)]) == {
        "documents": [
            {"document": 2, "index": "logs", "id": "1", "seen": True, "source": {"a": MASKED}, "masked": ["a"], "unknown": ["perhaps"]},
            {"document": 1, "index": None, "id": None, "seen": None, "source": None, "masked": [], "unknown": []},
        ],
        "assumed": ASSUMED,
    }  # fmt: skip
