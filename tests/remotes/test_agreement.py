"""Which offer a remote cluster is read by: by its secret, of the deployment that it names; never a guess between two."""

from __future__ import annotations

import pytest
from portcullis.errors import Refused
from portcullis.remotes.agreement import is_of, offer_behind

OFFERED = [
    ("logs", "for-orders", "s1"),
    ("logs", "for-shop", "s2"),
    ("hr", "for-orders", "s3"),
    ("orders", "own", "s4"),
]


@pytest.mark.parametrize(
    ("deployment", "credential", "found"),
    [
        ("", "s1", ("logs", "for-orders")),
        ("logs", "s2", ("logs", "for-shop")),
        ("hr", "s1", None),  # of another deployment than it names
        ("", "none", None),
        ("", "", None),  # by certificate
        ("", "s4", None),  # its own offer is for others
    ],
)
def test_an_offer_is_that_of_the_secret(deployment: str, credential: str, found: tuple[str, str] | None) -> None:
    assert offer_behind("orders", deployment, credential, OFFERED) == found
    if found:
        assert is_of(found[0], credential, deployment, credential)


def test_two_offers_in_one_secret_are_refused_and_a_named_deployment_tells() -> None:
    twice = [*OFFERED, ("hr", "again", "s1")]
    with pytest.raises(Refused, match="for-orders of logs, again of hr"):
        offer_behind("orders", "", "s1", twice)
    assert offer_behind("orders", "hr", "s1", twice) == ("hr", "again")


def test_no_secret_is_nobodys() -> None:
    assert not is_of("logs", "", "", "")
