"""What the names of a request come to: wildcards, exclusions, dates, names that are not there.

Seen on 9.5.3, 8.19.21 and 6.8.23 (tests/families/elasticsearch/test_resolving_on_elastic.py):

- A wildcard reaches aliases and data streams whatever `expand_wildcards` says of open and closed. Where neither is asked for, a wildcard
  is a name like others, and `_all` is nothing.
- Up to 8 `-name` takes something away after a wildcard alone; before one it is a name, and `-name*` a wildcard. `-name*` after one takes
  away what a wildcard reaches for them: what was named before and is not there, or not theirs, stays. From 9 on it takes away wherever it
  stands, whatever it reaches. What was named before by its own name is then still looked for.
- Each wildcard that reaches nothing is a 404 where `allow_no_indices` is false, before it is asked who may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portcullis.families.elasticsearch.granting.merging import Group, covering
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable, matches
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import ALL, Need

_NOTHING = "nothing that matches is visible, and allow_no_indices is false"


@dataclass(frozen=True, slots=True)
class Resolved:
    """`names`: what is looked at. `named`: those the request has by their own name. `fault`: a status and why, before rights are asked."""

    names: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    fault: tuple[int, str] | None = None


def resolved(granting: tuple[Group, ...], need: Need, world: EngineFacts, release: Release) -> Resolved:
    """A request's names as the engine reads them for whoever has these groups. Unreadable where only the engine can tell."""
    options, wide = need.options, need.options.open or need.options.closed
    if not need.names or need.names == (ALL,):
        if not wide:
            return Resolved(fault=(404, "no wildcard is expanded, so that everything is nothing"))
        found = dict.fromkeys(_reached("*", granting, need, world, release))
        named: dict[str, None] = {}
        return _ended(found, named, need, granting, world)
    found, named, wild = {}, {}, False
    for asked in map(without_dates, need.names):
        if asked.startswith("-") and (release.major >= 9 or wild):
            if asked == "-":
                return Resolved(fault=(400, "an exclusion of nothing"))
            if "*" in asked and not wide:  # no wildcard is expanded, so that it takes nothing away
                continue
            if release.major >= 9:
                found = {name: None for name in found if not matches(asked[1:], name)}
                continue
            gone = {asked[1:]}
            if "*" in asked:  # it takes away what a wildcard reaches, and no name that is not there, or not theirs
                gone = set(_reached(asked[1:], granting, need, world, release))
                if not gone and not options.allow_no_indices:
                    return Resolved(fault=(404, _NOTHING))
            found = {name: None for name in found if name not in gone}
            named = {name: None for name in named if name in found}
        elif "*" in asked and wide:
            wild = True
            reached = list(_reached(asked, granting, need, world, release))
            if not reached and not options.allow_no_indices:
                return Resolved(fault=(404, _NOTHING))
            found |= dict.fromkeys(reached)
        elif not options.ignore_unavailable or covering(granting, asked, world):
            found[asked] = named[asked] = None
    return _ended(found, named, need, granting, world)


def _ended(
    found: dict[str, None], named: dict[str, None], need: Need, granting: tuple[Group, ...], world: EngineFacts
) -> Resolved:
    wide = need.options.open or need.options.closed
    refused = any(not covering(granting, one, world) for one in named)
    # Where no wildcard is expanded, "nothing" is itself a name that is not there.
    lenient = need.options.allow_no_indices and (wide or need.options.ignore_unavailable)
    if not found and not refused and not lenient:
        return Resolved(named=tuple(named), fault=(404, _NOTHING))
    return Resolved(tuple(found), tuple(named))


def has_dates(need: Need) -> bool:
    """Whether a name is worked out from a date."""
    return any(name.lstrip("-").startswith("<") for name in need.names)


def without_dates(asked: str) -> str:
    out, name = ("-", asked[1:]) if asked.startswith("-<") else ("", asked)
    if not (name.startswith("<") and name.endswith(">")):
        return asked
    if "{" in name or "\\" in name:
        raise Unreadable(f"which index {asked} means depends on when it is asked, which only the engine can tell")
    return out + name[1:-1]


def everything(need: Need, world: EngineFacts, release: Release) -> tuple[str, ...]:
    """The indices that a request for everything reaches, whoever asks."""
    return tuple(one.name for one in world.indices if _expands_to(one.name, "*", need, world, release))


def _reached(
    pattern: str, granting: tuple[Group, ...], need: Need, world: EngineFacts, release: Release
) -> Iterator[str]:
    """The names that exist, that a wildcard means, and on which the action is permitted."""
    for name in (*(one.name for one in world.indices), *world.aliases, *world.data_streams):
        if (
            matches(pattern, name)
            and _expands_to(name, pattern, need, world, release)
            and covering(granting, name, world)
        ):
            yield name


def _expands_to(name: str, pattern: str, need: Need, world: EngineFacts, release: Release) -> bool:
    """Whether a wildcard reaches a name that exists: by its state, and whether it is hidden."""
    options = need.options
    if need.no_aliases and name in world.aliases:
        return False
    of_more = name in world.aliases or name in world.data_streams
    if not of_more and not (options.closed if world.is_closed(name) else options.open):
        return False
    hidden = release.has_hidden_indices and world.is_hidden(name)
    # Whoever begins a wildcard with a dot means what begins with one.
    return not hidden or options.hidden or (pattern.startswith(".") and name.startswith("."))
