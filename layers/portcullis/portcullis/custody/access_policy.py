"""The domain access policy of a locked deployment. Pure."""

from __future__ import annotations

from typing import Any

from portcullis.access.actual import Json

_SID = "PortcullisLock"


def shut(policy: Json, domain_arn: str, keep: tuple[str, ...]) -> Json:
    """`policy` with one more statement: nobody but the roles in `keep` (ARNs) may send a request, nor a search from another
    domain. Shutting twice is shutting once."""
    statements = [statement for statement in policy.get("Statement", []) if statement.get("Sid") != _SID]
    return {"Version": policy.get("Version", "2012-10-17"), "Statement": [*statements, _deny(domain_arn, keep)]}


def is_shut(policy: Json, domain_arn: str, keep: tuple[str, ...]) -> bool:
    """Whether it holds the statement as `shut` writes it: a denial that lets others through, or fewer things be denied, is none.

    AWS may write a list of one as that one, and lists in another order.
    """
    wanted = _plain(_deny(domain_arn, keep))
    return any(_plain(statement) == wanted for statement in policy.get("Statement", []))


def _deny(domain_arn: str, keep: tuple[str, ...]) -> Json:
    return {
        "Sid": _SID,
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["es:ESHttp*", "es:ESCrossClusterGet"],
        "Resource": [domain_arn, f"{domain_arn}/*"],  # a search of another domain asks for the domain itself
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": sorted(keep)}},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return sorted(str(one) for one in value) if isinstance(value, list) else [str(value)]
