"""The master of a domain, as Amazon makes it: mapped to all_access and security_manager when the domain is made, and when another one is
named. A master of the internal user database is made there as well, with the password that was given.

It is done on the node by its own administrator's certificate, where the spec of the domain's front door says which. An earlier master
stays as it was. What `AdvancedSecurityOptions` leaves out of an update stays as it is.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from local.node.security import MASTER_ROLES

OPTIONS, MASTER = "AdvancedSecurityOptions", "MasterUserOptions"
API = "/_plugins/_security/api"
TIMEOUT_S = 30
_administrators: dict[
    str, tuple[str, str, str, str]
] = {}  # by domain name: URL and CA of its node, certificate and key


def know(door: Mapping[str, Any]) -> None:
    """By whom the node behind this front door is administered. A door whose spec does not say makes no masters."""
    if "node_admin_cert" in door:
        node = (door["node_url"], door["node_ca"], door["node_admin_cert"], door["node_admin_key"])
        _administrators[door["domain"]] = node


def install() -> None:
    from ministack.services import opensearch

    create, update, by_template = (
        opensearch.create_domain_record,
        opensearch._update_domain_config,
        opensearch.update_domain_from_cloudformation,
    )

    def create_domain_record(payload: dict[str, Any], compatibility: Any = None) -> Any:
        record = create(payload, compatibility)
        try:
            _make(record["DomainName"], _master(record))
        except OSError as failed:
            opensearch.delete_domain_record(record["DomainName"])
            raise opensearch.OpenSearchServiceError(500, "InternalException", str(failed)) from failed
        return record

    def update_domain_config(name: str, payload: dict[str, Any]) -> Any:
        record = opensearch._domains.get(name)
        if record is None or not payload.get(OPTIONS) or payload.get("DryRun"):
            return update(name, payload)
        before = _master(record)
        whole = {**payload, OPTIONS: {**(record.get(OPTIONS) or {}), **payload[OPTIONS]}}
        return _changed(name, before, partial(update, name, whole))

    def update_domain_from_cloudformation(name: str, payload: dict[str, Any], compatibility: Any) -> Any:
        before = _master(opensearch._domains.get(name) or {})
        return _changed(name, before, partial(by_template, name, payload, compatibility))

    def _changed(name: str, before: Mapping[str, str], change: Any) -> Any:
        done = change()
        after = _master(opensearch._domains.get(name) or {})
        if after != before:
            _make(name, after)
        return done

    opensearch.create_domain_record = create_domain_record
    opensearch._update_domain_config = update_domain_config
    opensearch.update_domain_from_cloudformation = update_domain_from_cloudformation


def _master(record: Mapping[str, Any]) -> Mapping[str, str]:
    return (record.get(OPTIONS) or {}).get(MASTER) or {}


def _make(domain: str, master: Mapping[str, str]) -> None:
    """Raises OSError if the node does not take it."""
    if domain not in _administrators:
        return
    ask = partial(_ask, *_administrators[domain])
    entries = {"users": master.get("MasterUserName"), "backend_roles": master.get("MasterUserARN")}
    if name := entries["users"]:
        ask("PUT", f"{API}/internalusers/{quote(name, safe='')}", {"password": master["MasterUserPassword"]})
    for entry_list, entry in entries.items():
        for role in MASTER_ROLES if entry else ():
            path = f"{API}/rolesmapping/{role}"
            mapped = ask("GET", path).get(role, {})
            there = {kind: mapped.get(kind, []) for kind in ("users", "backend_roles", "hosts", "and_backend_roles")}
            if entry not in there[entry_list]:
                there[entry_list] = [*there[entry_list], entry]
                description = {"description": mapped["description"]} if mapped.get("description") else {}
                ask("PUT", path, {**there, **description})


def _ask(url: str, ca: str, certificate: str, key: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What the node answers; nothing where it has nothing of that name."""
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    at = urlsplit(url)
    connection = http.client.HTTPSConnection(at.hostname or "", at.port, context=context, timeout=TIMEOUT_S)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"content-type": "application/json"} if text else {})
        answer = connection.getresponse()
        said = answer.read()
    except http.client.HTTPException as failed:
        raise OSError(f"the node does not answer: {type(failed).__name__}") from failed
    finally:
        connection.close()
    if method == "GET" and answer.status == 404:
        return {}
    if answer.status >= 400:
        raise OSError(f"the node refused {method} {path}: {answer.status}")
    found: dict[str, Any] = json.loads(said)
    return found
