"""What there is on an engine, as a question of people has it, and with the two settings that an engine need not show."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portcullis.access.questions.answers import There
from portcullis.families.last_made import LastMade
from portcullis.families.opensearch.evaluation import V4, V4_WHOLE, has_v4
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.actions import OWN_INDEX

_OLD_ENGINES = ("OpenSearch_1.", "OpenSearch_2.", "Elasticsearch_")


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is on the engine, as it is set unless told, and with each of the two settings that it need not show.

    `in_part`: as it is, where it shows that setting. `v4`: by the other evaluation, where it may be switched on and the engine does not
    tell.
    """

    strict: EngineFacts
    in_part: EngineFacts
    lifted: EngineFacts
    v4: EngineFacts | None


_LAST: LastMade[Facts] = LastMade(4)


def facts_of(there: There) -> Facts:
    """Of what is there; of the few that were asked about last, those that were made then."""
    return _LAST.of(there, lambda: _made(there))


def _made(there: There) -> Facts:
    indices = there.indices or ()
    strict = EngineFacts(
        (*indices, OWN_INDEX) if indices and there.every and OWN_INDEX not in indices else indices,
        there.aliases or {},
        there.streams,
        there.hidden,
        there.closed,
        do_not_fail_on_forbidden=there.leaves_out_forbidden is True,
        filters=there.filters or {},
        release=Release.V2 if there.engine.startswith(_OLD_ENGINES) else Release.V3,
        v4=there.evaluation in (V4, V4_WHOLE),
        v4_whole=there.evaluation == V4_WHOLE,
    )
    return Facts(
        strict,
        replace(strict, do_not_fail_on_forbidden=True) if there.leaves_out_forbidden is None else strict,
        replace(strict, dfm_empty_overrides_all=True),
        replace(strict, v4=True) if there.evaluation is None and _may_go_by_v4(there.engine) else None,
    )


def _may_go_by_v4(engine: str) -> bool:
    """`engine` as Amazon names it."""
    product, _, version = engine.partition("_")
    return product == "OpenSearch" and has_v4(version)
