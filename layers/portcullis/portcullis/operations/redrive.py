"""Redrive: give the dead letters another try, once their cause is mended."""

from __future__ import annotations

from typing import Any

from portcullis.operations.services import Services


def redrive(services: Services) -> dict[str, Any]:
    """Start moving the messages of both dead-letter queues back to the queues they came from."""
    return {"queues": {name: services.dead_letters.redrive(name) for name in ("identity", "key")}}
