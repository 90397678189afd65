"""Names of fields and patterns that hardly anything has: two in one, a blank at the end, signs that are not seen. What they should hide is
shown, and what they should reach is not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from portcullis.families.opensearch.names.matching import is_expression
from portcullis.model import names
from portcullis.model.lints.findings import Finding, found
from portcullis.model.parts import Path
from portcullis.model.types import Deployment

_SIGNS = ("~", "!", "-", "+", "^", "$")  # that exclude, include or begin a path elsewhere
_NO_ESCAPE = re.compile(r"\\(?![*?\\])")


def odd_name(deployment: Deployment, place: Path, rule: str, why: str) -> Finding:
    message = f"{names.shown(rule)}: {why}, so that what it should hide is shown"
    return found(
        deployment, "field-name-odd", place, message, "one name, as the index has it; several are several entries"
    )


def odd(field: str) -> str:
    """Why hardly any field is called so; empty if it may be."""
    if is_expression(field):
        return ""
    if field != field.strip():
        return "the space at its end is taken for a part of the name"
    if "${" in field or "{{" in field:
        return "it is taken as it stands: no attribute is filled in there"
    if sign := next((sign for sign in ",;|" if sign in field), ""):
        return "it is taken for one name, comma and all" if sign == "," else f"it is taken for one name, {sign} and all"
    if field[:1] in _SIGNS or (field[:1] == "/") != field.endswith("/"):
        return f"{field[0] if field[0] in _SIGNS else '/'} is taken for a part of the name"
    if any(c in "\"'`[]" for c in field):
        return f"the {'bracket' if set('[]') & set(field) else 'quotation mark'} is taken for a part of the name"
    if _NO_ESCAPE.search(field):
        return "the backslash is taken for a part of the name"
    return unseen(field) or names.deceptive(field)


def odd_pattern(deployment: Deployment, place: Path, pattern: str) -> Iterator[Finding]:
    if not is_expression(pattern) and (why := unseen(pattern) or names.deceptive(pattern)):
        yield found(
            deployment,
            "pattern-odd",
            place,
            f"{names.shown(pattern)} ({pattern!a}) may not cover what it looks like: {why}",
            "type it anew, or accept it if it is meant so",
        )


def in_vain(deployment: Deployment, place: Path, pattern: str, plain: str, signs: str) -> Iterator[Finding]:
    """A pattern that no index fits. `plain`: what of it stands in a name; `signs`: those that exclude nothing at its beginning."""
    if plain != plain.lower():
        message = f"{names.shown(pattern)} has upper-case letters, and no index has: only an alias is covered by it"
        yield found(deployment, "pattern-upper-case", place, message, "lower case, if indices are meant")
    if plain[:1] and plain[0] in signs:
        message = f"{names.shown(pattern)} excludes nothing: it is the name of an alias, or of nothing"
        remedy = "a role has no exclusions: name the indices that are meant"
        yield found(deployment, "pattern-no-exclusion", place, message, remedy)


def unseen(name: str) -> str:
    """Whether a name holds a sign that nobody sees, in words."""
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") and c != " " for c in name):
        return "it holds a character that is not seen"
    return ""
