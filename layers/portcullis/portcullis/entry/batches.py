"""A batch of one of our queues, and the answer to it: what the two queue-fed functions do. Whoever invokes one by hand is answered, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from portcullis.entry.reactions import for_queue
from portcullis.errors import BadInput

# Lambda takes this for the failure of the whole batch: were there messages in it after all, each comes again.
_ALL_OF_IT = [{"itemIdentifier": ""}]
_NUMBERS = ("SentTimestamp", "ApproximateReceiveCount")


def answer(queue: str, event: Any, context: Any, *, logger: Any, metrics: Any) -> Any:
    """React to a batch as Lambda hands it over, of a queue of events ("identity" or "key") or of reminders: which messages failed.

    What is no such batch is answered with the reason and an exit status, as `entry.operate` answers.
    """
    if (wrong := wrong_with(event)) is not None:
        logger.warning("refused", extra={"error": str(wrong)})
        return {"exit_status": wrong.exit_status, "error": str(wrong), "batchItemFailures": _ALL_OF_IT}
    batch = for_queue(queue, event, logger=logger, metrics=metrics)
    processor = BatchProcessor(EventType.SQS)
    processor.raise_on_entire_batch_failure = False  # what failed is named in the answer; the others are done
    return process_partial_response(event, batch.take_record, processor, context)


def wrong_with(event: Any) -> BadInput | None:
    """Why an event is no batch of messages of SQS."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        return _wrong("Records", "no batch of messages of SQS")
    for number, record in enumerate(records):
        place = f"Records[{number}]"
        if not isinstance(record, Mapping):
            return _wrong(place, "no message of SQS")
        for name in ("messageId", "receiptHandle", "eventSourceARN", "body"):
            if not isinstance(record.get(name), str) or not (record[name] or name == "body"):
                return _wrong(f"{place}.{name}", "no text, as every message of SQS has it")
        attributes = record.get("attributes")
        if not isinstance(attributes, Mapping):
            return _wrong(f"{place}.attributes", "not there, as every message of SQS has them")
        for name in _NUMBERS:
            value = attributes.get(name)
            if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15):
                return _wrong(f"{place}.attributes.{name}", "no number in a text, as every message of SQS has it")
        if not isinstance(attributes.get("MessageGroupId", ""), str):
            return _wrong(f"{place}.attributes.MessageGroupId", "no text")
    return None


def _wrong(place: str, problem: str) -> BadInput:
    remedy = (
        "this function is fed by its queue alone; to ask for something, invoke portcullis-operate or use the command"
    )
    return BadInput(problem, source="event", place=place, remedy=remedy)
