"""Given a request to a function of people's verbs, whatever it holds, then there is one answer, and an error says what is wrong."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portcullis.entry import operate
from portcullis.entry.verbs import LEVELS, VERBS
from portcullis.errors import Unreachable
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger

from tests.functions.test_odd_events import VALUES
from tests.operations.people.test_people import OPS, READERS, TOKEN_ROLE, TOKENS, text
from tests.operations.worlds import POOL, Account, account

MODEL = text("{cognito_group: readers}", "{iam_group: ops}")
SEEMLY = [
    "demo",
    "",
    "*",
    "1",
    "0",
    "-1",
    "true",
    "logs-1",
    "anna",
    "readers",
    "2026-11-24T09:00",
    "nothing",
    "GET /logs-1/_search",
]
WORDS = st.sampled_from(
    [*SEEMLY, "\x00", "\ud800", "a\nb", "9" * 40, "\u2028", "{", "[", "a" * 5000, "/", "..", "${user.name}"]
)
ODD = VALUES | WORDS | st.lists(WORDS, max_size=3) | st.just(MODEL) | st.just(10**30)
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(-3, 10**8),
    "Sequence[str]": st.lists(WORDS, max_size=3),
}


@st.composite
def requests(draw: st.DrawFn) -> Any:
    """Mostly of a verb that there is, with arguments that it takes, some of them of the kind that it takes."""
    verb = draw(st.sampled_from(sorted(VERBS.values(), key=lambda one: one.name)))
    names = sorted(verb.arguments)
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) if names else []
    arguments = {name: draw(st.one_of(ODD, *TYPES.values(), WORDS)) for name in chosen}
    request: dict[str, Any] = {"verb": verb.name, "deployment": "demo", "arguments": arguments}
    for name in draw(
        st.lists(st.sampled_from(["deployment", "arguments", "actor", "cause", "proof", "packed", "verb"]), max_size=2)
    ):
        request[name] = draw(ODD)
    return request


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made = account()
    made.registered()
    made.people.groups |= {READERS: (f"Cognito/{POOL}/anna",), OPS: (), TOKENS: (TOKEN_ROLE,)}
    apply_text(made.services, "demo", MODEL, Trigger("a test", "somebody"))

    def silent(*_: Any) -> Any:
        raise Unreachable("AWS does not answer")

    services = replace(made.services, key_desk=silent, connections=silent)
    monkeypatch.setattr(operate, "from_environment", lambda: services)
    return made


class Log(logging.LoggerAdapter[logging.Logger]):
    """A mistake is raised to the test with where it was made."""

    def exception(self, *_: Any, **__: Any) -> None:
        raise


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(request=requests() | ODD, level=st.sampled_from([*LEVELS, "", "other"]))
def test_whatever_is_asked_there_is_one_answer_and_no_mistake(world: Account, request: Any, level: str) -> None:
    told = operate.answer(
        request, f"arn:aws:lambda:eu-central-1:1:function:portcullis-remove:{level}", Log(logging.getLogger(), {})
    )
    json.dumps(told).encode()
    assert told["exit_status"] in (0, 1, 2, 3)
    if "error" in told:
        assert told["error"].strip()
        assert "Traceback" not in told["error"]
        assert "mistake of Portcullis" not in told["error"]
    else:
        assert {"answer"} == told.keys() - {"exit_status"} or "packed" in told
