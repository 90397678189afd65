"""Every page walked through on the embedded default, in the state that brings somebody to it; then every document run.

The lines of a page that are marked `run` are typed in order, and have to print what the page says they print.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from portcullis.errors import Refused

from local.people import until
from local.rehearsal.__main__ import rehearse
from local.rehearsal.following import filled, follow
from local.rehearsal.incidents import INCIDENTS, MAPPINGS
from local.rehearsal.pages import PAGES, Page
from local.rehearsal.stand import state
from stacks.runbooks import RUNBOOKS
from tests.runbooks.conftest import OnCall, brought_to
from tests.runbooks.pages import index

pytestmark = pytest.mark.embedded

INDEX = index()


@pytest.fixture(scope="module")
def by_level(on_call: OnCall) -> dict[str, OnCall]:
    return on_call.by_level()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_followed_line_by_line(on_call: OnCall, by_level: dict[str, OnCall], page: Page) -> None:
    lines = page.typed(on_call.place)
    assert len(lines) >= 2
    held = on_call.engine("GET", MAPPINGS)
    with brought_to(on_call, page.name):
        for command in lines:
            follow(by_level[INDEX[page.name].level], command)
        if page.name == "drift":
            now = on_call.engine("GET", MAPPINGS)
            ours, theirs = "level_application", "all_access"
            assert now[ours]["backend_roles"] == held[ours]["backend_roles"] != [], "step 5 put it back"
            assert now[theirs]["users"] == ["stranger"], "and left alone what somebody made by hand"
    assert state(on_call) == "open"


def test_a_rehearsal_shows_the_alerts_and_puts_everything_back(on_call: OnCall) -> None:
    """The page's own commands are typed, as `make rehearse PAGE=drift` does with --follow."""
    told: list[str] = []
    held, topic = on_call.engine("GET", MAPPINGS), on_call.up.output("AlertTopic")
    rehearse(on_call, topic, "drift", follows=True, tell=told.append)
    said = "\n".join(told)
    assert re.search(r"^alert: \[critical\] drift: demo .*\n  What happened: .*stranger", said, re.MULTILINE), said
    assert "$ portcullis drift demo" in told
    assert told[-1] == "demo is open."
    assert on_call.engine("GET", MAPPINGS) == held
    assert not [
        one for one in on_call.client("sns").list_subscriptions()["Subscriptions"] if "rehearsal" in one["Endpoint"]
    ]


def test_a_rehearsal_begins_with_an_open_deployment(on_call: OnCall) -> None:
    with INCIDENTS["domain"]["break-glass"].played(on_call), pytest.raises(Refused, match="demo is locked"):
        rehearse(on_call, on_call.up.output("AlertTopic"), "drift", follows=True, tell=print)


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
    ("portcullis-remote-check", {}, "", DONE, '"findings": []'),
    ("portcullis-remote-migration", {"Alias": "dc2"}, "", REFUSED, "is no Elasticsearch cluster"),
    ("portcullis-remote-migrate", {"Alias": "dc2"}, "", REFUSED, "is no Elasticsearch cluster"),
    ("portcullis-remote-migrate-back", {"Alias": "dc2"}, "", REFUSED, "no move of dc2 of demo was begun"),
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
        given = {name: filled(on_call, value) for name, value in parameters.items()}
        status, answer = run(on_call, document, decision, **given)
        assert status == end, f"{document}: {status}, {answer}"
        assert words in json.dumps(answer), f"{document}: {answer}"
        assert (answer.get("exit_status", 1) in (0, 3)) is (end == DONE)
    domains = on_call.up.aws.client("opensearch")
    with pytest.raises(domains.exceptions.ResourceNotFoundException):
        domains.describe_domain(DomainName="demo")
