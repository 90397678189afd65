"""Real OpenSearch nodes, each a cluster of its own, that search each other: the transport of each trusts the CAs of all.

Each takes the others' nodes for those of a cluster (`nodes_dn`), as it would its own: whom a request is from is then what the other says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from local.node.certificates import make
from local.node.files import write_private
from local.node.node import Node
from local.node.security import SecuritySetup
from local.processes import LOOPBACK
from local.server import quiet

_TRUSTED = "certs/trusted.pem"


def trusting(homes: Sequence[Path]) -> dict[str, Any]:
    """The settings by which nodes at these homes trust each other. Their certificates are made here if they are not there."""
    made = [make(home / "config" / "certs") for home in homes]
    every = b"".join(one.ca.read_bytes() for one in made)
    for home in homes:
        write_private(home / "config" / _TRUSTED, every)
    return {
        "plugins.security.ssl.transport.pemtrustedcas_filepath": _TRUSTED,
        # As Java writes a subject, which is what they are compared with: it has a sign before each # that RFC 4514 leaves out.
        "plugins.security.nodes_dn": [one.node.subject.replace("#", r"\#") for one in made],
    }


def start_pair(
    home: Path,
    cache: Path,
    versions: tuple[str, str],
    *,
    settings: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = quiet,
) -> tuple[Node, Node]:
    """Two nodes that trust each other, both started at once. Raises as `Node.start`, and leaves none running then."""
    homes = [(home / name).resolve() for name in ("one", "other")]
    common = {**trusting(homes), **(settings or {})}

    def up(at: int) -> Node:
        security = SecuritySetup.basic(settings={**common, "cluster.name": homes[at].name})
        return Node.start(homes[at], cache, versions[at], security=security, tell=tell)

    with ThreadPoolExecutor(2) as pool:
        starting = [pool.submit(partial(up, at)) for at in (0, 1)]
    failed = [error for one in starting if (error := one.exception()) is not None]
    if failed:
        for one in starting:
            if one.exception() is None:
                one.result().stop()
        raise failed[0]
    return starting[0].result(), starting[1].result()


def connect(near: Node, alias: str, far: Node | None, *, mode: str = "sniff", skip_unavailable: bool = False) -> None:
    """The alias by which `near` searches `far`; None: no longer. `mode`: sniff or proxy. Raises RuntimeError if it is refused."""
    at = f"cluster.remote.{alias}."
    said: dict[str, Any] = dict.fromkeys((f"{at}mode", f"{at}seeds", f"{at}proxy_address", f"{at}skip_unavailable"))
    if far is not None:
        where = f"{LOOPBACK}:{far.transport_port}"
        there = {f"{at}seeds": [where]} if mode == "sniff" else {f"{at}proxy_address": where}
        said |= {f"{at}mode": mode, **there, f"{at}skip_unavailable": skip_unavailable}
    status, answer = near.ask("PUT", "/_cluster/settings", {"persistent": said})
    if status != 200:
        raise RuntimeError(f"{alias}: {status} {answer}")
