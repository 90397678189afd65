"""A deployment as it was deployed, and its access model as it was last put into effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec import Struct

from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.errors import Refused
from portcullis.model.option_types import Options


class Network(Struct, frozen=True):
    """The security group of an engine in a VPC, and those that a lock leaves in."""

    group: str
    automation: str | None = None
    break_glass: str | None = None  # of the machine that break-glass is used from


class AmazonDomain(Struct, frozen=True, tag="amazon-domain"):
    """A domain of Amazon OpenSearch Service: its configuration is AWS', and can be changed there."""

    called: ClassVar[str] = "domain"
    name: str
    arn: str
    endpoint: str  # host or host:port, no scheme
    network: Network | None = None  # None: it is in no VPC

    @property
    def id(self) -> str:
        """What the lease and the claims are kept under: the same for every deployment of this domain."""
        return self.arn

    @property
    def ca(self) -> None:
        """Amazon's certificates are believed by everybody."""


class ElasticCloudKeystore(Struct, frozen=True, tag="elastic-cloud"):
    """The keystores of a deployment of Elastic Cloud, which its API writes."""

    deployment: str
    credential: str  # secret with an API key
    ref: str
    api: str
    ca: str | None = None


class KubernetesKeystore(Struct, frozen=True, tag="kubernetes"):
    """The keystores of a cluster of ECK, which puts a secret of Kubernetes into them."""

    api: str
    namespace: str
    secret: str
    credential: str  # secret with the token of a service account
    ca: str | None = None


class SsmKeystore(Struct, frozen=True, tag="ssm"):
    """The keystores of nodes on machines that Systems Manager manages. A document of the stacks has a node take a key from its secret."""

    document: str
    nodes: Mapping[str, str]  # a node's name -> the id of its machine


Keystore = ElasticCloudKeystore | KubernetesKeystore | SsmKeystore  # how keys of other clusters reach nodes


class Cluster(Struct, frozen=True, tag="cluster"):
    """A cluster that runs elsewhere: on EC2, in Kubernetes, at Elastic Cloud. AWS knows nothing of it but a secret."""

    called: ClassVar[str] = "cluster"
    endpoint: str  # host or host:port, no scheme
    ca: str | None = None  # PEM: the only authority that is believed; None: the public ones
    keystore: Keystore | None = None  # None: files of the nodes, where these can be reached

    @property
    def name(self) -> str:
        return self.endpoint

    @property
    def id(self) -> str:
        """What the lease and the claims are kept under: the same for every deployment of this cluster."""
        return f"cluster:{self.endpoint.lower()}"


class IamRole(Struct, frozen=True, tag="iam-role"):
    """Somebody who signs their requests: the engine knows them by the ARN of their role."""

    entry_list: ClassVar[str] = "backend_roles"  # of a mapping: where they stand in it
    arn: str

    @property
    def principal(self) -> str:
        """What the engine knows them by."""
        return self.arn

    @property
    def subject(self) -> Subject:
        """As whom they are granted something."""
        return Subject(SubjectKind.BACKEND_ROLE, self.arn)

    @property
    def backend_roles(self) -> tuple[str, ...]:
        """What the engine sees of them besides."""
        return (self.arn,)


class EngineUser(Struct, frozen=True, tag="engine-user"):
    """Somebody whom the engine knows by a name of its own. The secret holds what they prove it with."""

    entry_list: ClassVar[str] = "users"
    name: str
    secret: str  # ARN, or a name in our account; empty: nobody here can speak as them

    @property
    def principal(self) -> str:
        """What the engine knows them by."""
        return self.name

    @property
    def subject(self) -> Subject:
        """As whom they are granted something."""
        return Subject(SubjectKind.INTERNAL_USER, self.name)

    @property
    def backend_roles(self) -> tuple[str, ...]:
        """What the engine sees of them besides."""
        return ()


Actor = IamRole | EngineUser  # as whom we speak to an engine
Place = AmazonDomain | Cluster  # where an engine runs


class Key(Struct, frozen=True):
    """The KMS key that the data is under."""

    arn: str
    alias: str | None = None
    replicas: tuple[str, ...] = ()  # ARNs of its copies in other Regions
    store: str | None = None  # the custom key store that it is in


class Cognito(Struct, frozen=True):
    """The user pool that people sign in to, and what they become by it."""

    user_pool: str
    identity_pool: str | None = None
    group_roles: Mapping[str, str] = {}  # group -> ARN of its IAM role
    # Those of them whose older sessions may be denied: within a boundary that the stacks made, and never the master.
    bounded_roles: Mapping[str, str] = {}


class SnapshotStore(Struct, frozen=True):
    """The bucket that a deployment keeps its snapshots in."""

    bucket: str
    taker: str  # ARN of the role that asks the engine for snapshots, and may pass the next one on
    store: str  # ARN of the role that Amazon writes to and reads from the bucket as


class Registration(Struct, frozen=True):
    """A deployment as it was deployed: the facts that only CloudFormation knows. Written by `domain_setup`, read by all."""

    deployment: str
    account: str
    region: str
    place: Place
    key: Key
    automation: Actor
    master: Actor  # who can let the automation in
    family: str = "opensearch"  # of engines: one of `families.FAMILIES`
    break_glass: Actor | None = None
    canary: Actor | None = None  # as whom it is proved that a lock holds
    other_roles: tuple[str, ...] = ()  # ARNs of what the stacks made besides: watched as the others are
    cognito: Cognito | None = None
    identity_store: str | None = None  # of Identity Center
    snapshots: SnapshotStore | None = None
    eyes: str | None = None  # what we see this deployment by, as it was deployed: see `operations.watching.seeing`

    @property
    def domain(self) -> AmazonDomain | None:
        """The domain of Amazon that it is on; None if it is on a cluster that runs elsewhere."""
        return self.place if isinstance(self.place, AmazonDomain) else None

    @property
    def network(self) -> Network | None:
        """None: its engine is in no VPC, or AWS knows nothing of where it is."""
        return self.domain.network if self.domain else None

    @property
    def watched(self) -> tuple[str, str]:
        """Whose secret it is whose every reading is told, and the secret: the master's, or on a cluster, whose master's is nobody's here,
        that of break-glass. No secret if neither has one."""
        known = (("the master", self.master), ("break-glass", self.break_glass))
        secrets = ((whose, one.secret) for whose, one in known if isinstance(one, EngineUser) and one.secret)
        return next(secrets, ("the master", ""))

    def refuse_elsewhere(self) -> None:
        """Refused where whoever runs the cluster sees to what is asked for."""
        if self.domain is None:
            raise Refused(
                f"{self.deployment} runs on a cluster that is not ours: whoever runs it takes its snapshots, restores them, and moves it"
                " to another key"
            )

    def snapshot_store(self) -> SnapshotStore:
        """Where it keeps its snapshots. Refused if it has no such place."""
        self.refuse_elsewhere()
        if self.snapshots is None:
            raise Refused(f"{self.deployment} was deployed without a bucket for snapshots: deploy its stacks again")
        return self.snapshots

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Cognito group -> ARN of its IAM role."""
        return self.cognito.group_roles if self.cognito else {}


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A deployment file as it was last applied. `access` is resolved, so that no function has to parse YAML to react."""

    text: str
    access: AccessModel
    options: Options = field(default_factory=Options)
    version: int = field(default=0, compare=False)  # how often one was kept before; 0: none was
