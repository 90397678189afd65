"""What becomes of data when its stack goes."""

from __future__ import annotations

from aws_cdk import RemovalPolicy

# What holds data or history: no stack takes it away, but for what it made itself in a first deployment that failed, which could not be
# tried again with the names taken.
KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
