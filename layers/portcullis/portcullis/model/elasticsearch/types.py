"""The keys of a deployment file that only a cluster has: where it is, how people are known there, roles in Elasticsearch's form."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from portcullis.access.plan import Subject, SubjectKind
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import BASIC
from portcullis.model import names
from portcullis.model.access_types import Access
from portcullis.model.elasticsearch.keystores import Keystore
from portcullis.model.elasticsearch.levels import levels_of
from portcullis.model.elasticsearch.parts import (
    ApplicationName,
    Certificate,
    FieldSecurity,
    NameOrExpression,
    Pattern,
    Privilege,
)
from portcullis.model.elasticsearch.remotes import Alias, Offer, Remote
from portcullis.model.names import Wrong
from portcullis.model.parts import Blocks, Name, SecretName, Strict, Text, UserName, named
from portcullis.model.presets import Level
from portcullis.model.types import ELASTIC, BreakGlass, Deployment

_RULE = re.compile(r"[A-Za-z0-9_.@+=-]*\{name\}[A-Za-z0-9_.@+=-]*")
_HTTPS, _LAST_PORT = 443, 65535
# Realms that every cluster has: users of these are no people of a token.
_OWN_REALMS = ("native", "file", "reserved", "default_native", "default_file")


def _rule(value: str) -> str:
    if not _RULE.fullmatch(value):
        raise Wrong(
            f"{names.shown(value)} makes no user name of a name",
            "{name} once, with letters, digits and _ . @ + = - around it: {name}.support",
        )
    return value


UserNameRule = Annotated[str, AfterValidator(_rule), Field(max_length=128)]


class Reached(Strict):
    """Where the cluster's addresses are: the automation may connect to these, and to nothing else on the cluster's port."""

    cidrs: Blocks = ()
    """Blocks of addresses."""
    prefix_lists: tuple[Annotated[str, *named("a prefix list")], ...] = ()
    """Managed prefix lists."""
    security_groups: tuple[Annotated[str, *named("a security group")], ...] = ()
    """Security groups of the nodes, or of what stands before them."""

    @model_validator(mode="after")
    def _somewhere(self) -> Reached:
        if not (self.cidrs or self.prefix_lists or self.security_groups):
            raise Wrong("names no address", "cidrs: [10.20.0.0/16], or prefix_lists or security_groups")
        return self


class Cluster(Strict):
    endpoint: Annotated[str, *named("an endpoint")]
    """Host and port of the cluster's HTTP interface, without a scheme: it is always https."""
    ca: Certificate | None = None
    """Certificate of the CA that signed the cluster's, as PEM. Default: the CAs that everybody trusts."""
    user: UserName
    """The automation's user on the cluster. Whoever runs the cluster makes it, with the roles portcullis_security and portcullis_lock."""
    credential: SecretName
    """Secret in Secrets Manager with its password: JSON with "password", or the password alone."""
    network: Reached | None = None
    """Where the cluster is, seen from the network that the functions stand in. Needed unless its port is 443, which is open to them."""
    licence: Literal["basic", "trial", "platinum", "enterprise"] = "basic"
    """The cluster's licence. basic has no filters on documents and fields, no realms of tokens, no keys between clusters."""

    keystore: Keystore | None = None
    """How keys of other clusters reach the nodes' keystores. Default: as files, where the nodes' disks can be written."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Cluster:
        port = int(self.endpoint.rpartition(":")[2])
        if port > _LAST_PORT:
            raise Wrong(f"there is no port {port}", f"1 to {_LAST_PORT}", ("endpoint",))
        if port != _HTTPS and self.network is None:
            raise Wrong(
                f"nothing lets the functions out to port {port}",
                "network: {cidrs: [the cluster's addresses]}, or prefix_lists or security_groups",
                ("endpoint",),
            )
        return self


class NativeUsers(Strict):
    user_name: UserNameRule = "{name}"
    """How the user is called, made from the name in IAM, Cognito or IAM Identity Center."""
    of_levels: dict[Name, UserNameRule] = Field(default_factory=dict)
    """level: how the user is called who has this level, where that is another name: {name}.support."""


class Realm(Strict):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """The realm's name in the nodes' settings. Every role mapping is bound to it."""
    type: Literal["jwt", "oidc"] = "jwt"
    """jwt (from 8.2 on) or oidc (from 7.2 on)."""
    by: Literal["user_name", "groups"] = "user_name"
    """What a Cognito group becomes. user_name: its members, by name, so that leaving counts with the next request. groups: the group's
    name in the token, so that somebody who left is let in until the token ends."""

    @model_validator(mode="after")
    def _of_tokens(self) -> Realm:
        if self.name in _OWN_REALMS:
            raise Wrong(
                f"{names.shown(self.name)} is a realm of the cluster's own users, whom no role mapping touches",
                "the realm of tokens; for the cluster's own users: people: {native_users: …}",
                ("name",),
            )
        return self


class People(Strict):
    """How the people of IAM, Cognito and IAM Identity Center are known to the cluster: in one of two ways."""

    native_users: NativeUsers | None = None
    """As users of the native realm, by a rule. Their roles stand in the user, and leaving counts with the next request."""
    realm: Realm | None = None
    """By a realm of tokens: role mappings name them."""

    @model_validator(mode="after")
    def _one_way(self) -> People:
        if self.native_users is not None and self.realm is not None:
            raise Wrong(
                "names two ways", "native_users or realm; whoever needs both has two deployment files", ("realm",)
            )
        return self

    @property
    def natives(self) -> NativeUsers:
        """The rules of names, where people are native users."""
        return self.native_users or NativeUsers()


class ClusterBreakGlass(BreakGlass):
    user: UserName | None = None
    """The one user of the cluster that may be let in while it is locked. It is granted nothing until a window opens, and is none of
    `access.users`: whoever runs the cluster makes it."""
    secret: SecretName | None = None
    """Secret in Secrets Manager with its password. Nothing here reads it; whoever does is told of."""

    @model_validator(mode="after")
    def _both(self) -> ClusterBreakGlass:
        if (self.user is None) != (self.secret is None):
            raise Wrong("names a user without a secret, or a secret without a user", "user: NAME and secret: SECRET")
        return self


class IndexEntry(Strict):
    names: tuple[Pattern, ...] = Field(min_length=1)
    """Indices, aliases and data streams by name, wildcard or /expression/."""
    privileges: tuple[Privilege, ...] = Field(min_length=1)
    """Index privileges by name, or actions."""
    query: Annotated[str, Field(min_length=1, max_length=20_000)] | dict[str, Any] | None = None
    """Only documents that match are seen: a query, as an object or as JSON text."""
    field_security: FieldSecurity | None = None
    """Only these fields are seen."""
    allow_restricted_indices: bool | None = None
    """Let it reach the cluster's own indices too, the security index among them."""


class RemoteIndexEntry(IndexEntry):
    clusters: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(min_length=1)
    """Aliases of remote clusters."""


class RemoteCluster(Strict):
    clusters: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(min_length=1)
    """Aliases of remote clusters."""
    privileges: tuple[Privilege, ...] = Field(min_length=1)
    """Cluster privileges there."""


class Application(Strict):
    application: ApplicationName
    """The application, such as kibana-.kibana."""
    privileges: tuple[Annotated[str, Field(pattern=r"^[!-~]{1,256}$")], ...] = Field(min_length=1)
    """Its privileges by name."""
    resources: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(min_length=1)
    """What of it: spaces of Kibana, as space:NAME or *."""


_OPENSEARCH = "that is OpenSearch's word; here it is {}"


class ClusterRole(Strict):
    """A role in Elasticsearch's own form."""

    MEANT: ClassVar[dict[str, str]] = {
        "cluster_permissions": _OPENSEARCH.format("cluster: [privileges]"),
        "index_permissions": _OPENSEARCH.format("indices: [{names: […], privileges: […]}]"),
        "tenant_permissions": "a cluster has no tenants: spaces of Kibana are resources of `applications`",
    }
    description: Text = ""
    """What the role is for. Kept on the cluster from 8.15 on."""
    cluster: tuple[Privilege, ...] = ()
    """Cluster privileges by name, or actions."""
    indices: tuple[IndexEntry, ...] = ()
    """What is allowed on which indices."""
    applications: tuple[Application, ...] = ()
    """Privileges of applications, Kibana's among them."""
    run_as: tuple[NameOrExpression, ...] = ()
    """Users whom its holders may act as."""
    global_: dict[Literal["application", "profile", "role"], Any] | None = Field(default=None, alias="global")
    """What is bounded further: application privileges, profiles, and from 8.16 on which privileges may be put into roles."""
    remote_indices: tuple[RemoteIndexEntry, ...] = ()
    """What is allowed on indices of other clusters."""
    remote_cluster: tuple[RemoteCluster, ...] = ()
    """What is allowed on other clusters."""
    metadata: dict[Annotated[str, Field(pattern=r"^[^_].{0,255}$")], Any] = Field(default_factory=dict)
    """For people: no key begins with _."""


class NativeUser(Strict):
    MEANT: ClassVar[dict[str, str]] = {
        "backend_roles": "a native user has none: grant roles under access.grants",
        "roles": "roles are granted under access.grants: to: {internal_user: NAME}",
        "attributes": _OPENSEARCH.format("metadata"),
        "description": "a native user has full_name, email and metadata",
    }
    full_name: Text = ""
    """Who this is."""
    email: Annotated[str, *named("an e-mail address")] | None = None
    """For people."""
    metadata: dict[Annotated[str, Field(pattern=r"^[^_].{0,255}$")], Any] = Field(default_factory=dict)
    """What document filters may use, and for people. No key begins with _."""
    secret: SecretName | None = None
    """Secret in Secrets Manager that holds the password. Default: one is made, with a generated password."""


class ClusterLevelSpec(Strict):
    """A level of your own, or a change to one of the preset's."""

    MEANT: ClassVar[dict[str, str]] = {
        "cluster_permissions": _OPENSEARCH.format("cluster: [privileges]"),
        "dashboards": "Kibana's rights are a role of their own: grant it beside the level",
    }
    indices: tuple[Pattern, ...] | None = None
    """Indices of this level. Default: those of `levels`."""
    privileges: tuple[Privilege, ...] | None = None
    """Privileges on these indices."""
    cluster: tuple[Privilege, ...] | None = None
    """Privileges on the cluster."""
    user_names: tuple[str, ...] | None = None
    """How its users are called: exact names, or patterns such as <firstname>.<lastname>.support."""


class ClusterLevels(Strict):
    preset: Literal["layered"]
    """The layered model: super_user, application, support, dashboard."""
    indices: tuple[Pattern, ...] = Field(min_length=1)
    """The indices that the levels are about."""
    define: dict[Name, ClusterLevelSpec] = Field(default_factory=dict)
    """Levels of your own, and changes to the preset's application, support and dashboard."""


class ClusterAccess(Access):
    MEANT: ClassVar[dict[str, str]] = {
        "action_groups": "a cluster has none: a role names privileges",
        "tenants": "a cluster has none: spaces of Kibana are resources of a role's `applications`",
        "and_backend_roles": "a cluster has none: one role for who is in both groups, in the pool",
    }
    levels: ClusterLevels | None = None
    """The layered model."""
    roles: dict[Name, ClusterRole] = Field(default_factory=dict)
    """Roles by name, in Elasticsearch's form."""
    users: dict[UserName, NativeUser] = Field(default_factory=dict)
    """Users of the native realm. Passwords never stand here."""


class OnCluster(Deployment):
    """An Elasticsearch cluster that runs elsewhere. The stacks put the automation beside it, and never own it."""

    engine: Annotated[str, *named("an engine of Elastic's own")]
    """Family and version, such as elasticsearch-9.5: 9, 8, 7.17 or 6.8."""
    cluster: Cluster
    """Where it is, and as whom the automation comes."""
    people: People = People()
    """How people of IAM and Cognito are known to it. Default: as native users of the same name."""
    break_glass: ClusterBreakGlass = ClusterBreakGlass()
    """The one user that is still let in while locked."""
    access: ClusterAccess = ClusterAccess()
    """Who may do what."""
    remotes: dict[Alias, Remote] = Field(default_factory=dict)
    """Other clusters that people of this one read, by the alias that they have here."""
    offers: dict[Name, Offer] = Field(default_factory=dict)
    """Keys by which other clusters read this one, by name: the automation makes them, owns them and ends them."""

    @property
    def family(self) -> str:
        return "elasticsearch"

    @property
    def release(self) -> Release:
        return Release.of(self.engine.removeprefix(ELASTIC))

    def called(self, level: str, subject: Subject) -> str:
        name = super().called(level, subject)
        if self.people.realm is not None or subject.kind is SubjectKind.INTERNAL_USER:
            return name
        return self.people.natives.of_levels.get(level, self.people.natives.user_name).replace("{name}", name)

    @property
    def is_basic(self) -> bool:
        return self.cluster.licence == BASIC

    @property
    def levels(self) -> dict[str, Level]:
        if self.access.levels is None:
            return {}
        merged = levels_of(self.release)
        for name, spec in self.access.levels.define.items():
            changes = spec.model_dump(exclude_none=True)
            if "cluster" in changes:
                changes["cluster_permissions"] = changes.pop("cluster")
            merged[name] = merged.get(name, Level()).changed(**changes)
        return merged
