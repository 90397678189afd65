"""The engine's own indices: what a lock leaves alone, by name. Every other index is blocked, whatever its name begins with. Pure.

As a superuser of 6.8 and 7.17, `*` would take in the security index itself, and lock everybody out of the security API. What the engine
keeps to itself is named by what comes after the dash: an index called `.security_audit_log-1`, or `.security-mine`, is somebody's.
"""

from __future__ import annotations

_RELEASES = "6789"
OWN_INDICES = (
    ".security",
    *(f".security-{kind}{release}*" for kind in ("", "tokens-", "profile-") for release in _RELEASES),
)
