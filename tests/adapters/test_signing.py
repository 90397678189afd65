"""Given credentials that are renewed while several threads sign, then each request is signed with what belongs together."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from botocore.credentials import ReadOnlyCredentials
from portcullis.adapters.engines.transport import signing
from requests_aws4auth import AWS4Auth

REGION = "eu-central-1"
_RENEWED = [ReadOnlyCredentials(f"AKIA{n}", f"secret-{n}", f"token-{n}") for n in range(7)]


class Renewing:
    """Other credentials at every look."""

    def __init__(self) -> None:
        self._next = itertools.cycle(_RENEWED)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return next(self._next)


class Session:
    def get_credentials(self) -> Renewing:
        return Renewing()


def signed_anew(request: requests.PreparedRequest) -> str:
    """The header as who signs alone would make it, with the credentials that the request names."""
    told = str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0]
    who = next(one for one in _RENEWED if one.access_key == told)
    assert request.headers["x-amz-security-token"] == who.token
    alone = requests.Request("GET", request.url, headers={"x-amz-date": str(request.headers["x-amz-date"])}).prepare()
    signed: Any = AWS4Auth(who.access_key, who.secret_key, REGION, "es", session_token=who.token)(alone)
    return str(signed.headers["Authorization"])


def test_threads_that_sign_at_once_mix_no_credentials() -> None:
    auth = signing(Session(), REGION)

    def sign(number: int) -> requests.PreparedRequest:
        request: requests.PreparedRequest = auth(
            requests.Request("GET", f"https://logs.example.com/{number}").prepare()
        )
        return request

    with ThreadPoolExecutor(8) as signers:
        for request in signers.map(sign, range(600)):
            assert request.headers["Authorization"] == signed_anew(request)
