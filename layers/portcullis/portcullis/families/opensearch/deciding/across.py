"""What a caller may search where a request names other clusters (`alias:index`), as real nodes of 2.19.3 and 3.4.0 answered each other.

This side asks nobody whether they may: the other one maps whoever asks by name, backend roles and attributes, as this side has them, and
decides by its own roles. What is not sent to another cluster takes `alias:index` for a name of this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from portcullis.access.actual import Actual
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import NO_POINT, Compiled
from portcullis.families.opensearch.deciding.granted import Who
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.limiting.view import Beyond, Decision, View
from portcullis.families.opensearch.names.matching import wildcard
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.actions import RESOLVE, is_cluster_action
from portcullis.families.opensearch.requesting.need import BY_SHARD, A, R

SEARCH, FIELD_CAPS = f"{R}search", f"{R}field_caps"
POINT_IN_TIME, TEMPLATE = f"{R}point_in_time/create", f"{R}search/template"
_SHARDS, _OF_EACH_INDEX = f"{A}shards/search_shards", f"{R}field_caps[index]"
SENT = (SEARCH, FIELD_CAPS, RESOLVE, POINT_IN_TIME, TEMPLATE)
_LEFT_OUT = (FIELD_CAPS, RESOLVE)  # whoever refuses these is left out, and the rest is answered
_CARRIED = "has it on the cluster that asks, which sends the names of its roles"
_BY_ADDRESS = "{} lets in by address, and from where nodes of this cluster come is not known"
_LIMITS_TRAVEL = "of a request that asks each shard 2.19 sends this side's limits of the same index names too, by which less may be seen"
_SHARDS_DIFFER = (
    "which shards are told of and which indices are searched is not the same: what is left, only the engine can tell"
)
_LEFT = "which names of other clusters are left out as forbidden here, only the engine can tell"
_LIMITS_MEET = "where both sides limit what is seen, 2.19 may answer nothing to this: when, only the engine can tell"
_LIMITS_LOST = "where each shard is asked and one of several aliases is left out, 2.19 may lose the limits of the others: all may be seen"


@dataclass(frozen=True)
class Remote:
    """The cluster behind an alias. `lacking`: why it is not known what it holds; then nothing else counts. `shut`: why it refuses
    everybody."""

    held: Actual
    world: EngineFacts
    skip_unavailable: bool = False
    lacking: str = ""
    shut: str = ""


class OverClusters(Compiled):
    """A security config on an engine that searches other clusters."""

    def __init__(self, held: Actual, world: EngineFacts, remotes: Mapping[str, Remote]) -> None:
        super().__init__(held, world)
        self.remotes = remotes
        self._over_there: dict[tuple[str, str, tuple[str, ...]], Compiled] = {}

    def decide(
        self, caller: Caller, action: str, indices: Iterable[str] = (), options: Mapping[str, str] | None = None
    ) -> Decision:
        names = tuple(indices)
        if is_cluster_action(action) or self.world.v4 or not any(":" in name for name in names):
            return super().decide(caller, action, names, options)
        who = self.who(caller)
        if action not in SENT:
            return self.here(who, action, names, options or {})
        return self._sent(who, action, names, options or {})

    def _sent(self, who: Who, action: str, names: tuple[str, ...], options: Mapping[str, str]) -> Decision:
        own, far = self.parted(names)
        here: Decision | None = None
        if action in (POINT_IN_TIME, TEMPLATE):  # asked for of all names as they are written, and of this side alone
            here = self.here(who, action, names, options)
            if not here.allowed or not far:
                return here
            covered = not own and all(self._granted.granting(who, action, name) for name in names)
            if self.world.do_not_fail_on_forbidden and not covered:
                return Decision(False, who.why, unknown=(*who.unknown, _LEFT))
            if action == TEMPLATE:
                return replace(here, error="")
            here, options = None, {**options, BY_SHARD: "true"}
        if own or not far:
            here = self.here(who, action, own, options)
            if far and here.error == NO_POINT:
                here = replace(here, error="")
            # Where the shards of the others lie is looked up before those of this one.
            if not here.allowed or (here.error and (BY_SHARD not in options or not far)):
                return here
        told = {alias: self._told(who, alias, action, of, options) for alias, of in far.items()}
        beyond = {alias: Beyond(one, self._is_left_out(alias, action, one)) for alias, one in told.items()}
        if BY_SHARD in options and any(one.left_out for one in beyond.values()):
            beyond = {alias: replace(one, decision=self._in_doubt(who, alias, one)) for alias, one in beyond.items()}
        whole = _together(who, here, beyond)
        nothing = action == POINT_IN_TIME and whole.allowed and not any(whole.every_view)
        return replace(whole, error=whole.error or NO_POINT) if nothing else whole

    def _in_doubt(self, who: Who, alias: str, one: Beyond) -> Decision:
        """What is seen beside a part that is left out. Of 2.19 now what its roles show, now everything: seen again and again."""
        there, caller, _ = self.there(who, alias)
        lost = not one.left_out and self.remotes[alias].world.release is Release.V2 and _limited(there.who(caller))
        return replace(one.decision, unknown=(*one.decision.unknown, _LIMITS_LOST)) if lost else one.decision

    def parted(self, names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        """What of the names is of this cluster, and what each alias is asked for. What is before the colon and means no alias makes a
        name of this cluster of it, a sign for an exclusion among others."""
        own: list[str] = []
        far: dict[str, list[str]] = {}
        for name in names:
            cluster, colon, index = name.partition(":")
            for alias in (meant := self.meant(cluster) if colon else ()):
                far.setdefault(alias, []).append(index)
            if not meant:
                own.append(name)
        return tuple(own), {alias: tuple(of) for alias, of in far.items()}

    def meant(self, cluster: str) -> tuple[str, ...]:
        if cluster in self.remotes:
            return (cluster,)
        fits = wildcard(cluster, question=False).fullmatch if "*" in cluster else None
        return tuple(sorted(alias for alias in self.remotes if fits and fits(alias)))

    def _is_left_out(self, alias: str, action: str, told: Decision) -> bool:
        fails = bool(told.error) or not told.allowed
        return fails and (action in _LEFT_OUT or self.remotes[alias].skip_unavailable)

    def _told(self, who: Who, alias: str, action: str, names: tuple[str, ...], options: Mapping[str, str]) -> Decision:
        """What the other cluster says."""
        remote = self.remotes[alias]
        if remote.lacking:
            return Decision(False, unknown=(remote.lacking,))
        there, caller, carried = self.there(who, alias)
        action = SEARCH if action == POINT_IN_TIME else action
        if "" in names or (action == RESOLVE and any(name.startswith(("_all", "-")) for name in names)):
            return Decision(False, unknown=(f"what {alias}:{','.join(names)} means, only the engine can tell",))
        found = there.as_sent(caller, action, names, options)
        if BY_SHARD in options:
            found = self._by_shard(who, there, caller, found, there.decide(caller, _SHARDS, names, options), remote)
        both_older = self.world.release is remote.world.release is Release.V2
        if action in _LEFT_OUT and both_older and _limited(who) and _limited(there.who(caller)):
            found = replace(found, allowed=False, unknown=(*found.unknown, _LIMITS_MEET))
        if action == FIELD_CAPS and found.allowed:
            of_each = there.decide(caller, _OF_EACH_INDEX, names, {**options, "ignore_unavailable": "true"})
            shown = tuple(view for view in found.views if view.index in of_each.visible)
            found = replace(found, make_views=lambda: shown)
        roles = {
            role: _CARRIED if role in carried and why.endswith(DIRECT) else why for role, why in found.roles.items()
        }
        if remote.shut:
            return Decision(False, roles, (remote.shut,))
        return replace(found, roles=roles, unknown=(*found.unknown, *_by_address(there, roles)))

    def there(self, who: Who, alias: str) -> tuple[Compiled, Caller, tuple[str, ...]]:
        """The other cluster, as whom it sees whoever asks, and the roles of this side that it takes for theirs.

        Of its own internal user of that name nothing counts. From 2.x the names of all their roles go along, from 3.x those alone that
        their internal user has of itself.
        """
        remote, caller = self.remotes[alias], who.caller
        direct = (self.held.of(Kind.USERS).get(caller.name) or {}).get(DIRECT) or ()
        carried = tuple(who.why) if self.world.release is Release.V2 else tuple(direct)
        known = tuple(role for role in carried if role in remote.held.of(Kind.ROLES))
        key = (alias, caller.name if known else "", known)
        found = self._over_there.get(key)
        if found is None:
            users = {caller.name: {DIRECT: list(known)}} if known else {}
            documents = {str(kind): users if kind is Kind.USERS else remote.held.of(kind) for kind in Kind}
            if len(self._over_there) > _KEPT:
                self._over_there.clear()
            found = self._over_there[key] = Compiled(SecurityConfig(documents), remote.world)
        return found, replace(caller, hosts=()), known

    def _by_shard(
        self, who: Who, there: Compiled, caller: Caller, found: Decision, looked: Decision, remote: Remote
    ) -> Decision:
        """It is told where the shards lie, and each of them is searched."""
        if not looked.allowed or not found.allowed:
            return found if not found.allowed else looked
        if looked.visible != found.visible and not found.error:
            return replace(found, allowed=False, unknown=(*found.unknown, _SHARDS_DIFFER))
        if remote.world.release is Release.V3:
            return found
        if self.world.release is Release.V2 and _limited(who):

            def views() -> tuple[View, ...]:
                return tuple(replace(view, unknown=(*view.unknown, _LIMITS_TRAVEL)) for view in found.views)

            return replace(found, make_views=views)
        return found


def _limited(who: Who) -> bool:
    return any(role.limited for role in who.roles)


_KEPT = 500


def _by_address(there: Compiled, roles: Mapping[str, str]) -> Iterator[str]:
    for held in there.mappings.by_address:
        if held.role not in roles and held.role in there.held.of(Kind.ROLES):
            yield _BY_ADDRESS.format(held.claim)


def _together(who: Who, here: Decision | None, beyond: Mapping[str, Beyond]) -> Decision:
    """The answer to the whole: it fails where any part of it does that is not left out."""
    failing = {alias: one.decision for alias, one in beyond.items() if not one.left_out}
    refused = {alias: one for alias, one in failing.items() if not one.allowed}
    errors = [here.error] if here and here.error else []
    errors += [f"{one.error} ({alias})" for alias, one in failing.items() if one.allowed and one.error]
    unknown = dict.fromkeys(here.unknown if here else who.unknown)
    for alias, one in beyond.items():
        unknown |= dict.fromkeys(f"{alias}: {why}" for why in one.decision.unknown)
    if any(not one.unknown for one in refused.values()):  # whatever the others say
        unknown = {}
    in_doubt = any(one.left_out and one.decision.unknown for one in beyond.values())
    why = [f"{alias} refuses: {reason}" for alias, one in refused.items() for reason in one.reasons]
    for alias, one in beyond.items():
        if one.left_out:
            why += [
                f"{alias} is left out: {reason}" for reason in (one.decision.error, *one.decision.reasons) if reason
            ]
    return Decision(
        not refused,
        who.why,
        tuple(dict.fromkeys((*(here.refusal if here else ()), *why))),
        "" if refused else next(iter(errors), ""),
        tuple(unknown),
        here.make_views if here else tuple,
        conditional=in_doubt or any(one.conditional for one in (*failing.values(), *((here,) if here else ()))),
        beyond=beyond,
    )
