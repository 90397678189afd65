"""Pages in a bucket of S3, written and signed for as whoever asks: a person, or a function whose role may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from portcullis.errors import Refused
from portcullis.ports.pages import Link

# Nobody on the way keeps it, a browser neither; and what is shown is taken for HTML and for nothing else.
_AS = {"ContentType": "text/html; charset=utf-8", "CacheControl": "private, no-store", "ContentDisposition": "inline"}


class S3Pages:
    """The Pages protocol, with the credentials of `session` (boto3's)."""

    def __init__(self, session: Any, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        from botocore.config import Config

        # Signature 4, which objects under a key of KMS ask for; and the bucket's name in that of the host, in its own Region: a link to
        # the general host would be redirected to another one, for which it is not signed.
        how = Config(signature_version="s3v4", s3={"addressing_style": "virtual"}, connect_timeout=5, read_timeout=60)
        self._session, self._now = session, now
        self._s3 = session.client("s3", config=how)

    def put(self, place: str, page: str) -> str:
        bucket, _, key = place.partition("/")
        account = self._session.client("sts").get_caller_identity()["Account"]
        # Of our own account: a bucket of this name that somebody else has is none to put it into.
        answer = self._s3.put_object(Bucket=bucket, Key=key, Body=page.encode(), ExpectedBucketOwner=account, **_AS)
        version = str(answer.get("VersionId") or "")
        return "" if version == "null" else version

    def link(self, place: str, version: str, seconds: int) -> Link:
        bucket, _, key = place.partition("/")
        credentials = self._session.get_credentials()
        frozen = credentials.get_frozen_credentials()  # renews them first, if they are about to end
        # botocore has no public way to ask when credentials end; this is where those that it renews have it.
        ends: datetime | None = getattr(credentials, "_expiry_time", None)
        now = self._now()
        asked = now + timedelta(seconds=seconds)
        until = min(asked, ends or asked)
        left = int((until - now).total_seconds())
        if left < 1:
            raise Refused("your session is over, and no link outlives the session of whoever signs it: sign in again")
        what = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        url = self._s3.generate_presigned_url("get_object", Params=what, ExpiresIn=left)
        return Link(url, until, shorter=until < asked, session=bool(frozen.token and ends is None))
