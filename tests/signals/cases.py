"""The events in `events/`, where they come from, and what is expected of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EVENTS = HERE / "events"


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return loaded


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


EXPECTED = {row["file"]: row for row in rows("expected.tsv")}
NAMES = sorted(path.name for path in EVENTS.glob("*.json"))


def wrapped(record: dict[str, Any]) -> dict[str, Any]:
    """A bare CloudTrail record as EventBridge delivers it."""
    kind = "Service Event" if record.get("eventType") == "AwsServiceEvent" else "API Call"
    return {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": f"AWS {kind} via CloudTrail",
        "source": "aws." + record["eventSource"].partition(".")[0],
        "account": record.get("recipientAccountId", record["userIdentity"].get("accountId", "")),
        "time": record.get("eventTime", ""),
        "region": record.get("awsRegion", ""),
        "resources": [],
        "detail": record,
    }
