"""Given assertions, then what breaks one is shown by person, index and rule, what is not known does not pass, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis import model
from portcullis.access.questions.assertions import Asserted, read
from portcullis.access.questions.changes import Diff
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.asking.asserting import diff_held, held
from portcullis.operations.access.asking.scene_of_file import of_file
from portcullis.operations.access.deployments import apply_text

from tests.operations.access.test_comparing import OTHER, A, entry, roles
from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
from tests.operations.worlds import Account

PAYROLL = "nobody outside group readers or iam_user:rita or administrators reads payroll-*"


@pytest.fixture
def here() -> Account:
    return orders_account()


def of(text: str, assertion: str) -> Asserted:
    (found,) = held(of_file(model.loads(text, "file")), [read(assertion)])
    return found


def changed(old: str, new: str, *assertions: str) -> Diff:
    return diff_held(*(of_file(model.loads(one, "file")) for one in (old, new)), ("old", "new"), assertions)


def live(here: Account, text: str, *assertions: str) -> Diff:
    found: Diff = VERBS["diff"].run(here.services, "demo", CAUSE, text=text, assertions=assertions)
    return found


@pytest.mark.parametrize(
    ("assertion", "holds", "person", "index"),
    [
        (PAYROLL, True, "", ""),
        ("nobody outside group readers reads payroll-*", False, "iam_user:rita", "payroll-example"),
        ("nobody reads payroll-2026", False, "cognito_group:readers", "payroll-2026"),
        ("nobody outside cognito_group:readers or iam_user:rita reads payroll-*", True, "", ""),
        (
            "nobody outside iam_group:readers or iam_user:rita reads payroll-*",
            False,
            "cognito_group:readers",
            "payroll-example",
        ),
        ("nobody outside group ops writes orders-*", True, "", ""),
        ("nobody writes orders-*", False, "iam_group:ops", "orders-example"),
        (
            "nobody outside group tokens or group ops reads *-2026",
            False,
            "cognito_group:readers",
            "payroll-example-2026",
        ),
    ],
)
def test_a_file_keeps_it_or_a_counterexample_is_shown(assertion: str, holds: bool, person: str, index: str) -> None:
    found = of(TEXT, assertion)
    assert (found.holds, found.person, found.index) == (holds, person, index)
    assert holds or " on " in found.rule


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ("*roll-2*", False),
        ("p*x", False),
        ("*", False),
        ("other-*", True),
        ("/pay.*[0-9]/", None),
        ("/order.*/", None),
        ("${user.name}-*", None),
        ("pay-${user.name}", True),
        ("*-${attr.team}", None),
    ],
)
def test_whatever_a_pattern_may_mean_is_found_or_said_to_be_unknown(pattern: str, holds: bool | None) -> None:
    assert of(roles(A, a=entry(pattern)), "nobody reads payroll-*").holds is holds


@pytest.mark.parametrize("action", ["index", "delete"])
def test_a_write_that_needs_two_groups_counts_in_a_file(action: str) -> None:
    text = roles(A, a=entry("payroll-*", actions=f'"indices:data/write/{action}"'))
    assert of(text, "nobody writes payroll-*").holds is False


@pytest.mark.parametrize(
    ("old", "new", "assertion", "holds"),
    [
        (TEXT, TEXT, "no one gains", True),
        (TEXT, TEXT.replace("crud", "read"), "no one gains", True),
        (TEXT.replace("crud", "read"), TEXT, "no one gains", False),
        (TEXT.replace("crud", "read"), TEXT, "nobody gains on payroll-*", True),
        (TEXT.replace("crud", "read"), TEXT, "nobody gains on orders-2026", False),
        (TEXT.replace("crud", "read"), TEXT, "nobody outside group ops gains", True),
        (TEXT, TEXT.replace('"region": "eu"', '"region": "us"'), "no one gains", None),
        (TEXT, TEXT.replace('fls: ["~customer"]', "fls: []"), "no one gains", False),
        (TEXT, TEXT + "    - {role: all_access, to: {cognito_group: writers}}\n", "nobody gains on payroll-*", False),
    ],
)
def test_a_gain_breaks_it_and_what_cannot_be_compared_does_not_pass(
    old: str, new: str, assertion: str, holds: bool | None
) -> None:
    found = changed(old, new, assertion)
    assert [one.holds for one in found.assertions] == [holds]
    assert found.exit_status == (0 if holds else 1)


def test_a_limit_that_is_lifted_for_whoever_is_in_two_groups_does_not_pass() -> None:
    limited = entry("logs-*", ', fls: ["~secret"]')
    old, new = roles(A + OTHER, a=entry("logs-*"), b=limited), roles(A, a=entry("logs-*"), b=limited)
    (found,) = changed(old, new, "no one gains").assertions
    assert (found.holds, "in another group may see more" in found.rule) == (None, True)


def test_live_the_counterexample_is_a_person(here: Account) -> None:
    (found,) = live(here, TEXT, "nobody outside administrators or iam_user:rita reads payroll-*").assertions
    assert (found.holds, found.person, found.index) == (False, "cognito_user:both", "payroll-1")
    assert found.rule == "reads_payroll: read on payroll-*"
    assert [one.holds for one in live(here, TEXT, PAYROLL, "no one gains").assertions] == [True, True]


def test_a_group_that_cannot_be_read_does_not_pass(here: Account) -> None:
    here.people.hidden[group("readers")] = "not allowed"
    assert live(here, TEXT, "no one gains").assertions[0].holds is None


def test_whoever_is_let_in_by_an_address_does_not_pass(here: Account) -> None:
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/hosts", "value": ["10.0.0.7"]}])
    (found,) = live(here, TEXT, PAYROLL).assertions
    assert (found.holds, found.index) == (False, "payroll-1")
    assert found.person.startswith("anybody:")


KNOWN_READERS = "administrators or group tokens or group ops or group readers or iam_user:rita"


@pytest.mark.parametrize(
    ("entry_list", "entries", "payroll", "orders", "whom"),
    [
        ("backend_roles", ["staff"], False, True, "backend_role:staff"),
        ("users", ["somebody"], False, True, "internal_user:somebody"),
        # Several roles together are no person, and let in where the role is, not elsewhere
        ("and_backend_roles", ["a", "b"], None, True, "entry:a and b"),
        # Whom an expression lets in, only the engine can tell: so not even that they read no orders
        ("backend_roles", ["/team-.*/"], None, None, "anybody:a role or group that fits /team-.*/"),
        ("users", ["/x.*/"], None, None, "anybody:a name that fits /x.*/"),
    ],
)
def test_whoever_a_mapping_made_by_hand_lets_in_breaks_it_or_leaves_it_unknown(
    here: Account, entry_list: str, entries: list[str], payroll: bool | None, orders: bool | None, whom: str
) -> None:
    there = list(here.engine.held.entries("reads_payroll", entry_list))
    by_hand = {"op": "add", "path": f"/reads_payroll/{entry_list}", "value": [*there, *entries]}
    here.engine.by_hand(Kind.MAPPINGS, [by_hand])
    (found,) = live(here, TEXT, f"nobody outside {KNOWN_READERS} reads payroll-*").assertions
    assert (found.holds, found.person) == (payroll, whom)
    (beside,) = live(here, TEXT, f"nobody outside {KNOWN_READERS} reads orders-*").assertions
    assert (beside.holds, beside.person) == (orders, "" if orders else whom)


def with_assertion(text: str) -> str:
    return f'{text}assertions: ["{PAYROLL}"]\n'


def test_apply_refuses_before_anything_is_written(here: Account) -> None:
    apply_text(here.services, "demo", with_assertion(TEXT), CAUSE)
    standing, engine = here.services.ledger.model("demo").text, here.engine.held
    history = list(here.services.ledger.history("demo", 50))
    broken = with_assertion(TEXT + "    - {role: reads_payroll, to: {iam_group: ops}}\n")
    with pytest.raises(Refused, match=r"iam_user:(kim|anna) on payroll-1: reads_payroll: read on payroll-\*"):
        apply_text(here.services, "demo", broken, CAUSE)
    assert (here.services.ledger.model("demo").text, here.engine.held) == (standing, engine)
    assert list(here.services.ledger.history("demo", 50)) == history


def test_a_group_change_goes_on_whatever_is_asserted(here: Account) -> None:
    """A refusal would keep in who left."""
    apply_text(here.services, "demo", with_assertion(TEXT), CAUSE)
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": cognito("idle")}])
    here.people.groups[group("readers")] = ()
    VERBS["synchronise"].run(here.services, "demo", CAUSE)
    assert cognito("lee") not in here.engine.held.entries("reads_payroll", "users")


@pytest.mark.parametrize("line", ["no one gains", "everybody reads x", 7])
def test_a_file_takes_assertions_about_one_state_alone(line: Any) -> None:
    with pytest.raises(BadInput, match="assertions"):
        model.loads(f"{TEXT}assertions: [{line}]\n", "file")
