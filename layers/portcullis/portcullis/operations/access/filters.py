"""Document filters put before the engine that will have to read them, before they are written.

The security API takes any text for a filter. The engine's own reading of queries tells what a file alone cannot: whether it has the
module that a query comes with, and what its version knows. That needs no right on any index: an engine reads the query before it looks
who asks, and reads no document for it.
"""

from __future__ import annotations

import json

from portcullis.access.plan import Blocked, Operation, Plan
from portcullis.errors import Refused
from portcullis.families.opensearch.attributes import with_attributes
from portcullis.families.opensearch.config import Kind
from portcullis.ports.engine import Engine


def unread_filters(engine: Engine, plan: Plan) -> tuple[Blocked, ...]:
    """The roles that a plan would write with a filter that this engine cannot read, and why."""
    found: list[Blocked] = []
    asked: dict[str, str] = {}
    for step in plan.steps:
        if step.claim.kind != Kind.ROLES or step.operation is Operation.REMOVE:
            continue
        for entry in step.after.get("index_permissions") or ():
            dls = entry.get("dls")
            if not dls:
                continue
            if dls not in asked:
                asked[dls] = _why_not(engine, dls)
            if why := asked[dls]:
                where = ", ".join(entry.get("index_patterns") or ())
                problem = f"the engine cannot read its document filter on {where}: {why}"
                found.append(Blocked(step.claim, problem, "correct the query: written so, nobody would see a document"))
    return tuple(found)


def refuse_unread_filters(engine: Engine, plan: Plan) -> None:
    """Refused if there is one: nothing is written then, and the model before stays in force."""
    if unread := unread_filters(engine, plan):
        raise Refused("; ".join(str(blocked) for blocked in unread))


def _why_not(engine: Engine, dls: str) -> str:
    try:
        query = json.loads(with_attributes(dls))
    except ValueError as error:
        return f"not JSON: {error}"
    return engine.why_no_query(query)
