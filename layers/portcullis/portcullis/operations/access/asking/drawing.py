"""`report`: all of who may see what, as a page needs it. Changes nothing."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime

from portcullis.access.questions.persons import Person
from portcullis.access.questions.picture import Drawn, DrawnRole, DrawnRule, Picture, Rule, bits, rows
from portcullis.families.finding import finding
from portcullis.operations.access.asking.edge import Before
from portcullis.operations.access.asking.questions import matrix
from portcullis.operations.access.asking.scene import Scene
from portcullis.words import in_data

_MOST_NOES = 3  # in the words about one person


def picture(scene: Scene, at: datetime, edge: Before | None = None) -> Picture:
    """Everybody by every index, and by which role, entry and permission; and what keeps somebody out before the engine is asked."""
    found = matrix(scene, edge=edge)
    kept_out = {one.person: "; ".join(one.why[:_MOST_NOES]) for one in found.kept_out}
    cells = {row.person: row.cells for row in found.people}
    nothing = ("-",) * len(found.indices)
    people = tuple({str(person): person for person in scene.people}.values())
    given = [dict(scene.family.mapped_roles(scene.held, one.caller)) if one.caller else {} for one in people]
    names = sorted({role for roles in given for role in roles})
    places = {name: place for place, name in enumerate(names)}
    width, told = len(found.indices), [cells.get(str(one), nothing) for one in people]
    finder = finding(scene.family.name)
    rules = {name: finder.rules(scene.held, name, found.indices) for name in names}
    reads = [tuple("read" if {"read", "part"} & set(cell.split()) else "-" for cell in row) for row in told]
    return Picture(
        scene.deployment,
        in_data(at),
        tuple(_drawn(one, roles, places, kept_out.get(str(one), "")) for one, roles in zip(people, given, strict=True)),
        found.indices,
        tuple(DrawnRole(name, tuple(_rule(rule, width) for rule in rules[name])) for name in names),
        rows(reads, width, "read"),
        rows(told, width, "part"),
        rows(told, width, "write"),
        rows(told, width, "?"),
        found.stopped,
        tuple(dict.fromkeys(found.unknown)),
        (*found.not_looked_at, *scene.answers.only_if_named),
    )


def _drawn(person: Person, roles: dict[str, str], places: dict[str, int], kept_out: str) -> Drawn:
    caller = person.caller
    return Drawn(
        str(person),
        person.name,
        person.groups,
        person.carried,
        caller.name if caller else "",
        caller.backend_roles if caller else (),
        tuple((places[role], entry) for role, entry in roles.items()),
        person.refused or person.doubt or person.unread or kept_out,
    )


def _rule(rule: Rule, width: int) -> DrawnRule:
    covers = "" if rule.covers is None else b64encode(bits(rule.covers, width)).decode()
    return DrawnRule(rule.says, rule.limits, covers)
