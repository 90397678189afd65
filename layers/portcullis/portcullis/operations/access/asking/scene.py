"""What a question about people needs, read once: who there is, what the engine holds, what is on it, the custody. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from portcullis.access.actual import Actual
from portcullis.access.one_role import Rank
from portcullis.access.plan import Grant, People, Subject, SubjectKind
from portcullis.access.questions.answers import Decided, Request, There
from portcullis.access.questions.persons import ANYBODY, Person, Pool, as_person, people
from portcullis.custody.types import Custody
from portcullis.errors import PortcullisError, Refused
from portcullis.families.answering import Answering, answering
from portcullis.families.base import Family
from portcullis.operations.access.changing.foundation import with_foundation
from portcullis.operations.access.changing.looking import compare
from portcullis.operations.services import Site
from portcullis.operations.writing.opened import once_open
from portcullis.ports.engine import Engine, Names
from portcullis.ports.registration import KeptModel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    """`held`: what the engine holds once it is open; while it is locked `held_now` is another thing. `unseen`: what could not be read."""

    deployment: str
    family: Family
    answers: Answering
    grants: tuple[Grant, ...]
    people: tuple[Person, ...]
    held: Actual
    held_now: Actual
    there: There
    custody: Custody | None  # None: nothing is deployed, a file is asked
    unseen: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()  # subjects of grants that could not be read
    groups_open: bool = False  # who is in which group is not known: of a file
    pool: Pool = field(default_factory=Pool)
    known: People | None = None  # how people are called on the engine, where it has to be told


def asked_of(scene: Scene, person: Person, request: Request, there: There) -> Decided:
    """What the family answers for this person, as far as it can be asked."""
    if person.caller is None:
        return Decided(False, reasons=(person.refused,))
    if person.kind == ANYBODY and person.entry.endswith("/"):
        return Decided(None, unknown=(f"whom {person.entry} lets in, only the engine can tell",))
    return scene.answers.answer(scene.held, person.caller, request, there)


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether an index is meant by one of the patterns that people write: `*` and `?`, and no brackets."""
    return any(fnmatchcase(name, one.replace("[", "[[]")) for one in patterns)


def live(
    site: Site, coming: KeptModel | None = None, *, held: Actual | None = None, there: There | None = None
) -> Scene:
    """As it is now, or as it would be once the model that is `coming` is applied. `held` and `there`: what the engine holds then, and what
    is on it, where that is known already. Raises Refused or Unreachable if the engine or the ledger cannot be read."""
    family, unseen = site.family, list[str]()
    answers = answering(family.name)
    kept, custody = coming or site.ledger.model(site.name), site.ledger.custody(site.name)

    def look(what: str, at: Callable[[], T], otherwise: T) -> T:
        try:
            return at()
        except PortcullisError as error:
            unseen.append(f"{what} could not be read: {error}")
            return otherwise

    cognito = site.registration.cognito
    looked = site.identity.look(kept.access.grants)
    unseen += [f"{subject} could not be read: {why}" for subject, why in sorted(looked.unseen.items())]
    unread = frozenset(map(str, looked.unseen))
    pool = look(
        "who is in which group of the user pool",
        lambda: _pool(site, kept.access.grants),
        Pool(cognito.user_pool if cognito else ""),
    )
    held_now = held if held is not None else site.engine.read()
    if held is None:
        held = once_open(site, custody, held_now)
        if coming is not None:
            would_be = compare(site, coming, held=held)
            unseen += [f"would not be done: {conflict}" for conflict in would_be.plan.conflicts]
            held = would_be.after()
    users = {name: family.user(held, name) for name in held.of(family.users)}
    known = with_foundation(kept.access, site.registration).people
    everybody = people(family, held, kept.access.grants, looked.membership, pool, users)
    found = answers.as_known(held, known, kept.access.grants, everybody)
    there = there or look("which indices there are", lambda: there_on(site.engine), There())
    dialect = look("which form the engine speaks", lambda: site.engine.dialect, "")
    there = replace(there, engine=there.engine or engine_named(site.name, kept), dialect=dialect)
    return Scene(
        site.name,
        family,
        answers,
        kept.access.grants,
        found,
        held,
        held_now,
        there,
        custody,
        tuple(unseen),
        unread,
        pool=pool,
        known=known,
    )


def engine_named(deployment: str, kept: KeptModel) -> str:
    """The engine as the file in force names it: it may have been upgraded since, and does not tell."""
    from portcullis.model.text.reading import read  # late: no event needs it

    return str(read(kept.text, f"{deployment}.yaml").data.get("engine", ""))


def there_on(engine: Engine) -> There:
    """Of an engine that does not tell which aliases it has, the indices. Nor does one that leaves out an index: it may answer with what
    the automation is permitted to see alone (do_not_fail_on_forbidden), and what is missing must not become a certain no."""
    indices = engine.blocks().keys()
    set_to = engine.settings()
    leaves_out, how = set_to.leaves_out_forbidden, set_to.evaluation
    try:
        told = engine.names()
    except Refused:
        told = None
    if told is None or not indices <= {*told.indices}:
        return There(tuple(sorted(indices)), set_to.release, True, leaves_out_forbidden=leaves_out, evaluation=how)
    there = There(told.indices, set_to.release, True, told.aliases, told.streams, told.hidden, told.closed)
    return replace(there, leaves_out_forbidden=leaves_out, evaluation=how, filters=filters_on(engine, told))


def filters_on(engine: Engine, told: Names) -> Mapping[str, Mapping[str, str]] | None:
    """Of the aliases that there are. None where nobody could say: the role of the automation has not been put right yet."""
    if not told.aliases:
        return {}
    try:
        shown = engine.alias_filters()
    except Refused:
        return None
    if any(index not in shown.get(alias, {}) for alias, of in told.aliases.items() for index in of):
        return None
    filtered = {alias: {index: one for index, one in of.items() if one} for alias, of in shown.items()}
    return {alias: of for alias, of in filtered.items() if of}


def _pool(site: Site, grants: tuple[Grant, ...]) -> Pool:
    registration = site.registration
    granted = {grant.subject.name for grant in grants if grant.subject.kind is SubjectKind.COGNITO_GROUP}
    groups = {*registration.group_roles, *granted}
    if registration.cognito is None:
        return Pool(members={}, ranks={})
    pool = registration.cognito.user_pool
    if not groups:
        return Pool(pool, {}, {})
    ranks: Mapping[str, Rank] = site.identity.ranks(groups)
    return Pool(pool, site.identity.members_of(groups), ranks)


def somebody_else(site: Site, scene: Scene, asked: str) -> Scene:
    """The scene with whoever has this name in the user pool or in IAM, and is in no group that is granted anything."""
    found: list[Person] = []
    unseen: list[str] = []
    if asked.startswith("arn:"):
        found.append(as_person(asked))
    else:
        kind, _, name = asked.partition(":")
        kinds = [one for one in _KINDS if one == kind] or list(_KINDS)
        subjects = [Subject(one, name if kind == one else asked) for one in kinds]
        looked = site.identity.look(
            [Grant(subject, "", "") for subject in subjects if scene.pool.id or subject.kind != _POOL]
        )
        entries = [*looked.membership.users.values(), *looked.membership.backend_roles.values()]
        found += [as_person(entry, (), scene.pool) for some in entries for entry in some]
        unseen += [f"{subject} could not be looked up: {why}" for subject, why in sorted(looked.unseen.items())]
        # One that nobody may look up is taken to be there: what counts is that no mapping and no group names them.
        hidden = [subject for subject in looked.unseen if subject.kind != SubjectKind.IAM_ROLE]
        if not found and len(hidden) == len(looked.unseen):
            found += [_unseen_person(site, scene, subject) for subject in sorted(hidden)[:1]]
    found = [scene.answers.as_known(scene.held, scene.known, scene.grants, [one])[0] for one in found]
    return replace(scene, people=(*scene.people, *found), unseen=(*scene.unseen, *unseen))


_POOL = SubjectKind.COGNITO_USER
_KINDS = (SubjectKind.COGNITO_USER, SubjectKind.IAM_USER, SubjectKind.IAM_ROLE)


def _unseen_person(site: Site, scene: Scene, subject: Subject) -> Person:
    entry = f"Cognito/{scene.pool.id}/{subject.name}"
    if subject.kind is not _POOL:
        entry = f"arn:aws:iam::{site.registration.account}:user/{subject.name}"
    one = as_person(entry, (), scene.pool)
    return replace(one, unread=f"whether there is a {subject} could not be looked up")
