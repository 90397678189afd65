"""Given a model, then the plan says what would change as documents and entries, and what that comes to for people, net."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.operations.access.changing.looking import compare
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.planning import Planned, PlannedChange

from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
from tests.operations.worlds import Account, arn


@pytest.fixture
def here() -> Account:
    return orders_account()


def plan(here: Account, text: str, **more: Any) -> Planned:
    found: Planned = VERBS["plan"].run(here.services, "demo", CAUSE, text=text, **more)
    return found


def of(found: Planned, kind: str, name: str) -> list[PlannedChange]:
    return [one for one in found.changes if (one.kind, one.name) == (kind, name)]


def test_nothing_to_change_is_one_sentence_and_no_people(here: Account) -> None:
    found = plan(here, TEXT)
    assert (found.answer, found.steps, found.changes, found.people) == ("nothing to change", (), (), ())
    assert found.exit_status == 0


def test_a_saved_plan_fits_its_state_in_whatever_order_the_engine_shows_it(here: Account) -> None:
    site, model = here.services.site("demo"), here.ledger.model("demo")
    held = here.engine.held
    back = replace(
        held, documents={kind: dict(reversed([*held.of(kind).items()])) for kind in reversed([*held.documents])}
    )
    digest = compare(site, model).digest()
    assert compare(site, model, held=back).digest() == digest
    assert [len(part) for part in digest.split(".")] == [32, 32]
    changed = replace(held, documents={**held.documents, "roles": {**held.of("roles"), "another": {}}})
    assert compare(site, model, held=changed).digest() != digest


def test_a_role_that_changes_says_what_it_gives_more_and_less_and_how_many_have_it(here: Account) -> None:
    found = plan(here, TEXT.replace("allowed_actions: [crud]", "allowed_actions: [read]"))
    (one,) = of(found, "roles", "keeps_orders")
    assert (one.sign, one.held_by) == ("~", 2)
    assert [right.what for right in one.less] == ["crud on orders-*"]
    assert one.more == ()
    assert {person.name: (person.gains, person.loses) for person in found.people} == {
        "kim": (False, True),
        "anna": (False, True),
    }
    assert found.answer == "0 to add, 1 to change, 0 to remove; nobody gains anything, 2 lose something"
    assert found.gains == ()
    assert "iam_user:kim: crud on orders-*" in found.losses
    assert "iam_user:kim: orders-1: writes -> nothing" in found.losses


def test_a_member_is_called_by_their_name_and_not_by_what_stands_in_the_mapping(here: Account) -> None:
    here.people.groups[group("readers")] = (cognito("both"), cognito("lee"), cognito("zoe"))
    found = plan(here, TEXT)
    (one,) = of(found, "rolesmapping", "reads_payroll")
    assert (one.sign, one.entry_list, one.entry, one.person) == ("+", "users", cognito("zoe"), "zoe")
    assert "cognito_group:readers" in one.because
    assert [person.person for person in found.people] == ["cognito_user:zoe"]


def test_what_another_role_gives_already_is_nobodys_gain(here: Account) -> None:
    again = (
        '    again:\n      index_permissions: [{index_patterns: ["payroll-*"], allowed_actions: [read]}]\n  grants:\n'
    )
    new = TEXT.replace("  grants:\n", again) + "    - {role: again, to: {iam_user: rita}}\n"
    found = plan(here, new)
    assert [one.sign for one in of(found, "roles", "again")] == ["+"]
    assert found.people == ()
    assert found.answer.endswith("nobody gains or loses anything")


def test_people_who_cannot_be_asked_about_leave_the_changes_told(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object, **__: object) -> Any:
        raise Unreachable("the ledger did not answer")

    monkeypatch.setattr("portcullis.operations.access.planning.live", silent)
    found = plan(here, TEXT.replace("allowed_actions: [crud]", "allowed_actions: [read]"))
    assert [one.sign for one in found.changes] == ["~"]
    assert found.people == ()
    assert found.unknown == ("what it means for people: the ledger did not answer",)
    assert found.exit_status == 3


def test_very_many_indices_are_left_out_of_an_answer_and_the_people_stay(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcullis.access.questions.changes._ROOM", 400)
    new = TEXT.replace("allowed_actions: [crud]", "allowed_actions: [read]")
    found = plan(here, new)
    assert {person.name for person in found.people} == {"kim", "anna"}
    assert any("is left out" in line for line in found.unknown)
    assert any(person.indices == () for person in found.people)


# ---------------------------------------------------------------------- what check says

WARNED = TEXT.replace(
    "    keeps_orders:\n",
    """    reads_all_orders:
      index_permissions: [{index_patterns: ["orders-*"], dls: '{"match_all": {}}', allowed_actions: [read]}]
    keeps_orders:
""",
)
WRONG = TEXT.replace('{"term": {"region": "eu"}}', "region=eu")


def test_a_plan_says_what_check_warns_of_once_and_not_again_when_it_is_in_force(here: Account) -> None:
    assert any("[dls-everything]" in said for said in plan(here, WARNED).warnings)
    VERBS["apply"].run(here.services, "demo", CAUSE, text=WARNED)
    assert plan(here, WARNED).warnings == ()


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("plan", {}),
        ("plan", {"only": ["part_of_orders"]}),
        ("apply", {}),
        ("apply", {"only": ["part_of_orders"]}),
        ("adopt", {}),
        ("master-add", {"principal": arn("role", "chief")}),
    ],
)
def test_what_check_calls_an_error_is_refused_whoever_sends_it(here: Account, verb: str, more: dict[str, Any]) -> None:
    """Not by the command alone, which asks before it sends anything."""
    before = here.engine.read()
    with pytest.raises(BadInput, match=r"\[dls-invalid\]"):
        VERBS[verb].run(here.services, "demo", CAUSE, text=WRONG, **more)
    assert here.engine.read() == before
    assert here.ledger.model("demo").text == TEXT


def test_an_error_that_is_in_force_already_does_not_stop_what_is_said_beside_it(here: Account) -> None:
    kept = here.ledger.model("demo")
    here.ledger.keep_model("demo", replace(kept, text=WRONG))
    with pytest.raises(BadInput, match="dls-relative-date"):
        plan(here, WRONG.replace("region=eu", '{"range": {"at": {"gte": "now-1d"}}}'))
    assert plan(here, WRONG.replace("[crud]", "[read]")).exit_status == 3


NOT_JSON = "dls: region=eu, allowed_actions: [{}]}}"


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("allowed_actions: [crud]}", NOT_JSON.format("crud")),
        WRONG.replace("allowed_actions: [crud]}", NOT_JSON.format("crud")),
        WRONG.replace('index_patterns: ["orders-*"]\n', 'index_patterns: ["payroll-*"]\n'),
    ],
    ids=["in another role instead", "in another role as well", "on other indices of the same role"],
)
def test_an_error_in_force_does_not_let_the_same_one_in_elsewhere(here: Account, text: str) -> None:
    here.ledger.keep_model("demo", replace(here.ledger.model("demo"), text=WRONG))
    with pytest.raises(BadInput, match=r"\[dls-invalid\]"):
        VERBS["apply"].run(here.services, "demo", CAUSE, text=text)


def test_an_error_in_force_stays_known_wherever_in_the_file_it_moves(here: Account) -> None:
    here.ledger.keep_model("demo", replace(here.ledger.model("demo"), text=WRONG))
    before = (
        '        - {index_patterns: ["payroll-*"], allowed_actions: [read]}\n        - index_patterns: ["orders-*"]\n'
    )
    moved = "# a line more\n" + WRONG.replace('        - index_patterns: ["orders-*"]\n', before)
    assert plan(here, moved.replace('fls: ["~customer"]', 'fls: ["~buyer"]')).exit_status == 3


# ---------------------------------------------------------------------- a part of a file

NEW = TEXT.replace("allowed_actions: [crud]", "allowed_actions: [read]").replace(
    "    - {role: reads_payroll, to: {iam_user: rita}}\n", ""
)


def test_a_part_of_a_file_is_planned_and_applied_and_the_rest_waits(here: Account) -> None:
    whole, part = plan(here, NEW), plan(here, NEW, only=["keeps_orders"])
    assert len(whole.changes) > len(part.changes) == 1
    done = VERBS["apply"].run(here.services, "demo", CAUSE, text=NEW, only=["keeps_orders"], expected=part.digest)
    assert [str(step.claim) for step in done.plan.steps] == ["roles/keeps_orders"]
    assert plan(here, NEW, only=["keeps_orders"]).steps == ()
    rest = plan(here, NEW)
    assert {one.name for one in rest.changes} == {"reads_payroll"}
    assert VERBS["plan"].run(here.services, "demo", CAUSE).steps == (), "what is in force is in effect"


def test_a_part_of_no_file_and_a_part_that_makes_no_model_are_bad_input(here: Account) -> None:
    with pytest.raises(BadInput, match="no file is given"):
        VERBS["plan"].run(here.services, "demo", CAUSE, only=["keeps_orders"])
    new = TEXT.replace("  grants:\n", "    fresh: {index_permissions: []}\n  grants:\n")
    new = new.replace("{role: reads_payroll, to: {iam_user: rita}}", "{role: fresh, to: {backend_role: of-dev}}")
    with pytest.raises(BadInput, match="says anything of 'frish'"):
        plan(here, new, only=["fresh", "frish"])


def test_an_assertion_of_the_file_or_of_the_model_in_force_holds_for_a_part_too(here: Account) -> None:
    asserted = "assertions: ['nobody outside group ops or administrators writes orders-*']\n"
    apply_text(here.services, "demo", asserted + TEXT, CAUSE)
    bad = TEXT.replace("role: reads_payroll, to: {iam_user: rita}", "role: keeps_orders, to: {iam_user: rita}")
    with pytest.raises(Refused, match="an assertion of the file would not hold"):
        VERBS["apply"].run(here.services, "demo", CAUSE, text=bad, only=["keeps_orders"])
