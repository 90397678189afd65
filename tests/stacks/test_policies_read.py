"""Given the account's file, then `operate` alone reads IAM policies: those of our own roles, and of everybody only if the file says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stacks.assembly import ACCOUNT, HOME, Synthesised, listed, synthesised
from tests.stacks.test_network import TWO

READS = ("iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetUserPolicy", "iam:GetGroupPolicy", "iam:ListRolePolicies")
OURS = {f"arn:aws:iam::{ACCOUNT}:role/portcullis-*", f"arn:aws:iam::{ACCOUNT}:policy/portcullis-*"}
EVERYBODY = {f"arn:aws:iam::{ACCOUNT}:{kind}/*" for kind in ("role", "user", "group", "policy")}
# The functions that look at what they see by read the relay's role, and no other.
RELAY = f"arn:aws:iam::{ACCOUNT}:role/portcullis-relay"


def made(tmp_path: Path, text: str) -> Synthesised:
    (tmp_path / "inner.yaml").write_text(TWO)
    (tmp_path / "account.yaml").write_text(text)
    return synthesised(tmp_path / "out", HOME, deployments=str(tmp_path))


def reading(assembly: Synthesised) -> dict[str, set[str]]:
    """Where policies may be read -> of whom."""
    found: dict[str, set[str]] = {}
    for where, statement in assembly.identity_statements():
        if statement["Effect"] == "Allow" and any(one in READS for one in listed(statement["Action"])):
            resources = {str(one) for one in listed(statement["Resource"])} - {RELAY}
            if resources:
                found.setdefault(where, set()).update(resources)
    return found


@pytest.mark.parametrize(
    ("text", "whose"),
    [("{}", OURS), ("look: {iam_policies: true}", EVERYBODY | {"arn:aws:iam::aws:policy/*"})],
    ids=["nothing said", "said"],
)
def test_policies_are_read_of_whom_the_file_says_and_by_one_function(tmp_path: Path, text: str, whose: Any) -> None:
    found = reading(made(tmp_path, text))
    assert set().union(*found.values()) == whose
    assert all("operate" in where.lower() for where in found), found


@pytest.mark.parametrize("text", ["{}", "look: {iam_policies: true}"], ids=["nothing said", "said"])
def test_keys_of_secrets_are_looked_at_where_the_file_lets_iam_be_read(tmp_path: Path, text: str) -> None:
    every_key, found = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/*", set[str]()
    for where, statement in made(tmp_path, text).identity_statements():
        if "kms:GetKeyPolicy" in listed(statement["Action"]) and every_key in map(str, listed(statement["Resource"])):
            assert set(listed(statement["Action"])) == {"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"}
            found.add(where)
    assert [where for where in found if "operate" not in where.lower()] == []
    assert bool(found) is (text != "{}")
