"""What an AWS event means to a deployment, or why it means nothing."""

from portcullis.signals.reading import read
from portcullis.signals.types import Concern, Scope, Signal

__all__ = ["Concern", "Scope", "Signal", "read"]
