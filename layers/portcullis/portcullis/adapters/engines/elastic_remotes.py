"""Keys between clusters of Elasticsearch: those that a cluster gives, and the remote clusters of one that reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from portcullis.access.actual import Json
from portcullis.adapters.engines.answers import Transport, message, refuse
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.ports.remotes import Connection, KeyText
from portcullis.remotes.facts import Certificate, Licence
from portcullis.remotes.keys import Key, Offer

_API = "/_security"
_OF_CLUSTERS = "cross_cluster"
# No index, and no role gives it: whoever asks for it is refused by the other cluster, which says by which key they came.
_ASKED_FOR = "portcullis-asks-and-nobody-may"
_BY_KEY = re.compile(r"authenticated by API key id \[([^\]]+)\]")
_HERE = re.compile(r"towards remote cluster \[")


class ElasticClusterKeys:
    """The ClusterKeys protocol, of one cluster. No message ever carries a key's text."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def us(self) -> str:
        return str(self._ask("GET", f"{_API}/_authenticate")["username"])

    def shown(self) -> tuple[Key, ...]:
        found = self._ask("GET", f"{_API}/api_key")["api_keys"]
        return tuple(
            _key(one) for one in found if one.get("type") == _OF_CLUSTERS and not one.get("invalidated", False)
        )

    def make(self, offer: Offer) -> KeyText:
        body = {
            "name": offer.key_name,
            "access": offer.access,
            "expiration": f"{offer.days}d",
            "metadata": offer.metadata,
        }
        made = self._ask("POST", f"{_API}/{_OF_CLUSTERS}/api_key", body)
        return KeyText(str(made["id"]), str(made["encoded"]))

    def change(self, key: str, access: Json) -> None:
        path = f"{_API}/{_OF_CLUSTERS}/api_key/{key}"
        status, body = self._transport("PUT", path, None, {"access": access})
        if status == 404:
            raise Conflict(f"{self._name}: the key {key} is not ours to change, or is gone: {message(body)}")
        if status != 200:
            refuse(self._name, status, body, f"PUT {path}")

    def end(self, keys: Collection[str]) -> None:
        if not keys:
            return
        status, body = self._transport("DELETE", f"{_API}/api_key", None, {"ids": sorted(keys)})
        if status not in (200, 404):
            refuse(self._name, status, body, f"DELETE {_API}/api_key")
        if status == 200 and body.get("error_count"):
            raise Unreachable(f"{self._name}: {body['error_count']} of {len(keys)} keys could not be ended")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self._transport(method, path, None, body)
        if status != 200:
            refuse(self._name, status, said, f"{method} {path}")
        return said


class ElasticRemotes:
    """The Remotes protocol, of one cluster."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def nodes(self) -> frozenset[str]:
        found = self._ask("GET", "/_nodes", params={"filter_path": "nodes.*.name"})["nodes"]
        return frozenset(str(node["name"]) for node in found.values())

    def reload(self) -> None:
        said = self._ask("POST", "/_nodes/reload_secure_settings")
        failed = {
            str(node.get("name")): message(node["reload_exception"])
            for node in said["nodes"].values()
            if node.get("reload_exception")
        }
        if failed or said["_nodes"]["failed"]:
            named = "; ".join(f"{name}: {why}" for name, why in sorted(failed.items()))
            raise Unreachable(f"{self._name}: not every node has read its keystore again ({named or 'no answer'})")

    def key_in_use(self, alias: str) -> str:
        status, body = self._transport("POST", f"/{alias}:{_ASKED_FOR}/_search", None, {"size": 0})
        said = " ".join(_reasons(body))
        if found := _BY_KEY.search(said):  # also where it is a 200 that leaves the other cluster out (skip_unavailable)
            return found[1]
        if status in (200, 404):
            why = said[:300] or "nothing was refused"
            raise Refused(f"{self._name}: by which key {alias} is read cannot be told: {why}")
        if status == 403 and _HERE.search(said):
            raise Refused(f"{self._name}: nobody here may ask {alias}: the automation's user needs portcullis_remotes")
        if status in (400, 401, 403):
            raise Refused(f"{self._name}: {alias} refuses: {said[:300]}")
        return refuse(self._name, status, body, f"search through {alias}")

    def connect(self, connection: Connection) -> None:
        """8.19 forgets skip_unavailable where the mode changes in the same request: it is set there and back in two further ones."""
        prefix = f"cluster.remote.{connection.alias}."
        proxy = connection.mode == "proxy"
        skip = connection.skip_unavailable
        self._settings(
            {
                f"{prefix}mode": connection.mode,
                f"{prefix}proxy_address": connection.address if proxy else None,
                f"{prefix}seeds": None if proxy else [connection.address, *connection.more],
                f"{prefix}skip_unavailable": skip,
            }
        )
        if self.info().get(connection.alias, {}).get("skip_unavailable") != skip:
            for value in (not skip, skip):
                self._settings({f"{prefix}skip_unavailable": value})

    def disconnect(self, alias: str) -> None:
        names = ("mode", "proxy_address", "seeds", "skip_unavailable")
        self._settings({f"cluster.remote.{alias}.{name}": None for name in names})

    def info(self) -> Mapping[str, Json]:
        return dict(self._ask("GET", "/_remote/info"))

    def resolve(self, expression: str) -> Mapping[str, Any]:
        return dict(self._ask("GET", f"/_resolve/cluster/{expression}"))

    def pinged(self, alias: str) -> str:
        schedule = ("transport", "ping_schedule")
        own, general = ("cluster", "remote", alias, *schedule), schedule
        shown = {"include_defaults": "true", "filter_path": ",".join(".".join(("*", *path)) for path in (own, general))}
        said = self._ask("GET", "/_cluster/settings", params=shown)
        for path in (own, general):
            for part in ("transient", "persistent", "defaults"):
                if value := _at(said.get(part), path):
                    return str(value)
        return ""

    def releases(self) -> tuple[str, ...]:
        found = self._ask("GET", "/_nodes", params={"filter_path": "nodes.*.version"})["nodes"]
        return tuple(sorted({str(node["version"]) for node in found.values()}))

    def licence(self) -> Licence:
        found = self._ask("GET", "/_license")["license"]
        ends = found.get("expiry_date_in_millis")
        return Licence(str(found["type"]), found.get("status") == "active", _instant(ends) if ends else None)

    def certificates(self) -> tuple[Certificate, ...]:
        found = self._ask("GET", "/_ssl/certificates")
        return tuple(
            Certificate(str(one["path"]), datetime.fromisoformat(one["expiry"]), bool(one.get("has_private_key")))
            for one in found
        )

    def _settings(self, settings: Mapping[str, Any]) -> None:
        self._ask("PUT", "/_cluster/settings", {"persistent": settings})

    def _ask(self, method: str, path: str, body: Any = None, *, params: Mapping[str, str] | None = None) -> Any:
        status, said = self._transport(method, path, params, body)
        if status != 200:
            refuse(self._name, status, said, f"{method} {path}")
        return said


def _at(settings: Any, path: Sequence[str]) -> Any:
    """What stands at a path of nested settings; None if nothing does."""
    for part in path:
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _key(shown: Json) -> Key:
    return Key(
        id=str(shown["id"]),
        name=str(shown["name"]),
        owner=str(shown["username"]),
        access=shown.get("access") or {},
        made=_instant(shown["creation"]),
        expires=_instant(shown["expiration"]) if shown.get("expiration") else None,
        metadata=shown.get("metadata") or {},
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _reasons(body: Any) -> list[str]:
    """Everything that an error says, its causes included."""
    if isinstance(body, dict):
        own = [str(body["reason"])] if isinstance(body.get("reason"), str) else []
        return own + [reason for one in body.values() for reason in _reasons(one)]
    return [reason for one in body for reason in _reasons(one)] if isinstance(body, list) else []
