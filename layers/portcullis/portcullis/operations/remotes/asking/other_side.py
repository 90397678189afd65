"""The other cluster behind an alias: by the files, or as it is. What does not answer is said to be unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from portcullis.access.questions.answers import Far, There
from portcullis.custody.stopping import stopping
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.remotes.files import other_side
from portcullis.operations.services import Services, Site
from portcullis.ports.engine import Engine
from portcullis.remotes.facts import BY_KEY, model_of
from portcullis.remotes.refusals import state_told

if TYPE_CHECKING:
    from portcullis.access.actual import Json
    from portcullis.model import Deployment, OnCluster

T = TypeVar("T")


def by_file(here: OnCluster, beside: Mapping[str, Deployment], alias: str) -> Far | None:
    """The other cluster as far as the file of this side, and that of the other if it is `beside`, tell of it. None: no such alias."""
    from portcullis.model import resolve

    remote = here.remotes.get(alias)
    if remote is None:
        return None
    other, offer = other_side(here, beside, alias)
    name = other.deployment if other else remote.deployment or ""
    release = (other or here).engine.partition("-")[2]
    skip = remote.skip_unavailable
    if remote.model == "certificate":
        roles = resolve(other).roles if other else None
        source = f"the file of {name}" if other else ""
        return Far(alias, release, remote.model, name, roles=roles, source=source, skip_unavailable=skip)
    unknown: tuple[str, ...] = ()
    access, source = remote.allows.document() if remote.allows else None, f"as agreed in remotes.{alias}.allows"
    if other is not None and offer:
        access, source = other.offers[offer].document(), f"{name} offers it as {offer}"
    elif access is not None:
        unknown = (f"no file beside this one offers the key of {alias}: it is taken to allow what was agreed",)
    return Far(alias, release, remote.model, name, access=access, source=source, skip_unavailable=skip, unknown=unknown)


def as_it_is(
    services: Services,
    site: Site,
    here: OnCluster,
    files: Mapping[str, Deployment],
    alias: str,
    info: Mapping[str, Json],
) -> Far:
    """The other cluster as it is. `unknown` has what could not be looked at."""
    set_, unknown = info[alias], list[str]()
    model = model_of(set_)
    declared, other = here.remotes.get(alias), None
    if declared is None:
        unknown.append(f"the file does not declare {alias}")
    else:
        other, _ = other_side(here, files, alias)
        if declared.model != model:
            unknown.append(f"{alias} is declared with model {declared.model}, and is connected to with {model}")
    far = Far(alias, "", model, other.deployment if other else "", skip_unavailable=bool(set_.get("skip_unavailable")))
    if model == BY_KEY:
        far = _with_key(far, site, unknown)
    if other is None:
        unknown.append(f"the cluster behind {alias} is no deployment of this account: it could not be looked at")
        if model == BY_KEY and declared is not None and declared.allows is not None:
            far = replace(
                far, access=declared.allows.document(), source=f"as agreed in remotes.{alias}.allows", agreed=True
            )
        return replace(far, unknown=tuple(unknown))
    return _with_cluster(far, services.site(other.deployment), unknown)


def _with_key(far: Far, site: Site, unknown: list[str]) -> Far:
    """By which key this side comes, as the other one says; or what it says against it."""
    try:
        return replace(far, key=site.remotes.key_in_use(far.alias))
    except PortcullisError as error:
        if state := state_told(str(error)):
            return replace(far, state=state)
        unknown.append(f"by which key {far.alias} is read could not be looked at: {error}")
        return far


def _with_cluster(far: Far, other: Site, unknown: list[str]) -> Far:
    stopped, certain = stopping(other.ledger.custody(other.name))
    far = replace(far, stopped=stopped, certain=certain)
    try:
        far = replace(far, release=other.engine.dialect.split()[0])
        if far.model == "certificate":
            far = replace(far, roles=other.engine.read([other.family.roles]).of(other.family.roles))
        elif far.key:
            shown = {key.id: key for key in other.cluster_keys.shown()}
            if found := shown.get(far.key):
                far = replace(far, access=found.access, source=f"as {other.name} shows it")
            else:
                unknown.append(f"{other.name} has no key {far.key}: {far.alias} may be another cluster")
        far = replace(far, there=replace(there_of(other.engine), dialect=other.engine.dialect))
    except PortcullisError as error:
        unknown.append(f"{other.name} could not be looked at: {error}")
    return replace(far, unknown=tuple(unknown))


def there_of(engine: Engine) -> There:
    """What is there by name. Never said to be all: what the automation may not see is not shown to it."""
    try:
        told = engine.names()
    except Refused:  # not every engine tells its aliases
        return There(tuple(sorted(engine.blocks())))
    return There(told.indices, aliases=told.aliases, streams=told.streams, hidden=told.hidden, closed=told.closed)


def looked_at(unseen: list[str], what: str, look: Callable[[], T]) -> T | None:
    """What `look` finds; None, and a sentence in `unseen`, if it cannot be had."""
    try:
        return look()
    except PortcullisError as error:
        unseen.append(f"{what} could not be looked at: {error}")
        return None
