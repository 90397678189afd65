"""Questions about people whose answer lies on another cluster of OpenSearch, which maps whoever asks by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from portcullis.access.actual import Actual
from portcullis.access.questions.answers import ALIAS_FILTER, Decided, Far, Layer, Reason, Request, Seen, There, parted
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.across import SEARCH, SENT, OverClusters, Remote
from portcullis.families.opensearch.deciding.doubts import of_another_cluster
from portcullis.families.opensearch.deciding.facts import facts_of
from portcullis.families.opensearch.deciding.seen import seen_of
from portcullis.families.opensearch.deciding.together import Together, together
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.limiting.view import Beyond, Decision
from portcullis.families.opensearch.names.alias_filters import by_aliases_alone, named_by
from portcullis.families.opensearch.names.matching import wildcard
from portcullis.families.opensearch.names.world import Names
from portcullis.families.opensearch.requesting.need import Need, NotKnown, W
from portcullis.families.opensearch.requesting.requests import needs

_STAYS = "OpenSearch sends no request of this kind to another cluster: it is taken for one of a name of this cluster, which no index has"
_SETTINGS = (
    "it is a setting of the engine on one of the sides whether it is answered in part, or without a role's limits"
)
_UNLISTED = "a name that is no index there may be an alias or a data stream: which indices it means is not known here"
_NOTHING = "nothing that fits is seen by them"
_WORDS = {"read": SEARCH, "write": f"{W}index"}
_EACH_WAY = ("strict", "in_part", "lifted")


def over(actual: Actual, caller: Caller, request: Request, there: There) -> Decided:
    """What a request comes to that names other clusters."""
    own, beyond = parted(request.names)
    try:
        wanted = needs(request.does, request.path) if request.path else (_need(request),)
    except NotKnown as doubt:
        return Decided(None, unknown=(str(doubt),))
    roles = OverClusters(actual, facts_of(there).strict, {}).who(caller).why
    if not any(need.action in SENT for need in wanted if need.item is None):
        link = Reason(Layer.REMOTE, "", _STAYS, "stops here")
        seen = tuple(Seen(name, False) for name in beyond)
        return Decided(False, seen, roles, reasons=(_STAYS,), beyond=(link,), elsewhere=True)
    if there.remotes is None:
        return Decided(None, roles=roles, unknown=(of_another_cluster(beyond),))
    told = [_told(actual, caller, wanted, there, how) for how in _EACH_WAY]
    first = told[0]
    decision = first.answers[-1][1]
    allowed, unknown = first.allowed, list(first.unknown)
    if any(one.allowed is not allowed for one in told):
        allowed, unknown = None, [*unknown, _SETTINGS]
    for alias, one in decision.beyond.items():
        far = there.remotes[alias]
        shut = far.stopped and far.certain
        unlisted = far.held is not None and far.there.aliases is None and not one.decision.allowed
        if allowed is False and unlisted and not shut:
            allowed, unknown = None, [*unknown, _UNLISTED]
        if far.stopped and not shut and allowed is not False:
            allowed, unknown = None, [*unknown, far.stopped]
        unknown += far.unknown if allowed is not True else ()
    reasons = tuple(_reasons(there.remotes, decision))
    reads = request.does == "read" and not request.path
    if reads and allowed and not decision.error and not any(view.allowed for view in decision.every_view):
        # It is answered all the same (200), with nothing in it.
        allowed, reasons = False, (*reasons, _NOTHING)
        asked = [there.remotes[alias] for alias in decision.beyond]
        if any(far.there.aliases is None and not (far.stopped and far.certain) for far in asked):
            allowed, unknown = None, [*unknown, _UNLISTED]
    links = tuple(_links(there.remotes, decision.beyond)) or (
        Reason(Layer.REMOTE, "", "no remote cluster is called so: taken for a name of this one", "stops here"),
    )
    seen = tuple(Seen(name, False) for name in (*own, *beyond))
    if allowed is not False:
        by_alias = dict(_by_unread_aliases(there.remotes, decision, beyond))
        seen = tuple(replace(one, by_alias=by_alias.get(one.index, ())) for one in _seen(decision))
    return Decided(
        allowed,
        seen,
        roles,
        reasons=reasons,
        unknown=tuple(dict.fromkeys(unknown)) if allowed is None else (),
        doubts=(ALIAS_FILTER,) if any(one.by_alias for one in seen) else (),
        beyond=links,
        ends=decision.error,
        elsewhere=True,
    )


def _need(request: Request) -> Need:
    return Need(_WORDS.get(request.does, request.does), request.indices)


def _told(actual: Actual, caller: Caller, wanted: tuple[Need, ...], there: There, how: str) -> Together:
    remotes = {alias: _remote(far, how) for alias, far in (there.remotes or {}).items()}
    return together(OverClusters(actual, getattr(facts_of(there), how), remotes), caller, wanted, {})


def _remote(far: Far, how: str) -> Remote:
    shut = far.stopped if far.certain else ""
    if far.held is None and not shut:
        why = f"{far.alias} is of another cluster, which decides by its own mappings, and could not be looked at"
        return Remote(SecurityConfig(), facts_of(far.there).strict, far.skip_unavailable, why)
    return Remote(far.held or SecurityConfig(), getattr(facts_of(far.there), how), far.skip_unavailable, shut=shut)


def _seen(decision: Decision) -> Iterator[Seen]:
    for view in decision.every_view:
        yield seen_of(view, open_=bool(view.unknown))


def _by_unread_aliases(
    remotes: Mapping[str, Far], decision: Decision, asked: Iterable[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The indices that are asked for by aliases alone of which nobody could say whether they have filters, and these aliases."""
    parts = [name.partition(":") for name in asked]
    for alias, one in decision.beyond.items():
        there = remotes[alias].there
        if there.aliases and there.filters is None and one.decision.allowed:
            names = Names(facts_of(there).strict)
            meant = (index for cluster, _, index in parts if wildcard(cluster, question=False).fullmatch(alias))
            named = named_by(names, meant)
            for view in one.decision.views:
                yield f"{alias}:{view.index}", by_aliases_alone(names, view.index, named)


def _reasons(remotes: Mapping[str, Far], decision: Decision) -> Iterator[str]:
    for alias, one in decision.beyond.items():
        far = remotes[alias]
        if far.stopped:
            yield f"{far.called} refuses everybody: {far.stopped}"
        elif not one.decision.allowed:
            why = "; ".join(one.decision.reasons) if one.decision.roles else "no mapping there names them"
            yield f"{far.called} refuses: {why}"
    if not decision.beyond:
        yield from decision.reasons


def _links(remotes: Mapping[str, Far], beyond: Mapping[str, Beyond]) -> Iterator[Reason]:
    for alias, one in beyond.items():
        far, told = remotes[alias], one.decision
        where = (
            f"deployment {far.deployment}, which maps whoever asks by itself"
            if far.deployment
            else "which maps whoever asks by itself"
        )
        yield Reason(Layer.REMOTE, alias, where, "is another cluster")
        if far.held is None:
            yield Reason(Layer.PERMISSION, "", "what it holds could not be looked at", "is not known")
        elif not told.roles:
            yield Reason(Layer.MAPPING, "", f"no mapping of {far.called} names them", "stops here")
        for role, why in told.roles.items():
            yield Reason(Layer.MAPPING, why, f"of {far.called}", f"gives {role} there")
        if told.roles and not (far.stopped and far.certain):
            effect = "allows it" if told.allowed else "is not known" if told.unknown else "stops here"
            yield Reason(Layer.PERMISSION, ", ".join(told.roles), "; ".join(told.reasons[:2]), effect)
        if far.stopped:
            yield Reason(Layer.CUSTODY, far.deployment, far.stopped, "nobody is let in")
        if one.left_out:
            said = "the answer is a 200 without its part, and does not say that it was refused"
            why_so = "skip_unavailable: true" if far.skip_unavailable else "whoever refuses this request is left out"
            yield Reason(Layer.REMOTE, alias, why_so, said)
