"""What holds for the account and for no deployment alone: `account.yaml`, beside the deployment files. A file nobody has to write."""

from __future__ import annotations

import ipaddress
from pathlib import Path as File
from typing import Annotated

from pydantic import Field, model_validator

from portcullis.errors import BadInput
from portcullis.model.names import Wrong
from portcullis.model.parts import Block, Blocks, Strict, named
from portcullis.model.text.loading import examined, first_of, text_of

ACCOUNT_FILE = "account.yaml"
LARGEST, SMALLEST = (
    16,
    22,
)  # a VPC of ours, as prefix lengths: AWS takes none larger, and into a smaller one the subnets would not fit

Zone = Annotated[str, *named("an Availability Zone")]
Subnet = Annotated[str, *named("a subnet")]


class Callers(Strict):
    """Who may come to the domains' port 443, besides the automation and break-glass. A lock shuts all of them out."""

    cidrs: Blocks = ()
    """Blocks of addresses (IPv4 or IPv6): of an office, a VPN, another VPC that is connected to this one."""
    prefix_lists: tuple[Annotated[str, *named("a prefix list")], ...] = ()
    """Managed prefix lists."""
    security_groups: tuple[Annotated[str, *named("a security group")], ...] = ()
    """Security groups of this VPC, or of one that is peered with it or shares its transit gateway: ACCOUNT/sg-… for another account's."""


class Subnets(Strict):
    domains: dict[Zone, Subnet] = Field(min_length=1)
    """Availability Zone -> the subnet that the domains stand in there. Two or more zones for domains with an even number of nodes."""
    functions: dict[Zone, Subnet] = Field(min_length=1)
    """Availability Zone -> the subnet of the functions there. They need a way to the AWS APIs: NAT gateways, or endpoints."""


class Network(Strict):
    vpc: Annotated[str, *named("a VPC")] | None = None
    """Use this VPC, and make none. Its subnets are then named too."""
    subnets: Subnets | None = None
    """The subnets of a given VPC."""
    cidr: Block | None = None
    """The addresses of the VPC that is made: /16 to /22. Default: 10.64.0.0/16."""
    zones: tuple[Zone, ...] | None = Field(default=None, min_length=2, max_length=3)
    """The Availability Zones of the VPC that is made: two or three. Default: the first two of the Region."""
    nat_per_zone: bool = True
    """A NAT gateway in each zone of the VPC that is made. With false there is one for all: cheaper, and while its zone is out no function
    reaches AWS, so that access follows no group and a revoked key locks nothing."""
    flow_logs: bool = True
    """Keep the flow logs of the VPC that is made, for three months."""
    callers: Callers = Callers()
    """Who may come to the domains. The VPC that is made lets in its own addresses besides."""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Network:
        if self.vpc:
            ours = {"cidr", "zones", "nat_per_zone", "flow_logs"} & self.model_fields_set
            if ours:
                raise Wrong(
                    f"vpc names a VPC that is there, so {', '.join(sorted(ours))} cannot be set here",
                    "leave them to whoever made it, or leave out vpc",
                )
            if self.subnets is None:
                raise Wrong("vpc names a VPC, and no subnets of it", "subnets: {domains: …, functions: …}", ("vpc",))
            if not (self.callers.cidrs or self.callers.prefix_lists or self.callers.security_groups):
                raise Wrong(
                    "nobody may come to the domains: a given VPC lets in whom callers names, and callers names nobody",
                    "callers: {cidrs: [10.0.0.0/8]}, or prefix_lists or security_groups",
                    ("vpc",),
                )
        elif self.subnets:
            raise Wrong("subnets are given without their VPC", "add vpc: vpc-…", ("subnets",))
        self._fits()
        return self

    def _fits(self) -> None:
        if self.zones and len(set(self.zones)) < len(self.zones):
            raise Wrong("a zone is named twice", "each zone once", ("zones",))
        if self.cidr is None:
            return
        block = ipaddress.ip_network(self.cidr)
        if block.version != 4 or not LARGEST <= block.prefixlen <= SMALLEST:
            raise Wrong(f"{self.cidr} cannot be the VPC's", f"a block of IPv4 of /{LARGEST} to /{SMALLEST}", ("cidr",))


class Look(Strict):
    """What may be looked at for who asks who may see what."""

    iam_policies: bool = False
    """Let the function behind the look, act and delete verbs read the IAM policies of every user, group and role of this account, for
    `why`, `can` and `who-can`. Without it those of Portcullis' own roles are read."""


class ReportPages(Strict):
    """A private bucket for the pages that `portcullis report --to-bucket` writes. `report: {}` asks for one that is made."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    """Use this existing bucket of the same account, and make none. Whether it is private and forgets is then its owner's to see to."""
    key_arn: Annotated[str, *named("a KMS key")] | None = None
    """Key (its ARN, not an alias) that the existing bucket is encrypted under."""
    keep_days: int = Field(default=30, ge=1, le=400)
    """After how many days a page goes, and one that a later page replaced as many days after that. Of the bucket that is made."""
    every_minutes: int | None = Field(default=None, ge=5, le=1440)
    """Have the automation write the page of each deployment so often, with the sweep that is due then. Without it people alone do."""
    link_minutes: int | None = Field(default=None, ge=5, le=720)
    """Have the alerts that no person gave rise to carry a link to that page, good for so long at most: whoever gets the alert, or is
    sent the link, may read the page. Without it alerts name the place."""

    @model_validator(mode="after")
    def _made_or_given(self) -> ReportPages:
        if self.bucket is None and self.key_arn:
            raise Wrong(
                "key_arn is of an existing bucket, and none is named", "add bucket, or leave key_arn out", ("key_arn",)
            )
        if self.bucket and "keep_days" in self.model_fields_set:
            remedy = "leave keep_days out, and give that bucket a lifecycle"
            raise Wrong("how long a given bucket keeps pages cannot be set here", remedy, ("keep_days",))
        if self.link_minutes and not self.every_minutes:
            remedy = "add every_minutes, or leave link_minutes out"
            raise Wrong("a link needs a page, and nobody writes one", remedy, ("link_minutes",))
        if self.key_arn and ":key/" not in self.key_arn:
            raise Wrong("key_arn names an alias, and a right is to a key", "the key's own ARN: …:key/ID", ("key_arn",))
        return self


class Account(Strict):
    """What holds for every deployment of the account."""

    network: Network = Network()
    """The network that the domains and the functions stand in."""
    look: Look = Look()
    """What may be looked at beside the deployments."""
    report: ReportPages | None = None
    """Where `portcullis report --to-bucket` puts pages. Without it nowhere."""


def examine_account(text: str, source: str) -> tuple[Account | None, tuple[BadInput, ...]]:
    """The account's file; and everything that is wrong with it, in the order of its lines."""
    account, wrong, _ = examined(lambda _: Account, text, source)
    return account, wrong


def deployment_files(folder: File) -> list[File]:
    """The deployment files of a folder, by name: every one but the account's. Empty where there is no such folder."""
    return [path for path in files_of(folder) if path.name != ACCOUNT_FILE]


def files_of(folder: File) -> list[File]:
    """Every `*.yaml` of a folder, by name, but hidden ones: editors and archives leave these behind."""
    found = folder.glob("*.yaml") if folder.is_dir() else ()
    return sorted(path for path in found if not path.name.startswith("."))


def load_account(folder: File) -> Account:
    """The account's file of a folder of deployment files; what holds without one. Raises BadInput for the first thing wrong."""
    path = folder / ACCOUNT_FILE
    if not path.exists():
        return Account()
    account, wrong = examine_account(text_of(path), str(path))
    if account is None or wrong:
        raise first_of(wrong)
    return account
