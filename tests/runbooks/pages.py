"""The index of the pages of runbooks/: which alert leads to which page, and which documents belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.rehearsal.pages import FOLDER

_ROW = re.compile(r"^\| \[([a-z-]+)\]\(([a-z-]+)\.md\) \| (.*?) \| (.*?) \| `portcullis-([a-z]+)` \|$", re.MULTILINE)
_NAMES = re.compile(r"`([a-z-]+)`")


@dataclass(frozen=True)
class Row:
    """What the index says of a page."""

    alerts: frozenset[str]
    documents: tuple[str, ...]
    level: str  # whose managed policy suffices for its lines


def index() -> dict[str, Row]:
    """The table in runbooks/README.md: page -> what belongs to it."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = {}
    for shown, linked, alerts, documents, level in _ROW.findall(text):
        assert shown == linked
        found[linked] = Row(frozenset(_NAMES.findall(alerts)), tuple(_NAMES.findall(documents)), level)
    return found


def without_page() -> frozenset[str]:
    """The alerts of which the index says that they need none."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    sentence = next(line for line in text.splitlines() if "no page." in line)
    return frozenset(_NAMES.findall(sentence))
