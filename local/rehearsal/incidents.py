"""What brings somebody to each page of runbooks/: done by real calls, and put back afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from local.people import until
from local.rehearsal import on_cluster
from local.rehearsal.stand import DEPLOYMENT, Incident, Stand, done, ledger_of, until_it_is

MAPPINGS = "/_plugins/_security/api/rolesmapping"


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
    done(stand, "lock", DEPLOYMENT, "--reason", "a rehearsal")
    try:
        until_it_is(stand, "locked")
        yield
    finally:
        done(stand, "unlock", DEPLOYMENT)
        until_it_is(stand, "open")


@contextmanager
def the_alias_was_moved(stand: Stand) -> Iterator[None]:
    kms, alias = stand.client("kms"), ledger_of(stand).registration(DEPLOYMENT).key.alias
    key, other = stand.key, kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    try:
        done(stand, "guard", DEPLOYMENT)
        yield
    finally:
        kms.update_alias(AliasName=alias, TargetKeyId=key)
        done(stand, "guard", DEPLOYMENT)


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
        done(stand, "apply", DEPLOYMENT)


@contextmanager
def a_rule_was_disabled(stand: Stand) -> Iterator[None]:
    events = stand.client("events")
    events.disable_rule(Name=f"portcullis-{DEPLOYMENT}-key")
    try:
        yield
    finally:
        events.enable_rule(Name=f"portcullis-{DEPLOYMENT}-key")
        done(stand, "eyes")


@contextmanager
def a_trust_policy_was_changed(stand: Stand) -> Iterator[None]:
    iam, role = stand.client("iam"), f"portcullis-{DEPLOYMENT}-break-glass"
    done(stand, "roads", DEPLOYMENT)
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    also = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    changed = {**before, "Statement": [*before["Statement"], also]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))
        done(stand, "roads", DEPLOYMENT)


@contextmanager
def a_leaver_is_not_signed_out(stand: Stand) -> Iterator[None]:
    """The file asks for it, and the stacks that would give the right were not deployed."""
    ledger, who = ledger_of(stand), f"leaver-{uuid4().hex[:8]}"
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
        done(stand, "synchronise", DEPLOYMENT)
        yield
    finally:
        _applied(stand, text)
        pools.admin_delete_user(UserPoolId=cognito.user_pool, Username=who)
        done(stand, "synchronise", DEPLOYMENT)


def _applied(stand: Stand, text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{DEPLOYMENT}.yaml"
        file.write_text(text)
        done(stand, "apply", str(file))


# What happens wherever the deployment is, by the page that it brings somebody to.
_ANYWHERE: Mapping[str, Incident] = {
    "break-glass": Incident("somebody locks the deployment by hand, and data has to be read", locked_by_hand),
    "dead-letters": Incident("an event arrives that nobody can read", an_event_was_buried),
    "eyes-shut": Incident("somebody disables the rule by which we hear of the key", a_rule_was_disabled),
    "locked-by-revocation": Incident("somebody disables the key", the_key_is_disabled),
    "rotation-not-followed": Incident("somebody moves the key's alias to another key", the_alias_was_moved),
}
# By the place of the deployment, then by page.
INCIDENTS: Mapping[str, Mapping[str, Incident]] = {
    "domain": {
        **_ANYWHERE,
        "another-road": Incident(
            "somebody lets the whole account take the break-glass role", a_trust_policy_was_changed
        ),
        "drift": Incident(
            "somebody takes the application's role away on the engine, and makes a stranger an administrator",
            somebody_edited_by_hand,
        ),
        "what-leavers-hold": Incident(
            "somebody leaves a group that has a role; the file asks to sign them out, and nobody deployed the right to",
            a_leaver_is_not_signed_out,
        ),
    },
    "cluster": {**_ANYWHERE, **on_cluster.INCIDENTS},
}
_NOWHERE = {
    "automation-broken": "what breaks it there is the stacks' or AWS's: a rehearsal would have to damage what was deployed",
    "key-unreachable": "it takes minutes of silence of KMS, and nothing is done meanwhile",
    "restore": "an unlock brings somebody to it, with which `locked-by-revocation` ends",
    "remote-key-ending": "it needs two Elasticsearch clusters: docs/two-teams.md plays them",
    "remote-migration": "it is a plan of yours, no incident; it needs two Elasticsearch clusters: docs/two-teams.md plays it",
}
# The other pages, and why there is nothing to play.
WITHOUT: Mapping[str, Mapping[str, str]] = {
    "domain": {
        **_NOWHERE,
        "delete-and-shred": "it is a plan of yours, no incident; it cannot be taken back",
        "re-key": "it is a plan of yours, no incident; it needs a second domain",
    },
    "cluster": {**_NOWHERE, **on_cluster.WITHOUT},
}
