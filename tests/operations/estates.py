"""What a key protects, in memory: domains with documents, their snapshots, keys at KMS. Two domains share nothing but the repository."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel
from portcullis.custody.keys.key_policy import Context, to_paste
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.errors import Refused
from portcullis.families.base import RESTORED
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.shutting.baseline import SNAPSHOT_ROLE
from portcullis.model.option_types import Options
from portcullis.operations.services import Services
from portcullis.ports.data import Document
from portcullis.ports.registration import KeptModel, Registration
from portcullis.ports.registration import Key as RegisteredKey
from portcullis.settings import Settings

from tests.operations.worlds import (
    ACCOUNT,
    Account,
    Engine,
    Fate,
    account,
    house,
    mapping,
    place,
    registration,
    snapshot_store,
)

REGION = "eu-central-1"


def key_arn(name: str) -> str:
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"


@dataclass
class Key:
    """The KeyDesk protocol, of one key."""

    name: str
    state: str = "Enabled"
    made: datetime = datetime(2025, 5, 1, tzinfo=UTC)
    rotations: list[Json] = field(default_factory=list)
    grants: list[Json] = field(default_factory=list)
    more: Json = field(default_factory=dict)
    refuses: str = ""
    now: Any = None

    def describe(self, named: str) -> KeyAnswers:
        import json

        metadata = {
            "Arn": key_arn(self.name),
            "KeyId": self.name,
            "KeyState": self.state,
            "KeySpec": "SYMMETRIC_DEFAULT",
            "CreationDate": self.made,
            **self.more,
        }
        return KeyAnswers(
            {"KeyMetadata": metadata},
            {"Policy": json.dumps(to_paste(Context(ACCOUNT, REGION)))},
            {"KeyRotationEnabled": True, "RotationPeriodInDays": 365},
            {"Grants": self.grants},
            {"Rotations": list(self.rotations)},
            {"Tags": []},
        )

    def rotate(self, key_arn: str) -> None:
        if self.refuses:
            raise Refused(self.refuses)
        self.rotations.append({"RotationType": "ON_DEMAND", "RotationDate": self.now()})

    def schedule_deletion(self, key_arn: str, days: int) -> datetime:
        self.state = "PendingDeletion"
        due: datetime = self.now() + timedelta(days=days)
        self.more["DeletionDate"] = due
        return due


@dataclass
class Store:
    """One domain's user indices, its snapshots (a repository that others may share), and itself."""

    fate: Fate
    repository: dict[str, Json]
    now: Any
    indices: dict[str, dict[str, tuple[int, Any]]] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    there: bool = True
    refuses_to_delete: Exception | None = None  # what AWS answers to a deletion
    registered: bool = True
    slow: int = 0  # looks until a snapshot or a restore is finished
    fails: list[str] = field(default_factory=list)  # states that the next snapshots end in
    sequence: int = 0
    corrupt: bool = False
    compared: Callable[[], None] = lambda: None  # when a portion of documents is read
    closed: set[str] = field(default_factory=set)
    unreadable: bool = False  # the snapshots of others, for this one
    key: str = ""  # ARN of the one it was made with, if not the registered one
    lets_taker_in: Callable[[], bool] = lambda: True

    # as people
    def write(self, index: str, identifier: str, source: Any) -> None:
        if index in self.blocked:
            raise Refused("blocked")
        self.sequence += 1
        self.indices.setdefault(index, {})[identifier] = (self.sequence, source)

    # Documents
    def counted(self) -> dict[str, int]:
        return {index: len(documents) for index, documents in self.indices.items() if index not in self.closed}

    def is_restored(self, index: str) -> bool:
        if self.slow:
            self.slow -= 1
            return False
        return index in self.indices

    def shards(self, index: str) -> int:
        return 1

    def last_sequence(self, index: str, shard: int) -> int:
        return max((number for number, _ in self.indices[index].values()), default=-1)

    def of_shard(self, index: str, shard: int, start: int = 0, stop: int | None = None) -> Collection[Document]:
        if stop is not None:
            self.compared()
        return [
            Document(identifier, number, sha256(repr(source).encode()).digest())
            for identifier, (number, source) in self.indices[index].items()
            if start <= number and (stop is None or number < stop)
        ]

    def freeze(self, indices: Collection[str]) -> None:
        with self.fate("freeze"):
            self.blocked |= set(indices)

    def thaw(self, indices: Collection[str], before: Mapping[str, bool]) -> None:
        with self.fate("thaw"):
            self.blocked -= {index for index in indices if not before.get(index)}

    def frozen(self) -> dict[str, bool]:
        return {index: index in self.blocked for index in self.indices}

    def remove(self, index: str) -> None:
        assert index.startswith(RESTORED)
        self.indices.pop(index, None)

    # Snapshots
    def _let_taker_in(self) -> None:
        if not self.lets_taker_in():
            raise Refused("no permissions for [cluster:admin/repository]")

    def register(self, repository: str, settings: Mapping[str, Any], kind: str = "s3") -> None:
        self._let_taker_in()
        if self.unreadable and settings.get("readonly"):
            raise Refused("the store role is not authorized to perform: kms:Decrypt")
        self.registered = True

    def take(self, repository: str, snapshot: str, indices: str) -> None:
        self._let_taker_in()
        if snapshot in self.repository:
            raise Refused("invalid_snapshot_name_exception")
        with self.fate("take"):
            kept = {i: dict(d) for i, d in self.indices.items() if not i.startswith(RESTORED)}
            state = self.fails.pop(0) if self.fails else "IN_PROGRESS"
            self.repository[snapshot] = {"state": state, "start": self.now(), "indices": kept}

    def restore(self, repository: str, snapshot: str, indices: str, prefix: str) -> None:
        self._let_taker_in()
        with self.fate("restore"):
            for index in (one for one in indices.split(",") if not one.startswith("-")):
                if prefix + index in self.indices:
                    raise Refused("an open index with same name already exists")
                came_back = dict(self.repository[snapshot]["indices"][index])
                if self.corrupt:
                    came_back.pop(next(iter(came_back)))
                self.indices[prefix + index] = came_back

    def listed(self, repository: str) -> list[Json]:
        self._let_taker_in()
        if self.unreadable and "-of-" in repository:
            raise Refused("repository_missing_exception")
        if not self.registered:
            raise Refused("repository_missing_exception")
        for one in self.repository.values():
            if one["state"] == "IN_PROGRESS":
                if self.slow:
                    self.slow -= 1
                else:
                    one["state"] = "SUCCESS"
        return [
            {"snapshot": name, **one, "start": one["start"].isoformat(), "indices": sorted(one["indices"])}
            for name, one in self.repository.items()
        ]

    # Domain
    def set_master(self, registration: Registration, role_arn: str) -> None:
        raise AssertionError("nobody changes a master here")

    def exists(self, registration: Registration) -> bool:
        return self.there

    def key_of(self, registration: Registration) -> str:
        return self.key or registration.key.arn

    def delete(self, registration: Registration) -> None:
        with self.fate("delete"):
            if self.refuses_to_delete:
                raise self.refuses_to_delete
            self.there = False

    # Endpoints are of the account: see Estate


@dataclass
class Estate:
    """An account with deployments, each with its own domain and key."""

    account: Account
    services: Services
    stores: dict[str, Store]
    keys: dict[str, Key]
    repository: dict[str, Json]
    endpoints: dict[str, str]

    def tell(self, deployment: str, endpoint: str) -> None:
        self.endpoints[deployment] = endpoint

    def told(self, deployment: str) -> str:
        return self.endpoints.get(deployment, "")

    def later(self, **time: float) -> None:
        self.account.aws.at += timedelta(**time)

    def alerts(self) -> list[str]:
        return [alert.name for alert in self.account.aws.told]

    def operations(self, deployment: str) -> list[str]:
        return [change.operation for change in reversed(self.services.ledger.history(deployment, 500))]


def estate(*deployments: str, options: Json | None = None, fate: Fate | None = None, may_delete: bool = True) -> Estate:
    """Deployments, each with a key of the same name and a store with a few documents in `orders`."""
    fate = fate or Fate()
    base = account(fate=fate)
    repository: dict[str, Json] = {}
    stores = {name: Store(fate, repository, base.aws.now) for name in deployments}
    keys = {name: Key(name, now=base.aws.now) for name in deployments}
    engines = {name: Engine(house(), fate) for name in deployments}
    made = Estate(base, base.services, stores, keys, repository, {})
    of = lambda found: lambda registration: found[registration.deployment]  # noqa: E731
    made.services = replace(
        base.services,
        settings=Settings("ledger", may_delete=may_delete),
        engine=of(engines),
        master=of(engines),
        canary=of(engines),
        key_desk=of(keys),
        documents=of(stores),
        snapshots=of(stores),
        domain=of(stores),
        endpoints=lambda _: made,
        sleep=lambda seconds: made.later(seconds=seconds),
    )
    for name in deployments:
        kept, engine = snapshot_store(name), engines[name]
        let_in = {"op": "add", "path": f"/{SNAPSHOT_ROLE}", "value": mapping(backend_roles=[kept.taker])}
        engine.by_hand(Kind.MAPPINGS, [let_in])
        stores[name].lets_taker_in = partial(_takes_snapshots, engine, kept.taker)
        where = place(name, endpoint=f"{name}.example.com")
        base.ledger.register(registration(name, name, place=where, key=RegisteredKey(key_arn(name)), snapshots=kept))
        base.ledger.keep_model(name, KeptModel("", AccessModel(), msgspec.convert(options or {}, Options)))
    return made


def _takes_snapshots(engine: Engine, taker: str) -> bool:
    mapped = engine.held.get(Kind.MAPPINGS, SNAPSHOT_ROLE) or {}
    return taker in mapped.get("backend_roles", ())
