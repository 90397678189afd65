"""An alert as SNS and our own bus hand it on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from portcullis.adapters.alerts.half_told import HalfTold
from portcullis.adapters.alerts.sns import SnsAlerts
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.errors import Unreachable
from portcullis.ports.alerts import Alert, of_person
from portcullis.ports.pages import Link, Shown
from portcullis.settings import Settings

from local.aws.emulator import Credentials, Emulator
from tests.adapters.conftest import Clock

pytestmark = pytest.mark.aws
ROOT = Path(__file__).parents[2]
LOCKED = Alert(
    name="locked",
    deployment="demo",
    severity="critical",
    happened="the key was disabled by anna at 03:00",
    done="everybody but break-glass is shut out",
    next="portcullis status demo",
    runbook="key-revoked",
    detail={"at": "03:00", "mappings": ["a", "b"]},
)


@dataclass
class Ears:
    """A topic and a bus, and a queue behind each."""

    aws: Emulator
    topic: str
    bus: str
    mail: str
    events: str

    def alerts(self, credentials: Credentials | None = None, half_told: HalfTold | None = None) -> SnsAlerts:
        sns, events = (self.aws.client(service, credentials=credentials) for service in ("sns", "events"))
        return SnsAlerts(sns, events, topic=self.topic, bus=self.bus, half_told=half_told)

    def mailed(self) -> list[dict[str, Any]]:
        return self._heard(self.mail)

    def put(self) -> list[dict[str, Any]]:
        return self._heard(self.events)

    def _heard(self, queue: str) -> list[dict[str, Any]]:
        found = self.aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.fixture
def ears(calm: Emulator, name: str) -> Ears:
    sqs, sns, events = calm.client("sqs"), calm.client("sns"), calm.client("events")
    mail, heard = (sqs.create_queue(QueueName=f"{name}-{n}")["QueueUrl"] for n in ("mail", "events"))
    topic = sns.create_topic(Name=name)["TopicArn"]
    arn = f"arn:aws:sqs:{calm.region}:{calm.account}:{name}"
    may_send = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**may_send, "Resource": f"{arn}-mail"}]}
    sqs.set_queue_attributes(QueueUrl=mail, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{arn}-mail")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["portcullis"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": f"{arn}-events"}])
    return Ears(calm, topic, name, mail, heard)


def test_an_alert_is_a_message_for_a_person_and_an_event_for_a_tool(ears: Ears) -> None:
    ears.alerts().tell(LOCKED)
    [mail] = ears.mailed()
    _, _, _, region, account, _ = ears.topic.split(":")
    assert mail["Subject"] == f"[critical] locked: demo ({account} {region})"
    assert mail["Message"].splitlines() == [
        "What happened: the key was disabled by anna at 03:00",
        "What was done: everybody but break-glass is shut out",
        "What to do:    portcullis status demo",
        "Runbook:       runbooks/key-revoked.md",
        f"Id:            portcullis:{account}:{region}:demo:locked",
        "  at: 03:00",
        "  mappings: ['a', 'b']",
    ]
    assert {k: v["Value"] for k, v in mail["MessageAttributes"].items()} == {
        "severity": "critical",
        "alert": "locked",
        "deployment": "demo",
        "id": f"portcullis:{account}:{region}:demo:locked",
    }
    [event] = ears.put()
    assert (event["source"], event["detail-type"]) == ("portcullis", "Portcullis Alert")
    assert event["detail"].pop("chat")["content"]["title"] == mail["Subject"]
    assert event["detail"] == {
        "alert": "locked",
        "deployment": "demo",
        "severity": "critical",
        "happened": LOCKED.happened,
        "done": LOCKED.done,
        "next": LOCKED.next,
        "runbook": "key-revoked",
        "id": f"portcullis:{account}:{region}:demo:locked",
        **LOCKED.detail,
    }


@pytest.mark.parametrize(
    "hostile",
    ["ä\u202e\u0000\r\nX-Evil: 1", "x" * 5_000, "\n".join(["What was done: nothing"] * 3), "😀" * 400, "\ud800"],
    ids=["control characters", "long", "lines like ours", "astral", "half a character"],
)
def test_hostile_names_break_nothing_and_look_like_nothing_of_ours(ears: Ears, hostile: str) -> None:
    ears.alerts().tell(
        replace(LOCKED, deployment="demo", name="drift", happened=f"made by {hostile}", detail={"who": hostile})
    )
    ears.alerts().tell(replace(LOCKED, deployment=hostile[:300].replace("\ud800", "?").replace("\u0000", "?")))
    first, second = ears.mailed()
    for mail in (first, second):
        assert len(mail["Subject"]) <= 100
        assert mail["Subject"].endswith(")"), "where it is stands there, however long the name"
        assert mail["Subject"].isascii()
        assert mail["Subject"].isprintable()
        starts = [line.split(":")[0] for line in mail["Message"].splitlines() if not line.startswith(" ")]
        assert starts == ["What happened", "What was done", "What to do", "Runbook", "Id"]
    assert len(ears.put()) == 2


def test_an_alert_with_more_than_can_be_sent_is_sent_without_it(ears: Ears) -> None:
    long = "é" * 300_000
    ears.alerts().tell(replace(LOCKED, happened=long, detail={"drift": ["x" * 1000] * 500}))
    [mail], [event] = ears.mailed(), ears.put()
    assert "(cut, of 300000 characters)" in mail["Message"]
    assert len(json.dumps(event)) < 256 * 1024
    assert "left out" in event["detail"]


def test_detail_never_stands_for_the_words_of_the_alert(ears: Ears) -> None:
    ears.alerts().tell(replace(LOCKED, detail={"alert": "unlocked", "severity": "info"}))
    [event] = ears.put()
    assert (event["detail"]["alert"], event["detail"]["severity"]) == ("locked", "critical")


def test_where_pages_are_kept_an_alert_names_the_place_and_no_link(ears: Ears) -> None:
    sns, events = ears.aws.client("sns"), ears.aws.client("events")
    pages = Settings("ledger", report_bucket="pages").page_of
    alerts = SnsAlerts(sns, events, topic=ears.topic, bus=ears.bus, page_of=pages)
    for deployment in ("demo", "account", "../x"):
        alerts.tell(replace(LOCKED, deployment=deployment))
    place = "pages/portcullis-report/demo/report.html"
    said = [one["Message"].splitlines()[5] for one in ears.mailed()]
    assert said == [f"Page:          {place} (portcullis report demo --to-bucket)", *["  at: 03:00"] * 2]
    assert [one["detail"].get("page") for one in ears.put()] == [place, None, None]


WRITTEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LINK = Link("https://pages.example/report.html?X-Amz-Signature=0", WRITTEN + timedelta(minutes=70))


def test_where_the_file_asks_for_it_an_alert_leads_to_its_part_of_the_page(ears: Ears) -> None:
    asked: list[str] = []

    def shown(deployment: str) -> Shown:
        asked.append(deployment)
        return Shown(WRITTEN, LINK)

    pages = Settings("ledger", report_bucket="pages").page_of
    sns, events = ears.aws.client("sns"), ears.aws.client("events")
    alerts = SnsAlerts(sns, events, topic=ears.topic, bus=ears.bus, page_of=pages, shown=shown)
    alerts.tell(LOCKED)
    alerts.tell(replace(LOCKED, about=of_person("a\n#&=ä")))
    alerts.tell(replace(LOCKED, deployment="account"))
    whole, person, account = (one["Message"].splitlines() for one in ears.mailed())
    assert whole[5:7] == [
        f"Page:          {LINK.url}#gate",
        "               (as of 2026-11-24 09:00:00 UTC; whoever holds the link may read it until 2026-11-24 10:10:00 UTC)",
    ]
    assert person[5].endswith("#person=a%0A%23%26%3D%C3%A4")
    assert not [line for line in account if line.startswith("Page")]
    details = [one["detail"] for one in ears.put()]
    assert [one.get("page_link", "").rpartition("#")[0] for one in details] == [LINK.url, LINK.url, ""]
    assert [one.get("page_until") for one in details] == ["2026-11-24T10:10:00Z"] * 2 + [None]
    assert asked == ["demo"] * 2, "once an alert, though it goes two ways"


@pytest.mark.parametrize("fails", [Unreachable("S3 did not answer"), KeyError("x")], ids=["no answer", "a mistake"])
def test_an_alert_without_a_link_is_an_alert_all_the_same(ears: Ears, fails: Exception) -> None:
    def shown(_: str) -> Shown:
        raise fails

    pages = Settings("ledger", report_bucket="pages").page_of
    sns, events = ears.aws.client("sns"), ears.aws.client("events")
    SnsAlerts(sns, events, topic=ears.topic, bus=ears.bus, page_of=pages, shown=shown).tell(LOCKED)
    [mail], [event] = ears.mailed(), ears.put()
    assert "(portcullis report demo --to-bucket)" in mail["Message"]
    assert "page_link" not in event["detail"]


def test_the_id_of_an_alert_is_the_same_each_time_and_nobody_else_s(ears: Ears) -> None:
    for alert in (
        LOCKED,
        replace(LOCKED, happened="again"),
        replace(LOCKED, deployment="two"),
        replace(LOCKED, name="x"),
    ):
        ears.alerts().tell(alert)
    first, again, two, other = (one["MessageAttributes"]["id"]["Value"] for one in ears.mailed())
    assert first == again
    assert len({first, two, other}) == 3


@pytest.fixture
def chat(ears: Ears, name: str) -> Callable[[], dict[str, Any]]:
    """What a chat is given by the rule of docs/alerts.md, the latest."""
    sqs, sns, events = ears.aws.client("sqs"), ears.aws.client("sns"), ears.aws.client("events")
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    (path,) = re.findall(r'"InputPath": "([^"]+)"', page)
    (policy,) = re.findall(r'^{"Version".*?^```', page, re.DOTALL | re.MULTILINE)
    queue = sqs.create_queue(QueueName=f"{name}-chat")["QueueUrl"]
    topic = sns.create_topic(Name=f"{name}-chat")["TopicArn"]
    lets = policy.strip("`").replace("arn:aws:sns:eu-central-1:111122223333:our-chat", topic)
    rule = f"arn:aws:events:{ears.aws.region}:{ears.aws.account}:rule/{ears.bus}/chat"
    lets = lets.replace("arn:aws:events:eu-central-1:111122223333:rule/portcullis/to-our-chat", rule)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(json.loads(lets)))
    hears = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    whole = {"Version": "2012-10-17", "Statement": [{**hears, "Resource": topic.replace(":sns:", ":sqs:")}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(whole)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=topic.replace(":sns:", ":sqs:"))
    events.put_rule(Name="chat", EventBusName=ears.bus, EventPattern=json.dumps({"source": ["portcullis"]}))
    target = {"Id": "chat", "Arn": topic, "InputPath": path}
    assert events.put_targets(Rule="chat", EventBusName=ears.bus, Targets=[target])["FailedEntryCount"] == 0

    def latest() -> dict[str, Any]:
        [one] = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        found: dict[str, Any] = json.loads(json.loads(one["Body"])["Message"])
        return found

    return latest


def test_a_rule_hands_an_alert_to_a_chat_as_the_chat_asks_for_it(
    ears: Ears, chat: Callable[[], dict[str, Any]]
) -> None:
    ears.alerts().tell(LOCKED)
    _, _, _, region, account, _ = ears.topic.split(":")
    title = f"[critical] locked: demo ({account} {region})"
    assert chat() == {
        "version": "1.0",
        "source": "custom",
        "content": {
            "title": title,
            "description": f"{LOCKED.happened}\n{LOCKED.done}",
            "nextSteps": [LOCKED.next, "runbooks/key-revoked.md"],
        },
        "metadata": {
            "threadId": f"portcullis:{account}:{region}:demo:locked",
            "summary": title,
            "eventType": "locked",
            "relatedResources": ["demo"],
        },
    }


@pytest.mark.parametrize(
    "hostile",
    ['"}}\\', "<!channel> <@U1>", "[status](https://evil.example)", "a\nWhat to do: nothing", "😀" * 4_000],
    ids=["quotes", "a mention", "a link", "a line", "astral"],
)
def test_a_name_is_text_in_a_chat_too(ears: Ears, chat: Callable[[], dict[str, Any]], hostile: str) -> None:
    """An input transformer would break off at a quote; the whole object is handed on instead."""
    ears.alerts().tell(replace(LOCKED, happened=f"made by {hostile}"))
    said = chat()["content"]["description"]
    assert said.startswith("made by ")
    assert len(said.splitlines()) == 2
    assert len(said) < 1_200
    assert not re.search(r"[<>]|\]\(", said)


def test_either_way_may_be_closed(ears: Ears) -> None:
    aws = ears.aws
    SnsAlerts(aws.client("sns"), aws.client("events"), topic="", bus=ears.bus).tell(LOCKED)
    assert (len(ears.mailed()), len(ears.put())) == (0, 1)
    SnsAlerts(aws.client("sns"), aws.client("events"), topic=ears.topic, bus="").tell(LOCKED)
    assert (len(ears.mailed()), len(ears.put())) == (1, 0)


@pytest.mark.parametrize(("may", "missing"), [("events:PutEvents", "sns:Publish"), ("sns:Publish", "events:PutEvents")])
def test_a_refused_way_is_named_by_its_right_and_the_other_is_used(
    ears: Ears, person: Callable[..., Credentials], may: str, missing: str
) -> None:
    few = person(may)
    sns, events = (ears.aws.client(service, credentials=few) for service in ("sns", "events"))
    with pytest.raises(Unreachable, match=f"locked was not sent: .*not authorized to perform: {missing}"):
        SnsAlerts(sns, events, topic=ears.topic, bus=ears.bus).tell(LOCKED)
    assert (len(ears.mailed()), len(ears.put())) == ((0, 1) if missing == "sns:Publish" else (1, 0))


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
def test_a_way_that_does_not_answer_is_told_and_keeps_nothing_from_the_other(ears: Ears, kind: str) -> None:
    ears.aws.admin("fault", actions=["sns:*"], kind=kind)
    with pytest.raises(Unreachable, match="locked was not sent"):
        ears.alerts().tell(LOCKED)
    assert len(ears.put()) == 1
    ears.aws.admin("mend")
    ears.aws.admin("fault", actions=["events:PutEvents"], kind=kind)
    with pytest.raises(Unreachable):
        ears.alerts().tell(LOCKED)
    assert len(ears.mailed()) == 1


@pytest.mark.parametrize(
    ("closed", "way", "heard"), [("sns:Publish", "put", "mailed"), ("events:PutEvents", "mailed", "put")]
)
def test_an_open_way_hears_once_what_is_told_at_every_look(
    ears: Ears, ledger: DynamoLedger, clock: Clock, closed: str, way: str, heard: str
) -> None:
    def look(*alerts: Alert) -> None:
        for alert in alerts:
            with suppress(Unreachable):
                ears.alerts(half_told=HalfTold(ledger, clock)).tell(alert)  # as each look may be another process

    other = replace(LOCKED, happened="the key was disabled by ben at 04:00")
    ears.aws.admin("fault", actions=[closed], kind="server-error")
    look(LOCKED, other, LOCKED)
    assert len(getattr(ears, way)()) == 2, "another one is told besides"
    ears.aws.admin("mend")
    look(LOCKED)
    assert (len(getattr(ears, way)()), len(getattr(ears, heard)())) == (0, 1)
    look(LOCKED)
    assert (len(getattr(ears, way)()), len(getattr(ears, heard)())) == (1, 1), (
        "what comes again after it was told is new"
    )
    clock.at += timedelta(hours=3)
    look(other)
    assert len(getattr(ears, way)()) == 1, "nobody has told it meanwhile: it is another one"


def test_of_two_that_are_half_told_at_the_same_moment_each_is_heard_once(
    ears: Ears, ledger: DynamoLedger, clock: Clock
) -> None:
    other, between = replace(LOCKED, happened="the key was disabled by ben at 04:00"), [True]

    def now() -> datetime:
        if between:  # somebody else tells the other one, between what was read here and what is kept
            between.clear()
            with suppress(Unreachable):
                ears.alerts(half_told=HalfTold(ledger, clock)).tell(other)
        return clock()

    told = HalfTold(ledger, clock)
    told.keep(replace(LOCKED, happened="earlier"), ["bus"])
    ears.aws.admin("fault", actions=["sns:Publish"], kind="server-error")
    told._now = now
    told.keep(LOCKED, ["bus"])
    for alert in (LOCKED, other):
        assert HalfTold(ledger, clock).took(alert) == {"bus"}
    ears.aws.admin("mend")


def test_a_ledger_that_does_not_answer_keeps_no_alert_from_being_told(
    ears: Ears, ledger: DynamoLedger, clock: Clock
) -> None:
    ears.aws.admin("fault", actions=["dynamodb:*"], kind="server-error")
    ears.alerts(half_told=HalfTold(ledger, clock)).tell(LOCKED)
    ears.aws.admin("mend")
    assert (len(ears.mailed()), len(ears.put())) == (1, 1)


def test_what_we_may_not_send_is_not_sent_yet(ears: Ears, person: Callable[..., Credentials]) -> None:
    """Whoever takes that right away, or the topic, stops nothing but the telling: it is like a topic that does not answer."""
    with pytest.raises(Unreachable, match=r"locked was not sent: (AuthorizationError|AccessDenied)"):
        ears.alerts(person("events:PutEvents")).tell(LOCKED)
    assert len(ears.put()) == 1
    gone = f"{ears.topic}-gone"
    with pytest.raises(Unreachable, match="locked was not sent: NotFound"):
        SnsAlerts(ears.aws.client("sns"), ears.aws.client("events"), topic=gone, bus=ears.bus).tell(LOCKED)
    assert len(ears.put()) == 1
