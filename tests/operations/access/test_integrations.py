"""A service that writes is let in by a role that is its own, and a role that a person made is not made another."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.editing import Edited
from portcullis.operations.access.integrations import integration_add
from portcullis.operations.services import Trigger

from tests.operations.people.test_token_groups import VIEW
from tests.operations.people.test_token_groups import text as text_of_cluster
from tests.operations.worlds import Account, account, arn, model_text

CAUSE = Trigger("a test", "somebody")
DELIVERY = arn("role", "delivery")
MADE = {
    "cluster": "[cluster_composite_ops, cluster_monitor]",
    "actions": "[create_index, manage, crud]",
    "on_index": "",
    "more": "",
}


def text(**given: str) -> str:
    as_said = MADE | given
    index = f"{{index_patterns: [a-*], allowed_actions: {as_said['actions']}{as_said['on_index']}}}"
    role = f"{{cluster_permissions: {as_said['cluster']}, index_permissions: [{index}]{as_said['more']}}}"
    return model_text(f"  roles:\n    firehose: {role}\n")


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    return made


def add(here: Account, **more: Any) -> Edited:
    return integration_add(
        here.services, "demo", CAUSE, **{"service": "firehose", "role": DELIVERY, "index": "b-*"} | more
    )


@pytest.mark.parametrize(
    "given",
    [
        {"cluster": "[cluster_composite_ops]"},
        {"actions": "[create_index, crud]"},
        {"on_index": ', dls: \'{"term": {"region": "eu"}}\''},
        {"on_index": ", fls: [name]"},
        {"on_index": ", masked_fields: [name]"},
        {"more": ", tenant_permissions: [{tenant_patterns: [sales], allowed_actions: [kibana_all_read]}]"},
    ],
    ids=["fewer rights on the cluster", "other actions", "a filter", "a field rule", "a mask", "a tenant"],
)
def test_a_role_of_that_name_with_anything_of_its_own_is_left_as_it_is(here: Account, given: dict[str, str]) -> None:
    """Its filter would be lost, and the service see more than it was to."""
    apply_text(here.services, "demo", text(**given), CAUSE)
    held = here.engine.held
    with pytest.raises(Refused, match="a role firehose of its own that is not firehose's: rename it first"):
        add(here)
    assert here.engine.held == held


def test_a_role_as_it_was_made_gets_one_index_more_and_keeps_what_people_say_of_it(here: Account) -> None:
    apply_text(
        here.services, "demo", text(actions="[crud, manage, create_index]", more=", description: of the shop"), CAUSE
    )
    done = add(here)
    held = here.engine.held.get(Kind.ROLES, "firehose")
    assert held is not None
    assert held["index_permissions"][0]["index_patterns"] == ["a-*", "b-*"]
    assert held["description"] == "of the shop"
    assert here.engine.held.entries("firehose", "backend_roles") == (DELIVERY,)
    assert here.ledger.model("demo").text == done.text


def test_an_unknown_service_is_answered_with_those_that_are_known(here: Account) -> None:
    with pytest.raises(BadInput, match=r"no integration 'kinesis'.*one of firehose"):
        add(here, service="kinesis")


def test_another_file_can_be_given_to_write_into(here: Account) -> None:
    given = model_text("  grants: []\n")
    done = add(here, text="# of the shop\n" + given)
    assert done.text.startswith("# of the shop\n")
    assert here.engine.held.entries("firehose", "backend_roles") == (DELIVERY,)


def test_a_cluster_lets_in_no_role_of_iam(here: Account) -> None:
    with pytest.raises(Refused, match="demo is a cluster, which lets in no IAM role: firehose comes to it as a user"):
        add(here, text=text_of_cluster(VIEW))
