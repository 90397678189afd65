"""VPC endpoints of search domains, and which accounts may make some: MiniStack has none.

They are kept and shown as Amazon's API does; nothing goes through them.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

PREFIX = "/2021-01-01/opensearch"
_ENDPOINTS: Any = None  # id -> endpoint, by account and Region; made at install
_ALLOWED: Any = None  # domain -> principals
Asked = dict[str, Any]  # the body, and what is named in the path
Route = tuple[str, str, Callable[[Asked], Asked]]  # method, path behind PREFIX, what answers


def install() -> None:
    global _ENDPOINTS, _ALLOWED
    from ministack.core.responses import AccountRegionScopedDict

    _ENDPOINTS, _ALLOWED = AccountRegionScopedDict(), AccountRegionScopedDict()
    route(*_ROUTES)


def route(*routes: Route) -> None:
    """What the service of search domains answers from now on besides."""
    from ministack.services import opensearch

    known = opensearch.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        for wanted, pattern, answer in routes:
            matched = re.fullmatch(PREFIX + pattern, path.rstrip("/"))
            if method == wanted and matched:
                return _answered(opensearch, answer, matched.groupdict(), body)
        return await known(method, path, headers, body, query)

    opensearch.handle_request = handle_request


def _answered(opensearch: Any, answer: Callable[[Asked], Asked], named: dict[str, str], body: bytes) -> Any:
    from local.aws.patching import Refusal
    from local.aws.patching import answer as told

    asked = {**(json.loads(body) if body else {}), **named}
    if (domain := asked.get("DomainName")) and domain not in opensearch._domains:
        return opensearch._error(409, "ResourceNotFoundException", f"Domain not found: {domain}")
    if (endpoint := asked.get("VpcEndpointId")) and endpoint not in _ENDPOINTS:
        return opensearch._error(409, "ResourceNotFoundException", f"VPC endpoint not found: {endpoint}")
    try:
        return told(answer(asked))
    except Refusal as refused:
        return opensearch._error(refused.status, refused.code, str(refused))


def _create(asked: dict[str, Any]) -> dict[str, Any]:
    from ministack.core.responses import get_account_id

    made = {
        "VpcEndpointId": f"aos-{secrets.token_hex(8)}",
        "VpcEndpointOwner": get_account_id(),
        "DomainArn": asked["DomainArn"],
        "VpcOptions": asked["VpcOptions"],
        "Status": "ACTIVE",
    }
    _ENDPOINTS[made["VpcEndpointId"]] = made
    return {"VpcEndpoint": made}


def _delete(asked: dict[str, Any]) -> dict[str, Any]:
    gone = _ENDPOINTS.pop(asked["VpcEndpointId"])
    return {"VpcEndpointSummary": {**_summary(gone), "Status": "DELETING"}}


def _summary(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: endpoint[name] for name in ("VpcEndpointId", "VpcEndpointOwner", "DomainArn", "Status")}


def _of_domain(asked: dict[str, Any]) -> dict[str, Any]:
    ending = f":domain/{asked['DomainName']}"
    found = [_summary(one) for one in _ENDPOINTS.values() if one["DomainArn"].endswith(ending)]
    return {"VpcEndpointSummaryList": found, "NextToken": ""}


def _authorize(asked: dict[str, Any]) -> dict[str, Any]:
    by_service = bool(asked.get("Service"))
    kind = "AWS_SERVICE" if by_service else "AWS_ACCOUNT"
    principal = {"PrincipalType": kind, "Principal": asked.get("Service") or asked["Account"]}
    before = [one for one in _ALLOWED.get(asked["DomainName"], []) if one != principal]
    _ALLOWED[asked["DomainName"]] = [*before, principal]
    return {"AuthorizedPrincipal": principal}


def _revoke(asked: dict[str, Any]) -> dict[str, Any]:
    who = asked.get("Service") or asked.get("Account")
    left = [one for one in _ALLOWED.get(asked["DomainName"], []) if one["Principal"] != who]
    _ALLOWED[asked["DomainName"]] = left
    return {}


def _access(asked: dict[str, Any]) -> dict[str, Any]:
    return {"AuthorizedPrincipalList": _ALLOWED.get(asked["DomainName"], []), "NextToken": ""}


_DOMAIN, _ONE = r"/domain/(?P<DomainName>[a-z][a-z0-9-]+)", r"/vpcEndpoints/(?P<VpcEndpointId>[^/]+)"
_ROUTES: tuple[Route, ...] = (
    ("POST", "/vpcEndpoints", _create),
    ("DELETE", _ONE, _delete),
    ("GET", f"{_DOMAIN}/vpcEndpoints", _of_domain),
    ("GET", f"{_DOMAIN}/listVpcEndpointAccess", _access),
    ("POST", f"{_DOMAIN}/authorizeVpcEndpointAccess", _authorize),
    ("POST", f"{_DOMAIN}/revokeVpcEndpointAccess", _revoke),
)
