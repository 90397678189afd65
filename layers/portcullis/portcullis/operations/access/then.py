"""`access --at`: who had access at a moment, worked out from what there is now by undoing what the history has. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portcullis.access.plan import AccessModel, Claim, Membership
from portcullis.access.questions.answers import KeptOut, Request
from portcullis.access.questions.persons import Person
from portcullis.access.questions.persons import people as people_of
from portcullis.access.questions.then import Between, Had, Happened, Then, as_it_was, by_hand
from portcullis.custody.chronicle import BREAK_GLASS
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.access.asking.comparing import diff
from portcullis.operations.access.asking.edge import Before, cells_let_in, not_looked_at
from portcullis.operations.access.asking.questions import decided_for
from portcullis.operations.access.asking.scene import Scene, fits
from portcullis.operations.access.changing.foundation import keepers, with_foundation
from portcullis.operations.access.changing.looking import split_claims
from portcullis.operations.access.deployments import kept_model
from portcullis.operations.services import Site
from portcullis.ports.ledger import Change
from portcullis.words import in_data, in_words, many, moment

FARTHEST = 1000  # entries of the history that are undone
_STATES = frozenset(state.value for state in State)
_OPEN = (State.OPEN.value, "")
_TAKEN_BACK = "what somebody changed by hand and took back since is in no history"
_BY_ROLE = "who was in a group that counts by its role: no change of the engine tells; shown is who is in it now"
_EDGE = "whom the network and the policies let in then: whom they keep out now is told"
_INDICES = "which indices there were: shown are those that there are now"


@dataclass(frozen=True, slots=True)
class Past:
    """A scene as it was. `by_hand`: entries of which nobody knows since when they are there, as a mapping calls them."""

    scene: Scene
    stopped: str
    undone: int
    uncertain: tuple[str, ...]
    by_hand: frozenset[str]


def then(site: Site, now: Scene, at: datetime, user: str = "", index: str = "", edge: Before | None = None) -> Then:
    """Who had access then; `user` and `index` are patterns, and leave out others. BadInput for a time that is to come, Refused for one
    before the history begins."""
    past = _past(site, now, at)
    scene = past.scene
    there = tuple(one for one in scene.there.indices or () if not index or fits(one, (index,)))
    if index and not there:
        there = tuple(scene.answers.examples(scene.held, index))
    world = replace(scene.there, indices=tuple(sorted({*(scene.there.indices or ()), *there})))
    known = [one for one in scene.people if not user or _called(one, user)]
    rows, uncertain = list[Had](), [*past.uncertain]
    cells = list[tuple[Person, Sequence[str]]]()
    for person in known if there else ():
        reads, writes = (decided_for(scene, person, Request(does, indices=there), world) for does in ("read", "write"))
        uncertain += (*reads.unknown, *reads.doubts, *writes.unknown)
        seen = [one for one in reads.seen if one.index in there]
        may = [one.index for one in seen if one.allowed], [one.index for one in writes.seen if one.allowed]
        doubtful = tuple(sorted({one.index for one in (*seen, *writes.seen) if one.allowed is None}))
        if not (any(may) or doubtful):
            continue
        through = tuple(sorted({one.role for one in (*reads.permissions, *writes.permissions)}))
        by = {reads.roles.get(role, "") for role in through}
        token = bool(person.role) and any(entry.endswith(f": {person.role}") for entry in by)
        parts = tuple(f"{one.index}: {one.part}" for one in seen if one.allowed and one.limited)
        by_group = _by_group(scene, person, through)
        certain = not (by & past.by_hand or token or by_group or doubtful)
        rows.append(Had(str(person), person.name, tuple(may[0]), tuple(may[1]), parts, doubtful, through, certain))
        words = (("read" * (one in may[0]), "write" * (one in may[1])) for one in there)
        cells.append((person, tuple(" ".join(filter(None, pair)) or "-" for pair in words)))
    kept_out = _kept_out(edge, now, cells, there, uncertain)
    return Then(
        site.name,
        in_data(at),
        _sentence(at, rows, user, known),
        past.stopped,
        tuple(rows),
        past.undone,
        tuple(dict.fromkeys(uncertain)),
        (*not_looked_at(scene, edge), *scene.answers.only_if_named),
        kept_out,
    )


def _kept_out(
    edge: Before | None,
    now: Scene,
    cells: Sequence[tuple[Person, Sequence[str]]],
    indices: Sequence[str],
    uncertain: list[str],
) -> tuple[KeptOut, ...]:
    """Who is kept out before the engine, as the network and the policies are now; that they were so then, nobody can say."""
    if edge is None:
        return ()
    let_in = cells_let_in(edge, now, cells, indices)
    uncertain += [_EDGE, *let_in.unknown]
    return let_in.kept_out


def _by_group(scene: Scene, person: Person, through: Iterable[str]) -> bool:
    """Whether they have one of the roles by a group alone that their token names: who is in it now, no change of the engine told."""
    if person.caller is None or not person.every_group:
        return False
    by_name = scene.family.mapped_roles(scene.held, replace(person.caller, backend_roles=()))
    return any(role not in by_name for role in through)


def _sentence(at: datetime, rows: Sequence[Had], user: str, known: Sequence[Person]) -> str:
    if user and not known:
        return f"at {moment(at)} nobody called {in_words(user)} was named by any mapping"
    if not rows:
        return f"at {moment(at)} nobody who was asked for had access" if user else f"at {moment(at)} nobody had access"
    sure = sum(one.certain for one in rows)
    unsure = f"; of {len(rows) - sure} it is not certain" if sure < len(rows) else ""
    return f"at {moment(at)} {many(len(rows), 'person', 'people')} had access{unsure}"


def between(
    site: Site,
    now: Scene,
    since: datetime,
    until: datetime,
    user: str = "",
    index: str = "",
    edge: Before | None = None,
) -> Between:
    """What became of access from one moment to the other, net; and what the history has of the time between."""
    if since >= until:
        problem, remedy = "is not before the other one", "the earlier time first"
        raise BadInput(problem, source="request", place="since", remedy=remedy)
    first, last = _past(site, now, since), _past(site, now, until)
    found = diff(first.scene, last.scene, (moment(since), moment(until)))
    people = [one for one in found.people if not user or any(fits(name, (user,)) for name in (one.name, one.person))]
    if index:
        narrowed = (
            replace(one, indices=tuple(each for each in one.indices if fits(each.index, (index,)))) for one in people
        )
        people = [one for one in narrowed if one.indices]
    if user or index:
        gain, lose = sum(one.gains is True for one in people), sum(one.loses is True for one in people)
        found = replace(
            found, people=tuple(people), answer=f"of those who were asked for, {gain} gained and {lose} lost something"
        )
    told = tuple(
        Happened(in_data(one.at), one.operation, one.actor, one.cause, one.summary)
        for one in reversed(list(site.ledger.history(site.name, FARTHEST)))
        if since <= one.at < until and (one.of_access or one.operation in (*_STATES, BREAK_GLASS, "drift"))
    )
    uncertain = [*first.uncertain, *last.uncertain]
    named = tuple(dict.fromkeys(each.index for one in found.people for each in one.indices))
    changed = {one.person for one in found.people if one.indices}
    both = tuple("read write" for _ in named)
    cells = [(one, both) for one in last.scene.people if str(one) in changed]
    kept_out = _kept_out(edge, now, cells, named, uncertain)
    found = replace(found, not_looked_at=(*not_looked_at(last.scene, edge), *last.scene.answers.only_if_named))
    return Between(site.name, in_data(since), in_data(until), found, told, tuple(dict.fromkeys(uncertain)), kept_out)


# ---------------------------------------------------------------------- the past


def _past(site: Site, now: Scene, at: datetime) -> Past:
    if at > site.now():
        raise BadInput(f"{moment(at)} is to come", source="request", place="at", remedy="a time that has been")
    history = list(site.ledger.history(site.name, FARTHEST))
    later = [one for one in history if one.at > at]
    if len(later) == len(history):
        begins = f"begins {moment(history[-1].at)}" if history else "is empty"
        if len(history) == FARTHEST:
            begins = f"has more than {FARTHEST} entries since"
        raise Refused(
            f"the history of {site.name} {begins}: who had access at {moment(at)} cannot be worked out from it"
        )
    held, grants, known, family = now.held, now.grants, now.known, site.family
    uncertain = [_TAKEN_BACK, _BY_ROLE, _INDICES, *now.answers.not_in_history, *now.unseen]
    text: str | None = None
    for change in later:
        can, cannot = as_it_was(family, held, change.touched)
        uncertain += cannot
        try:
            held = family.simulate_all(held, family.undoing(can, held))
        except PortcullisError as error:
            uncertain.append(f"what was changed at {moment(change.at)} could not be taken back in thought: {error}")
        text = change.model_before if change.model_after else text
    if text is not None:
        model = _model(site, text, uncertain)
        grants = model.grants if model else ()
        known = model.people if model else known
    strange = [str(one) for one in by_hand(family, held, _known(site, later))]
    uncertain += [f"{one} was made by hand: since when it is there is in no history" for one in strange]
    uncertain += [f"told at {moment(one.at)}: {one.summary}" for one in later if one.operation == "drift"]
    users = {name: family.user(held, name) for name in held.of(family.users)}
    found = people_of(family, held, (), Membership(), now.pool, users)
    # Whether somebody who left could sign in then, no group that they are in now can say.
    found = tuple(one if one.groups else replace(one, doubt="", unread="") for one in found)
    people = now.answers.as_known_then(held, known, grants, found, now.people)
    scene = replace(now, people=people, held=held, held_now=held, grants=grants, known=known)
    stopped = _stopped(history, at, now.custody)
    undone = sum(one.of_access for one in later)
    return Past(scene, stopped, undone, tuple(dict.fromkeys(uncertain)), frozenset(strange))


def _model(site: Site, text: str, uncertain: list[str]) -> AccessModel | None:
    """The model that was in force; None: there was none, or nobody can tell."""
    try:
        kept = kept_model(text, f"{site.name}.yaml", site.name) if text else None
    except PortcullisError as error:
        uncertain.append(f"the model that was in force then cannot be read any more: {error}")
        return None
    # Grants as the file has them; how people are called there, less who stands for Portcullis.
    return replace(kept.access, people=with_foundation(kept.access, site.registration).people) if kept else None


def _known(site: Site, later: Sequence[Change]) -> frozenset[Claim]:
    """Entries that the history accounts for: what is ours or another deployment's, what was touched since, and who keeps the domain."""
    mine, others = split_claims(site.ledger.claims(site.place.id), site.name)
    touched = {one.claim for change in later for one in change.touched}
    taken_over = {one for change in later for one in change.claimed}
    kept = keepers(site.registration).keepers
    own = {Claim(site.family.mappings, role, one.entry_list, one.entry) for one in kept for role in one.roles}
    return frozenset((mine | others | touched) - taken_over) | own


def _stopped(history: Sequence[Change], at: datetime, custody: Custody | None) -> str:
    """What kept everybody out: the state that the first change of it since then came from, else the one of now."""
    moves = [one for one in history if one.operation in _STATES]
    after = next(
        (one.summary.partition(" -> ")[0] for one in reversed(moves) if one.at > at),
        custody.state.value if custody else "",
    )
    return "" if after in _OPEN else f"it was {after}"


def _called(person: Person, asked: str) -> bool:
    # Every ARN begins with an "a": whole names are meant by what is written like one.
    whole = (str(person), person.entry) if ":" in asked or "/" in asked else ()
    return any(fits(name, (asked,)) for name in (person.name, *person.users, *whole))
