"""What stands around a domain, in memory: the people of an account, its passwords, its walls, its key and its alerts."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from portcullis.access.actual import Json
from portcullis.access.edge.keys import Key as KmsKey
from portcullis.access.edge.network import Network as Ways
from portcullis.access.edge.policies import Own
from portcullis.access.edge.way import Edge
from portcullis.access.one_role import Rank
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.adapters.passwords.aws import generated
from portcullis.custody.types import Health, Observation, Probe
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.ports.alerts import Alert
from portcullis.ports.edge import HeldSecret
from portcullis.ports.identity import Heard, Looked, unheard
from portcullis.ports.places import VpcEndpoints
from portcullis.ports.registration import Network, Registration

from tests.operations.ledgers import Memory

ACCOUNT = "111122223333"
POOL = "eu-central-1_Pool"


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


@dataclass
class People:
    """The IdentityReader protocol: whoever is in `groups` or `known` exists."""

    groups: dict[Subject, tuple[str, ...]] = field(default_factory=dict)
    gone: set[Subject] = field(default_factory=set)
    signed_out: list[str] = field(default_factory=list)
    denied: dict[str, datetime] = field(default_factory=dict)  # role -> its sessions from before that are refused
    fails: int = 0  # how often ending sessions does not work
    denials_fail: int = 0
    ranked: dict[str, Rank] = field(default_factory=dict)  # Cognito groups with a role
    ranks_fail: bool = False
    hidden: dict[Subject, str] = field(default_factory=dict)  # who may not be read: why
    unchosen: tuple[str, ...] = ()  # app clients that somebody let choose another role than the token's
    unread: dict[Subject, PortcullisError] = field(default_factory=dict)  # who cannot be read now: why
    ids: dict[str, str] = field(default_factory=dict)  # entry -> unique id of who stands behind it

    def members(self, grants: Collection[Grant]) -> Membership:
        unread = {grant.subject: self.unread[grant.subject] for grant in grants if grant.subject in self.unread}
        read = self._members([grant for grant in grants if grant.subject not in unread])
        return replace(read, ids=dict(self.ids), unread=unread)

    def _members(self, grants: Collection[Grant]) -> Membership:
        users: dict[Subject, tuple[str, ...]] = {}
        roles: dict[Subject, tuple[str, ...]] = {}
        missing = set()
        for subject, by in {(grant.subject, grant.by) for grant in grants}:
            name = subject.name
            match subject.kind:
                case _ if subject in self.gone:
                    missing.add(subject)
                case SubjectKind.COGNITO_GROUP if by is By.ROLE and name in self.ranked:
                    roles[subject] = (self.ranked[name].role,)
                case SubjectKind.IAM_USER:
                    users[subject] = (name if name.startswith("arn:") else arn("user", name),)
                case SubjectKind.IAM_ROLE:
                    roles[subject] = (name if name.startswith("arn:") else arn("role", name),)
                case SubjectKind.COGNITO_USER:
                    users[subject] = (f"Cognito/{POOL}/{name}",)
                case SubjectKind.INTERNAL_USER:
                    users[subject] = (name,)
                case SubjectKind.BACKEND_ROLE:
                    roles[subject] = (name,)
                case _:
                    if subject in self.groups:
                        users[subject] = self.groups[subject]
                        if subject.kind is SubjectKind.COGNITO_GROUP:
                            roles[subject] = self.groups[subject]
                    else:
                        missing.add(subject)
        return Membership(users, roles, frozenset(missing))

    def look(self, grants: Collection[Grant]) -> Looked:
        seen = self.members([grant for grant in grants if grant.subject not in self.hidden])
        asked = {grant.subject for grant in grants}
        return Looked(seen, {subject: why for subject, why in self.hidden.items() if subject in asked})

    def choose_roles_by_token(self, identity_pool: str, found: Heard = unheard) -> tuple[str, ...]:
        if wrong := self.unchosen:
            found(wrong)
        self.unchosen = ()
        return wrong

    def end_sessions(self, entries: Collection[str]) -> int:
        if self.fails:
            self.fails -= 1
            raise Unreachable("the user pool did not answer")
        self.signed_out += sorted(entries)
        return len(entries)

    def members_of(self, groups: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        return {group: self.groups.get(Subject(SubjectKind.COGNITO_GROUP, group), ()) for group in groups}

    def ranks(self, groups: Collection[str]) -> Mapping[str, Rank]:
        if self.ranks_fail:
            raise Unreachable("the user pool did not answer")
        return {group: self.ranked[group] for group in groups if group in self.ranked}

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        if self.denials_fail:
            self.denials_fail -= 1
            raise Unreachable("IAM did not answer")
        moved = [one for one in roles if one not in self.denied or self.denied[one] < before]
        self.denied.update(dict.fromkeys(moved, before))
        return len(moved)


class Passwords:
    """The Secrets protocol."""

    def __init__(self, **kept: str) -> None:
        self.kept = dict(kept)

    def password(self, secret: str) -> str | None:
        return self.kept.get(secret)

    def version(self, secret: str) -> str | None:
        return f"version of {len(self.kept[secret])} {hash(self.kept[secret])}" if secret in self.kept else None

    def make(self, secret: str, user: str) -> str:
        return self.kept.setdefault(secret, generated())


def open_policy() -> Json:
    """The domain's access policy as the stacks make it: the engine decides."""
    resource = f"arn:aws:es:eu-central-1:{ACCOUNT}:domain/*"
    allow = {"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:ESHttp*", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [allow]}


@dataclass
class Aws:
    """The Gate, KeyObserver, Domain, Alerts and DeadLetters protocols: the rest of an account, all well."""

    ledger: Memory
    at: datetime = datetime(2025, 6, 1, 12, tzinfo=UTC)
    rules: list[Json] = field(
        default_factory=lambda: [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.64.0.0/16"}]}
        ]
    )
    open_rules: list[Json] | None = None
    access_policy: Json = field(default_factory=open_policy)
    policies: dict[str, Own] = field(default_factory=dict)  # of users and roles
    secrets: dict[str, HeldSecret] = field(default_factory=dict)
    keys_of_secrets: dict[str, KmsKey] = field(default_factory=dict)
    groups: dict[str, list[Json]] = field(default_factory=dict)  # further ones of the domain
    closable: bool = True
    principals: list[Json] = field(default_factory=list)  # who may make VPC endpoints
    made: dict[str, str] = field(default_factory=dict)
    told: list[Alert] = field(default_factory=list)
    masters: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        with self.lock:
            self.at += timedelta(milliseconds=1)
            return self.at

    def ingress(self, registration: Registration) -> list[Json]:
        return list(self.rules if self.open_rules is None else self.open_rules)

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None:
        self.open_rules = []

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> tuple[str, ...]:
        self.open_rules = list(rules)
        return ()

    def policy(self, registration: Registration) -> Json:
        return self.access_policy

    def set_policy(self, registration: Registration, policy: Json) -> None:
        self.access_policy = policy

    def further_groups(self, registration: Registration) -> dict[str, list[Json]]:
        return {group: list(rules) for group, rules in self.groups.items()}

    def close_group(self, group: str, rules: Sequence[Json]) -> None:
        if rules and not self.closable:
            raise Refused("not allowed")
        self.groups[group] = [rule for rule in self.groups[group] if rule not in rules]

    def open_group(self, group: str, rules: Sequence[Json]) -> tuple[str, ...]:
        if group in self.groups:
            self.groups[group] += [rule for rule in rules if rule not in self.groups[group]]
        return ()

    def endpoints(self, registration: Registration) -> VpcEndpoints:
        return VpcEndpoints(list(self.principals), dict(self.made))

    def look(self, registration: Registration) -> Edge:
        domain = registration.domain
        if domain is None:
            raise TypeError(
                f"{registration.deployment} is a cluster that runs elsewhere: nothing of AWS stands before it"
            )
        named = domain.network.group if domain.network else ""
        groups = {**({named: self.ingress(registration)} if named else {}), **self.further_groups(registration)}
        ours = domain.network or Network("")
        network = Ways(groups, dict(self.made), ours.automation or "", ours.break_glass or "") if groups else None
        return Edge(domain.arn, registration.region, self.access_policy, network, bool(groups))

    def own(self, registration: Registration, principals: Collection[str]) -> Mapping[str, Own]:
        return {one: self.policies.get(one, Own()) for one in principals}

    def secret(self, registration: Registration, name: str) -> HeldSecret:
        return self.secrets.get(name, HeldSecret())

    def key(self, registration: Registration, arn: str) -> KmsKey:
        return self.keys_of_secrets.get(arn, KmsKey(arn, unread="nobody made it"))

    def revoke_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        self.principals = [one for one in self.principals if one not in principals]

    def authorize_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        self.principals += [one for one in principals if one not in self.principals]

    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        probes = tuple(Probe(name, Health.HEALTHY, definite=True) for name in ("describe", "use", "encrypt"))
        return Observation(self.now(), probes, key_id="one", domain_key_id="one")

    def set_master(self, registration: Registration, role_arn: str) -> None:
        self.masters.append(role_arn)

    def tell(self, alert: Alert) -> None:
        self.told.append(alert)

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        raise AssertionError("nothing is buried here")

    def waiting(self, queue: str) -> int:
        return 0

    def redrive(self, queue: str) -> str:
        return "nothing to move"
