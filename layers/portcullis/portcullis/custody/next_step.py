"""What somebody who is woken does first, and the page that says the rest. Pure."""

from __future__ import annotations

from portcullis.custody.types import Custody, State


def next_step(c: Custody) -> tuple[str, str]:
    """A command (after a condition, if it has one), and the name of a page in runbooks/; both empty where the gate asks for nothing."""
    failing = any(record.failures for record in c.measures.values())
    guard, check = f"portcullis guard {c.deployment}", f"portcullis key check {c.deployment}"
    match c.state:
        case State.DELETED:
            return "", ""
        case State.DELETING:
            return guard, "delete-and-shred"
        case State.UNLOCKING:
            return guard, "restore"
        case State.LOCKING:
            return guard, "locked-by-revocation"
        case State.LOCKED if failing:
            return guard, "locked-by-revocation"
        case State.LOCKED if c.hold and not c.revoked_since:
            return f"once its reason is gone: portcullis unlock {c.deployment}", "locked-by-revocation"
        case State.LOCKED if not c.revoked_since and not c.hold and not c.unreachable_since:
            return guard, "restore"  # the key is healthy, and it opens with the next look
        case State.LOCKED:
            return check, "locked-by-revocation"
    if c.unreachable_since or c.suspected:
        return check, "key-unreachable"
    if c.key_id and c.domain_key_id and c.key_id != c.domain_key_id:
        return check, "rotation-not-followed"
    return "", ""
