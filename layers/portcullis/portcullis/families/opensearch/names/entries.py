"""What a caller is called, and why some names are never put into a role mapping.

A name is text to three readers. In a mapping it is a pattern. In a document filter that holds `${user.name}` or `${user.roles}` it is put
into JSON as it stands (2.19.3 and 3.4.0): a quotation mark in it ends the string, and what follows is the filter's to the engine. And a
name that itself holds `${` is filled in once more. So whoever may choose a name could choose what it sees.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from portcullis.families.opensearch.names.attributes import ATTRIBUTE
from portcullis.families.opensearch.names.matching import is_expression

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of characters, separators of lines
_ENDS_A_STRING = ('"', "\\")


def unfit(entry: str) -> str:
    """Why a name must not stand in a role mapping, as the end of a sentence; empty if it may."""
    if "*" in entry or "?" in entry or is_expression(entry):
        return "in a role mapping its name would be a pattern for others"
    return breaks_filters(entry)


def breaks_filters(value: str) -> str:
    """Why a value that is put into a document filter as text could change what the filter means; empty if it cannot."""
    if found := next((mark for mark in _ENDS_A_STRING if mark in value), ""):
        return f"in a document filter its name would not stay text: it holds {found}"
    if "${" in value:
        return "in a document filter its name would be filled in again: it holds ${"
    if any(unicodedata.category(character) in _NO_TEXT for character in value):
        return "in a document filter its name would not stay text: it holds a control character"
    return ""


def untrue_to_text(
    filters: Iterable[str], name: str, roles: Iterable[str], attributes: Mapping[str, str]
) -> Iterator[str]:
    """What of a caller changes the meaning of document filters that take it in, in words."""
    values = {"user.name": (name,), "user.roles": tuple(roles), **{key: (value,) for key, value in attributes.items()}}
    asked = {found.replace("user_", "user.", 1) for one in filters for found in ATTRIBUTE.findall(one)}
    for attribute in sorted(asked & values.keys()):
        if any(breaks_filters(value) for value in values[attribute]):
            yield f"${{{attribute}}} of this caller does not stay text in the filter: what the filter means is the caller's to say"
