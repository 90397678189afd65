"""Given somebody who lost a role, then what the engine gave them ends, and what stays is told: each as a fact of its own, and once."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from portcullis.errors import Unreachable
from portcullis.model.option_types import Options
from portcullis.operations.services import Site
from portcullis.operations.writing.outliving import end_what_outlives, still_held
from portcullis.ports.alerts import Alert

from tests.operations.worlds import ELASTICSEARCH_9, OPENSEARCH_3, Account, Aws, account

KEYS, KEEPS = Options(end_api_keys=True), Options()


class Given:
    """What the engine gave to people. It may be silent."""

    def __init__(self, **keys: tuple[str, ...]) -> None:
        self.keys, self.silent = keys, False
        self.asked: list[tuple[tuple[str, ...], bool]] = []

    def end(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        if self.silent:
            raise Unreachable("no answer")
        self.asked.append((tuple(users), keys))
        return () if keys else tuple(key for user in users for key in self.keys.get(user, ()))


def at(made: Account, given: Given) -> Site:
    made.engine.end_tokens_of = given.end  # type: ignore[method-assign]
    made.registered()
    return made.services.site("demo")


def a_cluster(given: Given) -> tuple[Account, Site]:
    made = account(make=ELASTICSEARCH_9)
    return made, at(made, given)


def told(made: Account) -> list[str]:
    return [alert.name for alert in made.aws.told]


def mute(self: Aws, alert: Alert) -> None:
    raise Unreachable("the alert was not sent: AuthorizationError")


@pytest.mark.parametrize(
    ("options", "keys", "names"), [(KEYS, ("k",), []), (KEEPS, ("k",), ["keys-left"]), (KEEPS, (), []), (KEYS, (), [])]
)
def test_tokens_end_once_and_keys_as_the_file_says(options: Options, keys: tuple[str, ...], names: list[str]) -> None:
    given = Given(anna=keys)
    made, site = a_cluster(given)
    end_what_outlives(site, options, ["anna"])
    end_what_outlives(site, options, [])
    assert (given.asked, told(made)) == ([(("anna",), options.end_api_keys)], names)
    assert still_held(site) == ()
    assert made.ledger.saved("demo", "keys-to-name") is None


def test_on_a_domain_there_is_nothing_that_it_gave() -> None:
    given = Given()
    made = account(make=OPENSEARCH_3)
    site = at(made, given)
    end_what_outlives(site, KEEPS, ["anna"])
    assert (given.asked, still_held(site), told(made)) == ([], (), [])


def test_what_could_not_end_waits_with_who_comes_later_and_is_told_once() -> None:
    given = Given(ben=("of ben",))
    made, site = a_cluster(given)
    given.silent = True
    end_what_outlives(site, KEEPS, ["anna"])
    end_what_outlives(site, KEEPS, [])
    assert (still_held(site), told(made)) == (("anna",), ["tokens-not-ended"])
    end_what_outlives(site, KEEPS, ["ben"])
    assert still_held(site) == ("anna", "ben")
    assert made.ledger.saved("demo", "to-end-on-the-engine") == ["anna", "ben"]
    given.silent = False
    end_what_outlives(site, KEEPS, [])
    assert (given.asked, still_held(site)) == ([(("anna", "ben"), False)], ())
    assert told(made) == ["tokens-not-ended", "keys-left"]
    given.silent = True
    end_what_outlives(site, KEEPS, ["anna"])
    assert told(made)[2:] == ["tokens-not-ended"], "it was over, so it is told again"


def test_each_leaving_names_its_keys_and_no_other() -> None:
    made, site = a_cluster(Given(anna=("of anna",), ben=("of ben",)))
    for who in ("anna", "carl", "ben", "anna"):
        end_what_outlives(site, KEEPS, [who])
    said = [alert.happened for alert in made.aws.told]
    assert [("of anna" in words, "of ben" in words) for words in said] == [(True, False), (False, True), (True, False)]


def test_keys_that_cannot_be_named_wait_and_hold_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, site = a_cluster(Given(anna=("of anna",), ben=("of ben",)))
    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        end_what_outlives(site, KEEPS, ["anna"])
        end_what_outlives(site, KEEPS, ["ben"])
    assert (still_held(site), told(made)) == ((), [])
    assert made.ledger.saved("demo", "keys-to-name") == ["of anna", "of ben"]
    end_what_outlives(site, KEEPS, [])
    end_what_outlives(site, KEEPS, [])
    (alert,) = made.aws.told
    assert "of anna, of ben" in alert.happened


@pytest.mark.parametrize(("many", "said"), [(23, "key-18, key-19 and 3 more"), (20, "key-18, key-19")])
def test_of_very_many_keys_twenty_are_named_and_the_rest_is_counted(many: int, said: str) -> None:
    made, site = a_cluster(Given(anna=tuple(f"key-{number:02}" for number in range(many))))
    end_what_outlives(site, KEEPS, ["anna"])
    (alert,) = made.aws.told
    assert alert.happened.endswith(said)


def test_whoever_waits_is_kept_and_asked_for_in_one_order() -> None:
    people = [f"somebody-{number}" for number in range(8)]
    given = Given()
    _, site = a_cluster(given)
    given.silent = True
    end_what_outlives(site, KEEPS, people[::-1])
    assert still_held(site) == tuple(people)
    given.silent = False
    end_what_outlives(site, KEEPS, [])
    assert given.asked == [(tuple(people), False)]
