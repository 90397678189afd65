"""What brings somebody to each page of runbooks/: done by real calls, and put back afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from uuid import uuid4

from portcullis.adapters.ledger.dynamo import DynamoLedger

from local.people import until

MAPPINGS = "/_plugins/_security/api/rolesmapping"
DEPLOYMENT = "demo"


class Stand(Protocol):
    """Where an incident is played: an account with the deployment `demo`, and everything that somebody may do there."""

    @property
    def key(self) -> str:
        """The id of the deployment's key."""

    @property
    def ledger(self) -> str:
        """The name of its table."""

    def client(self, service: str) -> Any:
        """boto3's, as the owner of the account."""

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the engine to its administrator. RuntimeError if it refuses."""

    def portcullis(self, *words: str) -> tuple[int, str]:
        """The command as it is installed: exit status, and what both streams show."""


Played = Callable[[Stand], AbstractContextManager[None]]


@dataclass(frozen=True)
class Incident:
    """`happens` says to people what is done. `played` begins it, and puts back what is left of it."""

    happens: str
    played: Played


def state(stand: Stand) -> str:
    """open, locking, locked, unlocking."""
    shown: list[dict[str, Any]] = json.loads(stand.portcullis("list", "--json")[1])
    return next(str(one["state"]) for one in shown if one["deployment"] == DEPLOYMENT)


def until_it_is(stand: Stand, wanted: str) -> None:
    """Asks the ledger: a process and a function at every look would hold up what is waited for."""
    ledger = DynamoLedger(stand.client("dynamodb"), stand.ledger)
    until(lambda: ledger.custody(DEPLOYMENT).state.value == wanted, what=f"{DEPLOYMENT} is {wanted}")


def _done(stand: Stand, *words: str) -> None:
    status, said = stand.portcullis(*words)
    if status:
        raise RuntimeError(f"portcullis {' '.join(words)}: exit {status}: {said}")


@contextmanager
def the_key_is_disabled(stand: Stand) -> Iterator[None]:
    stand.client("kms").disable_key(KeyId=stand.key)
    try:
        until_it_is(stand, "locked")
        yield
    finally:
        stand.client("kms").enable_key(KeyId=stand.key)
        until_it_is(stand, "open")


@contextmanager
def locked_by_hand(stand: Stand) -> Iterator[None]:
    _done(stand, "lock", DEPLOYMENT, "--reason", "a rehearsal")
    try:
        until_it_is(stand, "locked")
        yield
    finally:
        _done(stand, "unlock", DEPLOYMENT)
        until_it_is(stand, "open")


@contextmanager
def the_alias_was_moved(stand: Stand) -> Iterator[None]:
    kms, alias = stand.client("kms"), f"alias/portcullis/{DEPLOYMENT}"
    key, other = stand.key, kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    try:
        _done(stand, "guard", DEPLOYMENT)
        yield
    finally:
        kms.update_alias(AliasName=alias, TargetKeyId=key)
        _done(stand, "guard", DEPLOYMENT)


@contextmanager
def an_event_was_buried(stand: Stand) -> Iterator[None]:
    sqs = stand.client("sqs")
    queue, dead = (
        sqs.get_queue_url(QueueName=f"portcullis-{name}.fifo")["QueueUrl"] for name in ("identity", "identity-dead")
    )
    sqs.send_message(
        QueueUrl=queue, MessageBody="this is no event", MessageGroupId=DEPLOYMENT, MessageDeduplicationId=uuid4().hex
    )

    def lying(where: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        shown = sqs.get_queue_attributes(QueueUrl=where, AttributeNames=names)["Attributes"]
        return sum(int(shown[name]) for name in names)

    def taken_out() -> bool:
        """One by one: who purges a queue throws away what nobody looked at, and is told of."""
        for message in sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages") or ():
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        return not lying(queue) and not lying(dead)

    try:
        until(lambda: lying(dead) > 0, what="the event lies in the dead letters")
        yield
    finally:
        until(taken_out, what="the event is gone")


@contextmanager
def somebody_edited_by_hand(stand: Stand) -> Iterator[None]:
    """What Portcullis set and this took away is put back by the page; what somebody made is not, and goes at the end."""
    change = [
        {"op": "replace", "path": "/level_application/backend_roles", "value": []},
        {"op": "add", "path": "/all_access/users", "value": ["stranger"]},
    ]
    stand.engine("PATCH", MAPPINGS, change)
    try:
        yield
    finally:
        stand.engine("PATCH", MAPPINGS, [{"op": "replace", "path": "/all_access/users", "value": []}])
        _done(stand, "apply", DEPLOYMENT)


@contextmanager
def a_rule_was_disabled(stand: Stand) -> Iterator[None]:
    events = stand.client("events")
    events.disable_rule(Name=f"portcullis-{DEPLOYMENT}-key")
    try:
        yield
    finally:
        events.enable_rule(Name=f"portcullis-{DEPLOYMENT}-key")
        _done(stand, "eyes")


@contextmanager
def a_trust_policy_was_changed(stand: Stand) -> Iterator[None]:
    iam, role = stand.client("iam"), f"portcullis-{DEPLOYMENT}-break-glass"
    _done(stand, "roads", DEPLOYMENT)
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    also = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    changed = {**before, "Statement": [*before["Statement"], also]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))
        _done(stand, "roads", DEPLOYMENT)


@contextmanager
def a_leaver_is_not_signed_out(stand: Stand) -> Iterator[None]:
    """The file asks for it, and the stacks that would give the right were not deployed."""
    ledger, who = DynamoLedger(stand.client("dynamodb"), stand.ledger), f"leaver-{uuid4().hex[:8]}"
    pools, text = stand.client("cognito-idp"), ledger.model(DEPLOYMENT).text
    asked = text.replace("\ncustody:\n", "\ncustody:\n  end_sessions: true\n", 1)
    cognito = ledger.registration(DEPLOYMENT).cognito
    if asked == text or cognito is None:
        raise RuntimeError(f"the file of {DEPLOYMENT} has no `custody` to ask in, or no user pool")
    group = {"UserPoolId": cognito.user_pool, "Username": who, "GroupName": "analysts"}
    pools.admin_create_user(UserPoolId=cognito.user_pool, Username=who, MessageAction="SUPPRESS")
    try:
        pools.admin_add_user_to_group(**group)
        _applied(stand, asked)
        pools.admin_remove_user_from_group(**group)
        _done(stand, "synchronise", DEPLOYMENT)
        yield
    finally:
        _applied(stand, text)
        pools.admin_delete_user(UserPoolId=cognito.user_pool, Username=who)
        _done(stand, "synchronise", DEPLOYMENT)


def _applied(stand: Stand, text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{DEPLOYMENT}.yaml"
        file.write_text(text)
        _done(stand, "apply", str(file))


# By the page that they bring somebody to.
INCIDENTS: Mapping[str, Incident] = {
    "another-road": Incident("somebody lets the whole account take the break-glass role", a_trust_policy_was_changed),
    "break-glass": Incident("somebody locks the deployment by hand, and data has to be read", locked_by_hand),
    "dead-letters": Incident("an event arrives that nobody can read", an_event_was_buried),
    "drift": Incident(
        "somebody takes the application's role away on the engine, and makes a stranger an administrator",
        somebody_edited_by_hand,
    ),
    "eyes-shut": Incident("somebody disables the rule by which we hear of the key", a_rule_was_disabled),
    "locked-by-revocation": Incident("somebody disables the key", the_key_is_disabled),
    "what-leavers-hold": Incident(
        "somebody leaves a group that has a role; the file asks to sign them out, and nobody deployed the right to",
        a_leaver_is_not_signed_out,
    ),
    "rotation-not-followed": Incident("somebody moves the key's alias to another key", the_alias_was_moved),
}
# The other pages, and why there is nothing to play.
WITHOUT: Mapping[str, str] = {
    "automation-broken": "what breaks it there is the stacks' or AWS's: a rehearsal would have to damage what was deployed",
    "delete-and-shred": "it is a plan of yours, no incident; it cannot be taken back",
    "key-unreachable": "it takes minutes of silence of KMS, and nothing is done meanwhile",
    "restore": "an unlock brings somebody to it, with which `locked-by-revocation` ends",
    "re-key": "it is a plan of yours, no incident; it needs a second domain",
    "remote-key-ending": "it needs two Elasticsearch clusters; the embedded default has one",
    "remote-migration": "it is a plan of yours, no incident; it needs two Elasticsearch clusters",
}
