"""What is told: a message a person can act on (SNS), and the same as an event for other tools (our own EventBridge bus)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from portcullis.adapters.alerts.chat import notification
from portcullis.adapters.alerts.half_told import HalfTold
from portcullis.clients import answered_no, unanswered
from portcullis.errors import Unreachable
from portcullis.ports.alerts import Alert
from portcullis.ports.pages import Shown
from portcullis.words import in_data, line, moment

log = logging.getLogger(__name__)
_DEPLOYMENT = re.compile(r"(?!account$)[a-z][a-z0-9-]{2,20}")  # what is told of the account stands under that name
_SUBJECT_CHARACTERS = 100  # SNS refuses longer ones
# SNS and EventBridge take 256 KB, and a character may be twelve bytes of JSON: three texts and the detail stay below.
_TEXT_CHARACTERS, _DETAIL_BYTES = 4_000, 60_000


def no_link(deployment: str) -> Shown | None:
    """Alerts name the place of a page, and have no link to it."""


@dataclass(frozen=True, slots=True)
class _Page:
    place: str
    fragment: str
    shown: Shown | None


class SnsAlerts:
    """The Alerts protocol. Either of `topic` (ARN) and `bus` (name) may be empty: then that way is not used.

    `page_of`: where a deployment's page is kept, as BUCKET/KEY. `shown`: the page of a deployment that the automation wrote
    last, with a link to it for whoever holds it; None where there is none, or the account's file asks for no links.

    `half_told`: what remembers which way took an alert that the other one did not take. Without it both get it again.

    Both ways are tried, so that one that is closed keeps nothing from the other. Raises Unreachable if one gave no answer.
    """

    def __init__(
        self,
        sns: Any,
        events: Any,
        *,
        topic: str,
        bus: str,
        page_of: Callable[[str], str] = lambda _: "",
        shown: Callable[[str], Shown | None] = no_link,
        half_told: HalfTold | None = None,
    ) -> None:
        self._sns, self._events, self._topic, self._bus = sns, events, topic, bus
        self._page_of, self._shown, self._half_told = page_of, shown, half_told

    def tell(self, alert: Alert) -> None:
        alert = fitting(alert)
        page = self._page(alert)
        both = ("topic", self._topic, self._publish), ("bus", self._bus, self._put)
        ways = {name: way for name, there, way in both if there}
        half_told = self._half_told if len(ways) > 1 else None
        before = half_told.took(alert) if half_told else frozenset[str]()
        took, failures = set(before), list[Exception]()
        for name in [name for name in ways if name not in before]:
            try:
                ways[name](alert, page)
                took.add(name)
            except Exception as error:
                # Also where it is refused, or the topic is gone: whoever tells goes on without, and tells it another time.
                why = unanswered(error) or answered_no(error)
                failures.append(Unreachable(f"the alert {alert.name} was not sent: {why}") if why else error)
        if half_told and (before or (took and failures)):
            half_told.keep(alert, took if failures else ())
        if failures:
            raise failures[0]

    def _publish(self, alert: Alert, page: _Page | None) -> None:
        attributes = {
            "severity": alert.severity,
            "alert": alert.name,
            "deployment": alert.deployment or "-",
            "id": stable_id(alert, self._topic),
        }
        self._sns.publish(
            TopicArn=self._topic,
            Subject=subject(alert, self._topic),
            Message=text(alert, self._topic, page),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def _put(self, alert: Alert, page: _Page | None) -> None:
        detail = {
            **alert.detail,
            "alert": alert.name,
            "deployment": alert.deployment,
            "severity": alert.severity,
            "happened": alert.happened,
            "done": alert.done,
            "next": alert.next,
            "runbook": alert.runbook,
        }
        if self._topic:
            detail["id"] = stable_id(alert, self._topic)
        more = [f"runbooks/{alert.runbook}.md"] if alert.runbook else []
        if page:
            detail["page"] = page.place
            if page.shown:
                until = in_data(page.shown.link.until)
                detail["page_link"], detail["page_until"] = f"{page.shown.link.url}#{page.fragment}", until
                more.append(detail["page_link"])
        detail["chat"] = notification(alert, subject(alert, self._topic), stable_id(alert, self._topic), more)
        entry = {
            "EventBusName": self._bus,
            "Source": "portcullis",
            "DetailType": "Portcullis Alert",
            "Detail": json.dumps(detail, default=str),
        }
        answer = self._events.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise Unreachable(f"the alert {alert.name} was not put on {self._bus}: {answer['Entries'][0]}")

    def _page(self, alert: Alert) -> _Page | None:
        """Of a deployment: the account has none. What cannot be looked up or signed keeps no alert from being sent."""
        place = self._page_of(alert.deployment) if _DEPLOYMENT.fullmatch(alert.deployment) else ""
        if not place:
            return None
        try:
            return _Page(place, alert.about, self._shown(alert.deployment))
        except Exception as error:
            log.warning("no link to the page of %s: %s", alert.deployment, error)
            return _Page(place, alert.about, None)


def fitting(alert: Alert) -> Alert:
    """The alert with lines that are lines: names in it come from outside, and must neither look like ours nor be too long to send."""
    detail: dict[str, Any] = alert.detail
    if len(json.dumps(detail, default=str)) > _DETAIL_BYTES:
        detail = {"left out": "too long to send; see the history of the deployment"}
    said = {name: _line(getattr(alert, name)) for name in ("happened", "done", "next")}
    return replace(alert, deployment=line(alert.deployment, 100), detail=detail, **said)


def _line(words: object) -> str:
    return " ".join(line(words, _TEXT_CHARACTERS).split())


def subject(alert: Alert, topic: str) -> str:
    """One line of printable ASCII, as SNS asks: how bad, what, of which deployment, and where: the account and the Region of the topic
    are those of what it tells of. A name that is too long is cut, and never the end."""
    region, account = (topic.split(":") + [""] * 5)[3:5]
    where = f" ({account} {region})"
    what = f"[{alert.severity}] {alert.name}: {alert.deployment}"[: _SUBJECT_CHARACTERS - len(where)]
    return "".join(c if 31 < ord(c) < 127 else "?" for c in what + where)


def stable_id(alert: Alert, topic: str) -> str:
    """The same each time the same alert of the same deployment is told: what pagers put together by."""
    region, account = (topic.split(":") + [""] * 5)[3:5]
    return f"portcullis:{account}:{region}:{alert.deployment or '-'}:{alert.name}"


def text(alert: Alert, topic: str = "", page: _Page | None = None) -> str:
    """The alert as it reads at 3 a.m. `page`: where the deployment's page is kept, and how to see it."""
    lines = [
        f"What happened: {alert.happened}",
        f"What was done: {alert.done}",
        f"What to do:    {alert.next}",
    ]
    if alert.runbook:
        lines.append(f"Runbook:       runbooks/{alert.runbook}.md")
    if topic:
        lines.append(f"Id:            {stable_id(alert, topic)}")
    if page and page.shown:
        until = moment(page.shown.link.until)
        lines.append(f"Page:          {page.shown.link.url}#{page.fragment}")
        lines.append(
            f"               (as of {moment(page.shown.written)}; whoever holds the link may read it until {until})"
        )
    elif page:
        lines.append(f"Page:          {page.place} (portcullis report {alert.deployment} --to-bucket)")
    lines += [f"  {name}: {_line(str(value))}" for name, value in alert.detail.items()]
    return "\n".join(lines)
