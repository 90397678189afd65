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
def test_a_fault_for_so_many_calls_ends_after_them(
    calm: Emulator, service: str, action: str, call: str, throttled: str
) -> None:
    """Throttling and a server error look for each service as they do on AWS. The call after them works."""
    ask = getattr(calm.client(service), call)
    for kind, expected in (("throttle", (400, throttled)), ("server-error", (500, "InternalFailure"))):
        calm.admin("fault", actions=[action], kind=kind, calls=2)
        for _ in range(2):
            with pytest.raises(ClientError) as error:
                ask()
            assert _code(error) == expected
        ask()


def test_a_fault_for_one_operation_leaves_the_others_working(calm: Emulator) -> None:
    """It counts the calls it met, and goes when it is mended."""
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


def test_a_hanging_service_times_out_its_caller_and_serves_others(calm: Emulator) -> None:
    """Only the call that hangs waits. Once mended, it is answered again."""
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


def test_events_are_lost_doubled_or_late_only_as_asked_for(calm: Emulator, bus: Callable[..., Bus], name: str) -> None:
    """Each is set for certain event names. Other events arrive once and in time."""
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


def test_the_admin_route_refuses_a_missing_token_and_unknown_verbs(aws: Emulator) -> None:
    """The error for an unknown verb or fault says which ones there are."""
    request = urllib.request.Request(f"{aws.endpoint}/_portcullis/mend", data=b"{}", method="POST")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310
    assert refused.value.code == 403
    with pytest.raises(BadInput, match=r"there are: .*fault"):
        aws.admin("break-everything")
    with pytest.raises(BadInput, match="there is no fault 'sulk'"):
        aws.admin("fault", actions=["kms:*"], kind="sulk")
