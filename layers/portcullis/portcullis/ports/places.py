"""Where an engine runs: the ways to shut it from outside, and the domain as AWS has it configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portcullis.access.actual import Json
from portcullis.custody.types import OUTSIDE, Measure
from portcullis.ports.registration import AmazonDomain, Place, Registration
from portcullis.remotes.connections import Connection, Connections


def shut_outside(place: Place) -> frozenset[Measure]:
    """The measures by which this place can be shut outside its engine. AWS has all of them for a domain of its own; of a cluster that
    runs elsewhere nothing is AWS'."""
    return OUTSIDE if isinstance(place, AmazonDomain) else frozenset()


@dataclass(frozen=True, slots=True)
class VpcEndpoints:
    """Ways to a domain through VPC endpoints of the search service."""

    principals: list[Json]  # accounts and services that may make some, as AWS names them
    made: dict[str, str]  # id of each that there is -> the account it belongs to


class Gate(Protocol):
    """The ways to shut a place from outside the engine: `shut_outside` says which of them it has.

    Reading and changing are apart, so that what a change takes away can be put aside before it is taken. Every change may be made twice
    without harm.
    """

    def ingress(self, registration: Registration) -> list[Json]:
        """The ingress rules of the domain's security group that a lock closes: all but the automation's."""

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None: ...

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> tuple[str, ...]:
        """What of these rules is not there any more. Returns the sources that are gone, whose rules nobody can add again."""

    def policy(self, registration: Registration) -> Json:
        """The domain access policy as it is."""

    def set_policy(self, registration: Registration, policy: Json) -> None: ...

    def further_groups(self, registration: Registration) -> dict[str, list[Json]]:
        """What the domain's security groups beside the deployment's own let in, but for what a lock leaves."""

    def close_group(self, group: str, rules: Sequence[Json]) -> None: ...
    def open_group(self, group: str, rules: Sequence[Json]) -> tuple[str, ...]:
        """The same; nothing if the group is gone."""

    def endpoints(self, registration: Registration) -> VpcEndpoints: ...
    def revoke_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None: ...
    def authorize_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None: ...


class DomainConnections(Protocol):
    """The connections of one domain to others of Amazon's. Raises Refused, Unreachable."""

    def shown(self) -> Connections: ...
    def ask(self, alias: str, other: str) -> None:
        """Have the domain with the ARN `other` be read as `alias`. Its administrators have to accept it."""

    def accept(self, connection: Connection) -> None: ...


class Domain(Protocol):
    """The domain as AWS has it configured, beside what `Gate` changes."""

    def set_master(self, registration: Registration, role_arn: str) -> None:
        """Name another IAM master: the engine then maps it to all_access by itself."""

    def exists(self, registration: Registration) -> bool:
        """Whether it is still there; one that is being deleted is."""

    def key_of(self, registration: Registration) -> str:
        """ARN of the key it was made with; empty if it has none or is not there."""

    def delete(self, registration: Registration) -> None:
        """Begin to delete it, with all its data. One that is gone already is no error."""
