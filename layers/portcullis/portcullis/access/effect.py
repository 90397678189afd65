"""What a change means for people: who gains and who loses what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Access:
    """One thing that one principal may do through one role."""

    who: str  # an entry of a mapping; all that are needed, joined by " and ", for and_backend_roles
    role: str
    what: str  # "read on logs-*", "cluster permissions cluster_monitor", "kibana_all_write in tenant team"
    limits: str = ""  # documents, fields, masks

    def __str__(self) -> str:
        return f"{self.who}: {self.what}" + (f", {self.limits}" if self.limits else "") + f" (role {self.role})"


@dataclass(frozen=True, slots=True)
class Effect:
    """Who gains and who loses what, sorted by person."""

    gains: tuple[Access, ...] = ()
    loses: tuple[Access, ...] = ()

    def lines(self) -> tuple[str, ...]:
        return (*(f"gains  {access}" for access in self.gains), *(f"loses  {access}" for access in self.loses))

    def people(self) -> tuple[str, ...]:
        return tuple(sorted({access.who for access in (*self.gains, *self.loses)}))
