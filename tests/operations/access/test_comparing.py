"""Given two states of access, then what differs is told by person, after merging, and agrees with what is there once it is applied."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis import model
from portcullis.access.questions.changes import Changed, Diff
from portcullis.entry.verbs import VERBS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.asking.comparing import diff
from portcullis.operations.access.asking.scene_of_file import of_file
from portcullis.operations.access.deployments import apply_text

from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
from tests.operations.worlds import Account, model_text


@pytest.fixture
def here() -> Account:
    return orders_account()


def live(here: Account, text: str, **more: Any) -> Diff:
    found: Diff = VERBS["diff"].run(here.services, "demo", CAUSE, text=text, **more)
    return found


def files(old: str, new: str) -> Diff:
    return diff(of_file(model.loads(old, "old")), of_file(model.loads(new, "new")), ("old", "new"))


def of(found: Diff) -> dict[str, Changed]:
    return {one.person: one for one in found.people}


def entry(pattern: str, limits: str = "", actions: str = "read") -> str:
    return f'{{index_patterns: ["{pattern}"], allowed_actions: [{actions}]{limits}}}'


def roles(grants: str, **of: str) -> str:
    listed = "".join(f"    {name}: {{index_permissions: [{entries}]}}\n" for name, entries in of.items())
    return model_text(f"  roles:\n{listed}  grants:\n{grants}")


A = "    - {role: a, to: {cognito_group: readers}}\n"
B = "    - {role: b, to: {cognito_group: readers}}\n"
OTHER = "    - {role: b, to: {cognito_group: writers}}\n"


def test_the_same_is_no_difference(here: Account) -> None:
    found = live(here, TEXT)
    assert (found.people, found.answer, found.exit_status) == ((), "nobody gains or loses anything", 0)
    assert files(TEXT, TEXT).people == ()


def test_what_is_told_is_what_is_there_once_it_is_applied(here: Account) -> None:
    new = TEXT.replace('dls: \'{"term": {"region": "eu"}}\'', "").replace(
        "cognito_group: readers", "cognito_group: writers"
    )
    before = VERBS["matrix"].run(here.services, "demo", CAUSE)
    told = live(here, new)
    apply_text(here.services, "demo", new, CAUSE)
    after = VERBS["matrix"].run(here.services, "demo", CAUSE)
    rows = [{one.person: one.cells for one in found.people} for found in (before, after)]
    differ = {person for person in rows[0] | rows[1] if rows[0].get(person) != rows[1].get(person)}
    assert {"cognito_user:idle", "cognito_user:lee"} <= differ <= set(of(told))
    # anna is in the matrix with a part before and after, of other documents
    assert set(of(told)) - differ == {"cognito_user:anna"}
    assert live(here, TEXT, old="file", new="now").people == told.people
    assert {person: (one.loses, one.gains) for person, one in of(live(here, TEXT)).items()} == {
        person: (one.gains, one.loses) for person, one in of(told).items()
    }


def test_what_another_role_gives_already_is_no_gain() -> None:
    assert files(roles(A, a=entry("logs-*")), roles(B, b=entry("logs-*"))).people == ()
    wide = roles(A, a=entry("logs-*"), b=entry("logs-2026"))
    assert files(wide, wide + B).people == ()
    assert files(wide + B, wide).people == ()


def test_a_limit_that_comes_with_another_role_is_a_loss_and_its_end_a_gain() -> None:
    limit = ', fls: ["~secret"]'
    old = roles(A + B, a=entry("logs-*"), b=entry("*-2026", limit))
    new = roles(A, a=entry("logs-*"), b=entry("*-2026", limit))
    one = of(files(old, new))["cognito_group:readers"]
    assert one.gains is True  # on what both patterns fit; on the rest of *-2026 they see nothing any more
    assert {(each.index, each.gains) for each in one.indices if each.gains} == {("logs-example-2026", True)}
    assert any(each.loses for each in one.indices)


def test_filters_that_cannot_be_compared_are_unknown() -> None:
    def by(region: str) -> str:
        return roles(A, a=entry("logs-*", f""", dls: '{{"term": {{"region": "{region}"}}}}'"""))

    (one,) = files(by("eu"), by("us")).people
    assert (one.gains, one.loses) == (None, None)


def test_whoever_is_in_two_groups_may_gain_by_a_limit_that_is_lifted() -> None:
    limited = entry("logs-*", ', fls: ["~secret"]')
    old = roles(A + OTHER, a=entry("logs-*"), b=limited)
    found = files(old, roles(A, a=entry("logs-*"), b=limited))
    assert of(found)["cognito_group:writers"].gains is False
    assert any("in another group may see more" in line for line in found.unknown)


def test_a_right_that_is_neither_read_nor_write_is_told_too() -> None:
    found = files(roles(A, a=entry("logs-*")), roles(A, a=entry("logs-*", actions='read, "indices:admin/delete"')))
    (one,) = found.people
    assert [right.what for right in one.gained] == ["indices:admin/delete on logs-*"]
    assert (one.gains, one.loses, one.indices) == (True, False, ())


def test_administration_is_called_so() -> None:
    new = TEXT + "    - {role: all_access, to: {cognito_group: readers}}\n"
    assert any(right.administers for right in of(files(TEXT, new))["cognito_group:readers"].gained)


def test_whoever_needs_several_backend_roles_is_told_though_they_are_nobody(here: Account) -> None:
    new = TEXT.replace("  grants:", "  and_backend_roles: {reads_payroll: [one, two]}\n  grants:")
    found = of(files(TEXT, new))
    assert [right.what for right in found["entry:one and two"].gained] == ["read on payroll-*"]


def test_the_role_of_an_empty_group_is_compared_as_that_group(here: Account) -> None:
    """Found on a real default: it was an entry that gained and lost the same, as its limits were another text."""
    here.people.groups[group("tokens")] = ()
    found = of(live(here, TEXT.replace('fls: ["~customer"]', "fls: []")))
    assert {person: (one.gains, one.loses) for person, one in found.items()} == {"cognito_group:tokens": (True, False)}
    seen = found["cognito_group:tokens"].indices
    assert {one.index for one in seen} == {"orders-1", "orders-2", "orders-example"}
    assert all("without customer" in one.before and "without" not in one.after for one in seen)


def test_several_backend_roles_together_are_compared_by_what_is_seen(here: Account) -> None:
    old = TEXT.replace("  grants:", "  and_backend_roles: {part_of_orders: [one, two]}\n  grants:")
    new = old.replace('fls: ["~customer"]', "fls: []")
    one = of(files(old, new))["entry:one and two"]
    assert (one.gains, one.loses, one.gained, one.lost) == (True, False, (), ())


def test_a_group_that_cannot_be_read_is_said(here: Account) -> None:
    here.people.hidden[group("readers")] = "not allowed"
    assert any("cognito_group:readers could not be read" in line for line in live(here, TEXT).unknown)


def test_whom_only_the_engine_can_tell_is_unknown(here: Account) -> None:
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": r"/\p{L}+/"}])
    found = of(live(here, TEXT.replace("payroll-*", "pay-*")))[r"anybody:a name that fits /\p{L}+/"]
    assert {one.gains for one in found.indices} == {None}


def test_no_comparison_changes_anything(here: Account) -> None:
    held, history = here.engine.held, list(here.services.ledger.history("demo", 50))
    live(here, TEXT.replace("crud", "read"))
    assert here.engine.held == held
    assert list(here.services.ledger.history("demo", 50)) == history


def test_people_are_named_live(here: Account) -> None:
    here.people.groups[group("tokens")] = (cognito("anna"),)
    found = of(live(here, TEXT.replace('masked_fields: ["card"]', "")))
    assert {person: (one.gains, one.loses) for person, one in found.items()} == {"cognito_user:anna": (True, False)}
    assert found["cognito_user:anna"].indices[0].index == "orders-1"


EVERY_KIND = """  roles: {a: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}}
  users: {reports: {}}
  grants:
    - {role: a, to: {cognito_user: anna}}
    - {role: a, to: {iam_user: bob}}
    - {role: a, to: {iam_role: ci}}
    - {role: a, to: {iam_role: 'arn:aws:iam::111122223333:role/eu/deploy'}}
    - {role: a, to: {backend_role: staff}}
    - {role: a, to: {internal_user: reports}}
    - {role: a, to: {cognito_group: readers}}
    - {role: a, to: {cognito_group: tokens, by: role}}
    - {role: a, to: {iam_group: ops}}
"""


def test_a_file_alone_says_of_everybody_it_names_how_the_engine_would_see_them() -> None:
    """Groups stand for whoever is in them; what only AWS knows (a pool, an account, a role's ARN) has a name of its own."""
    scene = of_file(model.loads(model_text(EVERY_KIND), "a file"))
    seen = {str(one): (one.caller.name, one.caller.backend_roles) for one in scene.people if one.caller}
    deploy = "arn:aws:iam::111122223333:role/eu/deploy"
    iam = "arn:aws:iam::ACCOUNT:"
    assert seen == {
        "cognito_user:anna": ("Cognito/POOL/anna", ()),
        "iam_user:bob": (f"{iam}user/bob", (f"{iam}user/bob",)),
        "iam_role:ci": (f"{iam}role/ci", (f"{iam}role/ci",)),
        "iam_role:deploy": (deploy, (deploy,)),
        "backend_role:staff": ("", ("staff",)),
        "internal_user:reports": ("reports", ()),
        "cognito_group:readers": ("cognito_group:readers", ()),
        "cognito_group:tokens": ("cognito_group:tokens", (f"{iam}role/(role of tokens)",)),
        "iam_group:ops": ("iam_group:ops", ()),
    }
    assert len(scene.people) == len(seen)
