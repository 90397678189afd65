"""The key is gone for good. Nothing can follow on the same deployment, so this comes last."""

from __future__ import annotations

import pytest

from tests.embedded.scene import Scene

pytestmark = pytest.mark.embedded


def test_a_deleted_key_locks_for_good_and_only_the_automation_and_break_glass_are_left(scene: Scene) -> None:
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
