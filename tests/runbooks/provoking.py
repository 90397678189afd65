"""What brings about, on a real Elasticsearch elsewhere, the alerts that no incident of a page does: by real calls, and put back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from botocore.exceptions import ClientError
from portcullis.custody.rules import Rules
from portcullis.errors import Conflict
from portcullis.families.elasticsearch.documents.baseline import SECURITY_ROLE

from local.beside import AUTOMATION, Beside, secret_of
from local.elastic.node import Elasticsearch
from local.people import until
from local.rehearsal.incidents import locked_by_hand
from local.rehearsal.on_cluster import APPLICATION, USERS
from local.rehearsal.stand import DEPLOYMENT, done, ledger_of, until_it_is
from local.story.stages import INDEX
from tests.runbooks.conftest import OnCall

Provoked = Callable[[OnCall], AbstractContextManager[None]]


def _pools(person: OnCall) -> tuple[Any, str]:
    return person.client("cognito-idp"), person.up.output("UserPool")


def _node(person: OnCall) -> Elasticsearch:
    return cast(Elasticsearch, person.up.node)


def _as_elastic(person: OnCall, method: str, path: str, body: Any) -> None:
    """As the one whom a lock leaves enabled, as the password stands in the nodes' settings."""
    status, answer = _node(person).ask(method, path, body)
    assert status < 300, answer


@contextmanager
def _applied(person: OnCall, text: str) -> Iterator[tuple[int, str]]:
    """The file is applied as a person does, and the one before it again."""
    before = ledger_of(person).model(DEPLOYMENT).text
    try:
        yield _apply(person, text)
    finally:
        status, said = _apply(person, before)
        assert status == 0, said


def _apply(person: OnCall, text: str) -> tuple[int, str]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{DEPLOYMENT}.yaml"
        file.write_text(text, encoding="utf-8")
        return person.portcullis("apply", str(file))


@contextmanager
def _in_the_pool(person: OnCall, name: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """A user of this name, who is gone again afterwards. Gives the client of pools, and the arguments that name the user in its calls."""
    pools, pool = _pools(person)
    user = {"UserPoolId": pool, "Username": name}
    pools.admin_create_user(**user, MessageAction="SUPPRESS")
    try:
        yield pools, user
    finally:
        pools.admin_delete_user(**user)
        done(person, "synchronise", DEPLOYMENT)


def _role(person: OnCall, name: str) -> dict[str, Any]:
    """As it can be put back."""
    role = person.engine("GET", f"/_security/role/{name}")[name]
    return {part: role[part] for part in ("cluster", "indices", "metadata")}


@contextmanager
def _only_reading(person: OnCall) -> Iterator[None]:
    """The automation may read who has access, and not write it."""
    kept = _role(person, SECURITY_ROLE)
    person.engine("PUT", f"/_security/role/{SECURITY_ROLE}", {**kept, "cluster": ["read_security"]})
    try:
        yield
    finally:
        person.engine("PUT", f"/_security/role/{SECURITY_ROLE}", kept)


@contextmanager
def a_model_was_refused(person: OnCall) -> Iterator[None]:
    text = ledger_of(person).model(DEPLOYMENT).text
    more = "\n  roles:\n    extra: {indices: [{names: [extra-1], privileges: [read]}]}\n"
    try:
        with _only_reading(person):
            status, said = _apply(person, text.replace("\n  roles:\n", more))
            assert status == 1, said
        yield
    finally:
        status, said = _apply(person, text)
        assert status == 0, said


@contextmanager
def what_is_in_force_was_refused(person: OnCall) -> Iterator[None]:
    """Somebody has joined, and their user cannot be written."""
    person.engine("PUT", f"{USERS}/nina.lin", {"password": secrets.token_urlsafe(18), "roles": []})
    try:
        with _in_the_pool(person, "nina.lin") as (pools, user), _only_reading(person):
            pools.admin_add_user_to_group(**user, GroupName="support")
            person.portcullis("synchronise", DEPLOYMENT)
            yield
    finally:
        person.engine("DELETE", f"{USERS}/nina.lin")


@contextmanager
def a_wall_was_undone(person: OnCall) -> Iterator[None]:
    with locked_by_hand(person):
        _as_elastic(person, "PUT", f"/{INDEX}/_settings", {"index.blocks.read": False, "index.blocks.write": False})
        person.portcullis("guard", DEPLOYMENT)
        yield


@contextmanager
def groups_cannot_be_read_at_an_unlock(person: OnCall) -> Iterator[None]:
    done(person, "lock", DEPLOYMENT, "--reason", "a drill")
    person.up.aws.admin("fault", actions=["cognito-idp:ListUsersInGroup"], kind="throttle", caller="portcullis-")
    try:
        person.portcullis("unlock", DEPLOYMENT)
        yield
    finally:
        person.up.aws.admin("mend")
        _later(person)
        person.portcullis("guard", DEPLOYMENT)
        until_it_is(person, "open")


def _later(person: OnCall) -> None:
    """What failed lies so much further back that it is tried again now."""
    ledger, back = ledger_of(person), Rules().retry_after
    custody = ledger.custody(DEPLOYMENT)
    measures = {measure: replace(one, at=one.at - back) for measure, one in custody.measures.items()}
    ledger.keep_custody(replace(custody, measures=measures))


@contextmanager
def a_name_that_is_granted_was_made_again(person: OnCall) -> Iterator[None]:
    pools, pool = _pools(person)
    user = {"UserPoolId": pool, "Username": "named.by.a.grant"}
    pools.admin_create_user(**user, MessageAction="SUPPRESS")
    text = ledger_of(person).model(DEPLOYMENT).text
    grant = "    - {level: support, to: {cognito_user: named.by.a.grant}}\n"
    try:
        with _applied(person, text.replace("  grants:\n", f"  grants:\n{grant}")):
            pools.admin_delete_user(**user)
            pools.admin_create_user(**user, MessageAction="SUPPRESS")
            person.portcullis("synchronise", DEPLOYMENT)
            yield
    finally:
        pools.admin_delete_user(**user)


@contextmanager
def a_group_may_not_be_read(person: OnCall) -> Iterator[None]:
    """It was read before, and somebody takes the right to away."""
    iam, policy = person.client("iam"), {"RoleName": "portcullis-operate", "PolicyName": "not-groups"}
    no = {"Effect": "Deny", "Action": "iam:GetGroup", "Resource": "*"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [no]}))
    try:
        person.portcullis("synchronise", DEPLOYMENT)
        yield
    finally:
        iam.delete_role_policy(**policy)
        done(person, "synchronise", DEPLOYMENT)


@contextmanager
def a_queue_was_emptied(person: OnCall) -> Iterator[None]:
    person.client("sqs").purge_queue(QueueUrl=person.up.output("IdentityQueue"))
    yield


@contextmanager
def the_automations_password_was_changed(person: OnCall) -> Iterator[None]:
    """On the cluster, and not in its secret."""
    kept = cast(Beside, person.up).password_in(secret_of(DEPLOYMENT, AUTOMATION))
    person.engine("PUT", f"{USERS}/{AUTOMATION}/_password", {"password": secrets.token_urlsafe(18)})
    try:
        person.portcullis("sweep")
        yield
    finally:
        person.engine("PUT", f"{USERS}/{AUTOMATION}/_password", {"password": kept})
        done(person, "sweep")


@contextmanager
def a_secret_holds_no_password(person: OnCall) -> Iterator[None]:
    """It is shorter than the cluster takes one."""
    store, name = person.client("secretsmanager"), f"portcullis/{DEPLOYMENT}/{APPLICATION}"
    kept = store.get_secret_value(SecretId=name)["SecretString"]
    store.put_secret_value(SecretId=name, SecretString=json.dumps({**json.loads(kept), "password": "x"}))
    try:
        person.portcullis("sweep")
        yield
    finally:
        store.put_secret_value(SecretId=name, SecretString=kept)
        done(person, "sweep")


OFFER = """
offers:
  for-orders:
    search: [{names: ["catalyst-*"]}]
    expires_after_days: 90
    secret: remotes/orders
    address: localhost:9443
"""


@contextmanager
def a_key_was_offered_and_nobody_deployed_the_right(person: OnCall) -> Iterator[None]:
    """To put its text into the secret."""
    text = ledger_of(person).model(DEPLOYMENT).text
    with _applied(person, text.replace("\naccess:\n", f"{OFFER}\naccess:\n")):
        person.portcullis("sweep")
        yield


@contextmanager
def a_name_is_a_pattern(person: OnCall) -> Iterator[None]:
    with _in_the_pool(person, "m*") as (pools, user):
        pools.admin_add_user_to_group(**user, GroupName="support")
        person.portcullis("synchronise", DEPLOYMENT)
        yield


@contextmanager
def somebody_new_was_granted_and_nothing_was_deployed(person: OnCall) -> Iterator[None]:
    person.client("iam").create_user(UserName="new.in.the.file")
    text = ledger_of(person).model(DEPLOYMENT).text
    grant = "    - {level: support, to: {iam_user: new.in.the.file}}\n"
    try:
        with _applied(person, text.replace("  grants:\n", f"  grants:\n{grant}")):
            yield
    finally:
        person.client("iam").delete_user(UserName="new.in.the.file")


@contextmanager
def kms_is_silent(person: OnCall) -> Iterator[None]:
    ledger = ledger_of(person)
    person.up.aws.admin("fault", actions=["kms:*"], kind="throttle", caller="portcullis-")
    try:
        person.portcullis("guard", DEPLOYMENT)
        custody = ledger.custody(DEPLOYMENT)
        assert custody.unreachable_since is not None
        since = custody.unreachable_since - Rules().unreachable_grace
        ledger.keep_custody(replace(custody, unreachable_since=since))
        person.portcullis("guard", DEPLOYMENT)
        yield
    finally:
        person.up.aws.admin("mend")
        person.portcullis("guard", DEPLOYMENT)


@contextmanager
def one_probe_says_no(person: OnCall) -> Iterator[None]:
    """The key's policy keeps the automation from looking at it; that it can be used is seen all the same."""
    kms, ledger, key = person.client("kms"), ledger_of(person), person.key
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    read = json.loads(before)
    ours = [f"arn:aws:iam::111122223333:role/portcullis-{name}" for name in ("operate", "key-guard", "sweep")]
    no = {"Sid": "NoLook", "Effect": "Deny", "Principal": {"AWS": ours}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({**read, "Statement": [*read["Statement"], no]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)

    def it_is_long_ago() -> bool:
        """For whom the event woke: they look again and again while there is a suspicion."""
        custody, back = ledger.custody(DEPLOYMENT), Rules().settle + timedelta(seconds=1)
        earlier = tuple(replace(one, since=one.since - back) for one in custody.suspected)
        with suppress(Conflict):
            ledger.keep_custody(replace(custody, suspected=earlier))
            return bool(earlier)
        return False

    try:
        until(it_is_long_ago, what="a probe is suspected")
        yield
    finally:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before)


@contextmanager
def a_stack_was_deleted(person: OnCall, name: str) -> Iterator[None]:
    try:
        person.client("cloudformation").delete_stack(StackName=name)
    except ClientError as error:
        raise AssertionError(f"{name} cannot be deleted") from error
    yield


@contextmanager
def nobody_looks_whether_we_see(person: OnCall) -> Iterator[None]:
    with a_stack_was_deleted(person, "portcullis-observability"):
        yield


@contextmanager
def the_deployments_stack_was_deleted(person: OnCall) -> Iterator[None]:
    with a_stack_was_deleted(person, f"portcullis-{DEPLOYMENT}-access"):
        yield


# In this order, as the last ones leave nothing to go on with. Alerts that are told meanwhile, or when it is put back.
PROVOKED: Mapping[tuple[str, ...], Provoked] = {
    ("lock-opened",): a_wall_was_undone,
    ("unlock-incomplete",): groups_cannot_be_read_at_an_unlock,
    ("model-refused",): a_model_was_refused,
    ("access-refused",): what_is_in_force_was_refused,
    ("another-person",): a_name_that_is_granted_was_made_again,
    ("not-read",): a_group_may_not_be_read,
    ("name-not-mapped",): a_name_is_a_pattern,
    ("known-after-deploy",): somebody_new_was_granted_and_nothing_was_deployed,
    ("remotes-not-seen-to",): a_key_was_offered_and_nobody_deployed_the_right,
    ("events-thrown-away",): a_queue_was_emptied,
    ("sweep-failed",): the_automations_password_was_changed,
    ("passwords-not-seen-to",): a_secret_holds_no_password,
    ("key-unreachable", "key-reachable"): kms_is_silent,
    ("key-suspected", "key-cleared"): one_probe_says_no,
    ("eyes-unwatched",): nobody_looks_whether_we_see,
    ("unwatched",): the_deployments_stack_was_deleted,
}
