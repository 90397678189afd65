"""What a running engine holds is taken over into the file of its own deployment, or nothing is."""

from __future__ import annotations

import pytest
from portcullis.errors import BadInput
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger

from tests.operations.worlds import Account, account, model_text

CAUSE = Trigger("a test", "somebody")
TEXT = model_text("  grants: []\n")


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    apply_text(made.services, "demo", TEXT, CAUSE)
    return made


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_file_of_another_deployment_is_refused(here: Account, dry_run: bool) -> None:
    """It would be in force here, with the groups of that one."""
    other = TEXT.replace("deployment: demo", "deployment: shop")
    with pytest.raises(BadInput, match="line 1, deployment: is the file of 'shop'"):
        adopt(here.services, "demo", CAUSE, text=other, dry_run=dry_run)
    assert here.ledger.model("demo").text == TEXT
