"""Connections between two domains in the emulated AWS: asked for on one side, accepted on the other, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from portcullis.adapters.domains.connections import AwsConnections
from portcullis.errors import Refused
from portcullis.ports.registration import AmazonDomain

pytestmark = pytest.mark.aws


@pytest.fixture
def both(aws: Any) -> Iterator[tuple[AwsConnections, AwsConnections, str]]:
    """Of the domain that reads and of the one that is read, and the ARN of the latter."""
    search = aws.client("opensearch")
    sides = []
    for name in ("reads-others", "is-read"):
        made = search.create_domain(DomainName=name, EngineVersion="OpenSearch_3.3")["DomainStatus"]
        sides.append(AwsConnections(search, AmazonDomain(name, made["ARN"], "search.example.internal")))
    yield sides[0], sides[1], made["ARN"]
    for one in search.describe_outbound_connections()["Connections"]:
        search.delete_outbound_connection(ConnectionId=one["ConnectionId"])
    for name in ("reads-others", "is-read"):
        search.delete_domain(DomainName=name)


def test_it_is_seen_from_both_sides_until_one_of_them_ends_it(
    aws: Any, both: tuple[AwsConnections, AwsConnections, str]
) -> None:
    reader, read, arn = both
    reader.ask("far", arn)
    (asked,) = reader.shown().reads
    (waiting,) = read.shown().read_by
    assert (asked.alias, asked.other, asked.status) == ("far", arn, "PENDING_ACCEPTANCE")
    assert (waiting.alias, waiting.other.endswith(":domain/reads-others")) == ("", True)
    assert (reader.shown().read_by, read.shown().reads) == ((), ())
    read.accept(waiting)
    assert [one.status for one in (*reader.shown().reads, *read.shown().read_by)] == ["ACTIVE", "ACTIVE"]
    aws.client("opensearch").delete_inbound_connection(ConnectionId=waiting.id)
    assert [one.status for one in reader.shown().reads] == ["DELETED"]


def test_what_amazon_does_not_take_is_refused_by_name(both: tuple[AwsConnections, AwsConnections, str]) -> None:
    reader, read, arn = both
    reader.ask("far", arn)
    with pytest.raises(Refused, match=f"{arn} could not be asked for as far: .*already exists"):
        reader.ask("far", arn)
    *_ended, waiting = read.shown().read_by
    with pytest.raises(Refused, match="could not be accepted"):
        read.accept(type(waiting)("no-such-id", waiting.other, waiting.status))
