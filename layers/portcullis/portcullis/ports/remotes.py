"""Keys between clusters: who makes them, where their text is kept, and who uses them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from portcullis.access.actual import Json
from portcullis.remotes.facts import Certificate, Licence
from portcullis.remotes.keys import Key, Offer


@dataclass(frozen=True, slots=True)
class KeyText:
    """What a key is used by. It is in no message, whatever holds it is printed."""

    id: str
    encoded: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """An alias as it is set: where the other cluster is, and how it is connected to."""

    alias: str
    address: str  # host:port
    mode: str = "proxy"  # or sniff
    skip_unavailable: bool = False
    more: tuple[str, ...] = ()  # further seeds, where it is connected by these


class ClusterKeys(Protocol):
    """The keys that a cluster gives to others, as its automation. Raises Unreachable, Conflict, Refused."""

    def us(self) -> str:
        """Who makes them."""

    def shown(self) -> tuple[Key, ...]:
        """All of the cluster that were not ended, whoever made them."""

    def make(self, offer: Offer) -> KeyText: ...
    def change(self, key: str, access: Json) -> None:
        """In place; in effect with the next request. Conflict if somebody else made it."""

    def end(self, keys: Collection[str]) -> None:
        """For good. One that is gone already is no error."""


class KeyTexts(Protocol):
    """The texts of keys: in a secret, and in no file, log or ledger."""

    def read(self, secret: str) -> KeyText | None:
        """None if there is no such secret, or nothing in it. Refused if what is in it is no key."""

    def put(self, secret: str, text: KeyText) -> None:
        """In place of what it holds; the secret is made if there is none."""


class Keystores(Protocol):
    """The keystores of the nodes of a cluster that reads others."""

    @property
    def nodes(self) -> frozenset[str]:
        """Names of the nodes whose keystores can be written."""

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        """The key that a node comes with to the other cluster, in place of what it had; None: none. Unreachable if it was not written."""


class Remotes(Protocol):
    """The remote clusters of a cluster that reads others, as its automation."""

    def nodes(self) -> frozenset[str]: ...
    def reload(self) -> None:
        """Have every node read its keystore again. Unreachable if one could not."""

    def key_in_use(self, alias: str) -> str:
        """The id of the key that a search through the alias comes with now, as the other cluster says. Refused if it cannot be told,
        with the reason: the key has ended, there is none, the alias is none, or nobody here may ask."""

    def connect(self, connection: Connection) -> None: ...
    def disconnect(self, alias: str) -> None: ...
    def info(self) -> Mapping[str, Json]: ...
    def resolve(self, expression: str) -> Mapping[str, Any]:
        """What the other cluster says of an expression such as dc2:logs-*."""

    def pinged(self, alias: str) -> str:
        """How often an idle connection to it is used, as the engine writes a time (30s); "-1" or "" never."""

    def releases(self) -> tuple[str, ...]:
        """Of the nodes, each once."""

    def licence(self) -> Licence: ...
    def certificates(self) -> tuple[Certificate, ...]:
        """Those that the node which answers has for its interfaces, that for others among them, and of the authorities it trusts."""
