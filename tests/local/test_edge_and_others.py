"""What our evaluator of policies says of generated requests is what the front door's says, and what one that is neither's says."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ministack.core.iam_evaluator import PrincipalInfo, parse_policy_document

from local import npm
from local.door import policy
from local.door.answers import Refused
from local.door.asked import Asked
from local.door.callers import Caller
from tests.access.edge_cases import ACCOUNT, ADDRESS, ARN, ROLE, SESSION, USER, Case, case

pytestmark = pytest.mark.aws

MANY = int(os.environ.get("PORTCULLIS_EXAMPLES", "10000"))
JUDGE = Path(npm.__file__).parent / "judge.mjs"


@pytest.fixture(scope="module")
def generated() -> list[Case]:
    return [case(Random(number)) for number in range(MANY)]


def at_the_door(case: Case) -> bool:
    arn = SESSION if case.who == ROLE else case.who
    principal = PrincipalInfo(
        arn=arn,
        type="AssumedRole" if case.who == ROLE else "User",
        account=ACCOUNT,
        policies=[parse_policy_document(one) for one in case.own],
        keys={"aws:username": "ann"} if case.who == USER else {},
        limits=[[parse_policy_document(case.boundary)]] if case.boundary else [],
    )
    caller = Caller(case.who, (case.who,), principal, case.who if case.who == ROLE else "")
    try:
        policy.check(caller, Asked(case.method, case.path, "", {}, ADDRESS), case.domain, ARN)
    except Refused:
        return False
    return True


def everybody_by_arn(case: Case) -> bool:
    """AWS documents that what a policy gives everybody by aws:PrincipalArn is narrowed by no boundary. The emulated one narrows it."""
    return case.boundary is not None and "aws:PrincipalArn" in json.dumps(case.domain)


def differing(answers: list[tuple[Case, bool]]) -> list[tuple[bool | None, dict[str, Any]]]:
    told = [(one, one.judged().allowed, theirs) for one, theirs in answers]
    kinds = Counter((mine, theirs) for _, mine, theirs in told)
    assert kinds[True, True] > len(told) // 20, kinds
    assert kinds[False, False] > len(told) // 4, kinds
    assert sum(n for (mine, _), n in kinds.items() if mine is None) < len(told) // 20, kinds
    return [(mine, one.for_others()) for one, mine, theirs in told if mine is not None and mine is not theirs]


def test_the_front_door_lets_through_what_we_say_it_does(generated: list[Case]) -> None:
    signed = [one for one in generated if one.who and not everybody_by_arn(one)]
    assert differing([(one, at_the_door(one)) for one in signed]) == []


def test_an_evaluator_that_is_not_ours_says_the_same(generated: list[Case]) -> None:
    ended = subprocess.run(
        [str(npm.tool("node")), str(JUDGE)],
        cwd=npm.ready(),
        input="\n".join(json.dumps(one.for_others()) for one in generated),
        capture_output=True,
        text=True,
        check=True,
    )
    words = ended.stdout.split()
    assert len(words) == len(generated)
    assert {*words} == {"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"}
    assert differing([(one, word == "Allowed") for one, word in zip(generated, words, strict=True)]) == []
