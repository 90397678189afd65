"""What a request as people send it comes to: all that it needs put together, and each item of it by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.beyond import beyond
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.ending import Fields, ends_with, of_each, with_error
from portcullis.families.opensearch.limiting.roles import DOCUMENTS
from portcullis.families.opensearch.limiting.view import Decision
from portcullis.families.opensearch.names.dates import NotKnown, resolved
from portcullis.families.opensearch.names.world import Release
from portcullis.families.opensearch.requesting.actions import BARE, is_cluster_action
from portcullis.families.opensearch.requesting.need import BULK, CREATE, MAP, Need, R, W, of_aliases

_BY_TEMPLATE = "a template may give the new index its fields, and then no more is needed"
_NEW_FIELD = f"a document with a field that %s does not have yet needs {MAP} as well, which is not permitted"
_NOT_THERE = f"if %s is not there, {CREATE} and {MAP} are needed as well, which are not both permitted"
_OF_ANOTHER = "the next page of a scroll that somebody else opened is refused all the same"
_LIMITS_MOVE = "2.19 may refuse what is written in one request by somebody with limits where an index is made meanwhile"
_WITH_UPDATES = (
    "2.19 refuses a bulk request with an update where documents, fields or masks limit what is seen of any index in it"
)
_UNSURE = "a document filter that cannot be made may refuse all items: only the engine knows"
_OF_ITEMS = (BULK[0], f"{R}msearch", f"{R}mget", f"{R}mtv")


@dataclass
class Together:
    allowed: bool | None
    answers: list[tuple[Need, Decision]]
    items: dict[str, bool | None] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # of a yes: what is refused, fails or is shown all the same


def together(asked: Compiled, caller: Caller, wanted: Sequence[Need], fields: Fields) -> Together:
    needs = [
        *of_each(asked, wanted),
        *_besides(asked, wanted, fields),
        *(of_aliases(wanted) if asked.world.v4 else ()),
    ]
    answers = _until_it_ends(
        asked, [(need, _answer(asked, caller, _with_names(need, needs), fields)) for need in needs]
    )
    doubts = dict.fromkeys(doubt for _, answer in answers for doubt in answer.unknown)
    items: dict[str, bool | None] = {}
    for need, answer in answers:
        if need.item is not None:
            before, here = items.get(str(need.item), True), _here(need, answer)
            items[str(need.item)] = False if False in (before, here) else None if None in (before, here) else True
            if here is None and need.perhaps:
                doubts[need.perhaps] = None
    of_all = [(need, _here(need, answer)) for need, answer in answers if need.item is None]
    allowed = (
        False if any(here is False for _, here in of_all) else None if any(here is None for _, here in of_all) else True
    )
    if allowed is None:
        doubts |= dict.fromkeys(need.perhaps for need, here in of_all if here is None and need.perhaps)
    told = Together(allowed, answers, items)
    if items:
        _made(told)
        _of_items(asked, caller, needs, told, doubts)
    made = any(
        need.action == CREATE and need.made and answer.allowed and BARE not in need.options for need, answer in answers
    )
    # By the wildcard of a role the new index may come under a limit under which its name alone was not.
    limits = made and any(role.limited for role in asked.who(caller).roles)
    if limits and asked.world.release is Release.V2:
        doubts[_LIMITS_MOVE] = None
        told.allowed = None if told.allowed and not items else told.allowed
        told.items = {at: None if done else done for at, done in items.items()}
    if told.allowed is not False:
        told.notes = list(dict.fromkeys((*_notes(asked, caller, wanted, fields), *beyond(asked, answers))))
    told.unknown = list(doubts)
    return told


def _until_it_ends(asked: Compiled, answers: list[tuple[Need, Decision]]) -> list[tuple[Need, Decision]]:
    """What a request is asked for until one of it ends in an error."""
    for at, (need, answer) in enumerate(answers):
        if need.item is not None or need.perhaps or not answer.allowed:
            break
        if ends_with(asked, need, answer.error):
            return answers[: at + 1]
    return answers


def _with_names(need: Need, needs: Sequence[Need]) -> Need:
    """What a request of several items is about is what its items are about: all that there is, if one of them names nothing."""
    if need.item is not None or need.indices or need.action not in _OF_ITEMS:
        return need
    # What a search looks up is read by itself, and is no name of the request.
    looked_up = (f"{R}get", f"{R}tv") if need.action == f"{R}msearch" else ()
    of_items = (one for one in needs if one.item is not None and not is_cluster_action(one.action))
    named = [one.indices for one in of_items if one.action not in looked_up]
    return replace(need, indices=tuple(dict.fromkeys(name for names in named for name in names)) if all(named) else ())


def _here(need: Need, answer: Decision) -> bool | None:
    return None if need.perhaps and not answer.allowed else answer.certain


def _answer(asked: Compiled, caller: Caller, need: Need, fields: Fields) -> Decision:
    told = asked.as_sent(caller, need.action, need.indices, need.options)
    if need.never:
        return replace(told, allowed=False, refusal=(need.never,), unknown=())
    if need.unless and told.allowed and not told.views:
        why = f"no index matches; whether {need.unless} there, only the engine knows"
        return replace(told, unknown=(*told.unknown, why), conditional=True)
    if need.unless and told.allowed and _filtered(asked, caller, need.indices):
        return replace(told, allowed=False, refusal=(need.unless,))
    return with_error(asked, need, told, fields)


def _filtered(asked: Compiled, caller: Caller, indices: tuple[str, ...]) -> bool:
    """Whether a document filter is on it; to 2.19 one anywhere is, where any limit is on what is asked for."""
    if asked.world.release is Release.V2:
        return asked.limited(caller, indices) and asked.limited(caller, (), (DOCUMENTS,))
    return asked.limited(caller, indices, (DOCUMENTS,))


def _made(told: Together) -> None:
    """An index that is not there is made before any item is written. That it may not be fails each item that names it so: what is
    deleted, too."""
    written = {need.item: need.indices for need, _ in told.answers if need.action == BULK[1] and need.item is not None}
    for need, answer in [*told.answers]:
        if need.action != CREATE or need.item is None:
            continue
        same = [item for item, names in written.items() if names == written[need.item]]
        told.answers = [(of, replace(one, error="") if of.item in same else one) for of, one in told.answers]
        if (here := _here(need, answer)) is not True:
            for at in map(str, same):
                told.items[at] = False if False in (here, told.items[at]) else None


def _of_items(asked: Compiled, caller: Caller, needs: Sequence[Need], told: Together, doubts: dict[str, None]) -> None:
    # What a bulk request writes to one shard is let in or refused together.
    refused = {
        index
        for need, answer in told.answers
        if need.item is not None and not answer.allowed and need.action not in (CREATE, MAP)
        for index in _behind(asked, need)
    }
    for need in needs:
        if need.item is None or need.action != BULK[1]:
            continue  # of a whole request: a document that is sent alone needs the same permissions
        if told.items[str(need.item)] and refused & _behind(asked, need):
            told.items[str(need.item)] = None
            doubts[
                f"items of {need.indices[0]} that lie on one shard are refused together: which, only the engine knows"
            ] = None
    updates = any(need.action == f"{W}update" and need.item is not None for need in needs)
    if updates and asked.world.release is Release.V2 and any(_limited(asked, caller, need) for need in needs):
        bulk = next(at for at, (need, _) in enumerate(told.answers) if need.action == BULK[0])
        need, answer = told.answers[bulk]
        told.answers[bulk] = need, replace(answer, allowed=False, refusal=(_WITH_UPDATES,))
        told.allowed = False
    # Seen on 3.4.0: a filter that cannot be made for one item may refuse all of them.
    if told.allowed and any(need.item is not None and _unreadable(answer) for need, answer in told.answers):
        doubts[_UNSURE] = None
        told.allowed = None


def _behind(asked: Compiled, need: Need) -> set[str]:
    """The indices that an item may be about: its own, or those of its alias or data stream, of which one is written to."""
    found: set[str] = set()
    for name in need.indices:
        at = asked.names.place.get(name)
        members = asked.names.names(asked.names.with_members(1 << at) & asked.names.indices) if at is not None else ()
        found.update(members or (name,))
    return found


def _unreadable(one: Decision) -> bool:
    return not one.allowed and any(("cannot be made" in why or "is no query" in why) for why in one.reasons)


def _limited(asked: Compiled, caller: Caller, need: Need) -> bool:
    return need.action.startswith(W) and bool(need.indices) and asked.limited(caller, need.indices)


# ---- what a document needs besides


def _besides(asked: Compiled, wanted: Sequence[Need], fields: Fields) -> Iterator[Need]:
    """An index that is not there is made, and a field that it does not have is entered in its mapping."""
    for need, name in _written(asked, wanted):
        if not asked.names.place:
            continue
        if name not in asked.names.place:
            yield Need(CREATE, (name,), item=need.item, perhaps=need.perhaps, made=True)
            if need.brings != ():
                yield Need(MAP, (name,), item=need.item, perhaps=need.perhaps or _BY_TEMPLATE, made=True)
            continue
        target = _target(asked, name)
        if target in fields and need.brings is not None and not {*need.brings} <= {*fields[target]}:
            yield Need(MAP, (target,), item=need.item, perhaps=need.perhaps)


def _notes(asked: Compiled, caller: Caller, wanted: Sequence[Need], fields: Fields) -> Iterator[str]:
    """What may be needed besides and is not permitted, where nothing tells whether it is."""
    if any(need.action == f"{R}scroll" and not need.perhaps for need in wanted):
        yield _OF_ANOTHER
    for need, name in _written(asked, wanted):
        if not asked.names.place:
            if not all(asked.decide(caller, action, (name,)).allowed for action in (CREATE, MAP)):
                yield _NOT_THERE % name
        elif name in asked.names.place and need.brings != ():
            target = _target(asked, name)
            known = target in fields and need.brings is not None
            if not known and not asked.decide(caller, MAP, (target or name,)).allowed:
                yield _NEW_FIELD % name


def _written(asked: Compiled, wanted: Sequence[Need]) -> Iterator[tuple[Need, str]]:
    """Each document's need, and the name that it is written to."""
    for need in wanted:
        if need.action in (f"{W}index", f"{W}update") and len(need.indices) == 1 and not need.made:
            try:
                yield need, resolved(need.indices[0], asked.world.now)
            except NotKnown:
                continue


def _target(asked: Compiled, name: str) -> str:
    """The index that is written to by this name; empty where only the engine knows."""
    world = asked.world
    if name in world.streams:
        return max(world.streams[name], default="")
    if name in world.aliases:
        return world.aliases[name][0] if len(world.aliases[name]) == 1 else ""
    return name
