"""One emulated AWS for whoever needs one: started on first use, one per test session, ended with it.

Load with `pytest_plugins = ["tests.fixtures_aws"]`. Tests that use it carry the mark `aws`; they share it, so each makes
resources of its own, under names of its own.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws.emulator import Credentials, Emulator
from tests.local.bus import Bus

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


@pytest.fixture
def bus(aws: Emulator, name: str) -> Iterator[Callable[..., Bus]]:
    """`bus(region=…, pattern=…, state=…)`: catches what arrives from then on."""
    made: list[tuple[Any, str]] = []

    def catch(region: str = aws.region, pattern: dict[str, Any] | None = None, state: str = "ENABLED") -> Bus:
        events, sqs = aws.client("events", region=region), aws.client("sqs", region=region)
        rule = f"{name}-{len(made)}"
        queue = sqs.create_queue(QueueName=rule)["QueueUrl"]
        wanted = json.dumps(pattern or {"source": [{"prefix": "aws."}]})
        events.put_rule(Name=rule, EventPattern=wanted, State=state)
        events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{region}:{aws.account}:{rule}"}])
        made.append((events, rule))
        return Bus(sqs, queue)

    yield catch
    for events, rule in made:
        events.remove_targets(Rule=rule, Ids=["1"])
        events.delete_rule(Name=rule)


@pytest.fixture
def person(aws: Emulator, name: str) -> Callable[..., Credentials]:
    """`person("kms:*", resource="*")`: credentials of a new IAM user who may do just that."""

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
