"""The key is gone for good. Nothing can follow on the same deployment, so this comes last."""

from __future__ import annotations

import pytest

from tests.embedded.scene import Scene

pytestmark = pytest.mark.embedded


def test_no_function_ever_tried_what_its_own_policy_does_not_allow(scene: Scene) -> None:
    """In all that was played here, but for a role that a person's file named and no stack, and for whom a person asked about by a name of
    their own: that they may not be read is part of the answer. Any other such try fails, is written down as a refusal, and puts off
    whoever may."""
    tried = [
        (who, one["action"], one["resource"])
        for one in scene.aws.admin("refused", caller=":assumed-role/")
        if (who := one["caller"].split("/")[1]).startswith("portcullis-")
        and not one["denied"]
        and not one["resource"].endswith(":role/of-no-stack")
        and not (who == "portcullis-operate" and one["action"].startswith(("iam:Get", "iam:List")))
    ]
    assert tried == []


def test_a_deleted_key_locks_the_deployment_for_good(scene: Scene) -> None:
    """A scheduled deletion whose event is lost does not lock by itself. Once the key is deleted it locks, and the sweep keeps it so."""
    scene.aws.admin("weather", lose=True, names=["ScheduleKeyDeletion"])
    scene.kms.schedule_key_deletion(KeyId=scene.key, PendingWindowInDays=7)
    scene.stays_open()
    scene.aws.admin("key-delete", arn=scene.key)
    scene.gone = True
    scene.until_locked()
    [alert] = scene.told("locked")
    assert "delet" in alert["happened"]
    scene.swept()
    assert scene.cast.state() == "locked"
