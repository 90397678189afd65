"""Given a locked Elasticsearch, when a native user is deleted and made again, then who has the name now is not let in by the unlock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis.access.actual import Write
from portcullis.custody.types import Measure, State
from portcullis.errors import Unreachable
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.operations.custody.guard import guard

from local.elastic.node import Elasticsearch
from tests.operations.clusters import with_users
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, as_, deployed, search
from tests.operations.custody.test_roads_on_elastic import locked, opened
from tests.operations.worlds import Account

pytestmark = pytest.mark.node
here = custody.here

ANOTHER = "correct-horse-4712"


def made_again(node: Elasticsearch, name: str, role: str) -> None:
    """Somebody else, with the same roles."""
    assert node.ask("DELETE", f"/_security/user/{name}")[0] == 200
    user = {"password": ANOTHER, "roles": [role]}
    assert node.ask("PUT", f"/_security/user/{name}", user)[0] == 200


class CutOff:
    """An engine whose answer to the first write of users is lost; or, `afterwards`, to what follows the last write of an unlock."""

    def __init__(self, engine: Any, *, afterwards: bool = False) -> None:
        self._engine, self._lost, self._afterwards = engine, False, afterwards

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def write(self, write: Write) -> bool:
        done: bool = self._engine.write(write)
        if write.kind == Kind.USERS and not self._afterwards:
            self._lose()
        return done

    def end_since(self, *known: Any, **how: Any) -> tuple[str, ...]:
        ended: tuple[str, ...] = self._engine.end_since(*known, **how)
        if self._afterwards:
            self._lose()
        return ended

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            raise Unreachable("the answer is lost")


def with_engine(made: Account, *, afterwards: bool = False) -> Account:
    cut_off = CutOff(made.services.engine(made.ledger.registration("demo")), afterwards=afterwards)
    return replace(made, services=replace(made.services, engine=lambda _: cut_off))


@pytest.mark.parametrize("afterwards", [False, True], ids=["at a write", "after the last write"])
def test_an_unlock_that_is_broken_off_takes_its_own_writes_for_nobody_s(
    here: tuple[Account, Key], elastic: Elasticsearch, afterwards: bool
) -> None:
    """Whose password was changed in the lock is in all the same, and named; nobody else is."""
    made, key = here
    deployed(made, elastic)
    with_users(elastic, "carl", "chris", roles=["superuser"])
    locked(made, key)
    assert elastic.ask("PUT", "/_security/user/carl/_password", {"password": ANOTHER})[0] == 200
    made = with_engine(made, afterwards=afterwards)
    key.gone = False
    assert guard(made.services, "demo", CAUSE).state is State.UNLOCKING
    made.aws.at += timedelta(minutes=5)
    said = opened(made, key).measures[Measure.SHUT_MAPPINGS].detail
    assert [search(elastic, **as_("carl", ANOTHER)), search(elastic, **as_("chris"))] == [200, 200]
    assert [one for one in ("carl", "chris", "anna") if f"user {one}" in said] == ["carl"]
    assert "user carl was changed by somebody while locked" in said
    for name in ("carl", "chris"):
        elastic.ask("DELETE", f"/_security/user/{name}")


def test_a_lock_that_is_broken_off_takes_its_own_writes_for_nobody_s(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    made, key = here
    deployed(made, elastic)
    with_users(elastic, "carl", "chris", roles=["superuser"])
    made = with_engine(made)
    key.gone = True
    assert guard(made.services, "demo", CAUSE).state is State.LOCKING
    made.aws.at += timedelta(minutes=5)
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    assert elastic.ask("PUT", "/_security/user/carl/_password", {"password": ANOTHER})[0] == 200
    said = opened(made, key).measures[Measure.SHUT_MAPPINGS].detail
    assert [search(elastic, **as_("carl", ANOTHER)), search(elastic, **as_("chris"))] == [200, 200]
    assert [one for one in ("carl", "chris", "anna") if f"user {one}" in said] == ["carl"]
    for name in ("carl", "chris"):
        elastic.ask("DELETE", f"/_security/user/{name}")


@pytest.mark.parametrize("looked", [True, False], ids=["a look between", "no look between"])
def test_a_native_user_who_is_made_again_in_a_lock_is_out_when_it_opens(
    here: tuple[Account, Key], elastic: Elasticsearch, looked: bool
) -> None:
    """Whether a lock had emptied their role or disabled them. Who changed their password once, and who was let alone, is in."""
    made, key = here
    deployed(made, elastic)
    with_users(elastic, "rita", "rolf", roles=["viewers"])
    with_users(elastic, "carl", "chris", roles=["superuser"])
    everybody = ("anna", "ben", "rita", "rolf", "carl", "chris")
    assert [search(elastic, **as_(name)) for name in everybody] == [200] * 6
    locked(made, key)
    made_again(elastic, "rita", "viewers")
    made_again(elastic, "carl", "superuser")
    body = {"password": ANOTHER}
    assert elastic.ask("POST", "/_security/user/_password", body, **as_("ben"))[0] == 200
    if looked:
        assert guard(made.services, "demo", CAUSE).state is State.LOCKED
        assert search(elastic, **as_("carl", ANOTHER)) == 401
    said = opened(made, key).measures[Measure.SHUT_MAPPINGS].detail
    assert [search(elastic, **as_(name)) for name in ("anna", "rolf", "chris")] == [200] * 3
    assert search(elastic, **as_("ben", ANOTHER)) == 200
    assert [search(elastic, **as_(name, ANOTHER)) for name in ("rita", "carl")] == [401, 401]
    for name in ("rita", "carl"):
        assert f"user {name} was deleted and made again while locked" in said
    assert "user ben was changed by somebody while locked" in said
    assert not [name for name in ("anna", "rolf", "chris") if f"user {name}" in said]
    for name in ("rita", "carl"):
        assert elastic.ask("PUT", f"/_security/user/{name}/_enable")[0] == 200
        assert search(elastic, **as_(name, ANOTHER)) == 200
    for name in everybody[2:]:
        elastic.ask("DELETE", f"/_security/user/{name}")
