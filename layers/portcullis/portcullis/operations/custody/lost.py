"""What a lock put aside and the ledger holds no more: nobody knows what there was, and so nothing is given back in its place."""

from __future__ import annotations

from portcullis.custody.types import Todo
from portcullis.errors import Refused


def lost(todo: Todo, shut: object, by_hand: str) -> str:
    """An undo whose save is gone. Refused as long as it is `shut`, so that it is told and tried again: nobody takes for open what nobody
    can come in by. Done, in these words, once somebody has done it by hand."""
    gone = f"what '{todo.measure.value}' put aside as {todo.save_as!r} is not in the ledger"
    if shut:
        raise Refused(f"{gone}: restore the ledger's item, or {by_hand}")
    return f"{gone}: it is as somebody has made it by hand"
