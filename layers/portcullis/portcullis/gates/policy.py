"""The domain access policy of a locked deployment. Pure."""

from __future__ import annotations

from portcullis.access.config import Json

_SID = "PortcullisLock"


def shut(policy: Json, domain_arn: str, keep: tuple[str, ...]) -> Json:
    """`policy` with one more statement: nobody but the roles in `keep` (ARNs) may send a request. Shutting twice is shutting once."""
    deny: Json = {
        "Sid": _SID,
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "es:ESHttp*",
        "Resource": f"{domain_arn}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": sorted(keep)}},
    }
    statements = [statement for statement in policy.get("Statement", []) if statement.get("Sid") != _SID]
    return {"Version": policy.get("Version", "2012-10-17"), "Statement": [*statements, deny]}


def is_shut(policy: Json) -> bool:
    return any(statement.get("Sid") == _SID for statement in policy.get("Statement", []))
