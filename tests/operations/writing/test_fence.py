"""Given any interleaving of two and three writers, leases that run out, crashes and late writes, then at rest the laws hold:

every entry that is ours is claimed, nothing of whoever left stays, nobody who joined is missing, and nothing of others' is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from portcullis.access.plan import Claim
from portcullis.ports.ledger import Claims

from tests.operations import fence
from tests.operations.fence import play
from tests.operations.worlds import Make, Memory, every_make

# The first twenty in the loop before a commit, too.
HISTORIES = [0, *(pytest.param(start, marks=pytest.mark.long) for start in range(20, 100, 20))]


@every_make
@pytest.mark.parametrize("start", HISTORIES)
def test_at_rest_nothing_is_nobodys_and_nobody_is_where_they_should_not_be(make: Make, start: int) -> None:
    assert {seed: wrong for seed in range(start, start + 20) if (wrong := play(seed, make=make))} == {}


@every_make
@pytest.mark.parametrize("start", HISTORIES)
def test_the_same_where_whoever_follows_the_groups_takes_the_short_road(make: Make, start: int) -> None:
    assert {seed: wrong for seed in range(start, start + 20) if (wrong := play(seed, short=True, make=make))} == {}


@pytest.mark.long
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("start", range(1000, 1100, 50))  # thousands: make bench-fence
def test_the_same_of_many_more_histories(start: int, short: bool) -> None:
    assert {seed: wrong for seed in range(start, start + 50) if (wrong := play(seed, short=short))} == {}


def _nothing_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: Claims, moment: datetime) -> frozenset[Claim]:
        return frozenset()

    monkeypatch.setattr(Claims, "late_at", none)


def _nobody_renews(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lost the lease goes on: neither a write nor the keeping of claims asks for it."""
    monkeypatch.setattr(fence.Ledger, "renew", lambda *_: None)
    monkeypatch.setattr(fence.Ledger, "keep_claims", _keeping(whatever_version=False))


def _no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are kept whoever has kept others, and whoever has the lease: each of the two conditions would be enough here."""
    monkeypatch.setattr(fence.Ledger, "keep_claims", _keeping(whatever_version=True))


def _keeping(*, whatever_version: bool) -> Callable[..., Claims]:
    """Claims are kept whoever has the lease."""

    def keep(self: Any, domain: str, owner: str, claims: Claims) -> Claims:
        with self.crowd.call("keep_claims"):
            version = self._claims(domain, owner).version if whatever_version else claims.version
            lease = self._of_thread.__dict__.pop(domain, None)
            try:
                return Memory.keep_claims(
                    self, domain, owner, Claims(claims, version=version, late=claims.late, until=claims.until)
                )
            finally:
                if lease:
                    self._of_thread.__dict__[domain] = lease

    return keep


# With the history that noticed it last: asked first, as one in hundreds does, and any other is as good.
@pytest.mark.parametrize(("fault", "noticed"), [(_nothing_is_late, 31), (_nobody_renews, 217), (_no_condition, 1)])
def test_the_histories_notice_each_wall_that_is_taken_away(
    fault: Callable[[pytest.MonkeyPatch], None], noticed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert play(noticed) == []
    fault(monkeypatch)
    assert any(play(seed) for seed in (noticed, *range(400)))
