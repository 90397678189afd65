"""What a caller may search where a request names other clusters (`alias:index`), as real pairs of servers answer it.

A refusal of a remote is the answer to the whole request, unless the remote may be skipped: then it is a 200 that lacks its part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from portcullis.families.elasticsearch.deciding.clusters import Split, parted_by_cluster
from portcullis.families.elasticsearch.deciding.decide import Answer, answer
from portcullis.families.elasticsearch.deciding.over_one_remote import Sent, sent_of, told_by, told_by_shard
from portcullis.families.elasticsearch.deciding.remote import Remote, Rule, Seen, Told, Whole
from portcullis.families.elasticsearch.deciding.terms import TERMS, of_all_documents, of_terms
from portcullis.families.elasticsearch.granting.merging import Holding, Json, holding
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need

SEARCH = "indices:data/read/search"
ONLY_SEARCH = "of requests over clusters, only a search by itself is decided here"
FIELD_CAPS = "indices:data/read/field_caps"
RESOLVE = "indices:admin/resolve/index"
POINT_IN_TIME = "indices:data/read/open_point_in_time"
RESOLVE_CLUSTER = "indices:admin/resolve/cluster"
_SHARDS = "indices:admin/search/search_shards"


@dataclass(frozen=True, slots=True)
class AsKey:
    """Whoever asks by an API key: what it holds on this side, and the roles that it has of its own, if it has any."""

    own: Holding
    roles: Mapping[str, Json] | None


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
    by_key: AsKey | None = None,
) -> Whole:
    """What the engine answers to a search that names other clusters. `held`: this side's roles by name. `by_key`: of an API key."""
    if need.action == POINT_IN_TIME:
        need = replace(need, action=SEARCH)
    if need.action not in (SEARCH, FIELD_CAPS, RESOLVE, RESOLVE_CLUSTER, TERMS):
        return Whole(None, 0, None, {}, (ONLY_SEARCH,))
    split = parted_by_cluster(need.names, {alias: one.release for alias, one in remotes.items()}, release)
    if split.fault:
        return Whole(split.fault[0] == 0 and None, split.fault[0], None, {}, (split.fault[1],))
    local = _local(by_key.own if by_key else holding(held, roles, release), split, need, world, release)
    if local is not None and (local.allowed is None or local.status in (400, 403)):
        return Whole(local.allowed, local.status, local, {}, local.reasons)
    sent = {alias: _sent(held, roles, alias, release, by_key) for alias in split.remote}
    if need.by_shard:
        looked = replace(need, action=_SHARDS)
        told = {
            alias: told_by_shard(sent[alias], alias, replace(looked, names=names), remotes[alias])
            for alias, names in split.remote.items()
        }
        return _of_shards(local, _apart(told, remotes), needs_all=need.all_shards)
    told = {
        alias: told_by(sent[alias], alias, replace(need, names=names), remotes[alias])
        for alias, names in split.remote.items()
    }
    if need.action == FIELD_CAPS:
        return _fields(local, told)
    if need.action == TERMS:
        return _names(local, {alias: replace(one, seen=_with_terms(one.seen)) for alias, one in told.items()})
    if need.action in (RESOLVE, RESOLVE_CLUSTER):
        return _names(local, told)
    return _together(local, told)


def _sent(held: Mapping[str, Json], roles: Sequence[str], alias: str, release: Release, by_key: AsKey | None) -> Sent:
    found = Sent(sent_of(held, roles, alias, release))
    if by_key is None:
        return found
    limits = by_key.roles and sent_of(by_key.roles, by_key.roles, alias, release)
    return replace(found, limits=limits, own=by_key.own)


def _apart(told: Mapping[str, Told], remotes: Mapping[str, Remote]) -> Mapping[str, Told]:
    """The engine keeps one filter of an index, also where two aliases stand for the same cluster and it is asked for in two ways."""
    by_index: dict[str, dict[str, tuple[str, ...]]] = {}
    for alias, one in told.items():
        for index, names in one.asked.items():
            by_index.setdefault(index, {})[alias] = names
    both = {
        alias
        for of in by_index.values()
        for alias, names in of.items()
        if any(other != names and remotes[far].world == remotes[alias].world for far, other in of.items())
    }
    why = f"{', '.join(sorted(both))} may be one cluster, of which the engine keeps one filter for each index: which, it alone can tell"
    return {alias: Told(None, 0, reasons=(why,)) if alias in both else one for alias, one in told.items()}


def _of_shards(local: Answer | None, told: Mapping[str, Told], *, needs_all: bool) -> Whole:
    """Shards that refuse leave an answer of the others. Where all do, that is the answer, and where any does of what needs all of them:
    a point in time, or a search with `allow_partial_search_results=false`."""
    whole = _together(local, told)
    refused = [f"{alias}:{index}" for alias, one in told.items() for index in one.refused]
    if whole.status != 200 or not refused:
        return whole
    why = f"{', '.join(refused)} is not covered by its own name, by which each shard decides"
    if not needs_all and (any(one.seen for one in told.values()) or (local is not None and local.views)):
        return replace(whole, reasons=(*whole.reasons, why))
    return Whole(False, 403, local, told, (why,))


def _fields(local: Answer | None, told: Mapping[str, Told]) -> Whole:
    """Of which fields there are: a part that fails leaves an answer of the others, if these have an index at all."""
    plain = {alias: replace(one, skipped=False) for alias, one in told.items()}
    whole = _together(local, plain)
    if whole.status == 200 or (local is not None and local.status >= 400):
        return whole
    if any(one.allowed is None for one in plain.values()):
        return Whole(None, 0, local, plain, whole.reasons)
    if any(one.seen for one in plain.values()) or (local is not None and local.views):
        return Whole(True, 200, local, plain, whole.reasons)
    # A connection that is made anew with a dead key fails in a way of its own.
    dead = any(one.rule is Rule.KEY_STATE for one in plain.values())
    return replace(whole, status=0) if dead else whole


def _names(local: Answer | None, told: Mapping[str, Told]) -> Whole:
    """Of which names, clusters or terms there are: a remote that fails is left out, or said to fail, and the rest is answered."""
    whole = _together(local, {alias: replace(one, skipped=True) for alias, one in told.items()})
    if local is not None and local.status >= 400:
        return replace(whole, remotes=told)
    unknown = any(one.allowed is None for one in told.values())
    return Whole(None if unknown else True, 0 if unknown else 200, local, told, whole.reasons)


def _with_terms(seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """The indices of which every limit lets terms through."""
    found = []
    for one in seen:
        limits = tuple((who, shown) for who, view in one.limits for shown in of_all_documents(view))
        if len(limits) == len(one.limits):
            found.append(replace(one, limits=limits))
    return tuple(found)


def _local(held: Holding, split: Split, need: Need, world: EngineFacts, release: Release) -> Answer | None:
    """This cluster's own part. Where there is one of another cluster, a wildcard may come to nothing without any right here."""
    if not split.local:
        return None
    own = replace(need, names=split.local)
    lacking = "nothing of this cluster is visible"
    left_out = need.options.ignore_unavailable or all(_wild(name) for name in split.local)
    nothing = split.remote and not held.grants(need.action) and left_out
    if nothing:
        return Answer(own, True, 200 if need.options.allow_no_indices else 404, reasons=(lacking,))
    told = of_terms(answer(held, own, world, release))
    if need.action == RESOLVE_CLUSTER and told.allowed and told.status == 404 and need.options.allow_no_indices:
        return Answer(own, True, 200, reasons=told.reasons)  # which is said of this cluster, beside the others
    only_out = release.major >= 9 and split.remote and all(name.startswith("-") for name in split.local)
    if only_out and told.allowed and told.status == 404:
        return Answer(own, True, 200, reasons=(lacking,))  # exclusions alone name nothing here: nothing is missing
    return told


def _wild(name: str) -> bool:
    return name.startswith("-") or name == "_all" or "*" in name


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
