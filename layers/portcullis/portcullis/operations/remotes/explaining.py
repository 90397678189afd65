"""What somebody may read on a remote cluster, and which side decides: of files alone, and of what is deployed. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.actual import Actual
from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.access.questions.answers import Far, There
from portcullis.access.questions.persons import as_person, group_called
from portcullis.custody.stopping import stopping
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.services import Services, Site
from portcullis.ports.engine import Engine
from portcullis.remotes.agreement import offer_behind
from portcullis.remotes.explaining import explain
from portcullis.remotes.facts import BY_KEY, model_of
from portcullis.remotes.parties import Asked, Explained, Near
from portcullis.remotes.refusals import state_told
from portcullis.remotes.who import as_asked_for, who

if TYPE_CHECKING:
    from portcullis.access.actual import Json
    from portcullis.model import Deployment, OnCluster

_FAMILY = "elasticsearch"
_LONGEST_NAME = 2048  # of a person, or of an alias with an index
_GROUPS = (SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)
_PEOPLE = (SubjectKind.COGNITO_USER, SubjectKind.IAM_USER, SubjectKind.IAM_ROLE, SubjectKind.INTERNAL_USER)


def of_files(
    deployment: Deployment, beside: Mapping[str, Deployment], person: str, index: str, member_of: tuple[str, ...] = ()
) -> Explained:
    """By the file of the side that asks, and that of the other side if it is `beside`. `person` is in the groups `member_of` and in no
    other. BadInput for a person or a group that the file does not know."""
    from portcullis.model import resolve

    here, asked = on_cluster(deployment), Asked.of(index)
    access = resolve(here)
    groups = _groups_meant(here, access, member_of)
    subject = _meant(person, access, groups)
    held = as_asked_for(access, subject, groups)
    near = Near(here.deployment, here.engine.partition("-")[2], access.roles, tuple(here.remotes))
    found = who(subject, [str(one) for one in groups], access, held, here.deployment)
    return explain(found, asked, near, by_file(here, beside, asked.alias))


def remote_explain(services: Services, deployment: str, *, person: str, index: str) -> Explained:
    """As both clusters are now; of a cluster that is none of this account's, as far as the file and its refusals tell."""
    site, asked, person = services.site(deployment), Asked.of(index[:_LONGEST_NAME]), person[:_LONGEST_NAME]
    files = files_in_force(services)
    here = on_cluster(file_of(site))
    access, held = site.ledger.model(deployment).access, site.engine.read()
    subject, groups, doubt = _found(site, access, held, person)
    found = replace(who(subject, groups, access, held, deployment), doubt=doubt)
    stopped, certain = stopping(site.ledger.custody(deployment))
    info = site.remotes.info()
    release = site.engine.dialect.split()[0]
    near = Near(deployment, release, held.of(site.family.roles), tuple(sorted(info)), stopped, certain)
    far = looked_at(services, site, here, files, asked.alias, info) if asked.alias in info else None
    return explain(found, asked, near, far)


def files_in_force(services: Services) -> dict[str, Deployment]:
    """The files of the clusters of this account, by deployment. One that cannot be read is left out: it is nobody's other side then."""
    found: dict[str, Deployment] = {}
    for name in services.ledger.deployments():
        site = services.site(name)
        if site.registration.family == _FAMILY:
            try:
                found[name] = file_of(site)
            except PortcullisError:
                continue
    return found


def file_of(site: Site) -> Deployment:
    """The deployment file in force."""
    from portcullis.model import loads  # late: no event needs it

    return loads(site.ledger.model(site.name).text, f"{site.name}.yaml")


def on_cluster(deployment: Deployment) -> OnCluster:
    """The file of an Elasticsearch cluster. Refused for one of a domain: it has no remote clusters."""
    from portcullis.model import OnCluster

    if not isinstance(deployment, OnCluster):
        raise Refused(
            f"{deployment.deployment} is no Elasticsearch cluster: remote clusters are declared in files of those"
        )
    return deployment


def other_side(here: OnCluster, beside: Mapping[str, Deployment], alias: str) -> tuple[OnCluster | None, str]:
    """The file of the cluster behind an alias, and the name of its offer that is meant (empty: none is). Refused if two could be meant."""
    from portcullis.model import OnCluster

    remote = here.remotes[alias]
    others = {name: one for name, one in sorted(beside.items()) if isinstance(one, OnCluster)}
    offered = ((giver, name, offer.secret) for giver, one in others.items() for name, offer in one.offers.items())
    found = offer_behind(here.deployment, remote.deployment or "", remote.credential or "", offered)
    return (others[found[0]], found[1]) if found else (others.get(remote.deployment or ""), "")


def looked_at(
    services: Services,
    site: Site,
    here: OnCluster,
    files: Mapping[str, Deployment],
    alias: str,
    info: Mapping[str, Json],
) -> Far:
    """The other cluster as it is. `unknown` has what could not be looked at."""
    set_, unknown = info[alias], list[str]()
    model = model_of(set_)
    declared, other = here.remotes.get(alias), None
    if declared is None:
        unknown.append(f"the file does not declare {alias}")
    else:
        other, _ = other_side(here, files, alias)
        if declared.model != model:
            unknown.append(f"{alias} is declared with model {declared.model}, and is connected to with {model}")
    far = Far(alias, "", model, other.deployment if other else "", skip_unavailable=bool(set_.get("skip_unavailable")))
    if model == BY_KEY:
        far = _with_key(far, site, unknown)
    if other is None:
        unknown.append(f"the cluster behind {alias} is no deployment of this account: it could not be looked at")
        if model == BY_KEY and declared is not None and declared.allows is not None:
            far = replace(
                far, access=declared.allows.document(), source=f"as agreed in remotes.{alias}.allows", agreed=True
            )
        return replace(far, unknown=tuple(unknown))
    return _with_cluster(far, services.site(other.deployment), unknown)


def _with_key(far: Far, site: Site, unknown: list[str]) -> Far:
    """By which key this side comes, as the other one says; or what it says against it."""
    try:
        return replace(far, key=site.remotes.key_in_use(far.alias))
    except PortcullisError as error:
        if state := state_told(str(error)):
            return replace(far, state=state)
        unknown.append(f"by which key {far.alias} is read could not be looked at: {error}")
        return far


def _with_cluster(far: Far, other: Site, unknown: list[str]) -> Far:
    stopped, certain = stopping(other.ledger.custody(other.name))
    far = replace(far, stopped=stopped, certain=certain)
    try:
        far = replace(far, release=other.engine.dialect.split()[0])
        if far.model == "certificate":
            far = replace(far, roles=other.engine.read([other.family.roles]).of(other.family.roles))
        elif far.key:
            shown = {key.id: key for key in other.cluster_keys.shown()}
            if found := shown.get(far.key):
                far = replace(far, access=found.access, source=f"as {other.name} shows it")
            else:
                unknown.append(f"{other.name} has no key {far.key}: {far.alias} may be another cluster")
        far = replace(far, there=replace(there_of(other.engine), dialect=other.engine.dialect))
    except PortcullisError as error:
        unknown.append(f"{other.name} could not be looked at: {error}")
    return replace(far, unknown=tuple(unknown))


def there_of(engine: Engine) -> There:
    """What is there by name. Never said to be all: what the automation may not see is not shown to it."""
    try:
        told = engine.names()
    except Refused:  # not every engine tells its aliases
        return There(tuple(sorted(engine.blocks())))
    return There(told.indices, aliases=told.aliases, streams=told.streams, hidden=told.hidden)


def _found(site: Site, access: AccessModel, held: Actual, asked: str) -> tuple[Subject, tuple[str, ...], str]:
    """Whom somebody means, in which groups they are, and what about that could not be read. BadInput if that is nobody, or several."""
    looked = site.identity.look(access.grants)
    # Who is a native user has the roles that the engine shows, whatever groups say.
    by_groups = bool(access.people and access.people.realm)
    people: dict[Subject, set[str]] = {}
    for of, entries in looked.membership.users.items():
        for entry in entries:
            person = as_person(entry)
            subject = Subject(SubjectKind(person.kind), person.name) if of.kind in _GROUPS else of
            people.setdefault(subject, set()).update({str(of)} if of.kind in _GROUPS else ())
    if by_groups:
        groups = sorted({one.subject.name for one in access.grants if one.subject.kind is SubjectKind.COGNITO_GROUP})
        for group, entries in site.identity.members_of(groups).items():
            for entry in entries:
                subject = Subject(SubjectKind.COGNITO_USER, as_person(entry).name)
                people.setdefault(subject, set()).add(f"{SubjectKind.COGNITO_GROUP.value}:{group}")
    own = {Subject(SubjectKind.INTERNAL_USER, name) for name in held.of(site.family.users)}
    exact = [one for one in {*people, *own} if str(one) == asked]
    fitting = exact or sorted(one for one in people if one.name == asked) or [one for one in own if one.name == asked]
    if len(fitting) != 1:
        remedy = ", ".join(map(str, fitting)) or "a name, or cognito_user:, iam_user: or internal_user:NAME"
        problem = f"{asked!r} may be {len(fitting)} people" if fitting else f"nobody called {asked!r} is known"
        raise BadInput(problem, source="request", place="person", remedy=remedy)
    unread = [f"{one} could not be read: {why}" for one, why in sorted(looked.unseen.items()) if by_groups]
    return fitting[0], tuple(sorted(people.get(fitting[0], ()))), "; ".join(unread)


def by_file(here: OnCluster, beside: Mapping[str, Deployment], alias: str) -> Far | None:
    """The other cluster as far as the file of this side, and that of the other if it is `beside`, tell of it. None: no such alias."""
    from portcullis.model import resolve

    remote = here.remotes.get(alias)
    if remote is None:
        return None
    other, offer = other_side(here, beside, alias)
    name = other.deployment if other else remote.deployment or ""
    release = (other or here).engine.partition("-")[2]
    skip = remote.skip_unavailable
    if remote.model == "certificate":
        roles = resolve(other).roles if other else None
        source = f"the file of {name}" if other else ""
        return Far(alias, release, remote.model, name, roles=roles, source=source, skip_unavailable=skip)
    unknown: tuple[str, ...] = ()
    access, source = remote.allows.document() if remote.allows else None, f"as agreed in remotes.{alias}.allows"
    if other is not None and offer:
        access, source = other.offers[offer].document(), f"{name} offers it as {offer}"
    elif access is not None:
        unknown = (f"no file beside this one offers the key of {alias}: it is taken to allow what was agreed",)
    return Far(alias, release, remote.model, name, access=access, source=source, skip_unavailable=skip, unknown=unknown)


def _groups_meant(here: OnCluster, access: AccessModel, asked: tuple[str, ...]) -> tuple[Subject, ...]:
    known = {grant.subject for grant in access.grants if grant.subject.kind in _GROUPS}
    cognito = here.identity.cognito
    known |= {Subject(SubjectKind.COGNITO_GROUP, group) for group in (cognito.groups if cognito else ())}
    known |= {Subject(SubjectKind.IAM_GROUP, group) for group in here.identity.iam_groups}
    return tuple(group_called(known, one, source="command", place="--member-of") for one in asked)


def _meant(person: str, access: AccessModel, groups: tuple[Subject, ...]) -> Subject:
    """Whom a file's reader means. One of a kind is taken at their word: a file does not say who there is."""
    kind, _, name = person.partition(":")
    if kind in _PEOPLE and name:
        return Subject(SubjectKind(kind), name)
    known = {one.subject for one in access.grants if one.subject.kind in _PEOPLE}
    known |= {Subject(SubjectKind.INTERNAL_USER, user) for user in access.users}
    fitting = sorted(one for one in known if one.name == person)
    if len(fitting) == 1:
        return fitting[0]
    kinds = {one.kind for one in groups}
    if not fitting and kinds == {SubjectKind.COGNITO_GROUP}:
        return Subject(SubjectKind.COGNITO_USER, person)
    if not fitting and kinds == {SubjectKind.IAM_GROUP}:
        return Subject(SubjectKind.IAM_USER, person)
    remedy = ", ".join(map(str, fitting)) or "e.g. cognito_user:anna, iam_user:anna, or their groups with --member-of"
    raise BadInput(f"the file does not say who {person!r} is", source="command", place="PERSON", remedy=f"say {remedy}")
