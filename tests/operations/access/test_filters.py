"""A document filter that the engine cannot read is told by the plan and refused by the apply, before anything is kept or written."""

from __future__ import annotations

import json

import pytest
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.errors import Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.changing.filters import unread_filters
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.planning import plan
from portcullis.operations.services import Trigger

from tests.operations.worlds import account, model_text

CAUSE = Trigger("a test", "somebody")
BEFORE = model_text("\n  roles: {}\n")
DLS = '{"percolate": {"field": "q", "document": {"who": "${user.name}", "of": [${user.roles}]}}}'
ENTRY = {"index_patterns": ["logs-*"], "allowed_actions": ["read"], "dls": DLS}
AFTER = model_text(f"\n  roles: {{readers: {{index_permissions: [{json.dumps(ENTRY)}]}}}}\n")


def test_an_unreadable_document_filter_is_refused_before_anything_is_kept() -> None:
    """The plan shows the conflict, and the apply is refused. Neither ledger nor engine changes."""
    here = account()
    here.registered()
    apply_text(here.services, "demo", BEFORE, CAUSE)
    asked = []

    def why_no_query(query: object) -> str:
        asked.append(query)
        return "unknown query [percolate]"

    here.engine.why_no_query = why_no_query  # type: ignore[method-assign]
    planned = plan(here.services, "demo", CAUSE, text=AFTER)
    assert ["logs-*: unknown query [percolate]" in conflict for conflict in planned.conflicts] == [True]
    # What it is asked is the filter as it will be, with something in place of the attributes.
    document = {"who": "an attribute", "of": ["an attribute"]}
    assert asked == [{"percolate": {"field": "q", "document": document}}]
    with pytest.raises(Refused, match="roles/readers: the engine cannot read its document filter"):
        apply_text(here.services, "demo", AFTER, CAUSE)
    assert here.services.ledger.model("demo").text == BEFORE
    assert "readers" not in here.engine.held.of(Kind.ROLES)


def test_a_filter_is_checked_only_when_it_is_new() -> None:
    """The engine could read it once. Later plans and applies of the model in force do not ask again."""
    here = account()
    here.registered()
    apply_text(here.services, "demo", AFTER, CAUSE)
    assert here.engine.held.of(Kind.ROLES)["readers"]["index_permissions"][0]["dls"] == DLS
    # A reaction and a sweep go on with what is in force, whatever an engine says of it by now.
    here.engine.unread = "unknown query [percolate]"
    here.engine.by_hand(Kind.ROLES, [{"op": "remove", "path": "/readers"}])
    assert plan(here.services, "demo", CAUSE).steps
    apply_text(here.services, "demo", AFTER, CAUSE)
    assert "readers" in here.engine.held.of(Kind.ROLES)


def test_a_filter_that_is_no_json_is_not_sent_and_the_same_one_is_asked_once() -> None:
    """An engine takes any text for a filter: with that one nobody would see a document."""
    here = account()
    asked = []
    here.engine.why_no_query = lambda query: asked.append(query) or ""  # type: ignore[method-assign,func-returns-value]
    steps = tuple(
        Step(Operation.ADD, Claim(Kind.ROLES, name), None, {"index_permissions": [{**ENTRY, "dls": dls}]}, "asked for")
        for name, dls in (("one", DLS), ("two", DLS), ("three", '{"term": '))
    )
    (blocked,) = unread_filters(here.engine.family, here.engine, Plan(steps=steps))
    assert (blocked.claim, "not JSON" in blocked.why, len(asked)) == (Claim(Kind.ROLES, "three"), True, 1)
