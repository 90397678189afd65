"""Writing as the one who has the lease: each write only while it is ours, and what we claim kept before and after."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import timedelta

from portcullis.access.actual import Json, Write
from portcullis.access.plan import Claim, Operation, Plan
from portcullis.errors import Conflict
from portcullis.families.opensearch.config import Kind, SecurityConfig
from portcullis.families.opensearch.patch import parts
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.in_effect import in_doubt_if_silent
from portcullis.ports.engine import Engine
from portcullis.ports.ledger import Claims

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 2.0
_LATE = timedelta(minutes=15)  # no function of ours runs for longer, and so no write of one comes later


def still_ours(site: Site) -> None:
    """Right before a write: the lease lasts from now on. Overtaken if somebody else has it."""
    site.ledger.renew(site.registration.domain_arn)


def added(plan: Plan) -> frozenset[Claim]:
    """What the engine would hold and did not, should the plan's writes come late."""
    return frozenset(step.claim for step in plan.steps if step.operation is Operation.ADD)


def send(engine: Engine, kind: str, operations: Sequence[Json], held: SecurityConfig) -> bool:
    """One PATCH, computed from `held`. Conflict if a mapping that it changes by position moved since.

    An appended entry can overwrite nothing. One that is taken out is taken out by its place in the list, and the engine has no
    operation that would fail if somebody put another one before it: so the mapping is read once more, right before.
    """
    if kind == Kind.MAPPINGS and not all(operation["path"].endswith("/-") for operation in operations):
        now = engine.read([Kind.MAPPINGS])
        moved = {parts(o["path"])[0] for o in operations if not o["path"].endswith("/-")}
        for role in sorted(moved):
            if now.get(Kind.MAPPINGS, role) != held.get(Kind.MAPPINGS, role):
                raise Conflict(f"the mapping of {role} changed meanwhile")
    return engine.patch(kind, operations)


def wait_a_little(services: Services, attempt: int) -> None:
    """Longer each time, and never as long as somebody else's."""
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    services.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret


def send_all(site: Site, engine: Engine, sequence: Sequence[Write], held: SecurityConfig) -> int:
    """These patches one after another, each only while the lease is ours; how many changed something."""
    writes = 0
    with in_doubt_if_silent(site):
        for kind, operations in sequence:
            still_ours(site)
            writes += send(engine, kind, operations, held)
    return writes


def keep_claims(
    site: Site,
    before: Claims,
    after: Collection[Claim],
    *,
    late: frozenset[Claim] = frozenset(),
) -> Claims:
    """Keep these in place of those of `before`, unless they are the same. Conflict if somebody kept others meanwhile.

    `late` is what of them a write may still bring about: for a while it stays claimed, whatever is seen. What was late already
    stays so for as long as it was to.
    """
    until = before.until
    if late and (until is None or not late <= before.late):
        until = site.now() + _LATE
    now = before.becoming(after, late=late, until=until)
    if (now, now.late, now.until) == (before, before.late, before.until):
        return before
    still_ours(site)
    return site.ledger.keep_claims(site.registration.domain_arn, site.name, now)
