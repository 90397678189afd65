"""What each request of the families' needs.jsonl needs, asked of real engines, and kept there by release.

`python -m benchmarks.deciding.asked_needs` asks all of the releases below, `--of 3.4.0` one alone. Each request is sent by a person who may
nothing; the refusal names what is missing; they are given that, on what the request names, and ask again, until nobody refuses them. A
line of the file ends with what was said: release -> the actions in the order in which they were missing, and the status of the last
answer; or, as text, why nothing could be learnt. An action that is asked of more than we say ends in ` on all`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting import asking
from portcullis.families.elasticsearch.requesting.requests import needs as of_elastic
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.requesting.actions import is_cluster_action
from portcullis.families.opensearch.requesting.need import NotKnown
from portcullis.families.opensearch.requesting.requests import needs as of_opensearch

from benchmarks.deciding.things import FOR_OPENSEARCH, for_elastic
from local.elastic.node import Elasticsearch
from local.node.node import Node
from local.node.security import SecuritySetup
from tests.fixtures_node import CACHE, FEW_ROUNDS
from tests.model.test_filters_on_node import API, HASH, PASSWORD

HERE = Path(__file__).resolve().parents[2] / "tests" / "families"
ALL, MORE = "*", " on all"
_ROUNDS = 14
_ONCE = "/_features/_reset"  # whoever may takes away every role
_OF_INDICES = frozenset(
    ("_aliases", "_alias", "_bulk", "_data_stream", "_all", "_reindex", "_close", "_settings", "_mapping")
)
_CHANGES_NOTHING = frozenset(
    (
        *("_search", "_count", "_refresh", "_flush", "_forcemerge", "_cache", "_analyze", "_explain", "_termvectors"),
        *("_validate", "_field_caps", "_msearch", "_mget", "_mtermvectors", "_rank_eval", "_render", "_search_shards"),
    )
)
Wanted = Mapping[str, tuple[str, ...]]  # action -> the names it is asked of, as far as we say


@dataclass
class Asking:
    method: str
    path: str
    body: Any
    wanted: Wanted
    given: dict[str, tuple[str, ...]] = field(default_factory=dict)
    said: Any = None

    def give(self, action: str) -> bool:
        """What is missing: on what we say it is asked of, else on all. False: they have it on all already."""
        named = self.given.get(action)
        if named == (ALL,):
            return False
        some = self.wanted.get(action) or tuple(name for names in self.wanted.values() for name in names)
        self.given[action] = (some or (ALL,)) if named is None else (ALL,)
        return True

    def end(self, status: int, text: str) -> None:
        told = [f"{one}{self._more(one)}" for one in self.given]
        if status == 403 and told:  # an action that is no privilege, or a refusal for another reason
            self.said = f"refused still with {', '.join(self.given)}"
        else:
            self.said = [*told, status] if told or status < 400 else _why(status, text)

    def _more(self, action: str) -> str:
        return MORE if self.given[action] == (ALL,) and self.wanted.get(action) else ""


def _kind(path: str) -> str:
    """What is changed by a request: documents of the cluster by their path's first part, "" indices, a word of its own nothing."""
    parts = path.partition("?")[0].strip("/").split("/")
    if _CHANGES_NOTHING & set(parts):
        return "nothing"
    return parts[0] if parts[0].startswith("_") and parts[0] not in _OF_INDICES else ""


def _why(status: int, text: str) -> str:
    if status == 405 or "no handler found" in text:
        return "no such request"
    found = re.search(r'"type":"([a-z_]+)","reason":"(.{0,90})', text)
    return f"before any permission: {status} {': '.join(found.groups()) if found else text[:90]}".strip()


class Engine(ABC):
    refusal: re.Pattern[str]
    things: Iterable[tuple[str, str, Any]]

    def __init__(self, node: Node | Elasticsearch) -> None:
        self.node, self.session = node, requests.Session()
        self.session.trust_env, self.session.verify = False, str(node.ca)

    def fresh(self, of: str | None = None) -> None:
        """All that the requests name is there, and is as it was. `of`: after that path, which cannot have changed all of it."""
        for method, path, body in self.things:
            if of is None or _kind(of) == _kind(path):
                self.node.ask(method, path, body, timeout=120)

    @abstractmethod
    def wanted(self, method: str, path: str, body: Any) -> Wanted: ...

    @abstractmethod
    def give(self, given: Mapping[int, Mapping[str, tuple[str, ...]]]) -> None:
        """Person N has these actions on these names and nothing else."""

    def refused(self, text: str) -> list[str]:
        """The actions that an answer says are missing, of the whole or of some items."""
        named = (action for found in self.refusal.findall(text) for action in found.split(", "))
        return [action for action in dict.fromkeys(named) if action]

    @abstractmethod
    def as_whom(self, person: int) -> dict[str, Any]: ...

    def filled(self, body: Any) -> Any:
        return body

    def ask(self, person: int, one: Asking) -> tuple[int, str]:
        body = self.filled(one.body)
        as_whom = self.as_whom(person)
        lines = isinstance(body, str)
        headers = {
            **as_whom.pop("headers", {}),
            "content-type": "application/x-ndjson" if lines else "application/json",
        }
        sent = body if lines else None if body is None else json.dumps(body)
        url = f"{self.node.url}/{one.path.lstrip('/')}"
        got = self.session.request(one.method, url, data=sent, headers=headers, timeout=120, **as_whom)
        return got.status_code, got.text

    def asked(self, lines: Iterable[tuple[str, str, Any]]) -> list[Any]:
        self.fresh()
        every = [Asking(*line, self.wanted(*line)) for line in lines]
        self.give({place: {} for place in range(len(every))})
        for _ in range(_ROUNDS):
            changed = {}
            for place, one in enumerate(every):
                if one.said is not None:
                    continue
                status, text = self.ask(place, one)
                again, more = self.refused(text), []
                for action in again:
                    more += [action] if action not in one.given and one.give(action) else []
                if (
                    status == 403 and not more
                ):  # nothing new is named: they try what we say, one after another, and then more names
                    rest = [action for action in one.wanted if action not in one.given][:1] or again
                    more = [action for action in rest if one.give(action)]
                if more and one.path != _ONCE:
                    changed[place] = one.given
                else:
                    one.end(status, text)
                if one.method not in ("GET", "HEAD") and status < 300:
                    self.fresh(one.path)
            print(f"{sum(one.said is None for one in every)} to be asked again", file=sys.stderr, flush=True)
            if not changed:
                break
            self.give(changed)
        return [one.said if one.said is not None else "refused without an end" for one in every]


class OfOpenSearch(Engine):
    refusal = re.compile(r"no permissions for \[(.*?)\] and ")
    things = FOR_OPENSEARCH
    node: Node

    def wanted(self, method: str, path: str, body: Any) -> Wanted:
        found: dict[str, tuple[str, ...]] = {}
        try:
            for one in of_opensearch(method, path, self.filled(body)):
                names = tuple(name for name in one.indices if name not in ("_all", ALL))
                found[one.action] = (*found.get(one.action, ()), *names)
        except NotKnown:
            return {}
        return found

    def filled(self, body: Any) -> Any:
        """With a real point in time."""
        if not isinstance(body, dict) or "a point in time" not in body.values():
            return body
        point = self.node.ask("POST", "/need-a/_search/point_in_time?keep_alive=1m")[1]["pit_id"]
        return {"pit": {"id": point}} if "pit" in body else {"pit_id": [point]}

    def give(self, given: Mapping[int, Mapping[str, tuple[str, ...]]]) -> None:
        roles = {}
        for person, actions in given.items():
            of_cluster = [one for one, names in actions.items() if is_cluster_action(one) or names == (ALL,)]
            of_indices = [
                {"index_patterns": list(names), "allowed_actions": [one]}
                for one, names in actions.items()
                if not is_cluster_action(one) or names == (ALL,)
            ]
            roles[f"needs-{person}"] = {"cluster_permissions": of_cluster, "index_permissions": of_indices}
        users = {name: {"hash": HASH, "opendistro_security_roles": [name]} for name in roles}
        for kind, documents in ((Kind.ROLES, roles), (Kind.USERS, users)):
            operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
            status, said = self.node.ask("PATCH", API + kind.value, operations, timeout=300)
            if status != 200:
                raise RuntimeError(f"{kind}: {status} {str(said)[:300]}")

    def as_whom(self, person: int) -> dict[str, Any]:
        return {"auth": (f"needs-{person}", PASSWORD)}


class OfElasticsearch(Engine):
    refusal = re.compile(r"action \[([^ ]+?)\] is unauthorized")
    node: Elasticsearch

    def __init__(self, node: Elasticsearch) -> None:
        super().__init__(node)
        self.things = for_elastic(old=node.version.startswith("6."))

    def wanted(self, method: str, path: str, body: Any) -> Wanted:
        found: dict[str, tuple[str, ...]] = {}
        for one in of_elastic(asking.Request(method, path, body=body), Release.of(self.node.version)) or ():
            names = tuple(name for name in (*one.names, *one.beside, *one.aliases) if name not in ("_all", ALL))
            found[one.action] = (*found.get(one.action, ()), *names)
        return found

    def give(self, given: Mapping[int, Mapping[str, tuple[str, ...]]]) -> None:
        roles: dict[str, Any] = {}
        for person, actions in given.items():
            roles[f"needs-{person}"] = {
                "cluster": [one for one in actions if one.startswith("cluster:") or "template/" in one],
                "indices": [
                    {"names": list(names), "privileges": [one]}
                    for one, names in actions.items()
                    if one.startswith("indices:")
                ],
            }
        if int(self.node.version.split(".")[0]) > 7:
            status, said = self.node.ask("POST", "/_security/role", {"roles": roles}, timeout=300)
            if status != 200:  # a role with an action that is taken for no privilege is left as it was
                raise RuntimeError(f"{status} {str(said)[:300]}")
            return
        for name, role in roles.items():
            status, said = self.node.ask("PUT", f"/_security/role/{name}", role)
            if status != 200:
                raise RuntimeError(f"{name}: {status} {str(said)[:300]}")

    def as_whom(self, person: int) -> dict[str, Any]:
        return {
            "auth": (self.node.user, self.node.password),
            "headers": {"es-security-runas-user": f"needs-{person}"},
        }


def _people(count: int) -> dict[str, bytes]:
    """Of a realm of files: there from the start, and nobody hashes their passwords."""
    of = [f"needs-{person}" for person in range(count)]
    return {
        "users": "".join(f"{one}:{HASH.replace('$2b$', '$2a$')}\n" for one in of).encode(),
        "users_roles": "".join(f"{one}:{one}\n" for one in of).encode(),
    }


def opensearch(version: str, lines: list[tuple[str, str, Any]]) -> list[Any]:
    setup = SecuritySetup.basic(settings=FEW_ROUNDS)
    with TemporaryDirectory() as home, Node.start(Path(home), CACHE, version, security=setup) as node:
        return OfOpenSearch(node).asked(lines)


def elasticsearch(version: str, lines: list[tuple[str, str, Any]]) -> list[Any]:
    with TemporaryDirectory() as home:
        settings, files = {"path.repo": [home]}, _people(len(lines))
        with Elasticsearch.start(Path(home), CACHE, version, settings=settings, files=files) as node:
            return OfElasticsearch(node).asked(lines)


BY_RELEASE = {
    "3.4.0": (opensearch, "opensearch"),
    "2.19.3": (opensearch, "opensearch"),
    "9.5.3": (elasticsearch, "elasticsearch"),
    "6.8.23": (elasticsearch, "elasticsearch"),
}
_SAID = {"opensearch": 4, "elasticsearch": 5}  # where in a line it stands


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", default="")
    given = parser.parse_args()
    for release, (ask, family) in BY_RELEASE.items():
        if given.of not in release:
            continue
        file = HERE / family / "needs.jsonl"
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        told = ask(release, [(method, path, body) for method, path, body, *_ in lines])
        for line, said in zip(lines, told, strict=True):
            if len(line) == _SAID[family]:
                line.append({})
            line[-1][release] = said
        file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        print(release, sum(isinstance(one, list) for one in told), "of", len(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
