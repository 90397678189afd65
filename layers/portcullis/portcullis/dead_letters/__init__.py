"""What could not be handled, kept whole until somebody mends the cause."""

from portcullis.dead_letters.sqs import SqsDeadLetters

__all__ = ["SqsDeadLetters"]
