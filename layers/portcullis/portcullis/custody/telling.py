"""What is told and when (`words_of_alerts`: in which words). Troubles are repeated while they last; each is followed by its recovery."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from portcullis.custody.health import elapsed
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    DELETE_ORDER,
    LOCK_ORDER,
    OUTSIDE,
    SAVE_OF,
    Act,
    Custody,
    Measure,
    MeasureRecord,
    Progress,
    State,
    Tell,
    Told,
)
from portcullis.custody.words_of_alerts import WORDS
from portcullis.words import many, moment


def tell(before: Custody, after: Custody, now: datetime, rules: Rules) -> Custody:
    """`after` with everything queued in its outbox that this look gives reason to tell."""
    c = _rotation(before, after, now)
    if before.revoked_since is None and c.revoked_since and before.state is State.LOCKED:
        # Locked by hand, and now revoked too: what was told is not the reason any more.
        c = replace(c, alerted={n: at for n, at in c.alerted.items() if n is not Tell.LOCKED})
    for name, lasts in _troubles(c, now, rules).items():
        if lasts:
            c = _trouble(c, name, now, rules)
        elif name in c.alerted and not isinstance(over := _over(name, c), _NotYet):
            c = replace(c, alerted={n: at for n, at in c.alerted.items() if n is not name})
            c = _queue(c, over, now) if over else c
    if before.state is not after.state:
        if after.state is State.OPEN:
            began = before.lock_began or now
            c = _queue(c, Tell.UNLOCKED, now, downtime=str(elapsed(began, now)).split(".")[0])
        elif after.state is State.DELETED:
            c = _queue(c, Tell.DELETED, now)
    return c


def opened(c: Custody, measure: Measure, now: datetime, detail: str) -> Custody:
    """Somebody undid a measure of the lock. Each measure is told for itself: what is said of one does not replace another's."""
    told = _word(c, Tell.LOCK_OPENED, now, {"measure": measure.value, "detail": detail or "no detail"})
    undid = f"undid '{measure.value}'"
    waiting = (one for one in c.outbox if one.name is not Tell.LOCK_OPENED or undid not in one.happened)
    return replace(c, outbox=(*waiting, told))


def window_opened(c: Custody, now: datetime) -> Custody:
    """Each opening of break-glass is told, also one within the repeat interval of the one before."""
    c = replace(c, alerted={**c.alerted, Tell.BREAK_GLASS_OPEN: now})
    return _queue(c, Tell.BREAK_GLASS_OPEN, now)


def deletion_asked(c: Custody, now: datetime) -> Custody:
    return _queue(c, Tell.DELETING, now)


class _NotYet:
    """The trouble is neither there nor over: nothing is told, nothing forgotten."""


_NOT_YET = _NotYet()

_RECOVERY = {
    Tell.KEY_UNREACHABLE: Tell.KEY_REACHABLE,
    Tell.BREAK_GLASS_OPEN: Tell.BREAK_GLASS_ENDED,
    Tell.ROTATION_NOT_FOLLOWED: Tell.ROTATION_FOLLOWED,
}


def _troubles(c: Custody, now: datetime, rules: Rules) -> dict[Tell, bool]:
    """Every trouble, and whether it is there now."""
    locked = c.state in (State.LOCKING, State.LOCKED)
    oldest = min((s.since for s in c.suspected), default=now)
    overdue = rules.delete_deadline is not None and c.since is not None
    return {
        Tell.KEY_UNREACHABLE: c.unreachable_since is not None
        and elapsed(c.unreachable_since, now) >= rules.unreachable_grace,
        Tell.KEY_SUSPECTED: bool(c.suspected) and c.revoked_since is None and elapsed(oldest, now) >= rules.settle,
        Tell.LOCKED: c.state is State.LOCKED,
        # What is of best effort and fails, as the access policy does while the key is gone, is no incident of its own: `locked` says it.
        Tell.LOCK_INCOMPLETE: locked and _is_failing(c, Act.TAKE, set(LOCK_ORDER) - rules.best_effort),
        Tell.UNLOCK_INCOMPLETE: c.state is State.UNLOCKING
        and (_is_failing(c, Act.UNDO, LOCK_ORDER) or _is_failing(c, Act.TAKE, {Measure.FOLLOW})),
        Tell.BREAK_GLASS_OPEN: c.break_glass is not None,
        Tell.ROTATION_NOT_FOLLOWED: bool(c.key_id and c.domain_key_id) and c.key_id != c.domain_key_id,
        Tell.DELETE_OVERDUE: overdue
        and c.state is State.LOCKED
        and c.revoked_since is not None
        and c.since is not None
        and rules.delete_deadline is not None
        and elapsed(c.since, now) >= rules.delete_deadline,
        Tell.DELETE_INCOMPLETE: c.state is State.DELETING
        and c.deletion is not None
        and elapsed(c.deletion.at, now) >= rules.delete_grace
        and (_is_failing(c, Act.TAKE, DELETE_ORDER) or _waits_for_a_person(c, rules)),
    }


def _over(name: Tell, c: Custody) -> Tell | _NotYet | None:
    """The recovery to tell now that a trouble is not there any more; None where another message says it."""
    match name:
        case Tell.LOCKED:
            # Told as unlocked (or deleted) when it is; an unlock under way is neither.
            return None if c.state in (State.OPEN, State.DELETED) else _NOT_YET
        case Tell.LOCK_INCOMPLETE:
            return Tell.LOCK_COMPLETE if c.state in (State.LOCKED, State.DELETING) else _pending(c)
        case Tell.UNLOCK_INCOMPLETE:
            return Tell.LOCK_COMPLETE if c.state is State.LOCKED else _pending(c)
        case Tell.KEY_SUSPECTED:
            # A suspicion that came true is no recovery: the lock is told instead.
            return None if c.revoked_since else Tell.KEY_CLEARED
        case _:
            return _RECOVERY.get(name)


def _pending(c: Custody) -> _NotYet | None:
    return None if c.state in (State.OPEN, State.DELETED) else _NOT_YET


def _is_failing(c: Custody, act: Act, measures: Collection[Measure]) -> bool:
    """Whether the last try of one of these failed, also while the next one is under way."""
    return any(measure in measures and r.act is act and r.failures for measure, r in c.measures.items())


def _waits_for_a_person(c: Custody, rules: Rules) -> bool:
    """Whether the domain is to be deleted next, and whoever looks has no right to: only the verb does it."""
    return Measure.DELETE_DOMAIN in rules.leaves and _is_the_domains_turn(c)


def _is_the_domains_turn(c: Custody) -> bool:
    done = {measure for measure, record in c.measures.items() if record.progress is Progress.DONE}
    snapshot = c.deletion is not None and c.deletion.snapshot
    return (
        c.state is State.DELETING
        and (not snapshot or Measure.FINAL_SNAPSHOT in done)
        and Measure.DELETE_DOMAIN not in done
    )


def _trouble(c: Custody, name: Tell, now: datetime, rules: Rules) -> Custody:
    last = c.alerted.get(name)
    if last is not None and now < last:
        # The clock was set back: the interval starts again, nothing is told twice and nothing waits for the old future.
        return replace(c, alerted={**c.alerted, name: now})
    if last is not None and now - last < rules.repeat[name]:
        return c
    return _queue(replace(c, alerted={**c.alerted, name: now}), name, now, without=_without(rules))


def lacks_outside(has: Collection[Measure]) -> tuple[Measure, ...]:
    """The walls outside the engine that a place with these measures does not have, in the order of a lock."""
    return tuple(m for m in LOCK_ORDER if m in OUTSIDE and m not in has and m not in SAVE_OF)


def _without(rules: Rules) -> str:
    """The same in words; empty if it has all of them."""
    lacks = lacks_outside(rules.measures)
    return f"Its place has no way to {', '.join(lacks)}. " if lacks else ""


def _rotation(before: Custody, after: Custody, now: datetime) -> Custody:
    """The first sight of a key is no rotation."""
    if before.key_id and after.key_id != before.key_id:
        return _queue(after, Tell.KEY_ROTATED, now, how=f"the alias moved from key {before.key_id} to {after.key_id}")
    if before.rotated_at and after.rotated_at and after.rotated_at > before.rotated_at:
        return _queue(after, Tell.KEY_ROTATED, now, how=f"new key material at {moment(after.rotated_at)}")
    return after


def _queue(c: Custody, name: Tell, now: datetime, **facts: str) -> Custody:
    """In the outbox; a newer one replaces an older of the same name, so that it stays small while nothing can be sent."""
    told = _word(c, name, now, facts)
    return replace(c, outbox=(*(waiting for waiting in c.outbox if waiting.name is not name), told))


def _word(c: Custody, name: Tell, now: datetime, facts: dict[str, str]) -> Told:
    severity, happened, done, then, runbook = WORDS[name]
    known = {**_facts(c), **facts}
    return Told(name, severity, now, happened.format(**known), done.format(**known), then.format(**known), runbook)


def _facts(c: Custody) -> dict[str, str]:
    hold, window = c.hold, c.break_glass
    failing = ", ".join(
        f"{m} ({r.detail or 'no detail'}, tried {many(r.failures, 'time')})" for m, r in _all_failing(c)
    )
    taken = ", ".join(
        m for m in LOCK_ORDER if m not in SAVE_OF and (r := c.measures.get(m)) and r.progress is Progress.DONE
    )
    since = _when(c.revoked_since)
    by = f", by {c.by}" if c.by else ""
    if c.revoked_since or not hold:
        why = f"its key is revoked ({c.cause or 'cause unknown'}) since {since}{by}"
    else:
        why = f"locked manually by {hold.by} since {moment(hold.at)}: {hold.reason}"
    return {
        "deployment": c.deployment,
        "why": why,
        "held": f"It stays locked until it is unlocked: locked manually by {hold.by} ({hold.reason}). " if hold else "",
        "way_back": _way_back(c),
        "taken": taken or "nothing yet",
        "without": "",
        "besides": _besides(c),
        "failing": failing
        or (
            "the domain itself is next, and waits for a person to call the verb again"
            if _is_the_domains_turn(c)
            else "nothing"
        ),
        "unseen": _unseen(c),
        "suspects": "; ".join(f"{s.probe.name}: {s.probe.detail or s.probe.cause}" for s in c.suspected) or "nothing",
        "suspected_since": _when(min((s.since for s in c.suspected), default=None)),
        "state_since": _when(c.since),
        "window_since": _when(window.opened if window else None),
        "deleted_since": _when(c.deletion.at if c.deletion else None),
        "unreachable_since": _when(c.unreachable_since),
        "window": f"{window.by} until {moment(window.until)}: {window.reason}" if window else "nobody",
        "let_in": str(c.let_in),
        "key": c.key_id or "unknown",
        "domain_key": c.domain_key_id or "unknown",
        "deleted_by": c.deletion.by if c.deletion else "nobody",
        "snapshot": "after a final snapshot" if c.deletion and c.deletion.snapshot else "without a final snapshot",
    }


def _unseen(c: Custody) -> str:
    """Where a key is named by its alias alone, we may look at whatever key that names, and at no other."""
    lost = " It cannot be looked at now: where the file names the key by its alias, our right to look went with that."
    return lost if c.unreachable_since else ""


def _besides(c: Custody) -> str:
    """What an unlock could not do, or left out."""
    access, indices = c.measures.get(Measure.SHUT_MAPPINGS), c.measures.get(Measure.BLOCK_INDICES)
    said = f" Of access: {access.detail}." if access and access.detail else ""
    if indices and indices.detail and indices.progress is Progress.UNDONE:
        said += f" Of indices: {indices.detail}."
    return said


def _way_back(c: Custody) -> str:
    unlock = f"`portcullis unlock {c.deployment}`"
    if c.hold and not c.revoked_since:
        return f"Take the lock off when its reason is gone: {unlock}."
    restore = (
        f"restore the key, then take the lock off: {unlock}" if c.hold else "restore the key: it unlocks by itself"
    )
    return f"If this is not intended, {restore}. If it is, there is nothing to do: the data is kept."


def _when(at: datetime | None) -> str:
    return moment(at) if at else "an earlier look"


def _all_failing(c: Custody) -> list[tuple[Measure, MeasureRecord]]:
    return [(measure, record) for measure, record in c.measures.items() if record.failures]
