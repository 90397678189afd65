"""What the stacks need of the deployment files, and no more. Thin on purpose: what a file may say is the business of `portcullis.model`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portcullis import model
from portcullis.access.plan import By, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.model import Finding, OnCluster, OnDomain, Severity
from portcullis.model.elasticsearch.types import Cluster
from portcullis.model.types import MASTERS
from portcullis.operations.access.asking.asserting import broken_in_file

from stacks import names


@dataclass(frozen=True, slots=True)
class Declared:
    """One deployment file, as the stacks see it."""

    name: str
    source: Path
    engine: str  # as Amazon names it: OpenSearch_3.3; of a cluster, as Elastic does
    configuration: str  # cognito | internal | api; empty on a cluster, as what follows of nodes
    node_type: str
    node_count: int
    storage_gib: int
    rotation_days: int
    on_demand_days: int | None  # rotate on demand every so many days
    multi_region: bool
    replica_regions: tuple[str, ...]
    key_alias: str  # alias/NAME of the key we make, or of the given one; empty if a key is given by its own ARN
    org_paths: tuple[str, ...]  # that bound the use of the key we make
    key_arn: str  # the given key's or alias's; empty: we make one
    has_pool: bool
    cognito_groups: dict[str, bool]  # group -> has an IAM role of its own
    iam_groups: tuple[str, ...]
    iam_groups_made: tuple[str, ...]  # those that are made with the stacks
    iam_users: tuple[str, ...]  # names of IAM users that are granted something
    iam_roles: tuple[str, ...]  # and of IAM roles, those among them that a Cognito group counts by
    passwords: dict[str, str | None]  # internal user -> the secret that holds the password, None where one is made
    identity_store: str
    break_glass_by: tuple[str, ...]  # ARNs; nobody: the role cannot be taken
    break_glass_mfa: bool
    break_glass_session: str  # what a session of it has to be called, with wildcards; empty: anything
    email: str
    sweep_minutes: int
    signs_out: bool  # people, where something asks for their sessions to be ended
    bounded_groups: tuple[str, ...]  # Cognito groups of whose own roles the older sessions are to be denied
    reads: str  # name of the deployment whose snapshots this one may read
    warnings: tuple[Finding, ...]  # what `check` warns of in it
    model: OnDomain | OnCluster  # the whole file, for what `portcullis.model` knows how to make of it

    @property
    def cluster(self) -> Cluster | None:
        """The cluster that runs elsewhere; None: the engine is a domain that the stacks make."""
        return self.model.cluster if isinstance(self.model, OnCluster) else None

    def access_policy(self, domain_arn: str) -> dict[str, Any]:
        """Of the domain with this ARN."""
        if isinstance(self.model, OnCluster):
            raise TypeError(f"{self.name} is a cluster that runs elsewhere: no access policy stands before it")
        return model.access_policy(self.model, domain_arn)

    @property
    def read_secrets(self) -> set[str]:
        """The secrets that the file names and the automation reads: of users whose passwords it sets, and of its own on a cluster."""
        own = {self.cluster.credential} if self.cluster else set()
        return own | {secret for secret in self.passwords.values() if secret}

    @property
    def offered_secrets(self) -> set[str]:
        """The secrets that keys for other clusters are put into."""
        return {one.secret for one in self.model.offers.values()} if isinstance(self.model, OnCluster) else set()

    @property
    def machines(self) -> tuple[str, ...]:
        """The ids of the machines whose nodes are told to take keys into their keystores."""
        keystore = self.model.cluster.keystore if isinstance(self.model, OnCluster) else None
        return tuple(keystore.ssm.nodes.values()) if keystore and keystore.ssm else ()

    @property
    def asks_to_read(self) -> bool:
        """Whether it reads other domains of Amazon's."""
        return isinstance(self.model, OnDomain) and bool(self.model.connections.reads)

    @property
    def accepts_readers(self) -> bool:
        """Whether other domains of Amazon's may read it."""
        return isinstance(self.model, OnDomain) and bool(self.model.connections.read_by)

    @property
    def remote_secrets(self) -> set[str]:
        """The secrets of keys by which other clusters are read, and of what it takes to put these into keystores."""
        if not isinstance(self.model, OnCluster):
            return set()
        keystore = self.model.cluster.keystore
        way = {keystore.credential} if keystore and keystore.credential else set()
        return way | {one.credential for one in self.model.remotes.values() if one.credential}

    @property
    def watched_secret(self) -> str:
        """The secret of break-glass on a cluster: looked at, and never read."""
        return (self.model.break_glass.secret or "") if isinstance(self.model, OnCluster) else ""

    @property
    def zones(self) -> int:
        """Over how many Availability Zones the nodes are spread: two, if they can be spread evenly."""
        return 2 if self.node_count % 2 == 0 else 1


def load_all(folder: Path) -> tuple[Declared, ...]:
    """Every `*.yaml` of a folder, by name, but each after the one whose snapshots it reads.

    Raises BadInput for a bad file, a folder without any, a name given twice.
    """
    files = model.deployment_files(folder)
    if not files:
        raise BadInput(
            "no deployment file (*.yaml) found",
            source=str(folder),
            remedy="write one, or name another folder: cdk -c deployments=FOLDER, or PORTCULLIS_DEPLOYMENTS of make up",
        )
    found: dict[str, Declared] = {}
    for path in files:
        one = declared(path)
        if one.name in found:
            raise BadInput(
                f"the deployment {one.name!r} is in {found[one.name].source.name} too",
                source=str(path),
                place="deployment",
                remedy="one file a deployment",
            )
        found[one.name] = one
    return tuple(sorted(found.values(), key=lambda one: (len(_sources(one, found)), one.name)))


def _sources(one: Declared, found: Mapping[str, Declared]) -> list[str]:
    """Whose snapshots it reads, whose those read, and so on. Raises BadInput for one that is not there, and for a circle."""
    names, problem = [one.name], ""
    while not problem and (name := found[names[-1]].reads):
        if name not in found:
            problem = f"there is no deployment {name!r}"
        elif name in names:
            problem = f"the deployments read one another's snapshots in a circle: {', '.join(names)}"
        names.append(name)
    if problem:
        raise BadInput(
            problem,
            source=str(found[names[-2]].source),
            place="snapshots.reads",
            remedy="the name of a deployment beside this one; leave it out once the re-key is done",
        )
    return names


def check_keys(deployments: Iterable[Declared], account: str) -> None:
    """Raise BadInput for a key named by an alias of another account: what that stands for no policy of this account can name, so that the
    key could never be looked at."""
    for one in deployments:
        if ":alias/" in one.key_arn and one.key_arn.split(":")[4] != account:
            raise BadInput(
                f"{one.key_arn} is an alias of another account",
                source=str(one.source),
                place="key.arn",
                remedy="name the key by its own ARN, arn:aws:kms:REGION:ACCOUNT:key/ID",
            )


def declared(path: Path) -> Declared:
    """Read one file. Raises BadInput, also for what `check` calls an error: nobody has to have asked it before they deploy."""
    read = model.load(path)
    findings = model.require(read)
    for error in broken_in_file(read):
        raise error
    assert isinstance(read, OnDomain | OnCluster)  # noqa: S101 - there are these two
    domain = read.domain if isinstance(read, OnDomain) else None
    configuration = domain.configuration.value if domain else ""
    pool, given = read.identity.cognito, read.key.arn or ""
    granted = [grant.to.subject for grant in read.access.grants]
    named = given.split(":", 5)[5] if ":alias/" in given else ""
    return Declared(
        name=read.deployment,
        source=path,
        engine=read.engine,
        configuration=configuration,
        node_type=domain.data_nodes.type_on(read.engine) if domain else "",
        node_count=domain.data_nodes.count if domain else 0,
        storage_gib=domain.data_nodes.storage_gib if domain else 0,
        rotation_days=read.key.rotation_days,
        on_demand_days=read.key.on_demand_rotation_days,
        multi_region=read.key.multi_region,
        replica_regions=tuple(read.key.replicas),
        key_alias=named if given else read.key.alias or f"alias/portcullis/{read.deployment}",
        org_paths=read.key.org_paths,
        key_arn=given,
        has_pool=pool is not None or configuration == "cognito",
        cognito_groups={name: group.role for name, group in pool.groups.items()} if pool else {},
        iam_groups=tuple(read.identity.iam_groups),
        iam_groups_made=tuple(read.identity.iam_groups) if read.identity.make_iam_groups else (),
        iam_users=_names(granted, SubjectKind.IAM_USER),
        iam_roles=tuple(sorted({*_names(granted, SubjectKind.IAM_ROLE), *_roles_of_groups(read)})),
        passwords=dict(model.secrets(read)),
        identity_store=read.identity.identity_center.store if read.identity.identity_center else "",
        break_glass_by=tuple(read.break_glass.assumed_by),
        break_glass_mfa=read.break_glass.require_mfa,
        break_glass_session=read.break_glass.session_name or "",
        email=read.alerts.email or "",
        sweep_minutes=read.custody.sweep_minutes,
        signs_out=read.custody.end_sessions or read.custody.deny_older_sessions,
        bounded_groups=pool.bounded_groups if pool and read.custody.deny_older_sessions else (),
        reads=read.snapshots.reads or "",
        warnings=tuple(one for one in findings if one.severity is Severity.WARNING),
        model=read,
    )


def _names(subjects: list[Subject], kind: SubjectKind) -> tuple[str, ...]:
    """The plain names of the subjects of one kind, ARNs shortened to theirs."""
    return tuple(sorted({subject.name.rsplit("/", 1)[-1] for subject in subjects if subject.kind is kind}))


def _roles_of_groups(read: OnDomain | OnCluster) -> set[str]:
    """The names of the roles of Cognito groups that are granted something by them."""
    groups = {grant.to.subject.name for grant in read.access.grants if grant.to.by is By.ROLE}
    return {
        names.of(read.deployment, "master") if g == MASTERS else names.group_role(read.deployment, g) for g in groups
    }
