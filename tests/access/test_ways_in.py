"""By which requests somebody's question is asked of the policies, and what of their request is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.alike import alike
from portcullis.access.edge.network import Network
from portcullis.access.edge.policies import Comes, Named, Own, Somebody
from portcullis.access.edge.way import Edge, Passage, Since, context_of, key_of, passage, paths, somebody
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import Request
from portcullis.access.questions.persons import Person

from tests.access.edge_cases import ACCOUNT, ARN, REGION, ROLE, USER

AT, NOON = datetime(2026, 3, 4, 12, tzinfo=UTC), "2026-03-04T12:00:00Z"
OPEN: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*"}],
}
READ = Request("read", indices=("orders",))


def policy(*actions: str, resource: str = "/*", who: Any = "*", effect: str = "Allow", **more: Any) -> Json:
    one = {"Effect": effect, "Principal": {"AWS": who}, "Action": list(actions), "Resource": ARN + resource, **more}
    return {"Version": "2012-10-17", "Statement": [one]}


def edge(document: Json | None = None, **more: Any) -> Edge:
    given: dict[str, Any] = {"network": None, "in_vpc": False, "at": AT, **more}
    return Edge(ARN, REGION, OPEN if document is None else document, **given)


def person(kind: str, entry: str) -> Person:
    return Person(kind, entry, entry, None)


ANN, CLERK = person(SubjectKind.IAM_USER, USER), person(SubjectKind.INTERNAL_USER, "clerk")


def asked(before: Edge, request: Request = READ, who: Person = ANN) -> Passage:
    return passage(before, who, Own(), request)


# ---- which requests


@pytest.mark.parametrize(
    ("request_", "some"),
    [
        (READ, ("/orders/_search", "/orders/_doc/ID", "/_msearch", "/_mget")),
        (Request("write", indices=("orders", "pay")), ("/orders,pay/_doc/ID", "/orders,pay/_doc", "/orders,pay/_bulk", "/_bulk")),
        (Request("GET", path="/a%20b/_search?size=1"), ("/a b/_search",)),
    ],
)  # fmt: skip
def test_what_somebody_wants_may_be_asked_for_by_each_of_these_paths(request_: Request, some: tuple[str, ...]) -> None:
    """Under Dashboards, too."""
    assert paths(request_) == (*some, *(f"/_dashboards{one}" for one in some))


@pytest.mark.parametrize(
    ("actions", "resource", "wants", "names_in_bodies", "passes"),
    [
        (["es:ESHttpGet"], "/*", "read", True, True),
        (["es:ESHttpPost"], "/*", "read", True, True),
        (["es:ESHttpPut"], "/*", "read", True, False),
        (["es:ESHttpPost"], "/orders/_search", "read", True, True),
        (["es:ESHttpGet"], "/orders/_doc/*", "read", True, True),
        (["es:ESHttpPost"], "/_msearch", "read", True, True),
        (["es:ESHttpGet"], "/_mget", "read", True, True),
        (["es:ESHttpPost"], "/_mget", "read", True, True),
        (["es:ESHttpPost"], "/_msearch", "read", False, False),
        (["es:ESHttpGet"], "/pay/*", "read", True, False),
        (["es:ESHttpPut"], "/orders/_doc/*", "write", True, True),
        (["es:ESHttpPost"], "/orders/_doc", "write", True, True),
        (["es:ESHttpPost"], "/orders/_bulk", "write", True, True),
        (["es:ESHttpPost"], "/_bulk", "write", True, True),
        (["es:ESHttpPut"], "/_bulk", "write", True, True),
        (["es:ESHttpPut"], "/_bulk", "write", False, False),
        (["es:ESHttpGet"], "/*", "write", True, False),
        (["es:ESHttp*"], "/*", "manage", True, True),
        (["es:ESHttpGet", "es:ESHttpDelete"], "/*", "manage", True, None),  # it may be any of them
        (["es:DescribeDomain"], "/*", "manage", True, False),
    ],
)
def test_one_way_that_is_let_through_is_enough(
    actions: list[str], resource: str, wants: str, names_in_bodies: bool, passes: bool | None
) -> None:
    found = asked(
        edge(policy(*actions, resource=resource), names_in_bodies=names_in_bodies), Request(wants, indices=("orders",))
    )
    assert found.passes is passes
    assert bool(found.unknown) is (passes is None)


def test_what_stops_a_request_says_what_would_let_it_in() -> None:
    unsigned = asked(edge(policy("es:ESHttpPut")), who=CLERK)
    assert (
        unsigned.no == "the domain's access policy does not allow es:ESHttpGet on orders/_search, to whom does not sign"
    )
    signed = asked(edge(policy("es:ESHttpPut")))
    assert (
        signed.no
        == "neither the domain's access policy nor a policy of their own allows es:ESHttpGet on orders/_search"
    )
    assert signed.would == (f"in the domain's access policy: Allow es:ESHttpGet on {ARN}/orders/_search to {USER}",)
    denied = asked(edge(policy("es:*", effect="Deny", Sid="Never")))
    assert denied.no.startswith("the domain's access policy, statement Never denies es:ESHttp")
    assert denied.would == (
        f"without the domain's access policy, statement Never (or with an exception in it for {USER})",
    )


def test_what_is_not_known_of_network_and_policies_is_told_of_both() -> None:
    group = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-clients"}]}
    network = Network({"sg-domain": [group]}, {})
    hangs = policy("es:*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    found = asked(edge(hangs, in_vpc=True, network=network, address="10.0.0.1"))
    assert found.passes is None
    assert found.unknown[0] == "whether 10.0.0.1 belongs to sg-clients"
    assert found.unknown[1].endswith("asks for aws:SourceVpce, whose value is not known here (--through says it)")


def test_since_when_a_statement_lets_somebody_in_is_said() -> None:
    (one,) = OPEN["Statement"]
    since = {key_of(one): Since("2026-01-01T00:00:00Z", "UpdateDomainConfig", "ops")}
    (_, reason) = asked(edge(since=since)).reasons
    assert (reason.since, reason.event, reason.by) == ("2026-01-01T00:00:00Z", "UpdateDomainConfig", "ops")


@pytest.mark.parametrize(
    ("who", "is_"),
    [
        (ANN, Somebody(USER, Comes.SIGNED)),
        (person(SubjectKind.IAM_ROLE, ROLE), Somebody(ROLE, Comes.SIGNED)),
        (person(SubjectKind.IAM_USER, "not-an-arn"), None),
        (CLERK, Somebody("", Comes.BASIC)),
        (person(SubjectKind.COGNITO_USER, "c"), None),
    ],
)
def test_whom_policies_see_in_a_person(who: Person, is_: Somebody | None) -> None:
    assert somebody(who) == is_


# ---- what of a request is known


@pytest.mark.parametrize(
    ("arn", "known", "absent"),
    [
        (USER, {"aws:principaltype": "User", "aws:username": "ann", "aws:principalarn": USER}, {"aws:calledvia"}),
        (ROLE, {"aws:principaltype": "AssumedRole", "aws:tokenissuetime": NOON, "aws:principalaccount": ACCOUNT}, {"aws:username"}),
        ("", {"aws:principaltype": "Anonymous"}, {"aws:principalarn", "aws:principalaccount", "aws:userid", "aws:principalorgid"}),
    ],
)  # fmt: skip
def test_the_keys_of_a_request_that_are_known(arn: str, known: dict[str, str], absent: set[str]) -> None:
    always = {
        "aws:currenttime": "2026-03-04T12:00:00Z", "aws:epochtime": "1772625600", "aws:requestedregion": REGION,
        "aws:securetransport": "true", "aws:principalisawsservice": "false", "aws:viaawsservice": "false",
    }  # fmt: skip
    context = context_of(edge(), Somebody(arn, Comes.SIGNED if arn else Comes.BASIC))
    assert {key: context.known.get(key) for key in {**always, **known}} == {
        k: (v,) for k, v in {**always, **known}.items()
    }
    assert {"aws:sourcearn", "aws:sourceaccount", *absent} <= context.absent
    assert not context.absent & context.known.keys()
    here = context_of(edge(address="10.0.0.1", endpoint="vpce-1"), Somebody(arn, Comes.SIGNED))
    assert (here.known["aws:sourceip"], here.known["aws:sourcevpce"]) == (("10.0.0.1",), ("vpce-1",))
    assert not {"aws:sourceip", "aws:sourcevpce"} & context.known.keys()


# ---- of indices that the policies do not tell apart one answers for all


@pytest.mark.parametrize(
    ("resources", "answers"),
    [
        (["/*"], {"a": "a", "b": "a", "c": "a"}),
        (["*"], {"a": "a", "b": "a", "c": "a"}),
        (["/b/*"], {"a": "a", "b": "b", "c": "a"}),
        (["/*", "/c/_search"], {"a": "a", "b": "a", "c": "c"}),
        (["/${aws:username}/*"], {"a": "a", "b": "b", "c": "c"}),
    ],
)
@pytest.mark.parametrize("where", ["domain", "own", "boundary", "NotResource"])
def test_of_indices_that_policies_do_not_tell_apart_one_answers(
    resources: list[str], answers: dict[str, str], where: str
) -> None:
    key = "NotResource" if where == "NotResource" else "Resource"
    body = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "es:*", key: [ARN + one for one in resources]}}
    own = {"own": Own((Named("p", body),)), "boundary": Own((), Named("b", body))}.get(where, Own())
    before = edge(body if where in ("domain", "NotResource") else OPEN)
    assert alike(before, own, Request("read"), ("a", "b", "c")) == answers
    assert alike(before, own, Request("read"), ()) == {}
