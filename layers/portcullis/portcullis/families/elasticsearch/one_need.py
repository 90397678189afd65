"""What one thing that a request needs comes to for somebody with these roles: what is seen of each index, and what of it is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from portcullis.access.questions.answers import ALIAS_FILTER, OF_HIDDEN_FIELDS, Decided, Seen, parted
from portcullis.families.all_but_own import is_own
from portcullis.families.elasticsearch.deciding.across import SEARCH, is_across
from portcullis.families.elasticsearch.deciding.compiled import Compiled, may_be_kept
from portcullis.families.elasticsearch.deciding.decide import Answer, View
from portcullis.families.elasticsearch.granting.merging import covering, is_restricted
from portcullis.families.elasticsearch.known.names import Unreadable, matches
from portcullis.families.elasticsearch.known.own_indices import own_indices
from portcullis.families.elasticsearch.over_there.both_limits import words_of
from portcullis.families.elasticsearch.over_there.reaching import over, widest
from portcullis.families.elasticsearch.requesting.asking import ALL, Need

_ALIASES = "indices:admin/aliases/get"
_MIND_FILTERS = (SEARCH, "indices:data/read/explain")  # what reads a document by its id minds no filter of an alias
_OWN = "indices in which the engine keeps who has access may be among it: which of them there are is not looked at"
_OWN_NAMES = (".security-7", ".security-tokens-7", ".security-profile-8")
_OWN_NAME_OF_OLD = ".security-6"  # 7 keeps it where it was 6 once
_BAD_REQUEST = 400  # and all that is above ends in an error


def answered(here: Compiled, roles: frozenset[str], need: Need) -> Decided:
    """On this cluster, and on others that it names."""
    if is_across(need):
        own, _ = parted(need.names)
        return over(here, roles, need, answered(here, roles, replace(need, names=own)) if own else None)
    told = here.answer(roles, need)
    if need.cluster:
        return Decided(told.allowed, reasons=told.reasons, unknown=told.reasons if told.allowed is None else ())
    plain = not need.wild and not any(name.startswith("-") for name in need.names)
    allowed, unknown, doubts = told.allowed, list(told.reasons if told.allowed is None else ()), []
    if plain and not (
        told.allowed and told.views
    ):  # a name that is refused refuses the request, and says nothing of the others
        views = [(name, here.answer(roles, replace(need, names=(name,)))) for name in need.names]
        seen = [one for name, answered in views for one in _seen_of(name, answered)]
    else:
        seen = [_seen(view) for view in told.views]
    if here.there.indices is None:
        unknown.append("which indices there are could not be read")
        allowed = None if not plain else allowed
    if allowed is False and need.action == _ALIASES and here.release.major < 8:
        unknown.append("of what is asked about aliases an older release shows some, and refuses nothing")
        allowed = None
    if allowed is False and (
        why := _perhaps_everything(here, roles, need) or _perhaps_by_another_name(here, roles, need)
    ):
        unknown.append(why)
        allowed = None
        seen = [replace(one, allowed=one.allowed or None) for one in seen]
    if need.action not in _MIND_FILTERS:
        seen = [replace(one, alias_filters=()) for one in seen]
    elif here.world.aliases and here.there.filters is None:
        seen = [replace(one, by_alias=_by_alias(here, need, one.index)) if one.allowed else one for one in seen]
    if any(one.by_alias for one in seen):
        doubts.append(ALIAS_FILTER)
    if any(one.alias_filters and (one.fields_only or one.fields_hidden) for one in seen):  # seen on 9.5.3
        doubts.append(OF_HIDDEN_FIELDS)
    if of_features := sorted(
        {one.index for one in seen if one.allowed and _perhaps_kept(here, roles, need, one.index)}
    ):
        unknown.append(f"{', '.join(of_features)} may be the engine's own, and reached by no wildcard of a role")
        seen = [replace(one, allowed=None if one.index in of_features else one.allowed) for one in seen]
        allowed = None if allowed and plain else allowed
    if told.allowed and (kept := _own_reached(here, roles, need)):
        doubts.append(_OWN)
        seen += [Seen(name, None) for name in kept if name not in {one.index for one in seen}]
    looked_for = not any(is_own(own_indices(here.release), name) for name in need.names)
    ends = _ends(told) if looked_for and here.there.every and here.there.aliases is not None else ""
    return Decided(allowed, widest(seen), {}, (), told.reasons, tuple(unknown), tuple(doubts), ends=ends)


def _own_reached(here: Compiled, roles: frozenset[str], need: Need) -> list[str]:
    """Indices in which the engine keeps who has access, and which a wildcard reaches for somebody whose role is on them: nobody lists
    them here. From 8 on they are hidden, and a wildcard reaches them that begins with a dot (seen on 9.5.3), or that is to expand to
    what is hidden."""
    if need.any_index:
        return []
    groups, hidden = here.holding(roles).grants(need.action), here.release.major > 7 and not need.options.hidden
    asked = ("*",) if need.names in ((), (ALL,)) else need.names
    wild = [one for one in asked if "*" in one and not one.startswith("-") and (one.startswith(".") or not hidden)]
    names = _OWN_NAMES if here.release.major > 7 else (_OWN_NAME_OF_OLD, *_OWN_NAMES)
    reached = [one for one in names if any(matches(name, one) for name in wild)]
    return [one for one in reached if any(group.restricted for group in covering(groups, one, here.world))]


def _by_alias(here: Compiled, need: Need, index: str) -> tuple[str, ...]:
    """The aliases through which an index is asked for that is not named itself, by its name or by a wildcard."""
    aliases = here.world.aliases
    if not need.names or any(name == ALL or (name not in aliases and matches(name, index)) for name in need.names):
        return ()
    return tuple(
        alias for alias, of in aliases.items() if index in of and any(matches(name, alias) for name in need.names)
    )


def _ends(told: Answer) -> str:
    """The error in which what is permitted ends; empty: in none."""
    if not told.allowed or told.status < _BAD_REQUEST:
        return ""
    reason = told.reasons[0].partition(": the answer is")[0].removesuffix(f": {told.status}") if told.reasons else ""
    return f"{told.status}: {reason}" if reason else str(told.status)


def _perhaps_everything(here: Compiled, roles: frozenset[str], need: Need) -> str:
    """Seen on 9.5.3: whoever has a role on the name `_all` is shown every index by `GET /_all,-x/_search`, and none by its own name."""
    kept = need.names and all(is_restricted(name) for name in need.names)
    if here.release.major < 7 or kept or not covering(here.holding(roles).grants(need.action), ALL, here.world):
        return ""
    return (
        f"a role of theirs is on the name {ALL}: by a request for {ALL} less something the engine may show every index"
    )


def _perhaps_by_another_name(here: Compiled, roles: frozenset[str], need: Need) -> str:
    """Where nobody could say which data streams there are: an index behind one is covered by its stream's name, too."""
    there = here.there
    if there.aliases is not None or not (there.every or there.indices is None):
        return ""
    if not here.holding(roles).grants(need.action):
        return ""
    return "an index may be behind a data stream of another name: which there are could not be read"


def _perhaps_kept(here: Compiled, roles: frozenset[str], need: Need, index: str) -> bool:
    if here.release.major < 8 or not may_be_kept(index):
        return False
    try:
        return not any(one.restricted for one in covering(here.holding(roles).grants(need.action), index, here.world))
    except Unreadable:
        return True


def _seen_of(name: str, told: Answer) -> Iterator[Seen]:
    """Of one name: the indices behind it, or the name itself where nothing is behind it or it is refused."""
    if told.allowed and told.views:
        yield from map(_seen, told.views)
    else:
        yield Seen(name, told.allowed)


def _seen(view: View) -> Seen:
    groups = view.fields.groups
    seen = Seen(view.index, True, tuple(view.documents or ()), alias_filters=view.alias_filters or ())
    if len(groups) == 1:
        grant, without = groups[0]
        return replace(seen, fields_only=() if grant == ("*",) else grant or ("(none)",), fields_hidden=without)
    # What any of them shows; one list and one of what is taken out cannot say that, so each group is one word.
    return replace(seen, fields_only=tuple(words_of(*group) for group in groups))
