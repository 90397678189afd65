"""What the strings of a role mean beside their words: attributes of callers (${user.name}), and whether a field is shown or hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

ATTRIBUTE = re.compile(r"\$\{([^}]*)\}")
LISTS = ("user.roles", "user.securityRoles")  # filled in as values in quotes with commas between
_EXCLUDED = ("~", "!")  # of a field rule; the second is older, and in no documentation


def is_list(attribute: str) -> bool:
    return attribute.replace("user_", "user.", 1) in LISTS


def fields(rules: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that field rules include, and those that they exclude."""
    given = tuple(rules)
    included = tuple(rule for rule in given if not rule.startswith(_EXCLUDED))
    return included, tuple(rule[1:] for rule in given if rule.startswith(_EXCLUDED))


def field_of(rule: str) -> str:
    """The field that a field rule is about."""
    return rule[1:] if rule.startswith(_EXCLUDED) else rule


SAMPLE = "an attribute"  # what stands for an attribute in a filter that is looked at


def with_attributes(dls: str) -> str:
    """A document filter with every attribute filled in by a sample."""
    return "".join(sample(attribute, text, inside) for text, attribute, inside in pieces(dls))


def sample(attribute: str, text: str, inside: bool) -> str:
    """In a string an attribute is text, outside one it stands for a quoted value."""
    if not attribute:
        return text
    return SAMPLE if inside else f'"{SAMPLE}"'


def pieces(dls: str) -> Iterator[tuple[str, str, bool]]:
    """A filter cut at its attributes: (text, "", …) and (as written, the attribute's name, whether it stands in a string)."""
    inside, start, i = False, 0, 0
    while i < len(dls):
        attribute = ATTRIBUTE.match(dls, i)
        if attribute:
            if start < i:
                yield dls[start:i], "", inside
            yield attribute[0], attribute[1], inside
            start = i = attribute.end()
            continue
        if inside and dls[i] == "\\":
            i += 1
        elif dls[i] == '"':
            inside = not inside
        i += 1
    if start < len(dls):
        yield dls[start:], "", inside


def needs_attributes(text: str) -> bool:
    return "${" in text


def filled_in(text: str, name: str, backend_roles: Iterable[str], roles: Iterable[str], own: Mapping[str, str]) -> str:
    """A text as the engine fills it in: one attribute after another, each wherever it stands, those that it does not know left."""
    if "${" not in text:
        return text
    text = text.replace("${user.name}", name).replace("${user_name}", name)
    for attribute, values in (("roles", backend_roles), ("securityRoles", roles)):
        if f"${{user.{attribute}}}" in text or f"${{user_{attribute}}}" in text:
            # Not escaped: a quotation mark in a name ends the string.
            listed = ",".join(f'"{value}"' for value in values)
            text = text.replace(f"${{user.{attribute}}}", listed).replace(f"${{user_{attribute}}}", listed)
    for attribute, value in own.items():
        text = text.replace(f"${{{attribute}}}", value).replace(f"${{{attribute.replace('.', '_')}}}", value)
    return text
