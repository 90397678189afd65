"""What was changed by hand, told before it is put right: no later look finds it."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.drift import Drift
from portcullis.operations import alert_table
from portcullis.operations.services import Site, Trigger
from portcullis.operations.telling import over, tell_once_or_keep


def tell_drift(site: Site, found: Sequence[Drift], cause: Trigger) -> tuple[Drift, ...]:
    """Told, and in the history, once for the same findings; what of it is of any weight."""
    # What is of no weight lies elsewhere on the domain, and is nobody's business here.
    grave = tuple(one for one in found if one.severity != "info")
    if not grave:
        over(site.services, site.name, alert_table.DRIFT.name)
        return ()
    words = [str(one) for one in grave]
    severity = "critical" if any(one.severity == "critical" for one in grave) else "warning"
    happened = f"the engine holds something else than the model asks for: {'; '.join(words[:20])}"
    alert = alert_table.DRIFT.of(site.name, happened, severity=severity, detail={"drift": words})
    # What is ours is put right next, told or not: no later look finds it again.
    if tell_once_or_keep(site.services, alert, "\n".join(words)):
        site.record("drift", cause, alert.happened[:1000], after=words)
    return grave
