"""What we claim is kept before and after each write: by whoever has the lease, on what was read, and only if it is another."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from portcullis.access.plan import Claim
from portcullis.errors import Conflict, Overtaken
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.services import Site
from portcullis.operations.writing.in_effect import LATE
from portcullis.operations.writing.sending import keep_claims, wait_a_little
from portcullis.ports.ledger import Claims

from tests.operations.worlds import Account, account

ANNA, BEN = (Claim(Kind.MAPPINGS, "viewers", "users", name) for name in ("anna", "ben"))


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    return one


@pytest.fixture
def site(made: Account) -> Iterator[Site]:
    here = made.services.site("demo")
    with here.ledger.lease(here.place.id, "a test") as ours:
        assert ours
        yield here


def kept(site: Site) -> Claims:
    return site.ledger.claims(site.place.id).get("demo", Claims())


def test_other_claims_are_kept_as_the_next_version_and_the_same_are_not_written(site: Site) -> None:
    first = keep_claims(site, kept(site), {ANNA})
    assert (set(first), first.version, kept(site)) == ({ANNA}, 1, {ANNA})
    assert keep_claims(site, first, [ANNA]) is first
    assert kept(site).version == 1
    second = keep_claims(site, first, {BEN})
    assert (set(kept(site)), second.version) == ({BEN}, 2)


def test_of_two_who_read_the_same_the_second_keeps_nothing(site: Site) -> None:
    read = kept(site)
    keep_claims(site, read, {ANNA})
    with pytest.raises(Conflict):
        keep_claims(site, read, {BEN})
    assert set(kept(site)) == {ANNA}


def test_whoever_lost_the_lease_keeps_nothing(made: Account, site: Site) -> None:
    made.ledger._leases[site.place.id] = ("somebody", float("inf"))
    for renewed in (False, True):
        with pytest.raises(Overtaken):
            keep_claims(site, kept(site), {ANNA}, renewed=renewed)
    assert set(kept(site)) == set()


@pytest.mark.parametrize(("also", "renews"), [({}, 1), ({"renewed": False}, 1), ({"renewed": True}, 0)])
def test_the_lease_is_renewed_with_the_claims_unless_it_just_was(
    made: Account, monkeypatch: pytest.MonkeyPatch, also: dict[str, bool], renews: int
) -> None:
    renewed: list[str] = []
    monkeypatch.setattr(made.ledger, "renew", renewed.append)
    here = made.services.site("demo")
    first = keep_claims(here, kept(here), {ANNA}, **also)
    assert renewed == [here.place.id] * renews
    keep_claims(here, first, {ANNA}, **also)
    assert len(renewed) == renews, "nothing is kept, so nothing is renewed"


def test_what_may_come_late_stays_late_for_as_long_as_a_write_may_take(made: Account, site: Site) -> None:
    """From the write on whose answer nobody saw, and no longer for being looked at again; a further one begins it anew."""
    began = made.aws.at
    first = keep_claims(site, kept(site), {ANNA, BEN}, late=frozenset({ANNA}))
    assert first.until is not None
    assert began + LATE <= first.until <= made.aws.at + LATE
    made.aws.at += timedelta(minutes=5)
    assert keep_claims(site, first, {ANNA, BEN}, late=frozenset({ANNA})) is first
    both = keep_claims(site, first, {ANNA, BEN}, late=frozenset({ANNA, BEN}))
    assert both.until is not None
    assert both.until >= first.until + timedelta(minutes=5)
    assert set(kept(site).late_at(both.until - timedelta(seconds=1))) == {ANNA, BEN}
    assert kept(site).late_at(both.until) == frozenset()
    over = keep_claims(site, both, {ANNA, BEN})
    assert (over.late, over.until, kept(site).late) == (frozenset(), None, frozenset())


def test_pauses_grow_and_never_pass_two_seconds(made: Account) -> None:
    slept: list[float] = []
    services = replace(made.services, sleep=slept.append)
    for attempt in range(30):
        wait_a_little(services, attempt)
    assert all(0 <= one <= min(0.05 * 2**attempt, 2.0) for attempt, one in enumerate(slept))
    assert len(set(slept)) > 20, "and no two writers wait for as long"


def test_the_longest_of_each_pause_is_twice_that_of_the_one_before(
    made: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)
    for attempt in range(8):
        wait_a_little(replace(made.services, sleep=slept.append), attempt)
    assert slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
