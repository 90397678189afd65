"""`access --at`: who had access at a moment, worked out from what there is now by undoing what the history has. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from portcullis.access.questions.answers import KeptOut, Request
from portcullis.access.questions.changes import as_many_as_fit
from portcullis.access.questions.persons import Person
from portcullis.access.questions.then import Between, Had, Happened, Then
from portcullis.custody.chronicle import BREAK_GLASS
from portcullis.errors import BadInput
from portcullis.operations.access.asking.comparing import diff
from portcullis.operations.access.asking.edge import Before, cells_let_in, not_looked_at
from portcullis.operations.access.asking.questions import decided_for
from portcullis.operations.access.asking.scene import Scene, fits
from portcullis.operations.access.past import STATES, history_since, past
from portcullis.operations.services import Site
from portcullis.words import in_data, in_words, many, moment

_EDGE = "whom the network and the policies let in then: whom they keep out now is told"


def then(site: Site, now: Scene, at: datetime, user: str = "", index: str = "", edge: Before | None = None) -> Then:
    """Who had access then; `user` and `index` are patterns, and leave out others. BadInput for a time that is to come, Refused for one
    before the history begins."""
    was = past(site, now, at, history_since(site, at))
    scene = was.scene
    there = tuple(one for one in scene.there.indices or () if not index or fits(one, (index,)))
    if index and not there:
        there = tuple(scene.answers.examples(scene.held, index))
    world = replace(scene.there, indices=tuple(sorted({*(scene.there.indices or ()), *there})))
    known = [one for one in scene.people if not user or _called(one, user)]
    rows, uncertain = list[Had](), [*was.notes, *was.uncertain]
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
        certain = not (by & was.by_hand or token or by_group or doubtful)
        rows.append(Had(str(person), person.name, tuple(may[0]), tuple(may[1]), parts, doubtful, through, certain))
        words = (("read" * (one in may[0]), "write" * (one in may[1])) for one in there)
        cells.append((person, tuple(" ".join(filter(None, pair)) or "-" for pair in words)))
    kept_out = _kept_out(edge, now, cells, there, uncertain)
    return Then(
        site.name,
        in_data(at),
        _sentence(at, rows, user, known),
        was.stopped,
        tuple(rows),
        was.undone,
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
    history = history_since(site, since)
    first, last = (past(site, now, at, history) for at in (since, until))
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
        for one in reversed(history)
        if since <= one.at < until and (one.of_access or one.operation in (*STATES, BREAK_GLASS, "drift"))
    )
    uncertain = [*first.notes, *last.notes, *first.uncertain, *last.uncertain]
    named = tuple(dict.fromkeys(each.index for one in found.people for each in one.indices))
    changed = {one.person for one in found.people if one.indices}
    both = tuple("read write" for _ in named)
    cells = [(one, both) for one in last.scene.people if str(one) in changed]
    kept_out = _kept_out(edge, now, cells, named, uncertain)
    kept, left_out = as_many_as_fit(found.people)
    uncertain += left_out
    found = replace(
        found, people=kept, not_looked_at=(*not_looked_at(last.scene, edge), *last.scene.answers.only_if_named)
    )
    return Between(site.name, in_data(since), in_data(until), found, told, tuple(dict.fromkeys(uncertain)), kept_out)


def _called(person: Person, asked: str) -> bool:
    # Every ARN begins with an "a": whole names are meant by what is written like one.
    whole = (str(person), person.entry) if ":" in asked or "/" in asked else ()
    return any(fits(name, (asked,)) for name in (person.name, *person.users, *whole))
