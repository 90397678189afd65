"""What is remembered: claims, custody, history, and whatever an operation puts aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from portcullis import words
from portcullis.access.plan import AppliedStep, Claim
from portcullis.custody.types import Custody
from portcullis.ports.registration import KeptModel, Registration


class Claims(frozenset[Claim]):
    """What one owner claims on a domain, as it was read.

    `version` is how often it was kept; whoever keeps it says which one was read. `late`: those of them that a write may still bring
    about whose answer nobody has seen, its writer being slow, silent or gone. They stay claimed until `until`, whatever is seen:
    what comes late must not come as nobody's.
    """

    version: int
    late: frozenset[Claim]
    until: datetime | None

    def __new__(
        cls,
        claims: Iterable[Claim] = (),
        *,
        version: int = 0,
        late: Iterable[Claim] = (),
        until: datetime | None = None,
    ) -> Claims:
        made = super().__new__(cls, claims)
        made.late = frozenset(late) & made
        made.until = until if made.late else None
        made.version = version
        return made

    def late_at(self, moment: datetime) -> frozenset[Claim]:
        """Those that may still come late."""
        return self.late if self.until is not None and moment < self.until else frozenset()

    def becoming(self, claims: Iterable[Claim], *, late: Iterable[Claim] = (), until: datetime | None = None) -> Claims:
        """Others in place of these, to be kept if nobody kept any since these were read."""
        return Claims(claims, version=self.version, late=late, until=until)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history: what was done to a deployment, by whom, because of what.

    What changed access also says what it touched, and from which model to which (`model_before` is a text, `model_after` the digest
    of one; both empty if the model stayed): enough to put it back.
    """

    deployment: str
    at: datetime
    operation: str  # synchronise, lock, unlock, apply ...
    cause: str  # event id, schedule, command
    actor: str
    summary: str
    before: Any = None
    after: Any = None
    touched: tuple[AppliedStep, ...] = ()
    released: tuple[Claim, ...] = ()  # what was no longer claimed afterwards, without having been removed ...
    claimed: tuple[Claim, ...] = ()  # ... and what was claimed afterwards, though it was there before
    model_before: str = ""
    model_after: str = ""

    def __post_init__(self) -> None:
        """Whoever wrote the words: what stands in the history is one line, and ends."""
        words.put(self, operation=words.TIME, cause=words.CAUSE, actor=words.ACTOR, summary=words.SUMMARY)

    @property
    def of_access(self) -> bool:
        """Whether there is something about it that a rollback can put back."""
        return bool(self.touched or self.model_after or self.claimed or self.released)


class Ledger(Protocol):
    """What is remembered. Raises Conflict where a version was overtaken."""

    def deployments(self) -> tuple[str, ...]:
        """Their names: also of those whose registration cannot be read."""

    def registrations(self) -> tuple[Registration, ...]: ...
    def registration(self, deployment: str) -> Registration:
        """Raises NoDeployment if there is none of this name."""

    def register(self, registration: Registration) -> None: ...
    def unregister(self, deployment: str) -> None: ...
    def model(self, deployment: str) -> KeptModel: ...
    def keep_model(self, deployment: str, model: KeptModel) -> KeptModel:
        """Keep it with the next version. Conflict if somebody kept another one than that of `model.version` meanwhile."""

    def claims(self, domain: str) -> Mapping[str, Claims]: ...
    def keep_claims(self, domain: str, owner: str, claims: Claims) -> Claims:
        """Keep them with the next version. Conflict if somebody kept others since those of `claims.version` were read; Overtaken if
        this thread had the domain's lease and somebody else has it by now."""

    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> AbstractContextManager[bool]:
        """The right to write to a domain's engine, of the thread that takes it; whether it was had within `wait` seconds."""

    def renew(self, domain: str) -> None:
        """Have the lease of this thread last from now on. Overtaken if it has none, or somebody else has it by now."""

    def watermark(self, deployment: str) -> datetime | None: ...
    def raise_watermark(self, deployment: str, covered_until: datetime) -> None: ...
    def custody(self, deployment: str) -> Custody: ...
    def keep_custody(self, custody: Custody) -> Custody: ...
    def save(self, deployment: str, name: str, value: Any) -> None: ...
    def saved(self, deployment: str, name: str) -> Any | None: ...
    def look_up(self, deployment: str, names: Collection[str]) -> Mapping[str, Any]:
        """Of what was saved under these names (100 at most), as it was at one moment, in one request. What is not there is missing."""

    def change(self, deployment: str, name: str, how: Callable[[Any | None], Any | None]) -> None:
        """What was saved under this name becomes what `how` makes of it; None is nothing, both ways. For what several may change at the
        same moment: whoever was overtaken asks `how` again, of what is there by then. What is changed so is never saved otherwise."""

    def forget(self, deployment: str, name: str) -> None: ...
    def forget_all(self, deployment: str, but: Collection[str] = ()) -> None:
        """Whatever was saved for it, but what was saved under these names."""

    def record(self, change: Change) -> None: ...
    def history(self, deployment: str, limit: int = 50) -> Iterable[Change]:
        """The latest first, each read when its turn comes."""
