"""A key's policy: the one a search service needs, and what is right and wrong with one that is there. Pure.

The five actions are those of the seed (Elastic Cloud's guide to customer keys); Amazon's search service also makes grants, so
`kms:CreateGrant` bounded by `kms:GrantIsForAWSResource` comes to them (OpenSearch Service guide, encryption at rest).

This is no policy simulator: of a condition it knows what this request would carry (the account, the service it comes through, that a
grant would be the service's). What it cannot know, such as where in its organisation an account stands, it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

FIVE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GetKeyRotationStatus")
CREATE_GRANT = "kms:CreateGrant"
WHY = {
    "kms:Decrypt": "to open the data keys that the domain's hosts and snapshots keep",
    "kms:DescribeKey": "to see that the key is fit and which key stands behind an alias",
    "kms:Encrypt": "to wrap the data keys",
    "kms:GenerateDataKey": "to make data keys",
    "kms:GetKeyRotationStatus": "to see whether the key rotates",
}
# What makes the contents of a domain readable, or hands that on: what nobody but the service needs.
USES = (
    *("Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair"),
    *("GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncryptFrom"),
    *("ReEncryptTo", "Sign", "Verify", "VerifyMac", "CreateGrant"),
)
_HARMLESS = ("kms:DescribeKey", "kms:GetKeyRotationStatus")
# Conditions that keep a statement for "*" from being open to every account there is.
_BOUNDS = frozenset(
    {
        *("aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"),
        *("aws:sourceaccount", "aws:sourcearn", "kms:calleraccount", "aws:userid"),
    }
)
_LOOKS = (
    *("kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:GetKeyRotationStatus"),
    "kms:ListGrants",
)
_ADMINISTRATION = (
    *(
        "kms:Describe*",
        "kms:List*",
        "kms:Get*",
        "kms:Enable*",
        "kms:Disable*",
        "kms:Put*",
        "kms:Update*",
        "kms:Revoke*",
    ),
    *(
        "kms:CreateAlias",
        "kms:DeleteAlias",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:RotateKeyOnDemand",
        "kms:ReplicateKey",
    ),
    *("kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:ImportKeyMaterial", "kms:DeleteImportedKeyMaterial"),
)
# The roles as which the search service writes a deployment's snapshots, and reads another's.
_STORES = "portcullis-*-snapshot-store"
_WATCHERS = ("domain-setup", "key-guard", "sweep", "operate", "remove")


@dataclass(frozen=True, slots=True)
class Context:
    """Who would use the key: the search service of one Region, for one account. `partition` as ARNs name it."""

    account: str
    region: str
    partition: str = "aws"

    @property
    def service(self) -> str:
        return f"es.{self.region}.amazonaws.com"

    @property
    def carries(self) -> dict[str, str]:
        """What a request of the service carries, as far as it is known: condition keys in small letters."""
        return {
            "kms:viaservice": self.service,
            "kms:calleraccount": self.account,
            "aws:principalaccount": self.account,
            "aws:sourceaccount": self.account,
            "kms:grantisforawsresource": "true",
            "aws:securetransport": "true",
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy means for a deployment. Each list holds what a person has to look at; all empty: nothing is wrong."""

    lacking: tuple[str, ...]  # of the five: nothing allows it, or something denies it
    unsure: tuple[str, ...]  # allowed under a condition that cannot be judged from here
    grants: bool | None  # whether the service may make its grant; None: under such a condition
    open_to_all: tuple[str, ...]  # statements that let any AWS account use or administer the key
    whole_account: tuple[str, ...]  # statements that leave the use of the key to every IAM policy of an account
    beyond: tuple[str, ...]  # actions the service is allowed beyond what it needs
    unbounded_grants: tuple[str, ...]  # statements that allow grants that are not the service's
    foreign: tuple[str, ...]  # principals of other accounts than the key's and the deployment's


def to_paste(context: Context, org_paths: Sequence[str] = (), *, by_service: bool = True) -> dict[str, Any]:
    """The statements that the owner of a key adds to its policy for a deployment.

    Bounded by the service the request comes through, and by the organisation paths given, or else by the account. Not `by_service`: for
    a cluster elsewhere, whose volumes are let use the key by whoever runs it, so that looking alone is added.
    """
    through: dict[str, Any] = {"kms:CallerAccount": context.account, "kms:ViaService": context.service}
    grant_condition: dict[str, Any] = {"Bool": {"kms:GrantIsForAWSResource": "true"}, "StringEquals": through}
    use_condition: dict[str, Any] = {"StringEquals": through}
    if org_paths:
        use_condition = {
            "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": list(org_paths)},
            "StringEquals": {"kms:ViaService": context.service},
        }
        grant_condition = {**use_condition, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    iam, sts = f"arn:{context.partition}:iam::{context.account}", f"arn:{context.partition}:sts::{context.account}"
    watchers = [
        arn
        for name in _WATCHERS
        for arn in (f"{iam}:role/portcullis-{name}", f"{sts}:assumed-role/portcullis-{name}/*")
    ]
    stores = {"aws:PrincipalArn": [f"{iam}:role/{_STORES}", f"{sts}:assumed-role/{_STORES}/*"]}
    through_s3 = {"kms:CallerAccount": context.account, "kms:ViaService": f"s3.{context.region}.amazonaws.com"}
    anybody = {"AWS": "*"}
    looks = _statement(
        "PortcullisLooks", {"AWS": f"{iam}:root"}, list(_LOOKS), {"ArnLike": {"aws:PrincipalArn": watchers}}
    )
    if not by_service:
        return {"Version": "2012-10-17", "Statement": [looks]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement("SearchServiceUses", anybody, list(FIVE), use_condition),
            _statement("SearchServiceHoldsGrants", anybody, [CREATE_GRANT], grant_condition),
            _statement(
                "SnapshotsAreWrittenAndRead",
                {"AWS": f"{iam}:root"},
                ["kms:Decrypt", "kms:GenerateDataKey"],
                {"StringEquals": through_s3, "ArnLike": stores},
            ),
            looks,
        ],
    }


def whole(to_add: Mapping[str, Any], owner: str, partition: str) -> dict[str, Any]:
    """A key policy that may stand alone: the owner's account administers the key. Pasted without that, what is to be added would lock the
    owner out of it. Administering is no use of the key: whoever may do that is said by the rest."""
    keep = {
        "Sid": "OwnerAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{owner}:root"},
        "Action": list(_ADMINISTRATION),
        "Resource": "*",
    }
    return {**to_add, "Statement": [keep, *to_add["Statement"]]}


_LOOKING = "PortcullisLooks: so that a revocation is noticed. It may ask whether the key could be used (a dry run) and decrypts nothing; "


def explained(context: Context, org_paths: Sequence[str] = (), *, by_service: bool = True) -> tuple[str, ...]:
    """Why each statement of `to_paste` is there, a line each."""
    if not by_service:
        return (
            _LOOKING + "without it Portcullis learns of a revocation from the key's events alone.",
            "Add it to the policy that is there: who may use the key for the cluster's volumes stands in that one, and has to stay.",
        )
    bound = (
        f"principals below the organisation paths {', '.join(org_paths)}, through {context.service}"
        if org_paths
        else f"requests of the account {context.account} that come through {context.service}"
    )
    return (
        f"SearchServiceUses: five actions and no other, only for {bound}.",
        *(f"  {action}: {WHY[action]}" for action in FIVE),
        "SearchServiceHoldsGrants: Amazon OpenSearch Service works through a grant on the key, made once for the domain; "
        "kms:GrantIsForAWSResource lets only an AWS service make one, for its own resource. Revoking that grant locks the domain.",
        f"SnapshotsAreWrittenAndRead: as the roles {_STORES} the service keeps its snapshots in a bucket under this key, through S3 alone; "
        "each of them is let to it by its own policy too.",
        _LOOKING + "without it Portcullis learns of a revocation from the domain alone, later.",
        "OwnerAdministers (not with --statement): the key's own account keeps its hands on the key, and does not use it.",
    )


def _statement(sid: str, principal: dict[str, str], actions: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": actions,
        "Resource": "*",
        "Condition": condition,
    }


def judge_policy(policy: Mapping[str, Any], context: Context, owner: str) -> Judged:
    """What `policy` (a key policy as a document) means for the deployment; `owner` is the key's account."""
    statements = list(_listed(policy.get("Statement")))
    verdicts = {action: _verdict(statements, action, context) for action in (*FIVE, CREATE_GRANT)}
    allows = [(name, one) for name, one in _named(statements) if one.get("Effect") == "Allow"]
    return Judged(
        lacking=tuple(action for action in FIVE if verdicts[action] is False),
        unsure=tuple(action for action in FIVE if verdicts[action] is None),
        grants=verdicts[CREATE_GRANT],
        open_to_all=tuple(n for n, one in allows if _everybody(one) and not _bounded(one)),
        whole_account=tuple(n for n, one in allows if _leaves_use_to_iam(one)),
        beyond=_beyond([one for _, one in allows], context),
        unbounded_grants=tuple(n for n, one in allows if _any_grant(one)),
        foreign=tuple(
            sorted({p for _, one in allows for p in _principals(one) if _foreign(p, {owner, context.account})})
        ),
    )


def _named(statements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, statement in enumerate(statements, 1):
        yield str(statement.get("Sid") or f"statement {place}"), statement


def _verdict(statements: Sequence[Mapping[str, Any]], action: str, context: Context) -> bool | None:
    """Whether the service may do `action` for the account: yes, no, or not to be seen from here."""
    found: bool | None = False
    for statement in statements:
        covered = _covers_account(statement, context.account)
        if not _covers_action(statement, action) or covered is False:
            continue
        meant = _conditions_hold(statement, context)
        meant = None if meant and covered is None else meant
        if statement.get("Effect") == "Deny":
            if meant is not False:
                return False if meant else None
        elif meant is True or (meant is None and found is False):
            found = meant
    return found


def _covers_action(statement: Mapping[str, Any], action: str) -> bool:
    def matches(patterns: Any) -> bool:
        return any(fnmatchcase(action.lower(), str(pattern).lower()) for pattern in _listed(patterns))

    return matches(statement["Action"]) if "Action" in statement else not matches(statement.get("NotAction"))


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    return _names(statement.get("Principal", ()))


def _names(given: Any) -> tuple[str, ...]:
    if isinstance(given, Mapping):
        return tuple(str(one) for names in given.values() for one in _listed(names))
    return tuple(str(one) for one in _listed(given))


def _everybody(statement: Mapping[str, Any]) -> bool:
    """Or everybody but some."""
    return "NotPrincipal" in statement or "*" in _principals(statement)


def _covers_account(statement: Mapping[str, Any], account: str) -> bool | None:
    """The service acts for a caller of the account, whoever that is: of a single role or user it cannot be said from here."""
    if "NotPrincipal" in statement:
        # AWS wants each role and session named beside its account, of which none is known here.
        return None if any(account in p for p in _names(statement["NotPrincipal"])) else True
    principals = _principals(statement)
    if any(p in ("*", account) or p.endswith(f"::{account}:root") for p in principals):
        return True
    return None if any(f"::{account}:" in p for p in principals) else False


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, pairs in (statement.get("Condition") or {}).items():
        for key, values in pairs.items():
            yield operator, key.lower(), [str(value) for value in _listed(values)]


def _conditions_hold(statement: Mapping[str, Any], context: Context) -> bool | None:
    verdict: bool | None = True
    for operator, key, values in _conditions(statement):
        one = _holds(operator, context.carries.get(key), values)
        if one is False:
            return False
        verdict = None if one is None else verdict
    return verdict


def _holds(operator: str, carried: str | None, values: Sequence[str]) -> bool | None:
    name = operator.rsplit(":", 1)[-1].removesuffix("IfExists").lower()
    if carried is None:
        return None
    if name not in ("stringequals", "stringlike", "stringequalsignorecase", "bool", "stringnotequals", "stringnotlike"):
        return None
    some = any(fnmatchcase(carried, value) if "like" in name else carried.lower() == value.lower() for value in values)
    return not some if "not" in name else some


def _bounded(statement: Mapping[str, Any]) -> bool:
    return any(key in _BOUNDS and "Not" not in operator for operator, key, _ in _conditions(statement))


def _uses(statement: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"kms:{name}" for name in USES if _covers_action(statement, f"kms:{name}"))


def _leaves_use_to_iam(statement: Mapping[str, Any]) -> bool:
    """The whole of an account, for what reads data, through no service in particular: then any of its IAM policies decides."""
    whole = any(principal.endswith(":root") or principal.isdigit() for principal in _principals(statement))
    narrowed = {key for _, key, _ in _conditions(statement)} & {"kms:viaservice", "aws:principalarn"}
    read = {"kms:Decrypt", "kms:CreateGrant"} & set(_uses(statement))
    return whole and not narrowed and bool(read)


def _beyond(allows: Sequence[Mapping[str, Any]], context: Context) -> tuple[str, ...]:
    """Of the statements that are meant for the service: what they allow beyond the five and the grant."""
    ours = [
        one
        for one in allows
        if context.service in (v for _, k, vs in _conditions(one) if k == "kms:viaservice" for v in vs)
    ]
    asked = {action for one in ours for action in _listed(one.get("Action"))}
    wide = {action for action in asked if "*" in str(action)}
    return tuple(sorted((asked | wide) - {*FIVE, CREATE_GRANT, *_HARMLESS}))


def _any_grant(statement: Mapping[str, Any]) -> bool:
    kept = any(key == "kms:grantisforawsresource" and "true" in values for _, key, values in _conditions(statement))
    broad = _everybody(statement) or any(p.endswith(":root") for p in _principals(statement))
    return broad and not kept and _covers_action(statement, CREATE_GRANT)


def _foreign(principal: str, known: set[str]) -> bool:
    account = principal.split(":")[4] if principal.startswith("arn:") and principal.count(":") > 4 else principal
    return account.isdigit() and account not in known


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
