"""Names of fields that hardly any field has: two in one, a blank at the end, signs that are not seen. What they should hide is shown."""

from __future__ import annotations

import unicodedata

from portcullis.families.opensearch.names.matching import is_expression
from portcullis.model import names
from portcullis.model.lints.findings import Finding, found
from portcullis.model.parts import Path
from portcullis.model.types import Deployment


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
    if "," in field:
        return "it is taken for one name, comma and all"
    if field.startswith(("~", "!")):
        return f"{field[0]} is taken for a part of the name"
    if any(c in "\"'`" for c in field):
        return "the quotation mark is taken for a part of the name"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") and c != " " for c in field):
        return "it holds a character that is not seen"
    return names.deceptive(field)
