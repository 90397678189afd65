"""Items that are let in or refused together: those that lie on one shard, by all names they are asked for by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from portcullis.families.elasticsearch.deciding.decide import Answer
from portcullis.families.elasticsearch.deciding.resolving import without_dates
from portcullis.families.elasticsearch.granting.merging import Holding, covering
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable
from portcullis.families.elasticsearch.known.release import Release

_WRITES = "indices:data/write/"


def together(held: Holding, answers: Sequence[Answer], world: EngineFacts, release: Release) -> list[Answer]:
    """What is permitted by itself, and stands beside another name of the same index by which it is not: only the engine knows whether both
    lie on one shard."""
    try:
        answers = _not_made(held, answers, world)
        return [_beside(one, _shut(held, answers, world), world) for one in _whole(answers, world, release)]
    except Unreadable:
        return list(answers)


def by_item(answers: Sequence[Answer]) -> list[Answer]:
    """Each item with what its search looks up: where that is refused, or not there, so is the item."""
    found: list[Answer] = []
    for one in answers:
        if not (one.need.item and one.need.looked_up):
            found.append(one)
        elif _done(found[-1]) and not _done(one):
            found[-1] = replace(found[-1], allowed=one.allowed, status=one.status, views=(), reasons=one.reasons)
    return found


def _done(one: Answer) -> bool:
    return one.allowed is True and 0 < one.status < 400


def _not_made(held: Holding, answers: Sequence[Answer], world: EngineFacts) -> list[Answer]:
    """Where an item would make an index and nobody lets them, each item of that index is refused with it, a deletion too (seen on all)."""
    made = {one.need.names[0] for one in answers if one.need.item and one.need.creates}
    making = held.grants("indices:admin/auto_create")
    refused = {name for name in made if not world.of(name) and not covering(making, name, world)}
    why = "an item beside it would make the index, which is refused: so is each item of that index"
    return [
        replace(one, allowed=False, status=403, reasons=(why,))
        if one.need.item and one.status == 404 and one.need.names[0] in refused
        else one
        for one in answers
    ]


def _shut(held: Holding, answers: Sequence[Answer], world: EngineFacts) -> dict[str, set[str]]:
    """Index -> the names by which the items of its shards are refused."""
    found: dict[str, set[str]] = {}
    for one in answers:
        if not _of_shard(one):
            continue
        name = without_dates(one.need.names[0])
        if not covering(held.grants(_of_shard(one)), name, world):
            for index in world.of(name):
                found.setdefault(index, set()).add(name)
    return found


def _of_shard(one: Answer) -> str:
    """What is asked about all items of a shard at once."""
    need = one.need
    if not need.item:
        return ""
    if need.action.startswith(_WRITES):
        return f"{_WRITES}bulk[s]"
    return need.action if need.action.endswith("[shard]") else ""


def _beside(one: Answer, shut: dict[str, set[str]], world: EngineFacts) -> Answer:
    if not _of_shard(one) or one.status == 403 or one.allowed is None:
        return one
    name = without_dates(one.need.names[0])
    others = sorted({other for index in world.of(name) for other in shut.get(index, ())} - {name})
    if not others:
        return one
    why = f"{', '.join(others)} is refused, and means the same index: what lies on one shard is refused together"
    return replace(one, allowed=None if one.allowed else False, status=0, reasons=(why,))


def _whole(answers: Sequence[Answer], world: EngineFacts, release: Release) -> list[Answer]:
    """On 6.8 an item that is written to an alias of several indices may end the whole request in an error."""
    several = [
        one.need.names[0]
        for one in answers
        if one.need.item and one.need.action.startswith(_WRITES) and len(world.aliases.get(one.need.names[0], ())) > 1
    ]
    if release.major > 6 or not several:
        return list(answers)
    why = f"{several[0]} is an alias of several indices: where none of them is written to, {release} refuses all items with a 400"
    return [one if one.need.item or not one.allowed else replace(one, status=0, reasons=(why,)) for one in answers]
