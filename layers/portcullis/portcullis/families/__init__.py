"""The families of engines, a folder each: what a security config of theirs means, and how it is written."""

from __future__ import annotations

from importlib import import_module

from portcullis.errors import BadInput
from portcullis.families.base import Family

# name, as a registration has it -> where the family is. Loaded when it is first asked for: a function has to do with one of them.
FAMILIES: dict[str, tuple[str, str]] = {
    "opensearch": ("portcullis.families.opensearch.family", "OPENSEARCH"),
    "elasticsearch": ("portcullis.families.elasticsearch.family", "ELASTICSEARCH"),
}


def family_named(name: str) -> Family:
    """The family of this name. BadInput if there is none."""
    if name not in FAMILIES:
        raise BadInput(f"no family of engines {name!r}", source="registration", remedy=f"one of {', '.join(FAMILIES)}")
    module, value = FAMILIES[name]
    found: Family = getattr(import_module(module), value)
    return found
