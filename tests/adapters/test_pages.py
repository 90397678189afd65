"""Given a page, then it lies encrypted where it should, a link shows that page and no other, and without one nobody reads it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.session import get_session
from portcullis.adapters.pages.s3 import S3Pages
from portcullis.errors import Refused

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws
PAGE = "<!doctype html><p>who may see what: ä"


def session(aws: Emulator, who: Credentials, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return boto3.Session(who.access_key, who.secret_key, who.session_token, region_name=aws.region)


@pytest.fixture
def bucket(calm: Emulator, name: str) -> str:
    s3, bucket = calm.client("s3"), f"pages-{name}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": calm.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def read(url: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the emulated AWS
            return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()}
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), {}


def test_a_link_shows_its_page_and_without_it_nobody_reads_it(
    calm: Emulator, bucket: str, person: Callable[..., Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By somebody with the rights that the stacks give, and no other."""
    rights = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
    may = person(*rights, resource=f"arn:aws:s3:::{bucket}/portcullis-report/*")
    pages = S3Pages(session(calm, may, monkeypatch))
    place = f"{bucket}/portcullis-report/demo/report.html"
    version = pages.put(place, PAGE)
    link = pages.link(place, version, 900)
    status, text, headers = read(link.url)
    assert (status, text) == (200, PAGE)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in headers["cache-control"]
    assert read(link.url.partition("?")[0])[0] == 403
    assert read(link.url.replace("/demo/", "/other/"))[0] == 403
    assert parse_qs(urlsplit(link.url).query)["X-Amz-Expires"] == ["900"]
    assert (link.shorter, link.session) == (False, False)
    later = pages.put(place, "another")
    assert later != version
    assert read(link.url)[1] == PAGE, "of the page it was made for, not of one that came later"


def test_outside_of_its_pages_nobody_may_put_one(
    calm: Emulator, bucket: str, person: Callable[..., Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    may = person("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/portcullis-report/*")
    with pytest.raises(Exception, match="AccessDenied"):
        S3Pages(session(calm, may, monkeypatch)).put(f"{bucket}/other/report.html", PAGE)


def test_a_bucket_without_versions_has_none_in_its_links(
    calm: Emulator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = f"plain-{name}"
    calm.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": calm.region})
    pages = S3Pages(session(calm, calm.root, monkeypatch))
    place = f"{bucket}/portcullis-report/demo/report.html"
    version = pages.put(place, PAGE)
    link = pages.link(place, version, 60)
    assert (version, "versionId" in link.url, read(link.url)[1]) == ("", False, PAGE)


def test_a_page_is_put_into_no_bucket_of_another_account(
    calm: Emulator, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 refuses by what the request says: whose bucket it takes this to be."""
    asked: list[Any] = []
    ours = session(calm, calm.root, monkeypatch)
    pages = S3Pages(ours)
    pages._s3.meta.events.register("before-sign.s3.PutObject", lambda request, **_: asked.append(dict(request.headers)))
    pages.put(f"{bucket}/portcullis-report/demo/report.html", PAGE)
    assert [str(one["x-amz-expected-bucket-owner"]) for one in asked] == [calm.account]


NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def of_a_role(ends: datetime) -> Any:
    """A session as botocore has it for a role: its credentials end, and it knows when."""
    core = get_session()
    core._credentials = RefreshableCredentials(
        "AKIAIOSFODNN7EXAMPLE",
        "key",
        "token",
        ends,
        refresh_using=lambda: {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": ends.isoformat()},
        method="assume-role",
        time_fetcher=lambda: NOW,
    )
    return boto3.Session(botocore_session=core, region_name="eu-central-1")


@pytest.mark.parametrize(
    ("left", "asked", "good"),
    [(timedelta(hours=2), 3600, 3600), (timedelta(minutes=40), 3600, 2400)],
    ids=["the session lasts", "the session ends first"],
)
def test_a_link_never_outlives_the_session_of_whoever_signs(left: timedelta, asked: int, good: int) -> None:
    link = S3Pages(of_a_role(NOW + left), lambda: NOW).link("pages/portcullis-report/demo/report.html", "v1", asked)
    assert parse_qs(urlsplit(link.url).query)["X-Amz-Expires"] == [str(good)]
    assert (link.until, link.shorter, link.session) == (NOW + timedelta(seconds=good), good < asked, False)


def test_who_has_no_session_left_signs_no_link() -> None:
    pages = S3Pages(of_a_role(NOW + timedelta(hours=1)), lambda: NOW + timedelta(hours=2))
    with pytest.raises(Refused, match="sign in again"):
        pages.link("pages/portcullis-report/demo/report.html", "", 60)


def test_a_session_whose_end_nobody_knows_is_said_to_end_the_link() -> None:
    pages = S3Pages(boto3.Session("AKIAIOSFODNN7EXAMPLE", "key", "token", region_name="eu-central-1"), lambda: NOW)
    assert pages.link("pages/portcullis-report/demo/report.html", "", 60).session is True


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "me-south-1"])
def test_a_link_leads_to_the_bucket_s_own_region_over_tls(region: str) -> None:
    """To the general host a browser would be redirected, and the signature would not hold there."""
    pages = S3Pages(boto3.Session("AKIAIOSFODNN7EXAMPLE", "key", region_name=region), lambda: NOW)
    url = urlsplit(pages.link("some-pages/portcullis-report/demo/report.html", "", 60).url)
    host = "some-pages.s3.amazonaws.com" if region == "us-east-1" else f"some-pages.s3.{region}.amazonaws.com"
    assert (url.scheme, url.netloc, url.path) == ("https", host, "/portcullis-report/demo/report.html")
    assert parse_qs(url.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
