"""What an engine is set to."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.model.lints.findings import CODES, Facts, Finding

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
