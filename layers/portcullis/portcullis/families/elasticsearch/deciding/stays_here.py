"""What takes no name of another cluster: nothing is sent there, whoever asks, and `alias:index` is a name of this cluster that nobody has.

So it is refused to whoever may not do this here to an index of that name, and a 400 to whoever may; a wildcard comes to nothing. Seen on
9.5.3 and 8.19.21, in both models, as a super user and as users with and without privileges on either side
(tests/families/elasticsearch/stays_here.json).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from portcullis.families.elasticsearch.deciding.decide import Answer, answer
from portcullis.families.elasticsearch.granting.merging import Holding, covering
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need

_GET, _EXPLAIN, _VALIDATE = "indices:data/read/get", "indices:data/read/explain", "indices:admin/validate/query"
_WRITES, _ALIASES = "indices:data/write/", "indices:admin/aliases"
_MULTI_GET = "indices:data/read/mget"
STAYS = frozenset(
    (
        *(_GET, _EXPLAIN, "indices:data/read/tv", _VALIDATE, _ALIASES, f"{_ALIASES}/get"),
        *(f"{_WRITES}index{what}" for what in ("", ":op_type/index", ":op_type/create")),
        *(f"{_WRITES}{what}" for what in ("update", "delete", "bulk")),
        "indices:admin/shards/search_shards",
        *(f"indices:monitor/{what}" for what in ("settings/get", "stats", "segments", "recovery")),
        *(f"indices:admin/{what}" for what in ("get", "create", "delete", "close", "mappings/get", "cache/clear")),
        *(f"indices:admin/{what}" for what in ("refresh", "flush", "forcemerge")),
    )
)


def stays_here(need: Need) -> bool:
    """Whether what this need is about takes no name of another cluster, and what is answered is known."""
    if need.action == _ALIASES and need.wild:
        return False
    return need.action in STAYS or _is_read_of_many(need)


def why_it_stays(need: Need) -> str:
    beyond = ", ".join(name for name in need.names if ":" in name)
    return f"Elasticsearch sends no request of this kind to another cluster ({beyond})"


def answer_here(held: Holding, need: Need, world: EngineFacts, release: Release, known: Collection[str]) -> Answer:
    """What the engine says to one need of such a request that names another cluster. `known`: the aliases of clusters that there are."""
    beyond = tuple(name for name in need.names if ":" in name)
    why = why_it_stays(need)
    if _is_read_of_many(need):  # what is named is looked at before anybody is asked
        return Answer(need, True, 400, reasons=(why,))
    # A wildcard of another cluster comes to nothing, and an exclusion takes nothing away: a name beside them is one that nobody has.
    exact = tuple(name for name in beyond if "*" not in name and not name.startswith("-"))
    wild = not exact
    told = answer(held, need, world, release)
    if told.allowed is None:
        return told
    several = need.single and "," in need.names[0]
    # What may be left out is; from 9 on only of whoever may not do it to an index of that name.
    may = release.major >= 9 and any(covering(held.grants(need.action), one, world) for one in exact)
    left_out = need.options.ignore_unavailable and not may
    if told.status == 404 or (told.status < 300 and not wild and not left_out):
        named = {name.partition(":")[0] for name in beyond} <= set(known) and not several
        differs = need.action in (_EXPLAIN, _VALIDATE) and not named  # a 404 in some cases
        return replace(told, status=0 if differs else 400, views=(), reasons=(why,))
    return replace(told, reasons=(why, *told.reasons))


def _is_read_of_many(need: Need) -> bool:
    return bool(need.item) and need.action.startswith(_MULTI_GET)
