"""A registration, as far as a test cares."""

from __future__ import annotations

from typing import Any

from portcullis.ports.registration import AmazonDomain, IamRole, Key, Network, Registration


def registration(**more: Any) -> Registration:
    known: dict[str, Any] = {
        "deployment": "demo",
        "account": "111122223333",
        "region": "eu-central-1",
        "place": domain(),
        "key": Key(""),
        "automation": IamRole("arn:aws:iam::111122223333:role/portcullis-automation"),
        "master": IamRole("arn:aws:iam::111122223333:role/master"),
    }
    return Registration(**known | more)


def domain(name: str = "logs", network: Network | None = None, arn: str = "") -> AmazonDomain:
    arn = arn or f"arn:aws:es:eu-central-1:111122223333:domain/{name}"
    return AmazonDomain(name, arn, "127.0.0.1:9443", network)
