"""What stands before the engine, added to a scene, and asked about the people of a question. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from portcullis.access.edge.alike import alike
from portcullis.access.edge.policies import Own, statements
from portcullis.access.edge.way import NEVER_SEEN, Edge, Passage, Since, key_of, passage, somebody
from portcullis.access.questions.answers import Able, KeptOut, Request
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
    known: dict[str, Own] = field(default_factory=dict)  # whose policies were read for this question already

    def own(self, people: Iterable[Person]) -> Mapping[str, Own]:
        """What IAM holds of whoever of them signs."""
        arns = {who.arn for one in people if (who := somebody(one)) and who.arn} - self.known.keys()
        if arns:
            self.known.update(self.reader.own(self.registration, arns))
        return self.known


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
    if found is None or stopping(scene.custody)[0]:
        return [able for _, able in people], () if found is None else (_CLOSED,)
    passages = _Passages(found, (person for person, _ in people))
    kept = [one for person, able in people if (one := _let_in(passages, request, person, able)) is not None]
    return kept, tuple(passages.unknown)


def _let_in(passages: _Passages, request: Request, person: Person, able: Able) -> Able | None:
    passes = passages.of(person, request, able.indices or request.indices).told
    through = tuple(index for index in able.indices if passes[index].passes is True)
    if through:
        return replace(able, indices=through)
    return None if all(one.passes is False for one in passes.values()) else replace(able, allowed=None, indices=())


@dataclass(frozen=True, slots=True)
class LetIn:
    """The cells of a matrix, once what stands before the engine was asked, too."""

    cells: tuple[Sequence[str], ...]
    kept_out: tuple[KeptOut, ...] = ()
    unknown: tuple[str, ...] = ()


def cells_let_in(
    found: Before | None, scene: Scene, rows: Sequence[tuple[Person, Sequence[str]]], indices: Sequence[str]
) -> LetIn:
    """`rows`: of a person the cells, one an index. While it is locked they stay as the engine has them."""
    if found is None or stopping(scene.custody)[0]:
        return LetIn(tuple(cells for _, cells in rows), unknown=() if found is None else (_CLOSED,))
    passages, kept_out, shown = _Passages(found, (person for person, _ in rows)), list[KeptOut](), []
    for person, cells in rows:
        words = {word for cell in {*cells} for word in cell.split()}
        reads = passages.of(person, Request("read"), indices) if words - {"write", "-"} else _NOT_ASKED
        writes = passages.of(person, Request("write"), indices) if words & {"write", "?"} else _NOT_ASKED
        if reads.all_pass and writes.all_pass:
            shown.append(cells)
            continue
        ways = map(reads.told.get, indices), map(writes.told.get, indices)
        narrowed = [_cell(*one) for one in zip(cells, *ways, strict=True)]
        shown.append(tuple(cell for cell, _ in narrowed))
        if why := tuple(dict.fromkeys(no for _, noes in narrowed for no in noes)):
            kept_out.append(KeptOut(str(person), person.name, why))
    return LetIn(tuple(shown), tuple(kept_out), tuple(passages.unknown))


def _cell(cell: str, read: Passage | None, write: Passage | None) -> tuple[str, tuple[str, ...]]:
    """What of a cell comes through, and what keeps out the rest."""
    if cell == "-":
        return cell, ()
    words = cell.split()
    open_ = "?" in words  # of what is read, or whether they read or write: that may be either
    asked = {word: write if word == "write" else read for word in (*words, *(("read", "write") if open_ else ()))}
    told = {word: one for word, one in asked.items() if one is not None and word != "?"}
    noes = tuple(dict.fromkeys(one.no for one in told.values() if one.passes is False))
    if all(one.passes is False for one in told.values()):
        return "-", noes
    of_engine = [word for word in words if word != "?"]
    through = [word for word in of_engine if told[word].passes is True]
    open_ = open_ or any(told[word].passes is None for word in of_engine)
    return " ".join((*through, *(("?",) if open_ else ()))), noes


@dataclass(frozen=True, slots=True)
class _Asked:
    """Index -> whether a request for it comes as far as the engine; and whether all of them do."""

    told: Mapping[str, Passage]
    all_pass: bool


_NOT_ASKED = _Asked({}, all_pass=True)


class _Passages:
    """Questions about many people: whoever comes alike is asked about once, and of indices that the policies do not tell apart one."""

    def __init__(self, found: Before, people: Iterable[Person]) -> None:
        self._edge, self._own = found.edge, found.own(people)
        self._asked: dict[tuple[str, str, tuple[str, ...]], _Asked] = {}
        self.unknown = dict.fromkeys(found.edge.unseen)

    def of(self, person: Person, request: Request, indices: Sequence[str]) -> _Asked:
        """Of whom nobody can say how they come: all of it does, and that this is not known is kept in `unknown`."""
        who = somebody(person)
        if who is None:
            self.unknown[_UNKNOWN_WAY.format("some of them")] = None
            return _Asked(dict.fromkeys(indices, Passage(True)), all_pass=True)
        key = (who.arn or who.comes.value, request.does, tuple(indices))
        if key not in self._asked:
            self._asked[key] = self._ask(person, self._own.get(who.arn, Own()), request, indices)
        return self._asked[key]

    def _ask(self, person: Person, own: Own, request: Request, indices: Sequence[str]) -> _Asked:
        first = alike(self._edge, own, request, indices)
        told = {
            index: passage(self._edge, person, own, replace(request, indices=(index,)))
            for index in dict.fromkeys(first.values())
        }
        self.unknown |= dict.fromkeys(line for one in told.values() for line in (*one.unknown, *one.unseen))
        return _Asked({index: told[one] for index, one in first.items()}, all(one.passes for one in told.values()))


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
