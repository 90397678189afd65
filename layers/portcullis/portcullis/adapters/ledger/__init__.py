"""What is remembered: registrations, models, claims, custody, watermarks, and the history of every change with its cause."""

from portcullis.adapters.ledger.dynamo import DynamoLedger

__all__ = ["DynamoLedger"]
