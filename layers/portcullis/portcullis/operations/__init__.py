"""The verbs, each written once. Functions, the command and the runbooks call these and nothing deeper."""

from portcullis.operations.sweep import sweep, sweep_and_tell
from portcullis.operations.world import from_environment

__all__ = ["from_environment", "sweep", "sweep_and_tell"]
