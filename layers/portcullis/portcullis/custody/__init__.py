"""Key health and the state machine of custody. Pure: no clock, no machine. How to drive it: docs/custody.md."""

from portcullis.custody.health import Finding, Verdict, judge
from portcullis.custody.machine import configured, decide, in_place, lacking, maybe_in_effect, wanted
from portcullis.custody.people import (
    ask_delete,
    cancel_delete,
    close_break_glass,
    forgo_snapshot,
    hold,
    open_break_glass,
    release,
)
from portcullis.custody.rules import Rules
from portcullis.custody.steps import begin_telling, done, end_telling, failed, found_open, intend, others_tell, told
from portcullis.custody.types import Act, Custody, Decision, LetIn, Measure, Observation, Probe, State, Tell, Todo, Told

__all__ = [
    "Act",
    "Custody",
    "Decision",
    "Finding",
    "LetIn",
    "Measure",
    "Observation",
    "Probe",
    "Rules",
    "State",
    "Tell",
    "Todo",
    "Told",
    "Verdict",
    "ask_delete",
    "begin_telling",
    "cancel_delete",
    "close_break_glass",
    "configured",
    "decide",
    "done",
    "end_telling",
    "failed",
    "forgo_snapshot",
    "found_open",
    "hold",
    "in_place",
    "intend",
    "judge",
    "lacking",
    "maybe_in_effect",
    "open_break_glass",
    "others_tell",
    "release",
    "told",
    "wanted",
]
