"""Given what KMS answered about a key, then each thing that is right or wrong with it is a finding with its remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from portcullis.custody.keys.key_advice import advise, errors
from portcullis.custody.keys.key_policy import Context, to_paste
from portcullis.custody.keys.key_types import Advice, KeyAnswers, KeyWanted, Weight

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-central-1"
HERE = Context(ACCOUNT, REGION)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one"
DOMAIN = f"arn:aws:es:{REGION}:{ACCOUNT}:domain/demo"
WANTED = KeyWanted("demo", HERE, KEY, domain_arn=DOMAIN, domain_key=KEY, grant_seen=True)
GRANT = {
    "GranteePrincipal": "es.amazonaws.com",
    "Operations": ["Decrypt"],
    "Constraints": {"EncryptionContextSubset": {"aws:es:arn": DOMAIN}},
}
REFUSED = {"Error": {"Code": "AccessDeniedException", "Message": "no resource-based policy allows"}}


def metadata(**more: Any) -> dict[str, Any]:
    return {
        "KeyMetadata": {
            "Arn": KEY,
            "KeyId": "one",
            "KeyState": "Enabled",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyManager": "CUSTOMER",
            "Origin": "AWS_KMS",
            "MultiRegion": False,
            **more,
        }
    }


def policy(document: Any) -> dict[str, str]:
    return {"Policy": json.dumps(document)}


GOOD = KeyAnswers(
    describe=metadata(),
    policy=policy(to_paste(HERE)),
    rotation={"KeyRotationEnabled": True, "RotationPeriodInDays": 365},
    grants={"Grants": [GRANT]},
    rotations={"Rotations": []},
    tags={"Tags": []},
)


@pytest.mark.parametrize(
    ("named", "answer", "code", "says"),
    [
        (
            KEY.replace(REGION, "us-east-1"),
            REFUSED,
            "key-region",
            "the key is in us-east-1, the domain in eu-central-1",
        ),
        (
            KEY.replace("key/one", "alias/nowhere"),
            {"Error": {"Code": "NotFoundException", "Message": "Alias is not found."}},
            "key-refused",
            "no key stands behind",
        ),
        (
            KEY,
            {"Error": {"Code": "NotFoundException", "Message": "Key is not found."}},
            "key-refused",
            "cannot be described",
        ),
    ],
)
def test_a_key_that_cannot_be_seen_is_an_error_that_says_why(named: str, answer: Any, code: str, says: str) -> None:
    (found,) = advise(replace(WANTED, named=named), KeyAnswers(answer), NOW)
    assert (found.code, found.weight) == (code, Weight.ERROR)
    assert says in found.says
    assert found.remedy


def multi(kind: str, *replicas: str) -> dict[str, Any]:
    return {
        "MultiRegion": True,
        "MultiRegionConfiguration": {
            "MultiRegionKeyType": kind,
            "PrimaryKey": {"Region": REGION if kind == "PRIMARY" else "us-east-1"},
            "ReplicaKeys": [{"Region": region} for region in replicas],
        },
    }


def rotated(times: int) -> dict[str, Any]:
    return {
        "Rotations": [
            {"RotationType": "ON_DEMAND", "RotationDate": NOW - timedelta(days=31 * n)} for n in range(1, times + 1)
        ]
    }


def test_given_a_key_that_is_fit_then_nothing_is_wrong_with_it() -> None:
    found = advise(WANTED, GOOD, NOW)
    assert {one.weight for one in found} <= {Weight.OK, Weight.NOTE}
    assert {one.code for one in found if one.weight is Weight.NOTE} == {"grants-readers"}


def opened(statement: dict[str, Any]) -> dict[str, Any]:
    """The policy that is to be pasted, and one statement more."""
    pasted = to_paste(HERE)
    return {**pasted, "Statement": [*pasted["Statement"], statement]}


EXTERNAL = {"Origin": "EXTERNAL", "ExpirationModel": "KEY_MATERIAL_EXPIRES"}
# what differs in the answers, what differs in what is wanted -> code and weight of the finding that has to be there
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str, Weight]] = {
    "asymmetric": ({"describe": metadata(KeySpec="RSA_2048")}, {}, "key-type", Weight.ERROR),
    "for signing": ({"describe": metadata(KeyUsage="SIGN_VERIFY")}, {}, "key-type", Weight.ERROR),
    "hmac": ({"describe": metadata(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")}, {}, "key-type", Weight.ERROR),
    "amazon's own": ({"describe": metadata(KeyManager="AWS")}, {}, "key-manager", Weight.ERROR),
    "another Region": (
        {"describe": metadata(Arn=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/one")},
        {},
        "key-region",
        Weight.ERROR,
    ),
    "another account": (
        {"describe": metadata(Arn=f"arn:aws:kms:{REGION}:444455556666:key/one")},
        {},
        "key-owner",
        Weight.NOTE,
    ),
    "disabled": ({"describe": metadata(KeyState="Disabled")}, {}, "key-state", Weight.ERROR),
    "pending deletion": ({"describe": metadata(KeyState="PendingDeletion")}, {}, "key-state", Weight.ERROR),
    "pending import": ({"describe": metadata(KeyState="PendingImport")}, {}, "key-state", Weight.ERROR),
    "being made": ({"describe": metadata(KeyState="Creating")}, {}, "key-state", Weight.WARNING),
    "imported": ({"describe": metadata(Origin="EXTERNAL")}, {}, "key-origin", Weight.NOTE),
    "expires in 90 days": (
        {"describe": metadata(**EXTERNAL, ValidTo=NOW + timedelta(days=90))},
        {},
        "key-expiry",
        Weight.NOTE,
    ),
    "expires in 20 days": (
        {"describe": metadata(**EXTERNAL, ValidTo=NOW + timedelta(days=20))},
        {},
        "key-expiry",
        Weight.WARNING,
    ),
    "expires in 3 days": (
        {"describe": metadata(**EXTERNAL, ValidTo=NOW + timedelta(days=3))},
        {},
        "key-expiry",
        Weight.ERROR,
    ),
    "expired": ({"describe": metadata(**EXTERNAL, ValidTo=NOW - timedelta(days=3))}, {}, "key-state", Weight.ERROR),
    "external store": ({"describe": metadata(Origin="EXTERNAL_KEY_STORE")}, {}, "key-rotation", Weight.NOTE),
    "a replica": ({"describe": metadata(**multi("REPLICA", REGION))}, {}, "key-multi-region", Weight.NOTE),
    "a replica is missing": (
        {"describe": metadata(**multi("PRIMARY", "eu-west-1"))},
        {"replicas": ("eu-west-1", "eu-north-1")},
        "key-replicas",
        Weight.ERROR,
    ),
    "no multi-Region key": ({}, {"replicas": ("eu-west-1",)}, "key-replicas", Weight.ERROR),
    "an alias": ({}, {"named": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/demo"}, "key-alias", Weight.NOTE),
    "the alias moved": (
        {},
        {"named": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/demo", "domain_key": KEY.replace("one", "old")},
        "key-not-followed",
        Weight.WARNING,
    ),
    "rotation off": ({"rotation": {"KeyRotationEnabled": False}}, {}, "key-rotation", Weight.WARNING),
    "rotation not seen": ({"rotation": REFUSED}, {}, "key-rotation", Weight.NOTE),
    "every 31 days, plenty left": ({"rotations": rotated(3)}, {"on_demand_days": 31}, "key-on-demand", Weight.OK),
    "every 31 days, few left": ({"rotations": rotated(20)}, {"on_demand_days": 31}, "key-on-demand", Weight.WARNING),
    "every 31 days, none left": ({"rotations": rotated(25)}, {"on_demand_days": 31}, "key-on-demand", Weight.WARNING),
    "rotations not seen": ({"rotations": REFUSED}, {"on_demand_days": 31}, "key-on-demand", Weight.WARNING),
    "no policy seen": ({"policy": REFUSED}, {}, "policy-unseen", Weight.NOTE),
    "an empty policy": ({"policy": policy({"Statement": []})}, {}, "policy-lacks", Weight.ERROR),
    "no grant allowed": (
        {"policy": policy({"Statement": to_paste(HERE)["Statement"][:1]})},
        {},
        "policy-no-grant",
        Weight.ERROR,
    ),
    "by organisation": ({"policy": policy(to_paste(HERE, ("o-1/r-1/*",)))}, {}, "policy-unsure", Weight.NOTE),
    "the grant is gone": ({"grants": {"Grants": []}}, {}, "grants-service", Weight.ERROR),
    "no grant was ever seen": ({"grants": {"Grants": []}}, {"grant_seen": False}, "grants-service", Weight.NOTE),
    "grants not seen": ({"grants": REFUSED}, {}, "grants-unseen", Weight.NOTE),
    "somebody decrypts by grant": (
        {"grants": {"Grants": [GRANT, {"GranteePrincipal": "arn:aws:iam::1:role/x", "Operations": ["Decrypt"]}]}},
        {},
        "grants-readers",
        Weight.NOTE,
    ),
    "another deployment's": (
        {"tags": {"Tags": [{"TagKey": "portcullis:deployment", "TagValue": "other"}]}},
        {},
        "key-shared",
        Weight.WARNING,
    ),
    "expires to the day in 30": (
        {"describe": metadata(**EXTERNAL, ValidTo=NOW + timedelta(days=30))},
        {},
        "key-expiry",
        Weight.WARNING,
    ),
    "expires to the day in 7": (
        {"describe": metadata(**EXTERNAL, ValidTo=NOW + timedelta(days=7))},
        {},
        "key-expiry",
        Weight.ERROR,
    ),
    "imported for good": (
        {"describe": metadata(Origin="EXTERNAL", ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", ValidTo=NOW)},
        {},
        "key-origin",
        Weight.NOTE,
    ),
    "pending deletion until": (
        {"describe": metadata(KeyState="PendingDeletion", DeletionDate=NOW + timedelta(days=7))},
        {},
        "key-state",
        Weight.ERROR,
    ),
    "its replica pending deletion": (
        {"describe": metadata(KeyState="PendingReplicaDeletion")},
        {},
        "key-state",
        Weight.ERROR,
    ),
    "unavailable": ({"describe": metadata(KeyState="Unavailable")}, {}, "key-state", Weight.ERROR),
    "in CloudHSM": ({"describe": metadata(Origin="AWS_CLOUDHSM")}, {}, "key-origin", Weight.NOTE),
    "of an origin that is new": ({"describe": metadata(Origin="SOMEWHERE")}, {}, "key-origin", Weight.NOTE),
    "an older answer": (
        {"describe": metadata(KeySpec=None, CustomerMasterKeySpec="RSA_4096", KeyUsage=None)},
        {},
        "key-type",
        Weight.ERROR,
    ),
    "without an ARN, of another account": (
        {"describe": metadata(Arn="", AWSAccountId="444455556666")},
        {},
        "key-owner",
        Weight.NOTE,
    ),
    "without an ARN": ({"describe": metadata(Arn="")}, {}, "key-region", Weight.OK),
    "a cluster's key by its alias alone": (
        {},
        {"by_service": False, "alias": "alias/theirs"},
        "key-alias",
        Weight.NOTE,
    ),
    "a cluster's key whose alias was moved": (
        {"describe": {"Error": {"Code": "AccessDeniedException", "Message": "no identity-based policy allows it"}}},
        {"by_service": False, "alias": "alias/theirs"},
        "key-unreachable",
        Weight.WARNING,
    ),
    "an alias by its name": ({}, {"named": "alias/demo"}, "key-alias", Weight.NOTE),
    "the primary": (
        {"describe": metadata(**multi("PRIMARY", "eu-west-1"))},
        {"replicas": ("eu-west-1", REGION)},
        "key-multi-region",
        Weight.OK,
    ),
    "a replica that rotates": (
        {"describe": metadata(**multi("REPLICA")), "rotation": {"KeyRotationEnabled": True}},
        {},
        "key-rotation",
        Weight.OK,
    ),
    "a replica of nobody": (
        {"describe": metadata(MultiRegion=True, MultiRegionConfiguration={"MultiRegionKeyType": "REPLICA"})},
        {},
        "key-multi-region",
        Weight.NOTE,
    ),
    "no domain yet": ({"grants": {"Grants": []}}, {"domain_arn": "", "domain_key": ""}, "key-alias", Weight.OK),
    "grants in pages": ({"grants": {"Grants": [], "Truncated": True}}, {}, "grants-unseen", Weight.NOTE),
    "readers of many kinds": (
        {
            "grants": {
                "Grants": [
                    GRANT,
                    {"GranteeServicePrincipal": "logs.amazonaws.com", "Operations": ["Decrypt"], "Name": "logs"},
                    {
                        "Operations": ["Encrypt", "Decrypt"],
                        "Constraints": {"EncryptionContextEquals": {"b": "2", "a": "1"}},
                    },
                    {"GranteePrincipal": "arn:aws:iam::1:role/writes", "Operations": ["Encrypt"]},
                    {"GranteePrincipal": "arn:aws:iam::1:role/nothing"},
                ]
            }
        },
        {},
        "grants-readers",
        Weight.NOTE,
    ),
    "its own": (
        {
            "tags": {
                "Tags": [
                    {"TagKey": "team", "TagValue": "other"},
                    {"TagKey": "portcullis:deployment", "TagValue": "demo"},
                ]
            }
        },
        {},
        "key-type",
        Weight.OK,
    ),
    "a policy that is no JSON": ({"policy": {"Policy": "{"}}, {}, "policy-unseen", Weight.WARNING),
    "open to all": (
        {"policy": policy(opened({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}))},
        {},
        "policy-open",
        Weight.ERROR,
    ),
    "the whole account": (
        {
            "policy": policy(
                opened({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"})
            )
        },
        {},
        "policy-whole-account",
        Weight.WARNING,
    ),
    "another account in its policy": (
        {
            "policy": policy(
                opened(
                    {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:Decrypt", "Resource": "*"}
                )
            )
        },
        {},
        "policy-foreign",
        Weight.WARNING,
    ),
    "grants of their own": (
        {
            "policy": policy(
                opened(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                        "Action": "kms:CreateGrant",
                        "Resource": "*",
                    }
                )
            )
        },
        {},
        "policy-grants-unbounded",
        Weight.WARNING,
    ),
    "refused": ({"describe": REFUSED}, {}, "key-refused", Weight.ERROR),
    "absent": (
        {"describe": {"Error": {"Code": "NotFoundException", "Message": "Key 'one' does not exist"}}},
        {},
        "key-refused",
        Weight.ERROR,
    ),
    "unreachable": ({"describe": "ConnectTimeoutError: kms"}, {}, "key-unreachable", Weight.WARNING),
}


@pytest.mark.parametrize("case", CASES)
def test_each_thing_that_can_be_wrong_is_found_with_its_remedy(case: str) -> None:
    answers, wanted, code, weight = CASES[case]
    found = advise(replace(WANTED, **wanted), replace(GOOD, **answers), NOW)
    (one,) = [one for one in found if one.code == code and one.weight is weight]
    assert one.remedy or weight in (Weight.OK, Weight.NOTE)
    assert bool(errors(found)) == (weight is Weight.ERROR), list(errors(found))
    assert found == tuple(sorted(found, key=lambda one: list(Weight)[::-1].index(one.weight))), (
        "what is wrong comes first"
    )


GOLDEN = Path(__file__).parent / "golden" / "key_advice.json"


def words(one: Advice) -> str:
    return f"{one.weight} {one.code}: {one.says}" + (f" -> {one.remedy}" if one.remedy else "")


def findings(case: str) -> list[str]:
    """The findings of a case in words; of those that a fit key has too, only which are missing."""
    fit = {words(one): one.code for one in advise(WANTED, GOOD, NOW)}
    if case not in CASES:
        return list(fit)
    answers, wanted, _, _ = CASES[case]
    found = [words(one) for one in advise(replace(WANTED, **wanted), replace(GOOD, **answers), NOW)]
    return [one for one in found if one not in fit] + [
        f"without {code}" for line, code in fit.items() if line not in found
    ]


@pytest.mark.parametrize("case", ["a fit key", *CASES])
def test_what_is_said_of_a_key_is_what_was_read_over_once(case: str) -> None:
    """Another sentence is meant, and read over? python -m tests.custody.test_key_advice writes the file anew."""
    assert findings(case) == json.loads(GOLDEN.read_text(encoding="utf-8"))[case]


def test_31_days_are_said_to_be_no_period_that_kms_takes() -> None:
    found = advise(replace(WANTED, on_demand_days=31), replace(GOOD, rotations=rotated(3)), NOW)
    (one,) = [one for one in found if one.code == "key-on-demand"]
    assert "no period KMS takes" in one.says
    assert "90 days" in one.says
    assert "22 left" in one.says


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(
        json.dumps({case: findings(case) for case in ("a fit key", *CASES)}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
