"""Findings of paths to administration that the policies of secrets open, the master's and those of internal users who administer, over a
scene. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from portcullis.access.edge.keys import Key
from portcullis.access.edge.own_policies import Secret
from portcullis.access.edge.secrets import strangers
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.findings import PATH, Found
from portcullis.access.questions.persons import Person
from portcullis.families.finding import Finding
from portcullis.operations.access.asking.edge import Before
from portcullis.operations.access.asking.scene import Scene
from portcullis.ports.registration import EngineUser

_UNSEEN = "whom the policy of the master's secret lets read it: nobody looked yet (portcullis roads)"
_VERSION = "2012-10-17"  # which variables in it mean something with: what is compared leaves it out


def masters_secret(before: Before, seen: Mapping[str, Any] | None, unknown: list[str]) -> tuple[Secret, ...]:
    """The secret with the master's password, if there is one. `seen`: what it was at the last look."""
    master = before.registration.master
    if not isinstance(master, EngineUser) or not master.secret:
        return ()
    if seen is None:
        unknown.append(_UNSEEN)
        seen = {}
    policy = {"Version": _VERSION, "Statement": list(seen.get("policy") or ())}
    key = _key(str(seen.get("key") or ""), before)
    arn = master.secret
    if not arn.startswith("arn:"):
        arn = before.reader.secret(before.registration, arn).arn or _arn_of(arn, before)
    return (Secret(arn, f"the master {master.name}", policy, key),)


def secrets_of_users(
    before: Before, above: Iterable[Person], named: Mapping[str, str], unknown: list[str]
) -> Iterator[Secret]:
    """Of internal users who administer or have a way to, as they are now. `named`: internal user -> the secret with the password."""
    for person in above:
        name = named.get(person.name) if person.kind == SubjectKind.INTERNAL_USER else None
        if not name:
            continue
        held = before.reader.secret(before.registration, name)
        if held.unread:
            unknown.append(f"whom the policy of the secret of {person} lets read it: {held.unread}")
        policy = {"Version": _VERSION, **held.policy}
        arn, whose = held.arn or _arn_of(name, before), f"the internal user {person.name}"
        yield Secret(arn, whose, policy, _key(held.key, before), followed=True, unread=bool(held.unread))


def ways_by_secret(
    scene: Scene,
    finder: Finding,
    secrets: Sequence[Secret],
    above: Collection[Person],
    own: Collection[str],
    before: Before,
) -> Iterator[Found]:
    """Of whoever is nobody that the engine knows: the others are judged with their own policies."""
    known = {*own, *(one.entry for one in (*scene.people, *above))}
    for secret in secrets:
        for one in strangers(secret, before.edge, known):
            act, by = one.found.act, one.found.by
            hangs = one.hangs or ("" if one.found.certain else "if a condition or what is not known here lets them")
            says = f"{one.name} may come to administer {finder.whole} by {act.action}{hangs and ', '}{hangs}"
            steps = (one.name, f"{act.does} ({by})", act.then)
            yield Found(PATH, one.name, says, f"take {act.action} out of {by}", steps, one.found.certain)


def _arn_of(secret: str, before: Before) -> str:
    """Of a secret that could not be read, its ARN but for the six signs that Secrets Manager adds."""
    if secret.startswith("arn:"):
        return secret
    edge = before.edge
    return f"arn:{edge.arn.split(':')[1]}:secretsmanager:{edge.region}:{edge.account}:secret:{secret}-AbCdEf"


def _key(key: str, before: Before) -> Key | None:
    """The key of that name as it is now; None: there is none but Amazon's own."""
    return before.reader.key(before.registration, _key_arn(key, before)) if key else None


def _key_arn(key: str, before: Before) -> str:
    """Secrets Manager tells a key as whoever chose it wrote it: an ARN, an id or an alias."""
    if key.startswith("arn:"):
        return key
    edge = before.edge
    return f"arn:{edge.arn.split(':')[1]}:kms:{edge.region}:{edge.account}:{key if key.startswith('alias/') else f'key/{key}'}"
