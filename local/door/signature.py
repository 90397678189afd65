"""Signature Version 4, verified by computing it again with botocore. Pure: no clock, no store.

MiniStack's own verifier takes a body that was tampered with if the header that should hold its hash was left alone, so it is not used.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local.door.answers import SIGNATURE_DIFFERS, unknown
from local.door.asked import Asked

SERVICE, TERMINATOR = "es", "aws4_request"
WINDOW = timedelta(minutes=5)
ALGORITHM = "AWS4-HMAC-SHA256"
ISO_BASIC = re.compile(r"[0-9]{8}T[0-9]{6}Z")
PARTS = re.compile(rf"{ALGORITHM} +Credential=([^,\s]+), ?SignedHeaders=([a-z0-9;_-]+), ?Signature=([0-9a-f]{{64}})")

Known = TypeVar("Known")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its signature. `at` is x-amz-date as sent, `signed` the names of the signed headers."""

    access_key: str
    at: str
    signed: tuple[str, ...]
    value: str
    session_token: str


class _Again(SigV4Auth):  # type: ignore[misc]  # botocore says nothing of its types
    """Computes from what arrived. Left to itself botocore leaves out headers that other clients do sign, and takes any kind of
    white space for a space, so that one could be put in place of the other."""

    def __init__(self, credentials: Credentials, region: str, body_sha256: str) -> None:
        super().__init__(credentials, SERVICE, region)
        self._body_sha256 = body_sha256

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        given = HTTPHeaders()
        for name, value in request.headers.items():
            given[name] = value
        return given

    def payload(self, request: AWSRequest) -> str:
        return self._body_sha256

    def _header_value(self, value: str) -> str:
        return re.sub(" +", " ", value.strip(" "))


def read(asked: Asked, region: str, now: datetime) -> Signature:
    """All that can be said without the secret: form, scope, signed headers, time. Raises Refused (403)."""
    authorization = asked.headers.get("authorization", "")
    parts = PARTS.fullmatch(authorization)
    if not parts:
        missing = [name for name in ("Credential", "Signature", "SignedHeaders") if f"{name}=" not in authorization]
        wanted = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise unknown(wanted or "Authorization header is not a complete Signature Version 4 one.")
    credential, names, value = parts.groups()
    scope = credential.split("/")
    if len(scope) != 5:
        raise unknown(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    access_key, date, its_region, service, terminator = scope
    if terminator != TERMINATOR:
        raise unknown(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'. ")
    if service != SERVICE:
        raise unknown(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    if its_region != region:
        raise unknown(f"Credential should be scoped to a valid region, not '{its_region}'. ")
    signed = tuple(names.split(";"))
    _check_signed(asked, signed)
    at = asked.headers.get("x-amz-date", "")
    _check_time(at, date, now)
    return Signature(access_key, at, signed, value, asked.headers.get("x-amz-security-token", ""))


def _check_signed(asked: Asked, signed: tuple[str, ...]) -> None:
    if list(signed) != sorted(set(signed)):
        raise unknown("SignedHeaders must be sorted and each named once.")
    if "host" not in signed:
        raise unknown("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    for name in signed:
        if name not in asked.headers:
            raise unknown(f"'{name}' is a 'SignedHeader' in the AWS Authorization but was not sent.")
    for name in asked.headers:
        if name.startswith("x-amz-") and name not in signed:
            raise unknown(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _check_time(at: str, date: str, now: datetime) -> None:
    if not at:
        raise unknown("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    try:
        # Not by strptime alone, which takes fewer digits too.
        signed_at = datetime.strptime(at if ISO_BASIC.fullmatch(at) else "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise unknown(f"Date must be in ISO-8601 'basic format'. Got '{at}'.") from None
    if date != at[:8]:
        raise unknown("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP. ")
    first, last = now - WINDOW, now + WINDOW
    if signed_at < first:
        raise unknown(f"Signature expired: {at} is now earlier than {_stamp(first)} ({_stamp(now)} - 5 min.)")
    if signed_at > last:
        raise unknown(f"Signature not yet current: {at} is still later than {_stamp(last)} ({_stamp(now)} + 5 min.)")


def check(asked: Asked, signature: Signature, secret: str, region: str, body_sha256: str) -> None:
    """Compute it again. `body_sha256` is the hash of the bytes received, in hex. Raises Refused (403)."""
    # A signed hash says nothing about the body until the two are compared; UNSIGNED-PAYLOAD is not taken for es.
    if asked.headers.get("x-amz-content-sha256", body_sha256) != body_sha256:
        raise unknown(SIGNATURE_DIFFERS)
    auth = _Again(Credentials(signature.access_key, secret), region, body_sha256)
    headers = {name: asked.headers[name] for name in signature.signed}
    canonical = ""
    for query in dict.fromkeys((asked.query, normalised(asked.query))):
        # The host in the URL does not count: the signed header does.
        url = f"https://{SERVICE}{asked.path}" + (f"?{query}" if query else "")
        request = AWSRequest(method=asked.method, url=url, headers=headers)
        request.context["timestamp"] = signature.at
        canonical = auth.canonical_request(request)
        expected = auth.signature(auth.string_to_sign(request, canonical), request)
        if hmac.compare_digest(expected.encode(), signature.value.encode()):
            return
    if signature.session_token:  # errors end up in logs
        canonical = canonical.replace(signature.session_token, "...")
    raise unknown(f"{SIGNATURE_DIFFERS}\n\nThe Canonical String for this request should have been\n'{canonical}'\n")


def verify(
    asked: Asked,
    find: Callable[[str, str], tuple[str, Known]],
    body_sha256: str,
    *,
    region: str,
    now: datetime,
) -> Known:
    """All of it at once: whoever `find(access key, session token)` knows, if the signature is made with the secret it returns."""
    signature = read(asked, region, now)
    secret, known = find(signature.access_key, signature.session_token)
    check(asked, signature, secret, region, body_sha256)
    return known


def normalised(query: str) -> str:
    """Decoded ('+' is a space) and encoded again as SigV4 has it; some clients sign this form, others the one they send."""

    def again(text: str) -> str:
        return quote(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")

    pairs = (pair.partition("=") for pair in query.split("&")) if query else ()
    return "&".join(f"{again(name)}={again(value)}" for name, _, value in pairs)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%SZ")
