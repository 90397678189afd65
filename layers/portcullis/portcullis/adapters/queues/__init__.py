"""What could not be handled, kept whole until somebody mends the cause."""

from portcullis.adapters.queues.sqs import SqsDeadLetters

__all__ = ["SqsDeadLetters"]
