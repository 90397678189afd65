"""Given that AWS does not answer as wished, then the person is told in one line what to do; and who asks can be proven."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from portcullis import clients
from portcullis.entry import ask as asking
from portcullis.entry.caller_proof import proof, proven
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable

from local.aws.emulator import Emulator


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "Invoke")


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (client_error("AccessDeniedException"), Refused, "managed policy portcullis-act"),
        (client_error("ResourceNotFoundException"), Refused, "right account and Region"),
        (client_error("TooManyRequestsException"), Unreachable, "try again"),
        (client_error("InternalError"), PortcullisError, "because"),
        (client_error("SignatureDoesNotMatch"), BadInput, "--profile"),
        (client_error("InvalidClientTokenId"), BadInput, "because"),
        (client_error("ExpiredTokenException"), BadInput, "sign in"),
        (InvalidRegionError(region_name="eu central"), BadInput, "--region"),
        (NoCredentialsError(), BadInput, "--profile"),
        (EndpointConnectionError(endpoint_url="https://lambda"), Unreachable, "did not answer"),
        (ReadTimeoutError(endpoint_url="https://lambda"), Unreachable, "did not answer"),
    ],
)
def test_what_goes_wrong_on_the_way_is_told_in_words(raised: Exception, kind: type[Exception], said: str) -> None:
    error = asking._translated(raised, "portcullis-operate:act", "act")
    assert type(error) is kind
    assert said in str(error)


def test_an_answer_that_is_an_error_is_raised_as_it_was() -> None:
    assert asking._answer({"exit_status": 0, "answer": [1]}) == [1]
    with pytest.raises(PortcullisError, match="refused"):
        asking._answer({"exit_status": 1, "error": "refused"})
    with pytest.raises(BadInput) as raised:
        asking._answer({"exit_status": 2, "error": "f: p (r)", "problem": "p", "source": "f", "remedy": "r"})
    assert (raised.value.source, raised.value.remedy, raised.value.exit_status) == ("f", "r", 2)


def test_direct_without_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_client(*_: Any) -> Any:
        raise client_error("AccessDeniedException")

    monkeypatch.delenv("PORTCULLIS_LEDGER_TABLE", raising=False)
    monkeypatch.setattr(clients, "client", no_client)
    with pytest.raises(Refused, match=r"PORTCULLIS_LEDGER_TABLE.*lambda:GetFunctionConfiguration"):
        asking.settings()


REQUEST = {"verb": "lock", "deployment": "demo", "arguments": {"reason": "a test"}, "cause": "portcullis lock demo"}


def sts_of(credentials: Any, aws: Emulator) -> Any:
    return aws.client("sts", credentials=credentials)


@pytest.mark.aws
def test_who_asks_is_proven_for_this_request(aws: Emulator, person: Any) -> None:
    sts = sts_of(person(), aws)
    who = sts.get_caller_identity()["Arn"]
    query = proof(sts, REQUEST)
    assert proven(query, REQUEST, sts.meta.endpoint_url) == who
    assert "Action=GetCallerIdentity" in query


@pytest.mark.aws
def test_a_proof_that_is_none_is_refused(aws: Emulator, person: Any) -> None:
    sts = sts_of(person(), aws)
    query, endpoint = proof(sts, REQUEST), sts.meta.endpoint_url
    loose = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60).partition("?")[2]
    long = query.replace("X-Amz-Expires=60", "X-Amz-Expires=3600")
    other = query.replace("GetCallerIdentity", "GetSessionToken")
    for bad, said in ((loose, "not bound"), (long, "too long"), (other, "no question"), ("", "no question")):
        with pytest.raises(ValueError, match=said):
            proven(bad, REQUEST, endpoint)
    stranger = query.replace("X-Amz-Credential=", "X-Amz-Credential=AKIA0000000000000000")
    with pytest.raises(ValueError, match="refused"):
        proven(stranger, REQUEST, endpoint)


def test_an_sts_that_is_not_there_proves_nothing() -> None:
    sts = boto3.client("sts", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    with pytest.raises(ValueError, match="did not answer"):
        proven(proof(sts, REQUEST), REQUEST, "http://127.0.0.1:9")
    assert urlencode({"X-Amz-SignedHeaders": "host;x-portcullis-request"}) in proof(sts, REQUEST)
