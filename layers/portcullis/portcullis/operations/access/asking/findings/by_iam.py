"""Findings of paths to administration that people's own IAM policies open, over a scene. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from portcullis.access.edge.own_policies import Administrators, Open, Secret, acts, open_to
from portcullis.access.edge.policies import Own
from portcullis.access.edge.running import running_as
from portcullis.access.edge.way import somebody
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.findings import PATH, Found
from portcullis.access.questions.persons import Person
from portcullis.families.finding import Finding
from portcullis.operations.access.asking.edge import Before
from portcullis.operations.access.asking.scene import Scene
from portcullis.words import many

_UNREAD = "what people may do to who administers, by their own IAM policies: {}"
_ROOT = ":root"


def ways_by_iam(
    scene: Scene,
    finder: Finding,
    trusts: Mapping[str, Collection[str]],
    above: Collection[Person],
    secrets: Sequence[Secret],
    own: Collection[str],
    before: Before,
    unknown: list[str],
) -> Iterator[Found]:
    """Of whoever signs, or has the role of a token, and is not among those `above`, who have a way already. `own`: entries that Portcullis
    itself needs."""
    administrators, edge = _administrators(scene, finder, trusts, above, secrets, before), before.edge
    targets = [*acts(administrators, edge)]
    for role, _ in administrators.roles:
        targets += running_as(role, trusts.get(role.rpartition("/")[2], ()), edge.region, edge.account)
    not_asked = {person.entry for person in above} | {*own}
    below = [person for person in scene.people if person.caller is not None and person.entry not in not_asked]
    held = before.own(below)
    for person in below:
        who = somebody(person)
        if who is None or not who.arn:
            continue
        who = replace(who, own=held.get(who.arn, Own()))
        if who.own.unread:
            unknown.append(_UNREAD.format(who.own.unread))
        if found := open_to(who, edge, targets):
            yield _told(person, finder, found)


def _told(person: Person, finder: Finding, found: Sequence[Open]) -> Found:
    first, *others = found
    further = sorted({one.act.action for one in others} - {first.act.action})
    besides = f", and by {many(len(further), 'further action')} ({', '.join(further)})" if further else ""
    hangs = "" if first.certain else ", if a condition or what is not known here lets them"
    says = f"{person} may come to administer {finder.whole} by {first.act.action}{besides}{hangs}"
    steps = (str(person), f"{first.act.does} ({first.by})", *filter(None, (first.act.then,)))
    return Found(PATH, str(person), says, f"take {first.act.action} out of {first.by}", steps, first.certain)


def _administrators(
    scene: Scene,
    finder: Finding,
    trusts: Mapping[str, Collection[str]],
    above: Collection[Person],
    secrets: Sequence[Secret],
    before: Before,
) -> Administrators:
    registration, edge = before.registration, before.edge
    ours = [one for one in above if not one.entry.startswith("arn:") or one.entry.split(":")[4] == edge.account]
    roles = sorted({one.entry for one in ours if one.kind == SubjectKind.IAM_ROLE and one.entry.startswith("arn:")})
    groups = {
        (grant.subject.kind, grant.subject.name)
        for grant in scene.grants
        if grant.subject.kind in (SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP)
        and finder.way_up(scene.held, (grant.role,))
    }
    pool = registration.cognito.user_pool if registration.cognito else ""
    partition = edge.arn.split(":")[1]
    return Administrators(
        tuple((role, _left_to_account(role, trusts, edge.account)) for role in roles),
        tuple(sorted(one.entry for one in ours if one.kind == SubjectKind.IAM_USER)),
        tuple(secrets),
        tuple(sorted(name for kind, name in groups if kind is SubjectKind.IAM_GROUP)),
        f"arn:{partition}:cognito-idp:{edge.region}:{edge.account}:userpool/{pool}" if pool else "",
        tuple(sorted(name for kind, name in groups if kind is SubjectKind.COGNITO_GROUP)) if pool else (),
        tuple(sorted(one.name for one in ours if one.kind == SubjectKind.COGNITO_USER)) if pool else (),
    )


def _left_to_account(role: str, trusts: Mapping[str, Collection[str]], account: str) -> bool:
    return any(
        who == "*" or who == account or (who.endswith(_ROOT) and who.split(":")[4] == account)
        for who in trusts.get(role.rpartition("/")[2], ())
    )
