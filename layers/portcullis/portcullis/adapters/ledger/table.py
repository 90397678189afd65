"""The table of the ledger: items written, read and taken away, each whole, whatever it is cut into.

What is too large for one item is cut: the item says so, and a transaction writes it with all of its parts and takes away those that it
does not have, so that a reader finds the old value or the new one, whole, whatever is cut off when. All else is one plain write, on the
condition that there is nothing to take away. The parts are no neighbours: a transaction pays twice for each KB, and a partition takes
1,000 KB a second.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from portcullis.adapters.ledger.codec import CUT, TooLarge, cut, encode, joined
from portcullis.adapters.ledger.items import condition_on, failed_conditions, key_of, part_keys
from portcullis.clients import error_code, unanswered
from portcullis.errors import Conflict, PortcullisError, Unreachable

_WRITE = "write"  # of an item that was put on a condition: which write that was
_WAITS = (0.2, 0.8, 2.0)  # seconds, between the tries of a transaction


class NotBeside(Exception):
    """A condition of what was to be written beside does not hold."""


# Errors that say something of what was asked for; any other says that nothing was looked at.
_OF_WHAT_WAS_ASKED = ("ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException")


class Table:
    """One DynamoDB table by its name. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        with self._translated():
            answer = self._client.get_item(TableName=self.name, Key=key_of(pk, sk), ConsistentRead=True)
        return self._whole(answer["Item"]) if "Item" in answer else None

    def get_together(self, keys: Sequence[dict[str, Any]]) -> list[dict[str, Any] | None]:
        """Those of one moment."""
        return [self._whole(item) if item else None for item in self._gotten(keys)]

    def put(
        self,
        pk: str,
        sk: str,
        what: str,
        expires: int | None = None,
        version: int | None = None,
        beside: Sequence[dict[str, Any]] = (),
        **values: Any,
    ) -> None:
        """Keep these values in place of what is there. TooLarge names `what`; `expires` is in seconds of the epoch.

        With a `version`: in place of that version only, as the next one. Conflict if another one is there. What is written `beside`
        comes with it or not at all; NotBeside if a condition of that does not hold.
        """
        try:
            head, parts = cut({name: encode(value) for name, value in values.items()})
        except TooLarge as error:
            raise TooLarge(f"{what} is too large for the ledger: {error}") from None
        more = {} if expires is None else {"expires": {"N": str(expires)}}
        stamp = {} if version is None else {"version": {"N": str(version + 1)}}
        item = {**key_of(pk, sk), **head, **more, **stamp}
        if not parts and self._put_alone(item, condition_on(version, in_one_item=True), beside):
            return
        of_it = [{**key, **more, "part": {"B": part}} for key, part in zip(part_keys(pk, sk), parts, strict=False)]
        gone = part_keys(pk, sk)[len(parts) :]
        puts = [{"Put": {"TableName": self.name, "Item": one}} for one in (item, *of_it)]
        puts[0]["Put"] |= condition_on(version)
        try:
            self._at_once(self._client.transact_write_items, [*puts, *self._deletes(gone), *beside])
        except self._client.exceptions.TransactionCanceledException as error:
            failed = failed_conditions(error)
            if any(failed[len(failed) - len(beside) :]):
                raise NotBeside from None
            if version is None or not any(failed):
                raise
            raise Conflict(f"{what} was changed by somebody else meanwhile") from None

    def _put_alone(self, item: dict[str, Any], condition: dict[str, Any], beside: Sequence[dict[str, Any]]) -> bool:
        """An item without parts; False if a condition does not hold, of it or of what is written beside it."""
        if not beside:
            return self.put_if(Item=item, **condition)
        put = {"Put": {"TableName": self.name, "Item": item, **condition}}
        try:
            self._at_once(self._client.transact_write_items, [put, *beside])
        except self._client.exceptions.TransactionCanceledException as error:
            if not any(failed_conditions(error)):
                raise
            return False
        return True

    def delete(self, pk: str, sk: str) -> None:
        if not self.delete_if(Key=key_of(pk, sk), **condition_on(in_one_item=True)):
            self._at_once(self._client.transact_write_items, self._deletes([key_of(pk, sk), *part_keys(pk, sk)]))

    def _deletes(self, keys: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"Delete": {"TableName": self.name, "Key": key}} for key in keys]

    def _whole(self, item: dict[str, Any]) -> dict[str, Any] | None:
        """An item with its parts, all of one moment: it may be another one by now, or gone."""
        if CUT not in item:
            return item
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        now, *parts = self._gotten([key_of(pk, sk), *part_keys(pk, sk)])
        return joined(now, [part["part"]["B"] for part in parts if part]) if now and CUT in now else now

    def _gotten(self, keys: Sequence[dict[str, Any]]) -> list[dict[str, Any] | None]:
        gets = [{"Get": {"TableName": self.name, "Key": key}} for key in keys]
        answers = self._at_once(self._client.transact_get_items, gets)["Responses"]
        return [answer.get("Item") for answer in answers]

    def _at_once(self, call: Callable[..., Any], items: Sequence[dict[str, Any]]) -> Any:
        """A transaction. One that another's or the table's rate stood in the way of is tried again: the client does not."""
        for wait in _WAITS:
            with self._translated():
                try:
                    return call(TransactItems=items)
                except self._client.exceptions.TransactionCanceledException as error:
                    if not unanswered(error):
                        raise
            time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret
        with self._translated():
            return call(TransactItems=items)

    def put_if(self, **given: Any) -> bool:
        """One item; False if its condition does not hold.

        The client sends it again where no answer came, and the first time may have been taken: then what is there is this very write.
        """
        mark = {"S": secrets.token_hex(8)}
        item = {**given.pop("Item"), _WRITE: mark}
        there = self._refused_by(
            self._client.put_item, **given, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )
        return there is None or there.get(_WRITE) == mark

    def delete_if(self, **given: Any) -> bool:
        """Take one item away; False if its condition does not hold."""
        return self._refused_by(self._client.delete_item, **given) is None

    def _refused_by(self, call: Callable[..., Any], **given: Any) -> dict[str, Any] | None:
        """What is there, as far as it is told, where a condition did not hold; None where it was done."""
        with self._translated():
            try:
                call(TableName=self.name, **given)
            except self._client.exceptions.ConditionalCheckFailedException as error:
                return dict(error.response.get("Item") or {})
        return None

    def query(
        self, pk: str, prefix: str, *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {
            "TableName": self.name,
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
            yield from filter(None, map(self._whole, answer.get("Items", [])))
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PortcullisError:
            raise
        except Exception as error:
            if why := unanswered(error):
                raise Unreachable(f"the ledger {self.name} did not answer: {why}") from error
            # It says nothing of what was asked for, as "there is none" would. What a condition or a value is to blame for is told apart
            # by whoever asked.
            if (code := error_code(error)) and code not in _OF_WHAT_WAS_ASKED:
                raise Unreachable(f"the ledger {self.name} lets nobody in: {error}") from error
            raise
