"""Given a network and policies before a domain, then they count too, with what stops somebody and what would let them in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.policies import Named, Own
from portcullis.access.edge.way import NEVER_SEEN
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import Layer, Matrix, WhatIf, WhoCan, Why
from portcullis.access.questions.findings import Findings
from portcullis.access.questions.then import Between, Then
from portcullis.custody.types import RevocationCause, State
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.ports.registration import AmazonDomain, Network
from portcullis.watch.roads import plain
from portcullis.watch.roads import policy as roads_policy

from tests.operations.orders import CAUSE, group, orders_account
from tests.operations.worlds import Account, arn, mapping, place

DOMAIN = place().arn
KIM = arn("user", "kim")


@pytest.fixture
def here() -> Account:
    """The orders, and `robot`, whom the engine itself keeps and who signs in with a password."""
    made = orders_account()
    documents = made.engine.held.documents
    users = {**documents.get(Kind.USERS, {}), "robot": {"backend_roles": [], "attributes": {}}}
    mappings = {**documents[Kind.MAPPINGS], "keeps_orders": mapping(users=[KIM, "robot"])}
    made.engine.held = SecurityConfig({**documents, Kind.USERS: users, Kind.MAPPINGS: mappings})
    return made


def asks(here: Account, verb: str, **arguments: Any) -> Any:
    return VERBS[verb].run(here.services, "demo", CAUSE, **arguments)


def can(here: Account, person: str, does: str = "read", what: str = "orders-1", **more: str) -> Why:
    found: Why = asks(here, "can", person=person, does=does, what=what, **more)
    return found


def policy(*more: Json, who: Any = "*", **changed: Any) -> Json:
    allow = {
        "Sid": "All", "Effect": "Allow", "Principal": {"AWS": who}, "Action": "es:ESHttp*", "Resource": f"{DOMAIN}/*"
    }  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [{**allow, **changed}, *more]}


def no(path: str, **more: Any) -> Json:
    body = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "es:ESHttp*", "Resource": f"{DOMAIN}/{path}"}
    return {**body, **more}


def own(effect: str, path: str = "*") -> Own:
    body = {"Sid": "Mine", "Effect": effect, "Action": "es:*", "Resource": f"{DOMAIN}/{path}"}
    return Own((Named("the policy p of the user kim", {"Version": "2012-10-17", "Statement": [body]}),))


CASES: dict[str, tuple[Json, dict[str, Own], tuple[str, str, str], bool | None, str]] = {
    "a policy that allows everybody": (policy(), {}, ("kim", "read", "orders-1"), True, "yes"),
    "a denied path": (
        policy(no("orders-1/*"), no("_m*")),
        {},
        ("kim", "GET", "orders-1/_search"),
        False,
        "the domain's access policy, statement No denies es:ESHttpGet on orders-1/_search",
    ),
    "a path that can be gone round by a body": (policy(no("orders-1/*")), {}, ("kim", "read", "orders-1"), True, "yes"),
    "every way to read denied": (policy(no("orders-1/*"), no("_m*")), {}, ("kim", "read", "orders-1"), False, "denies"),
    "a denied method": (
        policy(no("*", Action="es:ESHttpPut")),
        {},
        ("kim", "PUT", "orders-1/_doc/1"),
        False,
        "statement No denies es:ESHttpPut",
    ),
    "a policy for others, and one of their own": (
        policy(who=arn("user", "rita")), {KIM: own("Allow")}, ("kim", "read", "orders-1"), True, "yes"
    ),
    "a policy for others, and none of their own": (
        policy(who=arn("user", "rita")),
        {KIM: Own()},
        ("kim", "read", "orders-1"),
        False,
        "neither the domain's access policy nor a policy of their own allows es:ESHttpGet",
    ),
    "a policy for others, and theirs may not be read": (
        policy(who=arn("user", "rita")), {KIM: Own(unread="closed")}, ("kim", "read", "orders-1"), None, "closed"
    ),
    "their own policy denies": (policy(), {KIM: own("Deny")}, ("kim", "read", "orders-1"), False, "statement Mine denies"),
    "an address that is not said": (
        policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        {},
        ("kim", "read", "orders-1"),
        None,
        "--from says it",
    ),
    "the engine refuses anyway": (policy(), {}, ("kim", "DELETE", "orders-1"), False, "no permission of keeps_orders"),
    "an internal user under a policy that names people": (
        policy(who=KIM), {}, ("internal_user:robot", "read", "orders-1"), False, "to whom does not sign"
    ),
    "Dashboards denied to whoever signs in there": (
        policy(no("_dashboards*")), {}, ("cognito_user:anna", "read", "orders-1"), False, "denies es:ESHttpGet on _dashboards"
    ),
    "an index denied to whoever signs in at Dashboards": (
        policy(no("orders-1/*"), no("_m*")), {}, ("cognito_user:anna", "read", "orders-1"), None, "not documented"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_what_stands_before_the_engine_counts(here: Account, what: str) -> None:
    here.aws.access_policy, here.aws.policies, (person, does, index), allowed, words = CASES[what]
    found = can(here, person, does, index)
    assert (found.allowed, found.exit_status) == (allowed, {True: 0, False: 1, None: 4}[allowed]), found
    assert words in found.answer.replace("\n", " ")


def test_what_may_not_be_read_and_could_only_keep_them_out_is_said(here: Account) -> None:
    here.aws.policies = {KIM: Own(unread="the automation may not read IAM policies")}
    found = can(here, "kim")
    assert found.allowed is True
    assert "a policy of their own may deny it: the automation may not read IAM policies" in found.unknown


def test_an_answer_names_the_statement_and_the_smallest_change(here: Account) -> None:
    here.aws.access_policy = policy(no("orders-1/*"), no("_m*"))
    found = can(here, "kim", "GET", "orders-1/_search")
    (stop,) = [one for one in found.reasons if one.layer is Layer.POLICY]
    assert (stop.object, stop.effect) == ("the domain's access policy, statement No", "stops here")
    assert found.would_let_in == (
        f"without the domain's access policy, statement No (or with an exception in it for {KIM})",
    )
    here.aws.access_policy = policy(who=arn("user", "rita"))
    assert can(here, "kim", "GET", "orders-1/_search").would_let_in == (
        f"in the domain's access policy: Allow es:ESHttpGet on {DOMAIN}/orders-1/_search to {KIM}",
    )


def test_an_address_is_held_against_the_security_groups(here: Account) -> None:
    here.registered(place=place(group="sg-domain"), cognito=here.ledger.registration("demo").cognito)
    assert can(here, "kim").allowed is True
    assert can(here, "kim", address="10.64.3.7").allowed is True
    found = can(here, "kim", address="192.0.2.1")
    assert found.allowed is False
    assert found.answer.endswith("sg-domain lets in 10.64.0.0/16 to port 443, and 192.0.2.1 is none of these")
    assert found.would_let_in == ("an ingress rule of sg-domain: tcp 443 from 192.0.2.1/32",)
    here.aws.open_rules = []
    assert can(here, "kim").answer.endswith("sg-domain lets nobody in to port 443")


def test_an_address_outside_is_refused_though_break_glass_may_come_by_a_group(here: Account) -> None:
    network = Network("sg-domain", automation="sg-functions", break_glass="sg-emergency")
    at = AmazonDomain("demo", DOMAIN, "127.0.0.1:9200", network)
    here.registered(place=at, cognito=here.ledger.registration("demo").cognito)
    pairs = [{"GroupId": "sg-functions"}, {"GroupId": "sg-emergency"}]
    here.aws.open_rules = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs}]
    found = can(here, "kim", address="192.0.2.1")
    assert (found.allowed, found.exit_status) == (False, 1)
    assert "lets in sg-functions (of the automation), sg-emergency (of break-glass) to port 443" in found.answer
    assert "whether somebody put the machine at 192.0.2.1 into sg-emergency, for break-glass" in found.unknown
    assert found.would_let_in == ("an ingress rule of sg-domain: tcp 443 from 192.0.2.1/32",)


def by_event(part: str, what: Any) -> dict[str, Any]:
    known = {"since": "2025-06-01T11:00:00+00:00", "event": "event-1", "by": arn("user", "eve")}
    return {"in": part, "is": what, **known}


def told(here: Account, *new: dict[str, Any]) -> None:
    """As a look leaves it that an event asked for."""
    here.ledger.save("demo", "roads-opened", {"domain": {"was": {}, "is": {}, "words": [], "by": "", "new": [*new]}})


def since(found: Why) -> dict[Layer, tuple[str, str, str]]:
    return {one.layer: (one.since, one.event, one.by) for one in found.reasons if one.layer in BEFORE}


BEFORE = (Layer.NETWORK, Layer.POLICY)
EVES = ("2025-06-01T11:00:00Z", "event-1", arn("user", "eve"))
NOT_KNOWN = ("", "", "")


def test_a_statement_that_an_event_told_of_says_since_when_and_whose_doing_it_is(here: Account) -> None:
    here.aws.access_policy = policy(no("orders-1/*"), no("_m*"))
    told(here, by_event("policy", plain(roads_policy({"Statement": [no("orders-1/*")]})[0])))
    assert since(can(here, "kim", "GET", "orders-1/_search"))[Layer.POLICY] == EVES
    assert since(can(here, "kim", "GET", "orders-2/_search"))[Layer.POLICY] == NOT_KNOWN
    here.aws.access_policy = policy(no("orders-1/*", Action="es:ESHttpGet"))
    assert since(can(here, "kim", "GET", "orders-1/_search"))[Layer.POLICY] == NOT_KNOWN, "changed again since"


@pytest.mark.parametrize(
    ("address", "of_theirs", "expected"),
    [
        ("192.0.2.1", "192.0.2.0/24", EVES),
        ("10.64.3.7", "192.0.2.0/24", NOT_KNOWN),
        ("10.64.3.7", "10.64.0.0/16", NOT_KNOWN),
        ("", "192.0.2.0/24", NOT_KNOWN),
    ],
    ids=["by the new group alone", "by the one from before", "by either", "whoever is let in"],
)
def test_a_security_group_that_an_event_told_of_says_since_when(
    here: Account, address: str, of_theirs: str, expected: tuple[str, str, str]
) -> None:
    here.registered(place=place(group="sg-domain"), cognito=here.ledger.registration("demo").cognito)
    here.aws.groups = {
        "sg-new": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": of_theirs}]}]
    }
    told(here, by_event("security_groups", "sg-new"))
    found = can(here, "kim", **({"address": address} if address else {}))
    assert (found.allowed, since(found)[Layer.NETWORK]) == (True, expected)


@pytest.mark.parametrize(("option", "value"), [("address", "10.64"), ("endpoint", "vpce 1"), ("endpoint", "a\nb")])
def test_a_place_that_is_none_is_bad_input(here: Account, option: str, value: str) -> None:
    with pytest.raises(BadInput, match="is no"):
        can(here, "kim", **{option: value})


def who(here: Account, index: str = "orders-*") -> WhoCan:
    found: WhoCan = asks(here, "who-can", does="read", index=index)
    return found


def test_who_can_leaves_out_whom_the_policies_keep_out(here: Account) -> None:
    everybody = {one.name for one in who(here).people}
    here.aws.access_policy = policy(no("*", Principal={"AWS": KIM}))
    assert {one.name for one in who(here).people} == everybody - {"kim"}


def test_who_can_tells_indices_apart_that_the_policies_tell_apart(here: Account) -> None:
    here.aws.access_policy = policy(no("orders-1/*"), no("_m*"))
    (kim,) = [one for one in who(here).people if one.name == "kim"]
    assert kim.indices == ("orders-2",)


def test_who_can_of_a_condition_that_is_not_given_is_unknown(here: Account) -> None:
    here.aws.access_policy = policy(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    found = who(here)
    assert not [one for one in found.people if one.allowed]
    assert any("aws:SourceVpce" in line for line in found.unknown)


def matrix(here: Account, **more: Any) -> Matrix:
    found: Matrix = asks(here, "matrix", **more)
    return found


def cells(found: Matrix) -> dict[str, tuple[str, ...]]:
    return {row.name: row.cells for row in found.people}


def test_a_matrix_leaves_out_whom_the_policies_keep_out_and_says_why(here: Account) -> None:
    before = cells(matrix(here))
    assert before["kim"] == ("read write", "read write", "-")
    here.aws.access_policy = policy(no("*", Principal={"AWS": KIM}))
    found = matrix(here)
    assert cells(found) == {name: row for name, row in before.items() if name != "kim"}
    (kept,) = found.kept_out
    assert kept.name == "kim"
    assert kept.why[0].startswith("the domain's access policy, statement No denies es:ESHttp")


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        ([no("orders-1/*"), no("_m*"), no("_bulk")], ("-", "read write")),
        ([no("orders-1/*", Action=["es:ESHttpGet", "es:ESHttpPost"]), no("_m*"), no("_bulk")], ("write", "read write")),
        ([no("*", Action="es:ESHttpP*")], ("read", "read")),
        ([no("orders-1/*")], ("read write", "read write")),
    ],
    ids=["an index", "reading of an index", "all but GET", "an index, and not the requests that name it in a body"],
)
def test_a_matrix_has_of_each_index_what_the_policies_let_through(
    here: Account, denied: list[Json], expected: tuple[str, ...]
) -> None:
    here.aws.access_policy = policy(*denied)
    assert cells(matrix(here, indices=["orders-*"], people=["kim"])) == {"kim": expected}


def test_a_matrix_agrees_with_can_about_everybody_and_every_index(here: Account) -> None:
    here.aws.access_policy = policy(no("orders-1/*"), no("_m*"), no("payroll-1/*", Action="es:ESHttpP*"), no("_bulk"))
    here.aws.policies = {KIM: own("Deny", "orders-2/*")}
    found = matrix(here)
    assert found.people
    for row in found.people:
        for index, cell in zip(found.indices, row.cells, strict=True):
            words = {"read": {"read", "part"}, "write": {"write"}}
            for does, those in words.items():
                allowed = can(here, row.person, does, index).allowed
                assert bool({*cell.split()} & those) is (allowed is True), (row.person, does, index, cell)


def test_a_matrix_of_a_condition_that_is_not_given_is_unknown_and_told_when_it_is(here: Account) -> None:
    here.aws.access_policy = policy(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    found = matrix(here, people=["kim"])
    assert cells(found) == {"kim": ("?", "?", "-")}
    assert any("--through says it" in line for line in found.unknown)
    here.aws.access_policy = policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert cells(matrix(here, people=["kim"], address="10.0.0.1")) == {"kim": ("read write", "read write", "-")}
    assert cells(matrix(here, people=["kim"], address="192.0.2.1")) == {}


def test_a_cell_of_which_the_policies_let_through_a_part_for_certain_says_that_the_rest_is_not_known(
    here: Account,
) -> None:
    elsewhere = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    here.aws.access_policy = policy(no("*", Action="es:ESHttpP*", Condition=elsewhere))
    assert cells(matrix(here, people=["kim"])) == {"kim": ("read ?", "read ?", "-")}
    assert cells(matrix(here, people=["kim"], address="10.0.0.1")) == {"kim": ("read write", "read write", "-")}


def test_joining_a_group_brings_nothing_where_a_policy_keeps_them_out(here: Account) -> None:
    asked = {"person": "cognito_user:anna", "does": "joins", "group": "readers"}
    assert [one.index for one in asks(here, "what-if", **asked).changes] == ["payroll-1"]
    here.aws.access_policy = policy(no("_dashboards*"))
    found: WhatIf = asks(here, "what-if", **asked)
    assert found.changes == ()
    assert found.roles_gained == ("reads_payroll",)
    assert [one.name for one in found.kept_out] == ["anna"]


def test_the_page_says_what_keeps_somebody_out_before_the_engine(here: Account) -> None:
    assert {one.stops for one in asks(here, "report").people if one.name == "kim"} == {""}
    here.aws.access_policy = policy(no("*", Principal={"AWS": KIM}))
    (kim,) = [one for one in asks(here, "report").people if one.name == "kim"]
    assert kim.stops.startswith("the domain's access policy, statement No denies")


def test_a_matrix_of_what_is_locked_is_of_once_it_is_open(here: Account) -> None:
    before = cells(matrix(here))
    here.ledger.keep_custody(replace(here.ledger.custody("demo"), state=State.LOCKED, cause=RevocationCause.DISABLED))
    here.aws.access_policy = policy(no("*"))
    found = matrix(here)
    assert (cells(found), found.kept_out) == (before, ())
    assert "demo is locked" in found.stopped
    assert "what the network and the policies let in once it is open" in found.unknown


def test_a_lock_is_told_as_one_and_not_by_the_walls_it_put_up(here: Account) -> None:
    here.ledger.keep_custody(replace(here.ledger.custody("demo"), state=State.LOCKED, cause=RevocationCause.DISABLED))
    here.aws.access_policy = policy(no("*"))
    found = can(here, "kim")
    assert found.allowed is False
    assert "demo is locked" in found.answer
    assert found.would_let_in == ()
    assert {one.name for one in who(here).people} >= {"kim"}


def test_findings_say_who_is_kept_out_before_the_engine(here: Account) -> None:
    documents = here.engine.held.documents
    mappings = {**documents[Kind.MAPPINGS], "security_manager": mapping(users=[KIM])}
    here.engine.held = SecurityConfig({**documents, Kind.MAPPINGS: mappings})
    (path,) = [one for one in asks(here, "findings").findings if one.about == "iam_user:kim"]
    assert "kept out" not in path.says
    assert asks(here, "findings").kept_out == ()
    here.aws.access_policy = policy(no("*", Principal={"AWS": KIM}))
    found: Findings = asks(here, "findings")
    (path,) = [one for one in found.findings if one.about == "iam_user:kim"]
    assert "; kept out as it is now: the domain's access policy, statement No denies es:ESHttpPut" in path.says
    assert [one.name for one in found.kept_out] == ["kim"]
    assert found.not_looked_at[: len(NEVER_SEEN)] == NEVER_SEEN


def test_of_whom_it_is_not_known_whether_they_are_kept_out_findings_say_so(here: Account) -> None:
    here.aws.access_policy = policy(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    found: Findings = asks(here, "findings")
    assert found.kept_out == ()
    assert any("aws:SourceVpce" in line for line in found.unknown)


def test_access_at_a_time_says_who_is_kept_out_now_and_that_then_is_not_known(here: Account) -> None:
    at = here.services.now().isoformat()
    before: Then = asks(here, "access", at=at)
    assert {one.name for one in before.people} >= {"kim"}
    assert before.kept_out == ()
    here.aws.access_policy = policy(no("*", Principal={"AWS": KIM}))
    found: Then = asks(here, "access", at=at)
    assert found.people == before.people, "what the engine held then is told as before"
    assert [one.name for one in found.kept_out] == ["kim"]
    assert "whom the network and the policies let in then: whom they keep out now is told" in found.uncertain
    assert found.not_looked_at == NEVER_SEEN


def test_findings_and_access_of_what_is_locked_leave_the_walls_of_the_lock_out(here: Account) -> None:
    here.ledger.keep_custody(replace(here.ledger.custody("demo"), state=State.LOCKED, cause=RevocationCause.DISABLED))
    here.aws.access_policy = policy(no("*"))
    found: Findings = asks(here, "findings")
    assert found.kept_out == ()
    assert "what the network and the policies let in once it is open" in found.unknown


def test_what_became_of_access_says_who_is_kept_out_now(here: Account) -> None:
    since = here.services.now().isoformat()
    here.people.groups[group("ops", SubjectKind.IAM_GROUP)] = (KIM, arn("user", "pat"))
    synchronise(here.services, "demo", Trigger("an event", "sam"))
    found: Between = asks(here, "access-between", since=since)
    assert [one.name for one in found.difference.people] == ["pat"]
    assert found.kept_out == ()
    here.aws.access_policy = policy(no("*", Principal={"AWS": arn("user", "pat")}))
    found = asks(here, "access-between", since=since)
    assert [one.name for one in found.kept_out] == ["pat"]
    assert found.difference.not_looked_at == NEVER_SEEN
