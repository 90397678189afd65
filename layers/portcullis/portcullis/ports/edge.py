"""What stands before an engine, as AWS has it: the network, the domain's access policy, the policies of who calls. Only looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from portcullis.access.edge.policies import Own
from portcullis.access.edge.way import Edge
from portcullis.ports.registration import Registration


class EdgeReader(Protocol):
    def look(self, registration: Registration) -> Edge:
        """What stands before this deployment's domain, what could not be read among it. Of a cluster that runs elsewhere TypeError."""

    def own(self, registration: Registration, principals: Collection[str]) -> Mapping[str, Own]:
        """ARN of an IAM user or role -> what IAM holds of it. What may not be read is no error: it says so itself."""
