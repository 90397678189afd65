"""Connections of a domain to others, through AWS."""

from __future__ import annotations

from typing import Any

from portcullis.clients import our_errors, pages
from portcullis.ports.registration import AmazonDomain
from portcullis.remotes.connections import Connection, Connections

# What Amazon calls the domain that reads, and the one that is read: in both directions.
READER, READ = "LocalDomainInfo", "RemoteDomainInfo"


class AwsConnections:
    """The DomainConnections protocol. `client` is a boto3 OpenSearch client in the domain's Region."""

    def __init__(self, client: Any, domain: AmazonDomain) -> None:
        self._client, self._domain = client, domain

    def shown(self) -> Connections:
        with our_errors("the connections could not be looked at"):
            return connections(self._client, self._domain.arn)

    def ask(self, alias: str, other: str) -> None:
        ends = {READER: _named(self._domain.arn), READ: _named(other)}
        with our_errors(f"{other} could not be asked for as {alias}"):
            self._client.create_outbound_connection(ConnectionAlias=alias, **ends)

    def accept(self, connection: Connection) -> None:
        with our_errors(f"the connection of {connection.other} could not be accepted"):
            self._client.accept_inbound_connection(ConnectionId=connection.id)


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
                _skips(one),
            )
            for one in pages(getattr(client, f"describe_{way}_connections"), "Connections")
            if _arn(one, ours, partition) == domain
        )

    return Connections(of("outbound", READER, READ), of("inbound", READ, READER))


def _arn(connection: Any, which: str, partition: str) -> str:
    """Of one of its two domains."""
    one = (connection.get(which) or {}).get("AWSDomainInformation") or {}
    return f"arn:{partition}:es:{one.get('Region', '')}:{one.get('OwnerId', '')}:domain/{one.get('DomainName', '')}"


def _skips(connection: Any) -> bool:
    properties = connection.get("ConnectionProperties") or {}
    return bool((properties.get("CrossClusterSearch") or {}).get("SkipUnavailable") == "ENABLED")


def _named(arn: str) -> dict[str, Any]:
    _, _, _, region, owner, domain = arn.split(":", 5)
    return {"AWSDomainInformation": {"OwnerId": owner, "Region": region, "DomainName": domain.partition("/")[2]}}
