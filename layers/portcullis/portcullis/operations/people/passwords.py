"""The passwords of new internal users: read where the deployment file names a secret, made where it names none."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.actual import Json
from portcullis.errors import Refused
from portcullis.operations.services import Services
from portcullis.ports.registration import KeptModel, Registration


def secret_of(deployment: str, user: str) -> str:
    """The secret that is made for an internal user whose deployment file names none."""
    return f"portcullis/{deployment}/{user}"


def secret_in_use(registration: Registration, kept: KeptModel, user: str) -> str:
    """The secret that holds the password of an internal user of the model."""
    named = (kept.options.get("secrets") or {}).get(user)
    return str(named) if named else secret_of(registration.deployment, user)


def passwords(world: Services, registration: Registration, kept: KeptModel, users: Sequence[str]) -> dict[str, Json]:
    """What `patches` needs for users that are new on the engine. Nothing is asked for where there are none.

    A made secret is used again: a run that was cut off, and a user who was taken off and comes back, have the password they had.
    """
    if not users:
        return {}
    store, named = world.secrets(registration), kept.options.get("secrets") or {}
    found: dict[str, Json] = {}
    for user in users:
        secret = secret_in_use(registration, kept, user)
        version = store.version(secret)  # before the password: had it been rotated in between, that is followed later
        password = store.password(secret)
        if password is None:
            if named.get(user):
                raise Refused(f"internal user {user}: there is no secret {secret}; make it, or leave `secret` out")
            password = store.make(secret, user)
            version = store.version(secret)
        if version:
            remember_version(world, registration, user, version)
        found[user] = {"password": password}
    return found


_VERSIONS = "password-versions"  # internal user -> the version of its secret whose password was set


def versions_set(world: Services, registration: Registration) -> dict[str, str]:
    return dict(world.ledger.saved(registration.deployment, _VERSIONS) or {})


def remember_version(world: Services, registration: Registration, user: str, version: str) -> None:
    known = versions_set(world, registration)
    if known.get(user) != version:
        world.ledger.save(registration.deployment, _VERSIONS, known | {user: version})
