"""One emulated AWS for whoever needs one: started on first use, one per test session, ended with it.

Load with `pytest_plugins = ["tests.fixtures_aws"]`. Tests that use it carry the mark `aws`; they share it, so each makes
resources of its own, under names of its own.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.aws.emulator import Emulator

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulated AWS, IAM enforced, no front door; domains get the endpoint 127.0.0.1:9443."""
    home = tmp_path_factory.mktemp("aws")
    with Emulator.start(home, domain_endpoint="127.0.0.1:9443", lambda_environment={"FOR_ALL": "yes"}) as emulator:
        yield emulator


@pytest.fixture
def calm(aws: Emulator) -> Iterator[Emulator]:
    """The emulated AWS, and every fault mended afterwards."""
    yield aws
    aws.admin("mend")


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t{next(_numbers)}"


@dataclass
class Bus:
    """What arrives on the default bus of a Region, caught in a queue."""

    client: Any
    queue: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    def wait(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 5.0) -> dict[str, Any]:
        """The first event that is wanted; fails if none came."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.seen:
                if wanted(event):
                    return event
            if time.monotonic() > deadline:
                pytest.fail(f"no such event came; there were {[self._shown(e) for e in self.seen]}")
            self._receive()

    def named(self, event_name: str, **parameters: str) -> dict[str, Any]:
        """The first CloudTrail event of this call, with these request parameters."""

        def wanted(event: dict[str, Any]) -> bool:
            asked = event["detail"].get("requestParameters") or {}
            return event["detail"].get("eventName") == event_name and parameters.items() <= asked.items()

        return self.wait(wanted)

    def all(self, seconds: float = 0.7) -> list[dict[str, Any]]:
        """Everything that came, after giving what is on its way some time."""
        time.sleep(seconds)
        while self._receive(wait=0):
            pass
        return self.seen

    def _receive(self, wait: int = 1) -> int:
        got = self.client.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get(
            "Messages", []
        )
        for message in got:
            self.seen.append(json.loads(message["Body"]))
            self.client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return len(got)

    @staticmethod
    def _shown(event: dict[str, Any]) -> str:
        return str(event["detail"].get("eventName") or event["detail-type"])


@pytest.fixture
def bus(aws: Emulator, name: str) -> Iterator[Callable[..., Bus]]:
    """`bus(region=…, pattern=…)`: catches what arrives from then on."""
    made: list[tuple[Any, str]] = []

    def catch(region: str = aws.region, pattern: dict[str, Any] | None = None) -> Bus:
        events, sqs = aws.client("events", region=region), aws.client("sqs", region=region)
        rule = f"{name}-{len(made)}"
        queue = sqs.create_queue(QueueName=rule)["QueueUrl"]
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern or {"source": [{"prefix": "aws."}]}))
        events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{region}:{aws.account}:{rule}"}])
        made.append((events, rule))
        return Bus(sqs, queue)

    yield catch
    for events, rule in made:
        events.remove_targets(Rule=rule, Ids=["1"])
        events.delete_rule(Name=rule)


@pytest.fixture
def person(aws: Emulator, name: str) -> Callable[..., Any]:
    """`person("kms:*", resource="*")`: credentials of a new IAM user who may do just that."""
    from local.aws.emulator import Credentials

    def make(*actions: str, resource: str = "*") -> Credentials:
        iam, user = aws.client("iam"), f"{name}-person-{next(_numbers)}"
        iam.create_user(UserName=user)
        if actions:
            allowed = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
            document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    return make
