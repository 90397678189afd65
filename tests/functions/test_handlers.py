"""Each handler in a process of its own with the layer alone: what it answers, what it leaves in the log, what it imports."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.ports.registration import Registration

from local.aws.emulator import Emulator
from tests.functions.lambdas import FUNCTIONS, Ran, run

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


# ---------------------------------------------------------------------- imports


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_needs_only_the_layer_and_loads_slow_modules_late(packages: Path, function: str) -> None:
    """Each function starts in a process that has only its layer. What not every event needs is not imported at the start."""
    ran = run(function, None, packages, {})
    assert ran.status == 0, ran.output
    late = {
        "boto3",
        "botocore.session",
        "opensearchpy",
        "aws_xray_sdk",
        "requests",
        "yaml",
        "pydantic",
        "aws_lambda_powertools.utilities.parser",
        "portcullis.cli",
    }
    assert late & ran.modules == set()


# ---------------------------------------------------------------------- with an account around them


@pytest.fixture(scope="module")
def account(aws: Emulator) -> dict[str, str]:
    """A ledger without deployments, queues and a topic: the environment that the stacks would give."""
    dynamodb, sqs = aws.client("dynamodb"), aws.client("sqs")
    dynamodb.create_table(
        TableName="functions-ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    urls = {
        name: sqs.create_queue(QueueName=f"functions-{name}.fifo", Attributes=fifo)["QueueUrl"]
        for name in ("identity", "identity-dead", "key", "key-dead")
    }
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": aws.root.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.root.secret_key,
        "PORTCULLIS_LEDGER_TABLE": "functions-ledger",
        "PORTCULLIS_ALERT_TOPIC": aws.client("sns").create_topic(Name="functions")["TopicArn"],
        "PORTCULLIS_IDENTITY_DEAD_LETTERS": urls["identity-dead"],
        "PORTCULLIS_KEY_DEAD_LETTERS": urls["key-dead"],
    }


@pytest.fixture
def call(packages: Path, account: dict[str, str], aws: Emulator) -> Run:
    def ask(function: str, event: Any, arn: str = "function:portcullis:look", **more: str) -> Ran:
        ran = run(function, event, packages, account | more, arn=arn)
        assert aws.root.secret_key not in ran.output, "a secret is in the log"
        return ran

    return ask


def record(queue: str, number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:111122223333:functions-{queue}.fifo",
        "awsRegion": "eu-central-1",
        "body": body,
        "messageAttributes": {},
        "md5OfBody": "",
        "attributes": {
            "MessageGroupId": "nobody",
            "SentTimestamp": str(int(time.time() * 1000)),
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": str(int(time.time() * 1000)),
            "ApproximateReceiveCount": "1",
        },
    }


@pytest.mark.aws
@pytest.mark.parametrize(("function", "queue"), [("identity_sync", "identity"), ("key_guard", "key")])
def test_a_batch_answers_with_what_failed_and_buries_what_cannot_be_read(
    call: Run, aws: Emulator, account: dict[str, str], function: str, queue: str
) -> None:
    told = {"Records": [record(queue, 1, "no json"), record(queue, 2, "{}")]}
    ran = call(function, told)
    assert ran.status == 0, ran.output
    assert ran.answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}, ran.output
    dead = account[f"PORTCULLIS_{queue.upper()}_DEAD_LETTERS"]
    assert [m["Body"] for m in aws.client("sqs").receive_message(QueueUrl=dead)["Messages"]] == ["no json"]
    assert any("no deployment named 'nobody'" in str(line["message"]) for line in ran.log)
    assert all(line["service"] == function for line in ran.log)


@pytest.mark.aws
def test_an_empty_account_is_swept_and_operated_on(call: Run) -> None:
    assert call("sweep", {"source": "aws.events"}).answer == []
    for function in ("operate", "remove"):
        assert call(function, {"verb": "list"}).answer == {"exit_status": 0, "answer": []}


@pytest.mark.aws
@pytest.mark.parametrize(
    ("request_", "alias", "status", "words"),
    [
        ({"verb": "no-such"}, "look", 2, "no verb 'no-such'"),
        ({}, "look", 2, "no verb is named"),
        ({"verb": "status"}, "look", 2, "no deployment is named"),
        ({"verb": "status", "deployment": "gone"}, "look", 2, "no deployment named 'gone'"),
        ({"verb": "lock", "deployment": "gone", "arguments": {"reason": "x"}}, "look", 1, "needs the alias 'act'"),
        ({"verb": "lock", "deployment": "gone", "arguments": ["x"]}, "act", 2, "not an object"),
        ({"verb": "lock", "deployment": "gone", "arguments": {"why": "x"}}, "act", 2, "takes no 'why'"),
        ({"verb": "list"}, "$LATEST", 1, "needs the alias"),
    ],
)
def test_a_wrong_request_is_answered_with_its_status_and_one_line(
    call: Run, request_: dict[str, Any], alias: str, status: int, words: str
) -> None:
    ran = call("operate", request_, arn=f"function:portcullis-operate:{alias}")
    assert ran.answer["exit_status"] == status
    assert words in ran.answer["error"]
    assert "\n" not in ran.answer["error"]
    assert "Traceback" not in ran.output


@pytest.mark.aws
def test_what_the_library_logs_says_which_deployment_and_because_of_what(
    call: Run, aws: Emulator, account: dict[str, str]
) -> None:
    aws.client("dynamodb").create_table(
        TableName="functions-logs",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    ledger = DynamoLedger(aws.client("dynamodb"), "functions-logs")
    names = ("first", "second")
    for name in names:
        ledger.register(msgspec.convert({**REGISTRATION, "deployment": name}, Registration))
    ran = call("sweep", {"id": "event-1", "source": "aws.events"}, PORTCULLIS_LEDGER_TABLE="functions-logs")
    of_library = [line for line in ran.log if line["level"] == "WARNING"]
    assert {line["deployment"] for line in of_library} == set(names)
    assert {(line["correlation_id"], line["service"]) for line in of_library} == {("event-1", "sweep")}
    said = [json.dumps(line["message"]) for line in of_library]
    assert all(ran.output.count(one) == said.count(one) for one in said), "each is written once"


# ---------------------------------------------------------------------- the custom resource always answers


class Sink:
    """Where CloudFormation waits for its answer: a signed address that takes one PUT."""

    SIGNATURE = "X-Amz-Signature=verysecretsignature"

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.status = 200
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                sink.answers.append(json.loads(body))
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing on the screen."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answer?{self.SIGNATURE}"


@contextmanager
def listening() -> Iterator[Sink]:
    one = Sink()
    thread = threading.Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as one:
        yield one


def asked(sink: Sink, request: str, properties: Any, **more: str) -> dict[str, Any]:
    return {
        "RequestType": request,
        "ResponseURL": sink.url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Deployment",
        "ResourceProperties": properties,
        **more,
    }


REGISTRATION = {
    "deployment": "demo",
    "account": "111122223333",
    "region": "eu-central-1",
    "place": {
        "type": "amazon-domain",
        "name": "demo",
        "arn": "arn:aws:es:eu-central-1:111122223333:domain/demo",
        "endpoint": "localhost:9",
    },
    "key": {"arn": "arn:aws:kms:eu-central-1:111122223333:key/none"},
    "automation": {"type": "iam-role", "arn": "arn:aws:iam::111122223333:role/portcullis-automation"},
    "master": {"type": "iam-role", "arn": "arn:aws:iam::111122223333:role/master"},
}


@pytest.mark.aws
@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, "registration is not as expected"),
        ({"Registration": "text"}, "registration is not as expected"),
        ({"Registration": {"deployment": "demo"}}, "missing required field"),
        ({"Registration": REGISTRATION}, "KeyError: 'Model'"),
        ({"Registration": REGISTRATION, "Model": {"bucket": "no-such-bucket", "key": "x"}}, "NoSuchBucket"),
    ],
    ids=["nothing", "no object", "half", "no model", "no bucket"],
)
def test_what_cannot_be_set_up_is_answered_as_failed_with_its_reason(
    call: Run, sink: Sink, properties: Any, words: str
) -> None:
    ran = call("domain_setup", asked(sink, "Create", properties))
    [told] = sink.answers
    assert (ran.status, told["Status"]) == (0, "FAILED"), ran.output
    assert words in told["Reason"]
    assert {told[k] for k in ("StackId", "RequestId", "LogicalResourceId")} == {"stack", "request", "Deployment"}
    assert told["PhysicalResourceId"]
    assert Sink.SIGNATURE not in ran.output
    named = properties.get("Registration")
    [logged] = [line for line in ran.log if line["level"] == "ERROR"]
    assert logged.get("deployment") == (named["deployment"] if isinstance(named, dict) else None)
    assert logged["correlation_id"] == "request"


@pytest.mark.aws
def test_an_account_is_made_ready_and_nothing_of_it_taken_back(call: Run, sink: Sink, aws: Emulator) -> None:
    properties = {"Account": "111122223333"}
    call("domain_setup", asked(sink, "Create", properties))
    call("domain_setup", asked(sink, "Delete", properties, PhysicalResourceId="portcullis-account"))
    assert [told["Status"] for told in sink.answers] == ["SUCCESS", "SUCCESS"]
    assert {told["PhysicalResourceId"] for told in sink.answers} == {"portcullis-account"}
    assert sink.answers[0]["Data"]["ServiceRole"] in ("made", "was there")
    assert aws.client("iam").get_role(RoleName="AWSServiceRoleForAmazonOpenSearchService")


@pytest.mark.aws
def test_an_account_without_domains_needs_no_role_of_the_search_service(call: Run, sink: Sink) -> None:
    call("domain_setup", asked(sink, "Create", {"Account": "111122223333", "Domains": "no"}))
    assert [(told["Status"], told["Data"]) for told in sink.answers] == [("SUCCESS", {})]


@pytest.mark.aws
def test_without_its_settings_it_answers_too(call: Run, sink: Sink) -> None:
    call("domain_setup", asked(sink, "Create", {"Registration": REGISTRATION}), PORTCULLIS_LEDGER_TABLE="")
    [told] = sink.answers
    assert told["Status"] == "FAILED"
    assert "PORTCULLIS_LEDGER_TABLE is not set" in told["Reason"]


@pytest.mark.aws
@pytest.mark.parametrize("registration", [REGISTRATION, {"deployment": "demo"}, "text"])
def test_taking_back_what_was_never_set_up_succeeds_under_its_own_name(
    call: Run, sink: Sink, registration: Any
) -> None:
    """Else a stack whose creation failed could not be deleted either."""
    event = asked(sink, "Delete", {"Registration": registration}, PhysicalResourceId="portcullis-demo")
    call("domain_setup", event)
    [told] = sink.answers
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", "portcullis-demo")


@pytest.mark.aws
@pytest.mark.parametrize("name", ["refused", "was-not-put"])
def test_a_deployment_whose_model_failed_stays_registered_after_rollback(
    call: Run, sink: Sink, aws: Emulator, account: dict[str, str], name: str
) -> None:
    """Its domain is in another stack and stays: somebody has to watch its key."""
    ledger = DynamoLedger(aws.client("dynamodb"), account["PORTCULLIS_LEDGER_TABLE"])
    ledger.register(msgspec.convert({**REGISTRATION, "deployment": name}, Registration))
    properties = {"Registration": {**REGISTRATION, "deployment": name}, "Model": {"bucket": "none", "key": "x"}}
    call("domain_setup", asked(sink, "Create", properties))
    failed = sink.answers[0]["PhysicalResourceId"]
    call("domain_setup", asked(sink, "Delete", properties, PhysicalResourceId=failed))
    assert [told["Status"] for told in sink.answers] == ["FAILED", "SUCCESS"]
    assert name in {one.deployment for one in ledger.registrations()}
    call("domain_setup", asked(sink, "Delete", properties, PhysicalResourceId=f"portcullis-{name}"))
    assert name not in {one.deployment for one in ledger.registrations()}, "one that was there leaves"


@pytest.mark.aws
def test_an_answer_that_is_refused_fails_without_logging_its_signed_url(call: Run, sink: Sink) -> None:
    """CloudFormation does not take the answer. The function fails, so that Lambda tries again, and the signature is in no log."""
    sink.status = 403
    ran = call("domain_setup", asked(sink, "Delete", {"Registration": "text"}))
    assert ran.status != 0, "Lambda tries again"
    assert "did not take the answer: 403" in ran.output
    assert Sink.SIGNATURE not in ran.output
