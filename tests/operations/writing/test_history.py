"""What a change of access leaves in the history: what was done, once, with its cause; and who is signed out for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from portcullis.access.plan import AccessModel, AppliedStep, Claim, Operation, Step
from portcullis.errors import Unreachable
from portcullis.families.elasticsearch.documents import config as elastic
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.model.option_types import Options
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Site
from portcullis.operations.writing.undertaking import (
    PendingChange,
    begin,
    digest,
    effective,
    removed_people,
    settle,
    starting,
    text_in_ledger,
    touched,
    undertaken,
)
from portcullis.ports.ledger import Change
from portcullis.ports.registration import KeptModel

from tests.operations.custody.test_measures import CAUSE, locked, opened
from tests.operations.ledgers import Crash
from tests.operations.worlds import ELASTICSEARCH_9, Account, account, model_text
from tests.reactions.town import town

SIGN_OUT, KEEP = Options(end_sessions=True), Options()
OF_NO_MODEL = {"model_before": "", "model_after": ""}
NOBODY = SecurityConfig({Kind.MAPPINGS: {"viewers": {"users": []}}})


def entry(name: str, operation: Operation = Operation.REMOVE, entry_list: str = "users") -> AppliedStep:
    """Somebody who is taken out of the mapping of viewers, or put into it."""
    before, after = (name, None) if operation is Operation.REMOVE else (None, name)
    return AppliedStep(operation.value, Kind.MAPPINGS, "viewers", entry_list, name, before, after, "a reason")


def begun(*steps: AppliedStep, **more: Any) -> tuple[Account, Site]:
    """A change that is written down, and not yet in the history."""
    made = account()
    made.registered()
    site = made.services.site("demo")
    pending = starting(site.services, CAUSE, "apply")
    begin(site, PendingChange(pending.at, "apply", CAUSE.what, CAUSE.actor, **(OF_NO_MODEL | more), touched=steps))
    return made, site


def settled(site: Site, *, held: SecurityConfig = NOBODY, options: Options = KEEP, writes: int | None = 1) -> Change:
    """The entry of the history that it becomes, by the run that made the change, or by a later one (`writes` None)."""
    settle(site, held, options, ours=undertaken(site) if writes is not None else None, writes=writes)
    assert undertaken(site) is None
    return next(iter(site.ledger.history("demo", 1)))


# ---------------------------------------------------------------------- what is noted


@pytest.mark.parametrize(
    ("operation", "entry_list", "places"),
    [(Operation.REMOVE, "users", (0, 2)), (Operation.ADD, "users", ()), (Operation.REMOVE, "", ())],
)
def test_of_an_entry_that_is_taken_out_its_places_are_noted(
    operation: Operation, entry_list: str, places: tuple[int, ...]
) -> None:
    held = SecurityConfig({Kind.MAPPINGS: {"viewers": {"users": ["anna", "ben", "anna"]}}})
    claim = Claim(Kind.MAPPINGS, "viewers", entry_list, "anna" if entry_list else "")
    noted = touched(Step(operation, claim, "before", "after", "a reason"), held)
    assert noted == AppliedStep(
        operation.value, claim.kind, "viewers", claim.entry_list, claim.entry, "before", "after", "a reason", places
    )


def test_only_what_is_seen_to_be_done_was_done() -> None:
    held = SecurityConfig({Kind.MAPPINGS: {"viewers": {"users": ["anna"]}}})
    joined, left = entry("anna", Operation.ADD), entry("ben")
    assert effective(OPENSEARCH, (joined, entry("anna"), entry("ben", Operation.ADD), left), held) == [joined, left]


def test_a_change_that_leaves_the_model_says_nothing_of_it() -> None:
    services = account().services
    for more in ({}, {"before": "one", "after": "one"}):
        same = starting(services, CAUSE, "apply", **more)
        assert (same.model_before, same.model_after) == ("", "")
    assert text_in_ledger(services, "demo") == "", "nor does one of which there is none"
    other = starting(services, CAUSE, "apply", before="one", after="another")
    assert (other.model_before, other.model_after) == ("one", digest("another"))
    assert (other.operation, other.cause, other.actor) == ("apply", CAUSE.what, CAUSE.actor)


# ---------------------------------------------------------------------- what stands in the history


def test_what_was_done_and_what_was_not_stands_there_with_its_cause() -> None:
    made, site = begun(entry("anna"), entry("ben", Operation.ADD), released=(Claim(Kind.ROLES, "let go"),))
    began = undertaken(site)
    change = settled(site)
    assert change.summary == "1 change in 1 write; 1 more were begun and not done"
    assert (change.operation, change.cause, change.actor) == ("apply", CAUSE.what, CAUSE.actor)
    assert change.after == ["remove rolesmapping/viewers/users: anna because a reason"]
    assert (change.touched, change.released, change.claimed) == ((entry("anna"),), (Claim(Kind.ROLES, "let go"),), ())
    assert began is not None
    assert (change.at, change.deployment) == (began.at, "demo")
    assert made.ledger.saved("demo", "in-doubt") is None, "its writer saw how it ended"


def test_what_a_writer_left_is_called_interrupted_and_is_in_doubt() -> None:
    made, site = begun(entry("anna"), claimed=(Claim(Kind.ROLES, "ours"), Claim(Kind.ROLES, "too")))
    change = settled(site, writes=None)
    assert (change.operation, change.summary) == ("apply, interrupted", "1 change, 2 taken over")
    assert made.ledger.saved("demo", "in-doubt") is not None


@pytest.mark.parametrize(
    "more", [{"claimed": (Claim(Kind.ROLES, "one"),)}, {"released": (Claim(Kind.ROLES, "one"),)}], ids=str
)
def test_a_change_of_whose_something_is_stands_there_too(more: dict[str, Any]) -> None:
    _, site = begun(**more)
    assert settled(site).of_access


def test_what_took_no_effect_leaves_nothing_there() -> None:
    _, site = begun(entry("ben", Operation.ADD), model_before="old", model_after=digest("new"))
    settle(site, NOBODY, KEEP)
    assert (undertaken(site), list(site.ledger.history("demo"))) == (None, [])


@pytest.mark.parametrize("kept", ["the new one", "another one"])
def test_a_new_model_is_named_once_it_is_in_force(kept: str) -> None:
    text = model_text("  roles: {}\n")
    coming = text if kept == "the new one" else "another"
    made, site = begun(entry("anna"), model_before="old", model_after=digest(coming))
    made.ledger.keep_model("demo", KeptModel(text, AccessModel()))
    change = settled(site)
    new = ("old", digest(text)) if kept == "the new one" else ("", "")
    assert (change.model_before, change.model_after) == new
    assert (", a new model" in change.summary) is (kept == "the new one")


def test_a_new_model_that_asks_for_what_is_there_stands_there_too() -> None:
    made, site = begun(model_before="old", model_after=digest("new"))
    made.ledger.keep_model("demo", KeptModel("new", AccessModel()))
    assert settled(site).summary == "0 changes in 1 write, a new model"


def test_of_a_large_change_two_hundred_lines_are_said_and_all_of_it_is_kept() -> None:
    people = [entry(f"somebody-{number}") for number in range(203)]
    change = settled(begun(*people)[1])
    assert (len(change.after), change.after[-1], change.touched) == (201, "and 3 more", tuple(people))
    assert change.summary == "203 changes in 1 write"
    assert len(settled(begun(*people[:200])[1]).after) == 200


# ---------------------------------------------------------------------- who is signed out


def test_whoever_was_taken_out_by_name_is_signed_out_where_the_file_asks() -> None:
    steps = (entry("ben"), entry("anna"), entry("a-role", entry_list="backend_roles"), entry("carl", Operation.ADD))
    assert removed_people(steps) == {"anna", "ben"}
    for options, signed_out in ((SIGN_OUT, ["anna", "ben"]), (KEEP, [])):
        made, site = begun(*steps)
        settled(site, options=options)
        assert made.people.signed_out == signed_out
        settle(site, NOBODY, options)
        assert made.people.signed_out == signed_out, "and once"


def test_a_list_of_whom_to_sign_out_that_stays_as_it_is_is_not_written_at_each_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, site = begun(entry("ben"))
    made.people.fails = 3
    settled(site, options=SIGN_OUT)
    written: list[str] = []
    monkeypatch.setattr(made.ledger, "save", lambda _, name, __: written.append(name))
    for _ in range(2):
        settle(site, NOBODY, SIGN_OUT)
    assert written == []
    assert made.ledger.saved("demo", "to-sign-out")


def test_a_sign_out_that_fails_waits_with_whoever_leaves_later() -> None:
    people = sorted(f"somebody-{number}" for number in range(8))
    made, site = begun(*map(entry, people[::2]))
    assert made.ledger.saved("demo", "undertaken")["actor"] == CAUSE.actor  # type: ignore[index]
    made.people.fails = 2
    settled(site, options=SIGN_OUT)
    begin(site, PendingChange(site.now(), "apply", "another", "", **OF_NO_MODEL, touched=(*map(entry, people[1::2]),)))
    settled(site, options=SIGN_OUT)
    assert (made.people.signed_out, made.ledger.saved("demo", "to-sign-out")) == ([], people)
    settle(site, NOBODY, SIGN_OUT)
    assert (made.people.signed_out, made.ledger.saved("demo", "to-sign-out")) == (people, None)


def test_where_nobody_left_nobody_is_signed_out() -> None:
    made, site = begun(entry("carl", Operation.ADD))
    made.people.fails = 1
    settle(site, NOBODY, SIGN_OUT)
    settle(site, NOBODY, SIGN_OUT)
    assert made.people.fails == 1, "the pool was not asked"


def test_on_a_cluster_tokens_end_of_whoever_is_named_no_more_by_entry_or_by_rules() -> None:
    """What could not end waits for the next look, whether or not that finds anything."""

    def rules(*names: str) -> dict[str, Any]:
        return {"roles": ["viewers"], "rules": {"any": [{"field": {"username": name}} for name in names]}}

    of_realm, of_engine = elastic.Kind.MAPPINGS, ELASTICSEARCH_9.family.mappings
    replaced = AppliedStep("replace", of_realm, "people", before=rules("anna", "ben"), after=rules("ben", "carl"))
    left = AppliedStep("remove", of_engine, "viewers", "users", "dora", "dora", None)
    made = account(make=ELASTICSEARCH_9)
    made.registered()
    site = made.services.site("demo")
    asked: list[list[str]] = []

    def end(users: list[str], *, keys: bool) -> tuple[str, ...]:
        asked.append(users)
        if len(asked) == 1:
            raise Unreachable("no answer")
        return ()

    made.engine.end_tokens_of = end  # type: ignore[method-assign,assignment]
    begin(site, PendingChange(site.now(), "apply", "a test", "", **OF_NO_MODEL, touched=(replaced, left)))
    settle(site, elastic.SecurityConfig({of_realm: {"people": rules("ben", "carl")}}), KEEP)
    settle(site, elastic.SecurityConfig(), KEEP)
    assert asked == [["anna", "dora"], ["anna", "dora"]]


# ---------------------------------------------------------------------- once


@pytest.mark.parametrize("locks", [0, 1, 3])
def test_a_change_stands_in_the_history_once(locks: int) -> None:
    here = town()
    ledger, fate = here.account.ledger, here.account.ledger.fate

    @contextmanager
    def cut_off_after_it(what: str) -> Iterator[None]:
        yield
        if what == "history":
            raise Crash

    here.join("anna")
    ledger.fate = cut_off_after_it  # type: ignore[assignment]
    with pytest.raises(Crash):
        synchronise(here.services, "demo", CAUSE)
    ledger.fate = fate
    ledger._leases.clear()
    for _ in range(locks):
        here.pass_time(120)
        locked(here)
        opened(here)
    synchronise(here.services, "demo", CAUSE)
    assert here.mapped == ["anna"]
    changes = [one for one in ledger.history("demo", 100) if "anna" in str(one.after)]
    assert [one.operation for one in changes] == ["apply"]
