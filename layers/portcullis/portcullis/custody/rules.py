"""How a deployment wants its custody kept: which measures, and how long what is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from portcullis.custody.types import BY_FILE, LOCK_ORDER, Measure, Tell
from portcullis.errors import BadInput

_REPEAT: Mapping[Tell, timedelta] = {
    Tell.KEY_SUSPECTED: timedelta(minutes=30),
    Tell.KEY_UNREACHABLE: timedelta(hours=1),
    Tell.LOCKED: timedelta(hours=12),
    Tell.LOCK_INCOMPLETE: timedelta(minutes=15),
    Tell.UNLOCK_INCOMPLETE: timedelta(minutes=15),
    Tell.BREAK_GLASS_OPEN: timedelta(minutes=30),
    Tell.ROTATION_NOT_FOLLOWED: timedelta(days=1),
    Tell.DELETE_OVERDUE: timedelta(days=1),
    Tell.DELETE_INCOMPLETE: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How a deployment wants its custody kept. `measures`: those that its place has and its file asks for."""

    measures: frozenset[Measure] = frozenset(LOCK_ORDER) - BY_FILE
    # Searches end with the mappings: each of their pages is authorised again. To end them is one wall more.
    best_effort: frozenset[Measure] = frozenset(
        {
            *(Measure.SAVE_POLICY, Measure.DENY_POLICY, Measure.END_SEARCHES, Measure.END_SESSIONS),
            *(Measure.SAVE_GROUPS, Measure.CLOSE_GROUPS, Measure.SAVE_ENDPOINTS, Measure.REVOKE_ENDPOINTS),
        }
    )
    retry_after: timedelta = timedelta(seconds=30)  # a failed measure is not tried again sooner
    lease: timedelta = timedelta(
        seconds=30
    )  # an intended step is its doer's alone for so long; no step may take longer
    settle: timedelta = timedelta(seconds=30)  # a definite state that a healthy probe contradicts counts after this
    reminders: int = 10  # tries of a failed measure that are not left to the sweep
    suspicion_lasts: timedelta = timedelta(minutes=15)  # two denials further apart than this do not add up
    look_again: timedelta = timedelta(seconds=10)  # at a suspicion: look again so soon
    unreachable_grace: timedelta = timedelta(minutes=2)  # shorter than this is not told
    healthy_probes: int = 2  # how many must say so before it is believed
    repeat: Mapping[Tell, timedelta] = field(default_factory=lambda: dict(_REPEAT))
    delete_deadline: timedelta | None = None  # after the lock; only prompts: nothing is ever deleted by itself
    delete_grace: timedelta = timedelta(
        minutes=30
    )  # a snapshot and a domain's end take that long without anything being wrong
    break_glass_longest: timedelta = timedelta(hours=4)
    leaves: frozenset[Measure] = frozenset()  # steps that whoever looks has no right to, and leaves to others

    def __post_init__(self) -> None:
        if not self.measures & {Measure.SHUT_MAPPINGS, Measure.CLOSE_INGRESS}:
            raise BadInput(
                "a lock needs at least one measure that shuts people out",
                source="custody rules",
                place="measures",
                remedy=f"add '{Measure.SHUT_MAPPINGS}' or '{Measure.CLOSE_INGRESS}'",
            )
        if foreign := self.measures - set(LOCK_ORDER):
            raise BadInput(
                f"no measures of a lock: {', '.join(sorted(foreign))}",
                source="custody rules",
                place="measures",
                remedy=f"choose from {', '.join(LOCK_ORDER)}",
            )
        if self.healthy_probes < 2:
            raise BadInput(
                "health needs two independent probes",
                source="custody rules",
                place="healthy_probes",
                remedy="2 or more",
            )
