"""The part of the deployment file that says who may do what."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from portcullis.access.plan import By, Subject, SubjectKind
from portcullis.model import names
from portcullis.model.names import Wrong
from portcullis.model.parts import IndexPattern, Name, Permission, SecretName, Strict, TenantPattern, Text, UserName


class Environment(StrEnum):
    """Where the engine runs: decides which seed users are made."""

    LOCAL = "local"
    ON_PREMISES = "on_premises"
    CLOUD = "cloud"


class LevelSpec(Strict):
    """A level of your own, or a change to one of the preset's."""

    indices: tuple[IndexPattern, ...] | None = None
    """Index patterns of this level. Default: those of `levels`."""
    privileges: tuple[str, ...] | None = None
    """Privileges on these indices, in Elasticsearch's words (all, read, write, …)."""
    cluster_permissions: tuple[Permission, ...] | None = None
    """Cluster permissions and action groups. Default: what reading or writing several indices at once needs."""
    dashboards: bool | None = None
    """Whether people of this level use Dashboards."""
    user_names: tuple[str, ...] | None = None
    """How its users are called: exact names, or patterns such as <firstname>.<lastname>.support."""


class Levels(Strict):
    preset: Literal["layered"]
    """The layered model: super_user, application, support, dashboard."""
    indices: tuple[IndexPattern, ...] = Field(min_length=1)
    """The indices that the levels are about."""
    define: dict[Name, LevelSpec] = Field(default_factory=dict)
    """Levels of your own, and changes to the preset's application, support and dashboard."""


class IndexPermission(Strict):
    index_patterns: tuple[IndexPattern, ...] = Field(min_length=1)
    """Index names or patterns."""
    allowed_actions: tuple[Permission, ...] = ()
    """Action groups (read, crud, …) and permissions (indices:data/read/search*)."""
    dls: str | None = Field(default=None, max_length=10000)
    """Document-level security: a query in JSON; only documents that match are seen."""
    fls: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Field-level security: fields that are seen, or ~fields that are not."""
    masked_fields: tuple[Annotated[str, Field(min_length=1, max_length=512)], ...] = ()
    """Fields shown masked: field, field::SHA-512, or field::/regex/::replacement."""


class TenantPermission(Strict):
    tenant_patterns: tuple[TenantPattern, ...] = Field(min_length=1)
    """Tenants of Dashboards by name or pattern."""
    allowed_actions: tuple[Permission, ...] = ()
    """kibana_all_read or kibana_all_write."""


class Role(Strict):
    description: Text = ""
    """What the role is for."""
    cluster_permissions: tuple[Permission, ...] = ()
    """Action groups and permissions that hold for the whole cluster."""
    index_permissions: tuple[IndexPermission, ...] = ()
    """What is allowed on which indices."""
    tenant_permissions: tuple[TenantPermission, ...] = ()
    """What is allowed in which tenants of Dashboards."""


class ActionGroup(Strict):
    description: Text = ""
    """What the group is for."""
    type: Literal["cluster", "index", "kibana", "all"] | None = None
    """Where the group may be used."""
    allowed_actions: tuple[Permission, ...] = Field(min_length=1)
    """Permissions and other action groups."""


class Tenant(Strict):
    description: Text = ""
    """What the tenant is for."""


_KINDS = tuple((kind.value, kind) for kind in SubjectKind)  # looked up once: there may be tens of thousands of grants


def _one_of(schema: dict[str, object], keys: list[str]) -> None:
    schema["oneOf"] = [{"required": [key]} for key in keys]


class To(Strict):
    """Whom a grant is for: one kind and one name."""

    model_config = ConfigDict(json_schema_extra=lambda schema: _one_of(schema, [k.value for k in SubjectKind]))

    iam_user: str | None = None
    """An IAM user by name or ARN."""
    iam_role: str | None = None
    """An IAM role by name or ARN."""
    iam_group: str | None = None
    """An IAM group by name; it must be in identity.iam_groups."""
    cognito_user: str | None = None
    """A user of the deployment's pool by user name."""
    cognito_group: str | None = None
    """A group of the deployment's pool; it must be in identity.cognito.groups."""
    identity_center_group: str | None = None
    """A group of IAM Identity Center, on a cluster alone: no sign-in to a domain gives its members' names."""
    internal_user: str | None = None
    """A user of the engine's own: of a domain's internal user database, of a cluster's native realm."""
    backend_role: str | None = None
    """Any other backend role, as a plain string. Not on a cluster."""
    by: By | None = None
    """How a Cognito group becomes a principal of a domain. members (default): its members one by one. role: the IAM role of its token."""

    @model_validator(mode="after")
    def _one(self) -> To:
        given = self._given()
        if len(given) != 1:
            raise Wrong(
                "names nobody" if not given else f"names {len(given)} kinds ({', '.join(kind for kind, _ in given)})",
                f"exactly one of {', '.join(key for key, _ in _KINDS)}",
            )
        for kind, name in given:
            try:
                names.check_subject(kind, name)
            except Wrong as wrong:
                raise Wrong(wrong.problem, wrong.remedy, (kind.value,)) from None
        if self.by and not self.cognito_group:
            raise Wrong(
                "`by` is given, but this is no Cognito group", "leave it out: only a Cognito group has two ways"
            )
        return self

    @cached_property
    def subject(self) -> Subject:
        ((kind, name),) = self._given()
        return Subject(kind, name)

    def _given(self) -> list[tuple[SubjectKind, str]]:
        values = self.__dict__
        return [(kind, values[key]) for key, kind in _KINDS if values[key] is not None]


class GrantSpec(Strict):
    model_config = ConfigDict(json_schema_extra=lambda schema: _one_of(schema, ["role", "level"]))

    role: Name | None = None
    """A role of access.roles, or one that the engine has from the start."""
    level: Name | None = None
    """A level of access.levels."""
    to: To
    """Whom it is granted to."""

    @model_validator(mode="after")
    def _one(self) -> GrantSpec:
        if (self.role is None) == (self.level is None):
            raise Wrong(
                "grants neither a role nor a level" if self.role is None else "grants a role and a level",
                "exactly one of role, level",
            )
        return self


class InternalUser(Strict):
    description: Text = ""
    """Who this is."""
    backend_roles: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Plain strings that role mappings may name."""
    attributes: dict[Name, Annotated[str, Field(max_length=1000)]] = Field(default_factory=dict)
    """Attributes for document-level security: ${attr.internal.NAME}."""
    secret: SecretName | None = None
    """Secret in Secrets Manager that holds the password. Default: one is made, with a generated password."""


class SeedUser(Strict):
    name: UserName
    """User name; it must follow the level's standard."""
    level: Name
    """The level that the user is granted."""
    secret: SecretName | None = None
    """Secret in Secrets Manager that holds the password. Default: one is made, with a generated password."""


class Access(Strict):
    """What every engine's access model has."""

    grants: tuple[GrantSpec, ...] = ()
    """Who is granted what."""
    seed_users: dict[Environment, tuple[SeedUser, ...]] = Field(default_factory=dict)
    """Users that a new engine starts with, by environment: only those of `environment` are made."""


class DomainAccess(Access):
    levels: Levels | None = None
    """The layered model."""
    roles: dict[Name, Role] = Field(default_factory=dict)
    """Roles by name."""
    action_groups: dict[Name, ActionGroup] = Field(default_factory=dict)
    """Action groups by name."""
    tenants: dict[Name, Tenant] = Field(default_factory=dict)
    """Tenants of Dashboards by name."""
    users: dict[UserName, InternalUser] = Field(default_factory=dict)
    """Users of the internal user database. Passwords never stand here."""
    and_backend_roles: dict[Name, tuple[Annotated[str, Field(min_length=1, max_length=256)], ...]] = Field(
        default_factory=dict
    )
    """role: backend roles; who has ALL of them has the role."""
