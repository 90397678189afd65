"""The access policy of a locked domain: one statement more, that lets through exactly whom it should."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.custody.access_policy import is_shut, shut

DOMAIN = "arn:aws:es:eu-west-1:111122223333:domain/demo"
OURS, GLASS = (f"arn:aws:iam::111122223333:role/portcullis-{name}" for name in ("automation", "break-glass"))
PEOPLE = {
    "Sid": "People",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "es:ESHttp*",
    "Resource": f"{DOMAIN}/*",
}
OPEN = {"Version": "2012-10-17", "Statement": [PEOPLE]}
DENIAL = {
    "Sid": "PortcullisLock",
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["es:ESHttp*", "es:ESCrossClusterGet"],
    "Resource": [DOMAIN, f"{DOMAIN}/*"],
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [OURS, GLASS]}},
}


def changed(**to: Any) -> dict[str, Any]:
    return {**OPEN, "Statement": [PEOPLE, {**DENIAL, **to}]}


@pytest.mark.parametrize("keep", [(OURS, GLASS), (GLASS, OURS)])
def test_a_shut_policy_denies_every_request_but_those_of_whom_it_keeps(keep: tuple[str, ...]) -> None:
    closed = shut(OPEN, DOMAIN, keep)
    assert closed == {"Version": "2012-10-17", "Statement": [PEOPLE, DENIAL]}
    assert is_shut(closed, DOMAIN, keep)
    assert not is_shut(OPEN, DOMAIN, keep)


def test_shutting_again_is_shutting_once_and_mends_what_was_changed() -> None:
    assert shut(shut(OPEN, DOMAIN, (OURS,)), DOMAIN, (OURS, GLASS)) == shut(OPEN, DOMAIN, (OURS, GLASS))
    assert shut(changed(Effect="Allow"), DOMAIN, (OURS, GLASS)) == shut(OPEN, DOMAIN, (OURS, GLASS))


def test_a_domain_without_a_policy_gets_one_and_an_older_version_stays_it() -> None:
    assert shut({}, DOMAIN, (OURS, GLASS)) == {"Version": "2012-10-17", "Statement": [DENIAL]}
    assert shut({"Version": "2008-10-17"}, DOMAIN, (OURS,))["Version"] == "2008-10-17"
    assert not is_shut({}, DOMAIN, (OURS,))


def test_aws_may_write_lists_of_one_as_that_one_and_in_another_order() -> None:
    other_order = changed(Action=DENIAL["Action"][::-1], Resource=DENIAL["Resource"][::-1])
    assert is_shut(other_order, DOMAIN, (OURS, GLASS))
    assert is_shut(changed(Condition={"ArnNotEquals": {"aws:PrincipalArn": [GLASS, OURS]}}), DOMAIN, (OURS, GLASS))
    alone = changed(Condition={"ArnNotEquals": {"aws:PrincipalArn": OURS}})
    assert is_shut(alone, DOMAIN, (OURS,))
    assert not is_shut(alone, DOMAIN, (OURS, GLASS))


@pytest.mark.parametrize(
    "weaker",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:role/one"}},
        {"Action": "es:ESHttpGet"},
        {"Action": "es:ESHttp*"},  # a search of another domain is none of these
        {"Resource": f"{DOMAIN}/*"},  # and asks for the domain itself
        {"Action": ["es:ESHttpGet", "es:ESHttpPost"]},
        {"Resource": f"{DOMAIN}/orders/*"},
        {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [OURS, GLASS, "arn:aws:iam::111122223333:role/eve"]}}},
        {"Condition": {"ArnNotLike": {"aws:PrincipalArn": [OURS, GLASS]}}},
        {"Condition": {}},
    ],
)
def test_a_denial_that_lets_anybody_else_through_or_less_be_denied_is_none(weaker: dict[str, Any]) -> None:
    assert not is_shut(changed(**weaker), DOMAIN, (OURS, GLASS))
