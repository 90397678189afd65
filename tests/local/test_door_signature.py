"""A signed request is taken as it was signed, whoever signed it, and not with one character changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st
from opensearchpy import AWSV4SignerAuth
from requests_aws4auth import AWS4Auth

from local.door import asked as asking
from local.door import signature
from local.door.answers import Refused

REGION, KEY, SECRET, TOKEN = "eu-central-1", "AKIAEXAMPLE", "secret/of+example", "session//token=="
HOST = "search-logs.example:8443"


@dataclass(frozen=True)
class Sent:
    """A request on its way: what an eavesdropper could change."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def find(access_key: str, session_token: str) -> tuple[str, str]:
    if (access_key, session_token) not in ((KEY, ""), (KEY, TOKEN)):
        raise Refused(403, {})
    return SECRET, "known"


def arrives(sent: Sent, at: datetime | None = None, region: str = REGION) -> str:
    asked = asking.read(sent.method, sent.target, [(n.encode(), v.encode()) for n, v in sent.headers], "127.0.0.1")
    digest = hashlib.sha256(sent.body).hexdigest()
    return signature.verify(asked, find, digest, region=region, now=at or sent.at)


def refusal(sent: Sent, **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        arrives(sent, **more)
    return refused.value


def prepared(auth: Any, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Sent:
    request = requests.Request(method, f"https://{HOST}{path}", data=body, headers=headers, auth=auth).prepare()
    everything = {"Host": HOST, **request.headers}
    return Sent(method, request.path_url, tuple((n.lower(), v) for n, v in everything.items()), request.body or b"")


def by_aws4auth(method: str, path: str, body: bytes | None = None, token: str = "", **headers: str) -> Sent:
    return prepared(AWS4Auth(KEY, SECRET, REGION, "es", session_token=token or None), method, path, body, headers)


def by_opensearch_py(method: str, path: str, body: bytes | None = None, token: str = "", **headers: str) -> Sent:
    return prepared(AWSV4SignerAuth(Credentials(KEY, SECRET, token or None), REGION), method, path, body, headers)


def by_botocore(method: str, path: str, body: bytes | None = None, token: str = "", **headers: str) -> Sent:
    request = AWSRequest(method=method, url=f"https://{HOST}{path}", data=body, headers=headers)
    SigV4Auth(Credentials(KEY, SECRET, token or None), "es", REGION).add_auth(request)
    everything = {"host": HOST, **{n.lower(): v for n, v in request.headers.items()}}
    return Sent(method, path, tuple(everything.items()), body or b"")


SIGNERS = [by_aws4auth, by_opensearch_py, by_botocore]
signers = pytest.mark.parametrize("sign", SIGNERS, ids=lambda sign: sign.__name__)

GOOD = {
    "root": ("GET", "/", None),
    "trailing slash": ("GET", "/_cat/indices/", None),
    "encoded slash": ("PUT", "/i/_doc/a%2Fb%2Fc", b"{}"),
    "encoded percent": ("GET", "/i/_doc/a%252Fb", None),
    "date math": ("GET", "/%3Clogs-%7Bnow%2Fd%7D%3E/_search", None),
    "reserved": ("GET", "/a,b/_doc/a:b@c,d=e+f!$&'()*", None),
    "tilde": ("GET", "/i/_doc/~a~", None),
    "non-ASCII": ("GET", "/i/_doc/%C3%A4%F0%9F%98%80?q=%C3%A4%F0%9F%98%80", None),
    "plus is a space": ("GET", "/i/_search?q=a+b&pretty=true", None),
    "encoded plus": ("GET", "/i/_search?q=a%2Bb%26c%3Dd", None),
    "unsorted": ("GET", "/i/_search?size=1&from=0&a=2", None),
    "no value": ("GET", "/_cat/indices?v=&h=", None),
    "delete with body": ("DELETE", "/_search/scroll", b'{"scroll_id":["a"]}'),
    "binary body": ("POST", "/_bulk", bytes(range(256)) * 500),
}


@signers
@pytest.mark.parametrize("what", GOOD)
def test_a_request_is_taken_from_every_signer(sign: Callable[..., Sent], what: str) -> None:
    assert arrives(sign(*GOOD[what])) == "known"


@signers
def test_a_session_is_taken_with_its_token_only(sign: Callable[..., Sent]) -> None:
    sent = sign("GET", "/i/_search", token=TOKEN)
    assert arrives(sent) == "known"
    without = replace(sent, headers=tuple(h for h in sent.headers if h[0] != "x-amz-security-token"))
    assert refusal(without).status == 403


def test_a_header_that_botocore_leaves_out_may_be_signed_by_others() -> None:
    sent = prepared(
        AWS4Auth(KEY, SECRET, REGION, "es", include_hdrs={"*"}),
        "GET",
        "/",
        None,
        {"User-Agent": "java", "X-Opaque-Id": "a  b"},
    )
    assert "user-agent" in dict(sent.headers)["authorization"]
    assert arrives(sent) == "known"
    assert refusal(changed(sent, "user-agent", "jAva")).status == 403


def changed(sent: Sent, name: str, value: str) -> Sent:
    return replace(sent, headers=tuple((n, value if n == name else v) for n, v in sent.headers))


def in_authorization(sent: Sent, old: str, new: str) -> Sent:
    value = dict(sent.headers)["authorization"]
    assert old in value
    return changed(sent, "authorization", value.replace(old, new))


BASE = by_aws4auth("POST", "/i/_search?q=a%20b&size=1", b'{"query":{}}', **{"Content-Type": "application/json"})
BAD = {
    "other service": (in_authorization(BASE, "/es/", "/s3/"), "correct service: 'es'"),
    "other region": (in_authorization(BASE, REGION, "eu-west-1"), "valid region"),
    "other terminator": (in_authorization(BASE, "aws4_request", "aws4_requesT"), "valid terminator"),
    "unknown key": (in_authorization(BASE, KEY, "AKIAOTHER"), ""),
    "short scope": (in_authorization(BASE, "/es/aws4_request", "/aws4_request"), "5 slash-delimited"),
    "no signature": (in_authorization(BASE, "Signature=", "Sig="), "'Signature' parameter"),
    "not sigv4": (changed(BASE, "authorization", "Bearer x"), "'Credential' parameter"),
    "host unsigned": (in_authorization(BASE, "host;", ""), "'Host'"),
    "unsorted headers": (in_authorization(BASE, "content-type;host", "host;content-type"), "sorted"),
    "header named twice": (in_authorization(BASE, "host;", "host;host;"), "sorted"),
    "signed and not sent": (
        replace(BASE, headers=tuple(h for h in BASE.headers if h[0] != "content-type")),
        "not sent",
    ),
    "x-amz unsigned": (replace(BASE, headers=(*BASE.headers, ("x-amz-target", "x"))), "'x-amz-target' must be"),
    "no date": (replace(BASE, headers=tuple(h for h in BASE.headers if h[0] != "x-amz-date")), ""),
    "body": (replace(BASE, body=b'{"query":{ }}'), "does not match"),
    "no body": (replace(BASE, body=b""), "does not match"),
    "unsigned payload": (changed(BASE, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "does not match"),
    "path": (replace(BASE, target=BASE.target.replace("/i/", "/j/")), "Canonical String"),
    "longer path": (replace(BASE, target=BASE.target.replace("_search", "_search/")), "Canonical String"),
    "query value": (replace(BASE, target=BASE.target.replace("size=1", "size=2")), "Canonical String"),
    "query added": (replace(BASE, target=BASE.target + "&x="), "Canonical String"),
    "query gone": (replace(BASE, target="/i/_search"), "Canonical String"),
    "method": (replace(BASE, method="PUT"), "Canonical String"),
    "host": (changed(BASE, "host", "other"), "Canonical String"),
    "content type": (changed(BASE, "content-type", "application/cbor"), "Canonical String"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_request_that_is_not_as_signed_is_refused_in_amazons_words(what: str) -> None:
    sent, words = BAD[what]
    refused = refusal(sent)
    assert refused.status == 403
    assert words in refused.body.get("message", "")  # type: ignore[union-attr]


@pytest.mark.parametrize(("minutes", "words"), [(6, "Signature expired"), (-6, "Signature not yet current")])
def test_a_request_is_refused_outside_five_minutes_either_way(minutes: int, words: str) -> None:
    now = BASE.at
    assert arrives(BASE, at=now + timedelta(minutes=minutes * 0.8)) == "known"
    assert words in refusal(BASE, at=now + timedelta(minutes=minutes)).body["message"]  # type: ignore[index]


@pytest.mark.parametrize(
    "at", ["20260230T000000Z", "2026-02-03T00:00:00Z", "20260203T000000", "２０２６0203T000000Z", "x"]
)
def test_a_time_that_is_none_is_refused(at: str) -> None:
    assert refusal(changed(BASE, "x-amz-date", at)).status == 403


# ------------------------------------------------------------------ the law: no single character can be changed
SIGNED = [
    by_aws4auth(
        "PUT", "/i-1/_doc/a%2Fb?q=a%20b&pipeline=x,y", b'{"a": 1}', TOKEN, **{"Content-Type": "application/json"}
    ),
    by_opensearch_py(
        "POST", "/a,b/_search?q=a+b&size=10", b'{"q": "\xc3\xa4"}', **{"Content-Type": "application/json"}
    ),
    by_botocore("GET", "/%C3%A4/_search?ignore_unavailable=true", None, TOKEN),
]


def meaning(sent: Sent) -> object:
    """What the node would be asked for, and by whom: equal for two requests that differ in the way of writing only."""
    path, _, query = sent.target.partition("?")
    said = signature.read(
        asking.read(sent.method, sent.target, [(n.encode(), v.encode()) for n, v in sent.headers], ""),
        REGION,
        sent.at,
    )
    headers = {n: re.sub(" +", " ", v.strip(" ")) for n, v in sent.headers if n in said.signed}
    segments = [unquote(one) for one in path.split("/")]
    return sent.method, segments, parse_qsl(query, keep_blank_values=True), said, headers, sent.body


def spliced(text: str, at: int, kind: str, character: str) -> str:
    at %= max(len(text), 1)
    return (
        text[:at] + {"put in": character, "change": character, "take out": ""}[kind] + text[at + (kind != "put in") :]
    )


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from(SIGNED),
    st.sampled_from(["target", "body", "header", "authorization"]),
    st.integers(0, 10_000),
    st.integers(0, 20),
    st.sampled_from(["change", "put in", "take out"]),
    st.characters(min_codepoint=1, max_codepoint=0x2FF) | st.sampled_from("/.%+&=;?# \t2Ff"),
)
def test_no_character_of_a_signed_request_can_be_changed(
    sent: Sent, part: str, at: int, header: int, kind: str, character: str
) -> None:
    said = dict(sent.headers)["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    name = "authorization" if part == "authorization" else said[header % len(said)]
    if part == "target":
        tampered = replace(sent, target=spliced(sent.target, at, kind, character))
    elif part == "body":
        tampered = replace(sent, body=spliced(sent.body.decode(), at, kind, character).encode())
    else:
        tampered = changed(sent, name, spliced(dict(sent.headers)[name], at, kind, character))
    try:
        arrives(tampered)
    except Refused:
        return
    assert meaning(tampered) == meaning(sent)


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_no_other_signature_is_taken(value: str) -> None:
    now = dict(BASE.headers)["authorization"].rpartition("=")[2]
    if value != now:
        assert refusal(in_authorization(BASE, now, value)).status == 403
