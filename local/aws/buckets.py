"""S3: an object that is written with `aws:kms` and no key is encrypted under the account's own key for S3, `aws/s3`. The emulator refused
it, and the CDK command publishes every asset so."""

from __future__ import annotations

from typing import Any

_HOW, _KEY = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"


def install() -> None:
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import s3

    known = s3._resolve_sse_write_headers

    def with_a_key(headers: dict[str, Any], bucket: str) -> Any:
        if headers.get(_HOW) == "aws:kms" and not headers.get(_KEY):
            headers = {**headers, _KEY: f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"}
        return known(headers, bucket)

    s3._resolve_sse_write_headers = with_a_key
