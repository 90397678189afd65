"""The table as a page of the documentation."""

from __future__ import annotations

from itertools import groupby

from portcullis.signals.rows import Notice, Row
from portcullis.signals.table import NOTICES, ROWS

_SERVICES = {
    "iam": "IAM",
    "cognito-idp": "Cognito user pools",
    "cognito-identity": "Cognito identity pools",
    "sso-directory": "Identity Center, directory (console)",
    "identitystore": "Identity Center, directory (SDK)",
    "identitystore-scim": "Identity Center, directory (SCIM)",
    "sso": "Identity Center",
    "kms": "KMS",
    "es": "OpenSearch Service",
    "ec2": "EC2",
    "sts": "STS",
    "secretsmanager": "Secrets Manager",
    "dynamodb": "DynamoDB",
    "cloudtrail": "CloudTrail",
    "events": "EventBridge",
    "lambda": "Lambda",
    "sqs": "SQS",
    "sns": "SNS",
    "monitoring": "CloudWatch (calls)",
    "cloudwatch": "CloudWatch",
    "health": "AWS Health",
    "config": "AWS Config",
}

_HEAD = """# Signals

What AWS events mean to a deployment. This page is made from the table in `portcullis.signals` by `portcullis signal --table`;
a test fails when it is out of date.

An event is only a hint to read the truth again, so the question behind every line is: if group members, granted principals, the
key or the domain were read again because of this event, could what is found have changed? Whatever no event told is found by the
sweep.

Before the table is asked, an event means nothing if it
- comes from another service or source (`eventSource` decides: `CreateGroup` exists in several services);
- carries an `errorCode`: a failed call changes nothing, whatever it asked for;
- is marked `readOnly` (but for the taking of a role and the reading of a master's password), or is an operation of these services
  that only reads;
- was a dry run (`dryRun`, `performCheckOnly`);
- is a page of Cognito's hosted sign-in (`Login_GET`, `Signup_POST`, ...): signing in, or oneself up, changes no group.

After it, an event means nothing if no deployment is concerned: another group, user, role, pool, key, alias, key store or domain,
another account, another Region. `--any` leaves this question out. A security group is a domain's, a role is
break-glass, and a secret is a master's only because a deployment says so: with `--any` their events mean nothing. Rules, functions,
queues, topics and alarms are ours if their name says so. What concerns the account and not one deployment is said to concern `account`.

## Signals
"""


def as_markdown() -> str:
    """The whole page, ending in a newline."""
    lines = [_HEAD]
    lines += ["| signal | asks for | subject | service | operations or notice | why |", "|---|---|---|---|---|---|"]
    everything: tuple[Row | Notice, ...] = (*ROWS, *NOTICES)
    for row in everything:
        if row.signal is not None:
            told = _operations(row) if isinstance(row, Row) else _notice(row)
            about = f"`{row.about.value}:…`" if row.about else ""
            asks = row.concern.value if row.concern else ""
            lines.append(f"| `{row.signal}` | {asks} | {about} | {_SERVICES[row.service]} | {told} | {row.because} |")
    lines += ["", "## What means nothing", ""]
    silent = [row for row in ROWS if row.signal is None]
    for service, rows in groupby(
        sorted(silent, key=lambda row: list(_SERVICES).index(row.service)), key=lambda row: row.service
    ):
        lines += [f"### {_SERVICES[service]}", "", "| operations | why |", "|---|---|"]
        lines += [f"| {_operations(quiet)} | {quiet.because} |" for quiet in rows]
        lines.append("")
    lines += [
        "### Notices (what a service tells EventBridge itself)",
        "",
        "| service | notice | why |",
        "|---|---|---|",
    ]
    lines += [
        f"| {_SERVICES[notice.service]} | {_notice(notice)} | {notice.because} |"
        for notice in NOTICES
        if notice.signal is None
    ]
    return "\n".join(lines) + "\n"


def _operations(row: Row) -> str:
    return " ".join(f"`{name}`" for name in row.operations)


def _notice(notice: Notice) -> str:
    conditions = [f'detail-type "{notice.detail_type}"'] if notice.detail_type else []
    what = "watched metric" if notice.service == "cloudwatch" else "event"
    conditions += [f'{what} with "{notice.event}"'] if notice.event else []
    conditions += [f'status "{notice.status}"'] if notice.status else []
    return ", ".join(conditions) or "any other"
