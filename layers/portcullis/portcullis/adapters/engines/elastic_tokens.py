"""What outlives a password of Elasticsearch: tokens of its own token service, which a lock ends, and API keys, which it names or ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from portcullis.access.actual import Json
from portcullis.adapters.engines.answers import Transport, message, refuse
from portcullis.adapters.engines.elastic_nobody import of_nodes, roles_of_nobody
from portcullis.correlation import carry
from portcullis.errors import Unreachable
from portcullis.families.elasticsearch.documents.config import ROLES_OF_NOBODY
from portcullis.families.elasticsearch.known.names import is_pattern
from portcullis.families.elasticsearch.known.release import Release
from portcullis.words import many

_API = "/_security"
_REALM_OF_KEYS = "_es_api_key"  # as which somebody is known who comes with a key
_REALM_OF_SERVICES = "_service_account"
_HAS_SERVICES = Release(7, 13)
_THREADS = 8  # users at a time
_NAMED = 20  # of keys: how many a message names
# Realms that every cluster has, by the names that releases gave them.
_OF_FILES = ("default_file", "file", "reserved")
_OWN_REALMS = ("default_file", "default_native", "file", "native", "reserved")


class Tokens:
    """Of one cluster, as whoever `transport` is."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def end(self, release: Release, mappings: Mapping[str, Json], *, keys: bool) -> str:
        """What was ended, in words. `mappings`: the cluster's role mappings. `keys`: those of others are ended for good, and not only
        named."""
        realms = self._realms(mappings)
        tokens = sum(self._end_of(realm) for realm in realms)
        theirs = self._keys_of_others(release, realms)
        said = f"{many(tokens, 'token')} ended"
        if services := self._of_services(release):
            said += f"; of service accounts of the engine's own stay, and are held by the index blocks alone: {', '.join(services)}"
        if nobody := self._of_nobody():
            said += (
                f"; everybody, also without signing in, has {', '.join(nobody)} by the nodes' settings ({ROLES_OF_NOBODY}), which no lock"
                " takes, and is held by the index blocks alone"
            )
        if not theirs:
            return said
        named = ", ".join(f"{one['name']} of {one['username']} ({one['id']})" for one in theirs[:_NAMED])
        named += f" and {len(theirs) - _NAMED} more" if len(theirs) > _NAMED else ""
        if not keys:
            stay = "stays, and what it reads" if len(theirs) == 1 else "stay, and what they read"
            return f"{said}; {many(len(theirs), 'API key')} of others {stay} is held by the index blocks alone: {named}"
        self._end_keys(release, [one["id"] for one in theirs])
        return f"{said}; {many(len(theirs), 'API key')} of others ended for good: {named}"

    def end_of(self, release: Release, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        """Tokens of these users, whichever realm knows them by the name, and their keys if asked: which stay, in words.

        Not those of the nodes' own files: who stands there is called by the nodes' owner as they like."""
        found: dict[str, Json] = {}
        with ThreadPoolExecutor(_THREADS, initializer=carry()) as pool:
            for of_user in pool.map(self._keys_left, sorted(users)):
                found |= of_user
        theirs = self._of_others(found) if found else []
        if keys and theirs:
            self._end_keys(release, [one["id"] for one in theirs])
            return ()
        return tuple(f"{one['name']} of {one['username']} ({one['id']})" for one in theirs)

    def given(self, release: Release, mappings: Mapping[str, Json]) -> tuple[str, ...]:
        """The ids of keys of others that can be used."""
        return tuple(one["id"] for one in self._keys_of_others(release, self._realms(mappings)))

    def end_since(
        self, release: Release, mappings: Mapping[str, Json], known: Collection[str] | None, *, tokens: bool
    ) -> tuple[str, ...]:
        """Tokens end, if asked, and keys of others that are not `known`; which, in words. Not those that the accounts of Elastic's own
        features made."""
        realms = self._realms(mappings)
        for realm in realms if tokens else ():
            self._end_of(realm)
        if known is None:
            return ()
        new = [
            one
            for one in self._keys_of_others(release, realms)
            if one["id"] not in known and one.get("realm") != _REALM_OF_SERVICES
        ]
        if new:
            self._end_keys(release, [one["id"] for one in new])
        named = tuple(f"{one['name']} of {one['username']} ({one['id']})" for one in new[:_NAMED])
        return (*named, f"{len(new) - _NAMED} more") if len(new) > _NAMED else named

    def _keys_left(self, user: str) -> dict[str, Json]:
        """Of somebody whose tokens are ended first."""
        self._end_tokens({"username": user}, f"user {user}")
        found = self._keys_shown({"username": user})
        # By the name as it is written, whatever the call takes for a pattern.
        return {key: one for key, one in found.items() if one["username"] == user and one.get("realm") not in _OF_FILES}

    def _realms(self, mappings: Mapping[str, Json]) -> list[str]:
        """Names of realms, as far as they can be known: those of every cluster, of the nodes' settings, and of role mappings."""
        found = set(_OWN_REALMS)
        for of_node in of_nodes(self._transport, "realms"):
            for name, one in of_node.items() if isinstance(of_node, dict) else ():
                # Before 7.0 a realm has a type, since then a type has realms.
                found |= (
                    {name} if isinstance(one, dict) and "type" in one else set(one) if isinstance(one, dict) else set()
                )
        for mapping in mappings.values():
            found |= set(_realms_of(mapping.get("rules")))
        return sorted(found)

    def _of_nobody(self) -> list[str]:
        """The roles of whoever comes without a name, which everybody has besides. Those that the engine keeps: any other is emptied."""
        kept = []
        for role in roles_of_nobody(self._transport):
            path = f"{_API}/role/{quote(role, safe='')}"
            status, body = self._transport("GET", path, None, None)
            if status not in (200, 404):
                refuse(self._name, status, body, f"GET {path}")
            document = body.get(role) if isinstance(body, dict) and status == 200 else None
            if document is not None and (document.get("metadata") or {}).get("_reserved"):
                kept.append(role)
        return kept

    def _end_of(self, realm: str) -> int:
        return self._end_tokens({"realm_name": realm}, f"realm {realm}")

    def _end_tokens(self, whose: Json, called: str) -> int:
        status, body = self._transport("DELETE", f"{_API}/oauth2/token", None, whose)
        if status in (400, 403, 404, 405) and "error_count" not in str(body):
            return 0  # there is no such realm or user, or this cluster has no tokens at all
        if status != 200:
            refuse(self._name, status, body, f"DELETE {_API}/oauth2/token")
        if body.get("error_count"):
            raise Unreachable(f"{self._name}: {many(body['error_count'], 'token')} of {called} could not be ended")
        return int(body.get("invalidated_tokens", body.get("created", 0)))

    def _keys_of_others(self, release: Release, realms: Sequence[str]) -> list[Json]:
        """Keys that can still be used and are not our own account's."""
        # The oldest release lists keys of one realm at a time.
        asked: list[dict[str, str]] = [{}] if release.major > 6 else [{"realm_name": realm} for realm in realms]
        found: dict[str, Json] = {}
        for params in asked:
            found |= self._keys_shown(params)
        return self._of_others(found)

    def _of_others(self, found: Mapping[str, Json]) -> list[Json]:
        """Those that can be used, and are not of the automation's own account."""
        ours = self._owner_of_ours(found)
        usable = (one for _, one in sorted(found.items()) if not one.get("invalidated"))
        return [one for one in usable if not ours(one)]

    def _keys_shown(self, whose: Mapping[str, str]) -> dict[str, Json]:
        status, body = self._transport("GET", f"{_API}/api_key", whose, None)
        if status == 404 or (status in (400, 403) and "not enabled" in str(body)):
            return {}
        if status != 200:
            refuse(self._name, status, body, f"GET {_API}/api_key")
        return {one["id"]: one for one in body["api_keys"]}

    def _of_services(self, release: Release) -> list[str]:
        """The tokens of accounts that Elastic's own features have. Their roles are the engine's, so that none can be emptied; whoever ends
        such a token ends that feature."""
        if release < _HAS_SERVICES:
            return []
        status, accounts = self._transport("GET", f"{_API}/service", None, None)
        if status != 200:
            refuse(self._name, status, accounts, f"GET {_API}/service")
        found = []
        for account in sorted(accounts):
            status, body = self._transport("GET", f"{_API}/service/{account}/credential", None, None)
            if status != 200:
                refuse(self._name, status, body, f"GET {_API}/service/{account}/credential")
            in_files = (body.get("nodes_credentials") or {}).get("file_tokens") or {}
            found += [f"{account}/{name}" for name in sorted({*(body.get("tokens") or {}), *in_files})]
        return found

    def _owner_of_ours(self, keys: Mapping[str, Json]) -> Callable[[Json], bool]:
        """Whether a key is our own account's. Somebody of another realm may be called as we are."""
        status, we = self._transport("GET", f"{_API}/_authenticate", None, None)
        if status != 200:
            refuse(self._name, status, we, f"GET {_API}/_authenticate")
        name, realm = we["username"], we["authentication_realm"]["name"]
        if realm != _REALM_OF_KEYS:
            return lambda key: (key["username"], key["realm"]) == (name, realm)
        # We come with a key, and its own entry has our realm. Releases that do not say which key it is leave the name alone to go by: none
        # of ours must end.
        this = keys.get((we.get("api_key") or {}).get("id", ""))
        return lambda key: key["username"] == name and (this is None or key["realm"] == this["realm"])

    def _end_keys(self, release: Release, keys: Sequence[str]) -> None:
        bodies: list[Json] = [{"ids": list(keys)}] if release >= Release(7, 10) else [{"id": key} for key in keys]
        failed, why = 0, ""
        for body in bodies:
            status, answer = self._transport("DELETE", f"{_API}/api_key", None, body)
            if status == 404:
                continue  # it is gone already
            if status != 200:
                refuse(self._name, status, answer, f"DELETE {_API}/api_key")
            # It answers 200 whatever became of each.
            if count := int(answer.get("error_count") or 0):
                failed, why = failed + count, why or message((answer.get("error_details") or ["no reason given"])[0])
        if failed:
            raise Unreachable(f"{self._name}: {failed} of {len(keys)} API keys of others could not be ended: {why}")


def _realms_of(rule: Any) -> Iterator[str]:
    """The names of realms that a rule is bound to."""
    if isinstance(rule, dict):
        for name, of in rule.items():
            if name == "realm.name":
                yield from (one for one in (of if isinstance(of, list) else [of]) if not is_pattern(one))
            else:
                yield from _realms_of(of)
    elif isinstance(rule, list):
        for one in rule:
            yield from _realms_of(one)
