"""Given an account that keeps pages, then `report --to-bucket` writes the page there as whoever asks, and prints a link that ends soon."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from portcullis import wiring
from portcullis.cli.report.span import seconds_of
from portcullis.entry import operate
from portcullis.entry.verbs import VERBS
from portcullis.errors import Unreachable
from portcullis.operations.pages import KEPT
from portcullis.settings import Settings

from local.aws.emulator import Credentials, Emulator
from tests.cli.test_asking_verbs import here, run
from tests.cli.test_report import Parts, held
from tests.operations.orders import CAUSE
from tests.operations.worlds import Account

__all__ = ["here"]
KEY = "portcullis-report/demo/report.html"
RIGHTS = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")


def keeps_pages(account: Account, monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    services = replace(account.services, settings=Settings("ledger", report_bucket=bucket), pages=wiring.pages)
    monkeypatch.setattr(operate, "from_environment", lambda: services)


def are(who: Credentials, aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials around the command."""
    given = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": who.access_key,
        "AWS_SECRET_ACCESS_KEY": who.secret_key,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest.fixture
def bucket(
    calm: Emulator,
    name: str,
    here: Account,
    person: Callable[..., Credentials],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Of an account that keeps pages, asked by somebody with the rights of the level look."""
    bucket, s3 = f"reports-{name}", calm.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": calm.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keeps_pages(here, monkeypatch, bucket)
    are(person(*RIGHTS, resource=f"arn:aws:s3:::{bucket}/portcullis-report/*"), calm, monkeypatch)
    return bucket


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the emulated AWS
        return str(answer.read().decode())


@pytest.mark.aws
@pytest.mark.parametrize(
    ("asked", "good"), [((), 3600), (("--for", "15m"), 900), (("--for", "12h"), 43200)], ids=["", "15m", "12h"]
)
def test_the_page_is_put_there_and_the_link_shows_it(
    bucket: str, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...], good: int
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    status, out, err = run(capsys, "report", "demo", "--to-bucket", *asked, "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert (list(told), told["bucket"], told["key"]) == (["bucket", "key", "link", "until"], bucket, KEY)
    assert parse_qs(urlsplit(told["link"]).query)["X-Amz-Expires"] == [str(good)]
    until = datetime.fromisoformat(told["until"])
    assert good <= (until - before).total_seconds() <= (datetime.now(UTC) - before).total_seconds() + good
    data = held(Parts(read(told["link"])))
    assert (data["picture"]["deployment"], data["unread"]) == ("demo", {})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(told["link"].partition("?")[0])


@pytest.mark.aws
def test_people_read_where_it_is_until_when_and_the_link_on_a_line_of_its_own(
    bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "report", "--to-bucket", "--deployment", "demo", "--for", "15m")
    first, *middle, link = out.splitlines()
    assert (status, first.startswith(f"{bucket}/{KEY} written: ")) == (0, True)
    said = " ".join(line.strip() for line in middle)
    assert said.startswith("Whoever holds this link may read that page until ")
    assert "in 14 min" in said or "in 15 min" in said
    assert "<!doctype" in read(link).lower()


@pytest.mark.aws
def test_a_session_that_nobody_knows_the_end_of_is_said_to_end_the_link(
    bucket: str, calm: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = calm.client("sts").get_session_token()["Credentials"]
    are(Credentials(session["AccessKeyId"], session["SecretAccessKey"]), calm, monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["SessionToken"])
    status, out, err = run(capsys, "report", "demo", "--to-bucket")
    assert (status, err) == (0, "")
    assert "or until your session ends if that is sooner" in " ".join(out.split())


@pytest.mark.aws
def test_a_session_that_ends_sooner_ends_the_link_and_that_is_said(
    bucket: str, calm: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = calm.client("sts").get_session_token()["Credentials"]
    are(Credentials(session["AccessKeyId"], session["SecretAccessKey"]), calm, monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["SessionToken"])
    ends = (datetime.now(UTC) + timedelta(minutes=40)).replace(microsecond=0)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    told = json.loads(run(capsys, "report", "demo", "--to-bucket", "--json")[1])
    assert datetime.fromisoformat(told["until"]) == ends
    assert 0 < int(parse_qs(urlsplit(told["link"]).query)["X-Amz-Expires"][0]) <= 2400
    assert "your session ends then" in " ".join(run(capsys, "report", "demo", "--to-bucket")[1].split())


@pytest.mark.aws
def test_who_may_not_write_there_is_told_what_allows_it(
    bucket: str,
    calm: Emulator,
    person: Callable[..., Credentials],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    are(person("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*"), calm, monkeypatch)
    status, out, err = run(capsys, "report", "demo", "--to-bucket")
    assert (status, out) == (1, "")
    assert "the managed policy portcullis-look allows it" in err


@pytest.mark.aws
def test_of_a_locked_deployment_the_same_is_put_there_as_into_a_file(
    bucket: str, here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    told = json.loads(run(capsys, "report", "demo", "--to-bucket", "--json")[1])
    run(capsys, "report", str(tmp_path / "demo.html"))
    there, in_file = held(Parts(read(told["link"]))), held(Parts((tmp_path / "demo.html").read_text("utf-8")))
    for data in (there, in_file):
        data["picture"].pop("at")
        data.pop("status")  # what it waited for, to the second
    assert there == in_file
    assert "locked manually by" in there["picture"]["stopped"]


def asked_by_the_sweep(level: str = "look") -> dict[str, Any]:
    request = {"verb": "keep-page", "deployment": "demo", "cause": "sweep", "actor": "portcullis"}
    door = f"arn:aws:lambda:eu-central-1:000000000000:function:portcullis-operate:{level}"
    return operate.answer(request, door, logging.getLogger("test"))


@pytest.mark.aws
def test_the_automation_keeps_the_same_page_as_a_person(
    bucket: str, here: Account, calm: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    began = here.services.now()
    answer = asked_by_the_sweep()
    assert answer["exit_status"] == 0, answer
    assert (answer["answer"]["page"], answer["answer"]["unread"]) == (f"{bucket}/{KEY}", {})
    kept, lies = KEPT.saved(here.ledger, "demo"), calm.client("s3").get_object(Bucket=bucket, Key=KEY)
    assert kept is not None
    assert kept.at >= began
    assert kept.version == lies["VersionId"]
    theirs = held(Parts(lies["Body"].read().decode()))
    told = json.loads(run(capsys, "report", "demo", "--to-bucket", "--json")[1])
    ours = held(Parts(read(told["link"])))
    for data in (theirs, ours):
        data["picture"].pop("at")
    assert theirs == ours


@pytest.mark.aws
def test_what_cannot_be_drawn_leaves_the_page_that_is_there(
    bucket: str, here: Account, calm: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_by_the_sweep()["exit_status"] == 0
    s3, kept = calm.client("s3"), KEPT.saved(here.ledger, "demo")
    before = s3.get_object(Bucket=bucket, Key=KEY)["VersionId"]

    def silent(_: Any) -> Any:
        raise Unreachable("the engine did not answer")

    without = replace(operate.from_environment(), engine=silent)
    monkeypatch.setattr(operate, "from_environment", lambda: without)
    answer = asked_by_the_sweep()
    assert answer["exit_status"] == 1
    assert (s3.get_object(Bucket=bucket, Key=KEY)["VersionId"], KEPT.saved(here.ledger, "demo")) == (before, kept)


@pytest.mark.aws
def test_a_function_that_may_not_write_there_says_so(
    bucket: str, here: Account, calm: Emulator, person: Callable[..., Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where somebody asks for it in an account whose file has no automation write pages."""
    are(person("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*"), calm, monkeypatch)
    answer = asked_by_the_sweep()
    assert answer["exit_status"] == 1
    assert f"the page of demo could not be put into {bucket}/{KEY}" in answer["error"]
    assert KEPT.saved(here.ledger, "demo") is None


def test_an_account_that_keeps_no_pages_has_none_written(here: Account) -> None:
    answer = asked_by_the_sweep()
    assert answer["exit_status"] == 1
    assert "every_minutes" in answer["error"]


def test_without_the_key_one_line_says_how_to_have_it(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "report", "demo", "--to-bucket")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "report: {}" in err
    assert "deployments/account.yaml" in err
    assert "portcullis report FILE" in err


BAD: dict[str, tuple[str, ...]] = {
    "no file is named": (),
    "is of a link": ("demo.html", "--for", "15m"),
    "a page of a file alone is put into no bucket": ("demo", "--to-bucket", "--offline"),
    "the deployment is named twice": ("demo", "--to-bucket", "-d", "demo"),
    "'13h' is no span between 1m and 12h": ("demo", "--to-bucket", "--for", "13h"),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_does_not_go_together_is_bad_input(
    here: Account, capsys: pytest.CaptureFixture[str], problem: str
) -> None:
    status, out, err = run(capsys, "report", *BAD[problem])
    assert (status, out, problem in err) == (2, "", True), err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("1m", 60), ("1h", 3600), ("720m", 43200), ("12h", 43200)]
    + [(text, None) for text in ("0m", "721m", "13h", "1d", "90", "90s", "-1h", "1.5h", "١h", "1 h", "1h\n", "")],
)
def test_a_span_is_minutes_or_hours_up_to_twelve(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


def test_the_place_stands_in_the_answer_and_not_without_the_key(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def place(services: Any) -> str:
        return str(VERBS["report"].run(services, "demo", CAUSE).page)

    assert place(here.services) == ""
    kept = replace(here.services, settings=Settings("ledger", report_bucket="pages"))
    assert place(kept) == f"pages/{KEY}"
