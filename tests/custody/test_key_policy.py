"""Given a key's policy, then what it means for a deployment is said: what lacks, what is too wide, what cannot be judged from here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.custody.keys.key_policy import (
    CREATE_GRANT,
    FIVE,
    Context,
    Judged,
    explained,
    judge_policy,
    to_paste,
    whole,
)

ACCOUNT, OWNER = "111122223333", "444455556666"
HERE = Context(ACCOUNT, "eu-central-1")
ORG = "o-ygducmlz12/r-e5t3/ou-e5t3-fzpdq76p/*"


def statement(*actions: str, principal: Any = "*", effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    made = {"Sid": "it", "Effect": effect, "Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"}
    return made | ({"Condition": condition} if condition else {})


def judged(*statements: dict[str, Any], owner: str = ACCOUNT) -> Judged:
    return judge_policy({"Version": "2012-10-17", "Statement": list(statements)}, HERE, owner)


def test_to_a_clusters_key_only_looking_is_added_and_the_rest_stays() -> None:
    """Whoever lets its volumes use the key stands in the policy that is there. Nothing lets a search service of Amazon's use it."""
    (look,) = to_paste(HERE, by_service=False)["Statement"]
    assert look == to_paste(HERE)["Statement"][-1]
    said = " ".join(explained(HERE, by_service=False))
    assert ("SearchService" in said, "has to stay" in said) == (False, True)


THROUGH = {"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "es.eu-central-1.amazonaws.com"}}
FOR_SERVICE = {**THROUGH, "Bool": {"kms:GrantIsForAWSResource": "true"}}


@pytest.mark.parametrize("org_paths", [(), (ORG,)])
def test_the_printed_key_policy_has_five_actions_and_no_others_that_read(org_paths: tuple[str, ...]) -> None:
    """The part for the automation can make nothing readable, and no statement is without a condition."""
    use, grant, keep, look = to_paste(HERE, org_paths)["Statement"]
    assert sorted(use["Action"]) == sorted(FIVE)
    assert len(FIVE) == 5
    assert grant["Action"] == [CREATE_GRANT]
    assert grant["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    assert set(keep["Action"]) < set(FIVE)
    assert keep["Condition"]["StringEquals"]["kms:ViaService"].startswith("s3.")
    assert all("-snapshot-store" in one for one in keep["Condition"]["ArnLike"]["aws:PrincipalArn"])
    # Encrypting is asked for as a dry run, and would make nothing readable.
    assert not {"kms:Decrypt", "kms:GenerateDataKey", CREATE_GRANT} & set(look["Action"])
    assert all(one["Condition"] for one in (use, grant, keep, look)), "nothing is let in unbounded"


def test_organisation_paths_bound_the_key_policy_instead_of_the_account() -> None:
    """With paths of the organisation both statements for the service are bounded by them, and the explanation names them."""
    use, grant, *_ = to_paste(HERE, (ORG,))["Statement"]
    assert use["Condition"] == {
        "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [ORG]},
        "StringEquals": {"kms:ViaService": "es.eu-central-1.amazonaws.com"},
    }
    assert grant["Condition"]["ForAnyValue:StringLike"] == {"aws:PrincipalOrgPaths": [ORG]}
    assert ACCOUNT in "".join(explained(HERE))
    assert ORG in "".join(explained(HERE, (ORG,)))


GOLDEN = Path(__file__).parent / "golden" / "key_policy.json"


def printed() -> dict[str, Any]:
    """The policies that people paste, and why."""
    china = Context(ACCOUNT, "cn-north-1", "aws-cn")
    return {
        "an account": to_paste(HERE),
        "organisation paths": to_paste(HERE, (ORG,)),
        "whole": whole(to_paste(HERE), OWNER, "aws"),
        "in China": whole(to_paste(china), OWNER, "aws-cn"),
        "why": list(explained(HERE)),
        "why, with organisation paths": list(explained(HERE, (ORG,))),
    }


def test_what_people_paste_is_what_was_read_over_once() -> None:
    """Another policy is meant, and read over? python -m tests.custody.test_key_policy writes the file anew."""
    assert printed() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_a_whole_policy_lets_the_owner_administer_and_is_found_as_right() -> None:
    found = whole(to_paste(HERE), OWNER, "aws")
    assert judge_policy(found, HERE, OWNER) == judge_policy(to_paste(HERE), HERE, OWNER)
    assert found["Statement"][1:] == to_paste(HERE)["Statement"]


def test_the_policy_to_paste_is_found_right_when_it_is_judged() -> None:
    found = judge_policy(to_paste(HERE), HERE, OWNER)
    assert found == Judged((), (), True, (), (), (), (), ())


def test_a_policy_bounded_by_organisation_paths_is_reported_as_unsure() -> None:
    """Whether the account is in the organisation cannot be seen from here, so nothing is called missing or too open."""
    found = judge_policy(to_paste(HERE, (ORG,)), HERE, OWNER)
    assert set(found.unsure) == set(FIVE)
    assert found.grants is None
    assert not found.lacking
    assert not found.open_to_all


LACKING = {
    "no statement": ((), FIVE),
    "four of five": ((statement(*FIVE[1:], **THROUGH),), FIVE[:1]),
    "another account": ((statement(*FIVE, principal=f"arn:aws:iam::{OWNER}:root"),), FIVE),
    "another Region's service": (
        (statement(*FIVE, StringEquals={"kms:ViaService": "es.us-east-1.amazonaws.com"}),),
        FIVE,
    ),
    "another account's calls": ((statement(*FIVE, StringEquals={"kms:CallerAccount": OWNER}),), FIVE),
    "denied": ((statement(*FIVE, **THROUGH), statement("kms:Decrypt", effect="Deny")), ("kms:Decrypt",)),
    "denied but for another service": (
        (
            statement("kms:*", **THROUGH),
            statement(
                "kms:Encrypt", effect="Deny", StringNotEquals={"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
            ),
        ),
        ("kms:Encrypt",),
    ),
    "all but what is left out": (
        ({"Effect": "Allow", "Principal": "*", "NotAction": "kms:Decrypt", "Resource": "*", "Condition": THROUGH},),
        ("kms:Decrypt",),
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_the_service_lacks_is_named(case: str) -> None:
    statements, lacking = LACKING[case]
    assert judged(*statements).lacking == tuple(lacking)


ENOUGH = {
    "the account as its number": statement(*FIVE, principal=ACCOUNT),
    "the account's root": statement(*FIVE, principal=f"arn:aws:iam::{ACCOUNT}:root"),
    "everything": statement("kms:*", principal=f"arn:aws:iam::{ACCOUNT}:root"),
    "one action as text": {**statement(**THROUGH), "Action": "kms:*"},
    "a deny for another service": statement("kms:*", **THROUGH),
    "if it exists": statement(*FIVE, StringEqualsIfExists=THROUGH["StringEquals"]),
    "without regard to case": statement(
        *FIVE, StringEqualsIgnoreCase={"kms:ViaService": "ES.eu-central-1.amazonaws.com"}
    ),
    "like": statement(*FIVE, StringLike={"kms:ViaService": "es.*.amazonaws.com"}),
}


@pytest.mark.parametrize("case", ENOUGH)
def test_what_is_enough_is_not_complained_of(case: str) -> None:
    other = statement("kms:*", effect="Deny", StringEquals={"kms:ViaService": "s3.eu-central-1.amazonaws.com"})
    assert judged(ENOUGH[case], other).lacking == ()
    assert judged(ENOUGH[case], other).unsure == ()


def but_for(principal: str, effect: str) -> dict[str, Any]:
    made = statement("kms:*", effect=effect)
    del made["Principal"]
    return made | {"NotPrincipal": {"AWS": principal}}


def test_a_denial_of_everybody_but_some_counts() -> None:
    allows = statement("kms:*", principal=f"arn:aws:iam::{ACCOUNT}:root")
    elsewhere = judged(allows, but_for(f"arn:aws:iam::{OWNER}:root", "Deny"))
    assert (elsewhere.lacking, elsewhere.unsure) == (FIVE, ())
    # Who of the account is let through is said by roles and sessions, which are not known here.
    here = judged(allows, but_for(f"arn:aws:iam::{ACCOUNT}:root", "Deny"))
    assert (here.lacking, here.unsure) == ((), FIVE)


def test_what_is_allowed_to_everybody_but_some_is_open_to_every_account() -> None:
    found = judged(but_for(f"arn:aws:iam::{OWNER}:root", "Allow"))
    assert (found.open_to_all, found.unbounded_grants) == (("it",), ("it",))


def test_of_a_single_role_it_is_said_that_it_cannot_be_judged_from_here() -> None:
    found = judged(statement(*FIVE, principal=f"arn:aws:iam::{ACCOUNT}:role/deployer"))
    assert set(found.unsure) == set(FIVE)


WRONG = {
    "open to every account": (statement("kms:Decrypt"), "open_to_all", ("it",)),
    "bounded by a negation only": (
        statement("kms:Decrypt", StringNotEquals={"aws:PrincipalAccount": OWNER}),
        "open_to_all",
        ("it",),
    ),
    "the default policy": (
        statement("kms:*", principal=f"arn:aws:iam::{ACCOUNT}:root"),
        "whole_account",
        ("it",),
    ),
    "more for the service": (
        statement(*FIVE, "kms:PutKeyPolicy", **THROUGH),
        "beyond",
        ("kms:PutKeyPolicy",),
    ),
    "everything for the service": (statement("kms:*", **THROUGH), "beyond", ("kms:*",)),
    "anybody's grants": (
        statement(CREATE_GRANT, principal=f"arn:aws:iam::{ACCOUNT}:root"),
        "unbounded_grants",
        ("it",),
    ),
    "everybody's grants": (
        statement(CREATE_GRANT, StringEquals={"aws:PrincipalAccount": ACCOUNT}),
        "unbounded_grants",
        ("it",),
    ),
    "grants that the condition allows as text only": (
        statement(CREATE_GRANT, principal=f"arn:aws:iam::{ACCOUNT}:root", Bool={"kms:GrantIsForAWSResource": "false"}),
        "unbounded_grants",
        ("it",),
    ),
    "bounded by the organisation": (
        statement("kms:Decrypt", StringEquals={"aws:PrincipalOrgID": "o-1"}),
        "open_to_all",
        (),
    ),
    "the account through the service": (
        statement("kms:*", principal=f"arn:aws:iam::{ACCOUNT}:root", **THROUGH),
        "whole_account",
        (),
    ),
    "the account for some roles": (
        statement("kms:*", principal=ACCOUNT, ArnLike={"aws:PrincipalArn": "arn:aws:iam::1:role/x"}),
        "whole_account",
        (),
    ),
    "the account, administering": (
        statement("kms:PutKeyPolicy", principal=f"arn:aws:iam::{ACCOUNT}:root"),
        "whole_account",
        (),
    ),
    "one role": (statement("kms:*", principal=f"arn:aws:iam::{ACCOUNT}:role/x"), "whole_account", ()),
    "the account, its grants": (statement(CREATE_GRANT, principal=ACCOUNT), "whole_account", ("it",)),
    "without a name": (
        {key: value for key, value in statement("kms:Decrypt").items() if key != "Sid"},
        "open_to_all",
        ("statement 1",),
    ),
    "a third account as its number": (
        statement("kms:DescribeKey", principal=["999999999999", ACCOUNT]),
        "foreign",
        ("999999999999",),
    ),
    "a service is no account": ({**statement("kms:*"), "Principal": {"Service": "es.amazonaws.com"}}, "foreign", ()),
    "a third account": (
        statement("kms:DescribeKey", principal="arn:aws:iam::999999999999:role/x"),
        "foreign",
        ("arn:aws:iam::999999999999:role/x",),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_too_wide_is_named(case: str) -> None:
    one, what, named = WRONG[case]
    assert getattr(judged(one), what) == named


def test_a_grant_that_is_not_for_the_service_alone_is_not_needed() -> None:
    bounded = judged(statement(*FIVE, **THROUGH), statement(CREATE_GRANT, **FOR_SERVICE))
    assert bounded.grants is True
    assert bounded.unbounded_grants == ()


_values = st.one_of(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3))
_odd = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny", "?"])},
    optional={
        "Sid": st.text(max_size=5),
        "Action": _values,
        "NotAction": _values,
        "Principal": st.one_of(_values, st.dictionaries(st.sampled_from(["AWS", "Service"]), _values)),
        "Condition": st.dictionaries(st.text(max_size=20), st.dictionaries(st.text(max_size=20), _values)),
    },
)


@given(st.one_of(_odd, st.lists(_odd, max_size=4)))
def test_whatever_a_policy_holds_it_can_be_judged(statements: Any) -> None:
    found = judge_policy({"Statement": statements}, HERE, OWNER)
    assert set(found.lacking) | set(found.unsure) <= set(FIVE)


@given(st.lists(_odd.filter(lambda one: one["Effect"] == "Allow"), max_size=3), st.integers(0, 3))
def test_law_a_denial_of_everything_leaves_nothing(allowed: list[dict[str, Any]], place: int) -> None:
    denied = statement("*", effect="Deny")
    found = judged(*allowed[:place], denied, *allowed[place:])
    assert found.lacking == FIVE
    assert found.grants is False


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(printed(), indent=1) + "\n", encoding="utf-8")
