"""`diff` of a deployment: from one state of it to another, as it is, as it was, or as it would be with a file. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portcullis.access.questions.changes import Diff, as_many_as_fit
from portcullis.operations.access.asking.asserting import diff_held
from portcullis.operations.access.asking.scene import Scene, live
from portcullis.operations.access.past import BY_ROLE, history_since, past
from portcullis.operations.services import Site
from portcullis.ports.ledger import Change
from portcullis.ports.registration import KeptModel
from portcullis.words import moment

# As it is now, as it was at a moment, or as it would be once a model is applied.
Which = datetime | KeptModel | None


@dataclass(frozen=True, slots=True)
class _State:
    scene: Scene
    called: str
    notes: tuple[str, ...] = ()


def diff_of(site: Site, old: Which, new: Which, assertions: Sequence[str]) -> Diff:
    """Who gains and who loses what, and what becomes of the assertions. BadInput for a time that is to come or no assertion, Refused for a
    time before the history begins. What the history cannot tell of this deployment leaves an assertion unknown."""
    now = live(site)
    moments = [one for one in (old, new) if isinstance(one, datetime)]
    history = history_since(site, min(moments)) if moments else ()
    before, after = _state(site, now, old, history), _state(site, now, new, history)
    found = diff_held(before.scene, after.scene, (before.called, after.called), assertions)
    people, left_out = as_many_as_fit(found.people)
    unknown = tuple(dict.fromkeys((*left_out, *found.unknown, *before.notes, *after.notes)))
    return replace(found, people=people, unknown=unknown)


def _state(site: Site, now: Scene, which: Which, history: Sequence[Change]) -> _State:
    if which is None:
        return _State(now, f"{site.name} as it is")
    if isinstance(which, KeptModel):
        return _State(live(site, which), f"{site.name} with the file")
    was = past(site, now, which, history)
    called = f"{site.name} at {moment(which)}"
    notes = was.notes
    if was.stopped:
        notes += (f"at {moment(which)} nobody was let in, as {was.stopped}: compared is who was once it was open",)
    # Whoever joined a group that counts by the token gained something, and no change tells.
    untold = (BY_ROLE,) if was.by_token else ()
    return _State(replace(was.scene, unseen=(*was.uncertain, *untold)), called, notes)
