"""A ledger in memory, for the laws: what it keeps is JSON, with the versions and leases of the real one; able to break off at any call."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from portcullis.access.plan import Claim
from portcullis.adapters.ledger.codec import claims_read, claims_written
from portcullis.custody.types import Custody
from portcullis.errors import Conflict, NoDeployment, Overtaken, Refused
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import KeptModel, Registration
from portcullis.typed import of_json, of_plain

NAMES = itertools.count(1)


class Crash(BaseException):
    """The machine under us is gone: nothing catches it."""


@dataclass
class Fate:
    """Breaks off at the n-th call that changes something: before it takes effect, or just after."""

    at: int = -1
    after: bool = False
    calls: int = 0

    @contextmanager
    def __call__(self, _what: str) -> Iterator[None]:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Crash
        yield
        if self.calls == self.at and self.after:
            raise Crash


class Memory:
    """The Ledger protocol. What is kept is JSON, as in the table."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self._items: dict[tuple[str, str], Any] = {}
        self._lock = threading.RLock()
        self._history: list[tuple[str, bytes]] = []
        self._leases: dict[str, tuple[str, float]] = {}
        self._of_thread = threading.local()

    def _put(self, key: tuple[str, str], value: Any) -> None:
        with self.fate(str(key)), self._lock:
            self._items[key] = msgspec.json.encode(value)

    def _get(self, key: tuple[str, str], kind: Any = Any) -> Any:
        with self._lock:
            raw = self._items.get(key)
        return None if raw is None else of_json(raw, kind)

    def _drop(self, key: tuple[str, str]) -> None:
        with self.fate(str(key)), self._lock:
            self._items.pop(key, None)

    def deployments(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(name for table, name in self._items if table == "registration"))

    def registrations(self) -> tuple[Registration, ...]:
        return tuple(self.registration(name) for name in self.deployments())

    def registration(self, deployment: str) -> Registration:
        found = self._get(("registration", deployment), Registration)
        if found is None:
            raise NoDeployment(f"no deployment named {deployment!r} is in the ledger")
        assert isinstance(found, Registration)
        return found

    def register(self, registration: Registration) -> None:
        self._put(("registration", registration.deployment), registration)

    def unregister(self, deployment: str) -> None:
        self._drop(("registration", deployment))

    def model(self, deployment: str) -> KeptModel:
        found = self._get(("model", deployment), KeptModel)
        if found is None:
            raise Refused(f"the ledger holds no access model of {deployment!r}")
        assert isinstance(found, KeptModel)
        return found

    def keep_model(self, deployment: str, model: KeptModel) -> KeptModel:
        key, kept = ("model", deployment), replace(model, version=model.version + 1)
        with self._lock:
            now = self._get(key, KeptModel)
            if (now.version if now else 0) != model.version:
                raise Conflict("the model was changed by somebody else meanwhile")
            self._put(key, kept)
        return kept

    def claims(self, domain: str) -> Mapping[str, Claims]:
        with self._lock:
            owners = [name for table, name in self._items if table == f"claims {domain}"]
            return {owner: self._claims(domain, owner) for owner in owners}

    def _claims(self, domain: str, owner: str) -> Claims:
        found = self._get((f"claims {domain}", owner), dict[str, Any]) or {"value": [], "version": 0}
        return claims_read(of_plain(found["value"], list[Claim]), found.get("late"), found["version"])

    def keep_claims(self, domain: str, owner: str, claims: Claims) -> Claims:
        token, _ = self._of_thread.__dict__.get(domain, ("", 0.0))
        with self._lock:
            if token and self._leases.get(domain, ("", 0.0))[0] != token:
                raise Overtaken("another writer is at work by now")
            if self._claims(domain, owner).version != claims.version:
                raise Conflict("the claims were changed by somebody else meanwhile")
            version = claims.version + 1
            self._put((f"claims {domain}", owner), {**claims_written(claims), "version": version})
        return Claims(claims, version=version, late=claims.late, until=claims.until)

    @contextmanager
    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> Iterator[bool]:
        token, deadline = f"{holder} {next(NAMES)}", time.monotonic() + wait
        while not (had := self._take(domain, token, seconds)) and time.monotonic() < deadline:
            time.sleep(0.005)
        mine = self._of_thread.__dict__
        if had:
            mine[domain] = (token, seconds)
        try:
            yield had
        finally:
            with self._lock:
                if had:
                    mine.pop(domain, None)
                if self._leases.get(domain, ("", 0))[0] == token:
                    del self._leases[domain]

    def renew(self, domain: str) -> None:
        token, seconds = self._of_thread.__dict__.get(domain, ("", 0.0))
        with self._lock:
            if not token or self._leases.get(domain, ("", 0.0))[0] != token:
                raise Overtaken("another writer is at work by now")
            self._leases[domain] = (token, time.monotonic() + seconds)

    def _take(self, domain: str, token: str, seconds: float) -> bool:
        with self._lock:
            if self._leases.get(domain, ("", 0.0))[1] > time.monotonic():
                return False
            self._leases[domain] = (token, time.monotonic() + seconds)
            return True

    def watermark(self, deployment: str) -> datetime | None:
        found: datetime | None = self._get(("watermark", deployment), datetime)
        return found

    def raise_watermark(self, deployment: str, covered_until: datetime) -> None:
        before = self.watermark(deployment)
        if before is None or before < covered_until:
            self._put(("watermark", deployment), covered_until)

    def custody(self, deployment: str) -> Custody:
        found: Custody | None = self._get(("custody", deployment), Custody)
        return found or Custody(deployment)

    def keep_custody(self, custody: Custody) -> Custody:
        with self._lock:
            if self.custody(custody.deployment).version != custody.version:
                raise Conflict("overtaken")
            kept = replace(custody, version=custody.version + 1)
            self._put(("custody", custody.deployment), kept)
            return kept

    def save(self, deployment: str, name: str, value: Any) -> None:
        self._put((f"saved {deployment}", name), value)

    def saved(self, deployment: str, name: str) -> Any | None:
        return self._get((f"saved {deployment}", name))

    def look_up(self, deployment: str, names: Collection[str]) -> dict[str, Any]:
        with self._lock:
            return {name: found for name in names if (found := self.saved(deployment, name)) is not None}

    def forget(self, deployment: str, name: str) -> None:
        self._drop((f"saved {deployment}", name))

    def change(self, deployment: str, name: str, how: Callable[[Any | None], Any | None]) -> None:
        key = (f"saved {deployment}", name)
        with self._lock:
            before = self._get(key)
            if (after := how(before)) != before:
                self._put(key, after)

    def forget_all(self, deployment: str, but: Collection[str] = ()) -> None:
        for table, name in [*self._items]:
            if table == f"saved {deployment}" and name not in but:
                self.forget(deployment, name)

    def record(self, change: Change) -> None:
        with self.fate("history"), self._lock:
            self._history.append((change.deployment, msgspec.json.encode(change)))

    def history(self, deployment: str, limit: int = 50) -> tuple[Change, ...]:
        with self._lock:
            found = [of_json(raw, Change) for name, raw in self._history if name == deployment]
        found.sort(key=lambda change: change.at)  # as its key in the table does
        return tuple(reversed(found))[:limit]
