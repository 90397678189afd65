"""The table: what each operation of the services that a deployment leans on means to it, or why it means nothing.

One row says the same of several operations. The question behind each row is the same: if the truth were read again because of
this event (group members, whether a granted principal exists, the key, the domain), could what is found have changed?
Every operation of these services that changes anything has its row (a test holds this against botocore's models), so that
"nothing" is a decision and not an oversight. docs/signals.md is made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from portcullis.signals.custody_table import BREAK_GLASS, KMS, NETWORK, NOTICES, OPENSEARCH
from portcullis.signals.eyes_table import EYES
from portcullis.signals.identity_table import COGNITO, IAM, IDENTITY_CENTER
from portcullis.signals.roads_table import ROADS
from portcullis.signals.rows import About, Notice, Row

ROWS: tuple[Row, ...] = (*IAM, *COGNITO, *IDENTITY_CENTER, *KMS, *OPENSEARCH, *NETWORK, *BREAK_GLASS, *ROADS, *EYES)
# Of these only the operations in the table are ours.
_IN_PART = frozenset({"ec2", "sts", "secretsmanager", "cloudtrail", "events", "lambda", "sqs", "sns", "monitoring"})
SERVICES: frozenset[str] = frozenset(row.service for row in ROWS) - _IN_PART
_BY_OPERATION: Mapping[tuple[str, str], Row] = {(row.service, name): row for row in ROWS for name in row.operations}


def row_of(service: str, operation: str) -> Row | None:
    """The row of an operation, or None where the table has none."""
    return _BY_OPERATION.get((service, operation))


def notice_of(service: str, detail_type: str, event: str, status: str) -> Notice | None:
    """The first notice that fits, or None where the service sends none that we know."""
    event, status = event.lower(), status.lower()
    for notice in NOTICES:
        if (
            notice.service == service
            and notice.detail_type in ("", detail_type)
            and notice.event in event
            and notice.status in ("", status)
        ):
            return notice
    return None


__all__ = ["NOTICES", "ROWS", "SERVICES", "About", "Notice", "Row", "notice_of", "row_of"]
