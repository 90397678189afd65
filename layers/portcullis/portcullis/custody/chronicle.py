"""What the history says of a custody that changed: its transitions with their timeline, and what people asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from portcullis.custody.health import elapsed
from portcullis.custody.types import Act, Custody, Health, Measure, Progress, State, Tell
from portcullis.words import moment

# Told alerts that are events of their own, and no state of the custody.
# A window of break-glass has its two ends as lines: a use of it that is heard of later is held against them.
BREAK_GLASS, OPEN_FOR, ENDED = "break-glass", "open for ", "ended"
_EVENTS = (Tell.KEY_ROTATED, Tell.LOCK_OPENED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history. `lines`: what it came about by, the earliest first, each with its time."""

    operation: str
    summary: str
    lines: tuple[str, ...] = ()


def chronicle(before: Custody, after: Custody, event_at: str = "") -> tuple[Entry, ...]:
    """What is to be recorded of the step from one kept custody to the next. `event_at`: when what caused it happened, if known."""
    found = [
        Entry(told.name.value, told.happened)
        for told in after.outbox
        if told.name in _EVENTS and told not in before.outbox
    ]
    if before.hold != after.hold:
        asked = (
            f"locked manually by {after.hold.by}: {after.hold.reason}"
            if after.hold
            else "the lock by hand was taken off"
        )
        found.append(Entry("hold" if after.hold else "release", asked))
    if before.break_glass != after.break_glass:
        window = after.break_glass
        if window:
            may = f" ({after.let_in})" if window.write else ""
            opened = f"{OPEN_FOR}{window.by} until {moment(window.until)}: {window.reason}{may}"
            found.append(Entry(BREAK_GLASS, opened, (window.opened.isoformat(), window.until.isoformat())))
        else:
            found.append(Entry(BREAK_GLASS, ENDED))
    if before.state is not after.state:
        found.append(_moved(before, after, event_at))
    elif before.health is not after.health:
        found.append(Entry("key", f"key {_health(after)}, was {before.health}"))
    return tuple(found)


def _moved(before: Custody, after: Custody, event_at: str) -> Entry:
    summary = f"{before.state} -> {after.state}, key {_health(after)}"
    if after.health is Health.REVOKED and after.by:
        summary += f", by {after.by}"
    if after.state is State.LOCKING and after.hold:
        summary += f", locked manually by {after.hold.by}: {after.hold.reason}"
    if after.state is State.OPEN and before.lock_began and after.since:
        summary += f", after {_words(before.lock_began, after.since)}"
    if after.deletion and after.state is State.DELETING:
        summary += f", asked for by {after.deletion.by}"
    return Entry(after.state.value, summary, _timeline(after, event_at))


def _health(c: Custody) -> str:
    return f"{c.health} ({c.cause})" if c.cause else str(c.health)


def _words(since: datetime, until: datetime) -> str:
    return str(elapsed(since, until)).split(".")[0]


def _timeline(c: Custody, event_at: str) -> tuple[str, ...]:
    """When the event happened, when the revocation was seen, and when each measure was taken (or undone, on the way to open)."""
    act = Act.UNDO if c.state in (State.UNLOCKING, State.OPEN) else Act.TAKE
    steps = [
        (record.at, f"{measure}: {record.progress}" + (f" ({record.detail})" if record.detail else ""))
        for measure, record in c.measures.items()
        if (record.act is act or measure is Measure.FOLLOW) and record.progress is not Progress.SKIPPED
    ]
    if c.revoked_since:
        steps.append((c.revoked_since, f"the key was seen to be revoked ({', '.join(c.confirmed_by)})"))
    if c.since:
        steps.append((c.since, str(c.state)))
    if happened := _time(event_at):
        steps.append((happened, "the event happened that made Portcullis look"))
    return tuple(
        f"{at.isoformat(timespec='milliseconds')} {what}" for at, what in sorted(steps, key=lambda one: one[0])
    )


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
