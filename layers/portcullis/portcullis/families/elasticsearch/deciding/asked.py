"""The shape of a question as `portcullis decide` reads it for this family (deciding/question.py says it in words)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from portcullis.families.elasticsearch.deciding.blocks import Block
from portcullis.families.elasticsearch.granting.callers import NATIVE


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Entry(msgspec.Struct):
    """Of a role. What else a release has in it (a description, applications) decides nothing here."""

    names: list[str] | str = []
    privileges: list[str] = []
    query: Any = None
    field_security: Any = None
    allow_restricted_indices: bool = False


class RemoteEntry(Entry):
    clusters: list[str] | str = []


class RemotePrivileges(msgspec.Struct):
    """Of a role: what it may do on other clusters that is about no index."""

    clusters: list[str] | str = []
    privileges: list[str] = []


class Role(msgspec.Struct):
    cluster: list[str] = []
    run_as: list[str] = []
    indices: list[Entry] = []
    remote_indices: list[RemoteEntry] = []
    remote_cluster: list[RemotePrivileges] = []
    restriction: Any = None  # of an API key: to requests of an application of Elastic's own


class User(msgspec.Struct):
    roles: list[str] = []
    enabled: bool = True
    full_name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] = {}


class RoleMapping(msgspec.Struct):
    roles: list[str] = []
    role_templates: list[Any] = []
    enabled: bool = True
    rules: dict[str, Any] = {}


class Security(Strict):
    roles: dict[str, Role] = {}
    users: dict[str, User] = {}
    role_mappings: dict[str, RoleMapping] = {}


class ApiKey(Strict):
    """Of `GET /_security/api_key`. `role_descriptors`: what the key is limited to; none: it is not. `limited_by`: what its owner had when
    it was made; not given: what they have now."""

    role_descriptors: dict[str, Role] = {}
    limited_by: list[dict[str, Role]] | None = None


class Principal(Strict):
    name: str
    realm: str = NATIVE
    groups: list[str] = []
    dn: str = ""
    metadata: dict[str, Any] = {}
    roles: list[str] = []
    run_as: str = ""
    api_key: ApiKey | None = None


class Sent(Strict):
    method: str = ""
    path: str = ""
    body: Any = None
    action: str = ""
    indices: list[str] = []


class There(Strict):
    name: str
    hidden: bool = False
    closed: bool = False


class WorldThere(Strict):
    """What is on another cluster."""

    indices: list[str | There] = []
    aliases: dict[str, list[str] | dict[str, Any]] = {}
    data_streams: dict[str, list[str]] = {}


class World(WorldThere):
    blocks: dict[str, list[Block]] = {}


class Allowed(Strict):
    names: list[str] | str
    query: Any = None
    field_security: Any = None
    allow_restricted_indices: bool = False


class Access(Strict):
    search: list[Allowed] = []
    replication: list[Allowed] = []


class Key(Strict):
    state: Literal["live", "expired", "revoked", "absent", "wrong-type", "garbage"] = "live"
    access: Access = msgspec.field(default_factory=Access)


class RolesThere(Strict):
    roles: dict[str, Role] = {}


class RemoteCluster(Strict):
    model: Literal["api-key", "certificate"] = "api-key"
    engine: str = ""
    key: Key = msgspec.field(default_factory=Key)
    security: RolesThere = msgspec.field(default_factory=RolesThere)
    world: WorldThere = msgspec.field(default_factory=WorldThere)
    skip_unavailable: bool = False


class Question(Strict):
    engine: str
    security: Security
    principal: Principal
    request: Sent
    world: World = msgspec.field(default_factory=World)
    remotes: dict[str, RemoteCluster] = {}
    documents: list[dict[str, Any]] = []
