"""The passwords of new internal users: read where the deployment file names a secret, made where it names none."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.errors import Refused
from portcullis.operations.services import Site
from portcullis.operations.slots import Slot
from portcullis.ports.registration import KeptModel, Registration


def secret_of(deployment: str, user: str) -> str:
    """The secret that is made for an internal user whose deployment file names none."""
    return f"portcullis/{deployment}/{user}"


def secret_in_use(registration: Registration, kept: KeptModel, user: str) -> str:
    """The secret that holds the password of an internal user of the model."""
    named = kept.options.secrets.get(user)
    return str(named) if named else secret_of(registration.deployment, user)


def passwords(site: Site, kept: KeptModel, users: Sequence[str]) -> dict[str, str]:
    """The password of each, for users that are new on the engine. Nothing is asked for where there are none.

    A made secret is used again: a run that was cut off, and a user who was taken off and comes back, have the password they had.
    """
    found: dict[str, str] = {}
    for user in users:
        store, named = site.secrets, kept.options.secrets
        secret = secret_in_use(site.registration, kept, user)
        version = store.version(secret)  # before the password: had it been rotated in between, that is followed later
        password = store.password(secret)
        if password is None:
            if named.get(user):
                raise Refused(f"internal user {user}: there is no secret {secret}; make it, or leave `secret` out")
            password = store.make(secret, user)
            version = store.version(secret)
        if version:
            remember_version(site, user, version)
        found[user] = password
    return found


_VERSIONS = Slot(
    "password-versions", dict[str, str]
)  # internal user -> the version of its secret whose password was set


def versions_set(site: Site) -> dict[str, str]:
    return _VERSIONS.saved(site.ledger, site.name) or {}


def remember_version(site: Site, user: str, version: str) -> None:
    _VERSIONS.save(site.ledger, site.name, versions_set(site) | {user: version})
