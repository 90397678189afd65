"""The clusters behind the aliases that a question names, added to its scene: as they are, or as the files of both sides have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.questions.answers import Far, is_beyond
from portcullis.errors import PortcullisError
from portcullis.operations.access.asking.scene import Scene, fits
from portcullis.operations.remotes.asking.other_side import as_it_is, by_file
from portcullis.operations.remotes.files import file_of, files_in_force, on_cluster
from portcullis.operations.services import Services

if TYPE_CHECKING:
    from portcullis.model import Deployment

_FAMILY = "elasticsearch"


def reaching(services: Services, scene: Scene, names: Iterable[str]) -> Scene:
    """The scene with the remote clusters that these names mean, each looked at once. Without any in the names nothing is asked of anybody.

    What cannot be looked at stands in the scene as not known. A domain of OpenSearch shows no other side: its family says so."""
    wanted = tuple(_aliases(names))
    if not wanted or scene.family.name != _FAMILY:
        return scene
    site = services.site(scene.deployment)
    try:
        here, info = on_cluster(file_of(site)), site.remotes.info()
    except PortcullisError as error:
        why = f"which remote clusters {scene.deployment} has could not be read: {error}"
        return replace(scene, unseen=(*scene.unseen, why))
    meant = [alias for alias in sorted(info) if _is_meant(alias, wanted)]
    files = files_in_force(services) if meant else {}
    found = {alias: as_it_is(services, site, here, files, alias, info) for alias in meant}
    return _with(scene, found, info)


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
