"""The plan of a move from certificates to a key: its steps, who gains and who loses, and what stands in its way. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from portcullis.operations.remotes.moving.both_sides import Facts, Lines, Meant, facts, lines, meant, standing_roles
from portcullis.operations.remotes.moving.kept import Underway, named, under_way
from portcullis.operations.services import Services
from portcullis.remotes.gains import Effect, Moved
from portcullis.remotes.moving import Left, Stage, left_to_do, steps


@dataclass(frozen=True, slots=True)
class Shown:
    """One step of the plan, and whether it was done."""

    stage: Stage
    says: str
    checks: tuple[str, ...]
    back: bool  # whether there is a way back from it
    done: bool


@dataclass(frozen=True, slots=True)
class Migration:
    """The plan, and how far it came. `stage`: empty if it was not begun; `waits`: it stands after a step that a person decides about.
    `moved`: whatever changes for anybody; `kept`: how many readings stay as they are. `write`: what the files lack. `exit_status`: 3 if
    something stops it."""

    deployment: str
    alias: str
    way: str
    to: str
    other: str
    stage: str
    waits: bool
    steps: tuple[Shown, ...]
    moved: tuple[Moved, ...]
    kept: int
    stops: tuple[str, ...]
    notes: tuple[str, ...]
    left: tuple[Left, ...]
    write: Lines | None
    exit_status: int


def remote_migration(services: Services, deployment: str, *, alias: str, way: str = "", to: str = "") -> Migration:
    """What `migrate_remote` would do, who gains and who loses by it, and what stands in its way. Changes nothing."""
    site = services.site(deployment)
    kept = under_way(site, alias)
    one = meant(services, deployment, alias, kept.way if kept else way, named(kept, to))
    if one is None:
        notes = list[str]()
        wanted = lines(services, deployment, alias, way, to, notes)
        nothing = (
            f"the file of {deployment} declares no remote that is read with a key, and that {alias} could be moved to",
        )
        return Migration(
            deployment, alias, way, to, wanted.giver, "", False, (), (), 0, nothing, tuple(notes), (), wanted, 3
        )
    found = facts(one, begun=kept is not None)
    order = steps(one.way, one.alias, one.to)
    stage = kept.stage if kept else None
    before = [step.stage for step in order].index(stage) if stage else 0
    shown = tuple(
        Shown(
            step.stage, step.says, step.checks, not step.final, number < before or (number == before and _waits(kept))
        )
        for number, step in enumerate(order)
    )
    undoing = (f"the way back of {alias} was begun: --rollback goes on with it",) if kept and kept.back else ()
    stops = (*undoing, *found.stops)
    changes = tuple(each for each in found.moved if each.gains or each.loses or each.effect is Effect.UNKNOWN)
    return Migration(
        deployment,
        alias,
        one.way,
        one.to,
        one.giver.name if one.giver else "",
        stage or "",
        _waits(kept),
        shown,
        changes,
        len(found.moved) - len(changes),
        stops,
        found.notes,
        left_of(one, found),
        None,
        3 if stops else 0,
    )


def _waits(kept: Underway | None) -> bool:
    return kept is not None and kept.waits


def left_of(one: Meant, found: Facts) -> tuple[Left, ...]:
    """What is left to a person once the old alias is gone."""
    giver = one.giver
    roles = standing_roles(found.sides, giver)
    return left_to_do(one.way, one.alias, one.to, one.reader.name, giver.name if giver else "", roles)
