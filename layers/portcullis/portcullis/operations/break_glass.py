"""Break-glass, taken: told each time, whatever the custody, for its role is there before and after any lock."""

from __future__ import annotations

from portcullis.custody.types import Custody
from portcullis.operations.ports import Alert, Change
from portcullis.operations.world import World
from portcullis.signals.types import Signal

USED = "break-glass used"
_LOOK_BACK = 50  # entries of the history in which a use that was told already is looked for


def break_glass_used(world: World, deployment: str, signal: Signal) -> bool:
    """Tell of one taking of the break-glass role, and write it down. False if this very event was told before.

    Told first: a crash in between tells it twice rather than never.
    """
    known = world.ledger.history(deployment, _LOOK_BACK)
    if any(one.operation == USED and one.cause == signal.event_id for one in known):
        return False
    custody = world.ledger.custody(deployment)
    who = signal.actor or "somebody whom the event does not name"
    from_where = f" from {signal.detail['address']}" if signal.detail.get("address") else ""
    session = f" (session {signal.detail['session']})" if signal.detail.get("session") else ""
    happened = (
        f"{who} took the break-glass role of {deployment}{from_where} at {signal.at}{session}; {_announced(custody)}"
    )
    world.alerts.tell(
        Alert(
            name="break-glass-used",
            deployment=deployment,
            severity="critical",
            happened=happened,
            done=f"nothing was taken away from that session; {_reach(custody)}",
            next="Ask whoever it was what for. If nobody meant it: "
            f"`portcullis end-break-glass {deployment}`, and end the role's sessions as the page says. "
            f"Check with `portcullis history {deployment}`.",
            runbook="break-glass",
            detail={"at": signal.at, "event": signal.event_id},
        )
    )
    world.ledger.record(Change(deployment, world.now(), USED, signal.event_id, who, happened))
    return True


def _announced(custody: Custody) -> str:
    window = custody.break_glass
    if window is None:
        return f"no use of it was announced, and the deployment is {custody.state}"
    return f"its use was announced by {window.by} until {window.until.isoformat()}: {window.reason}"


def _reach(custody: Custody) -> str:
    if custody.break_glass is not None:
        return "it reads until the window ends"
    if custody.state.value in ("locking", "locked", "deleting"):
        return "the index blocks stand, so that it reads nothing unless a window is opened"
    return "as long as the deployment is open it reads what its role may read"
