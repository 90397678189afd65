"""The steps of an unlock that put the mappings back and follow the groups, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from portcullis.access.actual import Write
from portcullis.access.plan import Claim, Operation, Plan, Step
from portcullis.custody.types import Act, Measure, State, Todo
from portcullis.errors import Overtaken, Refused, Shut, Unreachable
from portcullis.families.elasticsearch.documents.config import Kind as ElasticKind
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
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


# ---------------------------------------------------------------------- what keeps a wall up


def count_of_leases(monkeypatch: pytest.MonkeyPatch) -> list[Site]:
    asked, still_ours = list[Site](), following.still_ours
    monkeypatch.setattr(following, "still_ours", lambda site: (asked.append(site), still_ours(site))[1])
    return asked


@pytest.mark.parametrize("leaves", [True, False])
def test_a_wall_comes_off_only_while_the_lease_is_ours(monkeypatch: pytest.MonkeyPatch, leaves: bool) -> None:
    here, site = opened_so_far()
    if leaves:
        here.leave("anna")
    asked, done = count_of_leases(monkeypatch), list[str]()
    with following.opening(site, CAUSE):
        done.append("the wall is off")
    assert (len(asked), done) == (1, ["the wall is off"])


def test_a_wall_stands_while_somebody_who_left_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    here, site = opened_so_far()
    here.leave("anna")
    monkeypatch.setattr(following, "follow", lambda *_: "")
    said = "left just now, and still mapped: .*/anna in viewers"
    with pytest.raises(Unreachable, match=said), following.opening(site, CAUSE):
        raise AssertionError("the wall came off")


@pytest.mark.parametrize("leaves", [True, False])
def test_a_change_that_is_refused_keeps_a_wall_up_only_for_who_left(
    monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    here, site = opened_so_far()
    if leaves:
        here.leave("anna")

    def refused(*_: Any) -> Outcome:
        raise Refused("an action group is named like a role")

    monkeypatch.setattr(following, "synchronise", refused)
    if leaves:
        with pytest.raises(Refused, match=r"left, and still mapped: .*/anna in viewers; refused, and nobody"):
            following.follow(site, CAUSE)
    else:
        said = "refused, and nobody is in who left: an action group is named like a role"
        assert following.follow(site, CAUSE) == said


def test_passwords_are_followed_before_anything_opens_and_hold_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    _, site = opened_so_far()
    asked = list[dict[str, Any]]()

    def silent(*_: Any, **more: Any) -> None:
        asked.append(more)
        raise Unreachable("Secrets Manager does not answer")

    monkeypatch.setattr(following, "follow_secrets", silent)
    assert following.follow(site, CAUSE) == "0 changes"
    assert asked == [{"unlocking": True}]

    def shut(*_: Any, **__: Any) -> None:
        raise Shut("demo is locked")

    monkeypatch.setattr(following, "follow_secrets", shut)
    with pytest.raises(Shut):
        following.follow(site, CAUSE)


@pytest.mark.parametrize(
    ("what", "holders", "said"),
    [
        (
            "still_to_be_ended",
            ["readers", "writers"],
            "what people hold who left readers, writers could not be ended yet",
        ),
        ("still_held", [f"p{number}" for number in range(12)], "the engine gave to p0, .*, p9 could not be ended yet"),
    ],
)
def test_what_leavers_hold_keeps_a_wall_up(
    monkeypatch: pytest.MonkeyPatch, what: str, holders: list[str], said: str
) -> None:
    _, site = opened_so_far()
    monkeypatch.setattr(following, what, lambda _: holders)
    with pytest.raises(Unreachable, match=said):
        following.follow(site, CAUSE)


def test_a_save_that_is_gone_opens_nothing_until_somebody_did_by_hand() -> None:
    here, site, todo = locked()
    here.account.ledger.forget("demo", todo.save_as)
    with pytest.raises(Refused, match="map by hand whom the model does not ask for: whom it asks for follows"):
        following.put_back(site, todo, CAUSE)
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "replace", "path": "/viewers", "value": mapping(users=["ben"])}])
    assert "as somebody has made it by hand" in following.put_back(site, todo, CAUSE)


# ---------------------------------------------------------------------- one write after another


class Taking:
    """An engine that answers each write with what comes next."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.taken = list(answers), list[Write]()

    def write(self, write: Write) -> None:
        self.taken.append(write)
        if error := self.answers[len(self.taken) - 1]:
            raise error


def send(engine: Taking, **how: bool) -> None:
    writes = [Write(Kind.MAPPINGS, []) for _ in engine.answers]
    following.send_each(OPENSEARCH, engine, writes, SecurityConfig({}), **how)  # type: ignore[arg-type]


def test_a_lock_sends_what_comes_after_a_refused_write_and_tells_the_first() -> None:
    engine = Taking(Refused("one"), Refused("two"), None)
    with pytest.raises(Refused, match="one"):
        send(engine, whatever_is_refused=True)
    assert len(engine.taken) == 3


def test_an_unlock_stops_at_a_refused_write() -> None:
    engine = Taking(Refused("one"), None)
    with pytest.raises(Refused, match="one"):
        send(engine)
    assert len(engine.taken) == 1


@pytest.mark.parametrize(
    ("culprits", "answers", "taken", "fails"),
    [
        ("", [Unreachable("silent"), None], 1, "silent"),
        ("; an entry is no expression", [Unreachable("silent"), None], 2, ""),
        ("; an entry is no expression", [None, Unreachable("silent")], 2, "silent; an entry is no expression"),
    ],
)
def test_where_nodes_cannot_load_what_is_held_the_last_answer_counts(
    monkeypatch: pytest.MonkeyPatch, culprits: str, answers: list[Exception | None], taken: int, fails: str
) -> None:
    monkeypatch.setattr(following, "culprits", lambda *_: culprits)
    engine = Taking(*answers)
    if fails:
        with pytest.raises(Unreachable, match=fails):
            send(engine)
    else:
        send(engine)
    assert len(engine.taken) == taken


# ---------------------------------------------------------------------- looking who is in


def test_nobody_knows_who_is_in_while_a_group_is_silent() -> None:
    here, site = opened_so_far()
    here.account.people.unread[READERS] = Unreachable("throttled")
    with pytest.raises(Unreachable, match="throttled"):
        following._still_in(site)


@pytest.mark.parametrize("silent", [True, False])
def test_the_groups_are_read_again_after_the_engine(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    """Whoever leaves while it is read is in, too; and where a group is silent by then, nobody knows."""
    here, site = opened_so_far()
    here.join("ben")
    here.sweep()
    here.leave("anna")
    engine, read = here.account.engine, here.account.engine.read

    def meanwhile(kinds: Any = None) -> SecurityConfig:
        if silent:
            here.account.people.unread[READERS] = Unreachable("throttled")
        else:
            here.leave("ben")
        return read(kinds)

    monkeypatch.setattr(engine, "read", meanwhile)
    if silent:
        with pytest.raises(Unreachable, match="throttled"):
            following._still_in(site)
    else:
        assert [step.claim.entry.rpartition("/")[2] for step in following._still_in(site)] == ["anna", "ben"]


def test_whoever_looks_alone_waits_ten_seconds_for_another_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    here, site = opened_so_far()
    asked = list[tuple[Any, ...]]()

    @contextmanager
    def lease(place: str, holder: str, *, wait: float = 0.0) -> Iterator[bool]:
        asked.append((place, holder, wait))
        yield False

    monkeypatch.setattr(here.account.ledger, "lease", lease)
    said = "another writer is at work on demo: it opens once that one has ended"
    with pytest.raises(Unreachable, match=said), following.opening(site, CAUSE):
        raise AssertionError("the wall came off")
    assert asked == [(site.place.id, "unlock", 10.0)]
