"""Why somebody may search an index of a remote cluster, or may not: which side decides, and by which rule, key or role.

A name is decided by `families.elasticsearch.across`, which is held against pairs of real servers. A pattern is every name of the other
cluster that it fits, each decided by itself; where nobody could say which there are, names that tell the patterns of key and roles apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from portcullis.access.actual import Json
from portcullis.access.answers import STATUS
from portcullis.families.elasticsearch.across import API_KEY, LIVE, SEARCH, Remote, Rule, Seen, Side, Told, across
from portcullis.families.elasticsearch.decide import EngineFacts, Index, View
from portcullis.families.elasticsearch.names import is_pattern, may_match
from portcullis.families.elasticsearch.release import Release
from portcullis.families.elasticsearch.requests import Need
from portcullis.remotes.parties import Asked, Explained, Far, Limit, Near, Shown, Verdict, Who, listed
from portcullis.remotes.saying import chain, sentence

NOT_LOOKED_AT = ("the network between the clusters", "trust in certificates")
_MOST_NAMES = 200
_BY_ROLES = ("person", Rule.NO_ENTRY, Rule.ROLES)
_ANYTHING: Json = {"search": [{"names": ["*"]}]}


def explain(who: Who, asked: Asked, near: Near, far: Far | None) -> Explained:
    """Whether they may, in one sentence, and what decides it on which side."""
    found = _verdict(who, asked, near, far)
    unknown = list(far.unknown) if far and found.side != Side.LOCAL else []
    if found.allowed is None and found.why:
        unknown.insert(0, found.why)
    if who.doubt and found.rule in _BY_ROLES:  # with more roles they might: a no would be a guess
        unknown.insert(0, who.doubt)
        found = replace(found, allowed=None)
    seen = tuple(_shown(one) for told in found.told.values() for one in told.seen)
    return Explained(
        near.deployment,
        who.person,
        who.name,
        f"read {asked}",
        asked.alias,
        far.model if far else "",
        far.deployment if far else "",
        far.key if far else "",
        found.allowed,
        found.status,
        found.side,
        found.rule,
        sentence(who, asked, near, far, found, seen, unknown),
        seen,
        tuple(chain(who, asked, near, far, found)),
        tuple(dict.fromkeys(unknown)),
        NOT_LOOKED_AT,
        STATUS[found.allowed],
    )


def _verdict(who: Who, asked: Asked, near: Near, far: Far | None) -> Verdict:
    if near.stopped:
        return Verdict(False if near.certain else None, side=Side.LOCAL, rule="custody", why=near.stopped)
    if who.refused:
        return Verdict(False, side=Side.LOCAL, rule="person", why=who.refused)
    if far is None:
        there = ", ".join(near.aliases) or "none"
        status = {9: 404, 8: 403}.get(Release.of(near.release).major)
        return Verdict(
            False,
            side=Side.LOCAL,
            rule="unknown-alias",
            status=status,
            why=f"{near.deployment} has no remote cluster {asked.alias} (there is {there})",
        )
    found = _decided(who, asked, near, far)
    if far.stopped and found.side != Side.LOCAL:
        why = far.stopped
        return replace(found, allowed=False if far.certain else None, side=Side.REMOTE, rule="custody", why=why)
    return found


def _decided(who: Who, asked: Asked, near: Near, far: Far) -> Verdict:
    remote, lacking = _remote(asked, near, far)
    names = _names(asked, near, far)
    told = {name: _told(near, far, remote, list(who.roles), name) for name in names}
    if lacking and all(one.side != Side.LOCAL for one in told.values()):
        return Verdict(None, why=lacking)
    seen = {name: one for name, one in told.items() if one.allowed is True}
    unsure = [one for one in told.values() if one.allowed is None]
    if seen:
        giving = [
            role for role in who.roles if any(_told(near, far, remote, [role], name).allowed is True for name in seen)
        ]
        # Roles may be enough together alone: documents and fields are those of all of them.
        return Verdict(
            True,
            seen,
            status=max(one.status for one in seen.values()),
            roles=tuple(giving or who.roles),
            key_allows=True,
        )
    if unsure:
        return Verdict(None, why=unsure[0].reasons[0] if unsure[0].reasons else "only the engine can tell")
    first = next(iter(told.values()))
    open_key = replace(remote, access=_ANYTHING, state=LIVE)
    asking = [
        role for role in who.roles if any(_told(near, far, open_key, [role], name).allowed is True for name in names)
    ]
    rule = str(first.rule or "")
    status = 200 if far.skip_unavailable else first.status or None
    why = "; ".join(first.reasons)
    return Verdict(
        False, told, str(first.side or ""), rule, status, why, tuple(asking), first.rule not in (Rule.KEY, Rule.BOTH)
    )


def _remote(asked: Asked, near: Near, far: Far) -> tuple[Remote, str]:
    """The other cluster for `across`, and what of it is not known, so that only a refusal of this side is certain."""
    lacking = ""
    if far.model == API_KEY and far.access is None and far.state == LIVE:  # a dead key allows nothing
        lacking = f"what the key of {far.alias} allows could not be looked at"
    if far.model != API_KEY and far.roles is None:
        lacking = f"which roles {far.deployment or far.alias} has could not be looked at"
    names = (*(far.there.indices or ()), *_thought_of(asked, near, far))
    hidden = set(far.there.hidden)
    aliases = {name: dict.fromkeys(of) for name, of in (far.there.aliases or {}).items()}
    known = {*aliases, *far.there.streams}
    indices = tuple(Index(name, name in hidden) for name in dict.fromkeys(names) if name not in known)
    world = EngineFacts(indices, aliases, dict(far.there.streams))
    release = Release.of(far.release or near.release)
    return Remote(
        release, far.model, far.state, far.access or {}, far.roles or {}, world, far.skip_unavailable
    ), lacking


def _names(asked: Asked, near: Near, far: Far) -> tuple[str, ...]:
    there = far.there
    known = (*(there.indices or ()), *(there.aliases or ()), *there.streams)
    if not is_pattern(asked.index):
        return (asked.index,)
    fitting = [name for name in dict.fromkeys(known) if may_match(asked.index, name) and name not in there.hidden]
    return tuple((fitting or _thought_of(asked, near, far))[:_MOST_NAMES])


def _thought_of(asked: Asked, near: Near, far: Far) -> tuple[str, ...]:
    """Names that fit what is asked for, one for each way in which key and roles tell such names apart. None where names are known."""
    if not is_pattern(asked.index):
        return () if far.there.every else (asked.index,)
    known = (*(far.there.indices or ()), *(far.there.aliases or ()), *far.there.streams)
    if any(may_match(asked.index, name) for name in known):
        return ()
    patterns = [name for one in (far.access or {}).get("search") or () for name in listed(one.get("names"))]
    for role in near.roles.values():
        patterns += [name for one in role.get("remote_indices") or () for name in listed(one.get("names"))]
    for role in (far.roles or {}).values():
        patterns += [name for one in role.get("indices") or () for name in listed(one.get("names"))]
    examples = [one.replace("*", "x").replace("?", "x") for one in (*patterns, asked.index) if not one.startswith("/")]
    return tuple(sorted({one for one in examples if one and not one.startswith(".") and may_match(asked.index, one)}))


def _told(near: Near, far: Far, remote: Remote, roles: Sequence[str], name: str) -> Told:
    need = Need(SEARCH, (f"{far.alias}:{name}",))
    whole = across(near.roles, roles, need, EngineFacts(), Release.of(near.release), {far.alias: remote})
    if far.alias in whole.remotes:
        return whole.remotes[far.alias]
    return Told(whole.allowed, whole.status, reasons=whole.reasons)


def _shown(seen: Seen) -> Shown:
    return Shown(seen.index, tuple(_limit(by, view) for by, view in seen.limits))


def _limit(by: str, view: View) -> Limit:
    fields = tuple({"grant": grant, "except": without} for grant, without in view.fields.groups)
    return Limit(by, tuple(view.documents or ()), fields)
