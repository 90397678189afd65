"""The lock-out guard, asked before anything is written: nobody who must not be is locked out on the way, and nobody let in who is not."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.guard import guard_plan
from portcullis.errors import Refused
from portcullis.operations import alert_table
from portcullis.operations.access.changing.foundation import keepers
from portcullis.operations.services import Site, Trigger
from portcullis.operations.telling import tell_or_keep


def dangers(site: Site, held: Actual, sequence: Sequence[Write], wanted: Desired) -> list[str]:
    """On the way of these writes somebody is locked out who must not be: whom, in words. An old danger does not stop its own repair."""
    found = guard_plan(site.family, held, sequence, keepers(site.registration), wanted)
    return [str(danger) for danger in found if danger.refuses]


def refuse_lock_out(site: Site, held: Actual, sequence: Sequence[Write], wanted: Desired, cause: Trigger) -> None:
    """Refuse writes on whose way somebody who must not be is locked out."""
    if not (refusals := dangers(site, held, sequence, wanted)):
        return
    told = "; ".join(refusals)
    alert = alert_table.LOCK_OUT_REFUSED.of(
        site.name,
        f"a change would have locked out somebody who must not be: {told}",
        detail={"cause": cause.what, "actor": cause.actor},
    )
    tell_or_keep(site.services, alert)  # it is refused all the same, and those who left go alone then
    raise Refused(f"refused: {told}")
