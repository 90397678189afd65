"""What an engine is set to, and what it stands on."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.model.data_nodes import most_gib
from portcullis.model.lints.findings import CODES, Facts, Finding, found
from portcullis.model.types import OnDomain

_TOKEN = "token-on-behalf"  # noqa: S105 - the code of a finding


def settings(facts: Facts) -> Iterator[Finding]:
    if facts.settings.makes_tokens:
        yield Finding(
            _TOKEN,
            CODES[_TOKEN][0],
            "the engine's security config, on_behalf_of",
            "whoever may make a token on behalf of themselves (security:obo/create) has their roles with it for up to ten minutes after "
            "they left or the domain was locked",
            "switch on_behalf_of off, or grant security:obo/create to nobody whose leaving has to count at once",
        )


def volumes(deployment: OnDomain) -> Iterator[Finding]:
    """No error: Amazon raises its quotas from time to time."""
    nodes = deployment.domain.data_nodes
    kind = nodes.type_on(deployment.engine)
    if 0 < (most := most_gib(kind)) < nodes.storage_gib:
        yield found(
            deployment,
            "volume-size",
            ("domain", "data_nodes", "storage_gib"),
            f"Amazon's guide gives a volume of {kind} {most} GiB at most, and {nodes.storage_gib} are asked for",
            "a larger type or more nodes; or, where Amazon has raised the quota since, accept it",
        )
