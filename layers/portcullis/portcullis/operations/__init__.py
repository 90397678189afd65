"""The verbs, each written once. Functions, the command and the runbooks call these and nothing deeper."""

from portcullis.operations.sweep import sweep
from portcullis.operations.world import from_environment

__all__ = ["from_environment", "sweep"]
