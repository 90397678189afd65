"""What one remote cluster answers to a part of a request: which side refuses, and what limits what is seen.

- Who comes with a cross-cluster key is decided twice. Here: without an entry of `remote_indices` for the alias nothing is sent at all.
  There: what the key and what those entries allow, both; the documents and fields of both limit. So nobody sees beyond the key, a
  superuser neither.
- By certificate nothing is decided here. The names of the caller's roles are sent, and mean what roles of these names hold there: a
  superuser of this side is one of that side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portcullis.families.elasticsearch.deciding.decide import Answer, answer
from portcullis.families.elasticsearch.deciding.remote import (
    CERTIFICATE,
    KEY,
    LIVE,
    ROLES,
    Remote,
    Rule,
    Seen,
    Side,
    Told,
)
from portcullis.families.elasticsearch.deciding.resolving import Resolved, resolved
from portcullis.families.elasticsearch.granting.merging import SUPERUSER, Holding, Json, covering, holding
from portcullis.families.elasticsearch.known.names import Unreadable, matches
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import built_in
from portcullis.families.elasticsearch.requesting.asking import Need

_TOGETHER = "from 9 on the shards of a node are asked together: which lie on one only the engine knows"
# What a shard is asked for: through the node that is connected to, or by a connection to its own.
_ON_A_SHARD = (
    "internal:transport/proxy/indices:data/read/search[phase/query]",
    "indices:data/read/search[phase/query]",
)
_BY_THE_WAY = "a role allows shards to be searched in one of two ways, through another node or not: which it is only the engine knows"
_OF_CLUSTER = "of the cluster"  # in what is sent: entries that give no index
# What the engine makes of a key's `access`. Following an index is other actions than searching it.
_SEARCHES = ("read", "read_cross_cluster", "view_index_metadata")
_FOLLOWS = (
    *("indices:data/read/xpack/ccr/shard_changes*", "indices:monitor/stats*", "indices:admin/settings/update"),
    *("indices:admin/retention_lease*", "indices:internal/admin/ccr/restore*", "internal:transport/proxy/indices:*"),
)
# What the other side says to a request that comes with such a key; without any it takes us for somebody who has a certificate.
_DEAD = {
    "expired": (401, "the key has expired"),
    "revoked": (401, "the key has been revoked"),
    "wrong-type": (401, "what stands in the keystore is no cross-cluster key"),
    "garbage": (401, "what stands in the keystore is no key"),
    "absent": (400, "no key for the alias stands in the keystore"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What this side tells another cluster of whoever asks.

    `roles`: as `sent_of` gives them. Of an API key also `limits`, the same of roles of its own, if it has any, and `own`: what
    it holds on this side. By certificate that is what it holds over there, whatever roles of the owner's there are.
    """

    roles: Mapping[str, Json]
    limits: Mapping[str, Json] | None = None
    own: Holding | None = None


def told_by(sent: Sent, alias: str, need: Need, remote: Remote) -> Told:
    """What one remote answers to its part of a request; of one that is locked, what is refused here already and else the lock."""
    told = _told(sent, alias, need, remote)
    if not remote.closed or told.side is Side.LOCAL:
        return told
    if remote.closing or any(map(_goes_on, need.names)):
        return Told(None, 0, reasons=(remote.closed,))
    if told.allowed and told.status == 200 and not told.seen:
        return replace(
            told, reasons=(remote.closed,)
        )  # a wildcard comes to nothing under a narrowed key, which is no refusal
    return Told(False, 0, Side.REMOTE, Rule.CUSTODY, reasons=(remote.closed,), skipped=remote.skip_unavailable)


def _told(sent: Sent, alias: str, need: Need, remote: Remote) -> Told:
    try:
        if remote.model == CERTIFICATE:
            if remote.lacking:
                return Told(None, 0, reasons=(remote.lacking,))
            return _there(sent, alias, need, remote)
        if remote.state == "absent":  # nothing is decided on this side then: it takes the model for the other one
            return _dead(remote)
        if why := _no_entry(sent, alias):
            # With a dead key, what is told depends on whether a connection still stands that was made while it lived.
            status = 403 if remote.state == LIVE else 0
            return Told(False, status, Side.LOCAL, Rule.NO_ENTRY, reasons=(why,), skipped=remote.skip_unavailable)
        if remote.state != LIVE:
            return _dead(remote)
        if remote.lacking:
            return Told(None, 0, reasons=(remote.lacking,))
        return _there(sent, alias, need, remote)
    except Unreadable as error:
        return Told(None, 0, reasons=(str(error),))


def _there(sent: Sent, alias: str, need: Need, remote: Remote) -> Told:
    """What the other cluster decides. What it is asked for of clusters that it reads itself, it asks these: how, is not known here."""
    onward = [name for name in need.names if _goes_on(name)]
    if not onward:
        return _decided(_sides(sent, remote), need, remote)
    own = tuple(name for name in need.names if not _goes_on(name))
    told = _decided(_sides(sent, remote), replace(need, names=own), remote) if own else None
    if told is not None and told.allowed is False:
        return told
    why = f"{alias} passes {', '.join(onward)} on to clusters that it reads itself: what these answer was not looked at"
    return Told(None, 0, reasons=(why,))


def _goes_on(name: str) -> bool:
    """Whether a name that a remote is asked for is one of yet another cluster."""
    return ":" in name


def _no_entry(sent: Sent, alias: str) -> str:
    if not any(map(_asks_for_something, sent.roles.values())):
        return f"no role of {_listed(sent.roles)} has remote_indices for {alias}"
    if sent.limits is not None and not any(map(_asks_for_something, sent.limits.values())):
        return f"the API key has no remote_indices for {alias}"
    return ""


def _asks_for_something(role: Json) -> bool:
    return bool(role["indices"] or role[_OF_CLUSTER])


def _dead(remote: Remote) -> Told:
    status, why = _DEAD[remote.state]
    return Told(False, status, Side.REMOTE, Rule.KEY_STATE, reasons=(why,), skipped=remote.skip_unavailable)


def sent_of(held: Mapping[str, Json], roles: Iterable[str], alias: str, release: Release) -> dict[str, Json]:
    """What this side sends of the caller's roles, by name: their entries for the alias, as roles on the other side. Those about the cluster
    give no index, and with them alone it is the other side that refuses.

    Some of the engine's own have such entries, too. `release`: of this side.
    """
    found: dict[str, Json] = {}
    for name in dict.fromkeys(roles):
        role = held.get(name) if name != SUPERUSER else None
        given = role or built_in(name, release)
        found[name] = {
            what: [one for one in given.get(of) or () if _for(one.get("clusters") or (), alias)]
            for what, of in (("indices", "remote_indices"), (_OF_CLUSTER, "remote_cluster"))
        }
    return found


def _for(clusters: str | Sequence[str], alias: str) -> bool:
    return any(matches(one, alias) for one in ([clusters] if isinstance(clusters, str) else clusters))


def as_role(access: Mapping[str, Any]) -> Json:
    searched = [{**one, "privileges": list(_SEARCHES)} for one in access.get("search") or ()]
    followed = [{**one, "privileges": list(_FOLLOWS)} for one in access.get("replication") or ()]
    return {"indices": [*searched, *followed]}


def _sides(sent: Sent, remote: Remote) -> dict[str, Holding]:
    """Who decides over there, each with what it holds."""
    if remote.model == CERTIFICATE:
        return {ROLES: sent.own or holding(remote.roles, sent.roles, remote.release)}
    key = holding({KEY: as_role(remote.access)}, [KEY], remote.release)
    roles = holding(sent.roles, sent.roles, remote.release)
    if sent.limits is not None:
        roles = replace(roles, within=holding(sent.limits, sent.limits, remote.release))
    return {KEY: key, ROLES: roles}


def _decided(sides: Mapping[str, Holding], need: Need, remote: Remote) -> Told:
    world, release = remote.world, remote.release
    granting = {who: held.grants(need.action) for who, held in sides.items()}
    names: list[str] = []
    asked_for = need.names
    if all(granting.values()):
        found = [resolved(groups, need, world, release) for groups in granting.values()]
        lacking = any(
            not covering(groups, name, world) for one in found for name in one.named for groups in granting.values()
        )
        # What one side alone would look for in vain is refused by the other before.
        faults = (one.fault for one in found if one.fault and not (one.named and lacking))
        if fault := next(faults, None):
            return Told(True, fault[0], reasons=(fault[1],), skipped=remote.skip_unavailable)
        names = [name for name in found[0].names if all(name in others.names for others in found)]
        if need.options.ignore_unavailable:
            names = [name for name in names if all(covering(groups, name, world) for groups in granting.values())]
        left = _looked_for_still(found, names, need)
        if not names and not left:
            # An empty list of names would be all of them: what is asked is whether there may be an answer at all.
            return _nothing(sides, need, remote)
        out = release.major >= 9
        asked_for = (*(part for name in left for part in ((name, f"-{name}") if out else (name,))), *names)
    exact = replace(need, names=asked_for)
    answers = {who: answer(held, exact, world, release) for who, held in sides.items()}
    refused = {who: one for who, one in answers.items() if one.allowed is False}
    unknown = [one for one in answers.values() if one.allowed is None]
    if refused:
        first = max(refused.values(), key=lambda one: one.status)
        why = _reasons(refused.values())
        rule = Rule.BOTH if len(refused) > 1 else Rule.KEY if KEY in refused else Rule.ROLES
        return Told(False, first.status, Side.REMOTE, rule, reasons=why, skipped=remote.skip_unavailable)
    if unknown:
        return Told(None, 0, reasons=tuple(reason for one in unknown for reason in one.reasons))
    status = max(one.status for one in answers.values())
    why = _reasons(answers.values())
    if status >= 400:
        return Told(True, status, reasons=why, skipped=remote.skip_unavailable)
    asked_by = {one.index: tuple(name for name in names if one.index in world.of(name)) for one in _seen(answers)}
    seen = tuple(replace(one, asked_by=asked_by[one.index]) for one in _seen(answers))
    return Told(True, 200, seen=seen, reasons=why)


def _looked_for_still(found: Sequence[Resolved], names: Sequence[str], need: Need) -> list[str]:
    """Names that are written out and taken out again, which each side still has to cover: all from 9 on, up to 8 those that one side does
    not see (seen on 9.5.3 and 8.19.21)."""
    if need.options.ignore_unavailable:
        return []
    return list(dict.fromkeys(name for one in found for name in one.named if name not in names))


def _nothing(sides: Mapping[str, Holding], need: Need, remote: Remote) -> Told:
    broken = [why for held in sides.values() for why in held.broken]
    odd = [f"{what} is not known here" for held in sides.values() for what in held.unknown]
    if broken:
        return Told(False, 400, Side.REMOTE, Rule.ROLES, reasons=tuple(broken), skipped=remote.skip_unavailable)
    if odd:
        return Told(None, 0, reasons=tuple(odd))
    if need.options.allow_no_indices:
        return Told(True, 200, reasons=("nothing that matches is visible: an empty answer",))
    why = "nothing that matches is visible, and allow_no_indices is false"
    return Told(True, 404, reasons=(why,), skipped=remote.skip_unavailable)


def _reasons(answers: Iterable[Answer]) -> tuple[str, ...]:
    said = dict.fromkeys(reason for one in answers for reason in one.reasons)
    return tuple(reason.replace(f"no role of {KEY} grants", f"{KEY} does not grant") for reason in said)


def _seen(answers: Mapping[str, Answer]) -> tuple[Seen, ...]:
    views = {who: {view.index: view for view in one.views} for who, one in answers.items()}
    first = next(iter(views.values()))
    return tuple(
        Seen(index, tuple((who, of[index]) for who, of in views.items()))
        for index in first
        if all(index in of for of in views.values())
    )


def told_by_shard(sent: Sent, alias: str, need: Need, remote: Remote) -> Told:
    """One remote that is asked where the shards of what is named lie, and then each of them, by the index it belongs to. Where a filtered
    alias was asked for and nothing else, by the alias."""
    told = told_by(sent, alias, need, remote)
    if not told.allowed or told.status >= 400:
        return told
    sides, world = _sides(sent, remote), remote.world
    asked = {one.index: _asked_by(one) for one in told.seen}
    seen: list[Seen] = []
    refused: list[str] = []
    for index, names in asked.items():
        answers = _on_shards(sides, names, remote)
        if answers is None:
            return Told(None, 0, reasons=(_BY_THE_WAY,))
        found = [one for one in _seen(answers) if one.index == index]
        if found and all(one.allowed for one in answers.values()):
            filters = next(one.limits[0][1].alias_filters for one in told.seen if one.index == index)
            limits = found[0].limits
            seen.append(Seen(index, tuple((who, replace(view, alias_filters=filters)) for who, view in limits)))
        else:
            refused.append(index)
    by_an_alias = any(len(world.of(name)) > 1 for names in asked.values() for name in names)
    if remote.release.major >= 9 and len(asked) > 1 and (by_an_alias or (seen and refused)):
        return Told(None, 0, reasons=(_TOGETHER,))
    # Of a cluster of which no shard answers the engine says that it was skipped, where it may be.
    skipped = remote.skip_unavailable and bool(refused) and not seen
    return replace(told, seen=tuple(seen), refused=tuple(refused), asked=asked, skipped=skipped)


def _asked_by(seen: Seen) -> tuple[str, ...]:
    """The names by which a shard is asked: filters are there only if all that was asked for has one."""
    return seen.asked_by if seen.limits[0][1].alias_filters else (seen.index,)


def _on_shards(sides: Mapping[str, Holding], names: tuple[str, ...], remote: Remote) -> dict[str, Answer] | None:
    """What each side says of a shard that is asked by these names; None where it depends on how it is reached."""
    found: dict[str, Answer] = {}
    for who, of in sides.items():
        ways = [answer(of, Need(one, names), remote.world, remote.release) for one in _ON_A_SHARD]
        said = [(one.allowed, *((v.index, v.documents, v.fields, v.within) for v in one.views)) for one in ways]
        if len({*said}) > 1:
            return None
        found[who] = ways[0]
    return found


def _listed(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles))) or "nobody's"
