"""Break-glass, taken: told each time, whatever the custody, for its role is there before and after any lock (and mapped to nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from portcullis.custody.chronicle import BREAK_GLASS, OPEN_FOR
from portcullis.custody.types import Custody
from portcullis.operations import alert_table
from portcullis.operations.services import Services
from portcullis.ports.ledger import Change
from portcullis.signals.types import Signal
from portcullis.words import moment

USED = "break-glass used"
_WINDOWS = 200  # entries of the history in which a window is looked for that was open when the role was taken
_LOOK_BACK = 50  # entries of the history in which a use that was told already is looked for


def break_glass_used(services: Services, deployment: str, signal: Signal) -> bool:
    """Tell of one taking of the break-glass role, and write it down. False if this very event was told before.

    Told first: a crash in between tells it twice rather than never.
    """
    known = services.ledger.history(deployment, _LOOK_BACK)
    if any(one.operation == USED and one.cause == signal.event_id for one in known):
        return False
    custody = services.ledger.custody(deployment)
    who = signal.actor or "somebody whom the event does not name"
    from_where = f" from {signal.detail['address']}" if signal.detail.get("address") else ""
    session = f" (session {signal.detail['session']})" if signal.detail.get("session") else ""
    announced = _announced(services, custody, signal.at)
    happened = f"{who} took the break-glass role of {deployment}{from_where} at {signal.at}{session}; {announced}"
    services.alerts.tell(
        alert_table.BREAK_GLASS_USED.of(
            deployment,
            happened,
            done=f"nothing was taken away from that session; {_reach(custody)}",
            detail={"at": signal.at, "event": signal.event_id},
        )
    )
    services.ledger.record(Change(deployment, services.now(), USED, signal.event_id, who, happened))
    return True


def _announced(services: Services, custody: Custody, at: str) -> str:
    """Whether it was announced when the role was taken. CloudTrail tells of it minutes later: by then a window may have ended, and one
    that was opened since announces nothing that was before it."""
    taken = _time(at) or services.now()
    for opened, ended, said in _windows(services, custody):
        # CloudTrail counts whole seconds.
        if opened.replace(microsecond=0) <= taken < ended:
            return f"its use was announced by {said}"
    return f"no use of it was announced, and the deployment is {custody.state}"


def _windows(services: Services, custody: Custody) -> Iterator[tuple[datetime, datetime, str]]:
    """From when, until when, for whom and why; the latest first. One that ended early did so at the entry that follows it."""
    if window := custody.break_glass:
        yield window.opened, window.until, f"{window.by} until {moment(window.until)}: {window.reason}"
    followed = services.now()
    for one in services.ledger.history(custody.deployment, _WINDOWS):
        if one.operation != BREAK_GLASS:
            continue
        ends = [end for line in one.after or () if (end := _time(line))]
        if len(ends) == 2:
            yield ends[0], min(ends[1], followed), one.summary.removeprefix(OPEN_FOR)
        followed = one.at


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _reach(custody: Custody) -> str:
    if custody.break_glass is not None:
        return f"it {custody.let_in} until the window ends"
    return "it is mapped to nothing, and reads nothing unless a window is opened"
