"""Every answer KMS is known to give, and what it means: only what says revoked is revoked, anything else alerts at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.custody.keys import probes
from portcullis.custody.types import DESCRIBE, DOMAIN, ENCRYPT, GRANTS, USE, Health, RevocationCause

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MRK = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
DOMAIN_ARN = "arn:aws:es:eu-west-1:111122223333:domain/demo"
ROLE = (
    "User: arn:aws:sts::111122223333:assumed-role/sweep/x is not authorized to perform: kms:Encrypt on resource: " + ARN
)
H, U, R = Health.HEALTHY, Health.UNREACHABLE, Health.REVOKED


def error(code: str, text: str = "", status: int = 400) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    ("state", "health", "cause"),
    [
        ("Enabled", H, None),
        ("Updating", H, None),
        ("Creating", U, None),
        ("Disabled", R, RevocationCause.DISABLED),
        ("PendingDeletion", R, RevocationCause.PENDING_DELETION),
        ("PendingReplicaDeletion", R, RevocationCause.PENDING_DELETION),
        ("PendingImport", R, RevocationCause.MATERIAL_GONE),
        ("Unavailable", R, RevocationCause.KEY_STORE_UNAVAILABLE),
        ("SomethingNew", U, None),
        ("", U, None),
    ],
)
def test_a_key_state_read_from_the_metadata_is_definite(
    state: str, health: Health, cause: RevocationCause | None
) -> None:
    probe = probes.read_describe({"KeyMetadata": {"KeyState": state}}, NOW)
    assert (probe.name, probe.health, probe.cause, probe.definite) == (DESCRIBE, health, cause, health is R)


@pytest.mark.parametrize(
    ("code", "text", "health", "cause"),
    [
        ("DryRunOperationException", "", H, None),
        ("DisabledException", f"{ARN} is disabled.", R, RevocationCause.DISABLED),
        ("NotFoundException", f"Key '{ARN}' does not exist", R, RevocationCause.DELETED),
        ("NotFoundException", f"Key '{MRK}' does not exist", R, RevocationCause.REPLICA_GONE),
        ("NotFoundException", "Alias arn:aws:kms:eu-west-1:111122223333:alias/demo is not found.", U, None),
        ("KMSInvalidStateException", f"{ARN} is pending deletion.", R, RevocationCause.PENDING_DELETION),
        ("KMSInvalidStateException", f"{ARN} is pending replica deletion.", R, RevocationCause.PENDING_DELETION),
        ("KMSInvalidStateException", f"{ARN} is pending import.", R, RevocationCause.MATERIAL_GONE),
        ("KMSInvalidStateException", f"{ARN} is unavailable.", R, RevocationCause.KEY_STORE_UNAVAILABLE),
        ("KMSInvalidStateException", "the external key is disabled", R, RevocationCause.DISABLED),
        ("KMSInvalidStateException", "the external key store proxy did not respond in time", U, None),
        ("KMSInvalidStateException", "the external key store proxy was not found", U, None),
        ("KMSInvalidStateException", f"{ARN} is creating.", U, None),
        (
            "AccessDeniedException",
            f"{ROLE} because no resource-based policy allows the kms:Encrypt action",
            R,
            "denied",
        ),
        ("AccessDeniedException", f"{ROLE} with an explicit deny in a resource-based policy", R, "denied"),
        ("AccessDeniedException", "The ciphertext refers to a key that you cannot access", R, "denied"),
        ("AccessDeniedException", f"{ROLE} because no identity-based policy allows the kms:Encrypt action", U, None),
        ("AccessDeniedException", f"{ROLE} with an explicit deny in an identity-based policy", U, None),
        ("AccessDeniedException", f"{ROLE} with an explicit deny in a service control policy", U, None),
        ("AccessDeniedException", f"{ROLE} because no permissions boundary allows the kms:Encrypt action", U, None),
        ("AccessDeniedException", f"{ROLE} because no VPC endpoint policy allows the kms:Encrypt action", U, None),
        ("AccessDeniedException", f"{ROLE} because no session policy allows the kms:Encrypt action", U, None),
        ("KeyUnavailableException", "", U, None),
        ("DependencyTimeoutException", "", U, None),
        ("KMSInternalException", "", U, None),
        ("ThrottlingException", "Rate exceeded", U, None),
        ("LimitExceededException", "", U, None),
        ("ExpiredTokenException", "The security token included in the request is expired", U, None),
        ("UnrecognizedClientException", "The security token included in the request is invalid", U, None),
        ("InvalidClientTokenId", "", U, None),
        ("SignatureDoesNotMatch", "", U, None),
        ("InvalidKeyUsageException", "", U, None),
        ("SomethingNobodyHasSeen", "your key is disabled", U, None),
        ("", "", U, None),
    ],
)
def test_an_error_means_what_it_says_and_no_more(
    code: str, text: str, health: Health, cause: RevocationCause | str | None
) -> None:
    expected = RevocationCause.ACCESS_DENIED if cause == "denied" else cause
    for probe in (
        probes.read_describe(error(code, text), NOW),
        probes.read_use(error(code, text)),
        probes.read_grants(error(code, text), domain_arn=DOMAIN_ARN, expected=True),
    ):
        assert probe is not None
        assert (probe.health, probe.cause, probe.definite) == (health, expected, False)


@pytest.mark.parametrize("answer", ["ReadTimeoutError", "EndpointConnectionError: no route", "NoCredentialsError", ""])
def test_no_answer_is_unreachable(answer: str) -> None:
    assert probes.read_describe(answer, NOW).health is U
    assert probes.read_use(answer).health is U
    grants = probes.read_grants(answer, domain_arn=DOMAIN_ARN, expected=True)
    metric = probes.read_metric(answer, NOW)
    assert grants is not None
    assert metric is not None
    assert grants.health is metric.health is U


@given(code=st.sampled_from(sorted(probes.ERROR_CODES)), text=st.text(), status=st.sampled_from((500, 502, 503, 504)))
def test_a_server_error_never_revokes_whatever_it_is_called(code: str, text: str, status: int) -> None:
    assert probes.read_use(error(code, text, status)).health is U


@given(code=st.text().filter(lambda code: code not in probes.ERROR_CODES), text=st.text())
def test_an_unknown_error_never_revokes(code: str, text: str) -> None:
    assert probes.read_use(error(code, text)).health is U


def test_being_allowed_is_healthy_under_the_name_of_the_probe() -> None:
    assert [probes.read_use({"KeyId": ARN}, name).name for name in (USE, ENCRYPT)] == [USE, ENCRYPT]
    assert probes.read_use({"KeyId": ARN}).health is H


@pytest.mark.parametrize(
    ("expires", "model", "health"),
    [
        (NOW - timedelta(seconds=1), "KEY_MATERIAL_EXPIRES", R),
        (NOW + timedelta(seconds=1), "KEY_MATERIAL_EXPIRES", H),
        (NOW - timedelta(days=1), "KEY_MATERIAL_DOES_NOT_EXPIRE", H),
    ],
)
def test_imported_material_that_has_expired_is_gone(expires: datetime, model: str, health: Health) -> None:
    metadata = {"KeyState": "Enabled", "Origin": "EXTERNAL", "ValidTo": expires, "ExpirationModel": model}
    probe = probes.read_describe({"KeyMetadata": metadata}, NOW)
    assert (probe.health, probe.cause) == (health, RevocationCause.MATERIAL_GONE if health is R else None)


def test_a_replica_that_is_being_deleted_is_told_as_one() -> None:
    metadata = {"KeyState": "PendingDeletion", "MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"}}
    assert probes.read_describe({"KeyMetadata": metadata}, NOW).cause is RevocationCause.REPLICA_GONE


def test_an_answer_without_metadata_is_no_revocation() -> None:
    assert probes.read_describe({}, NOW).health is U


SERVICE = {"GranteePrincipal": "es.amazonaws.com"}
FOR_US = {"GranteePrincipal": "x", "Constraints": {"EncryptionContextSubset": {"aws:es:domain-arn": DOMAIN_ARN}}}
FOR_OTHERS = {**SERVICE, "Constraints": {"EncryptionContextSubset": {"aws:es:domain-arn": DOMAIN_ARN + "-2"}}}


@pytest.mark.parametrize(
    ("grants", "expected", "health"),
    [
        ([SERVICE], True, H),
        ([FOR_US], True, H),
        ([FOR_OTHERS], True, R),
        ([{"GranteePrincipal": "arn:aws:iam::111122223333:role/app"}], True, R),
        ([], True, R),
        ([], False, None),
    ],
)
def test_a_grant_that_was_there_and_is_gone_is_a_revocation(grants: list[Any], expected: bool, health: Health) -> None:
    probe = probes.read_grants({"Grants": grants}, domain_arn=DOMAIN_ARN, expected=expected)
    if health is None:
        assert probe is None
        return
    assert probe is not None
    assert (probe.name, probe.health, probe.definite) == (GRANTS, health, health is R)


def test_a_list_of_grants_that_goes_on_proves_nothing() -> None:
    probe = probes.read_grants({"Grants": [], "Truncated": True}, domain_arn=DOMAIN_ARN, expected=True)
    assert probe is not None
    assert probe.health is U


def test_the_newest_fresh_datapoint_speaks_for_the_domain() -> None:
    def point(minutes: int, value: float) -> dict[str, Any]:
        return {"Timestamp": NOW - timedelta(minutes=minutes), "Maximum": value}

    def read(*points: dict[str, Any]) -> Any:
        return probes.read_metric({"Label": "KMSKeyError", "Datapoints": list(points)}, NOW)

    assert (read(point(1, 1), point(6, 0)).health, read(point(6, 1), point(1, 0)).health) == (R, H)
    assert (read(point(1, 1)).name, read(point(1, 1)).cause) == (DOMAIN, RevocationCause.DOMAIN_INACCESSIBLE)
    assert read() is read(point(60, 1)) is None
    denied = probes.read_metric(error("AccessDenied", "no resource-based policy"), NOW)
    assert denied is not None
    assert denied.health is U, "CloudWatch's refusal says nothing of the key"


def test_only_the_notification_about_the_key_is_read() -> None:
    told = probes.read_notification({"event": "KMS Key Inaccessible", "description": "no access"})
    assert told is not None
    assert (told.name, told.health, told.definite) == (DOMAIN, R, False)
    assert probes.read_notification({"event": "VPC Endpoint"}) is None


SAYS_OF_THE_KEY = {"DryRunOperationException": H, "DisabledException": R, "AccessDeniedException": R, "AccessDenied": R}


@pytest.mark.parametrize("code", probes.ERROR_CODES)
def test_an_error_code_alone_is_unreachable_unless_it_says_revoked(code: str) -> None:
    """KMS answers with a code and no message. Only codes that say by themselves that the key is gone count as revoked."""
    expected = SAYS_OF_THE_KEY.get(code, R if code == "NotFoundException" else U)
    assert probes.read_use(error(code)).health is expected


SERVICE = "es.amazonaws.com"


@pytest.mark.parametrize(
    ("grant", "serves"),
    [
        ({"GranteePrincipal": SERVICE}, True),
        ({"GranteeServicePrincipal": SERVICE}, True),
        ({"GranteePrincipal": SERVICE, "Constraints": None}, True),
        ({"GranteePrincipal": SERVICE, "Constraints": {"EncryptionContextSubset": None}}, True),
        ({"GranteePrincipal": SERVICE, "Constraints": {"EncryptionContextSubset": {"aws:es:arn": DOMAIN_ARN}}}, True),
        ({"GranteePrincipal": SERVICE, "Constraints": {"EncryptionContextEquals": {"a": "arn:aws:es:other"}}}, False),
        ({"GranteePrincipal": SERVICE, "Constraints": {"EncryptionContextEquals": {"a": "no arn"}}}, True),
        ({"GranteePrincipal": "arn:aws:iam::1:role/x", "Constraints": {"E": {"a": DOMAIN_ARN}}}, True),
        ({"GranteePrincipal": "arn:aws:iam::1:role/x"}, False),
        ({"GranteePrincipal": "arn:aws:sts::1:assumed-role/AWSServiceRoleForAmazonOpenSearchService/x"}, True),
        ({}, False),
    ],
)
def test_the_grant_of_the_service_is_found_by_its_holder_or_its_domain(grant: dict[str, Any], serves: bool) -> None:
    """A grant counts if the search service holds it, or if its constraints name this domain."""
    found = probes.read_grants({"Grants": [grant]}, domain_arn=DOMAIN_ARN, expected=True)
    assert found is not None
    assert (found.health is H) is serves


@pytest.mark.parametrize(
    ("text", "health", "cause"),
    [
        ("the external key is disabled", R, RevocationCause.DISABLED),
        ("the external key is not enabled", R, RevocationCause.DISABLED),
        ("the external key was not found", R, RevocationCause.DELETED),
        ("could not find the external key", R, RevocationCause.DELETED),
        ("access to the external key was denied", R, RevocationCause.ACCESS_DENIED),
        ("the external key store proxy was not found", U, None),
        ("the external key store proxy denied the request", U, None),
        ("the external key store: the external key is disabled", R, RevocationCause.DISABLED),
        ("something was denied", U, None),
    ],
)
def test_only_errors_about_the_external_key_itself_count_as_revoked(
    text: str, health: Health, cause: RevocationCause | None
) -> None:
    """An error of the proxy of the external key store says nothing about the key, so it is only unreachable."""
    probe = probes.read_use(error("KMSInvalidStateException", text))
    assert (probe.health, probe.cause) == (health, cause)
