"""Every page walked through on the embedded default, in the state that brings somebody to it; then every document run.

The lines of a page that are marked `run` are typed in order, and have to print what the page says they print.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.people import until
from stacks.runbooks import RUNBOOKS
from tests.runbooks.conftest import OnCall
from tests.runbooks.pages import PAGES, Page

pytestmark = pytest.mark.embedded

MAPPINGS = "/_plugins/_security/api/rolesmapping"


# ------------------------------------------------------------------ what brings somebody to a page
@contextmanager
def nothing(_: OnCall) -> Iterator[None]:
    yield


@contextmanager
def the_key_is_disabled(person: OnCall) -> Iterator[None]:
    person.up.aws.client("kms").disable_key(KeyId=person.key)
    person.wait_for("locked")
    try:
        yield
    finally:
        person.up.aws.client("kms").enable_key(KeyId=person.key)
        person.wait_for("open")


@contextmanager
def locked_by_hand(person: OnCall) -> Iterator[None]:
    assert person.portcullis("lock", "demo", "--reason", "a page is walked through")[0] == 0
    person.wait_for("locked")
    try:
        yield
    finally:
        assert person.portcullis("unlock", "demo")[0] == 0
        person.wait_for("open")


@contextmanager
def the_alias_was_moved(person: OnCall) -> Iterator[None]:
    kms, alias = person.up.aws.client("kms"), "alias/portcullis/demo"
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    assert person.portcullis("guard", "demo")[0] == 0
    try:
        yield
    finally:
        kms.update_alias(AliasName=alias, TargetKeyId=person.key)
        assert person.portcullis("guard", "demo")[0] == 0


@contextmanager
def an_event_was_buried(person: OnCall) -> Iterator[None]:
    sqs = person.up.aws.client("sqs")
    queue, dead = (
        sqs.get_queue_url(QueueName=f"portcullis-{name}.fifo")["QueueUrl"] for name in ("identity", "identity-dead")
    )
    sqs.send_message(QueueUrl=queue, MessageBody="this is no event", MessageGroupId="demo", MessageDeduplicationId="x")

    def lying() -> bool:
        shown = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
        return int(shown["Attributes"]["ApproximateNumberOfMessages"]) > 0

    until(lying, what="the event lies in the dead letters")
    try:
        yield
    finally:
        for name in (queue, dead):
            sqs.purge_queue(QueueUrl=name)


@contextmanager
def somebody_edited_by_hand(person: OnCall) -> Iterator[None]:
    """An entry of ours is taken away, and a stranger put among the administrators."""
    node = person.up.node
    mapping = node.ask("GET", f"{MAPPINGS}/level_application")[1]["level_application"]
    change = [
        {"op": "replace", "path": "/level_application/backend_roles", "value": []},
        {"op": "add", "path": "/all_access/users", "value": ["stranger"]},
    ]
    assert mapping["backend_roles"]
    assert node.ask("PATCH", MAPPINGS, change)[0] == 200
    try:
        yield
        now = node.ask("GET", MAPPINGS)[1]
        assert now["level_application"]["backend_roles"] == mapping["backend_roles"], "step 5 put it back"
        assert now["all_access"]["users"] == ["stranger"], "and left alone what somebody made by hand"
    finally:
        assert node.ask("PATCH", MAPPINGS, [{"op": "replace", "path": "/all_access/users", "value": []}])[0] == 200


@contextmanager
def a_rule_was_disabled(person: OnCall) -> Iterator[None]:
    events = person.up.aws.client("events")
    events.disable_rule(Name="portcullis-demo-key")
    try:
        yield
    finally:
        events.enable_rule(Name="portcullis-demo-key")
        assert person.portcullis("eyes")[0] == 0


@contextmanager
def a_trust_policy_was_changed(person: OnCall) -> Iterator[None]:
    iam, role = person.up.aws.client("iam"), "portcullis-demo-break-glass"
    assert person.portcullis("roads", "demo")[0] == 0
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    also = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    changed = {**before, "Statement": [*before["Statement"], also]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))
        assert person.portcullis("roads", "demo")[0] == 0


SCENES: dict[str, Callable[[OnCall], Any]] = {
    "another-road": a_trust_policy_was_changed,
    "automation-broken": nothing,
    "break-glass": locked_by_hand,
    "dead-letters": an_event_was_buried,
    "delete-and-shred": nothing,
    "drift": somebody_edited_by_hand,
    "eyes-shut": a_rule_was_disabled,
    "key-unreachable": nothing,
    "locked-by-revocation": the_key_is_disabled,
    "re-key": nothing,
    "remote-key-ending": nothing,
    "restore": nothing,
    "rotation-not-followed": the_alias_was_moved,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_followed_line_by_line(on_call: OnCall, page: Page) -> None:
    lines = [command for command in page.commands if command.run]
    assert len(lines) >= 2
    with SCENES[page.name](on_call):
        for command in lines:
            on_call.follow(command)
    assert on_call.state() == "open"


# ------------------------------------------------------------------ documents
APPROVER = "arn:aws:iam::111122223333:role/second-person"
DONE, REFUSED, REJECTED = "Success", "Failed", "Rejected"


def run(person: OnCall, document: str, decision: str = "", **parameters: str) -> tuple[str, dict[str, Any]]:
    """Start a document as the console does; how it ended, and the answer. `decision`: Approve or Reject, where it asks."""
    ssm = person.up.aws.client("ssm")
    runbook = next(one for one in RUNBOOKS if one.document == document)
    given = {name: [value] for name, value in parameters.items()}
    if runbook.of_deployment:
        given["Deployment"] = ["demo"]
    if runbook.approved:
        given["Approvers"] = [APPROVER]
    execution = ssm.start_automation_execution(DocumentName=document, Parameters=given)["AutomationExecutionId"]
    if decision:
        until(lambda: shown(person, execution)["AutomationExecutionStatus"] == "Waiting", what="it asks")
        ssm.send_automation_signal(AutomationExecutionId=execution, SignalType=decision)
    until(lambda: "ExecutionEndTime" in shown(person, execution), within=300, what=f"{document} ends")
    ended = shown(person, execution)
    steps = {step["StepName"]: step for step in ended["StepExecutions"]}
    answer = json.loads(steps["Operate"]["Outputs"]["Payload"][0]) if "Operate" in steps else {}
    return ended["AutomationExecutionStatus"], answer


def shown(person: OnCall, execution: str) -> dict[str, Any]:
    time.sleep(0.05)
    found: dict[str, Any] = person.up.aws.client("ssm").get_automation_execution(AutomationExecutionId=execution)
    return found["AutomationExecution"]  # type: ignore[no-any-return]


# In this order: document, parameters, decision, how it ends, words of the answer.
ROUND: tuple[tuple[str, dict[str, str], str, str, str], ...] = (
    ("portcullis-list", {}, "", DONE, '"state": "open"'),
    ("portcullis-status", {}, "", DONE, '"steps_waiting": 0'),
    ("portcullis-guard", {}, "", DONE, '"state": "open"'),
    ("portcullis-key-check", {}, "", DONE, '"findings"'),
    ("portcullis-key-status", {}, "", DONE, '"state": "Enabled"'),
    ("portcullis-drift", {}, "", DONE, '"drift": []'),
    ("portcullis-eyes", {}, "", DONE, '"shut"'),
    ("portcullis-roads", {}, "", DONE, '"opened"'),
    ("portcullis-accept", {"Watch": "domain", "Reason": "a walk"}, "", REFUSED, "does not differ"),
    ("portcullis-plan", {}, "", DONE, '"steps": []'),
    ("portcullis-apply", {}, "", DONE, '"status": "unchanged"'),
    ("portcullis-synchronise", {}, "", DONE, '"status": "unchanged"'),
    ("portcullis-history", {}, "", DONE, '"operation": "apply"'),
    ("portcullis-remote-keys", {}, "", DONE, '"offered": []'),
    ("portcullis-remote-check", {}, "", REFUSED, "is no Elasticsearch cluster"),
    ("portcullis-remote-rotate", {"Alias": "dc2"}, "", REFUSED, "reads no cluster by the name"),
    ("portcullis-sweep", {}, "", DONE, '"error": ""'),
    ("portcullis-redrive", {}, "", DONE, "identity"),
    ("portcullis-snapshot-take", {}, "", DONE, "portcullis-"),
    ("portcullis-restorability", {}, "", DONE, '"state": "holds"'),
    ("portcullis-restorability-state", {}, "", DONE, '"state": "holds"'),
    ("portcullis-snapshot-list", {}, "", DONE, '"SUCCESS"'),
    ("portcullis-snapshot-restore", {"Name": "no-such", "Indices": "x"}, "", REFUSED, "no-such"),
    ("portcullis-rollback", {"Entry": "999"}, "", REFUSED, "999"),
    ("portcullis-re-key", {"To": "demo-2"}, "", REFUSED, "demo-2"),
    ("portcullis-re-key-state", {}, "", REFUSED, "no re-key of demo was begun"),
    ("portcullis-cancel-re-key", {}, "", REFUSED, "re-key"),
    ("portcullis-cancel-delete", {}, "", REFUSED, "no deletion that could still be called off"),
    ("portcullis-shred-plan", {}, "", DONE, '"destroys"'),
    ("portcullis-break-glass", {"Reason": "too early"}, "", REFUSED, "break-glass is for a locked deployment"),
    ("portcullis-lock", {"Reason": "a walk"}, "", DONE, '"state": "locked"'),
    ("portcullis-break-glass", {"Reason": "a walk", "Minutes": "5"}, "", DONE, '"break_glass"'),
    ("portcullis-end-break-glass", {}, "", DONE, '"state": "locked"'),
    ("portcullis-unlock", {}, "", DONE, '"state": "open"'),
    # What cannot be taken back: first nobody agrees, then it is another name than was meant, then it is done.
    ("portcullis-shred", {"Confirm": "KEY-ID"}, "Approve", REFUSED, "only what is locked is shredded"),
    ("portcullis-delete", {"Confirm": "demo"}, "Reject", REJECTED, ""),
    ("portcullis-delete", {"Confirm": "other"}, "Approve", REFUSED, "confirm it by its name"),
    ("portcullis-status", {}, "", DONE, '"state": "open"'),
    ("portcullis-delete", {"Confirm": "demo"}, "Approve", DONE, '"state": "deleted"'),
    ("portcullis-shred", {"Confirm": "KEY-ID", "Days": "7"}, "Approve", DONE, '"PendingDeletion"'),
)  # fmt: skip


def test_every_document_is_in_the_round() -> None:
    assert {document for document, *_ in ROUND} == {runbook.document for runbook in RUNBOOKS}


def test_every_document_does_what_its_page_says_and_a_refusal_is_no_success(on_call: OnCall) -> None:
    for document, parameters, decision, end, words in ROUND:
        given = {name: on_call.said(value) for name, value in parameters.items()}
        status, answer = run(on_call, document, decision, **given)
        assert status == end, f"{document}: {status}, {answer}"
        assert words in json.dumps(answer), f"{document}: {answer}"
        assert (answer.get("exit_status", 1) in (0, 3)) is (end == DONE)
    domains = on_call.up.aws.client("opensearch")
    with pytest.raises(domains.exceptions.ResourceNotFoundException):
        domains.describe_domain(DomainName="demo")
