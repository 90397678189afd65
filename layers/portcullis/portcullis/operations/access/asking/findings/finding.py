"""`findings`: what of a state of access is seldom meant, over a scene that was read once. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from portcullis.access.edge.running import is_service
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import KeptOut, Request, There
from portcullis.access.questions.findings import (
    MISSPELT,
    NO_INDEX,
    PATH,
    Findings,
    Found,
    WayUp,
    ahead,
    in_order,
    lifted,
    near,
    unused,
    whom_patterns_fit,
)
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.custody.stopping import stopping
from portcullis.families.finding import Finding, finding
from portcullis.operations.access.asking.edge import Before, cells_let_in, of_person
from portcullis.operations.access.asking.edge import not_looked_at as not_looked_at_of
from portcullis.operations.access.asking.findings.by_iam import ways_by_iam
from portcullis.operations.access.asking.findings.by_secret import masters_secret, secrets_of_users, ways_by_secret
from portcullis.operations.access.asking.questions import matrix
from portcullis.operations.access.asking.scene import Scene
from portcullis.words import many

Trusts = Mapping[str, Collection[str]]  # ARN or name of a role -> who may take it
_USE = "whether anybody uses what they are granted"
_ADMINISTERS = Request("PUT", "/_plugins/_security/api/rolesmapping/all_access")
_LEARNT = "who may read the secrets that hold passwords"
_STRANGERS = "IAM policies of whoever the engine does not know"


def findings(
    scene: Scene,
    trusts: Trusts | None = None,
    own: Collection[str] = (),
    edge: Before | None = None,
    secret: Mapping[str, Any] | None = None,
    passwords: Mapping[str, str] | None = None,
) -> Findings:
    """Everything that is found, the gravest first. `trusts`: who may take the roles that are let in, as AWS said at the last look; `own`:
    entries of whoever has to administer for Portcullis to work; `edge`: what stands before the engine; `secret`: the master's secret as it
    was seen at the last look; `passwords`: internal user -> the secret that holds theirs."""
    finder = finding(scene.family.name)
    named = {*(scene.there.indices or ()), *(scene.there.aliases or ()), *scene.there.streams}
    of_file = scene.groups_open or scene.custody is None
    unknown, not_looked_at = (
        list(scene.unseen),
        [*not_looked_at_of(scene, edge), *scene.answers.only_if_named, _USE, _STRANGERS if edge else _LEARNT],
    )
    shut: dict[str, KeptOut] = {}
    ways = tuple(_ways(scene, finder))
    found = [
        *_paths(finder, ways, trusts or {}, own, _Doors(scene, edge, shut, unknown)),
        *_patterns(scene, finder, unknown),
        *(_by_iam(scene, finder, trusts or {}, ways, own, edge, secret, passwords or {}, unknown) if edge else ()),
    ]
    if of_file:
        not_looked_at.append("who is in which group and which indices there are (a file does not say it)")
    else:
        found += unused(scene.grants, scene.people, scene.unread)
        found += ahead(_counts(scene, edge, shut, unknown))
        if scene.there.indices is None:
            unknown.append("which indices there are could not be read")
        else:
            found += _misses(scene, finder, named)
        if scene.there.leaves_out_forbidden:
            found += lifted(finder.by_alias(scene.held, _filtered(scene.there)))
    if trusts is None and finder.lets_in_iam_roles:
        not_looked_at.append("who may take the IAM roles that are let in")
    told = in_order(found)
    words = many(len(told), "finding") if told else "nothing is found"
    kept_out = tuple(shut[name] for name in sorted(shut))
    return Findings(scene.deployment, words, told, tuple(dict.fromkeys(unknown)), tuple(not_looked_at), kept_out)


def _by_iam(
    scene: Scene,
    finder: Finding,
    trusts: Trusts,
    ways: Iterable[_Way],
    own: Collection[str],
    edge: Before,
    secret: Mapping[str, Any] | None,
    passwords: Mapping[str, str],
    unknown: list[str],
) -> Iterator[Found]:
    """By people's own IAM policies, and by the policies of secrets with passwords of who administers."""
    above = [one for one, *_ in ways]
    of_master, of_users = masters_secret(edge, secret, unknown), secrets_of_users(edge, above, passwords, unknown)
    secrets = tuple({one.arn: one for one in (*of_users, *of_master)}.values())
    yield from ways_by_iam(scene, finder, trusts, above, secrets, own, edge, unknown)
    yield from ways_by_secret(scene, finder, secrets, above, own, edge)


def trusted(baseline: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Role name -> who may take it, of the roads as they were seen last (`operations.watching.roads`). A service of AWS by its
    name (`lambda.amazonaws.com`): who may use it is looked at by people's own IAM policies."""
    made: dict[str, tuple[str, ...]] = {}
    for label, one in baseline.items():
        kind, _, name = label.partition("/")
        if kind == "role" and isinstance(one, Mapping):
            made[name] = tuple(dict.fromkeys(who for statement in one.get("trust") or () for who in _takers(statement)))
    return made


def _takers(statement: Mapping[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal")
    if statement.get("Effect") == "Allow" and isinstance(principal, Mapping):
        for kind in ("AWS", "Service"):
            named = principal.get(kind) or ()
            yield from [named] if isinstance(named, str) else named


class _Doors:
    """Whether somebody's requests to the security API come as far as the engine."""

    def __init__(self, scene: Scene, edge: Before | None, shut: dict[str, KeptOut], unknown: list[str]) -> None:
        self._scene, self._edge, self._shut, self._unknown = scene, edge, shut, unknown

    def says(self, person: Person) -> str:
        """What keeps them out now, as the end of a sentence. While it is locked the walls are the lock's, and say nothing of later."""
        if self._edge is None or stopping(self._scene.custody)[0]:
            return ""
        way = of_person(self._edge, person, _ADMINISTERS)
        self._unknown += way.unknown
        if way.passes is not False:
            return ""
        self._shut[str(person)] = KeptOut(str(person), person.name, (way.no,))
        return f"; kept out as it is now: {way.no}"


_Way = tuple[
    Person, Mapping[str, str], WayUp
]  # who, their roles with why they have each, and how they come to administer


def _ways(scene: Scene, finder: Finding) -> Iterator[_Way]:
    for person in scene.people:
        if person.caller is not None:
            roles = scene.family.mapped_roles(scene.held, person.caller)
            if way := finder.way_up(scene.held, roles):
                yield person, roles, way


def _paths(
    finder: Finding, ways: Iterable[_Way], trusts: Trusts, own: Collection[str], doors: _Doors
) -> Iterator[Found]:
    for person, roles, way in ways:
        first = way.steps[0].removeprefix("has the role ")
        steps = (str(person), f"{way.steps[0]} ({roles.get(first, 'its mapping')})", *way.steps[1:])
        hangs = f", if {way.unless}" if way.unless else ""
        hangs += doors.says(person) if len(way.steps) > 1 or person.kind == SubjectKind.IAM_ROLE else ""
        if len(way.steps) > 1 and person.entry not in own:
            says = f"{person} may come to administer {finder.whole} in {len(way.steps)} steps{hangs}"
            yield Found(
                PATH, str(person), says, f"take {first} from them, or say why they have it", steps, not way.unless
            )
        if person.kind == SubjectKind.IAM_ROLE:
            for chain in _chains(person.entry, trusts):
                says = f"{_whoever(chain[0])} may come to administer {finder.whole} by taking {person}{hangs}"
                takes = tuple(f"may take the role {one} (its trust policy names them)" for one in chain[1:])
                remedy = f"narrow whom the trust policy of {person.name} names"
                yield Found(PATH, chain[0], says, remedy, (_whoever(chain[0]), *takes, *steps[1:]), not way.unless)


def _whoever(arn: str) -> str:
    """A trust policy that names an account leaves it to that account's own policies."""
    parts = arn.split(":")
    if arn == "*":
        return "whoever there is"
    return (
        f"somebody of account {parts[4]} (whom its own IAM policies let)"
        if parts[-1] == "root" and len(parts) > 5
        else arn
    )


def _chains(role: str, trusts: Trusts, behind: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Who may take the role, by how many others however: from whom it begins with, role by role, up to it."""
    for who in trusts.get(role.rpartition("/")[2], ()):
        chain = (role, *behind)
        if who not in chain and not is_service(who):
            yield (who, *chain)
            if ":role/" in who:
                yield from _chains(who, trusts, chain)


def _patterns(scene: Scene, finder: Finding, unknown: list[str]) -> Iterator[Found]:
    told = []
    for one in finder.patterns(scene.held, scene.people):
        if one.whom is None and not one.anybody:
            unknown.append(f"whom {one.about} lets in, only the engine can tell")
        elif not scene.groups_open or one.anybody:  # a file does not say who there is
            told.append(one)
    yield from whom_patterns_fit(told)


def _misses(scene: Scene, finder: Finding, named: Collection[str]) -> Iterator[Found]:
    ours = scene.family.baseline().documents
    for role, pattern in finder.misses(scene.held, named):
        if role in ours:
            continue
        if name := near(pattern, named):
            says = f"{pattern} of {role} fits no index, and {name} is one letter away"
            yield Found(MISSPELT, role, says, f"write it as {name} is written, if that is meant")
        else:
            yield Found(
                NO_INDEX,
                role,
                f"{pattern} of {role} fits no index that there is",
                "correct it, or leave it for an index to come",
            )


def _filtered(there: There) -> dict[str, tuple[str, ...]]:
    """The aliases that have a filter, or may have one as nobody could say."""
    return {alias: of for alias, of in (there.aliases or {}).items() if there.filters is None or alias in there.filters}


def _counts(
    scene: Scene, edge: Before | None, shut: dict[str, KeptOut], unknown: list[str]
) -> list[tuple[Person, int]]:
    """On how many indices each may read, and on how many write, added up."""
    found = matrix(scene)
    known = {str(person): person for person in scene.people}
    rows = [(known[row.person], row.cells) for row in found.people]
    let_in = cells_let_in(edge, scene, rows, found.indices)
    shut |= {one.person: one for one in let_in.kept_out if one.person not in shut}
    unknown += let_in.unknown
    may = {
        str(person): sum(word not in ("-", "?") for cell in cells for word in cell.split())
        for (person, _), cells in zip(rows, let_in.cells, strict=True)
    }
    return [(person, may.get(str(person), 0)) for person in scene.people if person.kind != ANYBODY]
