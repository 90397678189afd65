"""Field rules and masks of one entry of a role: what they look like and what the engine makes of them (measured on 2.19.3 and 3.4.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcullis.families.opensearch.names.attributes import field_of, fields
from portcullis.families.opensearch.names.java_regex import why_not, wrong_reference
from portcullis.families.opensearch.names.matching import is_expression
from portcullis.families.opensearch.names.patterns import unreadable
from portcullis.model import names
from portcullis.model.access_types import IndexPermission
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.limiting.filter_queries import compared
from portcullis.model.lints.limiting.odd_fields import odd, odd_name
from portcullis.model.parts import Path
from portcullis.model.types import OnDomain

_DIGESTS = frozenset(
    (
        *("MD2", "MD5", "SHA", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA-512/224", "SHA-512/256"),
        *("SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"),
    )
)  # the hashes of a Java runtime


def fields_and_masks(deployment: OnDomain, at: Path, entry: IndexPermission) -> Iterator[Finding]:
    includes, excludes = fields(entry.fls)
    if includes and excludes:
        yield found(
            deployment,
            "fls-includes-ignored",
            (*at, "fls"),
            f"as soon as a field is excluded (~{excludes[0]}) the included ones ({', '.join(includes[:3])}) do not count",
            "either fields that are seen, or ~fields that are not",
        )
    for i, rule in enumerate(entry.fls):
        if problem := _name_problem(field_of(rule)) or _not_of_this_release(deployment, field_of(rule)):
            yield found(
                deployment, "field-matches-nothing", (*at, "fls", i), f"{names.shown(rule)}: {problem[0]}", problem[1]
            )
        elif why := odd(field_of(rule)):
            yield odd_name(deployment, (*at, "fls", i), rule, why)
    seen: dict[str, int] = {}
    for i, mask in enumerate(entry.masked_fields):
        place = (*at, "masked_fields", i)
        if problem_ := _mask_problem(mask):
            yield found(
                deployment,
                "mask-invalid",
                place,
                f"{names.shown(mask)}: {problem_}",
                "field, field::SHA-512, or field::/regex/::replacement, the last two repeated as needed",
            )
            continue
        field, *rest = mask.split("::")
        if problem := _name_problem(field):
            yield found(deployment, "field-matches-nothing", place, f"{names.shown(mask)}: {problem[0]}", problem[1])
        elif why := odd(field) or _odd_mask(field):
            yield odd_name(deployment, place, mask, why)
        for expression, replacement in zip(rest[::2], rest[1::2], strict=False):
            if why := wrong_reference(expression[1:-1], replacement):
                yield found(
                    deployment,
                    "mask-replacement",
                    place,
                    f"{names.shown(mask)}: {why}",
                    "$1 to the last group of the expression, ${name} of a named one, or \\$ for a dollar sign",
                )
        if field in seen:
            yield found(
                deployment,
                "mask-twice",
                place,
                f"{field} is masked already by rule {seen[field] + 1} of this entry",
                "one rule a field: /regex/::replacement may be repeated within it",
            )
        seen.setdefault(field, i)
        hidden = (
            any(names.matches(f, field) for f in excludes)
            if excludes
            else bool(includes) and not any(names.matches(f, field) for f in includes)
        )
        if hidden:
            # Never the field rule: without it the field would be seen.
            yield found(
                deployment,
                "mask-and-hidden",
                place,
                f"{field} is masked, but not seen at all",
                "leave out the mask; the field rule alone hides the field",
            )
        if why := _no_text(entry, field):
            yield found(
                deployment,
                "mask-no-text",
                place,
                f"{field} is masked, and {why}: only text is",
                f"~{field} under fls hides it",
            )
    if entry.masked_fields:
        yield found(
            deployment,
            "mask-text-only",
            (*at, "masked_fields"),
            "numbers, true and false, and the objects themselves are shown as they are; who sees a field masked finds nothing by it; and"
            " another field of the same text (card.raw of card) is counted and found plainly, but for .keyword",
            "~field under fls hides any kind, and all below it; mask object.* too for what an object holds or a text is indexed as",
        )


def _name_problem(field: str) -> tuple[str, str] | None:
    """Why a name of fields matches none, and what would."""
    if not field.strip():
        return "no field is named", "the name of a field"
    if why := unreadable(field):
        return f"is not a regular expression: {why}", "/expression/, as Java reads it"
    if field.endswith(".keyword") and not is_expression(field):
        plain = field.removesuffix(".keyword")
        return "the engine takes a field and its .keyword for one, by the name without", f"{plain}, which covers both"
    if not is_expression(field) and "" in field.split("."):
        return "no field has an empty part in its name", "the name without the dot: all that is below it is meant too"
    return None


def _not_of_this_release(deployment: OnDomain, field: str) -> tuple[str, str] | None:
    """Measured on 2.19.3: documents show a field that an expression excludes. On 3.4.0: without `_source` they show all."""
    is_3 = deployment.engine.startswith("OpenSearch_3")
    if is_expression(field) and not is_3:
        return "up to 2.x documents show what an expression hides", "names with * and ?: ~card*"
    if field == "_source" and is_3:
        return "no field of a document is called so", "~* hides them all"
    return None


def _odd_mask(field: str) -> str:
    before, colon, after = field.partition(":")
    if before and colon and (after.upper() in _DIGESTS):
        return "one colon is taken for a part of the name, and two are meant"
    return ""


def _no_text(entry: IndexPermission, field: str) -> str:
    """Why a field is no text, as far as this entry tells; empty if it does not."""
    if "*" in field or "?" in field or is_expression(field):
        return ""
    named = [field_of(rule) for rule in entry.fls]  # a mask may as well be of another field of the same text
    values: dict[str, list[Any]] = compared(entry.dls) if entry.dls else {}
    if any(name.startswith(f"{field}.") and name != f"{field}.keyword" for name in (*named, *values)):
        return "is an object, as other rules here say"
    if any(isinstance(value, int | float) for value in values.get(field, ())):
        return "is no text, as the document-level query says"
    return ""


def _mask_problem(mask: str) -> str:
    """What the engine would say against a masking rule; empty if it takes it (measured on 2.19.3 and 3.4.0)."""
    field, *rest = mask.split("::")
    if not field.strip():
        return "no field is named"
    if why := unreadable(field):
        return f"{names.shown(field)} is not a regular expression: {why}"
    if not rest:
        return ""
    if len(rest) == 1:
        if rest[0].upper() in _DIGESTS:
            return ""
        return (
            "a regular expression without a replacement"
            if rest[0].startswith("/")
            else f"no such hash; {names.did_you_mean(rest[0], _DIGESTS)}"
        )
    if len(rest) % 2:
        return "a regular expression without a replacement"
    for expression in rest[::2]:
        if len(expression) < 2 or not is_expression(expression):
            return f"{names.shown(expression)} is no /regular expression/"
        if why := why_not(expression[1:-1]):
            return f"{names.shown(expression)}: {why}"
    return ""
