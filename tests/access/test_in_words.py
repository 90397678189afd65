"""How what was done and what is answered is said."""

from __future__ import annotations

import pytest
from portcullis.access.plan import AppliedStep, Claim
from portcullis.access.questions.answers import STATUS, WORD, Seen


@pytest.mark.parametrize(("answer", "word", "status"), [(True, "yes", 0), (False, "no", 1), (None, "unknown", 4)])
def test_an_answer_is_one_word_and_one_exit_status(answer: bool | None, word: str, status: int) -> None:
    assert (WORD[answer], STATUS[answer]) == (word, status)


@pytest.mark.parametrize(
    ("step", "claim", "said"),
    [
        (AppliedStep("add", "roles", "readers"), Claim("roles", "readers"), "add roles/readers"),
        (
            AppliedStep("remove", "rolesmapping", "readers", "users", "anna", because="left the group"),
            Claim("rolesmapping", "readers", "users", "anna"),
            "remove rolesmapping/readers/users: anna because left the group",
        ),
    ],
)
def test_what_a_change_did_is_said_with_its_reason_if_there_is_one(step: AppliedStep, claim: Claim, said: str) -> None:
    assert (step.claim, str(step)) == (claim, said)


@pytest.mark.parametrize(
    ("seen", "limited"),
    [
        (Seen("orders", True), False),
        (Seen("orders", True, documents=('{"term": {"a": 1}}',)), True),
        (Seen("orders", True, fields_only=("a",)), True),
        (Seen("orders", True, fields_hidden=("a",)), True),
        (Seen("orders", True, masked=("a",)), True),
    ],
)
def test_an_index_is_seen_in_part_by_any_one_limit(seen: Seen, limited: bool) -> None:
    assert seen.limited is limited
