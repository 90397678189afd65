"""The clusters behind the aliases that a question names, added to its scene: as they are, or as the files of both sides have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.questions.answers import Far, is_beyond
from portcullis.custody.stopping import stopping
from portcullis.errors import PortcullisError
from portcullis.operations.access.asking.scene import Scene, engine_named, fits, there_on
from portcullis.operations.remotes.asking.other_side import as_it_is, by_file
from portcullis.operations.remotes.files import by_domain, file_of, files_in_force, on_cluster
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.opened import once_open
from portcullis.remotes.connections import CONNECTED, Connection

if TYPE_CHECKING:
    from portcullis.model import Deployment

_FAMILY = "elasticsearch"
CONNECTION = "connection"  # of two domains


def reaching(services: Services, scene: Scene, names: Iterable[str]) -> Scene:
    """The scene with the remote clusters that these names mean, each looked at once. Without any in the names nothing is asked of anybody.

    What cannot be looked at stands in the scene as not known. Of a domain's connections those that let searches through."""
    wanted = tuple(_aliases(names))
    if not wanted:
        return scene
    site = services.site(scene.deployment)
    if scene.family.name != _FAMILY:
        return _reaching_domains(services, site, scene, wanted)
    try:
        here, info = on_cluster(file_of(site)), site.remotes.info()
    except PortcullisError as error:
        why = f"which remote clusters {scene.deployment} has could not be read: {error}"
        return replace(scene, unseen=(*scene.unseen, why))
    meant = [alias for alias in sorted(info) if _is_meant(alias, wanted)]
    files = files_in_force(services) if meant else {}
    found = {alias: as_it_is(services, site, here, files, alias, info) for alias in meant}
    return _with(scene, found, info)


def _reaching_domains(services: Services, site: Site, scene: Scene, wanted: Iterable[str]) -> Scene:
    if site.registration.domain is None:
        return scene
    try:
        reads = [one for one in site.connections.shown().reads if one.status in CONNECTED]
    except PortcullisError as error:
        return replace(scene, unseen=(*scene.unseen, f"the connections of {site.name} could not be read: {error}"))
    named = {one.alias: one for one in reads}
    deployments = by_domain(services) if named else {}
    found = {
        alias: _domain(services, one, deployments.get(one.other, ""))
        for alias, one in named.items()
        if _is_meant(alias, wanted)
    }
    return _with(scene, found, named)


def _domain(services: Services, connection: Connection, name: str) -> Far:
    """The domain behind an alias, as it is. `name`: of its deployment; empty: it is none of this account."""
    alias, skips = connection.alias, connection.skip_unavailable
    if not name:
        unknown = f"{connection.other} is no deployment of this account: it could not be looked at"
        return Far(alias, "", CONNECTION, skip_unavailable=skips, unknown=(unknown,))
    other = services.site(name)
    custody = other.ledger.custody(name)
    stopped, certain = stopping(custody)
    far = Far(alias, "", CONNECTION, name, skip_unavailable=skips, stopped=stopped, certain=certain)
    try:
        there = there_on(other.engine)
        there = replace(there, engine=there.engine or engine_named(name, other.ledger.model(name)))
        return replace(far, held=once_open(other, custody, other.engine.read()), there=there)
    except PortcullisError as error:
        return replace(far, unknown=(f"{name} could not be looked at: {error}",))


def reaching_by_file(
    scene: Scene, deployment: Deployment, beside: Mapping[str, Deployment], names: Iterable[str]
) -> Scene:
    """The same by the deployment's file, and by those `beside` it."""
    wanted = tuple(_aliases(names))
    if not wanted or scene.family.name != _FAMILY:
        return scene
    here = on_cluster(deployment)
    meant = ((alias, by_file(here, beside, alias)) for alias in sorted(here.remotes) if _is_meant(alias, wanted))
    return _with(scene, {alias: far for alias, far in meant if far is not None}, here.remotes)


def _with(scene: Scene, found: Mapping[str, Far], there: Iterable[str]) -> Scene:
    """Aliases that are not meant are there, too: an exact name that is none of them is refused as a whole."""
    rest = {alias: Far(alias, "") for alias in there if alias not in found}
    return replace(scene, there=replace(scene.there, remotes={**found, **rest}))


def _aliases(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if is_beyond(name):
            yield name.removeprefix("-").partition(":")[0]


def _is_meant(alias: str, wanted: Iterable[str]) -> bool:
    return any("/" in one or fits(alias, (one,)) for one in wanted)
