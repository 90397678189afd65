"""The ledger: one DynamoDB table.

pk                      sk                     holds
deployments             <deployment>           registration
deployment#<name>       model                  the deployment file's text and the resolved access model
                        watermark              what the last finished reconcile covers
                        custody                state, health, measures (optimistic version)
                        saved#<name>           what a lock put aside
                        history#<time>#<n>     a change, kept 400 days
domain#<domain arn>     claims#<owner>         what an owner added (one item: written at once or not at all)
                        lease                  who may write to the engine now
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from portcullis.access.plan import AccessModel, Claim
from portcullis.clients import unanswered
from portcullis.custody.types import Custody
from portcullis.errors import Conflict, PortcullisError, Refused, Unreachable
from portcullis.ledger.codec import TooLarge, decode, decode_whole, encode
from portcullis.operations.ports import Change, KeptModel, Registration

_HISTORY_SECONDS = 400 * 24 * 3600


class DynamoLedger:
    """The Ledger protocol on a DynamoDB table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._table, self._now = client, table, now
        self._counter = itertools.count()

    # ------------------------------------------------------------------ deployments

    def registrations(self) -> tuple[Registration, ...]:
        return tuple(decode(item["value"], Registration) for item in self._query("deployments", ""))

    def registration(self, deployment: str) -> Registration:
        item = self._get("deployments", deployment)
        if item is None:
            known = ", ".join(sorted(r.deployment for r in self.registrations())) or "none"
            raise Refused(f"no deployment named {deployment!r} is in the ledger (known: {known})")
        registration: Registration = decode(item["value"], Registration)
        return registration

    def register(self, registration: Registration) -> None:
        self._put("deployments", registration.deployment, {"value": encode(registration)})

    def unregister(self, deployment: str) -> None:
        self._delete("deployments", deployment)

    def model(self, deployment: str) -> KeptModel:
        item = self._get(f"deployment#{deployment}", "model")
        if item is None:
            raise Refused(f"the ledger holds no access model of {deployment!r}; apply one first")
        return KeptModel(
            text=decode(item["text"], str),
            access=decode(item["access"], AccessModel),
            options=decode(item["options"], dict),
        )

    def keep_model(self, deployment: str, model: KeptModel) -> None:
        try:
            values = {"text": encode(model.text), "access": encode(model.access), "options": encode(model.options)}
        except TooLarge as error:
            raise Refused(f"the access model of {deployment!r} is too large for the ledger: {error}") from None
        self._put(f"deployment#{deployment}", "model", values)

    # ------------------------------------------------------------------ claims and the lease

    def claims(self, domain: str) -> Mapping[str, frozenset[Claim]]:
        return {
            item["sk"]["S"].removeprefix("claims#"): decode(item["value"], frozenset[Claim])
            for item in self._query(f"domain#{domain}", "claims#")
        }

    def keep_claims(self, domain: str, owner: str, claims: Collection[Claim]) -> None:
        try:
            value = encode(sorted(claims))
        except TooLarge as error:
            raise Refused(f"the claims of {owner!r} are too many for the ledger: {error}") from None
        self._put(f"domain#{domain}", f"claims#{owner}", {"value": value})

    @contextmanager
    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> Iterator[bool]:
        """The right to write to a domain's engine; yields whether it was had within `wait` seconds.

        A holder that died loses it after `seconds`. The engine refuses stale writes by itself (length guards), so
        a caller who may not wait (a lock) goes on without it.
        """
        token = f"{holder}#{secrets.token_hex(6)}"
        deadline = time.monotonic() + wait
        while not (held := self._take_lease(domain, token, seconds)) and time.monotonic() < deadline:
            time.sleep(0.05 + secrets.randbelow(100) / 1000)
        try:
            yield held
        finally:
            if held:
                self._drop_lease(domain, token)

    def _take_lease(self, domain: str, token: str, seconds: float) -> bool:
        now = self._now().timestamp()
        return self._conditional(
            Item={**_key(f"domain#{domain}", "lease"), "token": {"S": token}, "until": {"N": f"{now + seconds:.3f}"}},
            ConditionExpression="attribute_not_exists(pk) OR #until < :now",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":now": {"N": f"{now:.3f}"}},
        )

    def _drop_lease(self, domain: str, token: str) -> None:
        with self._translated():
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key=_key(f"domain#{domain}", "lease"),
                    ConditionExpression="#token = :token",
                    ExpressionAttributeNames={"#token": "token"},
                    ExpressionAttributeValues={":token": {"S": token}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return  # it ran out and somebody else holds it now

    # ------------------------------------------------------------------ watermark, custody

    def watermark(self, deployment: str) -> datetime | None:
        item = self._get(f"deployment#{deployment}", "watermark")
        return None if item is None else datetime.fromisoformat(item["until"]["S"])

    def raise_watermark(self, deployment: str, covered_until: datetime) -> None:
        until = covered_until.astimezone(UTC).isoformat(timespec="microseconds")
        self._conditional(
            Item={**_key(f"deployment#{deployment}", "watermark"), "until": {"S": until}},
            ConditionExpression="attribute_not_exists(pk) OR #until < :until",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":until": {"S": until}},
        )

    def custody(self, deployment: str) -> Custody:
        item = self._get(f"deployment#{deployment}", "custody")
        return Custody(deployment) if item is None else decode_whole(item["value"], Custody)

    def keep_custody(self, custody: Custody) -> Custody:
        """Keep it with the next version, which is returned. Conflict if somebody kept another one since it was read."""
        kept = replace(custody, version=custody.version + 1)
        stored = self._conditional(
            Item={
                **_key(f"deployment#{custody.deployment}", "custody"),
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
        try:
            encoded = encode(value)
        except TooLarge as error:
            raise Refused(f"{name!r} of {deployment!r} is too large for the ledger: {error}") from None
        self._put(f"deployment#{deployment}", f"saved#{name}", {"value": encoded})

    def saved(self, deployment: str, name: str) -> Any | None:
        item = self._get(f"deployment#{deployment}", f"saved#{name}")
        return None if item is None else decode(item["value"])

    def forget(self, deployment: str, name: str) -> None:
        self._delete(f"deployment#{deployment}", f"saved#{name}")

    def forget_all(self, deployment: str) -> None:
        for item in list(self._query(f"deployment#{deployment}", "saved#")):
            self.forget(deployment, item["sk"]["S"].removeprefix("saved#"))

    # ------------------------------------------------------------------ history

    def record(self, change: Change) -> None:
        stamp = change.at.astimezone(UTC).isoformat(timespec="microseconds")
        key = f"history#{stamp}#{next(self._counter):04d}{secrets.token_hex(3)}"
        try:
            value = encode(change)
        except TooLarge:
            words = f"{change.summary} (what it touched was too large to keep: it cannot be rolled back)"
            value = encode(replace(change, summary=words, before=None, after=None, touched=(), model_before=""))
        expires = int(change.at.timestamp()) + _HISTORY_SECONDS
        self._put(f"deployment#{change.deployment}", key, {"value": value, "expires": {"N": str(expires)}})

    def history(self, deployment: str, limit: int = 50) -> tuple[Change, ...]:
        items = itertools.islice(
            self._query(f"deployment#{deployment}", "history#", newest_first=True, page=limit), limit
        )
        return tuple(decode(item["value"], Change) for item in items)

    # ------------------------------------------------------------------ DynamoDB

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        with self._translated():
            answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _put(self, pk: str, sk: str, values: dict[str, Any]) -> None:
        with self._translated():
            self._client.put_item(TableName=self._table, Item={**_key(pk, sk), **values})

    def _delete(self, pk: str, sk: str) -> None:
        with self._translated():
            self._client.delete_item(TableName=self._table, Key=_key(pk, sk))

    def _conditional(self, **put: Any) -> bool:
        with self._translated():
            try:
                self._client.put_item(TableName=self._table, **put)
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _query(
        self, pk: str, prefix: str, *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if prefix:
            query["KeyConditionExpression"] += " AND begins_with(sk, :prefix)"
            query["ExpressionAttributeValues"][":prefix"] = {"S": prefix}
        if page:
            query["Limit"] = page
        while True:
            with self._translated():
                answer = self._client.query(**query)
            yield from answer.get("Items", [])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PortcullisError:
            raise
        except self._client.exceptions.ConditionalCheckFailedException:
            raise
        except Exception as error:
            if why := unanswered(error):
                raise Unreachable(f"the ledger {self._table} did not answer: {why}") from error
            raise


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}
