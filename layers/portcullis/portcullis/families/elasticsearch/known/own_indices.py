"""The engine's own indices: what a lock leaves alone, by name. Every other index is blocked, whatever its name begins with. Pure.

As a superuser of 6.8 and 7.17, `*` would take in the security index itself, and lock everybody out of the security API. What the engine
keeps to itself is named by what comes after the dash: an index called `.security_audit_log-1`, or `.security-mine`, is somebody's.

7 and later keep every name of these patterns from everybody. 6.8 keeps the names alone: there whoever may make indices makes one that is
called `.security-6x`, and reads it like any other.
"""

from __future__ import annotations

from portcullis.families.elasticsearch.known.release import Release

# Where the engine puts results of asynchronous searches (of SQL, EQL and ES|QL too) for whoever asked: 7.7 and later. They are shown to
# them whatever roles they have by then.
STORED_RESULTS = ".async-search"
_RELEASES = "6789"
_OF_OLD = (".security", ".security-6", ".security-7")
_SINCE_7 = (
    # Aliases, by which a superuser's `*` reaches what they lead to.
    ".security",
    ".security-tokens",
    ".security-profile",
    *(f".security-{kind}{release}*" for kind in ("", "tokens-", "profile-") for release in _RELEASES),
)


def own_indices(release: Release) -> tuple[str, ...]:
    """Names, and patterns that end in a star."""
    return _SINCE_7 if release.major > 6 else _OF_OLD
