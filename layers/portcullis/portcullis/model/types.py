"""The deployment file, as types. Every key is here, with the words that editors show; nothing else is taken.

Instances come from `model.load`; they know the file and the lines they were read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from portcullis.access.plan import By, Subject, SubjectKind
from portcullis.model import names
from portcullis.model.known import Known, known
from portcullis.model.names import Wrong
from portcullis.model.presets import LEVELS, Level

Path = tuple[str | int, ...]


def _named(what: str) -> tuple[AfterValidator, WithJsonSchema]:
    def checked(value: str) -> str:
        return names.check(what, value)

    return AfterValidator(checked), WithJsonSchema({"type": "string", "pattern": names.pattern_of(what)})


def _plain(value: str) -> str:
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in value):
        raise Wrong(f"{names.shown(value)} holds control characters", "plain text")
    return value


_DEPLOYMENT, _NAME, _USER, _REGION = (
    _named("a deployment's name"),
    _named("a name"),
    _named("a user name"),
    _named("a Region"),
)
Name = Annotated[str, *_NAME]
UserName = Annotated[str, *_USER]
Region = Annotated[str, *_REGION]
SecretName = Annotated[str, *_named("a secret")]
Text = Annotated[str, AfterValidator(_plain), Field(max_length=2000)]
IndexPattern = Annotated[str, AfterValidator(names.check_index_pattern), Field(max_length=255)]
Permission = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*?:./\[\]#-]{1,256}$")]


class Strict(BaseModel):
    """What all parts of the file have in common: unknown keys refused, no silent conversion, never changed after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Configuration(StrEnum):
    """The three recommended ways of signing in (seed of every domain policy)."""

    COGNITO = "cognito"
    INTERNAL = "internal"
    API = "api"


class Environment(StrEnum):
    """Where the engine runs: decides which seed users are made."""

    LOCAL = "local"
    ON_PREMISES = "on_premises"
    CLOUD = "cloud"


class DataNodes(Strict):
    type: Annotated[str, *_named("an instance type")] = "r7g.large.search"
    """Instance type of the data nodes, as Amazon names it."""
    count: int = Field(default=2, ge=1, le=1000)
    """Number of data nodes; they are spread over the Availability Zones."""
    storage_gib: int = Field(default=50, ge=10, le=24576)
    """Size of each node's gp3 volume in GiB."""


class Domain(Strict):
    configuration: Configuration
    """Who signs in how. cognito: IAM for the API, Cognito for Dashboards. internal: user name and password of the internal user
    database. api: IAM for the API, Dashboards shut."""
    data_nodes: DataNodes = DataNodes()
    """The nodes that hold the data."""
    deny_sql: bool = True
    """Deny SQL and PPL in the domain's access policy: their error messages tell which index names exist."""


class Key(Strict):
    rotation_days: int = Field(default=365, json_schema_extra={"minimum": 90, "maximum": 2560})
    """Period of the automatic rotation in days: 90 to 2560."""
    alias: Annotated[str, *_named("an alias")] | None = None
    """Alias of the key that is made, as alias/NAME. Default: alias/portcullis/DEPLOYMENT."""
    multi_region: bool = False
    """Make a multi-Region primary key."""
    replicas: tuple[Region, ...] = ()
    """Regions that get a replica of a multi-Region key."""
    arn: Annotated[str, *_named("a KMS key")] | None = None
    """Use this existing key (ARN of a key or of an alias) and make none. Its owner rotates it."""

    @model_validator(mode="after")
    def _fit(self) -> Key:
        if not 90 <= self.rotation_days <= 2560:
            month = "; for a period of 31 days leave this at 90 or more and rotate on demand, of which KMS allows a key a limited number"
            raise Wrong(
                f"rotation_days is {self.rotation_days}",
                f"KMS rotates by itself every 90 to 2560 days{month if self.rotation_days < 90 else ''}",
                ("rotation_days",),
            )
        own = {"rotation_days", "alias", "multi_region", "replicas"} & self.model_fields_set
        if self.arn and own:
            raise Wrong(
                f"arn names an existing key, so {', '.join(sorted(own))} cannot be set here",
                "leave them to the key's owner, or leave out arn",
            )
        if self.replicas and not self.multi_region:
            raise Wrong("replicas are given, but the key is not a multi-Region key", "add multi_region: true")
        if len(set(self.replicas)) < len(self.replicas):
            raise Wrong("a Region is named twice in replicas", "each Region once")
        return self


class CognitoGroup(Strict):
    role: bool = False
    """Give the group an IAM role of its own (portcullis-DEPLOYMENT-GROUP), chosen from the token at sign-in; needed for `by: role`."""
    description: Text = ""
    """What the group is for."""


class Cognito(Strict):
    groups: dict[str, CognitoGroup] = {}
    """Groups of the deployment's user pool by name. Made if absent; their members are what people edit."""

    @model_validator(mode="after")
    def _named_well(self) -> Cognito:
        for group, spec in self.groups.items():
            try:
                names.check_subject(SubjectKind.COGNITO_GROUP, group)
            except Wrong as wrong:
                raise Wrong(wrong.problem, wrong.remedy, ("groups", group)) from None
            if spec.role and not (len(group) <= 31 and set(group) <= _IAM_CHARACTERS):
                raise Wrong(
                    f"the group {names.shown(group)} cannot have a role of its own",
                    "an IAM role is named after it: at most 31 letters, digits and _ + = , . @ -",
                    ("groups", group),
                )
        return self


_IAM_CHARACTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-")


class IdentityCenter(Strict):
    store: Annotated[str, *_named("an identity store")]
    """Id of the identity store (d-…) whose groups may be granted."""


class Identity(Strict):
    cognito: Cognito | None = None
    """The user pool of this deployment. Needed by the configuration cognito and by grants to Cognito users and groups."""
    iam_groups: tuple[Annotated[str, *_named("an IAM name")], ...] = ()
    """IAM groups whose members are granted something. An IAM group is no principal: it is translated into its members."""
    identity_center: IdentityCenter | None = None
    """IAM Identity Center, if its groups are granted something."""


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
    define: dict[Name, LevelSpec] = {}
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
    tenant_patterns: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = Field(min_length=1)
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
    """A group of IAM Identity Center by id or display name."""
    internal_user: str | None = None
    """A user of the internal user database."""
    backend_role: str | None = None
    """Any other backend role, as a plain string."""
    by: By | None = None
    """How a Cognito group becomes a principal. members (default): its members one by one. role: the IAM role of its token."""

    @model_validator(mode="after")
    def _one(self) -> To:
        given = {kind: name for kind in SubjectKind if (name := getattr(self, kind.value)) is not None}
        if len(given) != 1:
            kinds = ", ".join(kind.value for kind in SubjectKind)
            raise Wrong(
                "names nobody" if not given else f"names {len(given)} kinds ({', '.join(given)})",
                f"exactly one of {kinds}",
            )
        for kind, name in given.items():
            try:
                names.check_subject(kind, name)
            except Wrong as wrong:
                raise Wrong(wrong.problem, wrong.remedy, (kind.value,)) from None
        if self.by and not self.cognito_group:
            raise Wrong(
                "`by` is given, but this is no Cognito group", "leave it out: only a Cognito group has two ways"
            )
        return self

    @property
    def subject(self) -> Subject:
        kind = next(k for k in SubjectKind if getattr(self, k.value) is not None)
        return Subject(kind, getattr(self, kind.value))


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
    attributes: dict[Name, Annotated[str, Field(max_length=1000)]] = {}
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
    levels: Levels | None = None
    """The layered model."""
    roles: dict[Name, Role] = {}
    """Roles by name."""
    action_groups: dict[Name, ActionGroup] = {}
    """Action groups by name."""
    tenants: dict[Name, Tenant] = {}
    """Tenants of Dashboards by name."""
    grants: tuple[GrantSpec, ...] = ()
    """Who is granted what."""
    users: dict[UserName, InternalUser] = {}
    """Users of the internal user database. Passwords never stand here."""
    seed_users: dict[Environment, tuple[SeedUser, ...]] = {}
    """Users that a new engine starts with, by environment: only those of `environment` are made."""
    and_backend_roles: dict[Name, tuple[Annotated[str, Field(min_length=1, max_length=256)], ...]] = {}
    """role: backend roles; who has ALL of them has the role."""


class Custody(Strict):
    sweep_minutes: int = Field(default=5, ge=1, le=60)
    """How often the whole truth is read: with every event lost, a revoked key still locks within this and a minute."""
    end_sessions: bool = False
    """At a lock, also end the sessions of people (global sign-out in Cognito). They have to sign in again after the unlock."""


class BreakGlass(Strict):
    assumed_by: tuple[str, ...] = ()
    """ARNs of IAM users and roles that may assume the break-glass role. Default: who may do so by IAM policy in this account."""
    minutes: int = Field(default=60, ge=5, le=720)
    """How long one use of break-glass lasts."""

    @model_validator(mode="after")
    def _arns(self) -> BreakGlass:
        for arn in self.assumed_by:
            kind = SubjectKind.IAM_USER if ":user/" in arn else SubjectKind.IAM_ROLE
            if not arn.startswith("arn:"):
                raise Wrong(f"{names.shown(arn)} is not an ARN", "arn:aws:iam::ACCOUNT:role/NAME, or …:user/NAME")
            names.check_subject(kind, arn)
        return self


class AlertSpec(Strict):
    email: Annotated[str, *_named("an e-mail address")] | None = None
    """Who is told by e-mail. Default: the topic alone, for you to subscribe to."""


class Deployment(Strict):
    """One search domain with its key, its identity sources and its access model."""

    deployment: Annotated[str, *_DEPLOYMENT]
    """Name of the deployment, and of its domain."""
    description: Text = ""
    """What it is, for people."""
    engine: Annotated[str, *_named("an engine")]
    """Engine and version as Amazon names it, such as OpenSearch_3.3."""
    environment: Environment = Environment.CLOUD
    """Where the engine runs: decides which seed users are made."""
    domain: Domain
    """The domain itself."""
    key: Key = Key()
    """The key that encrypts it."""
    identity: Identity = Identity()
    """Where people and groups come from."""
    access: Access = Access()
    """Who may do what."""
    custody: Custody = Custody()
    """What happens when the key rotates or is revoked."""
    break_glass: BreakGlass = BreakGlass()
    """The one principal that is still let in while locked."""
    alerts: AlertSpec = AlertSpec()
    """Who is told."""
    accept: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,60}$")], Text] = {}
    """Warnings of `portcullis check` that are meant so: code: the reason."""

    _source: str = PrivateAttr(default="")
    _lines: Mapping[Path, int] = PrivateAttr(default_factory=dict)

    @property
    def source(self) -> str:
        """The file it was read from, as given."""
        return self._source

    @property
    def known(self) -> Known:
        """What its engine has from the start."""
        return known(self.engine)

    @property
    def levels(self) -> dict[str, Level]:
        """The levels by name: the preset's, changed and added to as `access.levels.define` says. Empty without levels."""
        if self.access.levels is None:
            return {}
        merged = dict(LEVELS)
        for name, spec in self.access.levels.define.items():
            merged[name] = merged.get(name, Level()).changed(**spec.model_dump(exclude_none=True))
        return merged

    def line(self, *path: str | int) -> int:
        """The line (from 1) where this key path stands, or its nearest parent's; 0 if nothing is known."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def place(self, *path: str | int) -> str:
        """`file:line path` for people."""
        return f"{self._source}:{self.line(*path)} {dotted(path)}".strip()


def dotted(path: Path) -> str:
    """A key path as people write it: access.grants[2].level."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + part
    return text
