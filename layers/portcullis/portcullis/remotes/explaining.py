"""Why somebody may search an index of a remote cluster, or may not: which side decides, and by which rule, key or role.

A name is decided by `families.elasticsearch.across`, which is held against pairs of real servers. A pattern is every name of the other
cluster that it fits, each decided by itself; where nobody could say which there are, names that tell the patterns of key and roles apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from portcullis.access.actual import Json
from portcullis.access.questions.answers import BETWEEN, STATUS, Far
from portcullis.families.elasticsearch.deciding.across import SEARCH, across
from portcullis.families.elasticsearch.deciding.decide import View
from portcullis.families.elasticsearch.deciding.remote import LIVE, Remote, Rule, Seen, Side, Told
from portcullis.families.elasticsearch.documents.config import is_reserved
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import is_pattern, may_match
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.over_there.names_over_there import thought_of
from portcullis.families.elasticsearch.over_there.reaching import as_remote
from portcullis.families.elasticsearch.requesting.asking import Need
from portcullis.remotes.parties import Asked, Explained, Limit, Near, Shown, Verdict, Who
from portcullis.remotes.saying import chain, sentence

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
        BETWEEN,
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
    telling = {name: role for name, role in near.roles.items() if name in who.roles or not is_reserved(role)}
    imagined = thought_of(telling, far, asked.index)
    remote = replace(as_remote(far, Release.of(near.release), imagined), closed="")  # of a lock more is told
    names = _names(asked, far, imagined)
    told = {name: _told(near, far, remote, list(who.roles), name) for name in names}
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
    if not told:  # what fits is hidden, and meant by its own name alone
        return Verdict(False, key_allows=True)
    first = next(iter(told.values()))
    open_key = replace(remote, access=_ANYTHING, state=LIVE, lacking="")
    asking = [
        role for role in who.roles if any(_told(near, far, open_key, [role], name).allowed is True for name in names)
    ]
    rule = str(first.rule or "")
    status = 200 if far.skip_unavailable else first.status or None
    why = "; ".join(first.reasons)
    return Verdict(
        False, told, str(first.side or ""), rule, status, why, tuple(asking), first.rule not in (Rule.KEY, Rule.BOTH)
    )


def _names(asked: Asked, far: Far, imagined: Sequence[str]) -> tuple[str, ...]:
    there = far.there
    known = (*(there.indices or ()), *(there.aliases or ()), *there.streams)
    if not is_pattern(asked.index):
        return (asked.index,)
    fitting = [name for name in dict.fromkeys(known) if may_match(asked.index, name) and name not in there.hidden]
    return tuple((fitting or imagined)[:_MOST_NAMES])


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
