"""Cross-cluster connections between search domains: MiniStack has none.

They are asked for, accepted, ended and shown as Amazon's API does; no search goes through them.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from local.aws.endpoints import route
from local.aws.patching import Refusal

_CONNECTIONS: list[dict[str, Any]] = []  # of all accounts and Regions: each is seen at both of its ends
_ENDED = ("REJECTED", "DELETED")
_ALIAS = r"[a-zA-Z][a-zA-Z0-9\-_]{1,99}"
_ID = r"(?P<ConnectionId>[A-Za-z0-9-]+)"


def install() -> None:
    route(
        ("POST", "/cc/outboundConnection", _create),
        ("POST", "/cc/outboundConnection/search", lambda _: _shown("LocalDomainInfo")),
        ("DELETE", rf"/cc/outboundConnection/{_ID}", lambda asked: _moved(asked, "LocalDomainInfo", "DELETED")),
        ("POST", "/cc/inboundConnection/search", lambda _: _shown("RemoteDomainInfo")),
        ("PUT", rf"/cc/inboundConnection/{_ID}/accept", lambda asked: _moved(asked, "RemoteDomainInfo", "ACTIVE")),
        ("PUT", rf"/cc/inboundConnection/{_ID}/reject", lambda asked: _moved(asked, "RemoteDomainInfo", "REJECTED")),
        ("DELETE", rf"/cc/inboundConnection/{_ID}", lambda asked: _moved(asked, "RemoteDomainInfo", "DELETED")),
    )


def _create(asked: dict[str, Any]) -> dict[str, Any]:
    from ministack.services import opensearch

    ends = [asked[end]["AWSDomainInformation"] for end in ("LocalDomainInfo", "RemoteDomainInfo")]
    if not re.fullmatch(_ALIAS, asked["ConnectionAlias"]):
        raise Refusal("ValidationException", f"Invalid connection alias: {asked['ConnectionAlias']}")
    if not _is_here(ends[0]) or ends[0]["DomainName"] not in opensearch._domains:
        raise Refusal("ResourceNotFoundException", f"Domain not found: {ends[0]['DomainName']}", 409)
    for one in _CONNECTIONS:
        same = _own(one, "LocalDomainInfo") == ends[0] and one["ConnectionStatus"]["StatusCode"] not in _ENDED
        if same and (one["ConnectionAlias"] == asked["ConnectionAlias"] or _own(one, "RemoteDomainInfo") == ends[1]):
            raise Refusal("ResourceAlreadyExistsException", "Connection already exists", 409)
    made = {
        **{part: asked[part] for part in ("LocalDomainInfo", "RemoteDomainInfo", "ConnectionAlias")},
        "ConnectionId": secrets.token_hex(16),
        "ConnectionStatus": {"StatusCode": "PENDING_ACCEPTANCE"},
        "ConnectionMode": asked.get("ConnectionMode", "DIRECT"),
        "ConnectionProperties": asked.get("ConnectionProperties", {}),
    }
    _CONNECTIONS.append(made)
    return made


def _shown(end: str) -> dict[str, Any]:
    found = [one for one in _CONNECTIONS if _is_here(_own(one, end))]
    inbound = end == "RemoteDomainInfo"  # whoever is read does not learn what they are called over there
    left_out = ("ConnectionAlias", "ConnectionProperties") if inbound else ()
    return {"Connections": [{key: part for key, part in one.items() if key not in left_out} for one in found]}


def _moved(asked: dict[str, Any], end: str, status: str) -> dict[str, Any]:
    for one in _CONNECTIONS:
        if one["ConnectionId"] == asked["ConnectionId"] and _is_here(_own(one, end)):
            one["ConnectionStatus"] = {"StatusCode": status}
            return {"Connection": one}
    raise Refusal("ResourceNotFoundException", f"Connection not found: {asked['ConnectionId']}", 409)


def _own(connection: dict[str, Any], end: str) -> Any:
    return connection[end]["AWSDomainInformation"]


def _is_here(domain: dict[str, Any]) -> bool:
    from ministack.core.responses import get_account_id, get_region

    return (domain.get("OwnerId"), domain.get("Region")) == (get_account_id(), get_region())
