"""What differs from release to release, as far as a decision depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from portcullis.errors import BadInput

KNOWN = ("6.8", "7.17", "8", "9")


@dataclass(frozen=True, slots=True, order=True)
class Release:
    major: int
    minor: int

    @staticmethod
    def of(version: str, *, source: str = "", place: str = "engine") -> Release:
        """From a version like `9.5.3`, `8.19` or `7.17.29`. BadInput for a release whose rules are not known."""
        parts = version.split(".")
        if not all(part.isdecimal() for part in parts) or not 1 <= len(parts) <= 3:
            raise _unknown(version, source, place)
        major, minor = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
        if major not in (6, 7, 8, 9) or (major == 6 and minor < 8 and len(parts) > 1):
            raise _unknown(version, source, place)
        return Release(major, minor)

    @property
    def has_hidden_indices(self) -> bool:
        return self >= Release(7, 7)

    @property
    def has_create_doc(self) -> bool:
        """`create_doc` and `auto_configure`; 6.8 takes them into a role and refuses every request of whoever holds them."""
        return self >= Release(7, 9)

    @property
    def has_bulk_roles(self) -> bool:
        """Many roles in one call, and many removed in one."""
        return self >= Release(8, 15)

    @property
    def has_key_updates(self) -> bool:
        """An API key can be narrowed, and shows what it holds."""
        return self >= Release(8, 5)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def _unknown(version: str, source: str, place: str) -> BadInput:
    return BadInput(
        f"{version} is no release of Elasticsearch whose rules are known here",
        source=source,
        place=place,
        remedy=f"elasticsearch- and a version of {', '.join(KNOWN)}, for example elasticsearch-9.5.3",
    )
