"""By which requests somebody's question is asked of the policies, what of their request is known, and who else has a way in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.alike import alike
from portcullis.access.edge.network import Network
from portcullis.access.edge.own_policies import Key, Secret
from portcullis.access.edge.policies import Comes, Named, Own, Somebody
from portcullis.access.edge.running import is_service, running_as
from portcullis.access.edge.secrets import strangers
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


# ---- services that run code as a role


@pytest.mark.parametrize(
    ("service", "made", "changed"),
    [
        ("lambda", "lambda:CreateFunction lambda:InvokeFunction on lambda:{}:function:*",
         "lambda:UpdateFunctionCode on lambda:{}:function:*"),
        ("ec2", "ec2:RunInstances on ec2:{}:instance/*", "ssm:StartSession ssm:SendCommand on ec2:{}:instance/*"),
        ("ecs-tasks", "ecs:RegisterTaskDefinition ecs:RunTask on ecs:{}:task-definition/*", ""),
        ("codebuild", "codebuild:CreateProject codebuild:StartBuild on codebuild:{}:project/*", ""),
        ("glue", "glue:CreateJob glue:StartJobRun on glue:{}:job/*", ""),
        ("states", "", ""),
    ],
)  # fmt: skip
def test_who_may_make_or_change_what_runs_as_a_role_has_it(service: str, made: str, changed: str) -> None:
    def at(some: str) -> set[tuple[str, str]]:
        actions, _, on = some.partition(" on ")
        return {(action, "arn:aws:" + on.format(f"{REGION}:{ACCOUNT}")) for action in actions.split()}

    name = f"{service}.amazonaws.com"
    found = list(running_as(ROLE, [name, USER], REGION, ACCOUNT))
    passing = [one for one in found if one.action == "iam:PassRole"]
    assert {also for one in passing for also in one.also} == at(made)
    assert all((one.resource, one.sure, one.keys) == (ROLE, True, (("iam:passedtoservice", name),)) for one in passing)
    rest = [one for one in found if one not in passing]
    assert {(one.action, one.resource) for one in rest} == at(changed)
    assert not any(one.sure for one in rest)


def test_a_service_is_one_by_its_name() -> None:
    assert is_service("ec2.amazonaws.com") and is_service("ec2.amazonaws.com.cn")  # noqa: PT018
    assert not is_service(ROLE)


# ---- whom the policy of a secret lets in besides


OTHER = "999988887777"


def secret(
    *principals: Any, key: str = "", action: str = "secretsmanager:GetSecretValue", effect: str = "Allow"
) -> Secret:
    statements = [{"Effect": effect, "Principal": one, "Action": action, "Resource": "*"} for one in principals]
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:master"
    return Secret(arn, "the master", {"Version": "2012-10-17", "Statement": statements}, Key(key) if key else None)


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ("*", ["whoever signs"]),
        ({"AWS": "*"}, ["whoever signs"]),
        ({"AWS": ["*", ROLE]}, ["whoever signs", ROLE]),
        ({"AWS": OTHER}, [f"the account {OTHER}"]),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, [f"the account {OTHER}"]),
        ({"AWS": [OTHER, f"arn:aws:iam::{OTHER}:root"]}, [f"the account {OTHER}"]),
        ({"AWS": ACCOUNT}, []),  # their own policies say who of it
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, []),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/x"}, [f"arn:aws:iam::{OTHER}:role/x"]),
        ({"AWS": USER}, []),  # known
        ({"AWS": "AIDAEXAMPLEEXAMPLE"}, []),  # of somebody who is gone
        ({"Service": "lambda.amazonaws.com"}, ["lambda.amazonaws.com"]),
        ({"Federated": "cognito-identity.amazonaws.com"}, []),
    ],
)
def test_whom_the_policy_of_a_secret_lets_in(principal: Any, named: list[str]) -> None:
    assert [one.name for one in strangers(secret(principal), edge(), [USER])] == named
    assert list(strangers(secret(principal, effect="Deny"), edge(), [USER])) == []
    assert list(strangers(secret(principal, action="secretsmanager:DescribeSecret"), edge(), [USER])) == []


def test_a_session_of_a_role_is_let_in_by_its_own_name() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/reads/desk"
    assert [one.name for one in strangers(secret({"AWS": session}), edge(), [])] == [session]
    assert list(strangers(secret({"AWS": session}), edge(), [f"arn:aws:iam::{ACCOUNT}:role/reads"])) == []


@pytest.mark.parametrize(
    ("principal", "key", "hangs", "certain"),
    [
        ("*", "", "", True),
        ({"AWS": OTHER}, "a key", "only if a policy of their own account lets them, too", False),
        ({"AWS": OTHER}, "", "only if a policy of their own account lets them, too; only if the secret comes under a key of the account: "
         "Amazon's own lets in nobody of another account", False),
        ({"Service": "lambda.amazonaws.com"}, "", "only if somebody has it do so", False),
    ],
)  # fmt: skip
def test_on_what_it_hangs_whether_a_stranger_reads_a_secret(
    principal: Any, key: str, hangs: str, certain: bool
) -> None:
    (found,) = strangers(secret(principal, key=key), edge(), [])
    assert (found.hangs, found.found.certain) == (hangs, certain)
