"""Remote clusters in a cluster's file: which others are read from here, and which keys this one gives to others."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from portcullis.families.elasticsearch.documents.compare import canonical_access
from portcullis.model.elasticsearch.parts import Certificate, FieldSecurity, Pattern
from portcullis.model.names import Wrong
from portcullis.model.parts import Name, SecretName, Strict, named

# Where a cluster listens for others, unless its administrator says otherwise: by key, and by certificate.
PORTS = {"api-key": 9443, "certificate": 9300}
_LAST_PORT = 65535


def _address(value: str) -> str:
    port = int(value.rpartition(":")[2])
    if not 1 <= port <= _LAST_PORT:
        raise Wrong(f"there is no port {port}", f"1 to {_LAST_PORT}")
    return value


Alias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$")]
Address = Annotated[str, *named("an endpoint"), AfterValidator(_address)]
ServerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
# As `ssh-keygen -lf` shows a key.
Signer = Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]


class SearchAccess(Strict):
    names: tuple[Pattern, ...] = Field(min_length=1)
    """Indices, aliases and data streams that may be searched, by name, wildcard or /expression/."""
    query: Annotated[str, Field(min_length=1, max_length=20_000)] | dict[str, Any] | None = None
    """Only documents that match are seen: a query, as an object or as JSON text."""
    field_security: FieldSecurity | None = None
    """Only these fields are seen."""


class ReplicationAccess(Strict):
    names: tuple[Pattern, ...] = Field(min_length=1)
    """Indices that may be followed."""


class CrossAccess(Strict):
    """What a key between two clusters allows: whoever asks, the super user of the other cluster included, sees nothing beyond it."""

    search: tuple[SearchAccess, ...] = ()
    """What may be searched."""
    replication: tuple[ReplicationAccess, ...] = ()
    """What may be followed. Not together with a query or field_security."""

    @model_validator(mode="after")
    def _one_that_the_engine_takes(self) -> CrossAccess:
        if not (self.search or self.replication):
            raise Wrong("allows nothing", "search: [{names: […]}], or replication: [{names: […]}]")
        for i, entry in enumerate(self.search):
            limit = "query" if entry.query is not None else "field_security"
            if self.replication and getattr(entry, limit) is not None:
                raise Wrong(
                    f"a key that lets indices be followed takes no {limit}: whoever follows an index has all of it",
                    "two keys, one for search and one for replication",
                    ("search", i, limit),
                )
        return self

    def document(self) -> dict[str, Any]:
        """As the engine takes it."""
        keys = {"search", "replication"}
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=keys)


class Agreed(Strict):
    """Which offer was accepted. `portcullis remote accept` writes it: by this it knows the next one of the same, and edits by hand."""

    deployment: Annotated[str, *named("a deployment's name")]
    """The deployment that offers it."""
    offer: Name
    """What it is called there."""
    made: Moment
    """When the offer was made. An older one is not accepted after it."""
    signer: Signer
    """The fingerprint of the key that signed it, as `ssh-keygen -lf` shows it. The next one has to be signed with the same."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Of what was accepted. What differs from it was changed here by hand, and is not overwritten."""


class Remote(Strict):
    """Another cluster that is read from here."""

    MEANT: ClassVar[dict[str, str]] = {
        "key": "the key's text never stands in this file: credential: SECRET",
        "api_key": "the key's text never stands in this file: credential: SECRET",
        "proxy_address": "address: HOST:PORT",
        "seeds": "address: HOST:PORT, with mode: sniff",
    }
    deployment: Annotated[str, *named("a deployment's name")] | None = None
    """The other cluster's deployment, if its file is beside this one: the host of its endpoint, on the port of the model."""
    address: Address | None = None
    """Host and port where the other cluster listens for this one: mostly 9443 with a key, 9300 with certificates."""
    mode: Literal["proxy", "sniff"] = "proxy"
    """proxy: one address for all connections. sniff: the address only names nodes, and these are connected to directly."""
    model: Literal["api-key", "certificate"] = "api-key"
    """api-key: bounded by the key, whoever asks. certificate: deprecated; roles of the same name over there decide, and a super user
    of this cluster reads everything there."""
    skip_unavailable: bool = False
    """Leave the other cluster out of an answer when it refuses or does not answer, instead of an error."""
    credential: SecretName | None = None
    """Secret in Secrets Manager that holds the key's text (api-key)."""
    allows: CrossAccess | None = None
    """What the key allows, as agreed with whoever runs the other cluster (api-key)."""
    agreed: Agreed | None = None
    """The offer that was accepted, where `portcullis remote accept` wrote this."""

    @model_validator(mode="after")
    def _whole(self) -> Remote:
        if (self.deployment is None) == (self.address is None):
            raise Wrong("has to say where the other cluster is, in one way", "deployment: NAME, or address: HOST:PORT")
        for key in ("credential", "allows", "agreed"):
            given = getattr(self, key) is not None
            if self.model == "api-key" and not given and key != "agreed":
                what = "credential: SECRET" if key == "credential" else "allows: {search: [{names: […]}]}, as agreed"
                raise Wrong(f"a remote that is read with a key needs {key}", what)
            if self.model == "certificate" and given:
                raise Wrong(
                    f"certificates know no {key}: the roles over there decide",
                    "leave it out, or model: api-key",
                    (key,),
                )
        return self


def facts_of(remote: Remote) -> dict[str, Any]:
    """What of an offer a remote has. A deployment beside stands for its address."""
    found: dict[str, Any] = {"model": remote.model}
    if remote.address is not None:
        found["address"] = remote.address
    if remote.allows is not None:
        found["allows"] = canonical_access(remote.allows.document())
    return found


def digest(facts: dict[str, Any]) -> str:
    """Of the facts that were accepted: what differs from it was changed by hand."""
    return f"sha256:{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"


class Offer(CrossAccess):
    """A key that this cluster gives to another one."""

    expires_after_days: int = Field(default=90, ge=1, le=3650)
    """Days after which a key ends. The next one is made before that."""
    secret: SecretName
    """Secret in Secrets Manager that the key's text is put into, for the other cluster to read. It stands nowhere else."""
    address: Address | None = None
    """Where the other cluster connects to, for `portcullis remote offer`. Default: the host of `cluster.endpoint`, on port 9443."""
    server_name: ServerName | None = None
    """The name that the certificate there has, where it is not the host of the address."""
    ca: Certificate | None = None
    """Certificate of the CA that signed the one of that interface, as PEM: the other cluster's nodes have to trust it."""
