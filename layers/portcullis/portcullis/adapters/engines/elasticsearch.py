"""An Elasticsearch through its own security API, as an automation account of its own (basic or API key over verified TLS).

There is no control of concurrency in that API: of two who write one document, the last wins, and is told so by nobody. So there is one
writer a cluster (the ledger's fence), and where the documents can be read with their sequence numbers, each is looked at right before
it is written: whoever wrote since it was read is seen. That narrows what the fence leaves open, and cannot close it.

Every answer comes after all nodes have dropped what they had cached of the document: nothing has to be loaded again. Nothing is ever
written with `refresh=false`, which would turn that around.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from portcullis.access.actual import EngineSettings, Json, Write
from portcullis.access.terms import NOT_SIGNED_IN
from portcullis.adapters.engines.answers import Transport, filters_in, message, refuse, what_stops_a_search
from portcullis.adapters.engines.blocks import ALL, IndexBlocks
from portcullis.adapters.engines.elastic_calls import all_of, in_path, path_of_some, without_secrets
from portcullis.adapters.engines.elastic_nobody import roles_of_nobody
from portcullis.adapters.engines.elastic_numbers import Numbers
from portcullis.adapters.engines.elastic_policies import Policies
from portcullis.adapters.engines.elastic_roles import Roles
from portcullis.adapters.engines.elastic_searches import Searches
from portcullis.adapters.engines.elastic_tokens import Tokens
from portcullis.correlation import carry
from portcullis.errors import PortcullisError
from portcullis.families.all_but_own import all_but, is_own
from portcullis.families.elasticsearch.documents.config import (
    MEMBERS,
    PASSWORD_OF_THE_NODES,
    RESERVED,
    ROLES_OF_NOBODY,
    WRITTEN,
    Kind,
    SecurityConfig,
)
from portcullis.families.elasticsearch.documents.writes import DISABLE, ENABLE, PUT, REMOVE
from portcullis.families.elasticsearch.known.own_indices import own_indices
from portcullis.families.elasticsearch.known.release import Release
from portcullis.ports.engine import Aside, Names, Principal, Stop, nowhere

_API = "/_security"
_NO_INDEX = "portcullis-asks-and-there-is-no-such-index"
_THREADS = 8  # writes at a time where a release takes one document a call


class ElasticsearchEngine:
    """One cluster. `transport(method, path, params, body) -> (status, parsed body)`. The release is asked for unless it is given."""

    def __init__(self, transport: Transport, name: str, release: Release | None = None) -> None:
        self._transport, self._name = transport, name
        self._release = release
        self._licence = ""  # as it came with a reading, and was not asked for since
        self._blocks = IndexBlocks(transport, name, self._others, lambda: self.names().indices)
        self._searches = Searches(transport, name, self._others)
        self._tokens, self._policies = Tokens(transport, name), Policies(transport, name)
        self._roles = Roles(transport, name, lambda: self._collection(Kind.ROLES))
        self._numbers = Numbers(transport, name)

    @property
    def release(self) -> Release:
        if self._release is None:
            # Not `GET /`: some packages have no such call.
            found = self._ask("GET", "/_nodes/_local", {"filter_path": "nodes.*.version"})
            (node,) = found["nodes"].values()
            self._release = Release.of(str(node["version"]), source=self._name, place="version")
        return self._release

    @property
    def dialect(self) -> str:
        """The release and the licence: what may be written depends on both. The licence is that of a reading that came right before."""
        licence, self._licence = self._licence or self.licence(), ""
        return f"{self.release} {licence}"

    def licence(self) -> str:
        """basic, trial, platinum, ...: what a role may hold depends on it."""
        return str(self._ask("GET", "/_license")["license"]["type"])

    def _licence_if_told(self) -> str:
        """With a reading: whoever needs it and did not get it asks for it, and is told why not."""
        try:
            return self.licence()
        except PortcullisError:
            return ""

    # ------------------------------------------------------------------ the security config

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        """What the engine holds now. One GET a kind, all at once; who has a role stands in the users; API keys are those of our own
        account. With everything come the roles of whoever does not sign in, which the nodes' settings give and nobody can write, and the
        licence.

        Of some kinds alone, as a lock reads: whatever somebody writes meanwhile, what it decides is written. A conflict would have it wait
        for them.
        """
        self._numbers.read(whole=kinds is None)
        asked = tuple(dict.fromkeys(map(_documents, kinds or Kind)))
        if Kind.KEYS in asked:
            _ = self.release  # asked for once, and not by one of several at once
        with ThreadPoolExecutor(len(asked) + 2, initializer=carry()) as readers:
            nobody = readers.submit(roles_of_nobody, self._transport) if kinds is None else None
            licence = readers.submit(self._licence_if_told) if kinds is None else None
            found: dict[str, dict[str, Json]] = dict(zip(asked, readers.map(self._collection, asked), strict=True))
        if nobody and (roles := nobody.result()):
            found[NOT_SIGNED_IN] = {ROLES_OF_NOBODY: {"roles": roles}}
        self._licence = licence.result() if licence else ""
        return SecurityConfig(found)

    def read_some(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        """With the licence."""
        if not (asked := {_documents(kind): some for kind, some in names.items() if some}):
            return SecurityConfig()
        self._numbers.read_some(asked)
        with ThreadPoolExecutor(1, initializer=carry()) as reader:
            licence = reader.submit(self._licence_if_told)
            found = self.look(names)
        self._licence = licence.result()
        return found

    def look(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        """Not with a reading's sequence numbers: a write is held against those of the reading that it was computed from."""
        asked = {_documents(kind): some for kind, some in names.items() if some}
        if not asked:
            return SecurityConfig()
        with ThreadPoolExecutor(len(asked), initializer=carry()) as readers:
            paths = (path_of_some(kind, some) for kind, some in asked.items())
            found = dict(zip(asked, readers.map(self._collection, asked, paths), strict=True))
        return SecurityConfig(
            {kind: {name: one for name, one in found[kind].items() if name in some} for kind, some in asked.items()}
        )

    def _collection(self, kind: Kind, some: str = "") -> dict[str, Json]:
        if kind is Kind.KEYS:
            return self._keys()
        status, body = self._transport("GET", f"{_API}/{kind}{some}", None, None)
        if status == 404 and body == {}:
            return {}  # there is none
        if status != 200:
            refuse(self._name, status, body, f"GET {_API}/{kind}{some}")
        if kind is Kind.ROLES:
            self._roles.were_read(body, everything=not some)
        if kind is Kind.USERS:
            return {name: self._marked(name, user) for name, user in body.items()}
        if kind is Kind.PRIVILEGES:
            return {f"{application}/{name}": one for application, of in body.items() for name, one in of.items()}
        return dict(body)

    def _marked(self, name: str, user: Json) -> Json:
        """A reserved user with a mark, unless its password is known to stand in the security index; as a lock reads them, any other one
        with how it was written."""
        if written := self._numbers.written(name):
            return {**user, WRITTEN: written}
        if not (user.get("metadata") or {}).get(RESERVED) or self._numbers.knows_reserved(name):
            return user
        return {**user, PASSWORD_OF_THE_NODES: True}

    def _keys(self) -> dict[str, Json]:
        """Keys of ours that can still be used. Older releases do not show what a key holds, nor change it."""
        if not self.release.has_key_updates:
            return {}
        found = self._ask("GET", f"{_API}/api_key", {"owner": "true"})["api_keys"]
        # The key that this connection itself comes with is no key to be narrowed: who would widen it again?
        this = (self._ask("GET", f"{_API}/_authenticate").get("api_key") or {}).get("id")
        usable = (one for one in found if not one.get("invalidated") and one["id"] != this)
        return {one["id"]: one for one in usable if one.get("type", "rest") == "rest"}

    def write(self, write: Write) -> bool:
        """One call. True if the engine may have changed anything; of a document that was gone already, false.

        Conflict: somebody wrote one of these documents since they were read. Refused: the engine will never take it; where several are in
        one call it says which, and the others are written. Unreachable: it may or may not have been written.
        """
        self._numbers.nobody_wrote(write)
        kind, body = Kind(write.kind), list(write.body)
        if kind is Kind.ROLES and self.release.has_bulk_roles:
            return self._many_roles(body)
        if kind is Kind.PRIVILEGES and all(one["op"] == PUT for one in body):
            return self._put_privileges(body)
        if len(body) > 1:
            return self._at_once(kind, body)
        return self._one(kind, body[0]) if body else False

    def _at_once(self, kind: Kind, body: Sequence[Json]) -> bool:
        """Each by itself, several at a time, as `_all_of`."""
        if not body:
            return False
        with ThreadPoolExecutor(_THREADS, initializer=carry()) as pool:
            sent = [pool.submit(self._one, kind, one) for one in body]
        return all_of([one.result for one in sent])

    def _one(self, kind: Kind, operation: Json) -> bool:
        path = f"{_API}/{kind}/{in_path(kind, operation['name'])}"
        match operation["op"]:
            case "put":
                return self._changed("PUT", path, operation["document"])
            case "remove":
                return self._changed("DELETE", path, None)
            case "password":
                return self._changed("PUT", f"{path}/_password", {"password": operation["password"]})
            case switch if switch in (ENABLE, DISABLE):
                return self._changed("PUT", f"{path}/_{switch}", None)
        raise ValueError(f"no such operation: {operation['op']}")

    def _many_roles(self, body: Sequence[Json]) -> bool:
        put = {one["name"]: one["document"] for one in body if one["op"] == PUT}
        alone = [one for one in body if one["op"] == PUT and self._roles.would_be_merged(one["name"], one["document"])]
        for one in alone:
            del put[one["name"]]
        gone = [one["name"] for one in body if one["op"] == REMOVE]
        parts = [lambda: self._at_once(Kind.ROLES, alone)]
        if put:
            parts.append(lambda: self._roles.each_taken("POST", {"roles": put}, len(put)))
        if gone:
            parts.append(lambda: self._roles.each_taken("DELETE", {"names": gone}, len(gone)))
        return all_of(parts)

    def _put_privileges(self, body: Sequence[Json]) -> bool:
        asked: dict[str, dict[str, Json]] = {}
        for one in body:
            application, _, name = one["name"].partition("/")
            asked.setdefault(application, {})[name] = {**one["document"], "application": application, "name": name}
        return self._changed("PUT", f"{_API}/privilege", asked)

    def _changed(self, method: str, path: str, body: Any) -> bool:
        status, answer = self._transport(method, path, None, body)
        if status == 200:
            return True
        if status == 404 and method == "DELETE":
            return False  # it is gone already
        return refuse(self._name, status, without_secrets(answer, body), f"{method} {path}")

    # ------------------------------------------------------------------ who we are

    def who_am_i(self) -> Principal:
        found = self._ask("GET", f"{_API}/_authenticate")
        return Principal(str(found["username"]), (), tuple(found.get("roles", ())))

    def load_again(self) -> None:
        """Nothing to do: a change is in effect on every node before it is answered."""

    # ------------------------------------------------------------------ index blocks

    def names(self) -> Names:
        """Of the cluster's state, which the automation may read: no document and no field is in what is asked for."""
        shown = "metadata.indices.*.aliases,metadata.indices.*.settings.index.hidden,metadata.indices.*.state,metadata.data_stream"
        found = self._ask("GET", "/_cluster/state/metadata", {"filter_path": shown}).get("metadata", {})
        aliases: dict[str, list[str]] = {}
        hidden = []
        own = own_indices(self.release)
        indices = {name: one for name, one in found.get("indices", {}).items() if not is_own(own, name)}
        for name, one in sorted(indices.items()):
            for alias in one.get("aliases") or ():
                aliases.setdefault(alias, []).append(name)
            if str(((one.get("settings") or {}).get("index") or {}).get("hidden")) == "true":
                hidden.append(name)
        streams = (found.get("data_stream") or {}).get("data_stream") or {}
        return Names(
            tuple(sorted(indices)),
            {alias: tuple(of) for alias, of in sorted(aliases.items())},
            {name: tuple(one["index_name"] for one in stream["indices"]) for name, stream in sorted(streams.items())},
            tuple(hidden),
            tuple(sorted(name for name, one in indices.items() if one.get("state") == "close")),
        )

    def alias_filters(self) -> dict[str, dict[str, str]]:
        """Older releases refuse nobody: they show what somebody may see."""
        return filters_in(self._ask("GET", "/_alias/*", {"expand_wildcards": "all"}, absent={}))

    def _others(self) -> tuple[str, ...]:
        """Every index but the engine's own, as it is taken in a path."""
        own = own_indices(self.release)
        asked = {"filter_path": "metadata.indices.*.state,metadata.indices.*.aliases", **ALL}
        found = self._ask("GET", "/_cluster/state/metadata/.security*", asked, absent={})
        called = {
            index: any(is_own(own, name) for name in (index, *(one.get("aliases") or ())))
            for index, one in found.get("metadata", {}).get("indices", {}).items()
        }
        return all_but(own, (index for index, like_own in called.items() if like_own))

    def settings(self) -> EngineSettings:
        named = f"elasticsearch-{self.release}"  # as deployment files name it
        return EngineSettings(leaves_out_forbidden=False, makes_tokens=False, evaluation="", release=named)

    def blocks(self) -> dict[str, dict[str, str]]:
        """Every index that is not the engine's own -> the read and write blocks it has."""
        return self._blocks.shown()

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        """Both blocks on each of them, the backing indices of data streams too. Those `lifted` come off, but for what an index had."""
        self._blocks.put_on(before, lifted, aside)

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        """Take both blocks off, but for what an index had `before`."""
        self._blocks.take_off(before, aside)

    def running_policies(self) -> tuple[str, ...]:
        return self._policies.running()

    def stop_policies(self) -> str:
        return self._policies.stop()

    def start_policies(self, names: Sequence[str]) -> str:
        return self._policies.start(names)

    # ------------------------------------------------------------------ what is open, and what was given out

    def end_searches(self, closing: Callable[[Sequence[str]], None]) -> str:
        return self._searches.end(self.release, closing)

    def open_indices(self, indices: Sequence[str]) -> dict[str, str]:
        return self._searches.opened(indices)

    def end_tokens(self, *, keys: bool) -> str:
        """Tokens end by realm, as no call names them; keys by their ids."""
        return self._tokens.end(self.release, self._collection(Kind.MAPPINGS), keys=keys)

    def keys_given(self) -> tuple[str, ...]:
        return self._tokens.given(self.release, self._collection(Kind.MAPPINGS))

    def end_since(self, known: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        return self._tokens.end_since(self.release, self._collection(Kind.MAPPINGS), known, tokens=tokens)

    def end_tokens_of(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        """What somebody was given keeps the roles that they had then, whatever becomes of theirs: seen on all releases."""
        return self._tokens.end_of(self.release, users, keys=keys)

    # ------------------------------------------------------------------ asking

    def why_no_query(self, query: Json) -> str:
        """What the engine says against a document filter; empty if it can read it.

        It reads the query first and asks for a right, or for the index, then. So a refusal means that it could read it.
        """
        params = {"explain": "true", "ignore_unavailable": "true"}
        status, body = self._transport("POST", f"/{_NO_INDEX}/_validate/query", params, {"query": query})
        if status in (403, 404):
            return ""
        if status == 400:
            return message(body)
        if status != 200:
            refuse(self._name, status, body, "_validate/query")
        return "" if body.get("valid") else re.split(r";; |\n", str(body.get("error") or "it is no query"))[0][:300]

    def what_stops_a_search(self, index: str) -> Stop | None:
        """What keeps whoever this connection is from searching this index now; None if nothing does. Unreachable if that cannot be told."""
        return what_stops_a_search(self._transport, self._name, index)

    def _ask(self, method: str, path: str, params: Mapping[str, str] | None = None, *, absent: Any = None) -> Any:
        status, body = self._transport(method, path, params, None)
        if status == 404 and absent is not None:
            return absent
        if status != 200:
            refuse(self._name, status, body, f"{method} {path}")
        return body


def _documents(kind: str) -> Kind:
    """Who has a role stands in the users."""
    return Kind.USERS if kind == MEMBERS else Kind(kind)
