"""Patterns of indices and tenants: what they cover besides, less than they look, and what is filled into them."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.families.opensearch.names.attributes import ATTRIBUTE, is_list
from portcullis.families.opensearch.names.matching import is_expression
from portcullis.model import names
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.limiting.lint_filters import unknown_attribute
from portcullis.model.lints.limiting.odd_fields import in_vain, odd_pattern
from portcullis.model.names import Wrong, check_index_pattern, shown
from portcullis.model.parts import Path
from portcullis.model.types import OnDomain


def index_patterns(deployment: OnDomain, path: Path, patterns: tuple[str, ...]) -> Iterator[Finding]:
    yield from _system(deployment, path, patterns)
    for pattern in patterns:
        yield from attributes(deployment, path, pattern)
        yield from odd_pattern(deployment, path, pattern)
        plain = "" if is_expression(pattern) else ATTRIBUTE.sub("", pattern)
        yield from in_vain(deployment, path, pattern, plain, "!~^")


def tenant_patterns(deployment: OnDomain, path: Path, patterns: tuple[str, ...]) -> Iterator[Finding]:
    for pattern in patterns:
        yield from attributes(deployment, path, pattern, of_index=False)
        yield from odd_pattern(deployment, path, pattern)


def attributes(deployment: OnDomain, path: Path, pattern: str, *, of_index: bool = True) -> Iterator[Finding]:
    for attribute in dict.fromkeys(ATTRIBUTE.findall(pattern)):
        if is_list(attribute):
            message = f"${{{attribute}}} is a list of values in quotes, and no name is called so"
            yield found(deployment, "pattern-attribute", path, message, "${user.name}, or a pattern for each value")
        else:
            yield from unknown_attribute(deployment, path, attribute, "pattern-attribute")
            yield from _with_own_values(deployment, path, pattern, attribute, of_index=of_index)


def _with_own_values(
    deployment: OnDomain, path: Path, pattern: str, attribute: str, *, of_index: bool
) -> Iterator[Finding]:
    """What the attributes of the file's own users make of a pattern: one more name, and not a wider pattern or none."""
    own = attribute.replace("attr_internal_", "attr.internal.", 1)
    for user, spec in deployment.access.users.items():
        value = {f"attr.internal.{name}": value for name, value in spec.attributes.items()}.get(own)
        if value is None:
            continue
        filled = ATTRIBUTE.sub("x", pattern.replace(f"${{{attribute}}}", value))
        if why := _why_not_a_name(filled, value, of_index=of_index):
            yield found(
                deployment,
                "pattern-attribute-value",
                path,
                f"with the {attribute} of {user}, {shown(value)}, {shown(pattern)} is {shown(filled)}: {why}",
                "a value that is a part of a name: lower-case letters, digits, - and _",
            )


def _why_not_a_name(filled: str, value: str, *, of_index: bool) -> str:
    if is_expression(filled):
        return "the engine reads it as a /regular expression/"
    if sign := next((c for c in value if c in "*?"), ""):
        return f"{sign} counts there, and lets in to more than one name"
    if not of_index:
        return ""
    try:
        check_index_pattern(filled)
    except Wrong as wrong:
        return wrong.problem
    return "no index has upper-case letters" if value != value.lower() else ""


def _system(deployment: OnDomain, path: Path, patterns: tuple[str, ...]) -> Iterator[Finding]:
    for pattern in patterns:
        covered = [index for index in names.SYSTEM_INDICES if names.matches(pattern, index)]
        if covered and not pattern.startswith("."):
            yield found(
                deployment,
                "system-indices",
                path,
                f"{shown(pattern)} covers the engine's own indices too, {covered[0]} among them",
                "name your indices (app-*), or accept it: accept: {system-indices: why}",
            )
