"""What an index cannot be called, as 2.19.3 and 3.4.0 refused to make it."""

from __future__ import annotations

_NO_SIGNS = frozenset(' "*\\<|,>/?:#')
_NO_BEGINNING = ("_", "-", "+")
_LONGEST = 255  # bytes


def no_name(name: str) -> str:
    """Why there can be no index of this name, in words; empty if there can. Of a name with a date in it the engine makes another first."""
    if name.startswith("<") and name.endswith(">"):
        return ""
    bad = (
        not name
        or not _NO_SIGNS.isdisjoint(name)
        or name.startswith(_NO_BEGINNING)
        or name != name.lower()
        or name in (".", "..")
        or len(name.encode(errors="replace")) > _LONGEST
    )
    return f"{name} is no name that an index may have" if bad else ""
