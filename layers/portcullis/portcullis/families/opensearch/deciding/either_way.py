"""What is permitted however the engine is set: what hangs on a setting that it does not show is decided each way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from portcullis.access.actual import Actual, Json
from portcullis.access.questions.answers import ALIAS_FILTER, Decided, Seen, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.beyond import SHOWS_TERMS, shows_terms
from portcullis.families.opensearch.deciding.compiled import Compiled, compiled
from portcullis.families.opensearch.deciding.ending import ends_with, with_error
from portcullis.families.opensearch.deciding.facts import facts_of
from portcullis.families.opensearch.deciding.seen import RANK, by_index, limits_of, narrowest, seen_of
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.granting.mappings import Held
from portcullis.families.opensearch.granting.privileges import allows
from portcullis.families.opensearch.limiting.view import Decision
from portcullis.families.opensearch.names.alias_filters import by_aliases_alone, named_by
from portcullis.families.opensearch.names.matching import matches
from portcullis.families.opensearch.names.world import EngineFacts
from portcullis.families.opensearch.requesting.actions import is_cluster_action, minds_filters
from portcullis.families.opensearch.requesting.need import Need

_MAY_BE_LIFTED = (
    "whether a role without limits lifts those of another is the engine's own setting (dfm_empty_overrides_all)"
)
_MAY_BE_V4 = "whether the engine decides by its evaluation v4 (privileges_evaluation_type) is its own setting, which it does not show"


def way_of(actual: Actual, caller: Caller, way: tuple[Need, ...], there: There) -> Decided:
    """All of them are needed. What only the engine's own settings say is decided both ways."""
    if not way:
        return Decided(True)
    decided = _until_it_ends(actual, caller, way, there)
    worst = min(decided, key=lambda one: RANK[one.allowed])
    seen = by_index((one.seen for one in decided), narrowest)
    of_cluster = [(need, one) for need, one in zip(way, decided, strict=False) if is_cluster_action(need.action)]
    if any(one.allowed is not True for _, one in of_cluster):
        here = compiled(actual, facts_of(there).strict)
        seen = tuple(_of_cluster(here, caller, of_cluster, one) for one in seen)
    unknown = tuple(dict.fromkeys(line for one in decided for line in one.unknown))
    doubts = tuple(dict.fromkeys(line for one in decided for line in one.doubts))
    ends = next((one.ends for one in decided if one.ends), "")
    return Decided(worst.allowed, seen, worst.roles, (), worst.reasons, unknown, doubts, worst.in_part, ends=ends)


def _until_it_ends(actual: Actual, caller: Caller, way: tuple[Need, ...], there: There) -> list[Decided]:
    """What is asked for, one after the other, until one of it ends in an error."""
    here, decided = compiled(actual, facts_of(there).strict), list[Decided]()
    for need in way:
        one = _both_ways(actual, caller, need, there)
        decided.append(one)
        if all(of.allowed is True for of in decided) and ends_with(here, need, one.ends):
            break
    return decided


def _of_cluster(here: Compiled, caller: Caller, decided: Iterable[tuple[Need, Decided]], seen: Seen) -> Seen:
    """What is refused of the cluster is refused of every index; what is refused for one of several, of that one."""
    for need, one in decided:
        allowed = one.allowed
        if allowed is False and len(need.indices) > 1:
            allowed = here.decide(caller, need.action, (seen.index,)).allowed
        if RANK[allowed] < RANK[seen.allowed]:
            seen = replace(seen, allowed=allowed)
    return seen


def _both_ways(actual: Actual, caller: Caller, need: Need, there: There) -> Decided:
    facts, action, indices = facts_of(there), need.action, need.indices
    here = compiled(actual, facts.strict)

    def decided(how: EngineFacts) -> Decision:
        return compiled(actual, how).decide(caller, action, indices, need.options)

    # Of several indices each is meant by itself, and is seldom asked for by that name.
    alone = here.as_sent if len(indices) == 1 else here.decide
    strict, who = with_error(here, need, alone(caller, action, indices, need.options)), here.who(caller)
    if is_cluster_action(action):
        unsure = (*strict.unknown, *_by_address(here, caller, need, strict))
        return Decided(strict.allowed, roles=strict.roles, reasons=strict.reasons, unknown=unsure)
    settable = here.anywhere(who, action)  # whoever has the permission nowhere is refused however the engine is set
    limited = settable and any(role.limited for role in who.roles)
    in_part = decided(facts.in_part) if settable and not strict.allowed else strict
    lifted = decided(facts.lifted) if limited else strict
    by_v4 = decided(facts.v4) if facts.v4 else strict
    may_have_more = (*strict.unknown, *_by_address(here, caller, need, strict))
    unknown, doubts = [*may_have_more, *(doubt for view in strict.views for doubt in view.unknown)], []
    if strict.allowed != lifted.allowed:
        unknown.append(_MAY_BE_LIFTED)
    elif [limits_of(view) for view in strict.views] != [limits_of(view) for view in lifted.views]:
        doubts.append(f"{_MAY_BE_LIFTED}; shown is what is so unless somebody set it")
    if strict.allowed != by_v4.allowed:
        unknown.append(_MAY_BE_V4)
    elif facts.v4 and strict.visible != by_v4.visible:
        doubts.append(f"{_MAY_BE_V4}; shown is what is so without it")
    reached = [view.index for view in strict.views if view.allowed] if strict.allowed and minds_filters(action) else []
    unread = there.aliases and there.filters is None
    named = named_by(here.names, indices) if unread and reached else 0
    by_alias = {index: by_aliases_alone(here.names, index, named) for index in reached if unread}
    if any(by_alias.values()):
        doubts.append(ALIAS_FILTER)
    if strict.allowed and shows_terms(here, action, [view for view in strict.views if view.allowed]):
        doubts.append(SHOWS_TERMS)
    every = (in_part, lifted, by_v4)
    allowed = strict.allowed if all(one.allowed == strict.allowed for one in every) else None
    if allowed and strict.conditional:
        allowed = None
    refused = allowed is not True or not all(view.allowed for view in strict.views)
    looks = refused and there.every and there.aliases is None
    pattern = _on_no_index(actual, strict, action, there) if looks else ""
    if there.indices is None:
        unknown.append("which indices there are could not be read")
        if any("*" in name for name in indices) or not indices:
            allowed = None
    elif allowed is False and there.aliases is None and _may_be_an_alias(indices, there) and settable:
        unknown.append(
            "a name that is no index may be an alias or a data stream: which indices it means is not known here"
        )
        allowed = None
    elif allowed is False and pattern:
        unknown.append(
            f"a role of theirs is on {pattern}, which is no index: as an alias or a data stream of what is asked for it lets them in"
        )
        allowed = None
    # An index that is refused is no certain no where a question for it alone would be answered with "unknown".
    open_ = bool(may_have_more) or bool(pattern) or there.indices is None
    by_setting = {view.index for view in lifted.views if view.allowed}
    return Decided(
        allowed,
        tuple(
            replace(
                seen_of(view, open_=open_ or bool(view.unknown) or view.index in by_setting),
                by_alias=by_alias.get(view.index, ()),
            )
            for view in strict.views
        ),
        strict.roles,
        (),
        strict.reasons if strict.allowed else _why_refused(strict),
        tuple(unknown),
        tuple(doubts),
        strict.allowed != in_part.allowed,
        ends=strict.error if allowed and there.every and there.aliases is not None else "",
    )


def _why_refused(decision: Decision) -> tuple[str, ...]:
    """Not what is permitted of it, which is told beside it. Indices of the engine's own, whose names begin with a dot, come last."""
    views = sorted((view for view in decision.views if not view.allowed), key=lambda view: view.index.startswith("."))
    refused = (reason for view in views for reason in view.reasons)
    return tuple(dict.fromkeys((*refused, *decision.refusal)))


def _by_address(here: Compiled, caller: Caller, need: Need, strict: Decision) -> Iterator[str]:
    """Entries that may give a further role, by where a caller comes from, and with it another answer: a role alone, or all together."""
    entries = [
        held
        for held in (() if caller.hosts else here.mappings.by_address)
        if held.role not in strict.roles and held.role in here.held.of(Kind.ROLES)
    ]
    if not entries:
        return

    def told(asks: Caller) -> tuple[Collection[str], object]:
        found = here.decide(asks, need.action, need.indices, need.options)
        views = [(view.index, view.allowed, view.unknown, limits_of(view)) for view in found.views]
        return found.roles, (found.allowed, found.unknown, views)

    _, without = told(caller)

    def changed(by: Collection[Held]) -> bool:
        """A pattern fits itself, an expression need not: then nobody here can tell."""
        roles, let_in = told(replace(caller, hosts=tuple(held.entry for held in by)))
        return let_in != without or any(held.role not in roles for held in by)

    if not changed(entries):  # what one role alone would change all change, too: they add up
        return
    of_role: dict[str, list[Held]] = {}
    for held in entries:
        of_role.setdefault(held.role, []).append(held)
    alone = [held for of in of_role.values() if len(of_role) > 1 and changed(of) for held in of]
    for held in alone or entries:
        yield f"{held.claim} lets in by address, and where they come from is not known"


def _may_be_an_alias(indices: Iterable[str], there: There) -> bool:
    return any("*" not in name and name not in (there.indices or ()) for name in indices)


def _on_no_index(actual: Actual, decision: Decision, action: str, there: There) -> str:
    """A pattern of a role that allows the action and fits no index that there is; empty if there is none."""
    for entry in _entries(actual, decision.roles):
        if allows(actual, entry.get("allowed_actions") or (), action):
            for pattern in entry.get("index_patterns") or ():
                if not any(matches(pattern, index) for index in there.indices or ()):
                    return str(pattern)
    return ""


def _entries(actual: Actual, roles: Iterable[str]) -> Iterator[Json]:
    for role in roles:
        yield from (actual.get(Kind.ROLES, role) or {}).get("index_permissions") or ()
