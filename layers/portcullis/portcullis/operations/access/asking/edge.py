"""What stands before the engine, added to a scene, and asked about the people of a question. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from portcullis.access.edge.alike import alike
from portcullis.access.edge.policies import Own, Somebody, statements
from portcullis.access.edge.way import NEVER_SEEN, Edge, Passage, Since, key_of, passage, somebody
from portcullis.access.questions.answers import Able, Request
from portcullis.access.questions.persons import Person
from portcullis.custody.stopping import stopping
from portcullis.errors import BadInput
from portcullis.operations.access.asking.scene import Scene
from portcullis.operations.services import Services
from portcullis.ports.edge import EdgeReader
from portcullis.ports.registration import Registration
from portcullis.watch.roads import plain, policy
from portcullis.words import in_data

_CLOSED = "what the network and the policies let in once it is open"
_UNKNOWN_WAY = "how {} signs in, and what the policies say of it"


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before the engine of a scene."""

    edge: Edge
    reader: EdgeReader
    registration: Registration

    def own(self, people: Iterable[Person]) -> Mapping[str, Own]:
        """What IAM holds of whoever of them signs."""
        arns = {who.arn for one in people if (who := somebody(one)) and who.arn}
        return self.reader.own(self.registration, arns) if arns else {}


def before(
    services: Services, scene: Scene, address: str = "", endpoint: str = "", told: Sequence[Mapping[str, Any]] = ()
) -> Before | None:
    """`told`: what events told of the domain's configuration.

    None where nothing of AWS stands before the engine. BadInput for a place that is none, or that nothing here leads from."""
    _check(address, endpoint)
    registration = services.site(scene.deployment).registration
    if registration.domain is None:
        if address or endpoint:
            problem = f"{scene.deployment} is on a cluster that runs elsewhere: what stands before it is not looked at"
            raise BadInput(problem, source="request", place="address", remedy="leave out --from and --through")
        return None
    reader = services.edge(registration)
    edge = reader.look(registration)
    edge = replace(edge, address=address, endpoint=endpoint, at=services.now(), since=_since(edge, told))
    return Before(edge, reader, registration)


def _since(edge: Edge, told: Sequence[Mapping[str, Any]]) -> Mapping[str, Since]:
    """Of what stands before the engine now, and an event told of."""
    there = {key_of(one): ("policy", plain(policy({"Statement": [one]})[0])) for one in statements(edge.policy or {})}
    there |= {group: ("security_groups", group) for group in (edge.network.groups if edge.network else ())}
    found: dict[str, Since] = {}
    for key, what in there.items():
        known = next((one for one in told if (one["in"], one["is"]) == what), None)
        if known:
            found[key] = Since(
                in_data(datetime.fromisoformat(known["since"]).astimezone(UTC)), known["event"], known["by"]
            )
    return found


def of_person(found: Before | None, person: Person, request: Request) -> Passage:
    """Whether this person's request comes as far as the engine."""
    if found is None:
        return Passage(True)
    who = somebody(person)
    own = found.own([person]).get(who.arn, Own()) if who and who.arn else Own()
    told = passage(found.edge, person, own, request)
    unseen = () if who else (_UNKNOWN_WAY.format(person.name),)
    return replace(told, unseen=(*found.edge.unseen, *told.unseen, *unseen))


def not_looked_at(scene: Scene, found: Before | None) -> tuple[str, ...]:
    return scene.answers.not_looked_at if found is None else NEVER_SEEN


def those_let_in(
    found: Before | None, scene: Scene, request: Request, people: Sequence[tuple[Person, Able]]
) -> tuple[list[Able], tuple[str, ...]]:
    """Of whoever the engine lets in, those whose requests come as far as it; and what is not known of that. While it is locked the
    network and the policies are the lock's, and say nothing of who is let in once it is open."""
    if found is None:
        return [able for _, able in people], ()
    if stopping(scene.custody)[0]:
        return [able for _, able in people], (_CLOSED,)
    own = found.own(person for person, _ in people)
    asking = _Asking(found.edge, request, own)
    kept = [one for person, able in people if (one := asking.able(person, able)) is not None]
    return kept, tuple(dict.fromkeys((*found.edge.unseen, *asking.unknown)))


class _Asking:
    """One question about many people: indices that the policies do not tell apart are asked about once."""

    def __init__(self, edge: Edge, request: Request, own: Mapping[str, Own]) -> None:
        self._edge, self._request, self._own = edge, request, own
        self._told: dict[tuple[str, str], Passage] = {}
        self.unknown: dict[str, None] = {}

    def able(self, person: Person, able: Able) -> Able | None:
        who = somebody(person)
        if who is None:
            self.unknown[_UNKNOWN_WAY.format("some of them")] = None
            return able
        own = self._own.get(who.arn, Own())
        indices = able.indices or self._request.indices
        first = alike(self._edge, own, self._request, indices)
        found = {index: self._passage(person, who, own, first[index]) for index in indices}
        self.unknown |= dict.fromkeys(line for one in found.values() for line in (*one.unknown, *one.unseen))
        through = tuple(index for index in able.indices if found[index].passes is True)
        if through:
            return replace(able, indices=through)
        if any(one.passes is not False for one in found.values()):
            return replace(able, allowed=None, indices=())
        return None

    def _passage(self, person: Person, who: Somebody, own: Own, index: str) -> Passage:
        key = (who.arn or who.comes.value, index)
        if key not in self._told:
            asked = replace(self._request, indices=(index,))
            self._told[key] = passage(self._edge, person, own, asked)
        return self._told[key]


def _check(address: str, endpoint: str) -> None:
    import ipaddress

    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            problem = f"{address[:60]!r} is no IP address"
            raise BadInput(problem, source="request", place="address", remedy="e.g. 10.64.3.7") from None
    if endpoint and not (endpoint.isascii() and endpoint.replace("-", "").isalnum()):
        problem = f"{endpoint[:60]!r} is no VPC endpoint"
        raise BadInput(problem, source="request", place="endpoint", remedy="e.g. vpce-0123456789abcdef0, or aos-…")
