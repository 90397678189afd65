"""Who may use a key: what its policy, its grants and its tags mean for a deployment. Pure; a part of `key_advice`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from portcullis.custody.keys.key_policy import CREATE_GRANT, Judged, judge_policy
from portcullis.custody.keys.key_types import Advice, KeyWanted, Weight, answered, ask_owner, part_of
from portcullis.custody.keys.probes import Answer, read_grants
from portcullis.custody.types import Health

_TAG = "portcullis:deployment"


def of_policy(wanted: KeyWanted, answer: Answer, metadata: Mapping[str, Any]) -> Iterator[Advice]:
    text = answer.get("Policy") if isinstance(answer, Mapping) else None
    if not isinstance(text, str):
        yield Advice(
            "policy-unseen",
            Weight.NOTE,
            "the key's policy could not be read (of another account's key it never can)",
            "its owner compares it with what `portcullis key policy` prints",
        )
        return
    try:
        document = json.loads(text)
    except ValueError:
        yield Advice(
            "policy-unseen", Weight.WARNING, "the key's policy is no JSON", "put a valid one: kms:PutKeyPolicy"
        )
        return
    owner = part_of(str(metadata.get("Arn", "")), 4) or wanted.context.account
    yield from _of_document(judge_policy(document, wanted.context, owner), wanted)


def _of_document(judged: Judged, wanted: KeyWanted) -> Iterator[Advice]:
    paste = f"add what `portcullis key policy {wanted.deployment}` prints"
    if judged.lacking:
        yield Advice(
            "policy-lacks", Weight.ERROR, f"nothing lets the search service do {', '.join(judged.lacking)}", paste
        )
    if judged.grants is False:
        yield Advice(
            "policy-no-grant", Weight.ERROR, f"nothing lets the search service make its grant ({CREATE_GRANT})", paste
        )
    if judged.unsure or judged.grants is None:
        unsure = (*judged.unsure, *((CREATE_GRANT,) if judged.grants is None else ()))
        yield Advice(
            "policy-unsure",
            Weight.NOTE,
            f"{', '.join(unsure)} allowed under a condition that cannot be judged from here",
            "an organisation path must hold this account; the first domain made under the key shows it",
        )
    if not judged.lacking and judged.grants is not False:
        yield Advice("policy-five", Weight.OK, "the search service may do the five things it needs, and hold its grant")
    wrong = (
        (
            "policy-open",
            Weight.ERROR,
            judged.open_to_all,
            "lets every AWS account in",
            "bound it by account, organisation or ARN",
        ),
        (
            "policy-whole-account",
            Weight.WARNING,
            judged.whole_account,
            "leaves the use of the key to any IAM policy of the account",
            "let the account administer the key, and let it be used through the service only (kms:ViaService)",
        ),
        ("policy-beyond", Weight.WARNING, judged.beyond, "is more than the search service needs", "take it out"),
        (
            "policy-grants-unbounded",
            Weight.WARNING,
            judged.unbounded_grants,
            "lets people make grants of their own",
            'bound kms:CreateGrant by "Bool": {"kms:GrantIsForAWSResource": "true"}',
        ),
        (
            "policy-foreign",
            Weight.WARNING,
            judged.foreign,
            "belongs to another account and is let in",
            "take it out unless it is meant so",
        ),
    )
    for code, weight, what, says, remedy in wrong:
        if what:
            yield Advice(code, weight, f"{', '.join(what)}: {says}", remedy)


def of_grants(wanted: KeyWanted, answer: Answer) -> Iterator[Advice]:
    if not wanted.domain_arn:
        return
    if not answered(answer):
        yield Advice("grants-unseen", Weight.NOTE, "the key's grants could not be listed", ask_owner("ListGrants"))
        return
    probe = read_grants(answer, domain_arn=wanted.domain_arn, expected=True)
    if probe is None or probe.health is Health.UNREACHABLE:
        yield Advice(
            "grants-unseen", Weight.NOTE, "the list of the key's grants is incomplete", ask_owner("ListGrants")
        )
    elif probe.health is Health.HEALTHY:
        yield Advice("grants-service", Weight.OK, "the search service holds its grant for this domain")
    elif wanted.grant_seen:
        yield Advice(
            "grants-service",
            Weight.ERROR,
            f"the search service's grant for this domain is gone ({probe.detail})",
            "a grant that was revoked cannot be put back by hand: restore from a snapshot (re-key), or ask AWS Support",
        )
    else:
        yield Advice(
            "grants-service",
            Weight.NOTE,
            f"{probe.detail}, and none was ever seen",
            "look again once the domain is active",
        )
    readers = readers_by_grant(answer)
    if readers:
        yield Advice(
            "grants-readers",
            Weight.NOTE,
            f"may decrypt by grant: {', '.join(readers)}",
            "each loses it when the key goes: see portcullis shred",
        )


def readers_by_grant(answer: Answer) -> tuple[str, ...]:
    """Who may decrypt by a grant, and for what, a line each: what else goes when the key goes."""
    grants = answer.get("Grants", []) if isinstance(answer, Mapping) else []
    lines = set()
    for grant in grants:
        if "Decrypt" not in grant.get("Operations", ()):
            continue
        who = str(grant.get("GranteePrincipal") or grant.get("GranteeServicePrincipal") or "somebody")
        context = grant.get("Constraints") or {}
        bound = [str(value) for part in context.values() if isinstance(part, Mapping) for value in part.values()]
        lines.add(
            f"{who} for {', '.join(sorted(bound))}"
            if bound
            else f"{who} for anything ({grant.get('Name') or 'unnamed'})"
        )
    return tuple(sorted(lines))


def of_tags(wanted: KeyWanted, answer: Answer) -> Iterator[Advice]:
    tags = answer.get("Tags", []) if isinstance(answer, Mapping) else []
    named = next((str(tag.get("TagValue")) for tag in tags if tag.get("TagKey") == _TAG), "")
    if named and named != wanted.deployment:
        yield Advice(
            "key-shared",
            Weight.WARNING,
            f"the key was made for the deployment {named}",
            "whoever revokes it locks both; one key a deployment keeps them apart",
        )
