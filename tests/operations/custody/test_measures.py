"""Each measure of a lock, taken, undone, and seen when somebody else undoes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.actual import EngineSettings, Write
from portcullis.custody import people
from portcullis.custody.machine import Rules
from portcullis.custody.types import BY_FILE, SAVE_OF, WALLS, Act, Measure, Progress, State
from portcullis.errors import Refused, Unreachable
from portcullis.families.base import READ, WRITE
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.shutting.shut import shut
from portcullis.operations.access.changing.foundation import keepers
from portcullis.operations.custody.following import send_each
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.ports.engine import Stop
from portcullis.ports.registration import EngineUser, IamRole, Registration, SnapshotStore

from tests.operations.custody.test_further_ways import OFFICE, PARTNER
from tests.operations.ledgers import Crash
from tests.operations.worlds import METADATA, mapping, role
from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")


@pytest.fixture
def here() -> Town:
    return town()


def locked(here: Town) -> Town:
    here.aws.disabled = True
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    return here


def opened(here: Town) -> Town:
    here.aws.disabled = False
    assert guard(here.services, "demo", CAUSE).state is State.OPEN
    return here


def test_an_unlock_puts_back_ingress_policy_and_blocks_as_they_were(here: Town) -> None:
    engine, aws = here.account.engine, here.aws
    engine.index_blocks = {"orders": {}, "frozen": {"index.blocks.write": "true"}}
    registration = here.account.ledger.registration("demo")
    before = (aws.ingress(registration), aws.policy(registration), engine.blocks())
    assert before[0]
    locked(here)
    assert aws.ingress(registration) == []
    assert aws.policy(registration) != before[1]
    assert all(set(had.values()) == {"true"} and len(had) >= 2 for had in engine.blocks().values())
    opened(here)
    assert (aws.ingress(registration), aws.policy(registration), engine.blocks()) == before


def test_what_a_lock_put_aside_is_kept_for_as_long_as_it_is_locked(here: Town) -> None:
    ledger = locked(here).account.ledger
    names = {record.save_as for record in ledger.custody("demo").measures.values() if record.save_as}
    assert len(names) > 2
    assert all(ledger.saved("demo", name) is not None for name in names)
    opened(here)
    assert not [name for name in names if ledger.saved("demo", name) is not None]


@pytest.mark.parametrize("lifted", [READ, WRITE])
@pytest.mark.parametrize("to", [None, "false", "TRUE"])
def test_one_of_two_blocks_that_is_not_set_any_more_is_seen_and_set_again(
    here: Town, lifted: str, to: str | None
) -> None:
    """Anything else than `true` counts as lifted, on whichever index."""
    engine = here.account.engine
    engine.index_blocks = {"orders": {}, "users": {}}
    locked(here)
    engine.index_blocks["users"] = {
        name: had for name, had in {**engine.blocks()["users"], lifted: to}.items() if had is not None
    }
    guard(here.services, "demo", CAUSE)
    [told] = [alert for alert in here.aws.told if alert.name == "lock-opened"]
    assert "users" in told.happened
    assert "orders" not in told.happened
    assert engine.blocks()["users"] == engine.blocks()["orders"] == {READ: "true", WRITE: "true"}


def silent() -> EngineSettings:
    raise Unreachable("the engine did not answer")


@pytest.mark.parametrize(
    ("says", "emptied"),
    [
        (lambda: EngineSettings(leaves_out_forbidden=False, makes_tokens=True), True),
        (lambda: EngineSettings(leaves_out_forbidden=False, makes_tokens=False), False),
        (lambda: EngineSettings(leaves_out_forbidden=None, makes_tokens=None), False),
        (silent, False),
    ],
    ids=["it makes tokens", "it makes none", "it does not say", "it does not answer"],
)
def test_roles_are_emptied_where_the_engine_makes_tokens_on_behalf_of_people(
    here: Town, monkeypatch: pytest.MonkeyPatch, says: Callable[[], EngineSettings], emptied: bool
) -> None:
    """And nobody is kept from being shut out by an engine that does not say so."""
    engine = here.account.engine
    theirs = role("indices:data/read/search")
    engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/theirs", "value": theirs}])
    engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/theirs", "value": mapping(users=["anna"])}])
    engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/mapped-to-nobody", "value": theirs}])
    monkeypatch.setattr(engine, "settings", says)

    def permits() -> bool:
        permissions, others = (
            engine.held.of(Kind.ROLES)[name]["index_permissions"] for name in ("theirs", "mapped-to-nobody")
        )
        assert permissions == others
        assert permissions in ([], theirs["index_permissions"])
        return bool(permissions)

    locked(here)
    assert engine.held.of(Kind.MAPPINGS)["theirs"]["users"] == []
    assert permits() is not emptied
    opened(here)
    assert permits()


@pytest.mark.parametrize("writes", [False, True])
def test_a_window_lifts_our_blocks_and_none_that_an_index_had_before(here: Town, writes: bool) -> None:
    engine = here.account.engine
    engine.index_blocks = {"orders": {}, "sealed": {READ: "true", WRITE: "true"}}
    guard(here.services, "demo", CAUSE, change=lambda c: people.hold(c, "ann", "a leak", here.aws.at))
    at, rules = here.aws.at, Rules()
    guard(
        here.services,
        "demo",
        CAUSE,
        change=lambda c: people.open_break_glass(c, "ann", "order 4711", 5, at, rules, write=writes),
    )
    assert engine.blocks()["sealed"] == {READ: "true", WRITE: "true"}
    assert engine.blocks()["orders"].get(READ) is None
    assert (engine.blocks()["orders"].get(WRITE) is None) is writes
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    opened_by_somebody = [alert.happened for alert in here.aws.told if alert.name == "lock-opened"]
    assert opened_by_somebody == [], "what a window lifts is nobody else's doing"
    engine.index_blocks["orders"] = {}
    guard(here.services, "demo", CAUSE)
    assert (engine.blocks()["orders"].get(WRITE) is None) is writes
    opened_by_somebody = [alert.happened for alert in here.aws.told if alert.name == "lock-opened"]
    assert ["not blocked: orders" in one for one in opened_by_somebody] == ([] if writes else [True])


def test_what_hinders_our_blocks_is_put_back_with_what_an_index_had(here: Town) -> None:
    """Somebody forbade changes of its settings while it was locked."""
    engine = here.account.engine
    engine.index_blocks = {"orders": {}, "frozen": {WRITE: "true"}}
    locked(here)
    engine.index_blocks |= {"orders": {METADATA: "true"}, "frozen": {READ: "true", METADATA: "true"}}
    guard(here.services, "demo", CAUSE)
    assert [*engine.blocks().values()] == [{READ: "true", WRITE: "true"}] * 2
    opened(here)
    assert engine.blocks() == {"orders": {METADATA: "true"}, "frozen": {WRITE: "true", METADATA: "true"}}


def test_what_hindered_an_unlock_that_was_cut_off_is_put_back_by_the_next(here: Town) -> None:
    engine, fate = here.account.engine, here.account.engine.fate
    locked(here)
    engine.index_blocks["orders"] |= {METADATA: "true"}

    @contextmanager
    def cut_off(what: str) -> Iterator[None]:
        if what == "blocks":
            raise Unreachable("the engine did not answer")
        yield

    here.aws.disabled, engine.fate = False, cut_off  # type: ignore[assignment]
    assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    assert engine.blocks()["orders"] == {READ: "true", WRITE: "true"}
    engine.fate = fate
    here.pass_time(120)
    opened(here)
    assert engine.blocks()["orders"] == {METADATA: "true"}


def test_where_the_save_is_lost_nothing_that_hinders_is_taken_for_one(here: Town) -> None:
    engine, ledger = here.account.engine, here.account.ledger
    locked(here)
    name = ledger.custody("demo").measures[Measure.SAVE_BLOCKS].save_as
    ledger.forget("demo", name)
    engine.index_blocks["orders"] = {METADATA: "true"}
    guard(here.services, "demo", CAUSE)
    assert engine.blocks()["orders"] == {READ: "true", WRITE: "true"}
    assert ledger.saved("demo", name) is None


def test_blocks_that_a_person_has_to_take_off_are_named_the_first_ten_of_them(here: Town) -> None:
    engine, ledger = here.account.engine, here.account.ledger
    engine.index_blocks = {f"logs-{number:02}": {} for number in reversed(range(12))}
    locked(here)
    ledger.forget("demo", ledger.custody("demo").measures[Measure.SAVE_BLOCKS].save_as)
    engine.index_blocks["logs-00"] = {READ: "true"}  # of a person: ours are both
    here.aws.disabled = False
    guard(here.services, "demo", CAUSE)
    why = ledger.custody("demo").measures[Measure.BLOCK_INDICES].detail
    assert why.endswith("take them off by hand: " + ", ".join(f"logs-{number:02}" for number in range(1, 11)))


def test_indices_that_are_open_are_named_in_their_order_the_first_ten_of_them(here: Town) -> None:
    engine = here.account.engine
    engine.index_blocks = {f"logs-{number:02}": {} for number in reversed(range(12))}
    locked(here)
    for some in (11, 10):
        engine.index_blocks |= {f"logs-{number:02}": {} for number in range(some)}
        guard(here.services, "demo", CAUSE)
        told = [alert.happened for alert in here.aws.told if alert.name == "lock-opened"][-1]
        ten = "not blocked: " + ", ".join(f"logs-{number:02}" for number in range(10))
        assert (ten in told, f"{ten}, ..." in told, "logs-10" in told) == (True, some > 10, False)


TAKER = "arn:aws:iam::111122223333:role/taker"
CANARY = "arn:aws:iam::111122223333:role/canary"


@pytest.mark.parametrize(
    ("more", "let_through"),
    [
        ({}, ["portcullis-automation", "portcullis-demo-break-glass"]),
        ({"break_glass": None}, ["portcullis-automation"]),
        (
            {
                "canary": IamRole(CANARY),
                "snapshots": SnapshotStore("bucket", TAKER, "arn:aws:iam::111122223333:role/s"),
            },
            ["canary", "portcullis-automation", "portcullis-demo-break-glass", "taker"],
        ),
        (
            {"canary": EngineUser("canary", "a/secret"), "automation": EngineUser("ours", "a/secret")},
            ["portcullis-demo-break-glass"],
        ),
    ],
    ids=["by default", "without break-glass", "with a canary and snapshots", "users of the engine"],
)
def test_the_shut_policy_lets_through_whom_the_lock_needs_and_nobody_else(
    here: Town, more: dict[str, Any], let_through: list[str]
) -> None:
    """What they may do on the engine is up to its mappings."""
    registration = here.account.registered(**more)
    locked(here)
    [denied] = [one for one in here.aws.policy(registration)["Statement"] if one["Effect"] == "Deny"]
    [kept] = denied["Condition"].values()
    assert [arn.rpartition("/")[2] for arn in kept["aws:PrincipalArn"]] == let_through


# What of a lock is put aside from outside the mappings, and how a person gives it back.
BY_HAND: dict[Measure, Callable[[Town], None]] = {
    Measure.SAVE_INGRESS: lambda here: here.aws.open_ingress(here.account.ledger.registration("demo"), [OFFICE]),
    Measure.SAVE_POLICY: lambda here: here.aws.set_policy(here.account.ledger.registration("demo"), {"Statement": []}),
    Measure.SAVE_GROUPS: lambda here: here.aws.open_group("sg-vpn", [OFFICE]),
    Measure.SAVE_ENDPOINTS: lambda here: here.aws.principals.append(PARTNER),
    Measure.SAVE_BLOCKS: lambda here: here.account.engine.unblock_indices({}),
}


@pytest.mark.parametrize("save", BY_HAND)
def test_an_unlock_whose_save_is_lost_waits_for_a_person_and_is_told(here: Town, save: Measure) -> None:
    """Nobody knows what there was: it is not called open while nobody can come in, and it is once somebody has mended it."""
    aws, ledger = here.aws, here.account.ledger
    aws.groups, aws.principals, aws.made = {"sg-vpn": [OFFICE]}, [PARTNER], {"aos-partner": "444455556666"}
    here.account.engine.index_blocks = {"orders": {}}
    locked(here)
    measure = SAVE_OF[save]
    name = ledger.custody("demo").measures[save].save_as
    ledger.forget("demo", name)
    here.pass_time(60)
    guard(here.services, "demo", CAUSE)
    aws.disabled = False
    for _ in range(4):
        here.pass_time(120)
        stays = guard(here.services, "demo", CAUSE)
        assert (stays.state, stays.measures[measure].progress) == (State.UNLOCKING, Progress.FAILED)
    others = [one for one in WALLS if one is not measure and one in stays.measures]
    assert {stays.measures[one].progress for one in others} <= {Progress.UNDONE, Progress.SKIPPED}
    (told,) = [alert for alert in aws.told if alert.name == "unlock-incomplete"][:1]
    assert name in told.happened
    assert "by hand" in told.happened
    BY_HAND[save](here)
    here.pass_time(120)
    after = guard(here.services, "demo", CAUSE)
    assert after.state is State.OPEN
    assert "by hand" in after.measures[measure].detail


def test_lost_mappings_wait_for_a_person_and_then_the_groups_are_followed(here: Town) -> None:
    """Somebody maps by hand whom nobody else knows of; whom the groups ask for comes by itself, and who left stays out."""
    here.join("anna")
    here.join("ben")
    here.handle_all([here.sent(here.join("kim"))])
    assert {"anna", "ben", "kim"} <= set(here.mapped)
    locked(here)
    here.leave("ben")
    ledger = here.account.ledger
    ledger.forget("demo", ledger.custody("demo").measures[Measure.SAVE].save_as)
    here.aws.disabled = False
    for _ in range(3):
        here.pass_time(120)
        assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    assert here.mapped == []
    here.account.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/theirs", "value": {"cluster_permissions": []}}])
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/theirs", "value": {"users": ["by-hand"]}}])
    here.pass_time(120)
    after = guard(here.services, "demo", CAUSE)
    assert after.state is State.OPEN
    assert "by hand" in after.measures[Measure.SHUT_MAPPINGS].detail
    assert sorted(here.mapped) == sorted(here.members)
    assert "ben" not in here.mapped


def test_what_was_lost_of_a_lock_is_not_made_up_by_what_came_in_it(here: Town) -> None:
    aws, ledger = here.aws, here.account.ledger
    aws.groups = {"sg-vpn": [OFFICE]}
    locked(here)
    name = ledger.custody("demo").measures[Measure.SAVE_GROUPS].save_as
    ledger.forget("demo", name)
    aws.groups["sg-vpn"] = [{**OFFICE, "FromPort": 9200, "ToPort": 9200}]
    here.pass_time(60)
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    assert aws.groups == {"sg-vpn": []}
    assert ledger.saved("demo", name) is None


def test_each_measure_says_what_it_found_and_none_says_more(here: Town) -> None:
    """What the history and the alert repeat: what was put aside, what the canary saw; of what was done as it should be, nothing."""
    here.account.engine.index_blocks = {"orders": {}, "frozen": {"index.blocks.write": "true"}}
    locked(here)
    said = {one: record.detail for one, record in here.account.ledger.custody("demo").measures.items() if record.detail}
    assert said == {
        Measure.SAVE: "3 role mappings put aside",
        Measure.SAVE_BLOCKS: "1 index had blocks of their own",
        Measure.SAVE_INGRESS: "1 ingress rules put aside",
        Measure.SAVE_GROUPS: "further security groups: none",
        Measure.SAVE_ENDPOINTS: "0 principals were authorised for VPC endpoints",
        Measure.END_SEARCHES: "nothing ended",
        **dict.fromkeys(BY_FILE, "not configured"),
        Measure.PROVE: "there is no canary in this deployment: not proven",
    }
    opened(here)
    after = here.account.ledger.custody("demo").measures
    assert {one for one, record in after.items() if record.detail and record.act is Act.UNDO} == {
        Measure.END_SEARCHES,  # these two cannot be undone
        Measure.PROVE,
    }


def _by_hand(here: Town) -> None:
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers", "value": mapping(users=["eve"])}])


def _ingress(here: Town) -> None:
    here.aws.open_ingress(here.account.ledger.registration("demo"), here.aws.rules)


def _blocks(here: Town) -> None:
    here.account.engine.index_blocks["orders"] = {}


def _false(here: Town) -> None:
    here.account.engine.index_blocks["orders"] = {"index.blocks.read": "false", "index.blocks.write": "false"}


def _new_index(here: Town) -> None:
    here.account.engine.index_blocks["orders-2"] = {}


def _policy(here: Town) -> None:
    here.aws.set_policy(here.account.ledger.registration("demo"), {"Statement": []})


OUTSIDE: dict[str, tuple[Callable[[Town], None], Measure]] = {
    "a mapping": (_by_hand, Measure.SHUT_MAPPINGS),
    "the ingress": (_ingress, Measure.CLOSE_INGRESS),
    "blocks taken off": (_blocks, Measure.BLOCK_INDICES),
    "blocks set to false": (_false, Measure.BLOCK_INDICES),
    "a new index": (_new_index, Measure.BLOCK_INDICES),
    "the access policy": (_policy, Measure.DENY_POLICY),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_somebody_else_undoes_of_a_lock_is_seen_told_and_taken_again(here: Town, what: str) -> None:
    undo, measure = OUTSIDE[what]
    locked(here)
    policy = here.aws.policy(here.account.ledger.registration("demo"))
    undo(here)
    after = guard(here.services, "demo", CAUSE)
    assert after.measures[measure].progress is Progress.DONE
    [told] = here.told("lock-opened")
    assert f"'{measure.value}'" in told.happened
    assert here.mapped == []
    assert here.aws.ingress(here.account.ledger.registration("demo")) == []
    assert here.aws.policy(here.account.ledger.registration("demo"))["Statement"][-1] == policy["Statement"][-1]
    assert all(had.get("index.blocks.read") == "true" for had in here.account.engine.index_blocks.values())


def test_a_lock_that_nobody_touched_is_not_said_to_be_opened(here: Town) -> None:
    locked(here)
    for _ in range(3):
        here.pass_time(60)
        guard(here.services, "demo", CAUSE)
    assert here.told("lock-opened") == []


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_lock_that_the_engine_keeps_and_does_not_act_on_is_not_done(here: Town, cut_off: bool) -> None:
    """It reads back as shut, and everybody is in by what the nodes loaded last: also where nobody saw the answer."""
    engine, fate = here.account.engine, here.account.engine.fate

    @contextmanager
    def out_of_time(what: str) -> Iterator[None]:
        try:
            yield
        except Unreachable:
            raise Crash from None

    here.handle_all([here.sent(here.join("anna"))])
    assert here.mapped == ["anna"]
    engine.cannot_load, here.aws.disabled = True, True
    if cut_off:
        engine.fate = out_of_time  # type: ignore[assignment]
        with pytest.raises(Crash):
            guard(here.services, "demo", CAUSE)
        engine.fate = fate
    for _ in range(3):
        here.pass_time(600)
        after = guard(here.services, "demo", CAUSE)
        assert (after.state, after.measures[Measure.SHUT_MAPPINGS].progress) == (State.LOCKING, Progress.FAILED)
        assert here.mapped == [], "it is kept"
    assert "does not act on it" in after.measures[Measure.SHUT_MAPPINGS].detail
    engine.cannot_load = False
    here.pass_time(600)
    locked(here)


def test_an_unlock_that_the_engine_keeps_and_does_not_act_on_is_not_done(here: Town) -> None:
    engine = here.account.engine
    locked(here)
    engine.cannot_load, here.aws.disabled = True, False
    for _ in range(3):
        here.pass_time(600)
        assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    engine.cannot_load = False
    here.pass_time(600)
    opened(here)


@pytest.mark.parametrize("silent", [Kind.USERS, Kind.MAPPINGS])
def test_a_patch_of_a_lock_that_is_not_answered_does_not_count_as_done(silent: Kind) -> None:
    class Silent:
        def write(self, write: Write) -> bool:
            if write.kind == silent:
                raise Unreachable("no answer")
            return True

    engine: Any = Silent()
    with pytest.raises(Unreachable):
        send_each(OPENSEARCH, engine, (Write(Kind.USERS, []), Write(Kind.MAPPINGS, [])), SecurityConfig({}))


def test_a_user_that_the_engine_will_not_write_keeps_nobody_else_mapped(here: Town) -> None:
    """The lock is told as incomplete, and the mappings are shut all the same."""
    engine = here.account.engine
    rooted = {"backend_roles": [], "attributes": {}, "opendistro_security_roles": ["viewers"]}
    engine.by_hand(Kind.USERS, [{"op": "add", "path": "/root", "value": rooted}])
    _by_hand(here)
    assert here.mapped
    engine.refuses = lambda kind, _: kind == Kind.USERS
    here.aws.disabled = True
    after = guard(here.services, "demo", CAUSE)
    assert (after.state, after.measures[Measure.SHUT_MAPPINGS].progress) == (State.LOCKING, Progress.FAILED)
    assert here.mapped == []
    engine.refuses = lambda *_: False
    here.pass_time(60)
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    opened(here)
    assert engine.held.of(Kind.USERS)["root"]["opendistro_security_roles"] == ["viewers"]


def test_a_lock_whose_engine_stays_silent_is_not_locked_and_is_told(here: Town) -> None:
    class Silent:
        def __getattr__(self, name: str) -> Any:
            return getattr(here.account.engine, name)

        def write(self, *_: Any) -> bool:
            raise Unreachable("no answer")

    here.aws.disabled = True
    after = guard(replace(here.services, engine=lambda _: Silent()), "demo", CAUSE)
    assert after.state is State.LOCKING
    assert after.measures[Measure.SHUT_MAPPINGS].progress is Progress.FAILED
    assert [told.name for told in here.aws.told] == ["lock-incomplete"]


def test_searches_end_though_tokens_and_keys_cannot(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def refused(*, keys: bool) -> str:
        raise Refused(f"may not end tokens and keys ({keys})")

    def end_searches(_: Any) -> str:
        ended.append("searches")
        return ""

    monkeypatch.setattr(here.account.engine, "end_tokens", refused)
    monkeypatch.setattr(here.account.engine, "end_searches", end_searches)
    here.aws.disabled = True
    after = guard(here.services, "demo", CAUSE)
    assert ended == ["searches"]
    assert after.measures[Measure.END_SEARCHES].progress is Progress.FAILED


def test_one_fault_is_one_critical_alert_though_the_policy_cannot_be_changed(here: Town) -> None:
    class Stubborn:
        def __getattr__(self, name: str) -> Any:
            return getattr(here.aws, name)

        def set_policy(self, *_: Any) -> None:
            raise Unreachable("the KMS key of the domain cannot be accessed")

    here.aws.disabled = True
    services = replace(here.services, gate=lambda _: Stubborn())
    for _ in range(3):  # and the same at every sweep
        assert guard(services, "demo", CAUSE).state is State.LOCKED
        here.pass_time(300)
    assert [told.name for told in here.aws.told] == ["locked"]
    assert "Not in effect: deny policy (the KMS key of the domain cannot be accessed" in here.aws.told[0].done


def test_a_policy_that_aws_takes_no_more_waits_for_a_person_and_then_opens(here: Town) -> None:
    """It names a role that was deleted in the lock: AWS takes no such policy."""
    before = here.aws.access_policy

    class Strict:
        def __getattr__(self, name: str) -> Any:
            return getattr(here.aws, name)

        def set_policy(self, registration: Registration, policy: Any) -> None:
            if policy == before:
                raise Refused("opensearch update_domain_config: InvalidTypeException: Error setting policy")
            here.aws.set_policy(registration, policy)

    services = replace(here.services, gate=lambda _: Strict())
    here.aws.disabled = True
    assert guard(services, "demo", CAUSE).state is State.LOCKED
    here.aws.disabled = False
    after = guard(services, "demo", CAUSE)
    assert after.state is State.UNLOCKING
    assert "set it by hand without them" in after.measures[Measure.DENY_POLICY].detail
    by_hand = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*"}]}
    here.aws.access_policy = by_hand
    here.pass_time(60)
    after = guard(services, "demo", CAUSE)
    assert (after.state, here.aws.access_policy) == (State.OPEN, by_hand)
    assert "by hand" in after.measures[Measure.DENY_POLICY].detail


def test_a_second_lock_counts_its_own_downtime(here: Town) -> None:
    for minutes in (30, 2):
        locked(here)
        here.pass_time(60 * minutes)
        opened(here)
        here.pass_time(3600)
    first, second = here.told("unlocked")
    assert "after 0:30:0" in first.happened
    assert "after 0:02:0" in second.happened


def test_what_shuts_is_what_undone_outside_compares_with(here: Town) -> None:
    locked(here)
    registration = here.account.ledger.registration("demo")
    held = here.account.engine.read()
    assert shut(held, keepers(registration).while_locked()).writes == ()
    assert here.account.ledger.custody("demo").measures[Measure.SHUT_MAPPINGS].act is Act.TAKE


@pytest.mark.parametrize(
    ("stop", "why"),
    [
        (None, "the canary may still search: the lock does not hold yet"),
        (Stop.BLOCK, f"the canary was refused by {Stop.BLOCK.value}: that proves nothing of the role mappings"),
        (Stop.OUTSIDE, f"the canary was refused by {Stop.OUTSIDE.value}: that proves nothing of the role mappings"),
    ],
)
def test_a_canary_that_anything_but_missing_privileges_stops_proves_no_lock(
    here: Town, stop: Stop | None, why: str
) -> None:
    here.account.registered(canary=IamRole(CANARY))
    here.account.engine.stop = stop
    here.aws.disabled = True
    after = guard(here.services, "demo", CAUSE)
    assert after.state is State.LOCKING
    assert after.measures[Measure.PROVE].progress is Progress.FAILED
    assert after.measures[Measure.PROVE].detail == why
    assert [told.name for told in here.aws.told] == ["lock-incomplete"]
    here.account.engine.stop = Stop.PRIVILEGES
    here.pass_time(60)
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED


def test_a_proof_reads_back_every_other_wall(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that somebody opens at that very moment is named, and the lock is not proven until it is shut again."""
    here.account.registered(canary=IamRole(CANARY))
    engine, registration = here.account.engine, here.account.ledger.registration("demo")

    def opens(_: str) -> Stop:
        engine.index_blocks["orders"] = {}
        here.aws.open_ingress(registration, here.aws.rules)
        monkeypatch.undo()
        return Stop.PRIVILEGES

    monkeypatch.setattr(engine, "what_stops_a_search", opens)
    here.aws.disabled = True
    proof = guard(here.services, "demo", CAUSE).measures[Measure.PROVE]
    assert proof.progress is Progress.FAILED
    assert proof.detail == (
        "not in effect any more: block indices: not blocked: orders;"
        " close ingress: the domain was opened to the network again"
    )
    here.pass_time(60)
    after = locked(here).account.ledger.custody("demo")
    assert after.measures[Measure.PROVE].detail == (
        "the canary was refused for want of privileges; read back: block indices, close ingress, deny policy,"
        " close further groups, revoke endpoints"
    )


@pytest.mark.parametrize("error", [Refused, Unreachable])
def test_a_wall_that_may_not_be_looked_at_counts_as_opened(
    here: Town, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Whoever takes the right to look away could open it unseen. An engine that does not answer lets nobody in."""
    locked(here)

    def blocks() -> Any:
        raise error("no permissions for [indices:monitor/settings/get]")

    monkeypatch.setattr(here.account.engine, "blocks", blocks)
    here.account.engine.index_blocks["orders"] = {}
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    shut_again = set(here.account.engine.index_blocks["orders"].values()) == {"true"}
    assert shut_again is (error is Refused)
    told = [alert.happened for alert in here.told("lock-opened")]
    assert [("may not be looked at" in one) for one in told] == [True] * (error is Refused)
    monkeypatch.undo()
    here.pass_time(60)
    opened(here)
