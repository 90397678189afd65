"""A registration, as far as a test cares."""

from __future__ import annotations

from typing import Any

from portcullis.ports.registration import Registration


def registration(**more: Any) -> Registration:
    known: dict[str, Any] = {
        "deployment": "demo",
        "account": "111122223333",
        "region": "eu-central-1",
        "domain": "logs",
        "domain_arn": "arn:aws:es:eu-central-1:111122223333:domain/logs",
        "endpoint": "127.0.0.1:9443",
        "key_arn": "",
    }
    return Registration(**known | more)
