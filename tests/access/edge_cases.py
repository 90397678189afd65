"""Generated requests to a domain, with the policies that judge them: what our evaluator and others are asked alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
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


_EFFECTS = st.sampled_from(["Allow", "Allow", "Deny"])
_ACTIONS = st.sampled_from(
    ["es:*", "*", "es:ESHttp*", "es:ESHttpGet", "es:ESHttpPost", "ES:esHTTPget", "es:ESHttpP?t", "es:DescribeDomain",
     ["es:ESHttpGet", "es:ESHttpHead"], ["es:ESHttpPut", "es:ESHttpDelete"]]
)  # fmt: skip
_RESOURCES = st.sampled_from(
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


@st.composite
def conditions(draw: st.DrawFn) -> Json:
    kind, key, values = draw(st.sampled_from(_VALUES))
    if draw(st.integers(0, 9)) == 0:
        return {"Null": {key: draw(st.sampled_from(["true", "false"]))}}
    operator = draw(st.sampled_from(_OPERATORS[kind]))
    if draw(st.integers(0, 4)) == 0:
        operator += "IfExists"
    return {operator: {key: draw(st.sampled_from(values))}}


@st.composite
def statement(draw: st.DrawFn, *, principal: bool) -> Json:
    one: Json = {"Effect": draw(_EFFECTS)}
    one["NotAction" if draw(st.integers(0, 9)) == 0 else "Action"] = draw(_ACTIONS)
    one["NotResource" if draw(st.integers(0, 9)) == 0 else "Resource"] = draw(_RESOURCES)
    if draw(st.integers(0, 2)) == 0:
        one["Condition"] = draw(conditions())
        if draw(st.integers(0, 3)) == 0:
            one["Condition"] = {**draw(conditions()), **one["Condition"]}
    if principal:
        named = st.sampled_from(
            ["*", USER, ROLE, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/bob",
             "arn:aws:iam::999988887777:root", [USER, ROLE]]
        )  # fmt: skip
        who = draw(named)
        one["Principal"] = "*" if who == "*" and draw(st.booleans()) else {"AWS": who}
    return one


def policy(*, principal: bool = False, least: int = 1) -> st.SearchStrategy[Json]:
    some = st.lists(statement(principal=principal), min_size=least, max_size=3)
    return st.builds(lambda parts: {"Version": "2012-10-17", "Statement": parts}, some)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    who = draw(st.sampled_from([USER, ROLE, USER, ROLE, ""]))
    own = tuple(draw(st.lists(policy(), max_size=2))) if who else ()
    boundary = draw(st.none() | policy()) if who else None
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]))
    path = draw(
        st.sampled_from(["/orders-1/_search", "/payroll-1/_doc/1", "/_msearch", "/", "/orders-1", "/_plugins/_sql"])
    )
    return Case(who, method, path, draw(policy(principal=True)), own, boundary)
