"""From what a service answered to what a probe saw. Pure: an answer is a plain dictionary, a failure is one too, or a text.

Answer: the dictionary a boto3 call returned, or `ClientError.response` ({"Error": {"Code", "Message"}, ...}), or the text of
an exception that never got an answer (time-out, DNS, connection refused, no credentials). Nothing here raises for what a
service may say, and whatever is not known to mean revocation is UNREACHABLE: it alerts and never locks.
Sources: the error shapes of botocore's kms model, and KMS's guide on key states and on external key stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from portcullis.custody.types import DESCRIBE, DOMAIN, GRANTS, USE, Health, Probe, RevocationCause
from portcullis.words import denied_actions, moment

Answer = Mapping[str, Any] | str

# KeyState -> what it means. Updating: the primary Region moves, the key works meanwhile. Creating: nothing was taken away.
KEY_STATES: Mapping[str, tuple[Health, RevocationCause | None]] = {
    "Enabled": (Health.HEALTHY, None),
    "Updating": (Health.HEALTHY, None),
    "Creating": (Health.UNREACHABLE, None),
    "Disabled": (Health.REVOKED, RevocationCause.DISABLED),
    "PendingDeletion": (Health.REVOKED, RevocationCause.PENDING_DELETION),
    "PendingReplicaDeletion": (Health.REVOKED, RevocationCause.PENDING_DELETION),
    "PendingImport": (Health.REVOKED, RevocationCause.MATERIAL_GONE),
    "Unavailable": (Health.REVOKED, RevocationCause.KEY_STORE_UNAVAILABLE),
}

# Error code -> what it means. Codes that are not here are UNREACHABLE; the two that need their text read are None.
ERROR_CODES: Mapping[str, tuple[Health, RevocationCause | None] | None] = {
    "DryRunOperationException": (Health.HEALTHY, None),  # "would have been allowed"
    "DisabledException": (Health.REVOKED, RevocationCause.DISABLED),
    "NotFoundException": None,
    "AccessDeniedException": None,
    "AccessDenied": None,
    "KMSInvalidStateException": None,
    "KeyUnavailableException": (Health.UNREACHABLE, None),  # KMS: "you can retry the request"
    "DependencyTimeoutException": (Health.UNREACHABLE, None),
    "KMSInternalException": (Health.UNREACHABLE, None),
    "InternalFailure": (Health.UNREACHABLE, None),
    "ServiceUnavailable": (Health.UNREACHABLE, None),
    "RequestTimeout": (Health.UNREACHABLE, None),
    "ThrottlingException": (Health.UNREACHABLE, None),
    "Throttling": (Health.UNREACHABLE, None),
    "TooManyRequestsException": (Health.UNREACHABLE, None),
    "LimitExceededException": (Health.UNREACHABLE, None),
    "ExpiredTokenException": (Health.UNREACHABLE, None),  # this and the next: our own credentials
    "ExpiredToken": (Health.UNREACHABLE, None),
    "RequestExpired": (Health.UNREACHABLE, None),
    "UnrecognizedClientException": (Health.UNREACHABLE, None),
    "InvalidClientTokenId": (Health.UNREACHABLE, None),
    "InvalidSignatureException": (Health.UNREACHABLE, None),
    "SignatureDoesNotMatch": (Health.UNREACHABLE, None),
    "IncompleteSignature": (Health.UNREACHABLE, None),
    "MissingAuthenticationToken": (Health.UNREACHABLE, None),
    "OptInRequired": (Health.UNREACHABLE, None),
    "InvalidArnException": (Health.UNREACHABLE, None),  # this and the next: our own question is wrong
    "InvalidKeyUsageException": (Health.UNREACHABLE, None),
    "InvalidGrantTokenException": (Health.UNREACHABLE, None),
    "UnsupportedOperationException": (Health.UNREACHABLE, None),
    "ValidationException": (Health.UNREACHABLE, None),
}

# In the text of a refusal: it is our own side that does not let us ask, and says nothing of the key.
_OURS = (
    "no identity-based policy allows",
    "explicit deny in an identity-based policy",
    "no permissions boundary allows",
    "explicit deny in a permissions boundary",
    "no session policy allows",
    "explicit deny in a session policy",
    "no vpc endpoint policy allows",
    "explicit deny in a vpc endpoint policy",
    "no service control policy allows",
    "explicit deny in a service control policy",
    "explicit deny in a resource control policy",
    "no resource control policy allows",
)

# In the text of KMSInvalidStateException, which also stands for any failure of an external key store: only what names
# a state of the key, or what became of the external key, counts; the rest is a proxy that does not work.
_INVALID_STATE = (
    ("pending deletion", RevocationCause.PENDING_DELETION),
    ("pending replica deletion", RevocationCause.PENDING_DELETION),
    ("pending import", RevocationCause.MATERIAL_GONE),
    ("is disabled", RevocationCause.DISABLED),
    ("is unavailable", RevocationCause.KEY_STORE_UNAVAILABLE),
    ("key store is disconnected", RevocationCause.KEY_STORE_UNAVAILABLE),
)

_EXTERNAL_KEY = (
    ("disabled", RevocationCause.DISABLED),
    ("not enabled", RevocationCause.DISABLED),
    ("not found", RevocationCause.DELETED),
    ("not find", RevocationCause.DELETED),
    ("denied", RevocationCause.ACCESS_DENIED),
)

# In the principals or constraints of a grant: it is the search service's.
_OF_OPENSEARCH = ("es.amazonaws.com", "opensearchservice.amazonaws.com", "AmazonOpenSearchService")
_FRESH = timedelta(minutes=15)  # of what CloudWatch says: older points say nothing of now


def read_describe(answer: Answer, now: datetime) -> Probe:
    """kms:DescribeKey of the domain's own key."""
    if failure := _failure(DESCRIBE, answer):
        return failure
    metadata = answer.get("KeyMetadata") if isinstance(answer, Mapping) else None
    if not isinstance(metadata, Mapping):
        return Probe(DESCRIBE, Health.UNREACHABLE, detail="the answer has no KeyMetadata")
    state = str(metadata.get("KeyState", ""))
    health, cause = KEY_STATES.get(state, (Health.UNREACHABLE, None))
    detail = f"KeyState {state or 'absent'}"
    if health is Health.REVOKED and _kind(metadata) == "REPLICA" and cause is RevocationCause.PENDING_DELETION:
        cause, detail = RevocationCause.REPLICA_GONE, f"{detail} (the replica in this Region)"
    valid_to = metadata.get("ValidTo")
    if health is Health.HEALTHY and metadata.get("Origin") == "EXTERNAL" and isinstance(valid_to, datetime):
        expires = metadata.get("ExpirationModel", "KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_EXPIRES"
        if expires and valid_to <= now:
            health, cause = Health.REVOKED, RevocationCause.MATERIAL_GONE
            detail = f"{detail}, imported material expired {moment(valid_to)}"
    return Probe(DESCRIBE, health, cause, detail, definite=health is Health.REVOKED)


def read_use(answer: Answer, name: str = USE) -> Probe:
    """A dry run of kms:GenerateDataKeyWithoutPlaintext (USE) or kms:Encrypt (ENCRYPT): allowed or not."""
    return _failure(name, answer) or Probe(name, Health.HEALTHY, detail="may be used")


def read_grants(answer: Answer, *, domain_arn: str, expected: bool) -> Probe | None:
    """kms:ListGrants, every page in one answer: is the service's grant for the domain still there?

    `expected`: one was seen before. Where none ever was there is nothing to miss: None.
    """
    if failure := _failure(GRANTS, answer):
        return failure
    grants = answer.get("Grants") if isinstance(answer, Mapping) else None
    if not isinstance(answer, Mapping) or not isinstance(grants, list) or answer.get("Truncated"):
        return Probe(GRANTS, Health.UNREACHABLE, detail="the list of grants is incomplete")
    if any(_serves(grant, domain_arn) for grant in grants):
        return Probe(GRANTS, Health.HEALTHY, detail="the service's grant is there")
    if not expected:
        return None
    detail = f"no grant of the service among {len(grants)}"
    return Probe(GRANTS, Health.REVOKED, RevocationCause.GRANT_GONE, detail, definite=True)


def read_metric(answer: Answer, now: datetime) -> Probe | None:
    """cloudwatch:GetMetricStatistics (Maximum) of KMSKeyError or KMSKeyInaccessible. No fresh data says nothing: None."""
    if failure := _failure(DOMAIN, answer, of_the_key=False):
        return failure
    points = answer.get("Datapoints", []) if isinstance(answer, Mapping) else []
    recent = [p for p in points if timedelta(0) <= now - p["Timestamp"] <= _FRESH]
    if not recent:
        return None
    last = max(recent, key=lambda point: point["Timestamp"])
    label = str(answer.get("Label", "metric")) if isinstance(answer, Mapping) else "metric"
    detail = f"{label} {last['Maximum']:g} at {moment(last['Timestamp'])}"
    if last["Maximum"] >= 1:
        return Probe(DOMAIN, Health.REVOKED, RevocationCause.DOMAIN_INACCESSIBLE, detail, definite=True)
    return Probe(DOMAIN, Health.HEALTHY, detail=detail)


def read_notification(detail: Mapping[str, Any]) -> Probe | None:
    """The `detail` of a native `aws.es` "Domain Error Notification". What it does not say of a key is nothing: None."""
    if str(detail.get("event", "")).lower() != "kms key inaccessible":
        return None
    said = str(detail.get("description", "")) or "KMS Key Inaccessible"
    return Probe(DOMAIN, Health.REVOKED, RevocationCause.DOMAIN_INACCESSIBLE, said)


def _failure(name: str, answer: Answer, *, of_the_key: bool = True) -> Probe | None:
    """The probe of an answer that is an error; None if it is none."""
    if isinstance(answer, str):
        return Probe(name, Health.UNREACHABLE, detail=answer or "no answer")
    error = answer.get("Error")
    if not isinstance(error, Mapping):
        return None
    code, text = str(error.get("Code", "")), str(error.get("Message", ""))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    detail = f"{code}: {text}" if text else code or "an error without a code"
    if not of_the_key or (isinstance(status, int) and status >= 500):
        return Probe(name, Health.UNREACHABLE, detail=detail)
    health, cause = _meaning(code, text.lower())
    return Probe(name, health, cause, detail)


def _meaning(code: str, text: str) -> tuple[Health, RevocationCause | None]:
    known = ERROR_CODES.get(code, (Health.UNREACHABLE, None))
    if known is not None:
        return known
    if code == "NotFoundException":
        # An alias that is gone says nothing of the key behind it.
        if text.startswith("alias ") or ":alias/" in text:
            return Health.UNREACHABLE, None
        return Health.REVOKED, RevocationCause.REPLICA_GONE if "mrk-" in text else RevocationCause.DELETED
    if code == "KMSInvalidStateException":
        table = _INVALID_STATE + (_EXTERNAL_KEY if "external key" in text.replace("external key store", "") else ())
        cause = next((cause for words, cause in table if words in text), None)
        return (Health.REVOKED, cause) if cause else (Health.UNREACHABLE, None)
    if any(words in text for words in _OURS):
        return Health.UNREACHABLE, None
    return Health.REVOKED, RevocationCause.ACCESS_DENIED


def refused(answer: Answer) -> tuple[str, ...]:
    """The rights that a question was refused for want of, where that is our own side's doing and not the key's."""
    error = answer.get("Error") if isinstance(answer, Mapping) else None
    text = str(error.get("Message", "")) if isinstance(error, Mapping) else ""
    return denied_actions(text) if any(words in text.lower() for words in _OURS) else ()


def _kind(metadata: Mapping[str, Any]) -> str:
    configuration = metadata.get("MultiRegionConfiguration")
    return str(configuration.get("MultiRegionKeyType", "")) if isinstance(configuration, Mapping) else ""


def _serves(grant: Mapping[str, Any], domain_arn: str) -> bool:
    principals = [str(grant.get(key, "")) for key in ("GranteePrincipal", "GranteeServicePrincipal")]
    context = grant.get("Constraints") or {}
    bound = [str(value) for part in context.values() if isinstance(part, Mapping) for value in part.values()]
    named = any(words in principal for words in _OF_OPENSEARCH for principal in principals)
    return domain_arn in bound or (named and not any(value.startswith("arn:") for value in bound))
