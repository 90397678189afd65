"""Connections between two domains in the emulated AWS: asked for on one side, accepted on the other, and ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from portcullis.adapters.domains.connections import AwsConnections
from portcullis.errors import Refused
from portcullis.ports.registration import AmazonDomain

from local.aws.emulator import Credentials

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


def test_whether_refusals_are_left_out_is_known_to_the_reader(
    aws: Any, both: tuple[AwsConnections, AwsConnections, str]
) -> None:
    reader, read, arn = both
    reader.ask("far", arn)
    search = aws.client("opensearch")
    made = search.describe_outbound_connections()["Connections"][-1]
    search.delete_outbound_connection(ConnectionId=made["ConnectionId"])
    ends = {end: made[end] for end in ("LocalDomainInfo", "RemoteDomainInfo")}
    properties = {"CrossClusterSearch": {"SkipUnavailable": "ENABLED"}}
    search.create_outbound_connection(ConnectionAlias="far", ConnectionProperties=properties, **ends)
    assert [one.skip_unavailable for one in reader.shown().reads][-2:] == [False, True]
    assert not any(one.skip_unavailable for one in read.shown().read_by)


def test_the_right_to_ask_is_to_the_domain_that_reads(
    aws: Any, both: tuple[AwsConnections, AwsConnections, str]
) -> None:
    """As the Service Authorization Reference has it: the domain is the resource of CreateOutboundConnection."""
    _, _, arn = both
    iam, user = aws.client("iam"), "connects-one"
    iam.create_user(UserName=user)
    given = {"Effect": "Allow", "Action": "es:CreateOutboundConnection", "Resource": arn}
    iam.put_user_policy(UserName=user, PolicyName="one", PolicyDocument=json.dumps({"Statement": [given]}))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    search = aws.client("opensearch", credentials=Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    other = arn.replace("is-read", "reads-others")
    AwsConnections(search, AmazonDomain("is-read", arn, "search.example.internal")).ask("back", other)
    with pytest.raises(Refused, match="AccessDenied"):
        AwsConnections(search, AmazonDomain("reads-others", other, "search.example.internal")).ask("far", arn)


def test_what_amazon_does_not_take_is_refused_by_name(both: tuple[AwsConnections, AwsConnections, str]) -> None:
    reader, read, arn = both
    reader.ask("far", arn)
    with pytest.raises(Refused, match=f"{arn} could not be asked for as far: .*already exists"):
        reader.ask("far", arn)
    *_ended, waiting = read.shown().read_by
    with pytest.raises(Refused, match="could not be accepted"):
        read.accept(type(waiting)("no-such-id", waiting.other, waiting.status))
