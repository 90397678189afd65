"""Answers of real engines to random requests, kept: so that what we say is held against them without a machine.

`python -m benchmarks.deciding.kept` asks them again, all of the releases below, and writes the files of tests/families/kept anew:
one JSON document a line, first what its requests have in common. `--of 3.4.0` one release alone, `--start 5000` from another seed.
What is left of an answer is what it is compared by: its status, of a search what it shows, of several items each one's error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.families.elasticsearch.answering import ELASTICSEARCH
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.families.elasticsearch.documents.config import Kind as ElasticKind
from portcullis.families.elasticsearch.documents.config import SecurityConfig as ElasticConfig
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.names.world import EngineFacts, Release

from benchmarks.deciding import beside, beside_node, elastic, matcher, wider
from benchmarks.deciding.cases import FIELDS, GROUPS, case
from benchmarks.deciding.counted import Counts, Found
from benchmarks.deciding.on_node import CHANGES_ITSELF, OnNode
from local.elastic.node import Elasticsearch
from local.node.node import Node
from local.node.security import SecuritySetup
from local.oracle.plugin import RELEASES, Plugin
from tests.fixtures_node import CACHE, FEW_ROUNDS

Json = dict[str, Any]
HERE = Path(__file__).resolve().parents[2] / "tests" / "families" / "kept"
OF_ELASTIC = ("9.5.3", "6.8.23")
_CASES, _REQUESTS, _OF_ELASTIC, _PAIRS = 60, 480, 300, 4000
_LONG = 400
_SHOWN = ("_index", "_id", "_source", "_type")
_NOT_COMPARED = (
    "_shards",
    "took",
    "root_cause",
    "_score",
    "timed_out",
    "aggregations",
    "profile",
    "max_score",
    "total",
)


# ---- the plugin's own classes: a line is a case with its answers


def classes(version: str, start: int) -> Iterator[Json]:
    """Of three times as many cases those in which most is seen: a random config refuses most."""
    now = datetime.now(UTC)
    yield {"version": version, "now": now.isoformat()}
    cases = [case(seed, now) for seed in range(start, start + 4 * _CASES)]
    with Plugin(version, CACHE) as plugin:
        both = [(one, told) for one, told in zip(cases, plugin.ask(cases), strict=True) if "answers" in told]
    both.sort(key=lambda pair: sum(len(one.get("views", ())) for one in pair[1]["answers"]), reverse=True)
    for one, told in both[:_CASES]:
        kept = {**one, "security": {k: v for k, v in one["security"].items() if k != "actiongroups"}}
        del kept["fields"]
        yield from _alike(
            beside_classes, {"version": version, "now": now.isoformat()}, {"case": kept, "answers": told["answers"]}
        )


def beside_classes(first: Json, line: Json) -> tuple[list[str], int]:
    """What is said otherwise than the classes did, and how many questions are left open."""
    one = {**line["case"], "fields": list(FIELDS)}
    one["security"] = {**one["security"], "actiongroups": GROUPS}
    counts = beside.Counts()
    now = datetime.fromisoformat(first["now"])
    found = list(beside.compare(one, {"answers": line["answers"]}, first["version"], now, counts))
    return [one.what for one in found], counts.unknown


# ---- the plugin's matcher alone: a line is some patterns with names


def matched(version: str, start: int) -> Iterator[Json]:
    """Java is one for all releases here: those of one are enough."""
    yield {"version": version}
    asked = list(matcher.pairs(start, _PAIRS))
    with Plugin(version, CACHE) as plugin:
        (told,) = plugin.ask([{"match": asked}])
    for line in matcher.bunches(asked, told["matched"]):
        differing, left_open = matcher.beside(line)
        for one in differing:
            print("otherwise, and not kept:", one)
        yield {"pairs": [one for one in line["pairs"] if not matcher.beside({"pairs": [one]})[0]], "open": left_open}


def beside_matcher(first: Json, line: Json) -> tuple[list[str], int]:
    return matcher.beside(line)


# ---- a node of OpenSearch: a line is a config with its requests


def node(version: str, start: int) -> Iterator[Json]:
    base: Json = {}
    configs: list[tuple[SecurityConfig, EngineFacts, list[beside_node.Sent]]] = []

    def keep(held: SecurityConfig, facts: EngineFacts, sent: beside_node.Sent) -> None:
        if not configs or configs[-1][0] is not held:
            configs.append((held, facts, []))
        configs[-1][2].append(sent)

    for free_wins in (False, True):
        settings = {**FEW_ROUNDS, **CHANGES_ITSELF, "plugins.security.dfm_empty_overrides_all": free_wins}
        setup = SecuritySetup.basic(settings=settings)
        with TemporaryDirectory() as home, Node.start(Path(home), CACHE, version, security=setup) as one:
            on = OnNode(one, free_wins=free_wins)
            beside_node.play(on, start + 1000 * free_wins, _REQUESTS // 2, Counts(), keep)
            on.end()
    for held, facts, sent in configs:
        security = _of_somebody(held)
        if not base:
            base = {kind: {k: v for k, v in of.items() if v.get("reserved")} for kind, of in security.items()}
            yield {"version": version, "security": base}
        mine = {kind: {k: v for k, v in of.items() if base[kind].get(k) != v} for kind, of in security.items()}
        given = {k: v for k, v in asdict(facts).items() if k not in ("release", "now")}
        line: Json = {"security": mine, "facts": given, "now": facts.now.isoformat() if facts.now else None}
        line["sent"] = [[one.who, *one.request, one.fields, one.status, _less(one.text)] for one in sent]
        yield from _alike(beside_nodes, {"version": version, "security": base}, line)


def _of_somebody(held: SecurityConfig) -> Json:
    """Without the roles that nobody is mapped to, and without what is there to be read by people."""
    security = {kind.value: {name: dict(one) for name, one in held.of(kind).items()} for kind in Kind}
    mapped = set(security[Kind.MAPPINGS])
    for user in security[Kind.USERS].values():
        mapped |= set(user.get("opendistro_security_roles") or ())
    security[Kind.ROLES] = {name: one for name, one in security[Kind.ROLES].items() if name in mapped}
    for of in security.values():
        for one in of.values():
            one.pop("description", None)
    return security


def beside_nodes(first: Json, line: Json) -> tuple[list[str], int]:
    security = {kind: {**of, **line["security"][kind]} for kind, of in first["security"].items()}
    held = SecurityConfig(security)
    facts = EngineFacts(
        **_frozen(line["facts"]),
        release=Release(first["version"]),
        now=datetime.fromisoformat(line["now"]),
    )
    compiled, tally = Compiled(held, facts), Counts()
    found = []
    for who, method, path, body, fields, status, text in line["sent"]:
        sent = beside_node.Sent(who, (method, path, body), fields, status, text)
        found += [
            f"{who} {method} {path}: {what}" for what, _ in beside_node.differing(sent, held, facts, compiled, tally)
        ]
    return found, tally.unknown


# ---- Elasticsearch: a line is what some users had, with their requests


def elasticsearch(version: str, start: int) -> Iterator[Json]:
    asked_of: list[tuple[ElasticConfig, list[Any]]] = []
    decided: list[tuple[Json, list[Any]]] = []

    def keep(held: ElasticConfig, user: str, request: tuple[str, str], status: int, said: Any) -> None:
        if not asked_of or asked_of[-1][0] is not held:
            asked_of.append((held, []))
        asked_of[-1][1].append([user, *request, status, _part(said)])

    def keep_too(question: Json, status: int, said: Any) -> None:
        if not decided or decided[-1][0]["security"] is not question["security"]:
            decided.append(({key: question[key] for key in ("engine", "security", "world")}, []))
        decided[-1][1].append([question["principal"], question["request"], status, _part(said)])

    with TemporaryDirectory() as home, Elasticsearch.start(Path(home), CACHE, version) as one:
        asked = elastic.Asked(one, streams=True)
        there = asdict(asked.there)
        elastic.play(asked, _OF_ELASTIC, Counts(), seed=start, at_once=50, keep=keep)
        asked.end()
        more = wider.Wider(one, streams=True)
        wider.play(more, _OF_ELASTIC, Counts(), seed=start, at_once=50, keep=keep_too)
    yield {"version": version, "there": there}
    for held, sent in asked_of:
        users = {name: dict(held.of(ElasticKind.USERS)[name]) for name in elastic.USERS}
        named = {role for user in users.values() for role in user["roles"]}
        roles = {name: one for name, one in held.of(ElasticKind.ROLES).items() if name in named}
        line: Json = {"held": {ElasticKind.ROLES.value: roles, ElasticKind.USERS.value: users}, "sent": sent}
        yield from _alike(beside_elasticsearch, {"there": there}, line)
    for question, sent in decided:
        named = {role for user in question["security"]["users"].values() for role in user["roles"]}
        roles = {name: one for name, one in question["security"]["roles"].items() if name in named}
        line = {"question": {**question, "security": {**question["security"], "roles": roles}}, "sent": sent}
        yield from _alike(beside_elasticsearch, {"there": there}, line)


def beside_elasticsearch(first: Json, line: Json) -> tuple[list[str], int]:
    counts = Counts()
    if "held" in line:
        held = ElasticConfig(line["held"])
        there = There(**_frozen(first["there"]))
        for user, method, path, status, said in line["sent"]:
            request = Request(method, f"/{path}")
            told = ELASTICSEARCH.answer(held, Caller(user), request, there)
            elastic.compare(counts, told, status, said, f"{user} {method} {path}", held, user)
    else:
        for principal, request, status, said in line["sent"]:
            answer = answer_question({**line["question"], "principal": principal, "request": request})
            if answer["allowed"] is None or (answer["status"] is None and "items" not in answer):
                counts.unknown += 1
                continue
            for what, more in wider.differing(answer, status, said, request["path"].removeprefix("/")):
                counts.found.append(Found(f"{principal} {request}: {what}", more))
    return [one.what for one in counts.found], counts.unknown


def _frozen(given: Json) -> Json:
    return {key: tuple(one) if isinstance(one, list) else one for key, one in given.items()}


def _alike(compare: Callable[[Json, Json], tuple[list[str], int]], first: Json, line: Json) -> Iterator[Json]:
    """With how many are left open; what we say otherwise is no row of a test, and is shown for somebody to look at."""
    differing, left_open = compare(first, line)
    for one in differing:
        print("otherwise, and not kept:", one)
    if differing:
        line["sent"] = [one for one in line.get("sent", ()) if not compare(first, {**line, "sent": [one]})[0]]
        _, left_open = compare(first, line)
    yield {**line, "open": left_open}


# ---- what is left of an answer


def _less(text: str) -> str:
    """Of a text that a node of OpenSearch answered."""
    try:
        said = json.loads(text)
    except ValueError:
        return text[:300]
    if isinstance(said, dict) and said.keys() & {"hits", "items", "responses", "docs", "error"}:
        return json.dumps(_part(said))
    return "no permissions for [" if "no permissions for [" in text else ""


def _part(said: Any) -> Any:
    """Of a document that an engine answered. What is long and says nothing of hits, items or errors is not compared."""
    told = {"hits", "items", "responses", "docs", "error"}
    if isinstance(said, Mapping) and not said.keys() & told and len(json.dumps(said)) > _LONG:
        return {}
    return _without(said)


def _without(said: Any) -> Any:
    if isinstance(said, list):
        return [_without(one) for one in said]
    if not isinstance(said, Mapping):
        return said
    if "_source" in said and "_index" in said:
        return {key: said[key] for key in _SHOWN if key in said}
    return {key: _without(one) for key, one in said.items() if key not in _NOT_COMPARED}


BY_FILE = {
    **{f"classes-{version}": (classes, version) for version in RELEASES},
    "matcher-3.4.0": (matched, "3.4.0"),
    **{f"opensearch-{version}": (node, version) for version in RELEASES},
    **{f"elasticsearch-{version}": (elasticsearch, version) for version in OF_ELASTIC},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", default="")
    parser.add_argument("--start", type=int, default=31_000)
    given = parser.parse_args()
    for name, (ask, version) in BY_FILE.items():
        if given.of in name:
            lines = [json.dumps(line, ensure_ascii=False) for line in ask(version, given.start)]
            (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(name, len(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
