"""One path for every index but an engine's own: whatever an alias is called, and however many indices it leads to."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from portcullis.families.all_but_own import all_but, is_own
from portcullis.families.elasticsearch.known.own_indices import own_indices
from portcullis.families.elasticsearch.known.release import Release

OWN = (".own", ".own-made-*")


@pytest.mark.parametrize(
    ("named_like_own", "path"),
    [
        ((), "*,-.own,-.own-made-*"),
        ((".own", ".own-made-1"), "*,-.own,-.own-made-*"),
        (("orders-1", "orders-2"), "*,-.own,-.own-made-*,o*"),
        ((".kibana_1",), "*,-.own,-.own-made-*,.k*"),
        ((".owned",), "*,-.own,-.own-made-*,.owned"),
        ((".orders",), "*,-.own,-.own-made-*,.or*"),
        (("%2a",), "*,-.own,-.own-made-*,%25*"),
    ],
)
def test_what_is_named_like_the_engines_own_and_is_not_is_asked_for_again(
    named_like_own: tuple[str, ...], path: str
) -> None:
    assert all_but(OWN, named_like_own) == (path,)


def test_what_the_engine_keeps_from_nobody_is_asked_for_whatever_it_is_called() -> None:
    assert all_but(OWN, (".own", ".own-made-1", ".own-made-2"), {".own-made-1"}) == (
        "*,-.own,-.own-made-*,.own-made-1",
    )
    crowd = [f"{chr(0x4E00 + n)}-orders" for n in range(500)]
    assert all_but(OWN, (*crowd, ".own", ".own-made-1"), {".own-made-1"}) == ("*,-.own",)


def test_where_it_begins_in_too_many_ways_the_engines_own_are_named_one_by_one() -> None:
    crowd = [f"{chr(0x4E00 + n)}-orders" for n in range(500)]
    assert all_but(OWN, (*crowd, ".own", ".own-made-1")) == ("*,-.own,-.own-made-1",)


def test_where_both_are_too_many_for_one_path_all_is_several() -> None:
    crowd = [f"{chr(0x4E00 + n)}-orders" for n in range(500)]
    first, *more = all_but(OWN, (*crowd, *(f".own-made-{n:03}" for n in range(300))))
    assert first == "*,-.own,-.own-made-*"
    assert sorted(name for path in more for name in path.split(",")) == sorted(quote(one[0]) + "*" for one in crowd)
    assert max(map(len, more)) < 3000


@pytest.mark.parametrize(
    ("release", "name", "own"),
    [
        *((9, one, True) for one in (".security", ".security-7", ".security-7-reindexed-for-8", ".security-tokens-7")),
        *((9, one, True) for one in (".security-6", ".security-profile-8", ".security-profile-9", ".security-tokens")),
        *((9, one, False) for one in (".security_audit_log-2026", ".security-mine", ".security2", ".securityx")),
        *((6, one, True) for one in (".security", ".security-6", ".security-7")),
        # The oldest release lets people make these, and read them.
        *((6, one, False) for one in (".security-6x", ".security-7-mine", ".security-8", ".security-tokens-7")),
    ],
)
def test_of_elasticsearch_only_what_the_engine_keeps_is_its_own(release: int, name: str, own: bool) -> None:
    assert is_own(own_indices(Release(release, 8)), name) is own
