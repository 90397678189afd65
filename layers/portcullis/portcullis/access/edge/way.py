"""The way of a person's request to the engine: the network first, then the policies. What stops it is said, with what would let it in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import unquote

from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context
from portcullis.access.edge.network import Network, reached
from portcullis.access.edge.policies import DOMAIN, Asked, Comes, Judged, Own, Somebody, judge
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import Layer, Reason, Request
from portcullis.access.questions.persons import Person
from portcullis.access.truth import Truth

ALLOWS, STOPS, MAY_STOP = "lets them through", "stops here", "not known"
DASHBOARDS = "/_dashboards/"
_METHODS = ("Get", "Head", "Post", "Put", "Delete", "Patch")


@dataclass(frozen=True, slots=True)
class Since:
    """When something began, by which event, and whose doing it was."""

    at: str
    event: str
    by: str


def key_of(statement: Json) -> str:
    """By what a statement of the domain's policy is known again."""
    return json.dumps(statement, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Edge:
    """What stands before a domain. `policy`, `network` None: could not be read, and `unseen` says why. `address`, `endpoint`: where
    somebody calls from, as far as the question says it."""

    arn: str
    region: str
    policy: Json | None
    network: Network | None
    in_vpc: bool
    names_in_bodies: bool = (
        True  # requests whose body names the indices are taken (rest.action.multi.allow_explicit_index)
    )
    unseen: tuple[str, ...] = ()
    address: str = ""
    endpoint: str = ""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    since: Mapping[str, Since] = field(
        default_factory=dict
    )  # a statement of the policy (`key_of`), or a security group

    def told(self, reason: Reason, *objects: str) -> Reason:
        """A reason with since when it is so: where every one of what makes it so has a known beginning, that of the first."""
        known = [self.since[one] for one in objects if one in self.since]
        if not known or len(known) < len(objects):
            return reason
        first = min(known, key=lambda one: one.at)
        return replace(reason, since=first.at, event=first.event, by=first.by)

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class Passage:
    """`no`: what stops them, in words; `would`: the smallest change that would let them through; `unknown`: why nobody can tell;
    `unseen`: what was not looked at and could only keep somebody out, or let in only whom somebody let in for an emergency."""

    passes: Truth
    reasons: tuple[Reason, ...] = ()
    no: str = ""
    would: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


# What an organisation or a VPC endpoint adds, no account can read of itself.
NEVER_SEEN = ("policies of an organisation (SCP, RCP)", "policies of VPC endpoints", "policies of one session alone")


def somebody(person: Person) -> Somebody | None:
    """Whom the policies see in a person; None where nobody can say how they come."""
    if person.kind == SubjectKind.INTERNAL_USER:
        return Somebody("", Comes.BASIC)
    if person.kind == SubjectKind.COGNITO_USER:
        return Somebody(person.role, Comes.COGNITO) if person.role else None
    if person.kind in (SubjectKind.IAM_USER, SubjectKind.IAM_ROLE) and person.entry.startswith("arn:"):
        return Somebody(person.entry, Comes.SIGNED)
    return None


def passage(edge: Edge, person: Person, own: Own, request: Request) -> Passage:
    """Whether a request of this person comes as far as the engine."""
    network = _network(edge)
    who = somebody(person)
    if who is None or edge.policy is None:
        return network
    policies = _policies(edge, replace(who, own=own), request)
    passes = min((network.passes, policies.passes), key=_rank)
    return Passage(
        passes,
        (*network.reasons, *policies.reasons),
        network.no or policies.no,
        (*network.would, *policies.would),
        (*network.unknown, *policies.unknown),
        (*network.unseen, *policies.unseen),
    )


def _rank(truth: Truth) -> int:
    return {False: 0, None: 1, True: 2}[truth]


# ---------------------------------------------------------------------- the network


def _network(edge: Edge) -> Passage:
    name = edge.arn.rpartition("/")[2]
    if not edge.in_vpc:
        if edge.endpoint:
            unknown = f"whether {edge.endpoint} leads to {name}"
            return Passage(None, (Reason(Layer.NETWORK, name, "is in no VPC", MAY_STOP),), unknown=(unknown,))
        return Passage(True, (Reason(Layer.NETWORK, name, "is in no VPC: it is reached from anywhere", ALLOWS),))
    if edge.network is None:
        return Passage(True)
    groups = ", ".join(sorted(edge.network.groups))
    found = reached(edge.network, edge.address, edge.endpoint)
    lets_in = f"lets in {', '.join(found.sources)} to port 443" if found.sources else "lets nobody in to port 443"
    place = edge.endpoint or edge.address
    if found.reached is True and not place:
        why = edge.told(Reason(Layer.NETWORK, groups, lets_in, "lets in whoever calls from there"), *found.by)
        return Passage(True, (why,))
    if found.reached is True:
        return Passage(True, (edge.told(Reason(Layer.NETWORK, groups, lets_in, f"lets in {place}"), *found.by),))
    if found.reached is None:
        return Passage(None, (Reason(Layer.NETWORK, groups, lets_in, MAY_STOP),), unknown=(found.missing,))
    if edge.endpoint:
        would: tuple[str, ...] = (f"a VPC endpoint {edge.endpoint} to {name}",)
        no = f"{edge.endpoint} is no VPC endpoint to {name}"
    else:
        block = f"{place}/{128 if ':' in place else 32}" if place else "their address"
        would = (f"an ingress rule of {groups}: tcp 443 from {block}",)
        no = f"{groups} {lets_in}" + (f", and {place} is none of these" if place and found.sources else "")
    unseen = (found.but,) if found.but else ()
    return Passage(False, (Reason(Layer.NETWORK, groups, lets_in, STOPS),), no, would, unseen=unseen)


# ---------------------------------------------------------------------- the policies


@dataclass(frozen=True, slots=True)
class _Way:
    """One request by which something can be done: all of `paths` are asked for."""

    method: str
    paths: tuple[str, ...]


def _policies(edge: Edge, who: Somebody, request: Request) -> Passage:
    ways, of_all = _ways(edge, who, request)
    context = context_of(edge, who)
    told = [_judged(edge, who, way, context) for way in ways]
    if of_all and len({judged.allowed for judged, _ in told}) > 1:
        why = f"{request.does} is asked for by more than one request, and the policies let only some through"
        return Passage(None, (Reason(Layer.POLICY, DOMAIN, why, MAY_STOP),), unknown=(why,))
    judged, asked = max(told, key=lambda one: _rank(one[0].allowed))
    request_in_words = f"{asked.action} on {asked.resource.partition(':domain/')[2].partition('/')[2] or '/'}"
    unseen = (f"a policy of their own may deny it: {who.own.unread}",) if who.own.unread and who.arn else ()
    if judged.allowed is True:
        return Passage(True, tuple(_reasons(edge, judged, request_in_words, ALLOWS)), unseen=unseen)
    if judged.allowed is None:
        reasons = tuple(_reasons(edge, judged, request_in_words, MAY_STOP))
        link = reasons or (Reason(Layer.POLICY, DOMAIN, request_in_words, MAY_STOP),)
        return Passage(None, link, unknown=tuple(_asking_back(judged.why)))
    if judged.by:
        (deny,) = judged.by
        no = f"{deny} denies {request_in_words}"
        would = (f"without {deny} (or with an exception in it for {_called(who)})",)
        return Passage(False, tuple(_reasons(edge, judged, request_in_words, STOPS)), no, would)
    whose = DOMAIN if not who.arn else f"neither {DOMAIN} nor a policy of their own"
    no = f"{whose} {'does not allow' if not who.arn else 'allows'} {request_in_words}"
    if not who.arn:
        no += ", to whom does not sign"
    would = (f"in {DOMAIN}: Allow {asked.action} on {asked.resource} to {_called(who)}",)
    return Passage(False, (Reason(Layer.POLICY, DOMAIN, f"nothing allows {request_in_words}", STOPS),), no, would)


def _judged(edge: Edge, who: Somebody, way: _Way, context: Context) -> tuple[Judged, Asked]:
    """The judgement of the path that is let through least."""
    told = []
    for path in way.paths:
        asked = Asked(f"es:ESHttp{way.method.capitalize()}", edge.arn + path, context)
        told.append((judge(asked, who, edge.policy or {}, edge.account), asked))
    first, *rest = told
    if who.comes is not Comes.COGNITO or not rest:
        return min(told, key=lambda one: _rank(one[0].allowed))
    # Dashboards asks the engine in the person's name. Whether Amazon holds that request against the policy again is not documented.
    behind, asked = rest[0]
    if first[0].allowed is True and behind.allowed is not True:
        why = "whether the policies are asked again for what Dashboards sends on is not documented"
        return Judged(None, behind.by, (why, *behind.why)), asked
    return first


def _ways(edge: Edge, who: Somebody, request: Request) -> tuple[list[_Way], bool]:
    """The requests of which one is enough; or (True) of which each may be the one that is meant."""
    if request.path:
        path = unquote(request.path.partition("?")[0])
        return [_way(who, request.does, path)], False
    index = ",".join(request.indices)
    named = [("GET", f"/{index}/_search"), ("POST", f"/{index}/_search"), ("GET", f"/{index}/_doc/ID")]
    by_body = [("POST", "/_msearch"), ("GET", "/_mget"), ("POST", "/_mget")]
    if request.does == "write":
        named = [("PUT", f"/{index}/_doc/ID"), ("POST", f"/{index}/_doc"), ("POST", f"/{index}/_bulk")]
        by_body = [("POST", "/_bulk"), ("PUT", "/_bulk")]
    elif request.does != "read":
        return [_way(who, method.upper(), f"/{index}/") for method in _METHODS], True
    return [_way(who, *one) for one in (*named, *(by_body if edge.names_in_bodies else ()))], False


def paths(request: Request) -> tuple[str, ...]:
    """Every path that a policy may be asked about for this request, whoever sends it."""
    signed, _ = _ways(Edge("", "", None, None, in_vpc=False), Somebody("", Comes.SIGNED), request)
    own = tuple(dict.fromkeys(path for way in signed for path in way.paths))
    return (*own, *(DASHBOARDS.rstrip("/") + path for path in own))


def _way(who: Somebody, method: str, path: str) -> _Way:
    if who.comes is Comes.COGNITO:
        return _Way(method, (DASHBOARDS.rstrip("/") + path, path))
    return _Way(method, (path,))


def context_of(edge: Edge, who: Somebody) -> Context:
    """The keys of a request of theirs that are known now."""
    now = edge.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {
        "aws:currenttime": (now,),
        "aws:epochtime": (str(int(edge.at.timestamp())),),
        "aws:requestedregion": (edge.region,),
        "aws:securetransport": ("true",),
    }
    if who.whoever:  # a service among them
        return Context(known)
    known |= {"aws:principalisawsservice": ("false",), "aws:viaawsservice": ("false",)}
    absent = {"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:sourcearn", "aws:sourceaccount"}
    if who.arn:
        known |= {
            "aws:principalarn": (who.arn,),
            "aws:principalaccount": (who.account,),
            "aws:principaltype": ("AssumedRole" if who.is_role else "User",),
        }
        if who.is_role:  # asked of somebody who signs in now
            known["aws:tokenissuetime"] = (now,)
            absent |= {"aws:username"}
        else:
            known["aws:username"] = (who.arn.rpartition("/")[2],)
    else:
        known["aws:principaltype"] = ("Anonymous",)
        absent |= {"aws:principalarn", "aws:principalaccount", "aws:username", "aws:userid", "aws:tokenissuetime"}
        absent |= {"aws:principalorgid", "aws:principalorgpaths"}
    if edge.address:
        known["aws:sourceip"] = (edge.address,)
    if edge.endpoint:
        known["aws:sourcevpce"] = (edge.endpoint,)
    return Context(known, frozenset(absent))


def _asking_back(unknown: Iterable[str]) -> Iterable[str]:
    hints: Mapping[str, str] = {"aws:sourceip": "--from says it", "aws:sourcevpce": "--through says it"}
    for line in unknown:
        found = [hint for key, hint in hints.items() if key in line.lower()]
        yield f"{line} ({', '.join(found)})" if found else line


def _called(who: Somebody) -> str:
    return who.arn or "everybody (who does not sign has no other name)"


def _reasons(edge: Edge, judged: Judged, request: str, effect: str) -> Iterable[Reason]:
    for one in judged.by:
        layer = Layer.POLICY if one.policy == DOMAIN else Layer.IAM
        said = f"{one.effect}s {request}".replace("Denys", "denies").replace("Allows", "allows")
        reason = Reason(layer, str(one), said, effect)
        yield edge.told(reason, key_of(one.body)) if layer is Layer.POLICY else reason
