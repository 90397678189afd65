"""What a person may ask of custody. Each refusal says why (errors.Refused) and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from portcullis.custody import telling
from portcullis.custody.rules import Rules
from portcullis.custody.types import LOCK_ORDER, BreakGlass, Custody, Deletion, Health, Hold, Measure, Progress, State
from portcullis.errors import Refused
from portcullis.words import moment

_GONE = (State.DELETING, State.DELETED)


def hold(c: Custody, by: str, reason: str, now: datetime) -> Custody:
    """Lock by hand: it stays locked, however healthy the key, until `release`. Asked again: the newer reason stands."""
    if c.state in _GONE:
        raise Refused(f"{c.deployment} is {c.state}: it cannot be held")
    if not reason.strip():
        raise Refused("a lock by hand needs a reason")
    return replace(c, hold=Hold(by, reason.strip(), now))


def release(c: Custody) -> Custody:
    """A person's unlock: ends the hold. It opens once two probes say that the key is healthy, not before.

    Refused while the key is revoked, and also while it was when last reached: a key that cannot be reached proves nothing.
    """
    if c.state in _GONE:
        raise Refused(f"{c.deployment} is {c.state}: it cannot be unlocked")
    if c.revoked_since is not None:
        then = (
            f"then unlock it again (locked manually by {c.hold.by}: {c.hold.reason})"
            if c.hold
            else "it unlocks by itself"
        )
        reached = "" if c.health is Health.REVOKED else ", and it could not be reached since"
        raise Refused(
            f"the key of {c.deployment} is revoked ({c.cause or 'cause unknown'}, "
            f"seen since {moment(c.revoked_since)}){reached}: restore the key, {then}"
        )
    return replace(c, hold=None)


def open_break_glass(
    c: Custody, by: str, reason: str, minutes: int, now: datetime, rules: Rules, *, write: bool = False
) -> Custody:
    """Let the break-glass principal read (and write, if so asked) until `minutes` have passed. Nobody else gets in."""
    if c.state not in (State.LOCKING, State.LOCKED):
        raise Refused(f"{c.deployment} is {c.state}: break-glass is for a locked deployment")
    if not reason.strip():
        raise Refused("break-glass needs a reason")
    longest = int(rules.break_glass_longest.total_seconds() // 60)
    if not 1 <= minutes <= longest:
        raise Refused(f"break-glass lasts 1 to {longest} minutes, not {minutes}")
    window = BreakGlass(by, reason.strip(), now, now + timedelta(minutes=minutes), write)
    return telling.window_opened(replace(c, break_glass=window), now)


def close_break_glass(c: Custody) -> Custody:
    """End it early. Nothing to do if it is not open."""
    return replace(c, break_glass=None)


def ask_delete(c: Custody, name: str, by: str, now: datetime, *, snapshot: bool = True) -> Custody:
    """Delete the deployment: only from locked, only by its name. Deletion goes on though the key comes back."""
    if c.state is not State.LOCKED:
        raise Refused(f"{c.deployment} is {c.state}: only a locked deployment is deleted (lock it first)")
    if name != c.deployment:
        raise Refused(f"asked to delete {name!r}, but this is {c.deployment!r}: nothing was deleted")
    asked = replace(c, state=State.DELETING, since=now, deletion=Deletion(by, now, snapshot), break_glass=None)
    return telling.deletion_asked(asked, now)


def forgo_snapshot(c: Custody) -> Custody:
    """A deletion under way goes on without its final snapshot. One that was taken already stays."""
    if c.state is not State.DELETING or c.deletion is None:
        raise Refused(f"{c.deployment} is {c.state}: there is no deletion to go on with")
    taken = {m: r for m, r in c.measures.items() if m is not Measure.FINAL_SNAPSHOT or r.progress is Progress.DONE}
    return replace(c, deletion=replace(c.deletion, snapshot=False), measures=taken)


def cancel_delete(c: Custody) -> Custody:
    """Back to locked, as long as the domain's deletion was not begun: AWS was not asked for it, or refused each time."""
    record = c.measures.get(Measure.DELETE_DOMAIN)
    asking = record is not None and record.progress is Progress.INTENDED
    if c.state is not State.DELETING or c.deletion is None or c.deletion.begun or asking:
        raise Refused(f"{c.deployment} is {c.state}: there is no deletion that could still be called off")
    measures = {m: r for m, r in c.measures.items() if m in LOCK_ORDER}
    shut = measures.get(Measure.SHUT_MAPPINGS)
    if Measure.FINAL_SNAPSHOT in c.measures and shut and shut.progress is Progress.DONE:
        # The taker of snapshots was let in again, by us: the mappings are shut and proven once more, and nobody is told of an intruder.
        measures[Measure.SHUT_MAPPINGS] = replace(
            shut, progress=Progress.FAILED, detail="the taker of snapshots was in"
        )
        measures.pop(Measure.PROVE, None)
    return replace(c, state=State.LOCKED, deletion=None, measures=measures)
