"""What a caller may search on remote clusters, and which side refuses: `alias:index` in a request, as real pairs of servers answer it.

- Who comes with a cross-cluster key is decided twice. Here: without an entry of `remote_indices` for the alias nothing is sent at all.
  There: what the key and what those entries allow, both; the documents and fields of both limit. So nobody sees beyond the key, a
  superuser neither.
- By certificate nothing is decided here. The names of the caller's roles are sent, and mean what roles of these names hold there: a
  superuser of this side is one of that side.
- A refusal of a remote is the answer to the whole request, unless the remote may be skipped: then it is a 200 that lacks its part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from portcullis.families.elasticsearch.deciding.decide import Answer, View, answer
from portcullis.families.elasticsearch.deciding.resolving import resolved
from portcullis.families.elasticsearch.granting.merging import SUPERUSER, Holding, Json, covering, holding
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable, is_pattern, matches
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import built_in
from portcullis.families.elasticsearch.requesting.asking import Need

API_KEY, CERTIFICATE = "api-key", "certificate"
LIVE = "live"
SEARCH = "indices:data/read/search"
KEY, ROLES = "the key", "roles"  # who limits what is seen
ONLY_SEARCH = "of requests over clusters, only a search by itself is decided here"
FIELD_CAPS = "indices:data/read/field_caps"
POINT_IN_TIME = "indices:data/read/open_point_in_time"
EACH_SHARD = "with ccs_minimize_roundtrips=false, a scroll or a point in time each shard decides for itself, which only the engine can tell"
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


class Side(StrEnum):
    LOCAL = "local"
    REMOTE = "remote"


class Rule(StrEnum):
    """By what a request was refused."""

    NO_ENTRY = "no-remote-indices"  # no role has remote_indices for the alias
    KEY = "key"
    ROLES = "roles"
    BOTH = "key-and-roles"
    KEY_STATE = "key-state"  # the key is no longer one, or never was
    CUSTODY = "custody"  # the remote is locked


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote cluster as this side has it, and what is there.

    `lacking`: what of it is not known, so that only a refusal of this side is certain. `closed`: why nobody is let in there; `closing`:
    whether that is so of some alone.
    """

    release: Release
    model: str = API_KEY
    state: str = LIVE  # of the key in our keystore
    access: Mapping[str, Any] = field(default_factory=dict)  # of the key, as the engine shows it
    roles: Mapping[str, Json] = field(default_factory=dict)  # on the remote: the certificate model looks there
    world: EngineFacts = field(default_factory=EngineFacts)
    skip_unavailable: bool = False
    lacking: str = ""
    closed: str = ""
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How one index of a remote looks: a document or a field is seen if every limit lets it through."""

    index: str
    limits: tuple[tuple[str, View], ...]  # by whom, and how


@dataclass(frozen=True, slots=True)
class Told:
    """By one remote. `allowed` None: only the engine can tell."""

    allowed: bool | None
    status: int
    side: Side | None = None  # who refused
    rule: Rule | None = None
    seen: tuple[Seen, ...] = ()
    reasons: tuple[str, ...] = ()
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A request over clusters. `local` None: it names nothing of this cluster."""

    allowed: bool | None
    status: int  # 0: cannot be told
    local: Answer | None
    remotes: Mapping[str, Told]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Split:
    local: tuple[str, ...]
    remote: Mapping[str, tuple[str, ...]]
    fault: tuple[int, str] | None = None


def is_across(need: Need) -> bool:
    """Whether a need names another cluster. A colon is in no index name, but stands in date maths."""
    return not need.cluster and any(":" in name and "<" not in name for name in need.names)


def across(
    held: Mapping[str, Json],
    roles: Sequence[str],
    need: Need,
    world: EngineFacts,
    release: Release,
    remotes: Mapping[str, Remote],
    *,
    minimized: bool = True,
) -> Whole:
    """What the engine answers to a search that names other clusters. `held`: this side's roles by name. `minimized`: one request to each
    remote (`ccs_minimize_roundtrips`), which is what the engine does unless told otherwise."""
    by_shard = not minimized or need.action == POINT_IN_TIME
    if need.action == POINT_IN_TIME:
        need = replace(need, action=SEARCH)
    if need.action not in (SEARCH, FIELD_CAPS):
        return Whole(None, 0, None, {}, (ONLY_SEARCH,))
    split = _split(need.names, remotes, release)
    if by_shard:
        # Seen on 9.5.3: shards that refuse leave a 200 without their part, and each goes by its index, not by the alias it was asked by.
        return Whole(None, 0, None, {}, (EACH_SHARD,))
    if split.fault:
        return Whole(split.fault[0] == 0 and None, split.fault[0], None, {}, (split.fault[1],))
    local = _local(holding(held, roles, release), split, need, world, release)
    if local is not None and (local.allowed is None or local.status in (400, 403)):
        return Whole(local.allowed, local.status, local, {}, local.reasons)
    told = {
        alias: _remote(held, roles, alias, replace(need, names=names), remotes[alias])
        for alias, names in split.remote.items()
    }
    if need.action == FIELD_CAPS:
        return _fields(local, told)
    return _together(local, told)


def _fields(local: Answer | None, told: Mapping[str, Told]) -> Whole:
    """Of which fields there are: a remote is never skipped, and one that refuses is a line of the answer as soon as another part is one."""
    parts = len(told) + (local is not None)
    whole = _together(local, {alias: replace(one, skipped=False) for alias, one in told.items()})
    dead = any(one.rule is Rule.KEY_STATE for one in told.values())
    if dead or (parts > 1 and whole.status != 200):
        why = "of which fields there are, a part that fails leaves an answer of the others, or none"
        return Whole(None, 0, local, whole.remotes, (why, *whole.reasons))
    return whole


def _split(names: Sequence[str], remotes: Mapping[str, Remote], release: Release) -> _Split:
    """Which names go where. An alias that does not exist is an error; a wildcard that meets none is nothing."""
    local: list[str] = []
    remote: dict[str, list[str]] = {}
    taken_out: set[str] = set()
    for name in names:
        cluster, colon, index = name.partition(":")
        out = cluster.startswith("-")
        alias = cluster.removeprefix("-")
        if not colon:
            local.append(name)
            continue
        if "<" in name or not index or ":" in index or not alias:
            return _Split((), {}, (0, f"how {name} is read only the engine can tell"))
        found = [one for one in remotes if matches(alias, one)] if is_pattern(alias) else [alias]
        if not is_pattern(alias) and alias not in remotes:
            return _Split(
                (), {}, (_unknown_alias(release), f"there is no remote cluster {alias}: the whole request is refused")
            )
        if out and index != "*" and release.major < 9:
            why = f"{name} takes out less than a cluster, which {release} does not know: the whole request is refused"
            return _Split((), {}, (403 if release.major == 8 else 0, why))
        if out and index == "*":
            lacking = [one for one in found if one not in remote]
            if lacking or not found:
                why = f"{name} takes out a cluster that was not named before: the whole request is refused"
                return _Split((), {}, (403, why))
            taken_out.update(found)
        for one in found:
            remote.setdefault(one, []).append(f"-{index}" if out else index)
    left = {alias: tuple(of) for alias, of in remote.items() if alias not in taken_out}
    if taken_out and not left and not local:
        return _Split((), {}, (403, "every cluster that is named is taken out again: the whole request is refused"))
    # From 9 on an exclusion takes away what was found before it, and before anything else nothing (seen on 9.5.3).
    for alias, of in left.items():
        if of[0].startswith("-") and min(release.major, remotes[alias].release.major) < 9:
            return _Split(
                (), {}, (0, f"what an exclusion before anything else means to {alias} only the engine can tell")
            )
    if any("_all" in of and len(of) > 1 for of in (local, *left.values())):
        return _Split((), {}, (0, "_all beside other names is read as a name by some, which only the engine can tell"))
    if local and local[0].startswith("-") and release.major < 9:
        return _Split((), {}, (0, f"what {local[0]} before anything else means only the engine can tell"))
    if not local and not left:
        local = [
            "*",
            "-*",
        ]  # wildcards that meet no cluster: a search of nothing, which takes the right to search something
    return _Split(tuple(local), left)


def _unknown_alias(release: Release) -> int:
    """Measured on 9.5.3 and 8.19.21."""
    return {9: 404, 8: 403}.get(release.major, 0)


def _local(held: Holding, split: _Split, need: Need, world: EngineFacts, release: Release) -> Answer | None:
    """This cluster's own part. Where there is one of another cluster, a wildcard may come to nothing without any right here."""
    if not split.local:
        return None
    own = replace(need, names=split.local)
    lacking = "nothing of this cluster is visible"
    left_out = need.options.ignore_unavailable or all(_wild(name) for name in split.local)
    nothing = split.remote and not held.grants(need.action) and left_out
    if nothing:
        return Answer(own, True, 200 if need.options.allow_no_indices else 404, reasons=(lacking,))
    return answer(held, own, world, release)


def _wild(name: str) -> bool:
    return name.startswith("-") or name == "_all" or "*" in name


def _remote(held: Mapping[str, Json], roles: Sequence[str], alias: str, need: Need, remote: Remote) -> Told:
    told = _told(held, roles, alias, need, remote)
    if not remote.closed or told.side is Side.LOCAL:
        return told
    if remote.closing:
        return Told(None, 0, reasons=(remote.closed,))
    return Told(False, 0, Side.REMOTE, Rule.CUSTODY, reasons=(remote.closed,), skipped=remote.skip_unavailable)


def _told(held: Mapping[str, Json], roles: Sequence[str], alias: str, need: Need, remote: Remote) -> Told:
    try:
        if remote.model == CERTIFICATE:
            if remote.lacking:
                return Told(None, 0, reasons=(remote.lacking,))
            found = holding(remote.roles, roles, remote.release)
            return _decided({ROLES: found}, need, remote)
        if remote.state == "absent":  # nothing is decided on this side then: it takes the model for the other one
            return _dead(remote)
        sent = sent_of(held, roles, alias, remote.release)
        if not any(sent[role]["indices"] for role in sent):
            why = f"no role of {_listed(roles)} has remote_indices for {alias}"
            # With a dead key, what is told depends on whether a connection still stands that was made while it lived.
            status = 403 if remote.state == LIVE else 0
            return Told(False, status, Side.LOCAL, Rule.NO_ENTRY, reasons=(why,), skipped=remote.skip_unavailable)
        if remote.state != LIVE:
            return _dead(remote)
        if remote.lacking:
            return Told(None, 0, reasons=(remote.lacking,))
        key = holding({KEY: as_role(remote.access)}, [KEY], remote.release)
        return _decided({KEY: key, ROLES: holding(sent, list(sent), remote.release)}, need, remote)
    except Unreadable as error:
        return Told(None, 0, reasons=(str(error),))


def _dead(remote: Remote) -> Told:
    status, why = _DEAD[remote.state]
    return Told(False, status, Side.REMOTE, Rule.KEY_STATE, reasons=(why,), skipped=remote.skip_unavailable)


def sent_of(held: Mapping[str, Json], roles: Sequence[str], alias: str, release: Release) -> dict[str, Json]:
    """What this side sends of the caller's roles: their entries for the alias, as roles on the other side."""
    found: dict[str, Json] = {}
    for name in dict.fromkeys(roles):
        if name in held and name != SUPERUSER:
            entries = held[name].get("remote_indices") or ()
            found[name] = {"indices": [one for one in entries if _for(one.get("clusters") or (), alias)]}
        else:
            found[name] = {"indices": built_in(name, release).get("indices", []) if name == SUPERUSER else []}
    return found


def _for(clusters: str | Sequence[str], alias: str) -> bool:
    return any(matches(one, alias) for one in ([clusters] if isinstance(clusters, str) else clusters))


def as_role(access: Mapping[str, Any]) -> Json:
    searched = [{**one, "privileges": list(_SEARCHES)} for one in access.get("search") or ()]
    followed = [{**one, "privileges": list(_FOLLOWS)} for one in access.get("replication") or ()]
    return {"indices": [*searched, *followed]}


def _decided(sides: Mapping[str, Holding], need: Need, remote: Remote) -> Told:
    world, release = remote.world, remote.release
    granting = {who: held.grants(need.action) for who, held in sides.items()}
    names: list[str] = []
    if all(granting.values()):
        found = [resolved(groups, need, world, release) for groups in granting.values()]
        if fault := next((one.fault for one in found if one.fault), None):
            return Told(True, fault[0], reasons=(fault[1],), skipped=remote.skip_unavailable)
        names = [name for name in found[0].names if all(name in others.names for others in found)]
        if need.options.ignore_unavailable:
            names = [name for name in names if all(covering(groups, name, world) for groups in granting.values())]
        if not names:
            # An empty list of names would be all of them: what is asked is whether there may be an answer at all.
            return _nothing(sides, need, remote)
    exact = replace(need, names=tuple(names) or need.names)
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
    return Told(True, 200, seen=_seen(answers), reasons=why)


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


def _together(local: Answer | None, told: Mapping[str, Told]) -> Whole:
    """The answer to the whole. Parts are searched at once: of several that fail in different ways, which one is told cannot be told."""
    failing = {one.status for one in told.values() if not one.skipped and (one.status >= 400 or one.allowed is False)}
    if local is not None and local.status >= 400:
        failing.add(local.status)
    parts = [one.allowed for one in told.values()] + ([] if local is None else [local.allowed])
    refusing = any(one.allowed is False and not one.skipped for one in told.values())
    reasons = tuple(dict.fromkeys(why for one in told.values() for why in one.reasons)) + (
        () if local is None else local.reasons
    )
    if refusing or failing:
        return Whole(not refusing, failing.pop() if len(failing) == 1 else 0, local, told, reasons)
    if any(part is None for part in parts):
        return Whole(None, 0, local, told, reasons)
    return Whole(any(parts), 200, local, told, reasons)


def _listed(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles))) or "nobody's"
