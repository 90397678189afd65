"""What somebody sees of other clusters, as an answer to a question of people: `across`, asked with what is known of both sides.

Each name over there is asked about by itself where names are asked for (`read dc2:logs-1,dc2:hr`), and a request as a whole
(`GET dc2:logs-1,dc2:hr/_search`), as of names of this cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from portcullis.access.actual import Json
from portcullis.access.questions.answers import Decided, Far, Layer, Permission, Reason, Seen
from portcullis.families.elasticsearch.deciding.across import (
    FIELD_CAPS,
    ONLY_SEARCH,
    POINT_IN_TIME,
    RESOLVE,
    RESOLVE_CLUSTER,
    SEARCH,
    across,
)
from portcullis.families.elasticsearch.deciding.compiled import NEWEST, Compiled, facts_of
from portcullis.families.elasticsearch.deciding.over_one_remote import as_role, sent_of
from portcullis.families.elasticsearch.deciding.remote import API_KEY, KEY, LIVE, Remote, Rule, Side, Told, Whole
from portcullis.families.elasticsearch.deciding.stays_here import STAYS, why_it_stays
from portcullis.families.elasticsearch.deciding.terms import TERMS
from portcullis.families.elasticsearch.granting import effect
from portcullis.families.elasticsearch.granting.merging import SUPERUSER, Group, holding, licensed
from portcullis.families.elasticsearch.known.names import is_expression, is_pattern, may_match
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import BASIC
from portcullis.families.elasticsearch.over_there.alike_over_there import kinds
from portcullis.families.elasticsearch.over_there.both_limits import as_seen
from portcullis.families.elasticsearch.over_there.examples import example_of
from portcullis.families.elasticsearch.over_there.names_over_there import asked_of, thought_of
from portcullis.families.elasticsearch.requesting.asking import Need

_RANK: Mapping[bool | None, int] = {True: 2, None: 1, False: 0}
# A remote that refuses these is left out, and the others are answered.
_LEFT_OUT = (FIELD_CAPS, RESOLVE, RESOLVE_CLUSTER, TERMS)
_NOBODY_LOOKED = "which remote clusters there are, and what they allow, was not looked at"


def over(here: Compiled, roles: frozenset[str], need: Need, own: Decided | None) -> Decided:
    """What a need comes to that names other clusters. `own`: what it comes to of its names of this cluster; None: it has none."""
    beyond = tuple(name for name in need.names if ":" in name)
    if need.action in STAYS:
        why = why_it_stays(need)
        return Decided(
            False, _each(beyond, False), reasons=(why,), beyond=(Reason(Layer.REMOTE, "", why, "stops here"),)
        )
    if need.action not in (SEARCH, POINT_IN_TIME, *_LEFT_OUT):
        return Decided(None, _each(beyond, None), unknown=(ONLY_SEARCH,))
    if here.there.remotes is None:
        return Decided(None, _each(beyond, None), unknown=(_NOBODY_LOOKED,))
    taken_off = any(name.startswith("-") for name in beyond)
    as_whole = taken_off or need.action in _LEFT_OUT
    if not as_whole and (need.each or not any(map(is_pattern, beyond))):
        by_kind, seen = _one_by_one(here, roles, need, beyond)
        whole = _worst(by_kind) if need.each else reached(here, roles, need)
    else:
        by_kind, whole = [], reached(here, roles, need)
        seen = widest(_of_whole(whole))
    allowed, unknown = whole.allowed, list[str]()
    if own is not None:
        allowed, unknown = _with_own(whole, own), [*own.unknown] if allowed is not False else []
        seen = (*own.seen, *seen)
    told = {alias: [one] for alias, one in whole.remotes.items()}
    for found in by_kind:
        for alias, one in found.remotes.items():
            told.setdefault(alias, []).append(one)
    for alias, of in told.items():
        if any(one.side is not Side.LOCAL for one in of):
            unknown += here.there.remotes[alias].unknown
    if allowed is None:
        unknown[:0] = whole.reasons
    reasons = tuple(_refusals(here, whole)) if allowed is False else whole.reasons
    if (
        need.each and allowed and not any(one.allowed for one in seen)
    ):  # as a request it is answered, with nothing in it
        shut = [here.there.remotes[alias] for alias in told if here.there.remotes[alias].stopped]
        allowed, reasons = False, tuple(f"{one.called} refuses everybody: {one.stopped}" for one in shut)
        reasons = reasons or ("nothing that fits is seen by them",)
    doubts = tuple(dict.fromkeys((*(own.doubts if own else ()), *_of_aliases(here, told, beyond))))
    links = tuple(_links(here, whole))
    if not told and own is None:
        stops = {True: "shows nothing now", False: "stops here", None: "is not known"}[whole.allowed]
        links = (Reason(Layer.REMOTE, "", "; ".join(whole.reasons), stops),)
    return Decided(allowed, seen, {}, (), reasons, tuple(dict.fromkeys(unknown)), doubts, beyond=links)


def both_sides(own: Decided, beyond: Decided) -> Decided:
    """Names of this cluster and of others: all of them are asked for."""
    parts = (own, beyond)
    worst = min(parts, key=lambda one: _RANK[one.allowed])
    unknown, doubts = (dict.fromkeys((*getattr(own, of), *getattr(beyond, of))) for of in ("unknown", "doubts"))
    return replace(
        worst,
        seen=(*own.seen, *beyond.seen),
        permissions=tuple(dict.fromkeys((*own.permissions, *beyond.permissions))),
        unknown=tuple(unknown),
        doubts=tuple(doubts),
        beyond=beyond.beyond,
    )


def reached(here: Compiled, roles: frozenset[str], need: Need) -> Whole:
    """`across` with what is known. Kept, as people often have the same roles."""
    if (roles, need) not in here.reached:
        remotes = {
            alias: remote_of(here, far, asked_of(alias, need.names))
            for alias, far in (here.there.remotes or {}).items()
        }
        here.reached[roles, need] = across(here.roles, sorted(roles), need, here.world, here.release, remotes)
    return here.reached[roles, need]


def remote_of(here: Compiled, far: Far, patterns: tuple[str, ...]) -> Remote:
    """The other cluster for `across`, with names that stand for those of `patterns` of which nobody could say which there are."""
    imagined = tuple(dict.fromkeys(name for one in patterns for name in thought_of(here.telling, far, one)))
    if (far.alias, imagined) not in here.remotes:
        here.remotes[far.alias, imagined] = as_remote(far, here.release, imagined)
    return here.remotes[far.alias, imagined]


def as_remote(far: Far, near: Release, imagined: Sequence[str] = ()) -> Remote:
    """What is known of the other cluster, for `across`. `imagined`: names that are taken to be there, too."""
    lacking = ""
    if far.model == API_KEY and far.state == LIVE and (far.access is None or far.agreed):  # a dead key allows nothing
        lacking = f"what the key of {far.alias} allows could not be looked at"
    if far.model != API_KEY and far.roles is None:
        lacking = f"which roles {far.called} has could not be looked at"
    known = {*(far.there.aliases or {}), *far.there.streams}
    names = dict.fromkeys((*(far.there.indices or ()), *imagined))
    world = facts_of(replace(far.there, indices=tuple(name for name in names if name not in known)))
    return Remote(
        Release.of(far.release) if far.release else near,
        far.model,
        far.state,
        far.access or {},
        _counting(far),
        world,
        far.skip_unavailable,
        lacking,
        far.stopped,
        not far.certain,
    )


def _counting(far: Far) -> dict[str, Json]:
    return licensed(far.roles or {}, basic=far.there.dialect.partition(" ")[2] == BASIC)


# ---------------------------------------------------------------------- what is seen


def widest(told: Iterable[Seen]) -> tuple[Seen, ...]:
    """One of each index, which may be asked for by several names, or in several ways of which one is enough."""
    found: dict[str, Seen] = {}
    for one in told:
        there = found.get(one.index)
        if there is None or _width(one) > _width(there):
            found[one.index] = one
    return tuple(found[index] for index in sorted(found))


def _width(seen: Seen) -> tuple[int, bool, bool]:
    return _RANK[seen.allowed], not seen.limited, not seen.by_alias


def _each(names: Iterable[str], allowed: bool | None) -> tuple[Seen, ...]:
    return tuple(Seen(name, allowed) for name in names)


def _one_by_one(
    here: Compiled, roles: frozenset[str], need: Need, names: Sequence[str]
) -> tuple[list[Whole], tuple[Seen, ...]]:
    """Each name by itself: of names that differ by nothing else one is asked about. Seen are the indices behind a name; or the name itself
    where nothing is behind it, or it is refused."""
    told: dict[object, tuple[str, Whole]] = {}
    seen: list[Seen] = []
    for name, kind in kinds(here, roles, names).items():
        if kind not in told:
            told[kind] = (name, reached(here, roles, replace(need, names=(name,))))
        like, whole = told[kind]
        found = [as_seen(alias, one) for alias, of in whole.remotes.items() for one in of.seen]
        if whole.allowed and found:
            seen += [replace(one, index=name) if one.index == like else one for one in found]
        else:  # a pattern that meets nothing is answered, and shows nothing
            seen.append(Seen(name, False if whole.allowed and is_pattern(name) else whole.allowed))
    return [whole for _, whole in told.values()], widest(seen)


def _worst(of: Sequence[Whole]) -> Whole:
    """What is said of all names, each of which was asked about by itself: of each remote what is said by the first that is not let in."""
    in_order = sorted(of, key=lambda one: _RANK[one.allowed])
    remotes: dict[str, Told] = {}
    for one in in_order:
        for alias, told in one.remotes.items():
            remotes.setdefault(alias, told)
    return replace(in_order[0], remotes=remotes)


def _of_whole(whole: Whole) -> Iterator[Seen]:
    if whole.allowed is not False:
        for alias, told in whole.remotes.items():
            yield from (as_seen(alias, one) for one in told.seen)


def _with_own(whole: Whole, own: Decided) -> bool | None:
    """With what else may refuse the part of this cluster, or is not known of it."""
    by_nothing = whole.local is not None and not whole.local.views  # a wildcard that met nothing, without any right
    if whole.allowed is not True or own.allowed is True or (own.allowed is False and by_nothing):
        return whole.allowed
    return own.allowed


def _of_aliases(here: Compiled, told: Mapping[str, Sequence[Told]], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        cluster, _, index = name.partition(":")
        for alias in told:
            if index in ((here.there.remotes or {})[alias].there.aliases or ()) and may_match(cluster, alias):
                yield f"{alias}:{index} may have a filter of its own, which is not looked at: perhaps less is seen"


# ---------------------------------------------------------------------- why


def permissions(here: Compiled, roles: Iterable[str], need: Need) -> Iterator[Permission]:
    """Which entries of which roles ask for some of it, or, by certificate, which of the roles of these names give it over there."""
    if need.action not in (SEARCH, POINT_IN_TIME):
        return
    for alias, far in (here.there.remotes or {}).items():
        asked = asked_of(alias, need.names)
        for role in sorted(roles) if asked else ():
            yield from _of_role(here, far, role, asked)


def _of_role(here: Compiled, far: Far, role: str, asked: Collection[str]) -> Iterator[Permission]:
    release = Release.of(far.release) if far.release else here.release
    by_key = far.model == API_KEY
    if by_key:
        held = sent_of(here.roles, [role], far.alias, here.release)
    else:
        held = {name: one for name, one in _counting(far).items() if name == role}
    if role != SUPERUSER and not held.get(role, {}).get("indices"):
        return
    for group in holding(held, [role], release).grants(SEARCH):
        fits = [one for one in group.names if any(_touch(one, index) for index in asked)]
        if fits and not (role == SUPERUSER and group.restricted):
            of = f"{', '.join(_privileges(group))} on {', '.join(fits)}"
            rule = f"{of} of {far.alias}" if by_key else f"{of}: the role of this name on {far.called}"
            yield Permission(role, rule, effect.limits(group), "" if by_key else far.called, asks=by_key)


def _privileges(group: Group) -> tuple[str, ...]:
    return tuple(one for one in group.privileges if one != "read_cross_cluster" or "read" not in group.privileges)


def _touch(pattern: str, index: str) -> bool:
    return may_match(pattern, index) or (
        is_pattern(index) and (is_expression(pattern) or may_match(index, example_of(pattern)))
    )


def _refusals(here: Compiled, whole: Whole) -> Iterator[str]:
    """Who refuses, and by what, in words."""
    refusing = {alias: told for alias, told in whole.remotes.items() if told.allowed is False}
    for alias, told in refusing.items():
        yield refusal((here.there.remotes or {})[alias], told)
    if not refusing:
        yield from whole.reasons


def refusal(far: Far, told: Told) -> str:
    """Of one remote: who refuses, and by what."""
    there, key = f"{far.called} refuses", f"the key {far.key}" if far.key else f"the key of {far.alias}"
    why = "; ".join(told.reasons)
    match told.rule:
        case Rule.NO_ENTRY:
            return f"this cluster refuses: {why}"
        case Rule.KEY:
            return f"{there}: {key} does not allow it"
        case Rule.BOTH:
            return f"{there}: neither {key} nor a role of theirs allows it"
        case Rule.KEY_STATE:
            return f"{there} whoever asks: {why}"
        case Rule.ROLES if far.model == API_KEY:
            return f"{there}: {key} allows it, and no role of theirs asks for it in remote_indices"
        case Rule.CUSTODY:
            return f"{there} everybody: {why}"
    return f"{there}: {why}"


def _links(here: Compiled, whole: Whole) -> Iterator[Reason]:
    for alias, told in whole.remotes.items():
        far = (here.there.remotes or {})[alias]
        yield remote_link(far)
        if told.side is Side.LOCAL:
            yield Reason(Layer.REMOTE, alias, "; ".join(told.reasons), "stops here")
            continue
        if far.model == API_KEY:
            yield key_link(far, told.rule in (Rule.KEY, Rule.BOTH))
        elif told.rule is Rule.ROLES or told.allowed is None:
            stops = "is not known" if told.allowed is None else "stops here"
            yield Reason(Layer.PERMISSION, "", "; ".join(told.reasons), stops)
        if told.allowed and (told.status >= 400 or not told.seen):
            yield Reason(Layer.REMOTE, alias, "; ".join(told.reasons), "shows nothing now")
        if far.stopped:
            yield Reason(Layer.CUSTODY, far.deployment, far.stopped, "nobody is let in")
        elif told.skipped:
            yield skipped_link(far)


def remote_link(far: Far) -> Reason:
    """Which cluster it is."""
    where = f"deployment {far.deployment}, " if far.deployment else ""
    return Reason(Layer.REMOTE, far.alias, f"{where}model {far.model}", "is another cluster")


def key_link(far: Far, refuses: bool) -> Reason:
    """What the key allows. `refuses`: it does not allow what is asked for."""
    if far.state != LIVE:
        return Reason(Layer.KEY, far.key, f"the key is not in use: {far.state}", "stops here")
    if far.access is None:
        return Reason(Layer.KEY, far.key, "what it allows could not be looked at", "is not known")
    release = Release.of(far.release) if far.release else NEWEST
    searched = [_said(one, release) for one in far.access.get("search") or ()]
    allows = f"search on {'; '.join(searched)}" if searched else "no search"
    effect_ = "is not known" if far.agreed else "stops here" if refuses else "allows it"
    return Reason(Layer.KEY, far.key, f"{allows} ({far.source})", effect_)


def _said(entry: Json, release: Release) -> str:
    groups = holding({KEY: as_role({"search": [entry]})}, [KEY], release).groups
    return "; ".join(", ".join(filter(None, (", ".join(one.names), effect.limits(one)))) for one in groups)


def skipped_link(far: Far) -> Reason:
    """What a client sees of a refusal."""
    said = "the answer is a 200 without its part, and does not say that it was refused"
    return Reason(Layer.REMOTE, far.alias, "skip_unavailable: true", said)
