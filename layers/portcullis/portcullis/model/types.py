"""The deployment file, as types. Every key is here, with the words that editors show; nothing else is taken.

Instances come from `model.load`; they know the file and the lines they were read from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, model_validator

from portcullis.access.plan import Subject, SubjectKind
from portcullis.families.opensearch.limiting.known import Known, known
from portcullis.model import names
from portcullis.model.access_types import Access, DomainAccess, Environment
from portcullis.model.data_nodes import DataNodes
from portcullis.model.names import Wrong
from portcullis.model.parts import AssertionText, Path, Region, Strict, Text, dotted, named
from portcullis.model.presets import LEVELS, Level

ELASTIC = "elasticsearch-"  # how the name of an engine of Elastic's own begins


class Configuration(StrEnum):
    """The three recommended ways of signing in (seed of every domain policy)."""

    COGNITO = "cognito"
    INTERNAL = "internal"
    API = "api"


class Domain(Strict):
    configuration: Configuration
    """Who signs in how. cognito: IAM for the API, Cognito for Dashboards. internal: user name and password of the internal user
    database. api: IAM for the API, Dashboards shut."""
    data_nodes: DataNodes = DataNodes()
    """The nodes that hold the data."""
    deny_sql: bool = True
    """Deny SQL and PPL in the domain's access policy: their error messages tell which index names exist."""


_MOST_CONNECTIONS = 20  # Amazon takes no more in one direction
DomainArn = Annotated[str, *named("a domain's ARN")]


class Connections(Strict):
    """Cross-cluster search between domains of Amazon's. What is connected and stands in no file is told as another road to the data."""

    reads: dict[Annotated[str, *named("a connection's alias")], DomainArn] = Field(
        default_factory=dict, max_length=_MOST_CONNECTIONS
    )
    """Alias -> ARN of a domain that is read from here, as ALIAS:INDEX. Its administrators accept the connection; who may read what is
    said by its own roles and mappings."""
    read_by: tuple[DomainArn, ...] = Field(default=(), max_length=_MOST_CONNECTIONS)
    """ARNs of domains from which this one may be read. The access policy then allows es:ESCrossClusterGet; roles and mappings here say
    who reads what, by the name and the backend roles that they have over there."""


class Key(Strict):
    rotation_days: int = Field(default=365, json_schema_extra={"minimum": 90, "maximum": 2560})
    """Period of the automatic rotation in days: 90 to 2560."""
    alias: Annotated[str, *named("an alias")] | None = None
    """Alias of the key that is made, as alias/NAME. Default: alias/portcullis/DEPLOYMENT."""
    multi_region: bool = False
    """Make a multi-Region primary key."""
    replicas: tuple[Region, ...] = ()
    """Regions that get a replica of a multi-Region key."""
    on_demand_rotation_days: int | None = Field(default=None, json_schema_extra={"minimum": 1, "maximum": 89})
    """Also rotate on demand, every so many days: for periods below the 90 days that KMS takes, such as 31. KMS allows a key 25 of
    these in its life; the automation warns when six are left."""
    arn: Annotated[str, *named("a KMS key")] | None = None
    """Use this existing key (ARN of a key or of an alias) and make none. Its owner rotates it."""
    org_paths: tuple[Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}/[A-Za-z0-9/*-]{1,200}$")], ...] = ()
    """Organisation paths (aws:PrincipalOrgPaths) that bound who may use the key, beside the account and the service."""

    @model_validator(mode="after")
    def _fit(self) -> Key:
        if not 90 <= self.rotation_days <= 2560:
            month = "; for 31 days leave this at 90 or more and rotate on demand (on_demand_rotation_days: 31), 25 times in a key's life"
            raise Wrong(
                f"rotation_days is {self.rotation_days}",
                f"KMS rotates by itself every 90 to 2560 days{month if self.rotation_days < 90 else ''}",
                ("rotation_days",),
            )
        if self.on_demand_rotation_days is not None and not 1 <= self.on_demand_rotation_days <= 89:
            raise Wrong(
                f"on_demand_rotation_days is {self.on_demand_rotation_days}",
                "1 to 89 days; from 90 days on rotation_days does it, without a limit on how often",
                ("on_demand_rotation_days",),
            )
        own = {"rotation_days", "alias", "multi_region", "replicas", "on_demand_rotation_days"} & self.model_fields_set
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


# A group of this name with a role of its own gets the master role instead: people who administer the domain through Dashboards.
MASTERS = "masters"


class Cognito(Strict):
    groups: dict[str, CognitoGroup] = Field(default_factory=dict)
    """Groups of the deployment's user pool by name. Made if absent; their members are what people edit."""

    @property
    def bounded_groups(self) -> tuple[str, ...]:
        """The groups with a role that is theirs alone: whatever that role is given, it can be kept within a boundary."""
        return tuple(group for group, spec in self.groups.items() if spec.role and group != MASTERS)

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
    store: Annotated[str, *named("an identity store")]
    """Id of the identity store (d-…) whose groups may be granted."""


class Identity(Strict):
    cognito: Cognito | None = None
    """The user pool of this deployment. Needed by the configuration cognito and by grants to Cognito users and groups."""
    iam_groups: tuple[Annotated[str, *named("an IAM name")], ...] = ()
    """IAM groups whose members are granted something. An IAM group is no principal: it is translated into its members."""
    make_iam_groups: bool = False
    """Have the stacks make these IAM groups. Default: they are there already, under whichever path, and are only read."""
    identity_center: IdentityCenter | None = None
    """IAM Identity Center, if its groups are granted something."""


class Custody(Strict):
    sweep_minutes: int = Field(default=5, ge=1, le=60)
    """How often the whole truth is read: with every event lost, a revoked key still locks within this and a minute."""
    end_sessions: bool = False
    """Also end the sessions of people (global sign-out in Cognito): of everybody at a lock, after which they have to sign in again,
    and of whoever is taken out of a mapping or leaves a group that has a role of its own."""
    deny_older_sessions: bool = False
    """Also refuse the credentials that are still held of a Cognito group's own role: when somebody leaves the group, and at a lock.
    IAM cannot tell whose they are, so every session of that role that is older is refused, those of members who stay included: they
    sign in again. Whoever left is signed out for it."""
    end_api_keys: bool = False
    """On an Elasticsearch: at a lock, also end the API keys that others made, for good: their owners have to make new ones; and those
    of whoever loses a role, as a key keeps what its owner had. Without it they stay: they are named, and in a lock the index blocks alone
    hold what they read. Keys of the automation's own account are narrowed and put back."""
    delete_after_days: int | None = Field(default=None, ge=1, le=3650)
    """Days after a lock by revocation from which on a deletion is asked for, daily. Default: never. Nothing is deleted by itself."""


class BreakGlass(Strict):
    assumed_by: tuple[str, ...] = ()
    """ARNs of IAM users and roles that may assume the break-glass role. Default: nobody can, until somebody is named and deployed."""
    require_mfa: bool = True
    """Only with multi-factor authentication. A session of a role (IAM Identity Center's too) carries no proof of it: where a role is
    named, ask for a session name instead."""
    session_name: Annotated[str, Field(pattern=r"^[\w+=,.@*?-]{2,64}$")] | None = None
    """What the session has to be called (* and ? are wildcards), so that each taking of the role says what for, such as `incident-*`."""
    minutes: int = Field(default=60, ge=1, le=240)
    """The longest that one use of break-glass may last, and how long it lasts unless a shorter time is asked for."""

    @model_validator(mode="after")
    def _arns(self) -> BreakGlass:
        for arn in self.assumed_by:
            kind = SubjectKind.IAM_USER if ":user/" in arn else SubjectKind.IAM_ROLE
            if not arn.startswith("arn:"):
                raise Wrong(f"{names.shown(arn)} is not an ARN", "arn:aws:iam::ACCOUNT:role/NAME, or …:user/NAME")
            names.check_subject(kind, arn)
            if names.is_ours(arn):
                raise Wrong(f"{names.shown(arn, 90)} is a role of Portcullis itself", "the people who may take it")
            if kind is SubjectKind.IAM_ROLE and self.require_mfa:
                raise Wrong(
                    f"{names.shown(arn)} is a role, and a role's sessions carry no proof of multi-factor authentication",
                    "name IAM users, or set require_mfa: false with a session_name",
                )
        if not self.require_mfa and (self.session_name or "*").strip("*?") == "":
            raise Wrong(
                "break-glass would be taken without multi-factor authentication and under any name",
                "require_mfa: true, or a session_name such as incident-*",
            )
        return self


class Snapshots(Strict):
    every_hours: int = Field(default=24, ge=0, le=720)
    """A snapshot of every index every so many hours, into the deployment's own bucket. 0: only those that somebody takes."""
    restore_sample: Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_+.-]{0,199}$")] | None = None
    """Name of an index that is restored from the latest snapshot from time to time, compared with the original and taken away again:
    the proof that the snapshots can be restored. The role that takes snapshots may then read this index."""
    check_days: int = Field(default=7, ge=1, le=90)
    """How often that is done, in days."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    """Use this existing bucket. Default: one is made."""
    key_arn: Annotated[str, *named("a KMS key")] | None = None
    """Key (its ARN, not an alias) of the snapshots' bucket. Default: the deployment's own key, so that destroying it destroys the
    snapshots too."""
    reads: Annotated[str, *named("a deployment's name")] | None = None
    """Name of another deployment beside this one, whose snapshots this one may read (and not change): what a re-key moves here."""

    @model_validator(mode="after")
    def _by_key(self) -> Snapshots:
        if self.key_arn and ":key/" not in self.key_arn:
            raise Wrong("key_arn names an alias, and a bucket takes a key", "the key's own ARN: …:key/ID", ("key_arn",))
        return self


class AlertSpec(Strict):
    email: Annotated[str, *named("an e-mail address")] | None = None
    """Who is told by e-mail. Default: the topic alone, for you to subscribe to."""


class Deployment(Strict, ABC):
    """What every deployment file says, whatever its engine is: a search engine, its key, its identity sources, its access model."""

    deployment: Annotated[str, *named("a deployment's name")]
    """Name of the deployment; a domain is called so, too."""
    description: Text = ""
    """What it is, for people."""
    engine: str
    """Engine and version."""
    environment: Environment = Environment.CLOUD
    """Where this engine runs; the seed users of that environment are made."""
    key: Key = Key()
    """The key that encrypts it."""
    identity: Identity = Identity()
    """Where people and groups come from."""
    access: Access
    """Who may do what."""
    custody: Custody = Custody()
    """What happens when the key rotates or is revoked."""
    snapshots: Snapshots = Snapshots()
    """How its snapshots are taken, and how it is proved that they can be restored."""
    break_glass: BreakGlass = BreakGlass()
    """The one principal that is still let in while locked."""
    alerts: AlertSpec = AlertSpec()
    """Who is told."""
    accept: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,60}$")], Text] = Field(default_factory=dict)
    """Warnings of `portcullis check` that are meant so: code: the reason."""

    _source: str = PrivateAttr(default="")
    _lines: Mapping[Path, int] = PrivateAttr(default_factory=dict)

    @property
    @abstractmethod
    def family(self) -> str:
        """The family of its engine: one of `families.FAMILIES`."""

    @property
    @abstractmethod
    def levels(self) -> dict[str, Level]:
        """The levels by name: the preset's, changed and added to as `access.levels.define` says. Empty without levels."""

    def called(self, level: str, subject: Subject) -> str:
        """The name of a user as the level's standards are about it."""
        return subject.name.rpartition("/")[2]

    @property
    def source(self) -> str:
        """The file it was read from, as given."""
        return self._source

    def line(self, *path: str | int) -> int:
        """The line (from 1) where this key path stands, or its nearest parent's; 0 if nothing is known."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def place(self, *path: str | int) -> str:
        """`file:line path` for people."""
        return f"{self._source}:{self.line(*path)} {dotted(path)}".strip()


class OnDomain(Deployment):
    """A domain of Amazon's, made by the stacks."""

    engine: Annotated[str, *named("an engine")]
    """Engine and version as Amazon names it, such as OpenSearch_3.3."""
    domain: Domain
    """The domain itself."""
    connections: Connections = Connections()
    """Other domains that are read from here, and from which this one is read."""
    access: DomainAccess = DomainAccess()
    """Who may do what."""
    assertions: tuple[AssertionText, ...] = Field(default=(), max_length=100)
    """What has to hold whatever is granted, such as: nobody outside group hr reads payroll-*. See docs/assertions.md."""

    @property
    def family(self) -> str:
        return "opensearch"

    @property
    def known(self) -> Known:
        """What its engine has from the start."""
        return known(self.engine)

    @property
    def levels(self) -> dict[str, Level]:
        if self.access.levels is None:
            return {}
        merged = dict(LEVELS)
        for name, spec in self.access.levels.define.items():
            merged[name] = merged.get(name, Level()).changed(**spec.model_dump(exclude_none=True))
        return merged


def names_a_cluster(data: Mapping[str, Any]) -> bool:
    """Whether a deployment file's data is of a cluster that runs elsewhere, as far as can be told before it is read."""
    return "domain" not in data and ("cluster" in data or str(data.get("engine", "")).startswith(ELASTIC))


def mixture(data: Mapping[str, Any]) -> Wrong | None:
    """Why a deployment file's data is half a domain and half a cluster, if it is."""
    engine = data.get("engine")
    if "domain" in data and "cluster" in data:
        one = "domain for one of Amazon's that the stacks make, cluster for one that runs elsewhere"
        return Wrong("names a domain and a cluster", one, ("cluster",))
    if not isinstance(engine, str):
        return None
    if "cluster" in data and not engine.startswith(ELASTIC):
        family, _, version = engine.partition("_")
        own = f"did you mean {ELASTIC}{version}?" if family == "Elasticsearch" else f"{ELASTIC}9.5 and the like"
        return Wrong(f"{names.shown(engine)} is a name of Amazon's, and a cluster runs Elastic's own", own, ("engine",))
    if "domain" in data and engine.startswith(ELASTIC):
        amazons = (
            "cluster: {endpoint: …, credential: …}; what Amazon runs is called OpenSearch_3.3, or Elasticsearch_7.10"
        )
        return Wrong(f"{names.shown(engine)} is Elastic's own, and Amazon has no domains of it", amazons, ("domain",))
    return None
