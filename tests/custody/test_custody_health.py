"""What one look at a key means, together with what earlier looks left open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from portcullis import custody
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    DESCRIBE,
    DOMAIN,
    ENCRYPT,
    GRANTS,
    USE,
    Custody,
    Health,
    Observation,
    Probe,
    RevocationCause,
    Tell,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
RULES = Rules()
OK = (Probe(DESCRIBE, Health.HEALTHY), Probe(USE, Health.HEALTHY))
OFF = (
    Probe(DESCRIBE, Health.REVOKED, RevocationCause.DISABLED, "Disabled", True),
    Probe(USE, Health.REVOKED, RevocationCause.DISABLED),
)
AWAY = (Probe(DESCRIBE, Health.UNREACHABLE), Probe(USE, Health.UNREACHABLE))
DENIED_USE = Probe(USE, Health.REVOKED, RevocationCause.ACCESS_DENIED)
DENIED_ENCRYPT = Probe(ENCRYPT, Health.REVOKED, RevocationCause.ACCESS_DENIED)
DENIED_DESCRIBE = Probe(DESCRIBE, Health.REVOKED, RevocationCause.ACCESS_DENIED)
NO_GRANT = Probe(GRANTS, Health.REVOKED, RevocationCause.GRANT_GONE, definite=True)
NOTIFIED = Probe(DOMAIN, Health.REVOKED, RevocationCause.DOMAIN_INACCESSIBLE)
UNLIT = Probe(USE, Health.UNREACHABLE)
DARK = Probe(DESCRIBE, Health.UNREACHABLE)
FINE = OK[0]
S, R, H, U = custody.Finding.SUSPECTED, custody.Finding.REVOKED, custody.Finding.HEALTHY, custody.Finding.UNREACHABLE


@pytest.mark.parametrize(
    ("looks", "finding"),
    [
        ([(0, (FINE, DENIED_USE))], S),
        ([(0, (FINE, DENIED_USE, DENIED_USE))], S),  # the same probe twice is one probe
        ([(day * 86400, (FINE, DENIED_USE)) for day in range(9)], S),  # one probe, however long
        ([(0, (DARK, DENIED_USE))], S),
        ([(0, (DENIED_DESCRIBE, DENIED_USE))], R),
        ([(0, (FINE, DENIED_USE, DENIED_ENCRYPT))], R),
        ([(0, (DENIED_DESCRIBE, UNLIT)), (300, (DARK, DENIED_USE))], R),  # two probes, in two looks
        ([(0, (DENIED_DESCRIBE, UNLIT)), (3000, (DARK, DENIED_USE))], S),  # too far apart
        ([(0, (DENIED_DESCRIBE, UNLIT)), (60, OK), (120, (DARK, DENIED_USE))], S),  # taken back in between
        ([(0, (DENIED_DESCRIBE, UNLIT)), (60, AWAY)], U),  # unreachable confirms nothing
        ([(0, (OFF[0], UNLIT))], R),  # a definite state, not contradicted
        ([(0, (OFF[0], OK[1]))], S),  # contradicted: KMS may not have settled
        ([(0, (OFF[0], OK[1])), (10, (OFF[0], OK[1]))], S),
        ([(0, (OFF[0], OK[1])), (30, (OFF[0], OK[1]))], R),  # it stands
        ([(0, (*OK, NO_GRANT))], S),
        ([(0, (*OK, NO_GRANT)), (30, (*OK, NO_GRANT))], R),
        ([(0, (*OK, NOTIFIED))], S),
        ([(0, (*OK, NOTIFIED, NO_GRANT))], R),
        ([(0, (FINE,))], U),  # one healthy probe is not two
        ([(0, (FINE, FINE))], U),
        ([(0, (FINE, Probe(DOMAIN, Health.HEALTHY)))], U),  # the domain's report does not vouch
        ([(0, (*OK, NO_GRANT)), (60, (*OK, Probe(GRANTS, Health.UNREACHABLE)))], U),  # who denied has to be asked
        ([(0, (*OK, NO_GRANT)), (60, (*OK, Probe(GRANTS, Health.HEALTHY)))], H),
        ([(0, (*OK, NOTIFIED)), (60, OK)], H),
        (
            [(0, (*OK, NO_GRANT)), (3000, (*OK, Probe(GRANTS, Health.UNREACHABLE)))],
            U,
        ),  # nor forgotten while it is asked
        ([(0, (*OK, NO_GRANT)), (3000, OK)], H),  # old, and not asked any more
        (
            [(3600, (*OK, NO_GRANT)), (0, (*OK, Probe(GRANTS, Health.UNREACHABLE))), (40, (*OK, NO_GRANT))],
            R,
        ),  # clock set back
        ([(0, ())], U),
    ],
)
def test_a_denial_counts_when_a_second_probe_agrees(looks: list[tuple[int, tuple[Probe, ...]]], finding: str) -> None:
    c = Custody("demo")
    for seconds, found in looks:
        verdict = custody.judge(c, Observation(NOW + timedelta(seconds=seconds), found), RULES)
        c = replace(c, suspected=verdict.suspected)
    assert verdict.finding is finding


def test_a_key_that_is_given_back_leaves_no_suspicion_of_its_revocation() -> None:
    """The domain reported it and is not asked again: an unlock tells no suspicion, and `status` asks for no look at the key."""
    c = Custody("demo")
    for seconds, found in ((0, (*OK, NOTIFIED)), (5, OFF), (300, OK), (360, OK)):
        at = NOW + timedelta(seconds=seconds)
        c = custody.decide(c, Observation(at, found), at, RULES).custody
    assert (c.health, c.suspected) == (Health.HEALTHY, ())
    assert Tell.KEY_SUSPECTED not in c.alerted


@pytest.mark.parametrize("back", [timedelta(seconds=5), timedelta(days=2)])
def test_a_clock_set_back_does_not_turn_an_old_suspicion_into_a_lock(back: timedelta) -> None:
    """The second refusal comes too late to confirm the first, though the clock that was set back makes it look close."""
    c = Custody("demo")
    for at, found in (
        (NOW, (DENIED_DESCRIBE, UNLIT)),
        (NOW - back, (DARK, UNLIT)),
        (NOW - back + timedelta(minutes=16), (DARK, DENIED_USE)),
    ):
        verdict = custody.judge(c, Observation(at, found), RULES)
        c = replace(c, suspected=verdict.suspected)
    assert verdict.finding is custody.Finding.SUSPECTED
