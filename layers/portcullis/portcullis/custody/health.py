"""What a look at a key means: healthy, unreachable, suspected or revoked.

A refusal by one probe is a suspicion; it counts when a second probe of another name refuses too, now or within
`Rules.suspicion_lasts`. A definite state (a successful answer that says disabled, pending deletion, ...) counts at once
unless a probe of the key itself says healthy in the same look: KMS settles within seconds, so it then has to stand for
`Rules.settle`. Unreachable adds to nothing. Healthy takes two probes, none that says revoked, and none unreachable that
said so when it was last reached.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from portcullis.custody.rules import Rules
from portcullis.custody.types import DOMAIN, OF_THE_KEY, Custody, Health, Observation, Probe, RevocationCause, Suspicion


class Finding(StrEnum):
    HEALTHY = "healthy"
    UNREACHABLE = "unreachable"
    SUSPECTED = "suspected"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    finding: Finding
    cause: RevocationCause | None = None  # of REVOKED
    by: tuple[str, ...] = ()  # names of the probes that make it REVOKED
    suspected: tuple[Suspicion, ...] = ()  # what has to be remembered: every denial that its probe did not take back


def elapsed(since: datetime, now: datetime) -> timedelta:
    """How long ago; nothing if the clock was set back behind `since`."""
    return max(now - since, timedelta(0))


def judge(custody: Custody, seen: Observation, rules: Rules) -> Verdict:
    """What this look says, together with what earlier ones left open."""
    denied = _by_name(seen.probes, Health.REVOKED)
    healthy = set(_by_name(seen.probes, Health.HEALTHY)) - set(denied)
    suspicions = _remember(custody.suspected, seen, denied, healthy, rules)
    if denied:
        confirming = _confirming(suspicions, denied, healthy, seen.at, rules)
        if confirming:
            names = tuple(sorted({probe.name for probe in confirming}))
            return Verdict(Finding.REVOKED, _telling(confirming), names, suspicions)
        return Verdict(Finding.SUSPECTED, suspected=suspicions)
    unanswered = set(_by_name(seen.probes, Health.UNREACHABLE))
    # The domain's own report is late by minutes: it may accuse, it does not vouch.
    if len(healthy - {DOMAIN}) >= rules.healthy_probes and not unanswered & {one.probe.name for one in suspicions}:
        # What was remembered when the key was given back was of that revocation: by itself it would be told as a new suspicion.
        return Verdict(Finding.HEALTHY, suspected=() if custody.revoked_since else suspicions)
    return Verdict(Finding.UNREACHABLE, suspected=suspicions)


def _by_name(probes: tuple[Probe, ...], health: Health) -> dict[str, Probe]:
    """One probe a name; a definite one first, so that a repeated question adds no weight and loses none."""
    chosen: dict[str, Probe] = {}
    for probe in probes:
        if probe.health is health and (probe.name not in chosen or probe.definite):
            chosen[probe.name] = probe
    return chosen


def _remember(
    earlier: tuple[Suspicion, ...], seen: Observation, denied: dict[str, Probe], healthy: set[str], rules: Rules
) -> tuple[Suspicion, ...]:
    """A suspicion is dropped when its probe says healthy, or when it is old and its probe is not asked any more."""
    asked = {probe.name for probe in seen.probes}
    before = {suspicion.probe.name: suspicion for suspicion in earlier}
    kept: list[Suspicion] = []
    for name, suspicion in before.items():
        stale = elapsed(suspicion.last, seen.at) > rules.suspicion_lasts and name not in asked
        if name not in healthy and name not in denied and not stale:
            # A clock that was set back must not keep a suspicion fresh until it has caught up.
            kept.append(replace(suspicion, since=min(suspicion.since, seen.at), last=min(suspicion.last, seen.at)))
    for name, probe in denied.items():
        since = before[name].since if name in before else seen.at
        kept.append(Suspicion(probe, since=min(since, seen.at), last=seen.at))
    return tuple(sorted(kept, key=lambda suspicion: suspicion.probe.name))


def _confirming(
    suspicions: tuple[Suspicion, ...], denied: dict[str, Probe], healthy: set[str], at: datetime, rules: Rules
) -> list[Probe]:
    fresh = [one.probe for one in suspicions if elapsed(one.last, at) <= rules.suspicion_lasts]
    if len(fresh) >= 2:
        return fresh
    contradicted = bool(healthy & OF_THE_KEY)
    stands = {one.probe.name for one in suspicions if elapsed(one.since, at) >= rules.settle}
    return [p for p in denied.values() if p.definite and (not contradicted or p.name in stands)]


def _telling(probes: list[Probe]) -> RevocationCause | None:
    """The cause that says most: one read from a state before one concluded from a refusal."""
    ordered = sorted(probes, key=lambda probe: (not probe.definite, probe.cause is RevocationCause.ACCESS_DENIED))
    return next((probe.cause for probe in ordered if probe.cause), None)
