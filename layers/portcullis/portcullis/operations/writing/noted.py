"""What a run will ask the ledger for, read in one request once the lease is ours.

What lies under these names is written under the lease, says only what was told, or is none the worse for being read late. It is read anew
once this run has written it: what another writer left there, who has the lease by then, is seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from portcullis.operations.services import Site
from portcullis.ports.ledger import Ledger


def noted(site: Site, names: Collection[str]) -> Site:
    """The same deployment, whose ledger has looked these up already."""
    ledger = cast(Ledger, _Noted(site.ledger, site.name, names))
    return replace(site.services, ledger=ledger).at(site.registration)


class _Noted:
    """The ledger; all but what is put aside is asked of it as ever."""

    def __init__(self, ledger: Ledger, deployment: str, names: Collection[str]) -> None:
        self._ledger, self._deployment = ledger, deployment
        found = ledger.look_up(deployment, names)
        self._known = {name: found.get(name) for name in names}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def saved(self, deployment: str, name: str) -> Any | None:
        if deployment == self._deployment and name in self._known:
            return self._known[name]
        return self._ledger.saved(deployment, name)

    def save(self, deployment: str, name: str, value: Any) -> None:
        self._known.pop(name, None)
        self._ledger.save(deployment, name, value)

    def forget(self, deployment: str, name: str) -> None:
        self._known.pop(name, None)
        self._ledger.forget(deployment, name)
