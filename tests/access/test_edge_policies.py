"""Given who asks and what the policies say of them, then the answer names the statements that decide, and what is in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context
from portcullis.access.edge.network import Network, reached
from portcullis.access.edge.policies import Asked, Comes, Named, Own, Somebody, judge

from tests.access.edge_cases import ACCOUNT, ARN, ROLE, SESSION, USER
from tests.access.test_edge import OTHER, ROOT, allow, deny, judged, mine, rule, within

UNSAID = {"Bool": {"aws:Unsaid": "true"}}
DOES_NOT_HOLD = {"StringEquals": {"aws:PrincipalArn": "x"}}
DOMAIN, LIMIT = "the domain's access policy", "their permissions boundary limit"
ONLY_AWS = f"whether {DOMAIN}, statement 1 is meant, only AWS can tell"
NARROWS = "whether a boundary narrows what a policy gives everybody"
NOT_KNOWN = "asks for aws:Unsaid, whose value is not known here"


def but(named: Any, **more: Any) -> Json:
    """A statement that denies it to all but these."""
    body = {key: value for key, value in deny(**more).items() if key != "Principal"}
    return {**body, "NotPrincipal": named}


def bounded(*statements: Json, own: Own | None = None) -> Own:
    return Own((own or Own()).policies, Named("limit", {"Version": "2012-10-17", "Statement": list(statements)}))


ANY = {"Effect": "Allow", "Action": "*", "Resource": "*"}
MAYBE = bounded({**ANY, "Condition": UNSAID})


@pytest.mark.parametrize(
    ("statements", "asks", "allowed", "by", "why"),
    [
        ([allow()], {}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(OTHER), allow(Sid="Us")], {}, True, [f"{DOMAIN}, statement Us"], []),
        ([allow(), deny(), deny(Sid="Too")], {}, False, [f"{DOMAIN}, statement No"], []),
        ([deny(Condition=UNSAID)], {}, False, [], [f"{DOMAIN}, statement No {NOT_KNOWN}"]),
        ([deny(Condition=UNSAID), deny(Sid="Sure")], {}, False, [f"{DOMAIN}, statement Sure"], []),
        (
            [allow(), deny(Condition=UNSAID)],
            {},
            None,
            [f"{DOMAIN}, statement No", f"{DOMAIN}, statement 1"],
            [f"{DOMAIN}, statement No {NOT_KNOWN}"],
        ),
        ([allow(Condition=UNSAID)], {}, None, [f"{DOMAIN}, statement 1"], [f"{DOMAIN}, statement 1 {NOT_KNOWN}"]),
        (
            [allow(Condition=UNSAID), deny(Condition=UNSAID)],
            {},
            None,
            [f"{DOMAIN}, statement No", f"{DOMAIN}, statement 1"],
            [f"{DOMAIN}, statement 1 {NOT_KNOWN}", f"{DOMAIN}, statement No {NOT_KNOWN}"],
        ),
        ([allow(Condition=UNSAID), allow()], {}, True, [f"{DOMAIN}, statement 2"], []),
        ([allow(Condition=DOES_NOT_HOLD)], {}, False, [], []),
        ([], {"own": mine()}, True, ["mine, statement 1"], []),
        ([], {"own": mine(Sid="Own")}, True, ["mine, statement Own"], []),
        ([], {"own": mine(Condition=UNSAID)}, None, ["mine, statement 1"], [f"mine, statement 1 {NOT_KNOWN}"]),
        ([allow(OTHER)], {"own": Own(unread="closed")}, None, [], ["closed"]),
        ([allow(ROOT)], {"own": Own(unread="closed")}, None, [f"{DOMAIN}, statement 1"], ["closed", ONLY_AWS]),
        ([], {"own": bounded(ANY, own=mine())}, True, ["mine, statement 1", f"{LIMIT}, statement 1"], []),
        ([allow()], {"own": bounded({**ANY, "Effect": "Deny"})}, False, [f"{LIMIT}, statement 1"], []),
        ([allow()], {"own": bounded(ANY)}, True, [f"{DOMAIN}, statement 1"], []),
        (
            [allow()],
            {"own": within("s3:*")},
            None,
            [f"{DOMAIN}, statement 1"],
            [NARROWS, f"whether {DOMAIN}, statement 1 is meant, only AWS can tell"],
        ),
        ([allow(ROLE)], {"who": ROLE, "own": bounded(ANY)}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(ROLE)], {"who": ROLE, "own": MAYBE}, None, None, None),
        ([allow(USER)], {"own": MAYBE}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(ROOT)], {"own": bounded(ANY, own=mine())}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(ROOT)], {"own": within("s3:*", mine())}, False, [], []),
        ([allow("*", Condition={"StringLike": {"AWS:principalARN": "*"}})], {"own": within("s3:*")}, True, None, []),
        # A boundary, everybody, and a condition that is none.
        ([allow(Condition={"Bool": 1})], {"own": within("s3:*")}, None, [f"{DOMAIN}, statement 1"], [NARROWS, ONLY_AWS]),
        ([allow(Condition={"ArnEquals": ["aws:PrincipalArn"]})], {"own": within("s3:*")}, None, None, [NARROWS, ONLY_AWS]),
        ([allow(Condition="odd")], {"own": within("s3:*")}, None, None, [NARROWS, ONLY_AWS]),
        ([allow(Condition=UNSAID)], {"own": within("s3:*")}, None, None, [NARROWS, f"{DOMAIN}, statement 1 {NOT_KNOWN}"]),
        # Another account: both sides have to let them.
        ([allow(OTHER)], {"who": OTHER, "own": mine()}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(OTHER)], {"who": OTHER, "own": Own()}, False, [], []),
        ([], {"who": OTHER, "own": mine()}, False, [], []),
        ([allow()], {"who": OTHER, "own": mine()}, True, [f"{DOMAIN}, statement 1"], []),
        ([allow(OTHER)], {"who": OTHER, "own": Own(unread="theirs")}, None, [f"{DOMAIN}, statement 1"], None),
        # Who is named.
        ([allow([OTHER, USER])], {}, True, None, []),
        ([allow("AIDAGONE")], {}, False, [], []),
        ([allow([])], {}, False, [], []),
        ([{**allow(), "Principal": {}}], {}, False, [], []),
        ([{**allow(), "Principal": None}], {}, False, [], []),
        ([allow(SESSION)], {"who": ""}, False, [], []),
        ([allow(ACCOUNT)], {"who": ""}, False, [], []),
        ([allow(ROLE), allow(ACCOUNT, Sid="Two")], {"who": ""}, False, [], []),
        ([{**allow(), "Principal": "*"}], {"who": ""}, True, None, []),
        ([{**allow(), "Principal": "everybody"}], {}, False, [], []),
        ([{**allow(), "Principal": {"Service": "lambda.amazonaws.com"}}], {}, False, [], []),
        ([allow(SESSION)], {"who": ROLE}, None, [f"{DOMAIN}, statement 1"], [f"whether {DOMAIN}, statement 1 is meant, only AWS can tell"]),
        ([allow(SESSION.replace("reads", "writes"))], {"who": ROLE}, False, [], []),
        ([allow(SESSION.replace(ACCOUNT, "999988887777"))], {"who": ROLE}, False, [], []),
        ([allow(SESSION.replace("reads", "ann"))], {"who": USER}, False, [], []),
        ([allow(SESSION.partition("/")[0])], {"who": ROLE}, False, [], []),
        # NotPrincipal.
        ([allow(), but("*")], {}, True, None, []),
        ([allow(), but({"AWS": ["*", OTHER]})], {}, True, None, []),
        ([allow(), but({"AWS": OTHER})], {}, False, None, []),
        ([allow(), but({"AWS": OTHER})], {"who": ""}, False, None, []),
        ([allow(), but({"AWS": "*"})], {"who": ""}, True, None, []),
        ([allow(), but({"AWS": [USER, ROOT]})], {}, True, None, []),
        ([allow(), but({"AWS": [USER, ACCOUNT]})], {}, True, None, []),
        ([allow(), but({"AWS": ROOT})], {}, None, None, None),
        ([allow(), but({"AWS": [ROLE, ROOT]})], {"who": ROLE}, None, None, None),
        ([allow(), but({"AWS": SESSION})], {"who": ROLE}, None, None, None),
        ([allow(), but({"Service": "lambda.amazonaws.com"})], {}, False, None, []),
        ([allow(), but("odd")], {}, False, None, []),
        ([allow(), but({})], {}, False, None, []),
        ([allow(), but({"AWS": []})], {}, False, None, []),
        # Actions and resources.
        ([allow(action=[])], {}, False, [], []),
        ([{key: value for key, value in allow().items() if key != "Action"}], {}, False, [], []),
        ([{key: value for key, value in allow().items() if key != "Resource"}], {}, False, [], []),
        ([allow(action="ES:eshttpget")], {}, True, None, []),
        ([{**allow(), "NotAction": "es:ESHttpPut"}], {}, True, None, []),
        ([{**allow(), "NotAction": ["es:ESHttpPut", "es:eshttpg*"]}], {}, False, [], []),
        ([{**allow(), "NotResource": f"{ARN}/payroll/*"}], {}, True, None, []),
        ([{**allow(), "NotResource": [f"{ARN}/payroll/*", f"{ARN}/orders-1/*"]}], {}, False, [], []),
        ([allow(resource="*")], {}, True, None, []),
        ([allow(resource=f"{ARN.upper()}/*")], {}, False, [], []),
        ([allow(resource="arn:aws:s3:*")], {}, False, [], []),
        ([allow(resource="arn:aws:es:*/_search")], {}, None, None, [f"whether {DOMAIN}, statement 1 is meant, only AWS can tell"]),
        ([allow(resource=["arn:aws:es:*/_search", "*"])], {}, True, None, []),
        ([{**allow(), "NotResource": "arn:aws:es:*/_search"}], {}, None, None, None),
        ([allow(resource=[])], {}, False, [], []),
    ],
)  # fmt: skip
def test_what_decides_and_what_is_in_doubt_is_named(
    statements: list[Json], asks: dict[str, Any], allowed: bool | None, by: list[str] | None, why: list[str] | None
) -> None:
    found = judged(*statements, **asks)
    assert found.allowed is allowed
    assert by is None or list(map(str, found.by)) == by
    assert why is None or list(found.why) == why


def test_a_token_of_the_identity_pool_may_be_meant_by_a_federated_principal() -> None:
    context = Context({"aws:principalarn": (ROLE,)})
    statement = {**allow(), "Principal": {"Federated": "cognito-identity.amazonaws.com"}}
    for comes, allowed in ((Comes.COGNITO, None), (Comes.SIGNED, False)):
        domain = {"Statement": statement}
        found = judge(Asked("es:ESHttpGet", f"{ARN}/x", context), Somebody(ROLE, comes), domain, ACCOUNT)
        assert found.allowed is allowed
    elsewhere = {"Statement": {**statement, "Principal": {"Federated": "accounts.google.com"}}}
    found = judge(Asked("es:ESHttpGet", f"{ARN}/x", context), Somebody(ROLE, Comes.COGNITO), elsewhere, ACCOUNT)
    assert found.allowed is False


@pytest.mark.parametrize(("version", "allowed"), [("2012-10-17", True), ("2008-10-17", False), (None, False)])
def test_variables_are_put_in_by_the_version_of_2012_alone(version: str | None, allowed: bool) -> None:
    body = {"Effect": "Allow", "Action": "es:*", "Resource": ARN + "/${aws:username}/*"}
    own = Own((Named("mine", {**({"Version": version} if version else {}), "Statement": [body]}),))
    context = Context({"aws:username": ("ann",)})
    asked = Asked("es:ESHttpGet", f"{ARN}/ann/_search", context)
    assert judge(asked, Somebody(USER, Comes.SIGNED, own), {}, ACCOUNT).allowed is allowed


def test_a_statement_that_stands_alone_and_what_is_none() -> None:
    asked = Asked("es:ESHttpGet", f"{ARN}/x", Context())
    for document in ({"Statement": allow()}, {"Statement": ["odd", allow()]}):
        assert judge(asked, Somebody(USER, Comes.SIGNED), document, ACCOUNT).allowed is True
    assert judge(asked, Somebody(USER, Comes.SIGNED), {"Statement": None}, ACCOUNT).allowed is False


def test_a_policy_of_another_thing_is_called_as_it_is() -> None:
    asked = Asked("es:ESHttpGet", f"{ARN}/x", Context())
    found = judge(asked, Somebody(USER, Comes.SIGNED), {"Statement": allow()}, ACCOUNT, "the policy of the secret")
    assert str(found.by[0]) == "the policy of the secret, statement 1"


def test_who_somebody_is_their_arn_says() -> None:
    told = [(one.account, one.is_role) for arn in (USER, ROLE, "") for one in [Somebody(arn, Comes.SIGNED)]]
    assert told == [(ACCOUNT, False), (ACCOUNT, True), ("", False)]


# ---------------------------------------------------------------------- the network

HERE = {"IpRanges": [{"CidrIp": "10.64.0.0/16"}]}


@pytest.mark.parametrize(
    ("ports", "open_"),
    [
        ({}, True),
        ({"FromPort": 0, "ToPort": 65535}, True),
        ({"FromPort": 443, "ToPort": 8443}, True),
        ({"FromPort": 80, "ToPort": 443}, True),
        ({"FromPort": 444, "ToPort": 8443}, False),
        ({"FromPort": 80, "ToPort": 442}, False),
        ({"IpProtocol": "6"}, True),
        ({"IpProtocol": "udp"}, False),
        ({"IpProtocol": "-1", "FromPort": 1, "ToPort": 1}, True),
        ({"IpProtocol": -1}, True),
    ],
)
def test_port_443_has_to_be_within_a_rule_of_tcp(ports: dict[str, Any], open_: bool) -> None:
    network = Network({"sg-domain": [rule(**HERE) | ports]}, {})
    assert reached(network, "10.64.1.1", "").reached is open_
    assert reached(network, "", "").by == (("sg-domain",) if open_ else ())


def test_a_rule_without_ports_lets_nobody_in() -> None:
    assert reached(Network({"sg": [{"IpProtocol": "tcp", **HERE}]}, {}), "10.64.1.1", "").reached is False


def test_what_lets_in_is_told_by_group_and_by_source() -> None:
    groups = {
        "sg-a": [rule(**HERE), rule(IpRanges=[{"CidrIp": "10.64.1.0/24"}], Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}])],
        "sg-b": [rule(**HERE)],
        "sg-c": [rule(PrefixListIds=[{"PrefixListId": "pl-1"}], UserIdGroupPairs=[{"GroupName": "old"}, {"GroupId": "sg-x"}])],
        "sg-d": [rule(**HERE) | {"FromPort": 80, "ToPort": 80}],
    }  # fmt: skip
    sources = ("10.64.0.0/16", "10.64.1.0/24", "2001:db8::/32", "pl-1", "old", "sg-x")
    network = Network(groups, {})
    anybody = reached(network, "", "")
    assert (anybody.reached, anybody.sources, anybody.by) == (True, sources, ("sg-a", "sg-b", "sg-c"))
    here = reached(network, "10.64.9.9", "")
    assert (here.reached, here.sources, here.by, here.missing) == (True, sources, ("sg-a", "sg-b"), "")
    elsewhere = reached(network, "192.0.2.1", "")
    assert (elsewhere.reached, elsewhere.by) == (None, ())
    assert elsewhere.missing == "whether 192.0.2.1 belongs to pl-1 or sg-x"


def test_an_endpoint_lets_in_by_no_group() -> None:
    network = Network({"sg-a": [rule(**HERE)]}, {"aos-2": ACCOUNT, "aos-1": ACCOUNT})
    through = ("10.64.0.0/16", "the VPC endpoint aos-1", "the VPC endpoint aos-2")
    anybody = reached(network, "", "")
    assert (anybody.reached, anybody.sources, anybody.by) == (True, through, ())
    assert reached(Network({}, {"aos-1": ACCOUNT}), "", "").reached is True
    known = reached(network, "", "aos-1")
    assert (known.reached, known.sources, known.missing) == (None, through, "what the security groups of aos-1 let in")
    assert reached(network, "", "aos-9").sources == through


def test_a_group_of_a_peered_account_may_hold_the_caller() -> None:
    pair = [{"GroupId": "999988887777/sg-1"}]
    assert reached(Network({"sg-a": [rule(UserIdGroupPairs=pair)]}, {}), "192.0.2.1", "").reached is None


@pytest.mark.parametrize("address", ["not an address", "10.64.1.1/33"])
def test_what_is_no_address_is_let_in_by_no_block(address: str) -> None:
    assert reached(Network({"sg-a": [rule(**HERE)]}, {}), address, "").reached is False
