"""The page that `make up` serves: what happens is on it after the reaction, and it says in words what it cannot see."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from local import embedded
from local.live import READER, live
from local.people import until
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded


class Reader:
    """Somebody who has the page open."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> str:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(self.address + path, timeout=100)
        assert answer.status_code == 200, answer.text
        return answer.text

    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("demo/data"))
        return found

    def reads(self, person: str, index: str) -> bool:
        picture = self.data()["picture"]
        at = [one["person"] for one in picture["people"]]
        if person not in at or index not in picture["indices"]:
            return False
        place, width = picture["indices"].index(index), (len(picture["indices"]) + 7) // 8
        return bool(b64decode(picture["reads"])[at.index(person) * width + (place >> 3)] >> (place & 7) & 1)

    def told(self, operation: str) -> list[str]:
        return [one["entry"] for one in self.data()["history"] if one["operation"] == operation]


@pytest.fixture
def reader(scene: Scene, tmp_path: Path) -> Iterator[Reader]:
    """With the page's process ended, and its user gone, in the end."""
    iam = scene.aws.client("iam")
    with live(scene.aws, embedded.REGION, tmp_path) as (child, address):
        environment = psutil.Process(child.pid).environ()
        keys = [one["AccessKeyId"] for one in iam.list_access_keys(UserName=READER)["AccessKeyMetadata"]]
        assert [value for name, value in environment.items() if name == "AWS_ACCESS_KEY_ID"] == keys
        secret = environment["AWS_SECRET_ACCESS_KEY"]
        yield Reader(address)
        assert child.death() is None
        assert secret not in child.log.read_text()
        assert secret not in requests.get(address + "demo", timeout=100).text
    assert not child.running
    iam.delete_access_key(UserName=READER, AccessKeyId=keys[0])
    iam.detach_user_policy(UserName=READER, PolicyArn=f"arn:aws:iam::{scene.aws.account}:policy/portcullis-look")
    iam.delete_user(UserName=READER)


def test_a_join_and_a_leave_are_on_the_page_after_the_reaction(scene: Scene, reader: Reader) -> None:
    assert "demo" in reader.get("")
    user = scene.people.cognito_user("live.page.support")
    person, before = f"cognito_user:{user}", set(reader.told("apply"))
    assert not reader.reads(person, INDEX)
    scene.people.join(user, "support")
    until(lambda: reader.reads(person, INDEX), what="the join is on the page")
    # The history is a look of its own, and may be a little older; it holds the newest entries alone, so that their number says nothing
    until(lambda: bool(set(reader.told("apply")) - before), what="what was applied is in the history")
    assert user in reader.get("demo")
    scene.people.leave(user, "support")
    until(lambda: not reader.reads(person, INDEX), what="the leave is on the page")


def test_a_lock_is_on_the_page_and_a_silent_engine_is_said(scene: Scene, reader: Reader) -> None:
    before = reader.data()
    assert before["status"]["custody"]["state"] == "open"
    scene.kms.disable_key(KeyId=scene.key)
    until(lambda: (reader.data()["status"] or {}).get("custody", {}).get("state") == "locked", what="it says locked")
    until(lambda: reader.data()["picture"]["stopped"] != "", what="it says why nobody is let in")
    scene.kms.enable_key(KeyId=scene.key)
    until(lambda: (reader.data()["status"] or {}).get("custody", {}).get("state") == "open", what="it says open")
    # When the engine is down, then what was seen last stays, with the words that it is not new
    scene.up.node.stop()
    until(lambda: "report" in (found := reader.data())["unread"] or "report" in found["late"], what="it is said")
    found = reader.data()
    assert found["picture"]["people"]
    assert found["history"]
    assert "Traceback" not in reader.get("demo")
    scene.up.node.start_again()
    until(lambda: not (found := reader.data())["unread"] and not found["late"], what="it is as it was", within=120)
