"""What the domain's access policy says of whoever signs nothing: with user name and password, or with neither."""

from __future__ import annotations

from typing import Any

import pytest

from local.door import asked as asking
from local.door import policy
from local.door.answers import Refused
from local.door.callers import ANONYMOUS
from tests.local.door_world import ACCOUNT, ARN, allow

DENY = {"effect": "Deny"}
AUTOMATION = f"arn:aws:iam::{ACCOUNT}:role/automation"
EVERYONE = {**allow(), "Principal": "*"}
# A policy, and what the refusal ends with; nothing where they are let through.
TABLE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "everyone": ([EVERYONE], ""),
    "everyone, written as Portcullis writes it": ([allow()], ""),
    "nobody": ([], "no resource-based policy allows the es:ESHttpGet action"),
    "somebody of the account": ([allow(AUTOMATION)], "no resource-based policy allows the es:ESHttpGet action"),
    "the account": ([allow(ACCOUNT)], "no resource-based policy allows the es:ESHttpGet action"),
    "its root": ([allow(f"arn:aws:iam::{ACCOUNT}:root")], "no resource-based policy allows the es:ESHttpGet action"),
    "other methods": ([{**EVERYONE, "Action": "es:ESHttpPost"}], "no resource-based policy allows"),
    "another path": ([{**EVERYONE, "Resource": f"{ARN}/other/*"}], "no resource-based policy allows"),
    "from here": ([{**EVERYONE, "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}], ""),
    "from elsewhere": ([{**EVERYONE, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}], "no resource-based"),
    "a role, by a condition": ([allow(Condition={"ArnEquals": {"aws:PrincipalArn": AUTOMATION}})], "no resource-based"),
    "everyone, and then not": ([EVERYONE, {**allow(**DENY), "Principal": "*"}], "explicit deny in a resource-based policy"),
    "everyone but a role, as a lock has it": (
        [EVERYONE, allow(**DENY, Condition={"ArnNotEquals": {"aws:PrincipalArn": [AUTOMATION]}})],
        "explicit deny in a resource-based policy",
    ),
    "a denial of a role": ([EVERYONE, allow(AUTOMATION, **DENY)], ""),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLE)
def test_only_an_allow_of_everyone_lets_an_unsigned_request_through(what: str) -> None:
    statements, refusal = TABLE[what]
    asked = asking.read("GET", "/i/_search", [(b"authorization", b"Basic YTpi")], "127.0.0.1")
    document = {"Version": "2012-10-17", "Statement": statements}
    if not refusal:
        policy.check(ANONYMOUS, asked, document, ARN)
        return
    with pytest.raises(Refused) as refused:
        policy.check(ANONYMOUS, asked, document, ARN)
    assert refused.value.status == 403
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["Message"].startswith("User: anonymous is not authorized to perform: es:ESHttpGet ")
    assert refusal in refused.value.body["Message"]
