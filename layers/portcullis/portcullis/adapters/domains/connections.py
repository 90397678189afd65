"""Connections of a domain to others, through AWS."""

from __future__ import annotations

from typing import Any

from portcullis.clients import error_code, unanswered
from portcullis.errors import Refused, Unreachable
from portcullis.ports.registration import AmazonDomain
from portcullis.remotes.connections import Connection, Connections

# What Amazon calls the domain that reads, and the one that is read: in both directions.
READER, READ = "LocalDomainInfo", "RemoteDomainInfo"


class AwsConnections:
    """The DomainConnections protocol. `client` is a boto3 OpenSearch client in the domain's Region."""

    def __init__(self, client: Any, domain: AmazonDomain) -> None:
        self._client, self._domain = client, domain

    def shown(self) -> Connections:
        try:
            return connections(self._client, self._domain.arn)
        except Exception as error:
            raise _told(error, "the connections could not be looked at") from error

    def ask(self, alias: str, other: str) -> None:
        ends = {READER: _named(self._domain.arn), READ: _named(other)}
        try:
            self._client.create_outbound_connection(ConnectionAlias=alias, **ends)
        except Exception as error:
            raise _told(error, f"{other} could not be asked for as {alias}") from error

    def accept(self, connection: Connection) -> None:
        try:
            self._client.accept_inbound_connection(ConnectionId=connection.id)
        except Exception as error:
            raise _told(error, f"the connection of {connection.other} could not be accepted") from error


def connections(client: Any, domain: str) -> Connections:
    """All that AWS shows of the domain with this ARN, those that ended too. Raises as boto3 does."""
    partition = domain.split(":")[1]

    def of(way: str, ours: str, theirs: str) -> tuple[Connection, ...]:
        return tuple(
            Connection(
                one["ConnectionId"],
                _arn(one, theirs, partition),
                (one.get("ConnectionStatus") or {}).get("StatusCode", ""),
                one.get("ConnectionAlias", ""),
                (one.get("ConnectionStatus") or {}).get("Message", ""),
            )
            for one in _pages(client, f"describe_{way}_connections")
            if _arn(one, ours, partition) == domain
        )

    return Connections(of("outbound", READER, READ), of("inbound", READ, READER))


def _pages(client: Any, call: str) -> list[Any]:
    found: list[Any] = []
    token: str | None = None
    while token != "":
        page = getattr(client, call)(**({"NextToken": token} if token else {}))
        found += page.get("Connections", ())
        token = page.get("NextToken") or ""
    return found


def _arn(connection: Any, which: str, partition: str) -> str:
    """Of one of its two domains."""
    one = (connection.get(which) or {}).get("AWSDomainInformation") or {}
    return f"arn:{partition}:es:{one.get('Region', '')}:{one.get('OwnerId', '')}:domain/{one.get('DomainName', '')}"


def _named(arn: str) -> dict[str, Any]:
    _, _, _, region, owner, domain = arn.split(":", 5)
    return {"AWSDomainInformation": {"OwnerId": owner, "Region": region, "DomainName": domain.partition("/")[2]}}


def _told(error: Exception, what: str) -> Exception:
    if why := unanswered(error):
        return Unreachable(f"{what}: {why}")
    if error_code(error):
        return Refused(f"{what}: {error}")
    return error
