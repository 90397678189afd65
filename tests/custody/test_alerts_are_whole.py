"""Every alert says what a person at 3 a.m. needs: what happened to which deployment, since when, by whom, what was done, what to do,
how to check it, and which page says more."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from portcullis.adapters.alerts.sns import text
from portcullis.custody import telling
from portcullis.custody.types import (
    Act,
    BreakGlass,
    Custody,
    Deletion,
    Health,
    Hold,
    Measure,
    MeasureRecord,
    Probe,
    Progress,
    RevocationCause,
    State,
    Suspicion,
    Tell,
)
from portcullis.entry.verbs import LOOK, VERBS
from portcullis.operations.custody.guard import _alert
from portcullis.words import moment

from tests.runbooks import alerts

NOW = datetime(2025, 11, 22, 7, 28, tzinfo=UTC)
SINCE = NOW - timedelta(minutes=9)
# Everything at once that an alert may speak of, each with its time and its person.
WORST = Custody(
    deployment="demo",
    state=State.LOCKED,
    health=Health.REVOKED,
    since=SINCE,
    revoked_since=SINCE,
    unreachable_since=SINCE,
    lock_began=SINCE,
    cause=RevocationCause.DISABLED,
    by="arn:aws:iam::111122223333:user/mallory",
    key_id="new-key",
    domain_key_id="old-key",
    suspected=(Suspicion(Probe("use", Health.REVOKED, RevocationCause.ACCESS_DENIED, "not authorized"), SINCE, NOW),),
    break_glass=BreakGlass("ann", "order 4711", SINCE, NOW + timedelta(minutes=5)),
    deletion=Deletion("ben", SINCE),
    measures={Measure.DENY_POLICY: MeasureRecord(Progress.FAILED, SINCE, "refused", Act.TAKE, 3)},
)
FACTS = {"downtime": "0:09:00", "measure": "shut mappings", "detail": "by hand", "how": "new key material"}
# What lasts says since when; what somebody did says who.
SINCE_WHEN = {
    *(Tell.KEY_SUSPECTED, Tell.KEY_UNREACHABLE, Tell.LOCKED, Tell.LOCK_INCOMPLETE, Tell.UNLOCK_INCOMPLETE),
    *(Tell.BREAK_GLASS_OPEN, Tell.DELETE_OVERDUE, Tell.DELETING, Tell.DELETE_INCOMPLETE),
}
BY_WHOM = {
    Tell.LOCKED: "mallory",
    Tell.LOCK_INCOMPLETE: "mallory",
    Tell.DELETE_OVERDUE: "mallory",
    Tell.BREAK_GLASS_OPEN: "ann",
    Tell.DELETING: "ben",
    Tell.DELETE_INCOMPLETE: "ben",
    Tell.DELETED: "ben",
}
OVER = {Tell.KEY_CLEARED, Tell.KEY_REACHABLE, Tell.KEY_ROTATED, Tell.ROTATION_FOLLOWED}  # nothing to do: no page


@pytest.mark.parametrize("name", list(Tell))
def test_an_alert_of_custody_is_whole(name: Tell) -> None:
    told = telling._word(replace(WORST), name, NOW, FACTS)
    assert "demo" in told.happened
    assert told.happened[-1] == told.done[-1] == told.next[-1] == "."
    if name in SINCE_WHEN:
        assert f"since {moment(SINCE)}" in told.happened
    assert BY_WHOM.get(name, "") in told.happened
    assert bool(told.runbook) is (name not in OVER)
    lines = text(_alert("demo", told)).splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["What happened", "What was done", "What to do"]
    assert any(f"runbooks/{told.runbook}.md" in line for line in lines) or name in OVER


HELD = Hold("ann", "a leak", SINCE)
BACK = {  # custody -> the way back that its alert names, and one that it must not
    "revoked": (WORST, "it unlocks by itself", "portcullis unlock"),
    "held": (replace(WORST, revoked_since=None, hold=HELD), "take the lock off when", "restore the key"),
    "both": (replace(WORST, hold=HELD), "restore the key, then take the lock off", "by itself"),
}


@pytest.mark.parametrize("case", BACK)
def test_a_lock_is_told_with_the_way_out_of_just_this_one(case: str) -> None:
    custody, way, wrong = BACK[case]
    then = telling._word(custody, Tell.LOCKED, NOW, FACTS).next
    assert way in then.lower()
    assert wrong not in then


@pytest.mark.parametrize("told", alerts.ALL, ids=lambda told: told.name)
def test_every_alert_names_a_command_that_shows_how_it_is_now(told: alerts.Told) -> None:
    looking = [command for command in told.commands if _looks(command)]
    assert looking, f"{told.where}: {told.name}: {told.next}"


GIVES_OR_DESTROYS = {"delete", "shred", "adopt", "apply", "master", "break-glass", "integration", "lock"}
UNDOES = {"delete demo --cancel"}


@pytest.mark.parametrize("told", alerts.ALL, ids=lambda told: told.name)
def test_nothing_that_gives_or_destroys_stands_in_an_alert(told: alerts.Told) -> None:
    for command in told.commands:
        words = command.removeprefix("portcullis ")
        assert words in UNDOES or words.split()[0] not in GIVES_OR_DESTROYS, f"{told.where}: {command}"
    assert "--confirm" not in told.next


def _looks(command: str) -> bool:
    words = re.sub(r"^portcullis ", "", command).split()
    names = {"-".join(words[:2]), words[0]}
    # A sweep looks too, and is the only one that counts the dead letters; what is only planned changes nothing.
    return "sweep" in names or "--plan" in words or any(name in VERBS and VERBS[name].level == LOOK for name in names)
