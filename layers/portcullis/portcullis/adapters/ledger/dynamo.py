"""The ledger: one DynamoDB table.

pk                      sk                     holds
deployments             <deployment>           registration
deployment#<name>       model                  the deployment file's text and the resolved access model
                        watermark              what the last finished reconcile covers
                        custody                state, health, measures (optimistic version)
                        saved#<name>           what a lock put aside
                        history#<time>#<n>     a change, kept 400 days
domain#<domain arn>     claims#<owner>         what an owner added (written at once or not at all; optimistic version)
                        lease                  who may write to the engine now
part#<n>#<pk>           <sk>                   a part of an item that was too large for one

How an item is cut and kept whole: `table`. Custody, which is written on a condition of its own, stays one item: a few steps, each with a
few words.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from msgspec import MsgspecError

from portcullis.access.plan import AccessModel
from portcullis.adapters.ledger.codec import (
    TooLarge,
    claims_written,
    decode,
    decode_whole,
    encode,
)
from portcullis.adapters.ledger.items import claims_of, key_of, version_of
from portcullis.adapters.ledger.table import NotBeside, Table
from portcullis.custody.types import Custody
from portcullis.errors import BadInput, Conflict, NoDeployment, Overtaken, Refused
from portcullis.model.option_types import Options
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import KeptModel, Registration

_HISTORY_SECONDS = 400 * 24 * 3600
_MOST_CONFLICTS = 10


class DynamoLedger:
    """The Ledger protocol on a DynamoDB table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._items, self._now = Table(client, table), now
        self._counter = itertools.count()
        self._of_thread = threading.local()  # the leases that a thread has: domain -> (token, seconds)

    # ------------------------------------------------------------------ deployments

    def deployments(self) -> tuple[str, ...]:
        return tuple(item["sk"]["S"] for item in self._items.query("deployments", ""))

    def registrations(self) -> tuple[Registration, ...]:
        return tuple(decode(item["value"], Registration) for item in self._items.query("deployments", ""))

    def registration(self, deployment: str) -> Registration:
        item = self._items.get("deployments", deployment)
        if item is None:
            known = ", ".join(sorted(self.deployments())) or "none"
            raise NoDeployment(f"no deployment named {deployment!r} is in the ledger (known: {known})")
        registration: Registration = decode(item["value"], Registration)
        return registration

    def register(self, registration: Registration) -> None:
        self._items.put("deployments", registration.deployment, "the registration", value=registration)

    def unregister(self, deployment: str) -> None:
        self._items.delete("deployments", deployment)

    def model(self, deployment: str) -> KeptModel:
        item = self._items.get(f"deployment#{deployment}", "model")
        if item is None:
            raise Refused(f"the ledger holds no access model of {deployment!r}; apply one first")
        try:
            return KeptModel(
                text=decode(item["text"], str),
                access=decode(item["access"], AccessModel),
                options=decode(item["options"], Options),
                version=version_of(item),
            )
        except MsgspecError as error:
            remedy = "it was written by another Portcullis: deploy that version"
            raise BadInput(f"cannot be read: {error}", source="ledger", place="model", remedy=remedy) from None

    def keep_model(self, deployment: str, model: KeptModel) -> KeptModel:
        pk, what, version = f"deployment#{deployment}", f"the access model of {deployment!r}", model.version
        self._items.put(pk, "model", what, version=version, text=model.text, access=model.access, options=model.options)
        return replace(model, version=model.version + 1)

    # ------------------------------------------------------------------ claims and the lease

    def claims(self, domain: str) -> Mapping[str, Claims]:
        items = self._items.query(f"domain#{domain}", "claims#")
        return {item["sk"]["S"].removeprefix("claims#"): claims_of(item) for item in items}

    def keep_claims(self, domain: str, owner: str, claims: Claims) -> Claims:
        """In one write with the lease, where this thread has it: what others claim was read under it, and stands until it is lost."""
        what, values = f"the list of claims of {owner!r}", claims_written(claims)
        lease = self._lease_kept(domain)
        beside = [{"Put": {"TableName": self._items.name, **lease}}] if lease else []
        try:
            self._items.put(
                f"domain#{domain}", f"claims#{owner}", what, version=claims.version, beside=beside, **values
            )
        except NotBeside:
            raise _overtaken(domain) from None
        return Claims(claims, version=claims.version + 1, late=claims.late, until=claims.until)

    @contextmanager
    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> Iterator[bool]:
        """The right to write to a domain's engine, of the thread that takes it; yields whether it was had within `wait` seconds.

        A holder that died loses it after `seconds`; one that works renews it before each write, and stops where it was lost.
        """
        token = f"{holder}#{secrets.token_hex(6)}"
        deadline = time.monotonic() + wait
        while not (held := self._take_lease(domain, token, seconds)) and time.monotonic() < deadline:
            time.sleep(0.05 + secrets.randbelow(100) / 1000)
        if held:
            self._leases()[domain] = (token, seconds)
        try:
            yield held
        finally:
            if held:
                self._leases().pop(domain, None)
                self._drop_lease(domain, token)

    def renew(self, domain: str) -> None:
        lease = self._lease_kept(domain)
        if not lease or not self._items.put_if(**lease):
            raise _overtaken(domain)

    def _lease_kept(self, domain: str) -> dict[str, Any]:
        """The write that has this thread's lease last from now on, if it is still its own; empty if the thread has none."""
        token, seconds = self._leases().get(domain, ("", 0.0))
        if not token:
            return {}
        return {
            "Item": self._lease_item(domain, token, seconds),
            "ConditionExpression": "#token = :token",
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": {":token": {"S": token}},
        }

    def _leases(self) -> dict[str, tuple[str, float]]:
        found: dict[str, tuple[str, float]] = self._of_thread.__dict__.setdefault("leases", {})
        return found

    def _lease_item(self, domain: str, token: str, seconds: float) -> dict[str, Any]:
        until = self._now().timestamp() + seconds
        return {**key_of(f"domain#{domain}", "lease"), "token": {"S": token}, "until": {"N": f"{until:.3f}"}}

    def _take_lease(self, domain: str, token: str, seconds: float) -> bool:
        return self._items.put_if(
            Item=self._lease_item(domain, token, seconds),
            ConditionExpression="attribute_not_exists(pk) OR #until < :now",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":now": {"N": f"{self._now().timestamp():.3f}"}},
        )

    def _drop_lease(self, domain: str, token: str) -> None:
        # Where the condition does not hold it ran out, and somebody else has it now.
        self._items.delete_if(
            Key=key_of(f"domain#{domain}", "lease"),
            ConditionExpression="#token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": {"S": token}},
        )

    # ------------------------------------------------------------------ watermark, custody

    def watermark(self, deployment: str) -> datetime | None:
        item = self._items.get(f"deployment#{deployment}", "watermark")
        return None if item is None else datetime.fromisoformat(item["until"]["S"])

    def raise_watermark(self, deployment: str, covered_until: datetime) -> None:
        until = covered_until.astimezone(UTC).isoformat(timespec="microseconds")
        self._items.put_if(
            Item={**key_of(f"deployment#{deployment}", "watermark"), "until": {"S": until}},
            ConditionExpression="attribute_not_exists(pk) OR #until < :until",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":until": {"S": until}},
        )

    def custody(self, deployment: str) -> Custody:
        item = self._items.get(f"deployment#{deployment}", "custody")
        return Custody(deployment) if item is None else decode_whole(item["value"], Custody)

    def keep_custody(self, custody: Custody) -> Custody:
        """Keep it with the next version, which is returned. Conflict if somebody kept another one since it was read."""
        kept = replace(custody, version=custody.version + 1)
        stored = self._items.put_if(
            Item={
                **key_of(f"deployment#{custody.deployment}", "custody"),
                "value": encode(kept),
                "version": {"N": str(kept.version)},
            },
            ConditionExpression="attribute_not_exists(pk) OR #version = :version",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":version": {"N": str(custody.version)}},
        )
        if not stored:
            raise Conflict(f"the custody of {custody.deployment!r} was changed by somebody else meanwhile")
        return kept

    # ------------------------------------------------------------------ put aside

    def save(self, deployment: str, name: str, value: Any) -> None:
        self._items.put(f"deployment#{deployment}", f"saved#{name}", f"{name!r} of {deployment!r}", value=value)

    def saved(self, deployment: str, name: str) -> Any | None:
        item = self._items.get(f"deployment#{deployment}", f"saved#{name}")
        return None if item is None else decode(item["value"])

    def look_up(self, deployment: str, names: Collection[str]) -> Mapping[str, Any]:
        keys = {name: key_of(f"deployment#{deployment}", f"saved#{name}") for name in names}
        found = zip(keys, self._items.get_together(list(keys.values())), strict=True)
        return {name: decode(item["value"]) for name, item in found if item}

    def forget(self, deployment: str, name: str) -> None:
        self._items.delete(f"deployment#{deployment}", f"saved#{name}")

    def change(self, deployment: str, name: str, how: Callable[[Any | None], Any | None]) -> None:
        pk, sk, what = f"deployment#{deployment}", f"saved#{name}", f"{name!r} of {deployment!r}"
        for attempt in range(_MOST_CONFLICTS):
            item = self._items.get(pk, sk) or {}
            before = decode(item["value"]) if item else None
            if (after := how(before)) == before:
                return None
            try:
                # Nothing is kept as such: with the item its version would go, and another's might be taken for it.
                return self._items.put(pk, sk, what, version=version_of(item), value=after)
            except Conflict:
                time.sleep(attempt * secrets.randbelow(50) / 1000)
        raise Conflict(f"{what} is changed by others faster than it can be kept")

    def forget_all(self, deployment: str, but: Collection[str] = ()) -> None:
        for item in list(self._items.query(f"deployment#{deployment}", "saved#")):
            if (name := item["sk"]["S"].removeprefix("saved#")) not in but:
                self.forget(deployment, name)

    # ------------------------------------------------------------------ history

    def record(self, change: Change) -> None:
        stamp = change.at.astimezone(UTC).isoformat(timespec="microseconds")
        pk, sk = f"deployment#{change.deployment}", f"history#{stamp}#{next(self._counter):04d}{secrets.token_hex(3)}"
        expires = int(change.at.timestamp()) + _HISTORY_SECONDS
        try:
            self._items.put(pk, sk, change.summary, expires=expires, value=change)
        except TooLarge:
            words = f"{change.summary} (what it touched was too large to keep: it cannot be rolled back)"
            kept = replace(change, summary=words, before=None, after=None, touched=(), model_before="")
            self._items.put(pk, sk, change.summary, expires=expires, value=kept)

    def history(self, deployment: str, limit: int = 50) -> Iterator[Change]:
        """The latest first, and one at a time: what a large change touched may be hundreds of megabytes here."""
        items = self._items.query(f"deployment#{deployment}", "history#", newest_first=True, page=limit)
        # What has expired is deleted piece by piece, some day.
        lasting = (item for item in items if int(item["expires"]["N"]) > self._now().timestamp())
        return (decode(item["value"], Change) for item in itertools.islice(lasting, limit))


def _overtaken(domain: str) -> Overtaken:
    return Overtaken(
        f"another writer is at work on {domain.rpartition('/')[2]} by now: look what is done, and try again"
    )
