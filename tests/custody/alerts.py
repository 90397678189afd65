"""What has to follow which alert."""

from __future__ import annotations

from portcullis.custody.types import Tell

RECOVERED_BY: dict[Tell, frozenset[Tell]] = {
    Tell.KEY_UNREACHABLE: frozenset({Tell.KEY_REACHABLE}),
    Tell.KEY_SUSPECTED: frozenset({Tell.KEY_CLEARED, Tell.LOCKED, Tell.LOCK_INCOMPLETE, Tell.UNLOCKED}),
    Tell.LOCKED: frozenset({Tell.UNLOCKED, Tell.DELETED}),
    Tell.LOCK_INCOMPLETE: frozenset({Tell.LOCK_COMPLETE, Tell.UNLOCKED, Tell.DELETED}),
    Tell.UNLOCK_INCOMPLETE: frozenset({Tell.LOCK_COMPLETE, Tell.UNLOCKED}),
    Tell.BREAK_GLASS_OPEN: frozenset({Tell.BREAK_GLASS_ENDED}),
    Tell.ROTATION_NOT_FOLLOWED: frozenset({Tell.ROTATION_FOLLOWED}),
}
# These are told anew for a new reason: another opening, another cause.
TOLD_ANEW = frozenset({Tell.LOCKED, Tell.BREAK_GLASS_OPEN})
