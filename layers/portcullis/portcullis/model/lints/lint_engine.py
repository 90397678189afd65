"""What an engine is set to, and what that makes of the documents of access that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.questions.findings import WITH_FILTER, WITHOUT_FILTER
from portcullis.families.finding import finding
from portcullis.model.lints.findings import CODES, Facts, Finding
from portcullis.model.types import Deployment

_LIFTED, _TOKEN = "alias-filter-lifted", "token-on-behalf"
_NAMED = 5


def settings(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    if facts.settings.leaves_out_forbidden and facts.held is not None:
        found: dict[str, list[str]] = {}
        for role, alias in finding(deployment.family).by_alias(facts.held, facts.aliases):
            found.setdefault(role, []).append(alias)
        for role, aliases in found.items():
            named = ", ".join(aliases[:_NAMED]) + (
                f" and {len(aliases) - _NAMED} more" if len(aliases) > _NAMED else ""
            )
            says = f"{role} reaches what is behind {named} by that name alone, and do_not_fail_on_forbidden is on: {WITHOUT_FILTER}"
            yield Finding(_LIFTED, CODES[_LIFTED][0], f"role {role}", says, WITH_FILTER)
    if facts.settings.makes_tokens:
        yield Finding(
            _TOKEN,
            CODES[_TOKEN][0],
            "the engine's security config, on_behalf_of",
            "whoever may make a token on behalf of themselves (security:obo/create) has their roles with it for up to ten minutes after "
            "they left or the domain was locked",
            "switch on_behalf_of off, or grant security:obo/create to nobody whose leaving has to count at once",
        )
