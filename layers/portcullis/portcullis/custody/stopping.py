"""What keeps everybody out of a deployment whom its engine would let in."""

from __future__ import annotations

from portcullis.custody.types import Custody, State
from portcullis.words import moment

_WORDS = {State.LOCKING: "is being locked", State.UNLOCKING: "is being opened again"}


def stopping(custody: Custody | None) -> tuple[str, bool]:
    """What keeps everybody out whom the engine would let in, in words (empty: nothing), and whether that is certain."""
    if custody is None or custody.state is State.OPEN:
        return "", True
    since, name = "", custody.deployment
    if custody.hold:
        since = f" manually by {custody.hold.by} since {moment(custody.hold.at)}: {custody.hold.reason}"
    elif custody.revoked_since:
        cause = custody.cause.value if custody.cause else "cause unknown"
        since = f" since {moment(custody.revoked_since)}, its key is revoked: {cause}"
    if custody.state in _WORDS:
        return f"{name} {_WORDS[custody.state]}{since}", False
    return f"{name} is {custody.state.value}{since}", True
