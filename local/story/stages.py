"""The story of `make demo`, stage by stage. Each stage does with real calls what people do, and says what was seen."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from portcullis.adapters.ledger.dynamo import DynamoLedger

from local.embedded import ACCOUNT, APPLICATION_ROLE, REGION, Embedded, role_arn
from local.people import Caller, People, until
from local.story import repeated
from local.story.book import Book, Stage

INDEX = "catalyst-orders"
GRANTS, LOCKS, BURST = 20, 3, 200
DOCUMENTS = [
    {"order": 1, "region": "eu", "customer": "Ines Brandt", "card": "4024007134", "total": 120},
    {"order": 2, "region": "eu", "customer": "Owen Reyes", "card": "4539170921", "total": 75},
    {"order": 3, "region": "us", "customer": "Ada Novak", "card": "4716258290", "total": 310},
]


@dataclass
class Cast:
    """Who appears in more than one stage."""

    embedded: Embedded
    people: People
    application: Caller
    others: dict[str, Caller] = field(default_factory=dict)

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """As the node's own administrator, past door and roles: to look at what the engine really holds."""
        status, answer = self.embedded.node.ask(method, path, body)
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer

    def mappings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.engine("GET", "/_plugins/_security/api/rolesmapping")
        return found

    def access(self) -> dict[str, Any]:
        """Who has which role, as the engine holds it: what a lock puts aside and an unlock puts back."""
        return self.mappings()

    def with_another(
        self, before: dict[str, Any], after: dict[str, Any], user: str
    ) -> tuple[list[str], dict[str, Any]]:
        """The roles that somebody of the pool has afterwards, and what there was before with these beside it."""
        entry = self.entry(user)
        plus = sorted(role for role in after if entry in after[role]["users"])
        expected = json.loads(json.dumps(before))
        for role in plus:
            expected[role]["users"].append(entry)
        return plus, expected

    def break_glass(self) -> Caller:
        return self.people.with_role(f"portcullis-{self.embedded.deployment}-break-glass")

    def roles_of(self, caller: Caller) -> list[str]:
        """What the engine says that somebody has."""
        info = caller.ask("GET", "/_plugins/_security/authinfo")
        info.raise_for_status()
        return list(info.json()["roles"])

    def entry(self, user: str) -> str:
        """What stands for somebody of the pool in `mappings`."""
        return f"Cognito/{self.people.pool}/{user}"

    def operate(self, verb: str, level: str = "look", **request: Any) -> Any:
        """A verb through the `operate` function, as the runbooks call it."""
        lambdas = self.embedded.aws.client("lambda")
        answer = lambdas.invoke(
            FunctionName=self.embedded.output("OperateFunction"),
            Qualifier=level,
            Payload=json.dumps({"verb": verb, "actor": "demo", **request}),
        )
        told = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or told.get("exit_status") not in (0, 3):
            raise RuntimeError(f"{verb}: {told}")
        return told["answer"]

    def state(self) -> str:
        """The custody's, as the ledger has it: one request, where the verb `status` reads groups and engine too. Who waits for a state
        asks often, and would hold up what they wait for."""
        ledger = DynamoLedger(self.embedded.aws.client("dynamodb"), self.embedded.output("LedgerTable"))
        return str(ledger.custody(self.embedded.deployment).state.value)


def doors(stage: Stage, cast: Cast) -> None:
    """What the front door lets through and what it does not."""
    url = f"https://{cast.embedded.door}/{INDEX}/_search"
    ca = str(cast.embedded.door_ca)
    bare = requests.Session()
    bare.trust_env = False
    unsigned = bare.get(url, verify=ca, timeout=10).status_code
    stage.expect(unsigned == 403, "an unsigned request: 403", instead=unsigned)
    signed = cast.application.session.prepare_request(requests.Request("GET", url))
    stage.expect(bare.send(signed, verify=ca, timeout=10).status_code in (200, 404), "a signed request passes the door")
    signed.headers["Authorization"] = signed.headers["Authorization"][:-4] + "0000"
    wrong = bare.send(signed, verify=ca, timeout=10).status_code
    stage.expect(wrong == 403, "the same with a wrong signature: 403", instead=wrong)
    late = cast.application.session.prepare_request(
        requests.Request("GET", url, headers={"x-amz-date": "20260101T000000Z"})
    )
    replayed = bare.send(late, verify=ca, timeout=10).status_code
    stage.expect(replayed == 403, "one signed long ago: 403", instead=replayed)


def set_up(stage: Stage, cast: Cast) -> None:
    """What `domain_setup` left on the domain."""
    roles = cast.engine("GET", "/_plugins/_security/api/roles")
    for role in ("level_application", "level_support", "catalyst_analyst", "portcullis_lock"):
        stage.expect(role in roles, f"role {role} is there")
    automation = next(o["AutomationRole"] for o in cast.embedded.outputs.values() if "AutomationRole" in o)
    held = sorted(r for r, m in cast.mappings().items() if automation in m["backend_roles"])
    stage.expect(
        held == ["portcullis_lock", "security_manager"],
        f"the automation holds {', '.join(held)} and no data",
        instead=held,
    )
    for number, document in enumerate(DOCUMENTS):
        answer = cast.application.ask("PUT", f"/{INDEX}/_doc/{number}?refresh=true", document)
        stage.expect(
            answer.status_code == 201, f"order {number + 1} indexed by the application", instead=answer.text[:200]
        )


def grant(stage: Stage, cast: Cast) -> None:
    """Somebody joins a group, and sees what the group may see."""
    people = cast.people
    nobody = people.at_dashboards(people.cognito_user("eli.stone"))
    stage.expect(not nobody.may_search(INDEX), "eli.stone is in no group: no role for him at sign-in, refused")
    # In a group before she signs in, as everybody is who gets in at all: with the role choice set to deny, a token without one is refused.
    people.join(people.cognito_user("maya.lin.support"), "dashboards")
    maya = people.at_dashboards("maya.lin.support")
    cast.others["maya"] = maya
    until(lambda: _is_mapped(cast, "opensearch_dashboards_user", maya.name), what="maya is mapped")
    stage.expect(not maya.may_search(INDEX), "maya.lin.support has Dashboards only, and reads no index")
    people.join("maya.lin.support", "support")
    took = until(lambda: maya.may_search(INDEX), what="maya may search")
    stage.note(f"AdminAddUserToGroup support: her search is answered {took:.2f} s later")
    hits = maya.ask("GET", f"/{INDEX}/_search").json()["hits"]["total"]["value"]
    stage.expect(hits == len(DOCUMENTS), f"she sees {hits} orders", instead=hits)
    stage.expect(not maya.may_write(INDEX), "her write is refused")

    omar = people.iam_user("omar.haddad.support")
    cast.others["omar"] = omar
    stage.expect(not omar.may_search(INDEX), "IAM user omar.haddad.support sees nothing at the API door")
    cast.embedded.aws.client("iam").add_user_to_group(GroupName="catalyst-support", UserName=omar.name)
    took = until(lambda: omar.may_search(INDEX), what="omar may search")
    stage.note(f"AddUserToGroup catalyst-support (IAM, relayed from us-east-1): answered {took:.2f} s later")

    people.cognito_user("anna.koch")
    people.join("anna.koch", "analysts")
    anna = people.at_dashboards("anna.koch")
    until(lambda: anna.may_search(INDEX), what="anna may search")
    found = anna.ask("GET", f"/{INDEX}/_search").json()["hits"]["hits"]
    sources = [hit["_source"] for hit in found]
    stage.expect(
        len(sources) == 2 and all(s["region"] == "eu" and "customer" not in s and len(s["card"]) > 20 for s in sources),
        "anna.koch, by her group's role from the token: 2 orders of 3, no customer, the card masked",
        instead=sources,
    )


def revoke(stage: Stage, cast: Cast) -> None:
    """Somebody leaves a group."""
    maya = cast.others["maya"]
    cast.people.leave("maya.lin.support", "support")
    took = until(lambda: not maya.may_search(INDEX), what="maya is refused")
    stage.note(f"AdminRemoveUserFromGroup support: refused {took:.2f} s later")
    omar = cast.others["omar"]
    cast.embedded.aws.client("iam").remove_user_from_group(GroupName="catalyst-support", UserName=omar.name)
    took = until(lambda: not omar.may_search(INDEX), what="omar is refused")
    stage.note(f"RemoveUserFromGroup catalyst-support: refused {took:.2f} s later")


def lock(stage: Stage, cast: Cast, alerts: Alerts) -> None:
    """The key is disabled; everybody but break-glass is shut out."""
    people = cast.people
    people.join("maya.lin.support", "support")
    maya = cast.others["maya"]
    until(lambda: maya.may_search(INDEX), what="maya may search again")
    until(lambda: not waiting(cast), what="the queues are empty")
    cast.others["before"] = maya
    cast.before = cast.access()  # type: ignore[attr-defined]
    kms, key = cast.embedded.aws.client("kms"), cast.embedded.output("KeyArn")
    kms.disable_key(KeyId=key)
    took = until(lambda: not cast.application.may_search(INDEX), what="the application is refused")
    stage.note(f"DisableKey: the application's search is refused {took:.2f} s later")
    until(lambda: cast.state() == "locked", what="the deployment is locked")
    stage.expect(
        not maya.may_search(INDEX) and not cast.application.may_write(INDEX), "searches and writes are refused"
    )
    break_glass = cast.break_glass()
    stage.expect(not cast.roles_of(break_glass), "break-glass has no role ...")
    stage.expect(not break_glass.may_search(INDEX), "... and reads nothing before a reason is given")
    cast.operate(
        "break-glass", "act", deployment=cast.embedded.deployment, arguments={"reason": "the demo", "minutes": 5}
    )
    stage.expect(break_glass.may_search(INDEX), "with a reason and for 5 minutes it reads")
    stage.expect(not break_glass.may_write(INDEX), "it writes nothing: that was not asked for")
    stage.expect(not maya.may_search(INDEX), "nobody else does")
    cast.operate("end-break-glass", "act", deployment=cast.embedded.deployment)
    stage.expect(not break_glass.may_search(INDEX), "ended: it reads nothing again")
    told = alerts.named("locked")
    stage.expect(len(told) == 1, "one alert was told", instead=[one["alert"] for one in alerts.all()])
    stage.note(f"what happened: {told[0]['happened']}")
    stage.note(f"what was done: {told[0]['done']}")
    stage.note(f"what to do: {told[0]['next']}")


def unlock(stage: Stage, cast: Cast) -> None:
    """The key comes back, and so does everything, with what happened to the groups meanwhile."""
    people = cast.people
    people.cognito_user("noor.aziz.support")
    people.join("noor.aziz.support", "support")
    noor = people.at_dashboards("noor.aziz.support")
    time.sleep(1)
    stage.expect(not noor.may_search(INDEX), "noor joins the group while it is locked: still refused")
    kms, key = cast.embedded.aws.client("kms"), cast.embedded.output("KeyArn")
    kms.enable_key(KeyId=key)
    took = until(lambda: cast.application.may_search(INDEX), what="the application may search")
    stage.note(f"EnableKey: the application's search is answered {took:.2f} s later")
    took = until(lambda: noor.may_search(INDEX), what="noor may search")
    stage.note("noor's search is answered: what the groups did while it was locked is applied")
    before, after = cast.before, cast.access()  # type: ignore[attr-defined]
    plus, expected = cast.with_another(before, after, "noor.aziz.support")
    stage.expect(
        json.dumps(after, sort_keys=True) == json.dumps(expected, sort_keys=True),
        f"who has which role is byte for byte as before, plus noor in {', '.join(plus)}"
        f" (sha256 {hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()[:12]})",
        instead={one: (before.get(one), after.get(one)) for one in after if after[one] != expected.get(one)},
    )
    stage.expect(cast.application.may_write(INDEX), "the application writes again")


def dead_letters(stage: Stage, cast: Cast, alerts: Alerts) -> None:
    """An event that cannot be handled is kept whole, told, and delays nobody."""
    aws = cast.embedded.aws
    broken = {
        "eventVersion": "1.11",
        "eventSource": "cognito-idp.amazonaws.com",
        "eventName": "AdminAddUserToGroup",
        "awsRegion": REGION,
        "recipientAccountId": ACCOUNT,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventID": "0badc0de-0000-4000-8000-000000000000",
        "eventType": "AwsApiCall",
        "requestParameters": {"userPoolId": cast.people.pool},
    }
    entry = {"Source": "aws.cognito-idp", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(broken)}
    aws.client("events").put_events(Entries=[entry])
    noor = cast.people.at_dashboards("noor.aziz.support")
    cast.people.leave("noor.aziz.support", "support")
    took = until(lambda: not noor.may_search(INDEX), what="noor is refused")
    stage.note(f"the change behind the broken event took effect {took:.2f} s later: nothing is delayed")
    sqs, queue = aws.client("sqs"), cast.embedded.output("IdentityDeadLetters")
    found: list[Any] = []

    def arrived() -> bool:
        answer = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], WaitTimeSeconds=0)
        found.extend(answer.get("Messages", []))
        return bool(found)

    until(arrived, what="the dead letter")
    whole = json.loads(found[0]["Body"])["detail"] == broken
    stage.expect(whole, "the event lies in the dead letters, whole")
    stage.note(f"its reason: {found[0]['MessageAttributes']['reason']['StringValue']}")
    stage.expect(bool(alerts.named("dead-letter")), "an alert was told")


def drift(stage: Stage, cast: Cast, alerts: Alerts) -> None:
    """Somebody edits a mapping by hand: told by the sweep, with who is affected; what is not ours is left alone."""
    operations = [
        {"op": "add", "path": "/level_support/users/-", "value": "somebody-by-hand"},
        {"op": "add", "path": "/level_application/backend_roles", "value": []},
    ]
    cast.engine("PATCH", "/_plugins/_security/api/rolesmapping", operations)
    stage.expect(not cast.application.may_search(INDEX), "by hand: the application's entry removed, a stranger added")
    cast.embedded.aws.admin("fire", rule="portcullis-sweep")
    until(lambda: cast.application.may_search(INDEX), what="the sweep put the application back")
    stage.note("the sweep put back what is ours: the application is let in again")
    until(lambda: bool(alerts.named("drift")), what="the drift is told")
    told = alerts.named("drift")[-1]
    stage.note(f"told: {told['happened'][:400]}")
    stage.expect("somebody-by-hand" in told["happened"], "the alert names who is affected")
    still = cast.mappings()["level_support"]["users"]
    stage.expect("somebody-by-hand" in still, "the entry that is not ours was left alone")


def figures(stage: Stage, cast: Cast, book: Book) -> None:
    """The same again, often enough to be a figure."""
    people = cast.people
    user = people.cognito_user("tess.moran.support")
    people.join(user, "dashboards")
    tess = people.at_dashboards(user)
    granted = repeated.grants(
        lambda: people.join(user, "support"), lambda: people.leave(user, "support"), tess, INDEX, GRANTS
    )
    book.figure("grant_s", granted.there)
    book.figure("revoke_s", granted.back)
    locked = repeated.locks(cast.embedded, cast.application, INDEX, cast.state, LOCKS)
    book.figure("lock_s", locked.there)
    book.figure("unlock_s", locked.back)
    stage.note(f"{GRANTS} grants and removals, {LOCKS} locks and unlocks")


def burst(stage: Stage, cast: Cast, book: Book) -> None:
    """Many group changes at once cost a handful of writes, and none is lost."""
    people = cast.people
    users = [people.cognito_user(f"burst{n:03d}.crowd.support") for n in range(BURST)]
    seen = repeated.burst(
        people,
        users,
        mappings=cast.mappings,
        waiting=lambda: waiting(cast),
        writes=lambda: writes(cast),
        entry=cast.entry,
    )
    book.figures["burst"] = seen
    stage.expect(
        seen["lost"] == 0,
        f"{BURST} group changes in {seen['seconds']:.1f} s with {seen['writes']} writes to the security API, none lost",
    )


class Alerts:
    """Listens to Portcullis's own bus through a queue, as another tool would."""

    def __init__(self, embedded: Embedded) -> None:
        self._sqs = embedded.aws.client("sqs")
        self._heard: list[dict[str, Any]] = []
        events, bus = embedded.aws.client("events"), embedded.output("EventBusName")
        self._queue = self._sqs.create_queue(QueueName="demo-alerts")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        events.put_rule(Name="demo-alerts", EventBusName=bus, EventPattern=json.dumps({"source": ["portcullis"]}))
        events.put_targets(Rule="demo-alerts", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def all(self) -> list[dict[str, Any]]:
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._heard.append(json.loads(message["Body"])["detail"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return self._heard

    def named(self, name: str) -> list[dict[str, Any]]:
        return [alert for alert in self.all() if alert["alert"] == name]


def _is_mapped(cast: Cast, role: str, user: str) -> bool:
    return cast.entry(user) in cast.mappings().get(role, {}).get("users", [])


def waiting(cast: Cast) -> int:
    """Messages in both queues, those being handled included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = cast.embedded.aws.client("sqs")
    queues = [cast.embedded.output(name) for name in ("IdentityQueue", "KeyQueue")]
    return sum(
        int(count)
        for queue in queues
        for count in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values()
    )


def writes(cast: Cast) -> int:
    """Writes that the history of the deployment tells of."""
    history = cast.operate("history", deployment=cast.embedded.deployment, arguments={"limit": 500})
    return sum(int(one["summary"].split(" in ")[1].split()[0]) for one in history if one["operation"] == "apply")


STAGES: list[tuple[str, str, Callable[..., None]]] = [
    ("doors", "The front door knows who is who", doors),
    ("set-up", "The access model is on the domain", set_up),
    ("grant", "People join groups, and see what the groups may see", grant),
    ("revoke", "They leave, and see nothing", revoke),
    ("lock", "The key is disabled: the gate drops", lock),
    ("unlock", "The key is enabled: everything comes back", unlock),
    ("dead-letters", "An event that cannot be handled", dead_letters),
    ("drift", "Somebody edits a mapping by hand", drift),
    ("figures", "The same again, for the figures", figures),
    ("burst", "A burst of group changes", burst),
]

__all__ = ["APPLICATION_ROLE", "STAGES", "Alerts", "Cast", "role_arn", "waiting", "writes"]
