"""A deployment as it was deployed, and its access model as it was last put into effect."""

from __future__ import annotations

from dataclasses import dataclass, field

from portcullis.access.plan import AccessModel
from portcullis.model.option_types import Options


@dataclass(frozen=True, slots=True)
class Registration:
    """A deployment as it was deployed: the facts that only CloudFormation knows. Written by `domain_setup`, read by all."""

    deployment: str
    account: str
    region: str
    domain: str  # domain name
    domain_arn: str
    endpoint: str  # host or host:port, no scheme
    key_arn: str
    key_alias: str = ""
    key_replicas: tuple[str, ...] = ()
    key_store: str = ""  # the custom key store that the key is in, if it is in one
    user_pool: str = ""
    identity_pool: str = ""
    identity_store: str = ""
    group_roles: dict[str, str] = field(default_factory=dict)  # Cognito group -> IAM role ARN
    # Those of them whose older sessions may be denied: within a boundary that the stacks made, and never the master.
    bounded_roles: dict[str, str] = field(default_factory=dict)
    master_role: str = ""
    master_secret: str = (
        ""  # ARN of the secret with the master's name and password, where the master is an internal user ...
    )
    master_user: str = ""  # ... and that name
    automation_role: str = ""
    break_glass_role: str = ""
    canary_role: str = ""
    snapshot_role: str = ""  # asks the engine for snapshots, and may pass the next one on
    snapshot_store_role: str = ""  # what Amazon writes to and reads from the bucket as
    snapshot_bucket: str = ""
    security_group: str = ""
    automation_security_group: str = ""
    break_glass_security_group: str = ""  # of the machine that break-glass is used from
    family: str = "opensearch"  # of engines: one of `families.FAMILIES`
    eyes: str = ""  # what we see this deployment by, as it was deployed: see `operations.watching.seeing`


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A deployment file as it was last applied. `access` is resolved, so that no function has to parse YAML to react."""

    text: str
    access: AccessModel
    options: Options = field(default_factory=Options)
    version: int = field(default=0, compare=False)  # how often one was kept before; 0: none was
