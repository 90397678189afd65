"""Every alert, of a deployment that is an Elasticsearch cluster elsewhere: what brings it about on a real one, or why it does not come."""

from __future__ import annotations

_KEY = "a cluster's key is its owner's: it is watched, and never rotated, deleted or changed from here"
_SNAPSHOTS = "whoever runs a cluster takes its snapshots and restores them"
_DELETION = "a cluster is deleted where it runs, by whoever runs it"

# The alerts that are told in the incident of a page, and while it is followed and put back.
WALKED: dict[str, frozenset[str]] = {
    "another-road": frozenset({"another-road"}),
    "break-glass": frozenset({"locked", "break-glass-open", "break-glass-ended", "road-used", "unlocked"}),
    "dead-letters": frozenset({"dead-letter", "dead-letters-waiting"}),
    "drift": frozenset({"drift"}),
    "eyes-shut": frozenset({"eyes-shut", "eyes-open"}),
    "locked-by-revocation": frozenset({"locked", "unlocked"}),
    "rotation-not-followed": frozenset({"key-rotated", "rotation-not-followed", "rotation-followed"}),
    "what-leavers-hold": frozenset({"keys-left"}),
}
# Brought about by tests of their own, on real Elasticsearch servers, or where no server decides.
ELSEWHERE: dict[str, str] = {
    "lock-complete": "tests/custody/test_what_the_ledger_keeps.py",
    "lock-incomplete": "tests/operations/custody/test_nobody_on_elastic.py",
    "lock-out-refused": "tests/operations/writing/test_two_writers.py",
    "page-not-seen-to": "tests/operations/test_pages.py",
    "remote-half-moved": "tests/operations/remotes/test_migrating_on_elastic.py",
    "remote-key-ending": "tests/operations/remotes/test_tending_keys.py",
    "tokens-not-ended": "tests/operations/people/test_leavers_on_elastic.py",
}
# Those that no cluster gives rise to. The page of each says so under "On an Elasticsearch cluster".
NEVER: dict[str, str] = {
    "break-glass-used": "break-glass is a user of the cluster: there is no role to take",
    "choice-of-roles-not-seen-to": "no identity pool gives roles",
    "delete-incomplete": _DELETION,
    "delete-overdue": _DELETION,
    "deleted": _DELETION,
    "deleting": _DELETION,
    "one-role-of-two": "a Cognito group has no role of IAM",
    "re-keyed": "whoever runs a cluster moves it to another key",
    "restore-failed": _SNAPSHOTS,
    "restore-overdue": _SNAPSHOTS,
    "rotation-not-seen-to": _KEY,
    "rotation-on-demand": _KEY,
    "sessions-not-ended": "a Cognito group has no role of IAM whose sessions could go on",
    "shred-scheduled": _KEY,
    "snapshot-failed": _SNAPSHOTS,
    "snapshots-not-seen-to": _SNAPSHOTS,
}
