"""Given what stands before a domain and who calls, then the way of a request is told: what lets it through, stops it, or is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.alike import alike
from portcullis.access.edge.network import Network
from portcullis.access.edge.policies import Comes, Own, Somebody
from portcullis.access.edge.way import NEVER_SEEN, Edge, Passage, Since, context_of, key_of, passage, paths, somebody
from portcullis.access.questions.answers import Layer, Reason, Request
from portcullis.access.questions.persons import ANYBODY, Person, as_person

from tests.access.edge_cases import ACCOUNT, ARN, REGION, ROLE, USER
from tests.access.test_edge import allow, deny, mine, rule

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
DOMAIN = "the domain's access policy"
NOT_SIGNING = "everybody (who does not sign has no other name)"


def edge(*statements: Json, **more: Any) -> Edge:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return Edge(ARN, REGION, policy, None, in_vpc=False, **{"at": NOON, **more})


def in_vpc(*rules: Json, endpoints: dict[str, str] | None = None, **more: Any) -> Edge:
    network = Network({"sg-b": list(rules), "sg-a": []}, endpoints or {}, "sg-functions", "sg-emergency")
    return replace(edge(allow(), **more), in_vpc=True, network=network)


ANN, ROBOT = as_person(USER), as_person("robot")
EVE = replace(as_person("Cognito/pool/eve"), role=ROLE)
READ, WRITE, ADMIN = (Request(does, indices=("orders-1",)) for does in ("read", "write", "indices:admin/delete"))
GET = Request("GET", "/orders-1/_search?size=1")
NOBODY_ELSE = "lets in 10.64.0.0/16 to port 443"
BLOCK = rule(IpRanges=[{"CidrIp": "10.64.0.0/16"}])


def of(where: Edge, request: Request = GET, person: Person = ANN, own: Own | None = None) -> Passage:
    return passage(where, person, own or Own(), request)


@pytest.mark.parametrize(
    ("where", "passes", "reason", "no", "would", "unknown"),
    [
        (edge(allow()), True, Reason(Layer.NETWORK, "demo", "is in no VPC: it is reached from anywhere", "lets them through"), "", "", ""),
        (
            edge(allow(), endpoint="aos-1"),
            None,
            Reason(Layer.NETWORK, "demo", "is in no VPC", "not known"),
            "",
            "",
            "whether aos-1 leads to demo",
        ),
        (in_vpc(BLOCK), True, Reason(Layer.NETWORK, "sg-a, sg-b", NOBODY_ELSE, "lets in whoever calls from there"), "", "", ""),
        (in_vpc(BLOCK, address="10.64.1.1"), True, Reason(Layer.NETWORK, "sg-a, sg-b", NOBODY_ELSE, "lets in 10.64.1.1"), "", "", ""),
        (
            in_vpc(BLOCK, address="192.0.2.1"),
            False,
            Reason(Layer.NETWORK, "sg-a, sg-b", NOBODY_ELSE, "stops here"),
            f"sg-a, sg-b {NOBODY_ELSE}, and 192.0.2.1 is none of these",
            "an ingress rule of sg-a, sg-b: tcp 443 from 192.0.2.1/32",
            "",
        ),
        (
            in_vpc(address="2001:db8::1"),
            False,
            Reason(Layer.NETWORK, "sg-a, sg-b", "lets nobody in to port 443", "stops here"),
            "sg-a, sg-b lets nobody in to port 443",
            "an ingress rule of sg-a, sg-b: tcp 443 from 2001:db8::1/128",
            "",
        ),
        (
            in_vpc(),
            False,
            Reason(Layer.NETWORK, "sg-a, sg-b", "lets nobody in to port 443", "stops here"),
            "sg-a, sg-b lets nobody in to port 443",
            "an ingress rule of sg-a, sg-b: tcp 443 from their address",
            "",
        ),
        (
            in_vpc(BLOCK, endpoint="aos-1"),
            False,
            Reason(Layer.NETWORK, "sg-a, sg-b", NOBODY_ELSE, "stops here"),
            "aos-1 is no VPC endpoint to demo",
            "a VPC endpoint aos-1 to demo",
            "",
        ),
        (
            in_vpc(BLOCK, endpoint="aos-1", endpoints={"aos-1": ACCOUNT}),
            None,
            Reason(Layer.NETWORK, "sg-a, sg-b", "lets in 10.64.0.0/16, the VPC endpoint aos-1 to port 443", "not known"),
            "",
            "",
            "what the security groups of aos-1 let in",
        ),
    ],
)  # fmt: skip
def test_the_network_comes_first(
    where: Edge, passes: bool | None, reason: Reason, no: str, would: str, unknown: str
) -> None:
    found = of(where)
    assert (found.passes, found.reasons[0], found.no) == (passes, reason, no)
    assert (found.would, found.unknown, found.unseen) == ((would,) if would else (), (unknown,) if unknown else (), ())


def test_a_machine_for_break_glass_is_said_to_change_the_answer() -> None:
    emergency = rule(UserIdGroupPairs=[{"GroupId": "sg-emergency"}])
    found = of(in_vpc(emergency, address="192.0.2.1"))
    assert found.passes is False
    assert found.unseen == ("whether somebody put the machine at 192.0.2.1 into sg-emergency, for break-glass",)


def test_a_network_that_could_not_be_read_stops_nobody_by_itself() -> None:
    unread = replace(in_vpc(), network=None)
    assert (of(unread).passes, [one.layer for one in of(unread).reasons]) == (True, [Layer.POLICY])


def test_both_the_network_and_the_policies_are_told() -> None:
    found = of(replace(in_vpc(BLOCK, address="192.0.2.1"), policy={"Statement": []}))
    assert (found.passes, len(found.reasons), len(found.would)) == (False, 2, 2)
    assert found.no.startswith("sg-a, sg-b lets in")
    doubtful = replace(in_vpc(BLOCK, endpoint="aos-1", endpoints={"aos-1": ACCOUNT}), policy=edge(MAYBE).policy)
    found = of(doubtful)
    assert (found.passes, len(found.unknown)) == (None, 2)
    assert found.unknown[0] == "what the security groups of aos-1 let in"
    assert of(replace(doubtful, policy={"Statement": []})).passes is False


MAYBE = allow(Condition={"Bool": {"aws:Unsaid": "true"}})


def test_of_whom_no_policy_can_judge_the_network_alone_is_told() -> None:
    pattern = Person(ANYBODY, "a name that fits a*", "a*", None)
    for person in (pattern, as_person("Cognito/pool/eve"), replace(ANN, entry="ann")):
        assert [one.layer for one in of(edge(), person=person).reasons] == [Layer.NETWORK]
    assert [one.layer for one in of(replace(edge(), policy=None)).reasons] == [Layer.NETWORK]


@pytest.mark.parametrize(
    ("person", "seen"),
    [
        (ANN, Somebody(USER, Comes.SIGNED)),
        (as_person(ROLE), Somebody(ROLE, Comes.SIGNED)),
        (ROBOT, Somebody("", Comes.BASIC)),
        (EVE, Somebody(ROLE, Comes.COGNITO)),
    ],
)
def test_whom_policies_see_in_a_person(person: Person, seen: Somebody) -> None:
    assert somebody(person) == seen


SEARCH = "es:ESHttpGet on orders-1/_search"


@pytest.mark.parametrize(
    ("statements", "person", "own", "reasons", "no", "would", "unknown"),
    [
        ([allow(Sid="A")], ANN, None, [(Layer.POLICY, f"{DOMAIN}, statement A", f"allows {SEARCH}", "lets them through")], "", "", ""),
        ([], ANN, mine(), [(Layer.IAM, "mine, statement 1", f"allows {SEARCH}", "lets them through")], "", "", ""),
        (
            [allow(), deny()],
            ANN,
            None,
            [(Layer.POLICY, f"{DOMAIN}, statement No", f"denies {SEARCH}", "stops here")],
            f"{DOMAIN}, statement No denies {SEARCH}",
            f"without {DOMAIN}, statement No (or with an exception in it for {USER})",
            "",
        ),
        (
            [],
            ANN,
            None,
            [(Layer.POLICY, DOMAIN, f"nothing allows {SEARCH}", "stops here")],
            f"neither {DOMAIN} nor a policy of their own allows {SEARCH}",
            f"in {DOMAIN}: Allow es:ESHttpGet on {ARN}/orders-1/_search to {USER}",
            "",
        ),
        (
            [],
            ROBOT,
            None,
            [(Layer.POLICY, DOMAIN, f"nothing allows {SEARCH}", "stops here")],
            f"{DOMAIN} does not allow {SEARCH}, to whom does not sign",
            f"in {DOMAIN}: Allow es:ESHttpGet on {ARN}/orders-1/_search to {NOT_SIGNING}",
            "",
        ),
        (
            [MAYBE],
            ANN,
            None,
            [(Layer.POLICY, f"{DOMAIN}, statement 1", f"allows {SEARCH}", "not known")],
            "",
            "",
            f"{DOMAIN}, statement 1 asks for aws:Unsaid, whose value is not known here",
        ),
        (
            [allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
            ANN,
            None,
            None,
            "",
            "",
            f"{DOMAIN}, statement 1 asks for aws:SourceIp, whose value is not known here (--from says it)",
        ),
        (
            [allow(Condition={"StringEquals": {"aws:SourceVpce": "a", "aws:SourceIp": "b"}})],
            ANN,
            None,
            None,
            "",
            "",
            f"{DOMAIN}, statement 1 asks for aws:SourceVpce, aws:SourceIp, "
            "whose value is not known here (--from says it, --through says it)",
        ),
        ([], ANN, Own(unread="closed"), [(Layer.POLICY, DOMAIN, SEARCH, "not known")], "", "", "closed"),
    ],
)  # fmt: skip
def test_what_policies_say_of_a_request_is_told_in_words(
    statements: list[Json], person: Person, own: Own | None, reasons: Any, no: str, would: str, unknown: str
) -> None:
    found = of(edge(*statements), GET, person, own)
    if reasons is not None:
        assert [(one.layer, one.object, one.rule, one.effect) for one in found.reasons[1:]] == reasons
    assert (found.no, found.would, found.unknown) == (no, (would,) if would else (), (unknown,) if unknown else ())


def test_of_policies_that_were_not_read_it_is_said_that_one_may_deny_it() -> None:
    unread = Own(unread="closed")
    assert of(edge(allow()), own=unread).unseen == ("a policy of their own may deny it: closed",)
    assert of(edge(allow()), own=unread, person=ROBOT).unseen == ()
    assert of(edge(allow())).unseen == ()


def test_a_request_at_the_root_is_told_so() -> None:
    assert of(edge(allow()), Request("GET", "/")).reasons[-1].rule == "allows es:ESHttpGet on /"


SINGLE = {
    "read": [
        ("Get", "/orders-1/_search"), ("Post", "/orders-1/_search"), ("Get", "/orders-1/_doc/ID"),
        ("Post", "/_msearch"), ("Get", "/_mget"), ("Post", "/_mget"),
    ],
    "write": [
        ("Put", "/orders-1/_doc/ID"), ("Post", "/orders-1/_doc"), ("Post", "/orders-1/_bulk"),
        ("Post", "/_bulk"), ("Put", "/_bulk"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("does", "method", "path"), [(does, method, path) for does, ways in SINGLE.items() for method, path in ways]
)
def test_one_way_to_do_it_is_enough(does: str, method: str, path: str) -> None:
    request = READ if does == "read" else WRITE
    one = allow(action=f"es:ESHttp{method}", resource=ARN + path)
    assert of(edge(one), request).passes is True
    by_body = path.startswith("/_")
    assert of(edge(one, names_in_bodies=False), request).passes is not by_body
    other = WRITE if does == "read" else READ
    assert of(edge(one), other).passes is False


def test_an_action_by_its_name_may_be_asked_for_by_any_method() -> None:
    every = [allow(action=f"es:ESHttp{one}") for one in ("Get", "Head", "Post", "Put", "Delete", "Patch")]
    assert of(edge(*every), ADMIN).passes is True
    assert of(edge(), ADMIN).passes is False
    why = f"{ADMIN.does} is asked for by more than one request, and the policies let only some through"
    for missing in every:
        some = of(edge(*(one for one in every if one is not missing)), ADMIN)
        assert (some.passes, some.unknown) == (None, (why,))
        assert some.reasons[-1] == Reason(Layer.POLICY, DOMAIN, why, "not known")


def test_what_no_account_can_read_of_itself_is_named() -> None:
    words = "organisation (SCP, RCP)", "VPC endpoints", "one session alone"
    assert [one.endswith(word) for one, word in zip(NEVER_SEEN, words, strict=True)] == [True] * 3


def test_several_indices_are_asked_for_together_and_a_path_is_decoded() -> None:
    both = Request("read", indices=("a", "b"))
    assert of(edge(allow(resource=f"{ARN}/a,b/_search")), both).passes is True
    assert of(edge(allow(resource=f"{ARN}/a b/_search")), Request("GET", "/a%20b/_search?q=x")).passes is True


def test_at_dashboards_both_its_own_path_and_what_it_sends_on_are_asked_for() -> None:
    first, behind = f"{ARN}/_dashboards/orders-1/_search", f"{ARN}/orders-1/_search"
    assert of(edge(allow(resource=[first, behind])), person=EVE).passes is True
    some = of(edge(allow(resource=first)), person=EVE)
    assert (some.passes, some.unknown) == (
        None,
        ("whether the policies are asked again for what Dashboards sends on is not documented",),
    )
    denied = of(edge(allow(), deny(Resource=behind)), person=EVE)
    assert [str(one.object) for one in denied.reasons[1:]] == [f"{DOMAIN}, statement No"]
    assert of(edge(allow(resource=behind)), person=EVE).passes is False
    assert of(edge(allow(resource=first)), person=as_person(ROLE)).passes is False


def test_every_path_that_a_policy_may_be_asked_about_is_known() -> None:
    own = ("/orders-1/_search", "/orders-1/_doc/ID", "/_msearch", "/_mget")
    assert paths(READ) == (*own, *(f"/_dashboards{one}" for one in own))
    assert paths(GET) == ("/orders-1/_search", "/_dashboards/orders-1/_search")


# ---------------------------------------------------------------------- since when


def test_since_when_it_is_so_is_told_where_every_beginning_is_known() -> None:
    early, late = Since("2026-01-01", "CreateDomain", "kim"), Since("2026-01-02", "UpdateDomain", "lee")
    where = replace(edge(), since={"a": late, "b": early})
    reason = Reason(Layer.POLICY, DOMAIN, "x", "y")
    told = where.told(reason, "a", "b")
    assert (told.since, told.event, told.by) == (early.at, early.event, early.by)
    assert [where.told(reason, *one) for one in (("a", "c"), ("c",), ())] == [reason] * 3
    body = allow()
    assert key_of(body) == key_of(dict(reversed(body.items()))) != key_of(deny())


def test_a_statement_and_a_security_group_carry_their_beginning() -> None:
    known = {key_of(allow()): Since("then", "UpdateDomainConfig", "kim"), "sg-b": Since("before", "Authorize", "lee")}
    for where in (in_vpc(BLOCK, since=known), in_vpc(BLOCK, since=known, address="10.64.1.1")):
        assert [(one.since, one.by) for one in of(where).reasons] == [("before", "lee"), ("then", "kim")]
    by_own = of(edge(since={key_of(mine().policies[0].document["Statement"][0]): known["sg-b"]}), own=mine())
    assert by_own.reasons[-1].since == Reason(Layer.IAM, "", "", "").since


# ---------------------------------------------------------------------- the keys of a request

ALWAYS = {
    "aws:currenttime": ("2026-01-02T12:00:00Z",),
    "aws:epochtime": ("1767355200",),
    "aws:requestedregion": (REGION,),
    "aws:securetransport": ("true",),
    "aws:principalisawsservice": ("false",),
    "aws:viaawsservice": ("false",),
}
NEVER = {"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:sourcearn", "aws:sourceaccount"}


def test_the_keys_of_a_request_are_those_that_aws_documents() -> None:
    user = context_of(edge(), Somebody(USER, Comes.SIGNED))
    assert user.known == {
        **ALWAYS,
        "aws:principalarn": (USER,),
        "aws:principalaccount": (ACCOUNT,),
        "aws:principaltype": ("User",),
        "aws:username": ("ann",),
    }
    assert user.absent == NEVER
    role = context_of(edge(), Somebody(ROLE, Comes.SIGNED))
    assert role.known == {
        **ALWAYS,
        "aws:principalarn": (ROLE,),
        "aws:principalaccount": (ACCOUNT,),
        "aws:principaltype": ("AssumedRole",),
        "aws:tokenissuetime": ALWAYS["aws:currenttime"],
    }
    assert role.absent == NEVER | {"aws:username"}
    nobody = context_of(edge(), Somebody("", Comes.BASIC))
    assert nobody.known == {**ALWAYS, "aws:principaltype": ("Anonymous",)}
    of_principals = {"principalarn", "principalaccount", "username", "userid", "tokenissuetime", "principalorgid"}
    assert nobody.absent == NEVER | {f"aws:{one}" for one in (*of_principals, "principalorgpaths")}


def test_where_somebody_calls_from_is_a_key_where_the_question_says_it() -> None:
    known = context_of(edge(address="10.0.0.7", endpoint="vpce-1"), Somebody("", Comes.BASIC)).known
    assert (known["aws:sourceip"], known["aws:sourcevpce"]) == (("10.0.0.7",), ("vpce-1",))


# ---------------------------------------------------------------------- indices that are alike


@pytest.mark.parametrize(
    ("statements", "own", "answers"),
    [
        ([allow()], Own(), {"a-1": "a-1", "a-2": "a-1", "b-1": "a-1"}),
        ([allow(), deny(Resource=f"{ARN}/a-*")], Own(), {"a-1": "a-1", "a-2": "a-1", "b-1": "b-1"}),
        ([allow(), deny(Resource=f"{ARN}/_dashboards/b-1/*")], Own(), {"a-1": "a-1", "a-2": "a-1", "b-1": "b-1"}),
        ([{**allow(resource=[]), "NotResource": f"{ARN}/b-*"}], Own(), {"a-1": "a-1", "a-2": "a-1", "b-1": "b-1"}),
        ([allow(resource=ARN + "/${aws:username}/*")], Own(), {"a-1": "a-1", "a-2": "a-2", "b-1": "b-1"}),
        ([], mine(Resource=f"{ARN}/a-2/*"), {"a-1": "a-1", "a-2": "a-2", "b-1": "a-1"}),
        (
            [],
            replace(Own(), boundary=mine(Resource=f"{ARN}/b-1/*").policies[0]),
            {"a-1": "a-1", "a-2": "a-1", "b-1": "b-1"},
        ),
    ],
)
def test_of_indices_that_no_policy_tells_apart_one_answers(
    statements: list[Json], own: Own, answers: dict[str, str]
) -> None:
    assert alike(edge(*statements), own, READ, answers) == answers
    assert alike(edge(*statements), own, READ, ()) == {}
