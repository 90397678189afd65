"""Secrets: what `Ref` gives is the ARN, as CloudFormation has it. It was the name here, and templates cut the ARN into pieces."""

from __future__ import annotations

from typing import Any


def install() -> None:
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handler["create"], handler["update"], handler["delete"]
    handler["create"] = lambda *said, **more: _by_arn(create(*said, **more))
    handler["update"] = lambda secret, *said, **more: _by_arn(update(_name(secret), *said, **more))
    handler["delete"] = lambda secret, *said, **more: delete(_name(secret), *said, **more)


def _by_arn(made: Any) -> Any:
    """What a handler answers, (physical id, attributes), with the ARN as the id."""
    _name, attributes = made
    return attributes["Arn"], attributes


def _name(physical_id: str) -> str:
    """MiniStack's own handlers go by the name."""
    from ministack.services import secretsmanager

    return next((name for name, one in secretsmanager._secrets.items() if one["ARN"] == physical_id), physical_id)
