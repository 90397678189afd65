"""What a deployment file asks of the operations beside the access model. Kept in the ledger with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SnapshotOptions:
    """`every_hours` 0: none on a schedule. `restore_sample`: the index that proves them, every `check_days`; empty: none.
    `bucket`, `key_arn`: given ones; empty: of our own making, under the deployment's own key."""

    every_hours: int = 0
    restore_sample: str = ""
    check_days: int = 7
    bucket: str = ""
    key_arn: str = ""
    reads: str = ""


@dataclass(frozen=True, slots=True)
class OfferOptions:
    """A key that is given to another cluster. `access`: what it allows, as the engine takes it; `days` until it ends."""

    access: dict[str, Any]
    days: int
    secret: str


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Another cluster that is read from here. `secret`: that of the key, empty with certificates; `deployment`: empty where the file
    gives an address alone. `roles`: those of the file that name it."""

    model: str = "api-key"
    secret: str = ""
    deployment: str = ""
    address: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """None: not asked for. `break_glass_minutes`: the longest window; None: that of the house."""

    sweep_minutes: int = 5
    end_sessions: bool = False
    deny_older_sessions: bool = False
    end_api_keys: bool = False  # keys of others, on an engine that has such: at a lock, and of leavers; for good
    delete_after_days: int | None = None
    break_glass_minutes: int | None = None
    email: str = ""
    on_demand_rotation_days: int | None = None
    snapshots: SnapshotOptions = SnapshotOptions()
    secrets: dict[str, str | None] = field(default_factory=dict)  # internal user -> secret; None: one is to be made
    offers: dict[str, OfferOptions] = field(default_factory=dict)  # what others may read with a key, by name
    remotes: dict[str, RemoteOptions] = field(default_factory=dict)  # what is read elsewhere, by alias
