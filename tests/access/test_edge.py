"""Given the policies of a domain and of who calls, then a request is let through, refused, or nobody can tell, as AWS documents it."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context, met
from portcullis.access.edge.network import Network, reached
from portcullis.access.edge.policies import Asked, Comes, Judged, Named, Own, Somebody, judge

from tests.access.edge_cases import ACCOUNT, ARN, ROLE, SESSION, USER

OTHER = "arn:aws:iam::999988887777:role/theirs"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def allow(who: Any = "*", action: Any = "es:ESHttp*", resource: Any = f"{ARN}/*", **more: Any) -> Json:
    return {"Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": resource, **more}


def deny(**more: Any) -> Json:
    return {**allow(), "Sid": "No", **more, "Effect": "Deny"}


def mine(effect: str = "Allow", **more: Any) -> Own:
    body = {"Effect": effect, "Action": "es:ESHttp*", "Resource": f"{ARN}/*", **more}
    return Own((Named("mine", {"Version": "2012-10-17", "Statement": [body]}),))


def within(action: str, own: Own | None = None) -> Own:
    document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    return Own((own or Own()).policies, Named("limit", document))


def judged(
    *statements: Json,
    who: str = USER,
    own: Own | None = None,
    path: str = "/orders-1/_search",
    known: dict[str, str] | None = None,
    version: str = "2012-10-17",
) -> Judged:
    context = Context(
        {**({"aws:principalarn": (who,)} if who else {}), **{k: (v,) for k, v in (known or {}).items()}},
        frozenset() if who else frozenset({"aws:principalarn"}),
    )
    somebody = Somebody(who, Comes.SIGNED if who else Comes.BASIC, own or Own())
    domain = {"Version": version, "Statement": list(statements)}
    return judge(Asked("es:ESHttpGet", ARN + path, context), somebody, domain, ACCOUNT)


def but_for(*who: str) -> Json:
    return {**{k: v for k, v in deny().items() if k != "Principal"}, "NotPrincipal": {"AWS": list(who)}}


IP, VPCE = "aws:SourceIp", "aws:SourceVpce"
FROM_HERE = {"IpAddress": {IP: "10.0.0.0/8"}}
CASES: dict[str, tuple[Judged, bool | None]] = {
    "nothing allows": (judged(), False),
    "everybody": (judged(allow()), True),
    "everybody, who does not sign": (judged(allow(), who=""), True),
    "a user by their ARN": (judged(allow(USER)), True),
    "a user, and nobody signs": (judged(allow(USER), who=""), False),
    "a role by its ARN": (judged(allow(ROLE), who=ROLE), True),
    "a session of the role": (judged(allow(SESSION), who=ROLE), None),
    "the account, and no policy of theirs": (judged(allow(ROOT)), False),
    "the account, and a policy of theirs": (judged(allow(ACCOUNT), own=mine()), True),
    "their own policy alone": (judged(own=mine()), True),
    "their own policy denies": (judged(allow(), own=mine("Deny")), False),
    "the domain's policy denies": (judged(allow(), deny()), False),
    "a deny of another path": (judged(allow(), deny(Resource=f"{ARN}/payroll/*")), True),
    "a deny of another method": (judged(allow(), deny(Action="es:ESHttpPut")), True),
    "a deny but for them": (judged(allow(), deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": [USER]}})), True),
    "a deny but for others": (judged(allow(), deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}})), False),
    "a deny but for others, unsigned": (
        judged(allow(), deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}}), who=""),
        False,
    ),
    "an address that is not said": (judged(allow(Condition=FROM_HERE)), None),
    "an address that fits": (judged(allow(Condition=FROM_HERE), known={"aws:sourceip": "10.1.2.3"}), True),
    "an address that does not": (judged(allow(Condition=FROM_HERE), known={"aws:sourceip": "192.0.2.1"}), False),
    "a deny by an endpoint not said": (judged(allow(), deny(Condition={"StringNotEquals": {VPCE: "vpce-1"}})), None),
    "a key that nobody here knows": (judged(allow(Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}})), None),
    "an operator that there is not": (judged(allow(Condition={"StringEkwals": {"aws:PrincipalArn": "b"}})), None),
    "a deny by that": (judged(allow(), deny(Condition={"StringEkwals": {"aws:PrincipalArn": "b"}})), None),
    "a boundary that lets it through": (judged(own=within("es:*", mine())), True),
    "a boundary that does not": (judged(own=within("s3:*", mine())), False),
    "a role that is named, in a boundary": (judged(allow(ROLE), who=ROLE, own=within("s3:*")), False),
    "a user that is named, in a boundary": (judged(allow(USER), own=within("s3:*")), True),
    "everybody, in a boundary": (judged(allow(), who=ROLE, own=within("s3:*")), None),
    "everybody by their ARN, in a boundary": (
        judged(allow(Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}), who=ROLE, own=within("s3:*")),
        True,
    ),
    "another account, named here": (judged(allow(OTHER), who=OTHER, own=Own(unread="not ours")), None),
    "another account, not named": (judged(allow(USER), who=OTHER, own=Own(unread="not ours")), False),
    "their policies may not be read, and are needed": (judged(own=Own(unread="closed")), None),
    "their policies may not be read, and are not": (judged(allow(), own=Own(unread="closed")), True),
    "a variable that is known": (
        judged(allow(Resource=ARN + "/${aws:username}/*"), path="/ann/x", known={"aws:username": "ann"}),
        True,
    ),
    "a variable that is not": (judged(allow(Resource=ARN + "/${aws:username}/*"), path="/ann/x"), None),
    "an ARN that lacks parts": (judged(allow(Resource="arn:aws:es:*")), None),
    "a star over a colon": (judged(allow(Resource="arn:aws:es:*:domain/demo:*/x")), False),
    "NotPrincipal that names somebody else": (
        judged(allow(), {**{k: v for k, v in deny().items() if k != "Principal"}, "NotPrincipal": {"AWS": ROLE}}),
        False,
    ),
    "NotPrincipal that names them and their account": (judged(allow(), but_for(USER, ROOT)), True),
    "NotPrincipal that names a role and its account": (judged(allow(), but_for(ROLE, ROOT), who=ROLE), None),
    "NotPrincipal that names a session of theirs": (judged(allow(), but_for(SESSION), who=ROLE), None),
    "NotPrincipal that names a session of another role": (
        judged(allow(), but_for(SESSION.replace("reads", "writes")), who=ROLE),
        False,
    ),
    "NotPrincipal that names everybody": (judged(allow(), but_for("*")), True),
    "NotPrincipal, unsigned": (judged(allow(), but_for(USER), who=""), False),
    "a session of their role is named": (judged(allow(SESSION), who=ROLE), None),
    "a session of another role is named": (judged(allow(SESSION.replace("reads", "writes")), who=ROLE), False),
    "a session of a role of another account": (
        judged(allow(SESSION.replace(ACCOUNT, "999988887777")), who=ROLE),
        False,
    ),
    "a session, to a user of that name": (judged(allow(SESSION.replace("reads", "ann"))), False),
    "a variable in a policy of the old version is a text": (
        judged(
            allow(Resource=ARN + "/${aws:username}/*"),
            path="/ann/x",
            known={"aws:username": "ann"},
            version="2008-10-17",
        ),
        False,
    ),
    "NotPrincipal that names them alone": (
        judged(allow(), {**{k: v for k, v in deny().items() if k != "Principal"}, "NotPrincipal": {"AWS": USER}}),
        None,
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_policies_come_to_what_aws_documents(what: str) -> None:
    found, allowed = CASES[what]
    assert found.allowed is allowed
    assert allowed is not None or found.why, "an answer that nobody knows says why"


def test_a_denial_names_the_statement_and_its_policy() -> None:
    (by,) = judged(allow(), deny()).by
    assert str(by) == "the domain's access policy, statement No"


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"StringLike": {"k": "a*"}}, True),
        ({"StringLike": {"k": "A*"}}, False),
        ({"StringEquals": {"K": ["x", "ab"]}}, True),
        ({"StringNotEquals": {"k": ["x", "ab"]}}, False),
        ({"StringEqualsIgnoreCase": {"k": "AB"}}, True),
        ({"StringEquals": {"gone": "x"}}, False),
        ({"StringNotEquals": {"gone": "x"}}, True),
        ({"StringEqualsIfExists": {"gone": "x"}}, True),
        ({"ForAllValues:StringEquals": {"gone": "x"}}, True),
        ({"ForAnyValue:StringNotEquals": {"gone": "x"}}, False),
        ({"ForAnyValue:StringEquals": {"many": "b"}}, True),
        ({"ForAllValues:StringEquals": {"many": "b"}}, False),
        ({"StringEquals": {"many": "b"}}, None),
        ({"Null": {"gone": "true"}}, True),
        ({"Null": {"k": "true"}}, False),
        ({"Null": {"unsaid": "true"}}, None),
        ({"StringEqualsIfExists": {"unsaid": "x"}}, None),
        ({"DateLessThan": {"day": "2026-01-02T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"day": "1767225600"}}, False),
        ({"NumericGreaterThan": {"number": "2"}}, True),
        ({"NumericLessThan": {"k": "2"}}, None),
        ({"Bool": {"yes": "TRUE"}}, True),
        ({"Bool": {"yes": True}}, True),
        ({"StringEquals": {"star": "${*}"}}, True),
        ({"StringLike": {"k": "${*}"}}, False),
        ({"StringEquals": {"k": "${gone, 'ab'}"}}, True),
        ({"StringEquals": {"k": "ab", "gone": "x"}}, False),
        ({"StringEquals": {"unsaid": "ab", "gone": "x"}}, False),
        ({"IpAddress": {"address": "10.0.0.0/8"}}, True),
        ({"NotIpAddress": {"address": "10.0.0.0/8"}}, False),
        ({"ArnLike": {"arn": "arn:aws:iam::*:role/*"}}, True),
        ({"ArnLike": {"arn": "arn:*:role/*"}}, False),
        ([], True),
        ("wrong", None),
    ],
)
def test_a_condition_holds_does_not_or_nobody_can_tell(condition: Any, truth: bool | None) -> None:
    known = {"k": "ab", "day": "2026-01-01T00:00:00Z", "number": "3", "yes": "true", "star": "*", "address": "10.1.1.1"}
    known["arn"] = ROLE
    context = Context({**{k: (v,) for k, v in known.items()}, "many": ("a", "b")}, frozenset({"gone"}))
    assert met(condition, context, variables=True)[0] is truth


def rule(**sources: Any) -> Json:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **sources}


BLOCK = rule(IpRanges=[{"CidrIp": "10.64.0.0/16"}])
GROUP = rule(UserIdGroupPairs=[{"GroupId": "sg-clients"}])


@pytest.mark.parametrize(
    ("rules", "address", "endpoint", "truth"),
    [
        ([BLOCK], "", "", True),
        ([BLOCK], "10.64.1.1", "", True),
        ([BLOCK], "192.0.2.1", "", False),
        ([GROUP], "10.64.1.1", "", None),
        ([BLOCK, GROUP], "10.64.1.1", "", True),
        ([rule(PrefixListIds=[{"PrefixListId": "pl-1"}])], "10.64.1.1", "", None),
        ([rule(Ipv6Ranges=[{"CidrIpv6": "::/0"}])], "2001:db8::1", "", True),
        ([rule(Ipv6Ranges=[{"CidrIpv6": "::/0"}])], "10.64.1.1", "", False),
        ([{**BLOCK, "FromPort": 80, "ToPort": 80}], "", "", False),
        ([{**BLOCK, "IpProtocol": "-1"}], "10.64.1.1", "", True),
        ([], "", "", False),
        ([BLOCK], "", "aos-known", None),
        ([BLOCK], "", "aos-other", False),
    ],
)
def test_the_network_lets_in_by_address_group_or_endpoint(
    rules: list[Json], address: str, endpoint: str, truth: bool | None
) -> None:
    found = reached(Network({"sg-domain": rules}, {"aos-known": ACCOUNT} if endpoint else {}), address, endpoint)
    assert found.reached is truth
    assert truth is not None or found.missing


OF_US = [rule(UserIdGroupPairs=[{"GroupId": "sg-functions"}]), rule(UserIdGroupPairs=[{"GroupId": "sg-emergency"}])]
EMERGENCY = "whether somebody put the machine at 192.0.2.1 into sg-emergency, for break-glass"


@pytest.mark.parametrize(
    ("rules", "truth", "missing", "but"),
    [
        (OF_US[:1], False, "", ""),
        (OF_US[1:], False, "", EMERGENCY),
        ([BLOCK, *OF_US], False, "", EMERGENCY),
        ([GROUP, *OF_US], None, "whether 192.0.2.1 belongs to sg-clients", ""),
        ([*OF_US, rule(PrefixListIds=[{"PrefixListId": "pl-1"}])], None, "whether 192.0.2.1 belongs to pl-1", ""),
    ],
    ids=["the automation's", "break-glass'", "both, and a block", "somebody else's too", "a prefix list too"],
)
def test_nobody_calls_from_the_groups_of_the_automation_and_of_break_glass(
    rules: list[Json], truth: bool | None, missing: str, but: str
) -> None:
    found = reached(Network({"sg-domain": rules}, {}, "sg-functions", "sg-emergency"), "192.0.2.1", "")
    assert (found.reached, found.missing, found.but) == (truth, missing, but)
    ours = {"sg-functions": "sg-functions (of the automation)", "sg-emergency": "sg-emergency (of break-glass)"}
    assert {one for one in found.sources if one.startswith("sg-")} <= {*ours.values(), "sg-clients"}


def test_a_group_of_nobody_known_is_not_taken_for_ours() -> None:
    """Of a domain that was registered without them."""
    found = reached(Network({"sg-domain": OF_US}, {}), "192.0.2.1", "")
    assert (found.reached, found.missing) == (None, "whether 192.0.2.1 belongs to sg-functions or sg-emergency")
