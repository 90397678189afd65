"""What the functions are told by the stacks: environment variables, read in this one place."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from portcullis.errors import BadInput

PAGES = "portcullis-report"  # what the key of every page begins with: the right to write pages ends there


@dataclass(frozen=True, slots=True)
class Settings:
    """Names handed over by the stacks. `settle_seconds`: how old a change must be before a reading of the truth counts as covering it
    (IAM and Cognito are eventually consistent).
    """

    ledger_table: str
    alert_topic: str = ""
    event_bus: str = ""
    identity_dead_letters: str = ""
    key_dead_letters: str = ""
    reminders: str = ""
    settle_seconds: float = 5.0
    queue_tries: int = (
        6  # the queues' maxReceiveCount: after so many the queue itself moves a message to its dead letters
    )
    # Of keys between clusters: deployment -> node -> its config folder, where it can be reached from here; and the tool that writes there.
    keystores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keystore_tool: tuple[str, ...] = ()
    report_bucket: str = ""  # where pages are kept; empty: nowhere
    page_minutes: int = 0  # how often the sweep has each page made anew; 0: never
    page_door: str = ""  # the function, with its alias, that makes pages
    link_minutes: int = 0  # how long a link to the page is good that an alert carries; 0: alerts carry none
    may_delete: bool = False  # only the function behind the door `delete` has the right to delete a domain

    def page_of(self, deployment: str) -> str:
        """Where the account keeps the page of a deployment, as BUCKET/KEY; empty: nowhere."""
        return f"{self.report_bucket}/{PAGES}/{deployment}/report.html" if self.report_bucket else ""

    @staticmethod
    def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
        env = os.environ if environment is None else environment

        def get(name: str, default: str = "") -> str:
            return env.get(f"PORTCULLIS_{name}", default)

        table = get("LEDGER_TABLE")
        if not table:
            raise BadInput("PORTCULLIS_LEDGER_TABLE is not set", source="environment", remedy="name the ledger's table")
        try:
            settle, tries = float(get("SETTLE_SECONDS", "5")), int(get("QUEUE_TRIES", "6"))
            every, good = int(get("PAGE_MINUTES", "0")), int(get("LINK_MINUTES", "0"))
        except ValueError as error:
            raise BadInput(f"no number: {error}", source="environment", place="PORTCULLIS_*", remedy="e.g. 5") from None
        return Settings(
            ledger_table=table,
            alert_topic=get("ALERT_TOPIC"),
            event_bus=get("EVENT_BUS"),
            identity_dead_letters=get("IDENTITY_DEAD_LETTERS"),
            key_dead_letters=get("KEY_DEAD_LETTERS"),
            reminders=get("REMINDERS"),
            settle_seconds=settle,
            queue_tries=tries,
            keystores=_keystores(get("KEYSTORES")),
            keystore_tool=tuple(shlex.split(get("KEYSTORE_TOOL"))),
            report_bucket=get("REPORT_BUCKET"),
            page_minutes=every,
            page_door=get("PAGE_DOOR"),
            link_minutes=good,
            may_delete=get("MAY_DELETE") == "yes",
        )


def _keystores(given: str) -> Mapping[str, Mapping[str, str]]:
    try:
        found = json.loads(given or "{}")
    except ValueError:
        found = None
    ok = isinstance(found, dict) and all(
        isinstance(nodes, dict) and all(isinstance(one, str) and one for one in nodes.values())
        for nodes in found.values()
    )
    if not ok:
        raise BadInput(
            "does not say which node has which config folder",
            source="environment",
            place="PORTCULLIS_KEYSTORES",
            remedy='{"DEPLOYMENT": {"NODE": "/etc/elasticsearch"}}',
        )
    return dict(found)
