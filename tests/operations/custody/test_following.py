"""The steps of an unlock that put the mappings back and follow the groups, each by itself."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.custody.types import Act, Measure, State, Todo
from portcullis.errors import Overtaken, Shut, Unreachable
from portcullis.families.elasticsearch.documents.config import Kind as ElasticKind
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.operations.access.changing.applying import Done, Outcome
from portcullis.operations.custody import following
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Site, Trigger

from tests.operations.worlds import mapping
from tests.reactions.town import READERS, Town, town

CAUSE = Trigger("a test", "somebody")


def locked() -> tuple[Town, Site, Todo]:
    """With two members, and the step that puts the mappings back."""
    here = town()
    for name in ("anna", "ben"):
        here.join(name)
    here.sweep()
    assert here.mapped == ["anna", "ben"]
    here.aws.disabled = True
    custody = guard(here.services, "demo", CAUSE)
    assert custody.state is State.LOCKED
    assert here.mapped == []
    save_as = custody.measures[Measure.SAVE].save_as
    return here, here.services.site("demo"), Todo(Measure.SHUT_MAPPINGS, Act.UNDO, save_as=save_as)


def test_who_left_meanwhile_is_not_put_back_and_counted() -> None:
    here, site, todo = locked()
    here.leave("anna")
    assert following.put_back(site, todo, CAUSE) == "1 entry of people who left stay out"
    assert here.mapped == ["ben"]


def test_who_stayed_is_put_back_and_nothing_is_said() -> None:
    here, site, todo = locked()
    assert following.put_back(site, todo, CAUSE) == ""
    assert here.mapped == ["anna", "ben"]


def test_nothing_is_put_back_while_a_group_is_not_answered_for() -> None:
    here, site, todo = locked()
    here.account.people.unread[READERS] = Unreachable("throttled")
    before = here.writes
    with pytest.raises(Unreachable, match="throttled"):
        following.put_back(site, todo, CAUSE)
    assert (here.writes, here.mapped) == (before, [])


def test_whoever_lost_the_lease_puts_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    here, site, todo = locked()
    before = here.writes

    def lost(_: Site) -> None:
        raise Overtaken("somebody else is at work")

    monkeypatch.setattr(following, "still_ours", lost)
    with pytest.raises(Overtaken):
        following.put_back(site, todo, CAUSE)
    assert (here.writes, here.mapped) == (before, [])


@pytest.mark.parametrize("leaves", [True, False])
def test_only_who_leaves_is_an_undertaking_of_its_own(monkeypatch: pytest.MonkeyPatch, leaves: bool) -> None:
    here, site, todo = locked()
    begun, settled = list[Any](), list[dict[str, Any]]()
    begin, settle = following.begin, following.settle
    monkeypatch.setattr(following, "begin", lambda *asked: (begun.append(asked[1]), begin(*asked))[1])

    def settling(*asked: Any, **more: Any) -> Any:
        settled.append(more)
        return settle(*asked, **more)

    monkeypatch.setattr(following, "settle", settling)
    if leaves:
        here.leave("anna")
    following.put_back(site, todo, CAUSE)
    assert len(begun) == (1 if leaves else 0)
    assert settled[0] == {}
    assert [one["ours"] for one in settled[1:]] == begun
    assert all(one["writes"] > 0 for one in settled[1:])


@pytest.mark.parametrize("leaves", [True, False])
def test_what_a_window_of_break_glass_gives_does_not_outlive_a_lock(leaves: bool) -> None:
    """Though a window ended halfway, or somebody wrote that mapping by hand."""
    here, site, todo = locked()
    (role, *_) = site.family.baseline().writes
    value = mapping(users=["eve"])
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}", "value": value}])
    if leaves:
        here.leave("anna")
    following.put_back(site, todo, CAUSE)
    assert role not in here.account.engine.held.of(Kind.MAPPINGS)


# ---------------------------------------------------------------------- following


def opened_so_far() -> tuple[Town, Site]:
    here = town()
    here.join("anna")
    here.sweep()
    return here, here.services.site("demo")


def test_what_following_did_is_counted() -> None:
    here, site = opened_so_far()
    here.join("ben")
    assert following.follow(site, CAUSE) == "1 change"
    assert following.follow(site, CAUSE) == "0 changes"


def test_a_deployment_that_was_locked_again_is_followed_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    _, site = opened_so_far()
    monkeypatch.setattr(following, "synchronise", lambda *_: Outcome("demo", Done.WAITING))
    with pytest.raises(Unreachable, match="demo was locked again meanwhile"):
        following.follow(site, CAUSE)


def test_that_it_was_shut_meanwhile_is_no_refusal_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    _, site = opened_so_far()

    def shut(*_: Any) -> Outcome:
        raise Shut("demo is locked")

    monkeypatch.setattr(following, "synchronise", shut)
    with pytest.raises(Shut):
        following.follow(site, CAUSE)


def test_who_just_left_is_taken_out_at_once_and_nobody_else_has_it_done(monkeypatch: pytest.MonkeyPatch) -> None:
    here, site = opened_so_far()
    followed, follow = list[str](), following.follow
    monkeypatch.setattr(following, "follow", lambda *asked: (followed.append("followed"), follow(*asked))[1])
    following.take_out_who_just_left(site, CAUSE)
    assert followed == []
    here.leave("anna")
    following.take_out_who_just_left(site, CAUSE)
    assert (followed, here.mapped) == (["followed"], [])


def test_a_wall_comes_off_after_a_look_and_after_following_where_somebody_left() -> None:
    here, site = opened_so_far()
    with following.opening(site, CAUSE):
        assert here.mapped == ["anna"]
    here.leave("anna")
    with following.opening(site, CAUSE):
        assert here.mapped == []


# ---------------------------------------------------------------------- who is still in


def steps(count: int, kind: str = Kind.MAPPINGS) -> list[Step]:
    lists = "users" if kind == Kind.MAPPINGS else ""
    claims = (Claim(kind, "viewers", lists, f"p{number}" if lists else "") for number in range(count))
    return [Step(Operation.REMOVE, claim, None, None, "left") for claim in claims]


@pytest.mark.parametrize(
    ("count", "end"), [(1, "p0 in viewers"), (10, "p9 in viewers"), (12, "p9 in viewers and 2 more")]
)
def test_ten_of_those_who_are_still_in_are_named(count: int, end: str) -> None:
    said = following._named(steps(count))
    assert said.endswith(end)
    assert said.startswith("p0 in viewers")
    assert said.count(" in viewers") == min(count, 10)


def test_of_a_document_that_names_people_as_a_whole_it_is_said_that_somebody_is_in() -> None:
    assert following._named(steps(1, Kind.ROLES)) == f"somebody in {Kind.ROLES}/viewers"


def test_only_what_takes_people_out_of_ours_counts_as_somebody_who_left() -> None:
    removed, added = (
        steps(1)[0],
        Step(Operation.ADD, Claim(Kind.MAPPINGS, "viewers", "users", "new"), None, None, "joined"),
    )
    document = Step(Operation.REPLACE, Claim(Kind.ROLES, "viewers"), None, {"cluster_permissions": []}, "changed")
    assert following._who_left(OPENSEARCH, Plan(steps=(added, removed, document))) == (removed,)


def test_what_is_taken_from_a_document_of_people_counts_too() -> None:
    rules = {"any": [{"field": {"username": "anna"}}, {"field": {"username": "ben"}}]}
    before = {"roles": ["viewers"], "enabled": True, "rules": rules}
    after = {**before, "rules": {"any": rules["any"][:1]}}
    claim = Claim(ElasticKind.MAPPINGS, "portcullis_demo")
    taken = Step(Operation.REPLACE, claim, before, after, "left")
    joined = Step(Operation.REPLACE, claim, after, before, "joined")
    (found,) = following._who_left(ELASTICSEARCH, Plan(steps=(taken,)))
    assert found.claim == claim
    assert following._who_left(ELASTICSEARCH, Plan(steps=(joined,))) == ()
