"""What a custody is kept as in the ledger: a version of Portcullis reads what the one before it wrote."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from portcullis.custody import types
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    BreakGlass,
    Custody,
    Deletion,
    Health,
    Measure,
    MeasureRecord,
    Observation,
    Probe,
    Progress,
    Tell,
    Todo,
    Told,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CALLED: dict[type[StrEnum], str] = {
    types.State: "open locking locked unlocking deleting deleted",
    types.Health: "healthy unreachable revoked",
    types.RevocationCause: "disabled, pending deletion, deleted, material gone, access denied, grant gone, replica gone, "
    "key store unavailable, domain reports the key inaccessible",
    types.Measure: "save, shut mappings, save offered keys, narrow offered keys, save blocks, block indices, save ingress, "
    "close ingress, save policy, deny policy, save further groups, close further groups, save endpoints, revoke endpoints, "
    "end searches, end sessions, prove, follow groups, final snapshot, delete domain, verify gone",
    types.LetIn: "nobody, reads, reads and writes",
    types.Act: "take undo",
    types.Progress: "intended done failed undone skipped",
    types.Severity: "info warning critical",
    types.Tell: "key-suspected key-cleared key-unreachable key-reachable locked unlocked lock-incomplete lock-complete lock-opened "
    "unlock-incomplete break-glass-open break-glass-ended key-rotated rotation-not-followed rotation-followed delete-overdue "
    "deleting delete-incomplete deleted",
}


@pytest.mark.parametrize("kind", CALLED)
def test_what_is_kept_is_called_as_before(kind: type[StrEnum]) -> None:
    called = CALLED[kind]
    assert [one.value for one in kind] == (called.split(", ") if ", " in called else called.split())


def test_the_probes_are_called_as_the_history_has_them() -> None:
    probes = (types.DESCRIBE, types.USE, types.ENCRYPT, types.GRANTS, types.DOMAIN)
    assert probes == ("describe", "use", "encrypt", "grants", "domain")


def test_what_is_not_said_of_one_is_nothing() -> None:
    nothing = {"", None, False, ()}
    for made, given in (
        (Observation(NOW, ()), {"at", "probes"}),
        (Probe("use", Health.HEALTHY), {"name", "health"}),
        (
            Told(Tell.LOCKED, types.Severity.INFO, NOW, "a", "b", "c"),
            {"name", "severity", "at", "happened", "done", "next"},
        ),
        (BreakGlass("ann", "x", NOW, NOW), {"by", "reason", "opened", "until"}),
        (Todo(Measure.PROVE, types.Act.TAKE), {"measure", "act", "let_in"}),
        (MeasureRecord(Progress.DONE, NOW), {"progress", "at", "act", "let_in"}),
    ):
        assert {value for name, value in asdict(made).items() if name not in given} <= nothing
    one = asdict(Custody("demo"))
    assert (one.pop("deployment"), one.pop("state"), one.pop("health")) == ("demo", "open", "healthy")
    assert [name for name, value in one.items() if value] == []
    assert Deletion("ann", NOW).snapshot, "unless a person says otherwise"
    record = MeasureRecord(Progress.DONE, NOW)
    assert (record.act, record.let_in) == (types.Act.TAKE, types.LetIn.NOBODY)
    assert Todo(Measure.PROVE, types.Act.TAKE).let_in is types.LetIn.NOBODY


def test_the_rules_of_the_house() -> None:
    rules = Rules()
    assert set(types.LOCK_ORDER) - rules.measures == {Measure.END_SESSIONS, Measure.SAVE_KEYS, Measure.NARROW_KEYS}
    assert {name: value.total_seconds() for name, value in asdict(rules).items() if isinstance(value, timedelta)} == {
        "retry_after": 30,
        "lease": 30,
        "settle": 30,
        "suspicion_lasts": 900,
        "look_again": 10,
        "unreachable_grace": 120,
        "delete_grace": 1800,
        "break_glass_longest": 14400,
    }
    assert (rules.reminders, rules.healthy_probes, rules.delete_deadline) == (10, 2, None)
    assert {name.value: every.total_seconds() / 60 for name, every in rules.repeat.items()} == {
        "key-suspected": 30,
        "key-unreachable": 60,
        "locked": 720,
        "lock-incomplete": 15,
        "unlock-incomplete": 15,
        "break-glass-open": 30,
        "rotation-not-followed": 1440,
        "delete-overdue": 1440,
        "delete-incomplete": 60,
    }
