"""Every way to take the key away locks, giving it back opens to the last byte; what is no revocation never locks."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from local.people import until
from stacks import names
from tests.embedded.scene import INDEX, Scene
from tests.signals.cases import EVENTS

pytestmark = pytest.mark.embedded
Revocation = Callable[[Scene], Any]


@contextmanager
def disabled(scene: Scene) -> Iterator[None]:
    scene.kms.disable_key(KeyId=scene.key)
    yield
    scene.kms.enable_key(KeyId=scene.key)


@contextmanager
def pending_deletion(scene: Scene) -> Iterator[None]:
    scene.kms.schedule_key_deletion(KeyId=scene.key, PendingWindowInDays=7)
    yield
    scene.kms.cancel_key_deletion(KeyId=scene.key)  # leaves it disabled
    scene.kms.enable_key(KeyId=scene.key)


@contextmanager
def _denied(scene: Scene, whom: list[str] | str, actions: list[str]) -> Iterator[None]:
    before = scene.kms.get_key_policy(KeyId=scene.key, PolicyName="default")["Policy"]
    policy = json.loads(before)
    no = {"Sid": "NotYou", "Effect": "Deny", "Principal": {"AWS": whom}, "Action": actions, "Resource": "*"}
    policy["Statement"].append(no)
    scene.kms.put_key_policy(KeyId=scene.key, PolicyName="default", Policy=json.dumps(policy))
    try:
        yield
    finally:
        scene.kms.put_key_policy(KeyId=scene.key, PolicyName="default", Policy=before)


def denied_by_its_policy(scene: Scene) -> AbstractContextManager[None]:
    ours = [f"arn:aws:iam::{scene.aws.account}:role/{names.function(f)}" for f in ("key_guard", "sweep", "operate")]
    return _denied(scene, ours, ["kms:Describe*", "kms:GenerateDataKey*", "kms:Encrypt", "kms:ListGrants"])


def its_use_denied_to_everybody(scene: Scene) -> AbstractContextManager[None]:
    """The key can still be looked at, and looks well."""
    return _denied(scene, "*", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"])


@contextmanager
def _without_its_grant(scene: Scene, take: Callable[[dict[str, Any]], Any]) -> Iterator[None]:
    scene.swept()  # sees the grant: only what was there can be missed
    [grant] = [
        one
        for one in scene.kms.list_grants(KeyId=scene.key)["Grants"]
        if scene.domain["ARN"] in str(one.get("Constraints"))
    ]
    take(grant)
    try:
        yield
    finally:
        asked = {k: grant[k] for k in ("GranteePrincipal", "RetiringPrincipal", "Operations", "Name", "Constraints")}
        scene.kms.create_grant(KeyId=scene.key, **asked)


def grant_revoked(scene: Scene) -> AbstractContextManager[None]:
    return _without_its_grant(scene, lambda one: scene.kms.revoke_grant(KeyId=scene.key, GrantId=one["GrantId"]))


@contextmanager
def grant_retired(scene: Scene) -> Iterator[None]:
    with _without_its_grant(scene, lambda one: scene.kms.retire_grant(KeyId=scene.key, GrantId=one["GrantId"])):
        scene.suspected()  # the other probes say that the key is well, so that this has to last before it counts
        scene.time_passes()
        yield


WAYS = [disabled, pending_deletion, denied_by_its_policy, its_use_denied_to_everybody, grant_retired]


@pytest.mark.parametrize("taken_away", WAYS, ids=lambda way: way.__name__)
def test_a_revocation_locks_and_its_undoing_opens_to_the_last_byte(scene: Scene, taken_away: Revocation) -> None:
    with taken_away(scene):
        scene.until_locked()
        assert len(scene.told("locked")) == 1
    scene.as_before()
    until(lambda: len(scene.told("unlocked")) == 1, what="the end of it is told")
    scene.timeline(taken_away.__name__.replace("_", " "))


def inaccessible(scene: Scene) -> None:
    """What OpenSearch Service says when a domain cannot use its key."""
    tell = {"event": "KMS Key Inaccessible", "status": "Failed", "severity": "High", "description": "no key"}
    scene.aws.admin("domain-event", arn=scene.domain["ARN"], detail_type="Domain Error Notification", detail=tell)


def test_the_domains_own_report_alone_does_not_lock(scene: Scene) -> None:
    """The domain says that its key is inaccessible: a suspicion. When its grant is revoked too, it locks."""
    scene.swept()
    inaccessible(scene)
    scene.suspected()
    scene.time_passes()
    scene.suspected(since=datetime.now(UTC))
    assert scene.cast.state() == "open"
    assert scene.everything() == scene.before
    with grant_revoked(scene):
        scene.until_locked()
    told = len(scene.told("key-suspected"))
    scene.as_before()
    assert scene.custody()["suspected"] == []  # of the revocation that is over, and not a new one
    assert len(scene.told("key-suspected")) == told


def test_what_the_domain_says_of_its_key_makes_us_find_what_no_event_told(scene: Scene) -> None:
    scene.aws.admin("weather", lose=True, names=["DisableKey"])
    scene.kms.disable_key(KeyId=scene.key)
    scene.stays_open()
    inaccessible(scene)
    scene.until_locked()
    scene.kms.enable_key(KeyId=scene.key)
    scene.as_before()


# ---------------------------------------------------------------------- what is no revocation


def test_an_alias_that_is_moved_to_another_key_is_told_and_locks_nothing(scene: Scene) -> None:
    alias = f"alias/portcullis/{scene.up.deployment}"
    other = scene.kms.create_key()["KeyMetadata"]["KeyId"]
    scene.kms.update_alias(AliasName=alias, TargetKeyId=other)
    until(lambda: len(scene.told("rotation-not-followed")) == 1, what="that the domain does not follow is told")
    [rotated] = scene.told("key-rotated")
    assert other in rotated["happened"]
    [written] = scene.recorded("key-rotated")
    assert other in written.summary
    scene.stays_open()
    # The key that counts is the domain's own: without the alias' one nothing happens, without its own it locks
    scene.kms.disable_key(KeyId=other)
    scene.swept()
    scene.stays_open()
    with disabled(scene):
        scene.until_locked()
    scene.as_before()
    scene.kms.update_alias(AliasName=alias, TargetKeyId=scene.key.rpartition("/")[2])
    until(lambda: len(scene.told("rotation-followed")) == 1, what="that they agree again is told")
    scene.stays_open()


def test_an_event_that_comes_again_long_after_changes_nothing(scene: Scene) -> None:
    with disabled(scene):
        scene.until_locked()
        redelivered(scene, "DisableKey")
        assert scene.cast.state() == "locked"
    scene.as_before()
    redelivered(scene, "DisableKey")
    scene.stays_open()
    assert len(scene.told("locked")) == len(scene.told("unlocked")) == 1


def redelivered(scene: Scene, operation: str) -> None:
    """SQS hands out an old message once more."""
    event = json.loads((EVENTS / f"kms.{operation}.arn.own.json").read_text())
    event["detail"]["requestParameters"] = {"keyId": scene.key}
    event["detail"]["resources"] = [{"type": "AWS::KMS::Key", "ARN": scene.key, "accountId": scene.aws.account}]
    for _ in range(3):
        scene.aws.client("sqs").send_message(
            QueueUrl=scene.up.output("KeyQueue"),
            MessageBody=json.dumps(event),
            MessageGroupId=scene.up.deployment,
            MessageDeduplicationId=secrets.token_hex(8),
        )
    scene.quiet()


# ---------------------------------------------------------------------- break-glass


def test_every_use_of_the_break_glass_role_is_told_and_bounded_by_a_window(scene: Scene) -> None:
    """Told while open, while locked and within a window. Only within the window may its holder search."""
    role = f"portcullis-{scene.up.deployment}-break-glass"
    scene.people.with_role(role)
    until(lambda: len(scene.told("break-glass-used")) == 1, what="its taking is told while open")
    assert "no use of it was announced, and the deployment is open" in scene.told("break-glass-used")[0]["happened"]
    with disabled(scene):
        scene.until_locked()
        somebody = scene.people.with_role(role)
        until(lambda: len(scene.told("break-glass-used")) == 2, what="its taking is told while locked")
        assert not somebody.may_search(INDEX)
        asked = {"reason": "an order of a court", "minutes": 5}
        scene.cast.operate("break-glass", "act", deployment=scene.up.deployment, arguments=asked)
        assert somebody.may_search(INDEX)
        scene.people.with_role(role)
        until(lambda: len(scene.told("break-glass-used")) == 3, what="its taking is told within a window")
        assert scene.told("break-glass-used")[2]["happened"].endswith(": an order of a court")
        scene.cast.operate("end-break-glass", "act", deployment=scene.up.deployment)
        assert not somebody.may_search(INDEX)
    scene.as_before()
    assert [one.operation for one in scene.recorded("break-glass used", "break-glass")] == [
        *["break-glass used"] * 2,
        *["break-glass", "break-glass used", "break-glass"],
    ]


def test_a_kms_that_throttles_for_a_while_never_locks_and_is_told(scene: Scene) -> None:
    scene.aws.admin("fault", actions=["kms:*"], kind="throttle", caller="portcullis-")
    scene.swept()
    assert scene.told("key-unreachable") == [], "what lasts less than two minutes is not told"
    scene.unreachable_for(minutes=3)
    scene.swept()
    [alert] = scene.told("key-unreachable")
    assert alert["severity"] == "warning"
    scene.stays_open()
    scene.aws.admin("mend")
    scene.swept()
    scene.stays_open()


def test_a_kms_that_stays_silent_never_locks(scene: Scene) -> None:
    scene.aws.admin("fault", actions=["kms:*"], kind="hang", caller="portcullis-", hold=12)
    threading.Thread(target=scene.swept, daemon=True).start()
    time.sleep(5)
    assert scene.cast.state() == "open"
    assert scene.cast.application.may_search(INDEX)


def test_while_kms_is_silent_a_lock_that_stands_is_not_opened(scene: Scene) -> None:
    with disabled(scene):
        scene.until_locked()
        scene.aws.admin("fault", actions=["kms:*"], kind="throttle", caller="portcullis-")
        scene.swept()
        assert scene.cast.state() == "locked"
        scene.aws.admin("mend")
    scene.as_before()


# ---------------------------------------------------------------------- nobody opens it by hand


def test_what_is_opened_by_hand_during_a_lock_is_shut_again_and_told(scene: Scene) -> None:
    """Somebody maps a user, lifts the blocks and opens the security group. All three are put back."""
    group = scene.domain["VPCOptions"]["SecurityGroupIds"][0]
    anybody = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    eve = "Cognito/somebody/eve"
    with disabled(scene):
        scene.until_locked()
        scene.quiet()
        unblocked = {"index.blocks.read": None, "index.blocks.write": None}
        assert scene.up.node.ask("PUT", f"/{INDEX}/_settings", unblocked)[0] == 200
        mapped = [{"op": "add", "path": "/catalyst_analyst", "value": {"users": [eve]}}]
        assert scene.up.node.ask("PATCH", "/_plugins/_security/api/rolesmapping", mapped)[0] == 200
        scene.aws.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[anybody])
        until(
            lambda: len(scene.recorded("lock-opened")) >= 1 and not scene.ingress_of_people(), what="it is shut again"
        )
        scene.swept()
        assert scene.cast.state() == "locked"
        assert eve not in json.dumps(scene.cast.mappings())
        assert set(scene.everything()["blocks"]) == {"index.blocks.read", "index.blocks.write"}
        opened = " ".join(change.summary for change in scene.recorded("lock-opened"))
        for measure in ("'shut mappings'", "'block indices'", "'close ingress'"):
            assert measure in opened
        assert scene.told("lock-opened")
    scene.as_before()


# ---------------------------------------------------------------------- events lost, late, doubled


def test_what_no_event_told_the_sweep_finds(scene: Scene) -> None:
    scene.aws.admin("weather", lose=True)
    scene.kms.disable_key(KeyId=scene.key)
    scene.stays_open()
    scene.sweep()
    scene.until_locked()
    scene.kms.enable_key(KeyId=scene.key)
    user = scene.people.cognito_user("lost.event.support")
    scene.people.join(user, "support")
    scene.sweep()
    scene.until_open()
    entry = f"Cognito/{scene.people.pool}/{user}"
    # Open first, then what the groups did meanwhile.
    until(lambda: entry in scene.cast.mappings().get("level_support", {}).get("users", []), what="he is mapped")
    scene.people.leave(user, "support")
    scene.swept()
    assert entry not in scene.cast.mappings()["level_support"]["users"]


def supported(scene: Scene) -> list[str]:
    return list(scene.cast.mappings().get("level_support", {}).get("users", ()))


def test_doubled_and_late_events_end_in_the_same(scene: Scene) -> None:
    user = scene.people.cognito_user("doubled.event.support")
    entry = f"Cognito/{scene.people.pool}/{user}"
    # Nobody was in it yet; it is there from the first one on, with nobody too.
    if "level_support" not in scene.cast.mappings():
        scene.people.join(user, "support")
        until(lambda: entry in supported(scene), what="mapped for the first time")
        scene.people.leave(user, "support")
        until(lambda: entry not in supported(scene), what="gone again")
        scene.quiet()
        scene.before = scene.everything()
    scene.aws.admin("weather", copies=3, delay=0.7)
    for _ in range(2):
        scene.people.join(user, "support")
        scene.people.leave(user, "support")
    scene.people.join(user, "support")
    until(lambda: entry in supported(scene), what="mapped")
    scene.kms.disable_key(KeyId=scene.key)
    scene.until_locked()
    scene.people.leave(user, "support")
    scene.kms.enable_key(KeyId=scene.key)
    time.sleep(0.8)
    scene.as_before()
    assert len(scene.told("locked")) == 1


def test_disabled_and_enabled_in_one_breath_ends_open(scene: Scene) -> None:
    for _ in range(3):
        scene.kms.disable_key(KeyId=scene.key)
        scene.kms.enable_key(KeyId=scene.key)
    scene.quiet()
    scene.as_before()


# ---------------------------------------------------------------------- broken off in the middle


def test_a_throttled_ledger_only_delays_a_lock_and_an_unlock(scene: Scene) -> None:
    """DynamoDB throttles in the middle of both. Each is finished by the sweep, and the lock is told once."""
    writes = ["dynamodb:PutItem", "dynamodb:TransactWriteItems", "dynamodb:DeleteItem"]
    scene.aws.admin("fault", actions=writes, kind="throttle", seconds=4, caller="portcullis-")
    scene.kms.disable_key(KeyId=scene.key)
    scene.swept_until("locked")
    assert any(one["met"] for one in scene.aws.admin("faults").values()), "it did throttle"
    scene.until_locked()
    scene.aws.admin("mend")
    scene.aws.admin("fault", actions=writes, kind="throttle", seconds=4, caller="portcullis-")
    scene.kms.enable_key(KeyId=scene.key)
    scene.swept_until("open")
    scene.aws.admin("mend")
    scene.as_before()
    assert len(scene.told("locked")) == 1


def test_a_failed_lock_step_is_tried_again_by_a_reminder_without_a_sweep(scene: Scene) -> None:
    """The rest of the lock goes on. A reminder completes it."""
    fault = scene.aws.admin("fault", actions=["ec2:RevokeSecurityGroupIngress"], kind="server-error")["fault"]
    scene.kms.disable_key(KeyId=scene.key)
    until(lambda: len(scene.told("lock-incomplete")) == 1, what="that the lock lacks a step is told")
    assert scene.cast.state() == "locking"
    assert not scene.cast.application.may_search(INDEX), "the rest of the lock went on"
    assert scene.aws.admin("faults")[str(fault)]["met"]
    scene.aws.admin("mend")
    scene.time_passes()
    scene.until_locked()
    assert not scene.ingress_of_people()
    assert {one.cause for one in scene.recorded("locked")} == {"a reminder"}
    scene.kms.enable_key(KeyId=scene.key)
    scene.as_before()


def test_a_lock_survives_a_stopped_cluster_and_a_killed_function(scene: Scene) -> None:
    """The node stops and the function is killed in the middle of a step. The next sweep ends it locked, and it opens as it was."""
    scene.aws.admin("fault", actions=["ec2:RevokeSecurityGroupIngress"], kind="slow", calls=1, hold=20)
    scene.up.node.stop()
    scene.kms.disable_key(KeyId=scene.key)
    until(lambda: any(one["met"] for one in scene.aws.admin("faults").values()), what="it is in the middle of a step")
    assert scene.kill(names.function("key_guard")) > 0
    scene.aws.admin("mend")
    assert scene.cast.state() == "locking"
    scene.up.node.start_again()
    scene.time_passes()
    scene.swept_until("locked")
    scene.until_locked()
    scene.let_go()
    scene.kms.enable_key(KeyId=scene.key)
    scene.swept_until("open")
    scene.as_before()


# ---------------------------------------------------------------------- who left while it was locked


def test_who_left_during_a_lock_is_never_answered_if_an_unlock_step_fails(scene: Scene) -> None:
    """They ask without a pause while a step of the unlock fails and is tried again. Not one search of theirs is answered."""
    # Given somebody in a group who searches, leaves while it is locked, and goes on asking without a pause
    user = scene.people.cognito_user("leaves.in.the.lock.support")
    scene.people.join(user, "support")
    leaver = scene.people.at_dashboards(user)
    until(lambda: leaver.may_search(INDEX), what="they search before the lock")
    over, answered, asked = threading.Event(), [], []

    def ask() -> None:
        while not over.is_set():
            began = time.time()
            asked.append(began)
            if leaver.may_search(INDEX):
                answered.append(began)

    with disabled(scene):
        scene.until_locked()
        scene.people.leave(user, "support")
        scene.quiet()
        asking = threading.Thread(target=ask)
        asking.start()
        # When the key comes back, and the security group cannot be opened at first
        fault = scene.aws.admin("fault", actions=["ec2:AuthorizeSecurityGroupIngress"], kind="server-error")["fault"]
    until(lambda: scene.aws.admin("faults")[str(fault)]["met"], what="a step of the unlock fails")
    assert scene.cast.state() == "unlocking"
    scene.aws.admin("mend")
    scene.until_open(within=60)
    scene.quiet()
    before = len(asked)
    until(lambda: len(asked) > before + 10, what="they went on asking once it was open")
    over.set()
    asking.join()
    # Then not one of their searches was answered
    assert answered == []
    assert scene.cast.application.may_search(INDEX)
    assert user not in json.dumps(scene.cast.mappings())


def test_groups_that_cannot_be_read_keep_it_locked_until_they_can(scene: Scene) -> None:
    with disabled(scene):
        scene.until_locked()
        scene.aws.admin("fault", actions=["cognito-idp:ListUsersInGroup"], kind="server-error", caller="portcullis-")
    until(lambda: len(scene.told("unlock-incomplete")) == 1, what="that it cannot open is told")
    assert scene.cast.state() == "unlocking"
    assert not scene.cast.application.may_search(INDEX)
    assert not scene.ingress_of_people(), "the walls stand"
    assert set(scene.everything()["blocks"]) == {"index.blocks.read", "index.blocks.write"}
    scene.aws.admin("mend")
    scene.time_passes()
    scene.until_open()
    scene.as_before()
