"""What stands before an engine, as AWS has it: the network, the domain's access policy, the policies of who calls. Only looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from portcullis.access.actual import Json
from portcullis.access.edge.keys import Key
from portcullis.access.edge.policies import Own
from portcullis.access.edge.way import Edge
from portcullis.ports.registration import Registration

AMAZONS_KEY = "alias/aws/secretsmanager"  # which lets in whom the secret does


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """What is said of a secret, and nothing of what it holds. `key`: as whoever chose it wrote it, an ARN, an id or an alias; empty:
    Amazon's own. `arn`: its own, with the six signs at its end that only Secrets Manager knows; empty: could not be read. `unread`: why it,
    or its policy, could not be read."""

    policy: Json = field(default_factory=dict)
    key: str = ""
    arn: str = ""
    unread: str = ""


class EdgeReader(Protocol):
    def look(self, registration: Registration) -> Edge:
        """What stands before this deployment's domain, what could not be read among it. Of a cluster that runs elsewhere TypeError."""

    def own(self, registration: Registration, principals: Collection[str]) -> Mapping[str, Own]:
        """ARN of an IAM user or role -> what IAM holds of it. What may not be read is no error: it says so itself."""

    def secret(self, registration: Registration, name: str) -> HeldSecret:
        """The policy of a secret, and its key. `name`: or its ARN. What may not be read is no error: it says so itself."""

    def key(self, registration: Registration, arn: str) -> Key:
        """A key's policy and grants. `arn`: of the key or of an alias. What may not be read is no error: it says so itself."""
