"""The emulator's life: who is root, where it listens, what it leaves behind (nothing)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import psutil
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from portcullis.errors import BadInput

from local.aws.emulator import Credentials, Emulator
from local.people import until
from local.processes import ROOT, Died
from tests.local.assemblies import Stack, code, role, write

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws

SLEEPER = "import time\nprint('begun', flush=True)\ndef handler(event, context):\n    print('asleep', flush=True)\n    time.sleep(60)\n"


def _refusal(aws: Emulator, access_key: str, secret_key: str) -> str:
    stranger = boto3.client(
        "iam",
        endpoint_url=aws.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )
    with pytest.raises(ClientError) as refused:
        stranger.list_users()
    return str(refused.value.response["Error"]["Code"])


def test_well_known_test_credentials_are_refused(aws: Emulator) -> None:
    """Other emulators take them for root. Here only the key that was made at the start is root."""
    assert _refusal(aws, "test", "test") == "InvalidClientTokenId"
    assert _refusal(aws, aws.account, "test") == "InvalidClientTokenId"
    assert _refusal(aws, aws.root.access_key, "guessed") == "SignatureDoesNotMatch"
    assert aws.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.account}:root"


def test_unsigned_calls_are_refused_except_those_sdks_send_unsigned(aws: Emulator, name: str) -> None:
    """A sign-up at Cognito needs no signature. KMS, IAM, S3 and SQS refuse a call without one."""
    cognito, unsigned = aws.client("cognito-idp"), Config(signature_version=UNSIGNED)
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName=name)["UserPoolClient"]["ClientId"]
    aws.client("cognito-idp", config=unsigned).sign_up(ClientId=client, Username=name, Password="Sw0rdfish!2024")
    for service, call in (("kms", "list_keys"), ("iam", "list_users"), ("s3", "list_buckets"), ("sqs", "list_queues")):
        with pytest.raises(ClientError) as refused:
            getattr(aws.client(service, config=unsigned), call)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_a_deleted_and_recreated_cognito_user_is_in_no_group(aws: Emulator, name: str) -> None:
    """The other member of the group stays in it."""
    cognito = aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool, GroupName="readers")
    for user in ("anna", "ben"):
        cognito.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName="readers")
    cognito.admin_delete_user(UserPoolId=pool, Username="anna")
    cognito.admin_create_user(UserPoolId=pool, Username="anna", MessageAction="SUPPRESS")
    members = cognito.list_users_in_group(UserPoolId=pool, GroupName="readers")["Users"]
    assert [one["Username"] for one in members] == ["ben"]


def test_given_a_user_without_policies_when_he_calls_then_he_is_denied(
    aws: Emulator, person: Callable[..., Credentials]
) -> None:
    nobody = person()
    for service, call in (("kms", "list_keys"), ("iam", "list_users"), ("opensearch", "list_domain_names")):
        with pytest.raises(ClientError) as refused:
            getattr(aws.client(service, credentials=nobody), call)()
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_a_permission_on_one_domain_shows_that_domain_and_no_other(
    aws: Emulator, person: Callable[..., Credentials], name: str
) -> None:
    """Describing the other domain is refused."""
    search = aws.client("opensearch")
    arns = [search.create_domain(DomainName=f"{kind}-{name}")["DomainStatus"]["ARN"] for kind in ("ours", "theirs")]
    theirs = aws.client("opensearch", credentials=person("es:DescribeDomain", resource=arns[0]))
    assert theirs.describe_domain(DomainName=f"ours-{name}")["DomainStatus"]["ARN"] == arns[0]
    with pytest.raises(ClientError, match="not authorized"):
        theirs.describe_domain(DomainName=f"theirs-{name}")


@pytest.mark.parametrize(("scope", "let_in"), [("the pool", False), ("*", True)])
def test_an_action_without_resources_must_be_allowed_on_all_of_them(
    aws: Emulator, person: Callable[..., Credentials], name: str, scope: str, let_in: bool
) -> None:
    """Allowed on one identity pool only, the call is refused. Allowed on `*`, it works."""
    pool = aws.client("cognito-identity").create_identity_pool(
        IdentityPoolName=name, AllowUnauthenticatedIdentities=False
    )["IdentityPoolId"]
    arn = f"arn:aws:cognito-identity:{aws.region}:{aws.account}:identitypool/{pool}"
    allowed = ("cognito-identity:SetIdentityPoolRoles", "iam:PassRole")
    theirs = person(*allowed, resource="*" if scope == "*" else arn)
    asked = {"IdentityPoolId": pool, "Roles": {"authenticated": f"arn:aws:iam::{aws.account}:role/r"}}
    identity = aws.client("cognito-identity", credentials=theirs)
    if let_in:
        identity.set_identity_pool_roles(**asked)
    else:
        with pytest.raises(ClientError, match="not authorized"):
            identity.set_identity_pool_roles(**asked)


def test_loopback_counts_as_tls_for_a_bucket_that_requires_it(
    aws: Emulator, person: Callable[..., Credentials], name: str
) -> None:
    """The policy of the bucket denies what comes without TLS. The emulator listens on loopback only."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=f"bucket-{name}", CreateBucketConfiguration={"LocationConstraint": aws.region})
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::bucket-{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=f"bucket-{name}", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    aws.client("s3", credentials=person("s3:*")).put_object(Bucket=f"bucket-{name}", Key="k", Body=b"x")


def test_all_sockets_of_the_running_emulator_are_on_loopback(aws: Emulator) -> None:
    """It listens at its own endpoint and nowhere else."""
    family = [psutil.Process(aws.pid), *psutil.Process(aws.pid).children(recursive=True)]
    listening = [c.laddr for p in family for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
    assert [f"http://{address.ip}:{address.port}" for address in listening] == [aws.endpoint]


def test_given_a_port_in_use_when_asked_for_then_one_clear_error_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} is in use"):
            Emulator.start(tmp_path, port=port)


def test_a_failed_start_shows_the_reason_from_the_end_of_the_log(tmp_path: Path) -> None:
    """The front door cannot be made with such settings."""
    with pytest.raises(Died, match=r"the emulated AWS ended with exit status 1; .*[\s\S]*door"):
        Emulator.start(tmp_path, door={"no-such-setting": True})


def _log(aws: Emulator, function: str) -> str:
    return aws.lambda_log(function).read_text() if aws.lambda_log(function).exists() else ""


def _sleeping(aws: Emulator, folder: Path) -> int:
    """A Lambda worker in the middle of an invocation; its process id."""
    from local.deploy import deploy

    (folder / "fn").mkdir()
    (folder / "fn" / "index.py").write_text(SLEEPER)
    function = {"FunctionName": "sleeper", "Runtime": "python3.12", "Handler": "index.handler", "Timeout": 60}
    resources = {
        "Role": role(),
        "Fn": {
            "Type": "AWS::Lambda::Function",
            "Properties": {**function, "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": code(aws.region, "fn")},
        },
    }
    deploy(write(folder / "out", Stack("s", resources, assets={"fn": folder / "fn"})), aws)
    aws.client("lambda").invoke(FunctionName="sleeper", InvocationType="Event")
    until(lambda: "asleep" in _log(aws, "sleeper"), what="the function is asleep")
    assert aws.admin("at-work", function="sleeper") == {"at_work": 1}
    assert aws.admin("at-work", function="eper") == {"at_work": 0}
    return psutil.Process(aws.pid).children(recursive=True)[0].pid


def _gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_the_lambda_worker_ends_with_the_emulator(tmp_path: Path, how: str) -> None:
    """Stopped or killed, the emulator leaves no worker behind, even one that is busy."""
    aws = Emulator.start(tmp_path / "home")
    emulator = aws.pid or 0
    worker = _sleeping(aws, tmp_path)
    if how == "killed":
        os.kill(emulator, signal.SIGKILL)
    else:
        aws.stop()
    assert _gone(worker)
    assert _gone(emulator)
    aws.stop()


def test_the_emulator_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    """It notices that the pipe to its parent is closed."""
    starter = (
        "import sys, time\nfrom pathlib import Path\nfrom local.aws.emulator import Emulator\n"
        "print(Emulator.start(Path(sys.argv[1])).pid, flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", starter, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    emulator = int(process.stdout.readline())
    assert psutil.pid_exists(emulator)
    process.kill()
    process.wait()
    process.stdout.close()
    assert _gone(emulator)


def test_a_stopped_emulator_leaves_no_root_key_on_disk(tmp_path: Path) -> None:
    """No file below its home has the secret key. Stopping twice does no harm."""
    aws = Emulator.start(tmp_path)
    secret = aws.root.secret_key
    aws.stop()
    aws.stop()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_text(errors="replace")]
    assert kept == []


def test_the_same_client_is_made_once_and_each_caller_has_their_own(
    aws: Emulator, person: Callable[..., Credentials]
) -> None:
    one, other = person("sqs:ListQueues"), person()
    assert aws.client("sqs") is aws.client("sqs")
    assert aws.client("sqs", credentials=one) is aws.client("sqs", credentials=one)
    assert aws.client("sqs", region="us-east-1").meta.region_name == "us-east-1"
    assert aws.client("sqs", config=Config()) is not aws.client("sqs", config=Config())
    aws.client("sqs", credentials=one).list_queues()
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("sqs", credentials=other).list_queues()
