"""A secret that was rotated is followed: the internal user gets the password that the secret holds now.

The version id tells whether it was rotated, and is all that is kept of it. A password is read only where the version is another one, goes
from the secret to the engine, and stands in no ledger, history, log or error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portcullis.access.plan import Claim
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.operations.people.passwords import remember_version, secret_in_use, versions_set
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.sending import still_ours
from portcullis.operations.writing.while_open import WhileOpen, unless_shut
from portcullis.ports.registration import KeptModel
from portcullis.words import many


def follow_secrets(site: Site, cause: Trigger, *, unlocking: bool = False) -> tuple[str, ...]:
    """Look at the secret of every internal user of ours; the names of those whose password was set. While it is locked: nobody's.
    `unlocking` is explained in `while_open`.

    Raises Refused or Unreachable for the first that could not be followed, once all others are.
    """

    def as_they_are_now() -> tuple[str, ...]:
        return _follow(site, cause, unlocking)

    return unless_shut(site.services, site.name, as_they_are_now, unlocking=unlocking) or ()


def _follow(site: Site, cause: Trigger, unlocking: bool) -> tuple[str, ...]:
    kept = site.ledger.model(site.name)
    if not kept.access.users:
        return ()
    known = versions_set(site)
    failed: list[PortcullisError] = []
    now = _versions(site, kept, failed)
    rotated = {user: version for user, version in sorted(now.items()) if version != known.get(user)}
    done = _set(site, kept, rotated, failed, unlocking) if rotated else ()
    if done:
        words = [f"{user}: the password is that of version {now[user]} of its secret" for user in done]
        said = f"{many(len(done), 'password follows its secret', 'passwords follow their secrets')}"
        site.record("password", cause, said, after=words)
    if failed:
        raise min(failed, key=lambda one: not isinstance(one, Refused))
    return done


def _versions(site: Site, kept: KeptModel, failed: list[PortcullisError]) -> dict[str, str]:
    """Internal user -> the version of their secret, as far as there is one that may be looked at."""
    found: dict[str, str] = {}
    for user in kept.access.users:
        try:
            version = site.secrets.version(secret_in_use(site.registration, kept, user))
        except PortcullisError as error:
            failed.append(error)
            continue
        if version:
            found[user] = version
    return found


def _set(
    site: Site, kept: KeptModel, rotated: Mapping[str, str], failed: list[PortcullisError], unlocking: bool
) -> tuple[str, ...]:
    WhileOpen.of(site.services, site.name, unlocking=unlocking)
    with site.ledger.lease(site.place.id, "follow secrets") as ours:
        if not ours:
            raise Unreachable(f"another writer is at work on {site.place.name}; the next try waits for it again")
        WhileOpen.of(site.services, site.name, unlocking=unlocking)
        engine, family = site.engine, site.family
        held = engine.read([family.users])
        mine: Collection[Claim] = site.ledger.claims(site.place.id).get(site.name, ())
        done: list[str] = []
        for user, version in rotated.items():
            if held.get(family.users, user) is None or Claim(family.users, user) not in mine:
                continue  # it is made with the password of the moment, or somebody else's
            try:
                # The version first: had it been rotated in between, the next look sees another one and sets that.
                password = site.secrets.password(secret_in_use(site.registration, kept, user))
                if password is None:
                    continue
                still_ours(site)
                engine.write(family.password(user, password))
                remember_version(site, user, version)
                done.append(user)
            except PortcullisError as error:
                failed.append(error)
    return tuple(done)
