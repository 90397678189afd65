"""Faults come when asked for, look like the real thing, and go."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from portcullis.errors import BadInput

from local.aws.emulator import Credentials, Emulator
from tests.local.bus import Bus

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize(
    ("service", "action", "call", "throttled"),
    [
        ("kms", "kms:ListKeys", "list_keys", "ThrottlingException"),
        ("dynamodb", "dynamodb:ListTables", "list_tables", "ProvisionedThroughputExceededException"),
        ("iam", "iam:ListUsers", "list_users", "Throttling"),
        ("sns", "sns:ListTopics", "list_topics", "Throttling"),
        ("sqs", "sqs:ListQueues", "list_queues", "ThrottlingException"),
        ("ec2", "ec2:DescribeVpcs", "describe_vpcs", "RequestLimitExceeded"),
        ("opensearch", "es:ListDomainNames", "list_domain_names", "ThrottlingException"),
    ],
)
def test_given_a_fault_of_so_many_calls_when_they_are_made_then_they_fail_and_later_ones_do_not(
    calm: Emulator, service: str, action: str, call: str, throttled: str
) -> None:
    ask = getattr(calm.client(service), call)
    for kind, expected in (("throttle", (400, throttled)), ("server-error", (500, "InternalFailure"))):
        calm.admin("fault", actions=[action], kind=kind, calls=2)
        for _ in range(2):
            with pytest.raises(ClientError) as error:
                ask()
            assert _code(error) == expected
        ask()


def test_given_a_fault_of_one_operation_when_others_are_called_then_they_work(calm: Emulator) -> None:
    calm.admin("fault", actions=["kms:Describe*"], kind="throttle")
    kms = calm.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError):
        kms.describe_key(KeyId=key)
    assert [f["met"] for f in calm.admin("faults").values()] == [1]
    calm.admin("mend")
    kms.describe_key(KeyId=key)


def test_given_a_fault_for_one_caller_when_another_calls_then_he_is_served(
    calm: Emulator, person: Callable[..., Credentials]
) -> None:
    someone = person("kms:*")
    arn = calm.client("sts", credentials=someone).get_caller_identity()["Arn"]
    calm.admin("fault", actions=["kms:*"], kind="server-error", caller=arn)
    calm.client("kms").list_keys()
    with pytest.raises(ClientError):
        calm.client("kms", credentials=someone).list_keys()


def test_given_a_hanging_service_when_called_then_the_caller_times_out_and_others_are_served(calm: Emulator) -> None:
    number = calm.admin("fault", actions=["kms:ListKeys"], kind="hang", hold=30)["fault"]
    with pytest.raises(ReadTimeoutError):
        calm.client("kms", config=Config(read_timeout=0.5)).list_keys()
    calm.client("iam").list_users()
    calm.admin("mend", fault=number)
    calm.client("kms").list_keys()


def test_given_a_fault_for_a_time_when_it_is_over_then_calls_work(calm: Emulator) -> None:
    calm.admin("fault", actions=["dynamodb:*"], kind="throttle", seconds=0.3)
    with pytest.raises(ClientError):
        calm.client("dynamodb").list_tables()
    time.sleep(0.4)
    calm.client("dynamodb").list_tables()


def test_given_lost_doubled_and_late_events_when_calls_are_made_then_just_that_happens(
    calm: Emulator, bus: Callable[..., Bus], name: str
) -> None:
    caught, iam = bus("us-east-1"), calm.client("iam")
    calm.admin("weather", lose=True, names=["CreateGroup"])
    iam.create_group(GroupName=f"{name}-lost")
    iam.create_user(UserName=f"{name}-kept")
    caught.named("CreateUser", userName=f"{name}-kept")
    calm.admin("weather", copies=3)
    iam.create_group(GroupName=f"{name}-thrice")
    calm.admin("weather", delay=1.5, names=["DeleteGroup"])
    iam.delete_group(GroupName=f"{name}-thrice")
    iam.create_group(GroupName=f"{name}-soon")
    seen = [
        (e["detail"]["eventName"], e["detail"]["requestParameters"]["groupName"])
        for e in caught.all()
        if "groupName" in str(e)
    ]
    assert seen == [("CreateGroup", f"{name}-thrice")] * 3 + [("CreateGroup", f"{name}-soon")]
    caught.named("DeleteGroup", groupName=f"{name}-thrice")


def test_given_no_token_or_an_unknown_verb_when_the_admin_route_is_asked_then_it_refuses(aws: Emulator) -> None:
    request = urllib.request.Request(f"{aws.endpoint}/_portcullis/mend", data=b"{}", method="POST")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310
    assert refused.value.code == 403
    with pytest.raises(BadInput, match=r"there are: .*fault"):
        aws.admin("break-everything")
    with pytest.raises(BadInput, match="there is no fault 'sulk'"):
        aws.admin("fault", actions=["kms:*"], kind="sulk")
