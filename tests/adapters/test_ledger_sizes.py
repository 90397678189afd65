"""Given 1,000 roles, 500 indices and 1,000 people, then all that is remembered of them fits into the ledger as DynamoDB counts it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from portcullis import custody as machine
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.known import Known
from portcullis.access.plan import AccessModel, AppliedStep, Claim, Grant, Subject, SubjectKind
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.custody import steps, telling
from portcullis.custody.types import Act, Custody, Hold, Measure, Progress, State, Todo
from portcullis.errors import Refused
from portcullis.families import family_named
from portcullis.families.base import BLOCKS
from portcullis.families.elasticsearch.documents.config import Kind as ElasticKind
from portcullis.families.elasticsearch.documents.config import SecurityConfig as ElasticConfig
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.model.option_types import Options
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody.guard import guard
from portcullis.operations.people.known import PEOPLE as KNOWN
from portcullis.operations.services import Services
from portcullis.operations.writing.standing import COMING, Coming
from portcullis.operations.writing.undertaking import UNDERTAKEN, PendingChange
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import KeptModel

from local.aws.emulator import Emulator
from tests.adapters.conftest import NOON
from tests.adapters.test_ledger_parts import DOMAIN, items
from tests.operations.orders import CAUSE, TEXT, orders_account
from tests.operations.worlds import Account, mapping
from tests.reactions.town import town

pytestmark = pytest.mark.aws
ROLES, INDICES, PEOPLE, ROLES_OF_A_PERSON = 1_000, 500, 1_000, 20
ITEM, TRANSACTION = 400 * 1024, 4 * 1024 * 1024  # that DynamoDB takes


@cache
def names(begin: str, count: int) -> tuple[str, ...]:
    """Names that say little of each other: how well they compress is what the limit depends on."""
    drawn = random.Random(begin)
    return tuple(f"{begin}{UUID(int=drawn.getrandbits(128)).hex[:12]}" for _ in range(count))


@cache
def has() -> dict[str, list[str]]:
    """Role -> who has it."""
    drawn, found = random.Random(3), dict[str, list[str]]()
    for person in names("Cognito/eu-central-1_Pool/0123-4567-89ab-", PEOPLE):
        for role in drawn.sample(names("team_", ROLES), ROLES_OF_A_PERSON):
            found.setdefault(role, []).append(person)
    return found


def role(name: str) -> dict[str, Any]:
    query = (
        f'{{"bool":{{"filter":[{{"term":{{"owner":"{name[::-1]}"}}}},{{"range":{{"at":{{"gte":"2026-11-01"}}}}}}]}}}}'
    )
    index = {"index_patterns": [f"{name}-*"], "dls": query, "fls": ["~card"], "masked_fields": ["email"]}
    entry = index | {"allowed_actions": ["read", "write"]}
    return {"cluster_permissions": ["cluster_composite_ops_ro"], "index_permissions": [entry], "tenant_permissions": []}


def opensearch() -> dict[str, Any]:
    mappings = {
        name: {"backend_roles": [f"of-{name}"], "hosts": [], "users": has().get(name, [])}
        for name in names("team_", ROLES)
    }
    roles = {name: role(name) for name in names("team_", ROLES)}
    return dict(
        family_named("opensearch")
        .close(SecurityConfig({Kind.ROLES: roles, Kind.MAPPINGS: mappings}), ProtectedPrincipals(()), roles_too=True)
        .saved
    )


def elasticsearch() -> dict[str, Any]:
    of: dict[str, list[str]] = {}
    for name, people in has().items():
        for person in people:
            of.setdefault(person, []).append(name)
    held = ElasticConfig(
        {
            ElasticKind.ROLES: {
                name: {
                    "cluster": ["monitor"],
                    "indices": [
                        {
                            "names": [f"{name}-*"],
                            "privileges": ["read"],
                            "query": role(name)["index_permissions"][0]["dls"],
                        }
                    ],
                }
                for name in names("team_", ROLES)
            },
            ElasticKind.MAPPINGS: {
                name: {"enabled": True, "roles": [name], "rules": {"field": {"username": has().get(name, [])}}}
                for name in names("team_", ROLES)
            },
            ElasticKind.USERS: {name: {"roles": roles, "enabled": True} for name, roles in of.items()},
        }
    )
    return dict(family_named("elasticsearch").close(held, ProtectedPrincipals(())).saved)


def blocks() -> dict[str, Any]:
    return {name: dict.fromkeys(BLOCKS, "true") for name in names("index-", INDICES)}


def claims() -> Claims:
    return Claims(Claim(Kind.MAPPINGS, name, "users", one) for name, people in has().items() for one in people)


def model() -> KeptModel:
    grants = tuple(
        Grant(Subject(SubjectKind.COGNITO_GROUP, f"of-{name}"), name, "line 14") for name in names("team_", ROLES)
    )
    lines = "".join(f"    {name}: {role(name)}\n" for name in names("team_", ROLES))
    return KeptModel(
        f"access:\n  roles:\n{lines}",
        AccessModel(roles={n: role(n) for n in names("team_", ROLES)}, grants=grants),
        Options(),
    )


def touched() -> tuple[AppliedStep, ...]:
    found = [AppliedStep("add", "roles", name, after=role(name), because="line 12") for name in names("team_", ROLES)]
    for name, people in has().items():
        found += [AppliedStep("add", "rolesmapping", name, "users", one, None, one, "line 14") for one in people]
    return tuple(found)


def change() -> Change:
    return Change(
        "demo",
        NOON,
        "apply",
        "an event",
        "me",
        "21,000 changes",
        None,
        ["a"],
        touched=touched(),
        model_before=model().text,
    )


def known() -> Known:
    """As many groups as roles, and the id of each member."""
    seen = {f"of-{name}": {one: f"id-{one[-12:]}" for one in people} for name, people in has().items()}
    return Known(
        {one: one[::-1] for one in names("person-", PEOPLE)}, {}, seen, dict.fromkeys(names("gone-", PEOPLE), "x")
    )


def words(about: str, length: int) -> str:
    """What hardly gets smaller, and is about something else than any other."""
    return random.Random(about).randbytes(length // 2).hex()


def worst_custody() -> Custody:
    """Everything failed, each with as many words as it may have, and nothing of it could be told yet."""
    custody = Custody(
        "demo",
        State.LOCKING,
        hold=Hold(words("by", 300), words("why", 1000), NOON),
        strays=tuple(f"save-{n}" for n in range(100)),
    )
    for measure in Measure:
        for act in (Act.TAKE, Act.UNDO):
            todo = Todo(measure, act, save_as=f"{measure}-1")
            custody = steps.failed(steps.intend(custody, todo, NOON), todo, NOON, words(measure, 3000))
    for state in State:
        after = replace(custody, state=state, since=NOON)
        custody = replace(after, outbox=telling.tell(custody, after, NOON + timedelta(days=9), machine.Rules()).outbox)
    for measure in Measure:
        custody = telling.opened(custody, measure, NOON, words(f"open {measure}", 2000))
    return custody


KEPT: dict[str, tuple[Callable[[], Any], Callable[[DynamoLedger, Any], Any], Callable[[DynamoLedger], Any]]] = {
    "what a lock of OpenSearch puts aside": (
        opensearch, lambda led, one: led.save("demo", "save-1", one), lambda led: led.saved("demo", "save-1")
    ),
    "what a lock of Elasticsearch puts aside": (
        elasticsearch, lambda led, one: led.save("demo", "save-1", one), lambda led: led.saved("demo", "save-1")
    ),
    "blocks that 500 indices had": (
        blocks, lambda led, one: led.save("demo", "save-2", one), lambda led: led.saved("demo", "save-2")
    ),
    "claims on 20,000 entries": (
        claims, lambda led, one: led.keep_claims(DOMAIN, "demo", one), lambda led: led.claims(DOMAIN)["demo"]
    ),
    "the model in force": (
        model, lambda led, one: led.keep_model("demo", one), lambda led: replace(led.model("demo"), version=0)
    ),
    "the model that is coming": (
        lambda: Coming(model(), NOON, "a test", "me", 1),
        lambda led, one: COMING.save(led, "demo", one),
        lambda led: COMING.saved(led, "demo"),
    ),
    "who is known": (
        known, lambda led, one: KNOWN.save(led, "demo", one), lambda led: KNOWN.saved(led, "demo")
    ),
    "a change that is begun": (
        lambda: PendingChange(NOON, "apply", "a test", "me", model().text, "", touched()),
        lambda led, one: UNDERTAKEN.save(led, "demo", one),
        lambda led: UNDERTAKEN.saved(led, "demo"),
    ),
    "that change in the history": (change, lambda led, one: led.record(one), lambda led: next(iter(led.history("demo")))),
    "a custody in which everything failed": (
        worst_custody,
        lambda led, one: led.keep_custody(one),
        lambda led: replace(led.custody("demo"), version=0),
    ),
}  # fmt: skip


def counted(item: dict[str, Any]) -> int:
    """As DynamoDB counts an item: names and values, in bytes."""

    def of(value: dict[str, Any]) -> int:
        ((kind, one),) = value.items()
        match kind:
            case "S":
                return len(one.encode())
            case "B":
                return len(one)
            case "N":
                return len(one) // 2 + 2
            case "M":
                return 3 + counted(one) + len(one)
        raise AssertionError(f"nobody counts a {kind} here")

    return sum(len(name.encode()) + of(value) for name, value in item.items())


@pytest.mark.parametrize(("make", "keep", "kept"), KEPT.values(), ids=KEPT)
def test_the_largest_that_is_kept_fits_and_comes_back(
    ledger: DynamoLedger,
    aws: Emulator,
    table: str,
    make: Callable[[], Any],
    keep: Callable[[DynamoLedger, Any], Any],
    kept: Callable[[DynamoLedger], Any],
) -> None:
    value = make()
    keep(ledger, value)
    assert kept(ledger) == value
    written = [counted(one) for one in items(aws, table)]
    assert max(written) <= ITEM
    assert sum(written) <= TRANSACTION, "with its parts it is one transaction"


def test_the_emulated_table_takes_no_more_in_an_item_than_the_real_one(aws: Emulator, table: str) -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    with pytest.raises(ClientError, match="exceeded the maximum allowed size"):
        aws.client("dynamodb").put_item(TableName=table, Item={**key, "value": {"B": bytes(ITEM)}})


# ---------------------------------------------------------------------- what is too large is an error before anything is done


def on_the_table(here: Account, ledger: DynamoLedger) -> Services:
    """Its services, with what its ledger holds of the deployment on the emulated table."""
    registration = here.ledger.registration("demo")
    ledger.register(registration)
    ledger.keep_model("demo", replace(here.ledger.model("demo"), version=0))
    for owner, mine in here.ledger.claims(registration.place.id).items():
        ledger.keep_claims(registration.place.id, owner, Claims(mine))
    return replace(here.services, ledger=ledger)


@pytest.fixture
def takes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger takes nothing that would have to be cut, and cuts sooner."""
    monkeypatch.setattr("portcullis.adapters.ledger.codec.ITEM_BYTES", 3_000)
    monkeypatch.setattr("portcullis.adapters.ledger.codec.MOST_PARTS", 0)


@pytest.mark.usefixtures("takes_little")
def test_a_change_that_is_too_large_to_write_down_is_refused_and_nothing_is_written(ledger: DynamoLedger) -> None:
    here = orders_account()
    services, before = on_the_table(here, ledger), here.engine.read().documents
    roles = "".join(f"    {name}: {role(name)}\n" for name in names("team_", ROLES))
    with pytest.raises(Refused, match="is too large for the ledger"):
        apply_text(services, "demo", TEXT.replace("  roles:\n", f"  roles:\n{roles}"), CAUSE)
    assert here.engine.read().documents == before
    assert ledger.model("demo").text == TEXT
    assert UNDERTAKEN.saved(ledger, "demo") is None
    assert COMING.saved(ledger, "demo") is None


@pytest.mark.usefixtures("takes_little")
def test_mappings_that_cannot_be_put_aside_stay_and_indices_are_blocked(ledger: DynamoLedger) -> None:
    here = town()
    engine = here.account.engine
    many = {name: mapping(users=["somebody"]) for name in names("team_", ROLES)}
    engine.held = SecurityConfig({**engine.held.documents, Kind.MAPPINGS: {**engine.held.of(Kind.MAPPINGS), **many}})
    services, before = replace(here.services, ledger=on_the_table(here.account, ledger).ledger), engine.read().documents
    here.aws.disabled = True
    after = guard(services, "demo", CAUSE)
    assert after.state is State.LOCKING
    assert "is too large for the ledger" in after.measures[Measure.SAVE].detail
    assert Measure.SHUT_MAPPINGS not in after.measures
    assert engine.read().documents == before
    assert after.measures[Measure.BLOCK_INDICES].progress is Progress.DONE
    assert all(one["index.blocks.read"] == "true" for one in engine.blocks().values())
