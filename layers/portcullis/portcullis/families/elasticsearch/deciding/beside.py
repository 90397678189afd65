"""Names of aliases that a request asks about beside those of indices, for whoever has some groups."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.families.elasticsearch.granting.merging import Group, covering
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import covers, matches_any
from portcullis.families.elasticsearch.requesting.asking import ALL


def may_look_for(granting: tuple[Group, ...], aliases: Sequence[str], world: EngineFacts) -> bool:
    """Whether an alias is left of what is asked for: one that is written out always is, unless it is taken out."""
    out = [one[1:] for one in aliases if one.startswith("-")]
    asked = [one for one in aliases if not one.startswith("-")]
    if any(one != ALL and "*" not in one for one in asked):
        return True
    return any(not matches_any(out, name) for name in _visible(granting, asked, world))


def _visible(granting: tuple[Group, ...], asked: Sequence[str], world: EngineFacts) -> list[str]:
    """The aliases that are there, asked for, and covered."""
    fitting = [name for name in world.aliases if any(one == ALL or covers(one, name) for one in asked)]
    return [name for name in fitting if covering(granting, name, world)]


def overruled(granting: tuple[Group, ...], refused: Sequence[str], asked: Sequence[str], world: EngineFacts) -> bool:
    """Whether each name that is not covered is an index of an alias that is. Seen on 6.8.23 alone: it keeps one answer for an index,
    that of the name which it comes to last, in the order of a table."""
    aliases = _visible(granting, asked, world)
    behind = {index for alias in aliases for index in world.of(alias)}
    return all(name in behind and name not in world.aliases for name in refused)
