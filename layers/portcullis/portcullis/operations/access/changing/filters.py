"""Document filters put before the engine that will have to read them, before they are written.

The security API takes any text for a filter. The engine's own reading of queries tells what a file alone cannot: whether it has the
module that a query comes with, and what its version knows. That needs no right on any index: an engine reads the query before it looks
who asks, and reads no document for it.
"""

from __future__ import annotations

import json

from portcullis.access.plan import Blocked, Plan
from portcullis.errors import Refused
from portcullis.families.base import Family
from portcullis.ports.engine import Engine


def unread_filters(family: Family, engine: Engine, plan: Plan) -> tuple[Blocked, ...]:
    """What a plan would write with a filter that this engine cannot read, and why."""
    found: list[Blocked] = []
    asked: dict[str, str] = {}
    for one in family.filters(plan.steps):
        if one.query not in asked:
            asked[one.query] = _why_not(engine, one.query)
        if why := asked[one.query]:
            problem = f"the engine cannot read its document filter on {one.where}: {why}"
            found.append(Blocked(one.claim, problem, "correct the query: written so, nobody would see a document"))
    return tuple(found)


def refuse_unread_filters(family: Family, engine: Engine, plan: Plan) -> None:
    """Refused if there is one: nothing is written then, and the model before stays in force."""
    if unread := unread_filters(family, engine, plan):
        raise Refused("; ".join(str(blocked) for blocked in unread))


def _why_not(engine: Engine, query: str) -> str:
    try:
        return engine.why_no_query(json.loads(query))
    except ValueError as error:
        return f"not JSON: {error}"
