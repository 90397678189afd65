"""Generated requests to a domain, with the policies that judge them: what our evaluator and others are asked alike."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.edge.conditions import Context
from portcullis.access.edge.policies import Asked, Comes, Judged, Named, Own, Somebody, judge

ACCOUNT, REGION, DOMAIN = "000000000000", "eu-central-1", "demo"
ARN = f"arn:aws:es:{REGION}:{ACCOUNT}:domain/{DOMAIN}"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/reads"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/reads/desk"
ADDRESS = "10.64.3.7"


@dataclass(frozen=True, slots=True)
class Case:
    who: str  # ARN of the user or role; empty: nobody signs
    method: str
    path: str
    domain: Json
    own: tuple[Json, ...]
    boundary: Json | None

    def judged(self) -> Judged:
        own = Own(
            tuple(Named(f"policy {number}", one) for number, one in enumerate(self.own)),
            Named("boundary", self.boundary) if self.boundary else None,
        )
        comes = Comes.SIGNED if self.who else Comes.BASIC
        return judge(
            Asked(self.action, ARN + self.path, self.context), Somebody(self.who, comes, own), self.domain, ACCOUNT
        )

    @property
    def action(self) -> str:
        return f"es:ESHttp{self.method.capitalize()}"

    @property
    def context(self) -> Context:
        known = {"aws:sourceip": (ADDRESS,), "aws:securetransport": ("true",), "aws:requestedregion": (REGION,)}
        absent = {"aws:sourcevpce"}
        if self.who:
            known |= {"aws:principalarn": (self.who,), "aws:principalaccount": (ACCOUNT,)}
            if self.who == USER:
                known["aws:username"] = ("ann",)
            else:
                absent.add("aws:username")
        else:
            absent |= {"aws:principalarn", "aws:principalaccount", "aws:username"}
        return Context(known, frozenset(absent))

    def for_others(self) -> dict[str, Any]:
        names = {"aws:sourceip": "aws:SourceIp", "aws:securetransport": "aws:SecureTransport"}
        names |= {"aws:principalarn": "aws:PrincipalArn", "aws:principalaccount": "aws:PrincipalAccount"}
        names |= {"aws:username": "aws:username", "aws:requestedregion": "aws:RequestedRegion"}
        return {
            "principal": SESSION if self.who == ROLE else self.who,
            "action": self.action,
            "resource": ARN + self.path,
            "owner": ACCOUNT,
            "context": {names[key]: values[0] for key, values in self.context.known.items()},
            "own": list(self.own),
            "boundary": self.boundary,
            "domain": self.domain,
        }


_EFFECTS = ["Allow", "Allow", "Deny"]
_ACTIONS: list[Any] = (
    ["es:*", "*", "es:ESHttp*", "es:ESHttpGet", "es:ESHttpPost", "ES:esHTTPget", "es:ESHttpP?t", "es:DescribeDomain",
     ["es:ESHttpGet", "es:ESHttpHead"], ["es:ESHttpPut", "es:ESHttpDelete"]]
)  # fmt: skip
_RESOURCES: list[Any] = (
    ["*", f"{ARN}/*", ARN, f"{ARN}/orders-*", f"{ARN}/orders-1/_search", f"{ARN}/*/_search", f"{ARN}/pay?oll-1/*",
     f"{ARN}-2/*", f"arn:aws:es:*:{ACCOUNT}:domain/*", [f"{ARN}/orders-1/*", f"{ARN}/_msearch"]]
)  # fmt: skip
_VALUES: tuple[tuple[str, str, list[Any]], ...] = (
    ("Ip", "aws:SourceIp", ["10.64.0.0/16", "10.64.3.7", "192.0.2.0/24", ["192.0.2.0/24", "10.0.0.0/8"], "::/0"]),
    ("Arn", "aws:PrincipalArn", [USER, ROLE, f"arn:aws:iam::{ACCOUNT}:role/*", "arn:aws:iam::*:user/team/a?n", [USER, ROLE]]),
    ("String", "aws:PrincipalArn", [USER, ROLE, "*", f"arn:aws:iam::{ACCOUNT}:user/*", [USER, "x"]]),
    ("String", "aws:username", ["ann", "a*", "ANN", ["bob", "ann"]]),
    ("String", "aws:SourceVpce", ["vpce-1", "vpce-*"]),
    ("String", "aws:PrincipalAccount", [ACCOUNT, "999988887777"]),
    ("Bool", "aws:SecureTransport", ["true", "false"]),
)  # fmt: skip
_OPERATORS = {
    "Ip": ["IpAddress", "NotIpAddress"],
    "Arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    "String": ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase",
               "StringNotEqualsIgnoreCase"],
    "Bool": ["Bool"],
}  # fmt: skip


_PRINCIPALS: list[Any] = [
    "*", USER, ROLE, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/bob",
    "arn:aws:iam::999988887777:root", [USER, ROLE],
]  # fmt: skip
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]
_PATHS = ["/orders-1/_search", "/payroll-1/_doc/1", "/_msearch", "/", "/orders-1", "/_plugins/_sql"]


def conditions(draw: Random) -> Json:
    kind, key, values = draw.choice(_VALUES)
    if one_of(draw, 10):
        return {"Null": {key: draw.choice(["true", "false"])}}
    operator = draw.choice(_OPERATORS[kind])
    if one_of(draw, 5):
        operator += "IfExists"
    return {operator: {key: draw.choice(values)}}


def statement(draw: Random, *, principal: bool) -> Json:
    one: Json = {"Effect": draw.choice(_EFFECTS)}
    one["NotAction" if one_of(draw, 10) else "Action"] = draw.choice(_ACTIONS)
    one["NotResource" if one_of(draw, 10) else "Resource"] = draw.choice(_RESOURCES)
    if one_of(draw, 3):
        one["Condition"] = conditions(draw)
        if one_of(draw, 4):
            one["Condition"] = {**conditions(draw), **one["Condition"]}
    if principal:
        who = draw.choice(_PRINCIPALS)
        one["Principal"] = "*" if who == "*" and one_of(draw, 2) else {"AWS": who}
    return one


def policy(draw: Random, *, principal: bool = False) -> Json:
    statements = [statement(draw, principal=principal) for _ in range(draw.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements}


def case(draw: Random) -> Case:
    """Any of them. Not by hypothesis: thousands are drawn, each is told whole, and to draw one took fifty times as long as to judge it."""
    who = draw.choice([USER, ROLE, USER, ROLE, ""])
    own = tuple(policy(draw) for _ in range(draw.randint(0, 2))) if who else ()
    boundary = policy(draw) if who and one_of(draw, 2) else None
    return Case(who, draw.choice(_METHODS), draw.choice(_PATHS), policy(draw, principal=True), own, boundary)


def one_of(draw: Random, many: int) -> bool:
    return draw.randrange(many) == 0
