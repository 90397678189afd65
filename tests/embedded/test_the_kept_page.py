"""Given an account whose file asks for pages, then the sweep has them kept, and the alert of a lock leads to the page of its deployment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

from local.people import until
from tests.cli.test_report import Parts, held
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded


def place(scene: Scene) -> dict[str, str]:
    return {"Bucket": scene.up.output("ReportBucket"), "Key": f"portcullis-report/{scene.up.deployment}/report.html"}


def kept_anew(scene: Scene) -> dict[str, Any]:
    """What the page shows that the sweep has made now, though the one before it is not old yet."""
    s3, since = scene.aws.client("s3"), datetime.now(UTC).replace(microsecond=0)

    def is_there() -> bool:
        try:
            return bool(s3.head_object(**place(scene))["LastModified"] >= since)
        except ClientError:
            return False

    scene.ledger.forget(scene.up.deployment, "page-asked")
    scene.sweep()
    until(is_there, what="the page is written")
    return held(Parts(s3.get_object(**place(scene))["Body"].read().decode()))


def put_by_somebody(scene: Scene, page: str) -> None:
    """Whoever may look may write there."""
    scene.aws.client("s3").put_object(**place(scene), Body=page.encode())


def read(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=30)


def test_the_sweep_has_the_page_kept_and_the_alert_of_a_lock_leads_to_it(scene: Scene) -> None:
    data = kept_anew(scene)
    assert (data["picture"]["deployment"], data["unread"], data["picture"]["stopped"]) == (scene.up.deployment, {}, "")
    assert INDEX in data["picture"]["indices"]

    scene.kms.disable_key(KeyId=scene.key)
    scene.until_locked()
    [alert] = scene.told("locked")
    link = alert["page_link"]
    assert urlsplit(link).fragment == "gate"
    answer = read(link)
    assert answer.status_code == 200
    assert held(Parts(answer.text))["picture"] == data["picture"], "the page of before: nothing newer is kept"
    assert read(link.partition("?")[0]).status_code == 403

    locked = kept_anew(scene)
    assert locked["picture"]["stopped"]
    assert locked["status"]["custody"]["state"] == "locked"
    put_by_somebody(scene, "<p>sign in here</p>")
    assert read(link).text == answer.text, (
        "an alert leads to the page that it was told with, whatever comes there later"
    )

    scene.kms.enable_key(KeyId=scene.key)
    scene.as_before()
