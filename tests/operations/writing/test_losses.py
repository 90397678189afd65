"""What an engine's dialect cannot hold is named in the plan, and a plan after an apply is empty all the same."""

from __future__ import annotations

from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.planning import plan
from portcullis.operations.services import Trigger

from tests.operations.worlds import account, model_text

CAUSE = Trigger("a test", "somebody")
MODEL = """
  tenants:
    team: {description: what the team shares}
  roles:
    viewers: {description: who looks, index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}
"""


def test_an_engine_of_6x_loses_what_it_has_no_place_for_and_says_so() -> None:
    # Given an engine that speaks 6.x, where tenants are a part of roles
    here = account()
    here.registered()
    here.engine.dialect = Dialect.V6
    # When a model with a tenant is planned
    planned = plan(here.services, "demo", CAUSE, text=model_text(MODEL))
    # Then the loss is named, and the plan makes no tenant
    assert any("tenants/team" in note for note in planned.notes)
    assert not any("tenants/team" in step for step in planned.steps)
    # And after it is applied there is nothing left to do
    apply_text(here.services, "demo", model_text(MODEL), CAUSE)
    assert plan(here.services, "demo", CAUSE).steps == ()
