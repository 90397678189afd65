"""After a change: whether the engine lets those have their roles whom we can be.

Reading back shows what the engine keeps; only a question that is asked as the subject shows what it does. We can be two kinds of
subjects: the automation itself, and the internal users whose passwords are in our secrets, where names and passwords are let in.
Everybody else (IAM, Cognito) has credentials that nobody but him holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from portcullis.access.actual import Actual
from portcullis.access.terms import Caller
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.operations.people.passwords import secret_in_use
from portcullis.operations.services import Site
from portcullis.operations.waiting import looks
from portcullis.ports.engine import Engine, Principal
from portcullis.ports.registration import IamRole, KeptModel

_MOST = 20  # subjects that are asked as after one change: each costs the engine a password to verify
_TRIES, _WAIT_SECONDS = 5, 0.4  # a node may still be reloading


@dataclass(frozen=True, slots=True)
class Asked:
    """What the engine answered to one subject about itself. `lacks` and `keeps` are empty if the change has taken effect."""

    who: str
    has: tuple[str, ...] = ()  # its roles, in the engine's words
    lacks: tuple[str, ...] = ()  # roles that it should have by what was read back, and has not
    keeps: tuple[str, ...] = ()  # roles that it should have lost, and still has
    not_asked: str = ""  # why it could not be asked


def ask_subjects(
    site: Site,
    kept: KeptModel,
    engine: Engine,
    before: Actual,
    after: Actual,
) -> tuple[Asked, ...]:
    """Ask as those whose roles changed from `before` to `after`. Never raises for an engine or a secret that does not answer."""
    family = site.family
    changed = {
        role
        for role in {*before.of(family.mappings), *after.of(family.mappings)}
        if before.get(family.mappings, role) != after.get(family.mappings, role)
    }
    # The mappings of these, and the users: what else there is does not tell one state from the other.
    had, has = family.only(before, changed), family.only(after, changed)
    concerned = (
        (then, now, ask)
        for then, now, ask in _subjects(site, kept, engine, before, after)
        if family.mapped_roles(had, then).keys() != family.mapped_roles(has, now).keys()
    )
    found: list[Asked] = []
    for then, now, ask in islice(concerned, _MOST):
        try:
            found.append(_asked(site, before, after, then, now, ask))
        except Unreachable as error:
            found.append(Asked(now.name, not_asked=str(error)))
            break  # what does not answer to one keeps the others waiting as long
        except PortcullisError as error:
            found.append(Asked(now.name, not_asked=str(error)))
    return tuple(found)


_Subject = tuple[Caller, Caller, Callable[[], Principal]]  # as it was, as it is, and how it is asked


def _subjects(
    site: Site,
    kept: KeptModel,
    engine: Engine,
    before: Actual,
    after: Actual,
) -> Iterator[_Subject]:
    """Whom we can be."""
    automation = site.registration.automation
    itself = Caller(automation.principal, automation.backend_roles)
    yield itself, itself, engine.who_am_i
    if isinstance(site.registration.master, IamRole):
        return  # under an IAM master no password is taken
    for name in sorted(kept.access.users):
        if after.get(site.family.users, name) is not None:
            was, now = site.family.user(before, name), site.family.user(after, name)
            yield was, now, partial(_ask_as, site, kept, engine, name)


def _ask_as(site: Site, kept: KeptModel, engine: Engine, name: str) -> Principal:
    secret = secret_in_use(site.registration, kept, name)
    password = site.secrets.password(secret)
    if password is None:
        raise Refused(f"there is no secret {secret}")
    return site.services.user(site.registration, name, password, engine.dialect).who_am_i()


def _asked(
    site: Site,
    before: Actual,
    after: Actual,
    then: Caller,
    now: Caller,
    ask: Callable[[], Principal],
) -> Asked:
    should, had = site.family.mapped_roles(after, now).keys(), site.family.mapped_roles(before, then).keys()
    for _ in looks(_TRIES, _WAIT_SECONDS, site.sleep):
        has = set(ask().roles)
        lacks, keeps = sorted(should - has), sorted((had - should) & has)
        if not lacks and not keeps:
            break
    return Asked(now.name, tuple(sorted(has)), tuple(lacks), tuple(keeps))
