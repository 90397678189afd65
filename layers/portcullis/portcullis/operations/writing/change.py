"""A change of access from its first look to its line in the history: one object, used by everything that changes access.

What it holds to, whoever changes what:
- It begins only while the deployment is open, and what was read counts only if it was open ever since (`looked`).
- What an earlier run began and could not finish is settled by the next one's first look, before anything new is begun (`looked`).
- Before the first write the ledger holds what will be touched, with its cause, and claims what will be added (`write_down`).
- Each write is sent only while the lease is ours. One that is not answered well is in doubt, and what it would add may come late (`send`,
  `unanswered`).
- What was taken out is claimed until a later look has seen that it is gone (`looked`, then `keep`).
- It is done once it is seen, not once it is answered: then it goes into the history (`settle`). Whoever was overtaken settles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portcullis.access.actual import Actual, Write
from portcullis.access.plan import Claim, Plan
from portcullis.custody.types import Custody
from portcullis.model.option_types import Options
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.in_effect import in_doubt_if_silent, looked_at_everything, see_in_effect
from portcullis.operations.writing.sending import keep_claims, send, still_ours
from portcullis.operations.writing.undertaking import PendingChange, begin, settle, starting
from portcullis.operations.writing.while_open import WhileOpen
from portcullis.ports.ledger import Claims

_JUST_NOW = timedelta(seconds=2)  # of a lease of a minute


@dataclass(slots=True)
class AccessChange:
    """One change of one deployment's access. The caller holds the lease."""

    site: Site
    pending: PendingChange
    is_open: WhileOpen
    claims: Claims = field(default_factory=Claims)  # ours, as they are kept now
    late: frozenset[Claim] = frozenset()  # of ours: what a write may still bring about whose answer nobody has seen
    writes: int = 0  # to the engine, that changed something
    has_looked: bool = False
    _renewed: datetime | None = None  # when the lease was, with the claims

    @classmethod
    def of(
        cls, site: Site, cause: Trigger, operation: str, *, before: str = "", after: str = "", unlocking: bool = False
    ) -> AccessChange:
        """From now on. `before` and `after` are texts of the model. Raises Shut if access is not to be changed; `unlocking` is explained
        in `while_open`."""
        pending = starting(site.services, cause, operation, before=before, after=after)
        return cls(site, pending, WhileOpen.of(site.services, site.name, unlocking=unlocking))

    @property
    def custody(self) -> Custody:
        """As it was when the change began."""
        return self.is_open.custody

    def looked(self, held: Actual, mine: Claims, late: frozenset[Claim], options: Options) -> None:
        """This is what the engine holds and what we claim. Raises Shut if it was shut since the change began."""
        self.is_open.still()
        self.claims, self.late = mine, late
        if not self.has_looked:
            settle(self.site, held, options)
            self.has_looked = True

    def going_on(self, plan: Plan, held: Actual) -> PendingChange:
        """What took effect so far, and what is to be done now."""
        return self.pending.going_on(self.site.family, plan, held, self.claims)

    def write_down(
        self, claims: Collection[Claim], *, pending: PendingChange | None, coming: frozenset[Claim] = frozenset()
    ) -> None:
        """Before a write: what will be touched (None: nothing new), and what is claimed from now on; `coming` is what is added."""
        if pending is not None:
            self.pending = pending
            still_ours(self.site)
            begin(self.site, pending)
        self._keep_claims(claims, coming, renewed=pending is not None)

    def keep(self, claims: Collection[Claim], *, coming: frozenset[Claim] = frozenset()) -> None:
        """Claim these from now on, and nothing else. Conflict if somebody kept others meanwhile."""
        self._keep_claims(claims, coming, renewed=False)

    def _keep_claims(self, claims: Collection[Claim], coming: frozenset[Claim], *, renewed: bool) -> None:
        before, late = self.claims, self.late | coming
        self.claims = keep_claims(self.site, before, claims, late=late, renewed=renewed)
        if self.claims is not before:
            self._renewed = self.site.now()

    def send(self, writes: Sequence[Write], held: Actual) -> None:
        """One after another, computed from `held`."""
        engine, family = self.site.engine, self.site.family
        with in_doubt_if_silent(self.site):
            for write in writes:
                self._renew_unless_just_done()
                self.writes += send(family, engine, write, held)

    def renew_lease(self) -> None:
        """The lease lasts from now on: Overtaken if somebody else has it."""
        self._renewed = None
        still_ours(self.site)

    def _renew_unless_just_done(self) -> None:
        """The same before a write. Keeping the claims has renewed it, right before the first."""
        renewed, self._renewed = self._renewed, None
        if renewed is None or self.site.now() - renewed > _JUST_NOW:
            still_ours(self.site)

    def unanswered(self, coming: frozenset[Claim]) -> None:
        """A write was not answered: what it would add may still come."""
        self.late |= coming

    def settle(self, held: Actual, options: Options) -> None:
        """What is seen to be done goes into the history."""
        settle(self.site, held, options, ours=self.pending, writes=self.writes)

    def seen(self, held: Actual, began: datetime, *, everything: bool) -> None:
        """The engine acts on what it holds. Unreachable if it does not. `everything` was looked at, by a run that began then."""
        see_in_effect(self.site, self.site.engine, held)
        if everything:
            looked_at_everything(self.site, began)
