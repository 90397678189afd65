"""The ledger on a real table of the emulated DynamoDB: what is kept comes back, and two writers never overwrite each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from portcullis.access.plan import AccessModel, AppliedStep, By, Claim, Grant, Subject, SubjectKind
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.custody.types import Custody, Health, Measure, RevocationCause, State
from portcullis.errors import BadInput, Conflict, NoDeployment, Overtaken, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.model.option_types import Options
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import (
    AmazonDomain,
    Cognito,
    EngineUser,
    IamRole,
    KeptModel,
    Key,
    Network,
    Registration,
    SnapshotStore,
)

from local.aws.emulator import Credentials, Emulator
from tests.adapters.conftest import NOON, Clock, noise

pytestmark = pytest.mark.aws
DOMAIN = "arn:aws:es:eu-central-1:111122223333:domain/logs"


def registration(deployment: str = "demo") -> Registration:
    place = AmazonDomain("logs", DOMAIN, "h:443", Network("sg-1"))
    return Registration(
        deployment,
        "111122223333",
        "eu-central-1",
        place,
        Key("arn:key", replicas=("arn:replica",)),
        automation=IamRole("arn:role/automation"),
        master=EngineUser("master", "arn:secret"),
        cognito=Cognito("pool", group_roles={"a": "arn:role/x"}),
        snapshots=SnapshotStore("bucket", "arn:role/taker", "arn:role/store"),
    )


def model(text: str = "deployment: demo\n") -> KeptModel:
    subject = Subject(SubjectKind.COGNITO_GROUP, "ünïcode, or 日本語")
    access = AccessModel(
        roles={"readers": {"cluster_permissions": [], "index_permissions": [{"dls": '{"term": {"a": "\\u0000"}}'}]}},
        grants=(Grant(subject, "readers", "line 3", By.ROLE),),
        and_backend_roles={"readers": ("a", "b")},
    )
    return KeptModel(text, access, Options(end_sessions=True, secrets={"kim": None}))


def change(at: datetime, summary: str = "done") -> Change:
    touched = AppliedStep("add", "rolesmapping", "readers", "users", "anna", None, "anna", "a group", (0, 2))
    claim = Claim(Kind.MAPPINGS, "readers", "users", "anna")
    return Change(
        deployment="demo",
        at=at,
        operation="apply",
        cause="event-1",
        actor="arn:me",
        summary=summary,
        before={"b": 1},
        after=["a"],
        touched=(touched,),
        released=(claim,),
        claimed=(claim,),
        model_before="old",
        model_after="digest",
    )


# ---------------------------------------------------------------------- what is kept comes back


def test_registrations_come_back_whole_and_are_listed(ledger: DynamoLedger) -> None:
    ledger.register(registration("one"))
    ledger.register(registration("two"))
    assert ledger.registration("two") == registration("two")
    assert {r.deployment for r in ledger.registrations()} == {"one", "two"}
    ledger.unregister("one")
    with pytest.raises(NoDeployment, match=r"no deployment named 'one'.*known: two") as none:
        ledger.registration("one")
    assert none.value.exit_status == 2


def test_an_empty_ledger_says_what_is_missing(ledger: DynamoLedger) -> None:
    with pytest.raises(Refused, match="known: none"):
        ledger.registration("demo")
    with pytest.raises(Refused, match="no access model"):
        ledger.model("demo")
    assert ledger.custody("demo") == Custody("demo")
    assert (
        ledger.watermark("demo"),
        ledger.saved("demo", "x"),
        ledger.claims(DOMAIN),
        tuple(ledger.history("demo")),
    ) == (
        None,
        None,
        {},
        (),
    )
    ledger.forget("demo", "x")


def test_forgetting_a_deployment_leaves_its_custody_and_other_deployments(ledger: DynamoLedger) -> None:
    """All that was saved for the deployment goes, and doing it twice does no harm. Its custody and what is saved for others stay."""
    for deployment in ("demo", "demo-2"):
        for name in ("mappings-1", "told#drift"):
            ledger.save(deployment, name, {"of": deployment})
    ledger.keep_custody(Custody("demo"))
    ledger.save("demo", "to-tell", ["an alert"])
    ledger.forget_all("demo", but=["to-tell"])
    ledger.forget_all("demo", but=["to-tell"])
    assert ledger.saved("demo", "to-tell") == ["an alert"]
    ledger.forget_all("demo")
    assert ledger.saved("demo", "to-tell") is None
    assert [ledger.saved("demo", name) for name in ("mappings-1", "told#drift")] == [None, None]
    assert ledger.saved("demo-2", "told#drift") == {"of": "demo-2"}
    assert ledger.custody("demo").version == 1


@pytest.mark.parametrize("first", [None, ["was there"]], ids=["nothing", "something"])
@pytest.mark.parametrize("length", [1, 500_000], ids=["small", "in parts"])
def test_of_two_who_change_a_list_at_the_same_moment_none_loses_what_the_other_put_in(
    ledger: DynamoLedger, other: DynamoLedger, first: list[str] | None, length: int
) -> None:
    """Also where the other emptied it meanwhile, and somebody filled it again: what is there by then is looked at."""
    mine = noise(length)
    if first:
        ledger.change("demo", "to-tell", lambda _: first)
    meanwhile = [lambda: other.change("demo", "to-tell", lambda _: None)] * 2
    meanwhile.insert(1, lambda: other.change("demo", "to-tell", lambda kept: [*(kept or ()), "theirs"]))
    meanwhile = meanwhile[:2]

    def with_mine(kept: list[str] | None) -> list[str]:
        while meanwhile:
            meanwhile.pop(0)()
        return [*(kept or ()), mine]

    ledger.change("demo", "to-tell", with_mine)
    assert ledger.saved("demo", "to-tell") == ["theirs", mine]
    ledger.change("demo", "to-tell", lambda _: None)
    assert ledger.saved("demo", "to-tell") is None


@pytest.mark.parametrize("length", [0, 100, 300_000], ids=["empty", "small", "large"])
def test_a_model_comes_back_as_it_was(ledger: DynamoLedger, length: int) -> None:
    kept = model("# a comment\n" * (length // 12))
    ledger.keep_model("demo", kept)
    assert ledger.model("demo") == kept


def test_a_model_that_cannot_be_read_is_one_clear_error(ledger: DynamoLedger, aws: Emulator, table: str) -> None:
    written = {"text": {"S": '"t"'}, "access": {"S": '{"grants": [{"subject": "nobody"}]}'}, "options": {"S": "{}"}}
    item = {"pk": {"S": "deployment#demo"}, "sk": {"S": "model"}, **written}
    aws.client("dynamodb").put_item(TableName=table, Item=item)
    with pytest.raises(BadInput, match=r"ledger, model: cannot be read: .*deploy that version"):
        ledger.model("demo")


def test_small_values_are_readable_in_the_console_and_large_are_compressed(
    ledger: DynamoLedger, aws: Emulator, table: str
) -> None:
    """Both come back from the ledger as they were saved."""
    ledger.save("demo", "small", {"a": 1})
    ledger.save("demo", "large", ["the same"] * 10_000)
    items = {i["sk"]["S"]: i["value"] for i in aws.client("dynamodb").scan(TableName=table)["Items"]}
    assert items["saved#small"] == {"S": '{"a":1}'}
    assert len(items["saved#large"]["B"]) < 2_000
    assert ledger.saved("demo", "large") == ["the same"] * 10_000


def test_claims_are_kept_an_owner_each(ledger: DynamoLedger) -> None:
    mine = {Claim(Kind.ROLES, "a#b"), Claim(Kind.MAPPINGS, "a", "users", "Cognito/p/ä, *")}
    kept = ledger.keep_claims(DOMAIN, "demo", Claims(mine))
    ledger.keep_claims(DOMAIN, "second", Claims({Claim(Kind.ROLES, "x")}))
    ledger.keep_claims(DOMAIN + "-other", "demo", Claims({Claim(Kind.ROLES, "y")}))
    assert ledger.claims(DOMAIN) == {"demo": frozenset(mine), "second": frozenset({Claim(Kind.ROLES, "x")})}
    ledger.keep_claims(DOMAIN, "demo", kept.becoming(()))
    assert ledger.claims(DOMAIN)["demo"] == frozenset()


def test_claims_that_may_still_arrive_late_are_kept_with_their_deadline(ledger: DynamoLedger) -> None:
    """Which claims these are survives a save wherever they stand in the list. After the deadline none is late any more."""
    all_of_them = [Claim(Kind.MAPPINGS, "a", "users", f"user-{number:02}") for number in range(20)]
    late = {*all_of_them[:3], all_of_them[7], *all_of_them[18:]}
    ledger.keep_claims(DOMAIN, "demo", Claims(all_of_them, late=late, until=NOON))
    found = ledger.claims(DOMAIN)["demo"]
    assert (found, found.late, found.until, found.version) == (set(all_of_them), late, NOON, 1)
    assert found.late_at(NOON - timedelta(seconds=1)) == late
    assert found.late_at(NOON) == frozenset()


# ---------------------------------------------------------------------- whoever was overtaken


@pytest.mark.parametrize("length", [40, 900_000], ids=["small", "in parts"])
def test_claims_changed_by_another_writer_are_a_conflict(
    ledger: DynamoLedger, other: DynamoLedger, length: int
) -> None:
    """A writer with an older version is refused, and what the other one wrote stays. Also for claims stored in several parts."""
    big = Claim(Kind.MAPPINGS, "a", "users", noise(length))
    read = ledger.claims(DOMAIN).get("demo", Claims())
    theirs = other.keep_claims(DOMAIN, "demo", read.becoming({big}))
    with pytest.raises(Conflict, match="the list of claims of 'demo' was changed by somebody else"):
        ledger.keep_claims(DOMAIN, "demo", read.becoming({Claim(Kind.ROLES, "x"), big}))
    assert ledger.claims(DOMAIN)["demo"] == {big}
    with pytest.raises(Conflict):
        ledger.keep_claims(DOMAIN, "demo", read.becoming(()))
    ledger.keep_claims(DOMAIN, "demo", theirs.becoming(()))
    assert ledger.claims(DOMAIN)["demo"] == frozenset()


def test_a_model_changed_by_another_writer_is_a_conflict(ledger: DynamoLedger, other: DynamoLedger) -> None:
    """The writer with the older version is refused, and the model of the other one stays."""
    first = ledger.keep_model("demo", model("one"))
    other.keep_model("demo", replace(model("two"), version=first.version))
    with pytest.raises(Conflict, match="access model of 'demo' was changed by somebody else"):
        ledger.keep_model("demo", replace(model("three"), version=first.version))
    assert (ledger.model("demo").text, ledger.model("demo").version) == ("two", 2)


def test_whoever_works_for_longer_than_the_lease_keeps_it_by_renewing_it(
    ledger: DynamoLedger, other: DynamoLedger, clock: Clock
) -> None:
    with ledger.lease(DOMAIN, "slow", seconds=60):
        for _ in range(3):
            clock.pass_time(50)
            ledger.renew(DOMAIN)
            with other.lease(DOMAIN, "two", wait=0) as theirs:
                assert not theirs


def test_whoever_lost_the_lease_is_told_at_the_next_renewal(
    ledger: DynamoLedger, other: DynamoLedger, clock: Clock
) -> None:
    with pytest.raises(Overtaken):
        ledger.renew(DOMAIN)
    with ledger.lease(DOMAIN, "slow", seconds=60):
        clock.pass_time(61)
        ledger.renew(DOMAIN)  # it ran out, and nobody took it: nothing happened meanwhile
        clock.pass_time(61)
        with other.lease(DOMAIN, "two", wait=0), pytest.raises(Overtaken, match="another writer is at work on logs"):
            ledger.renew(DOMAIN)
        with pytest.raises(Overtaken):
            ledger.renew(DOMAIN)  # also once that one is done: it was at work


@pytest.mark.parametrize("length", [40, 900_000], ids=["small", "in parts"])
def test_claims_can_be_written_only_while_the_lease_is_still_ours(
    ledger: DynamoLedger, other: DynamoLedger, clock: Clock, length: int
) -> None:
    """Each write renews the lease. Once it ran out and another writer took it, the write is refused though the claims did not change."""
    kept = ledger.keep_claims(DOMAIN, "demo", Claims({Claim(Kind.MAPPINGS, "a", "users", noise(length))}))
    with ledger.lease(DOMAIN, "slow", seconds=60):
        clock.pass_time(50)
        kept = ledger.keep_claims(DOMAIN, "demo", kept.becoming({*kept, Claim(Kind.ROLES, "x")}))
        clock.pass_time(50)  # the lease was renewed with them
        with other.lease(DOMAIN, "two", wait=0) as early:
            assert not early
        clock.pass_time(61)
        with other.lease(DOMAIN, "two", wait=0):
            other.keep_claims(DOMAIN, "second", Claims({Claim(Kind.ROLES, "y")}))
        with pytest.raises(Overtaken, match="another writer is at work on logs"):
            ledger.keep_claims(DOMAIN, "demo", kept.becoming(()))
    assert ledger.claims(DOMAIN)["demo"] == set(kept)


def test_a_lease_is_of_the_thread_that_took_it(ledger: DynamoLedger) -> None:
    refused: list[bool] = []

    def renew() -> None:
        try:
            ledger.renew(DOMAIN)
        except Overtaken:
            refused.append(True)

    with ledger.lease(DOMAIN, "one"):
        stranger = threading.Thread(target=renew)
        stranger.start()
        stranger.join()
        ledger.renew(DOMAIN)
    assert refused == [True]


def test_what_was_put_aside_is_forgotten_when_told(ledger: DynamoLedger) -> None:
    for value in ({"a": [1, None, True]}, [], "", 0, None):
        ledger.save("demo", "one", value)
        assert ledger.saved("demo", "one") == value
    ledger.save("demo", "one", 1)
    ledger.forget("demo", "one")
    assert ledger.saved("demo", "one") is None


def test_what_was_put_aside_under_several_names_is_looked_up_at_once(ledger: DynamoLedger) -> None:
    kept = {"small": {"a": [1, None, True]}, "large": noise(900_000), "empty": ""}
    for name, value in kept.items():
        ledger.save("demo", name, value)
        ledger.save("other", name, "another deployment's")
    assert ledger.look_up("demo", [*kept, "never saved"]) == kept
    ledger.forget("demo", "small")
    assert ledger.look_up("demo", ["small", "empty"]) == {"empty": ""}


# ---------------------------------------------------------------------- two writers


def test_custody_changed_by_another_writer_is_a_conflict(ledger: DynamoLedger, other: DynamoLedger) -> None:
    """The writer with the older version is refused, and what the other one wrote stays and can be written on."""
    read = ledger.custody("demo")
    theirs = other.keep_custody(
        Custody("demo", State.LOCKING, Health.REVOKED, cause=RevocationCause.DISABLED, version=read.version)
    )
    with pytest.raises(Conflict, match="changed by somebody else"):
        ledger.keep_custody(read)
    assert ledger.custody("demo") == theirs
    assert ledger.keep_custody(theirs).version == theirs.version + 1


def test_of_many_writers_of_one_version_one_wins(aws: Emulator, table: str) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        try:
            DynamoLedger(aws.client("dynamodb"), table).keep_custody(Custody("demo", version=0))
        except Conflict:
            return
        won.append(number)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert len(won) == 1


class Unheard:
    """A client whose answer to the first put is lost: it sends the same again, as botocore does."""

    def __init__(self, client: Any) -> None:
        self._client, self.lost = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **given: Any) -> Any:
        self.lost += 1
        self._client.put_item(**given)
        return self._client.put_item(**given)


def test_a_write_whose_answer_was_lost_is_no_other_writers(aws: Emulator, table: str) -> None:
    """The second sending finds the first one's item: taken for somebody else's it would have a lock wait for a step of nobody."""
    unheard = Unheard(aws.client("dynamodb"))
    ledger = DynamoLedger(unheard, table)
    custody = ledger.keep_custody(ledger.custody("demo"))
    assert (custody.version, ledger.custody("demo")) == (1, custody)
    assert ledger.keep_model("demo", model()).version == 1
    assert ledger.keep_claims(DOMAIN, "demo", Claims([Claim(Kind.ROLES, "r")])).version == 1
    with ledger.lease(DOMAIN, "one", wait=0) as ours:
        assert ours
        ledger.renew(DOMAIN)
    assert unheard.lost == 5
    with pytest.raises(Conflict):
        ledger.keep_custody(Custody("demo"))


def test_the_watermark_never_goes_back(ledger: DynamoLedger) -> None:
    for seconds, expected in ((0, 0), (10, 10), (5, 10), (10.000001, 10.000001)):
        ledger.raise_watermark("demo", NOON + timedelta(seconds=seconds))
        assert ledger.watermark("demo") == NOON + timedelta(seconds=expected)
    elsewhere = datetime.fromisoformat("2026-01-02T23:30:00+12:00")  # earlier, though its text is later
    ledger.raise_watermark("demo", elsewhere)
    assert ledger.watermark("demo") == NOON + timedelta(seconds=10.000001)


# ---------------------------------------------------------------------- the lease


def test_one_holder_at_a_time_and_the_next_as_soon_as_it_ends(ledger: DynamoLedger, other: DynamoLedger) -> None:
    with ledger.lease(DOMAIN, "one") as held:
        assert held
        with other.lease(DOMAIN, "two", wait=0.1) as theirs:
            assert not theirs
        with other.lease(DOMAIN + "-other", "two", wait=0) as elsewhere:
            assert elsewhere
        with other.lease(DOMAIN, "three", wait=0) as again:
            assert not again, "whoever did not have it must not have ended it"
    with other.lease(DOMAIN, "two", wait=0) as theirs:
        assert theirs


def test_a_lease_ends_when_what_was_done_under_it_fails(ledger: DynamoLedger, other: DynamoLedger) -> None:
    with pytest.raises(RuntimeError), ledger.lease(DOMAIN, "one"):
        raise RuntimeError
    with other.lease(DOMAIN, "two", wait=0) as theirs:
        assert theirs


def test_a_lease_of_a_dead_holder_expires_and_its_late_end_frees_nothing(
    ledger: DynamoLedger, other: DynamoLedger, clock: Clock
) -> None:
    """The holder was only slow and ends its lease late. The lease of the next holder stays valid."""
    dead = ledger.lease(DOMAIN, "dead", seconds=60)
    dead.__enter__()
    clock.pass_time(59)
    with other.lease(DOMAIN, "two", wait=0) as early:
        assert not early
    clock.pass_time(2)
    with other.lease(DOMAIN, "two", seconds=60, wait=0) as theirs:
        assert theirs
        dead.__exit__(None, None, None)  # it was only slow, and comes back to end what is no longer its own
        with ledger.lease(DOMAIN, "three", wait=0) as third:
            assert not third


def test_under_the_lease_nobody_else_is_at_work(aws: Emulator, table: str) -> None:
    inside, most, done = [0], [0], [0]

    def work() -> None:
        with DynamoLedger(aws.client("dynamodb"), table).lease(DOMAIN, "w", wait=20) as held:
            assert held
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            done[0] += 1
            inside[0] -= 1

    workers = [threading.Thread(target=work) for _ in range(6)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert (most[0], done[0]) == (1, 6)


# ---------------------------------------------------------------------- history


def test_history_is_newest_first_whole_and_kept_400_days(ledger: DynamoLedger, aws: Emulator, table: str) -> None:
    changes = [change(NOON + timedelta(seconds=n), f"number {n}") for n in (3, 1, 2, 0)]
    for one in changes:
        ledger.record(one)
    newest_first = sorted(changes, key=lambda one: one.at, reverse=True)
    assert list(ledger.history("demo")) == newest_first
    assert [one.summary for one in ledger.history("demo", 2)] == ["number 3", "number 2"]
    items = [i for i in aws.client("dynamodb").scan(TableName=table)["Items"] if i["sk"]["S"].startswith("history#")]
    assert {int(i["expires"]["N"]) for i in items} == {int(c.at.timestamp()) + 400 * 86_400 for c in changes}


def test_changes_of_one_moment_are_all_kept(ledger: DynamoLedger, other: DynamoLedger) -> None:
    for who in (ledger, other, ledger):
        who.record(change(NOON))
    assert len(list(ledger.history("demo"))) == 3


def test_a_long_history_is_read_page_by_page(ledger: DynamoLedger) -> None:
    for number in range(30):
        ledger.record(change(NOON + timedelta(seconds=number), noise(60_000)[number:]))  # pages of 1 MB
    assert len(list(ledger.history("demo", 100))) == 30


# ---------------------------------------------------------------------- a ledger that does not answer

CALLS: dict[str, Callable[[DynamoLedger], Any]] = {
    "get": lambda led: led.custody("demo"),
    "put": lambda led: led.save("demo", "x", 1),
    "conditional put": lambda led: led.keep_custody(Custody("demo")),
    "delete": lambda led: led.forget("demo", "x"),
    "query": lambda led: led.registrations(),
}


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_table_that_throttles_or_fails_is_unreachable(
    ledger: DynamoLedger, calm: Emulator, kind: str, call: Callable[[DynamoLedger], Any]
) -> None:
    calm.admin("fault", actions=["dynamodb:*"], kind=kind)
    with pytest.raises(Unreachable, match=r"the ledger ledger-.* did not answer"):
        call(ledger)
    calm.admin("mend")
    call(ledger)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_table_that_lets_us_do_nothing_is_unreachable_and_says_what_is_missing(
    aws: Emulator, table: str, person: Callable[..., Credentials], call: Callable[[DynamoLedger], Any]
) -> None:
    """It is not taken for one that holds nothing."""
    with pytest.raises(Unreachable, match=r"the ledger ledger-.* lets nobody in: .*dynamodb:[A-Z]"):
        call(DynamoLedger(aws.client("dynamodb", credentials=person()), table))


def test_a_lease_that_cannot_be_asked_for_is_not_had_in_silence(ledger: DynamoLedger, calm: Emulator) -> None:
    calm.admin("fault", actions=["dynamodb:PutItem"], kind="throttle")
    with pytest.raises(Unreachable), ledger.lease(DOMAIN, "one", wait=0):
        pytest.fail("it was entered")


def test_custody_with_everything_in_it_comes_back(ledger: DynamoLedger) -> None:
    from portcullis import custody as machine
    from portcullis.custody.rules import Rules
    from portcullis.custody.types import Observation, Probe

    probes = tuple(
        Probe(name, Health.REVOKED, RevocationCause.DISABLED, "said", definite=True) for name in ("describe", "use")
    )
    seen = Observation(NOON, probes, key_id="one", domain_key_id="two", rotated_at=NOON)
    decision = machine.decide(Custody("demo"), seen, NOON, Rules())
    assert decision.next is not None
    begun = machine.intend(decision.custody, decision.next, NOON)
    kept = ledger.keep_custody(begun)
    assert ledger.custody("demo") == kept
    assert Measure.SAVE in kept.measures
