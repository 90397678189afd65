"""The words of each alert of custody: how grave it is, what happened, what was done, what to do then, and its page. As data."""

from __future__ import annotations

from portcullis.custody.types import Severity, Tell

_CHECK = "Check with `portcullis status {deployment}`."
_CHECK_KEY = "Check with `portcullis key status {deployment}`."
WORDS: dict[Tell, tuple[Severity, str, str, str, str]] = {
    Tell.KEY_SUSPECTED: (
        Severity.WARNING,
        "One probe says since {suspected_since} that the key of {deployment} is revoked, no second one confirms it ({suspects}).",
        "Nothing was locked. The key is looked at again with every probe.",
        "See whether somebody changed the key, its policy or its grants: `portcullis key check {deployment}`.",
        "key-unreachable",
    ),
    Tell.KEY_CLEARED: (
        Severity.INFO,
        "The key of {deployment} is not suspected any more: the probe that refused was answered.",
        "Nothing had been locked for it.",
        "Nothing to do. " + _CHECK,
        "",
    ),
    Tell.KEY_UNREACHABLE: (
        Severity.WARNING,
        "The key of {deployment} cannot be reached since {unreachable_since}: time-outs, throttling or an error of ours.",
        "Nothing was locked, paused or deleted: a key that cannot be reached is not a revoked key.",
        "Look at the KMS endpoint, its quotas and the role of the automation: `portcullis key check {deployment}`.",
        "key-unreachable",
    ),
    Tell.KEY_REACHABLE: (
        Severity.INFO,
        "The key of {deployment} answers again.",
        "Its state was read and acted upon.",
        "Nothing to do. " + _CHECK,
        "",
    ),
    Tell.LOCKED: (
        Severity.CRITICAL,
        "{deployment} is locked: {why}.",
        "Done: {taken}. {without}The data is kept, not readable and not writable. {held}Not in effect: {failing}.",
        "See what became of the key, and by whom: `portcullis key check {deployment}`, `portcullis history {deployment}`. {way_back} "
        + _CHECK,
        "locked-by-revocation",
    ),
    Tell.UNLOCKED: (
        Severity.INFO,
        "{deployment} is open again, after {downtime}.",
        "Everything that the lock did was undone, but for whoever left the groups meanwhile; sessions that were ended stay ended.{besides}",
        "Nothing to do; people may have to sign in again. " + _CHECK,
        "restore",
    ),
    Tell.LOCK_INCOMPLETE: (
        Severity.CRITICAL,
        "{deployment} has to be locked ({why}), and not every measure could be taken: {failing}.",
        "Done: {taken}. What failed is tried again until it holds.",
        "See why it fails (does the engine answer, may the automation still act?). " + _CHECK,
        "locked-by-revocation",
    ),
    Tell.LOCK_COMPLETE: (
        Severity.INFO,
        "Every measure of the lock of {deployment} is in effect now.",
        "Done: {taken}.",
        "Nothing to do for it. " + _CHECK,
        "locked-by-revocation",
    ),
    Tell.LOCK_OPENED: (
        Severity.CRITICAL,
        "On the locked {deployment} somebody undid '{measure}': {detail}.",
        "It is taken again at once, and proven again.",
        "Find out who did it: `portcullis history {deployment}`, and the trail of the account.",
        "locked-by-revocation",
    ),
    Tell.UNLOCK_INCOMPLETE: (
        Severity.CRITICAL,
        "{deployment} is to be open again since {state_since}, and not every step of it could be done: {failing}.",
        "It opens only once the groups were read and whoever left them is out. What failed is tried again until it is done.",
        "See why it fails (does the engine answer, can the groups be read, may the automation still act?). " + _CHECK,
        "restore",
    ),
    Tell.BREAK_GLASS_OPEN: (
        Severity.CRITICAL,
        "Break-glass is open on the locked {deployment} since {window_since}, for {window}.",
        "It is mapped and may do this: {let_in}. The blocks in its way are lifted; the role mappings stay shut to everybody else.",
        "It ends by itself; end it early with `portcullis end-break-glass {deployment}`. " + _CHECK,
        "break-glass",
    ),
    Tell.BREAK_GLASS_ENDED: (
        Severity.INFO,
        "Break-glass on {deployment} has ended.",
        "It is mapped to nothing again; if the deployment is still locked, every index is blocked and open searches are ended.",
        "See what was done in it: `portcullis history {deployment}`.",
        "break-glass",
    ),
    Tell.KEY_ROTATED: (
        Severity.INFO,
        "The key of {deployment} was rotated: {how}.",
        "Nothing was interrupted.",
        "Nothing to do. Keep the old key: older data is still under it. " + _CHECK_KEY,
        "",
    ),
    Tell.ROTATION_NOT_FOLLOWED: (
        Severity.WARNING,
        "The alias of {deployment} names key {key}, but its data stays under the key it was made with: {domain_key}.",
        "Nothing was interrupted. Health is judged by the key that the data is under.{unseen}",
        "Keep the old key enabled; put the alias back, or move as the page says. " + _CHECK_KEY,
        "rotation-not-followed",
    ),
    Tell.ROTATION_FOLLOWED: (
        Severity.INFO,
        "The alias of {deployment} names the key that its data is under again: {key}.",
        "Nothing was interrupted.",
        "Nothing to do. " + _CHECK_KEY,
        "",
    ),
    Tell.DELETE_OVERDUE: (
        Severity.WARNING,
        "{deployment} is locked for longer than its deadline for deletion: {why}.",
        "Nothing is deleted by itself.",
        "See what the key lacks: `portcullis key check {deployment}`. Restore it; or decide on a deletion, as the page says. "
        + _CHECK,
        "delete-and-shred",
    ),
    Tell.DELETING: (
        Severity.CRITICAL,
        "The deletion of {deployment} is asked for since {deleted_since} by {deleted_by}, {snapshot}.",
        "It stays locked until it is gone.",
        "Until the domain itself is being deleted it can be called off: `portcullis delete {deployment} --cancel`. "
        + _CHECK,
        "delete-and-shred",
    ),
    Tell.DELETE_INCOMPLETE: (
        Severity.CRITICAL,
        "The deletion of {deployment}, asked for since {deleted_since} by {deleted_by}, does not get on: {failing}.",
        "It stays locked. What failed is tried again.",
        "See why it fails. Until the domain itself is being deleted it can be called off: `portcullis delete {deployment} --cancel`; "
        "the page says what to do about a snapshot that cannot be taken. " + _CHECK,
        "delete-and-shred",
    ),
    Tell.DELETED: (
        Severity.INFO,
        "{deployment} is deleted, as {deleted_by} asked.",
        "It was seen to be gone.",
        "Snapshots, keys and logs remain; the page says what to do with them. What was done: `portcullis history {deployment}`. "
        + _CHECK,
        "delete-and-shred",
    ),
}
