"""Who asks, proven by AWS: the caller signs a question to STS ("who am I?") for this one request, and we put it.

The same way in which an EKS cluster and HashiCorp Vault know an IAM caller. What is handed over is good for a minute, for this
question and for this request only; it gives nobody any right.

What it proves: somebody who had credentials of that ARN signed this very request, within the last minute. What it does not: that it was
this person who invoked the function (whoever may invoke it and sees the request within that minute can send it again, and it is the
same request), nor who is behind a role (a session's name is chosen by whoever takes the role, unless the role's trust asks for one).
Who invoked is CloudTrail's to say. A proof of another account is refused (`entry.operate`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

_HEADER = "x-portcullis-request"
_SECONDS = 60
_PATIENCE = 3
_LONGEST = 8_000


def digest_of(request: Mapping[str, Any]) -> str:
    """What a proof is bound to: the verb, the deployment, the arguments and the cause."""
    bound = {key: request.get(key) for key in ("verb", "deployment", "arguments", "cause")}
    return sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()


def proof(sts: Any, request: Mapping[str, Any]) -> str:
    """The signed question, as the query of a URL; `sts` is a boto3 client of the Region where the request is answered."""
    digest = digest_of(request)

    def bind(params: Any, context: Any, **_: Any) -> None:
        context[_HEADER] = digest

    def sign(request: Any, **_: Any) -> None:
        request.headers[_HEADER] = digest

    events = sts.meta.events
    events.register("provide-client-params.sts.GetCallerIdentity", bind, unique_id="portcullis-bind")
    events.register("before-sign.sts.GetCallerIdentity", sign, unique_id="portcullis-sign")
    try:
        url: str = sts.generate_presigned_url("get_caller_identity", ExpiresIn=_SECONDS, HttpMethod="GET")
    finally:
        events.unregister("provide-client-params.sts.GetCallerIdentity", bind, unique_id="portcullis-bind")
        events.unregister("before-sign.sts.GetCallerIdentity", sign, unique_id="portcullis-sign")
    return urlsplit(url).query


def proven(query: str, request: Mapping[str, Any], endpoint: str) -> str:
    """The ARN that STS at `endpoint` (ours, whatever the caller signed for) answers with; ValueError, with why, if it does not."""
    import requests

    if len(query) > _LONGEST:
        raise ValueError("it is too long")
    asked = parse_qs(query)
    if any(len(values) != 1 for values in asked.values()):
        raise ValueError("it says something twice")
    if asked.get("Action") != ["GetCallerIdentity"]:
        raise ValueError("it is no question who somebody is")
    if _HEADER not in asked.get("X-Amz-SignedHeaders", [""])[0].split(";"):
        raise ValueError("it is not bound to this request")
    if not asked.get("X-Amz-Expires", [""])[0].isdecimal() or int(asked["X-Amz-Expires"][0]) > _SECONDS:
        raise ValueError("it is good for too long")
    headers = {_HEADER: digest_of(request), "accept": "application/json"}
    try:
        answer = requests.get(
            f"{endpoint.rstrip('/')}/?{query}", headers=headers, timeout=_PATIENCE, allow_redirects=False
        )
    except requests.RequestException as error:
        raise ValueError(f"STS did not answer: {type(error).__name__}") from None
    if answer.status_code != 200:
        raise ValueError(f"STS refused it ({answer.status_code})")
    return _arn(answer.text)


def _arn(text: str) -> str:
    """From JSON as AWS answers, or XML as it does by default."""
    try:
        result = json.loads(text)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        return str(result["Arn"])
    except (ValueError, KeyError, TypeError):
        _, _, rest = text.partition("<Arn>")
        arn, end, _ = rest.partition("</Arn>")
        if not end or not arn.startswith("arn:"):
            raise ValueError("STS answered something else") from None
        return arn
