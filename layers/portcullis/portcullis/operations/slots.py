"""What the ledger keeps of a deployment under a name, with its type: written, and read back as what it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from portcullis import typed
from portcullis.ports.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot(Generic[T]):
    """One value a deployment. `name`: what it is called in the ledger; `kind`: its type, as JSON can hold it."""

    name: str
    kind: type[T]

    def saved(self, ledger: Ledger, deployment: str) -> T | None:
        """What was saved last; None if nothing was. Raises msgspec.ValidationError if it is of another type."""
        found = ledger.saved(deployment, self.name)
        return None if found is None else typed.of_plain(found, self.kind)

    def is_kept(self, ledger: Ledger, deployment: str) -> bool:
        return ledger.saved(deployment, self.name) is not None

    def save(self, ledger: Ledger, deployment: str, value: T) -> None:
        ledger.save(deployment, self.name, value)

    def change(self, ledger: Ledger, deployment: str, how: Callable[[T | None], T | None]) -> None:
        """What several may change at the same moment: as `Ledger.change`, each value of this type."""
        ledger.change(
            deployment, self.name, lambda found: how(None if found is None else typed.of_plain(found, self.kind))
        )

    def forget(self, ledger: Ledger, deployment: str) -> None:
        ledger.forget(deployment, self.name)

    def forget_if_kept(self, ledger: Ledger, deployment: str) -> None:
        """Where there is seldom anything to forget: looking costs less than a write."""
        if self.is_kept(ledger, deployment):
            self.forget(ledger, deployment)
