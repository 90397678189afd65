"""Given a request of any shape, then it is answered: done, refused or bad input, and never an unhandled error."""

from __future__ import annotations

import logging
from inspect import signature
from typing import Any

import pytest
from portcullis.custody.types import State
from portcullis.entry import caller_proof, given, operate
from portcullis.entry.verbs import VERBS
from portcullis.errors import Refused

from tests.operations.estates import estate
from tests.operations.worlds import ACCOUNT, Account, model_text

LOG = logging.getLogger("portcullis.tests")
DOOR = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:portcullis-operate:delete"


def nested(deep: int) -> Any:
    value: Any = "x"
    for _ in range(deep):
        value = [value]
    return value


WRONG: dict[str, Any] = {
    "nothing": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "huge": 10**30,
    "fraction": 1.5,
    "empty": "",
    "text": "x",
    "digits": "7",
    "many digits": "9" * 5000,
    "long": "x" * 600_000,
    "null": "\0",
    "half": "\ud800",
    "line": "a\u2028b\nc",
    "escape": "\x1b[2J",
    "bidi": "\u202egro",
    "nan": float("nan"),
    "list": [],
    "texts": ["a"],
    "numbers": [1],
    "object": {},
    "objects": {"a": {"b": []}},
    "nested": nested(15),
    "deep": nested(900),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Account:
    one = estate("demo", options={"break_glass_minutes": 60})
    monkeypatch.setattr(operate, "from_environment", lambda: one.services)
    return one.account


def answered(request: Any) -> dict[str, Any]:
    answer = operate.answer(request, DOOR, LOG)
    assert answer["exit_status"] in (0, 1, 2, 3)
    assert "a mistake of Portcullis itself" not in answer.get("error", ""), answer
    return answer


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_argument_of_every_verb_may_be_anything(made: Account, verb: str) -> None:
    for wrong in WRONG.values():
        for argument in sorted(VERBS[verb].arguments):
            answered({"verb": verb, "deployment": "demo", "arguments": {argument: wrong}})
        answered({"verb": verb, "deployment": "demo", "arguments": dict.fromkeys(VERBS[verb].arguments, wrong)})


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("part", ["verb", "deployment", "arguments", "actor", "cause", "proof", "another"])
def test_every_part_of_a_request_may_be_anything(made: Account, part: str, wrong: Any) -> None:
    answered({"verb": "status", "deployment": "demo", "arguments": {}, part: wrong})


@pytest.mark.parametrize("request_", WRONG.values(), ids=WRONG)
def test_a_request_itself_may_be_anything(made: Account, request_: Any) -> None:
    assert answered(request_)["exit_status"] == 2


@pytest.mark.parametrize(
    ("verb", "arguments", "place"),
    [
        ("delete", {"confirm": "demo", "snapshot": "false"}, "snapshot"),
        ("apply", {"text": ["a"]}, "text"),
        ("plan", {"adopt": "no"}, "adopt"),
        ("history", {"limit": True}, "limit"),
        ("history", {"limit": 0}, "limit"),
        ("history", {"limit": 10**8}, "limit"),
        ("key-policy", {"org_paths": "o-1"}, "org_paths"),
        ("lock", {"reason": "a leak\nlocked: open -> open"}, "reason"),
        ("lock", {"reason": "\x1b[2Ja leak"}, "reason"),
        ("lock", {"reason": 5.5}, "reason"),
        ("lock", {"reason": "   "}, "reason"),
    ],
)
def test_what_is_of_another_kind_is_bad_input_that_names_it(
    made: Account, verb: str, arguments: dict[str, Any], place: str
) -> None:
    answer = answered({"verb": verb, "deployment": "demo", "arguments": arguments})
    assert (answer["exit_status"], answer["place"]) == (2, place)
    assert made.ledger.custody("demo").state is State.OPEN


def test_numbers_may_come_as_their_digits_and_nothing_as_null(made: Account) -> None:
    for arguments in ({"limit": "5"}, {"limit": 5, "entry": None}):
        assert answered({"verb": "history", "deployment": "demo", "arguments": arguments})["exit_status"] == 0


# ---------------------------------------------------------------------- who asks


@pytest.mark.parametrize(
    "name", ["anna", "\n2026-11-28 locked: proven", "x" * 600_000, {"arn": "anna"}, ["a"], "anna (proven)"]
)
def test_an_actor_who_is_not_proven_is_called_so_first_and_is_one_short_line(made: Account, name: Any) -> None:
    answered({"verb": "lock", "deployment": "demo", "arguments": {"reason": "a leak"}, "actor": name})
    actors = {change.actor for change in made.ledger.history("demo")}
    assert actors
    for actor in actors:
        assert actor.startswith("not proven: ")
        assert actor.isprintable()
        assert len(actor) < 400


@pytest.mark.parametrize("proof", ["Action=GetCallerIdentity&Action=Other", "x" * 9000, "a=1", "%ff", 5, ["a"]])
def test_a_proof_that_is_none_is_not_one(made: Account, proof: Any) -> None:
    who = operate.actor_of({"verb": "status", "actor": "anna", "proof": proof}, ACCOUNT)
    assert who.startswith("not proven (")
    assert who.endswith("): anna")


def test_a_proof_of_another_account_is_refused(made: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = "arn:aws:iam::999988887777:user/owner"
    monkeypatch.setattr(caller_proof, "proven", lambda *_: theirs)
    with pytest.raises(Refused, match="not of this account"):
        operate.actor_of({"proof": "signed"}, ACCOUNT)
    request = {"verb": "lock", "deployment": "demo", "arguments": {"reason": "a leak"}, "proof": "signed"}
    assert answered(request)["exit_status"] == 1
    assert made.ledger.custody("demo").state is State.OPEN
    monkeypatch.setattr(caller_proof, "proven", lambda *_: theirs.replace("999988887777", ACCOUNT))
    assert answered(request)["exit_status"] == 0
    assert made.ledger.custody("demo").state is not State.OPEN


def test_what_a_model_says_wrongly_is_told_and_nothing_happens(made: Account) -> None:
    for text in (
        "",
        "- a",
        "&a [*a]",
        "{" * 5000,
        model_text("  roles: 5\n"),
        "deployment: \x00",
        "a: !!python/object:os.system {}",
    ):
        answer = answered({"verb": "apply", "deployment": "demo", "arguments": {"text": text}})
        assert answer["exit_status"] == 2
    assert made.engine.writes == 0


def test_every_kind_of_argument_that_a_verb_takes_is_known() -> None:
    for verb in VERBS.values():
        for one in signature(verb.function).parameters.values():
            if one.kind is one.KEYWORD_ONLY:
                assert str(one.annotation) in given.KINDS, one
