"""What our own roles let do on a domain, decided by the engine's rules with the engine's own action groups: that, and nothing else."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.access.terms import Caller
from portcullis.families.base import CANARY_INDEX, RESTORED
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.limiting.known import known
from portcullis.families.opensearch.names.world import EngineFacts
from portcullis.families.opensearch.shutting.baseline import baseline

R, W, A = "indices:data/read/", "indices:data/write/", "indices:admin/"
ENGINE = known("OpenSearch_3.3")
RESTORED_ONE = f"{RESTORED}orders"
WORLD = EngineFacts(("orders", "sample", CANARY_INDEX, RESTORED_ONE))
READING = [
    *(f"{R}{one}" for one in ("get", "mget", "search", "msearch", "scroll", "explain", "field_caps", "tv", "mtv")),
    *(f"{R}point_in_time/create", f"{R}point_in_time/delete", "cluster:monitor/main", "cluster:monitor/health"),
]
WRITING = [f"{W}{one}" for one in ("index", "bulk", "bulk[s]", "update", "delete", "delete/byquery", "update/byquery")]
# Changes what is there, or what may be seen of it.
NEVER = [
    *(
        f"{A}{one}"
        for one in ("settings/update", "close", "open", "delete", "create", "aliases", "mapping/put", "resize")
    ),
    *(f"{A}{one}" for one in ("template/put", "index_template/put", "data_stream/create", "forcemerge", "shrink")),
    *("cluster:admin/settings/update", "cluster:admin/snapshot/create", "cluster:admin/snapshot/restore"),
    *("cluster:admin/repository/put", "cluster:admin/opensearch/security/roles/put", "cluster:admin/reroute"),
    *(f"{A}block/add", "cluster:admin/script/put", "cluster:admin/ingest/pipeline/put"),
]


def may(action: str, *roles: str, index: str = "orders", documents: dict[str, Json] | None = None) -> bool:
    held = SecurityConfig(
        {
            Kind.ROLES: {**ENGINE.roles, **(documents or dict(baseline().documents))},
            Kind.ACTION_GROUPS: ENGINE.action_groups,
            Kind.MAPPINGS: {role: {"users": ["somebody"]} for role in roles},
        }
    )
    return Compiled(held, WORLD).decide(Caller("somebody"), action, (index,)).allowed


@pytest.mark.parametrize("action", READING)
def test_break_glass_reads_in_every_window(action: str) -> None:
    assert may(action, *baseline().reads)
    assert may(action, *baseline().writes)


@pytest.mark.parametrize("action", WRITING)
def test_break_glass_writes_documents_in_a_window_that_asked_for_it_alone(action: str) -> None:
    assert not may(action, *baseline().reads)
    assert may(action, *baseline().writes)


@pytest.mark.parametrize("action", NEVER)
def test_break_glass_changes_nothing_else_in_any_window(action: str) -> None:
    """Not the blocks of a lock, not an alias or a clone around them, no snapshot, and nobody's access."""
    assert not may(action, *baseline().writes)


LOCKING = [
    *(f"{A}settings/update", "indices:monitor/settings/get", f"{A}resolve/index", f"{A}aliases/get"),
    *(f"{R}point_in_time/readall", f"{R}point_in_time/delete", f"{R}scroll/clear"),
    *("cluster:monitor/main", "cluster:monitor/health"),
]


@pytest.mark.parametrize("action", LOCKING)
def test_the_automation_closes_indices_and_ends_what_is_open_in_them(action: str) -> None:
    assert may(action, *baseline().automation)


@pytest.mark.parametrize("action", sorted({*READING, *WRITING, *NEVER} - {*LOCKING}))
def test_the_automation_reads_and_writes_no_document_and_changes_nothing_else(action: str) -> None:
    assert not may(action, baseline().lock)


@pytest.mark.parametrize("action", [f"{R}search", f"{R}get", f"{W}index", f"{A}create"])
def test_the_canary_has_an_index_of_its_own_and_sees_no_other(action: str) -> None:
    assert may(action, baseline().canary, index=CANARY_INDEX)
    assert not may(action, baseline().canary)


@pytest.mark.parametrize(
    ("sample", "moving", "reads", "freezes"),
    [("sample", False, {"sample"}, set()), ("", True, {"orders", "sample"}, {"orders", "sample", RESTORED_ONE})],
)
def test_whoever_compares_reads_what_is_compared_and_deletes_only_what_was_restored(
    sample: str, moving: bool, reads: set[str], freezes: set[str]
) -> None:
    """Of one index, or of all while a re-key is under way, which also stops their being written."""
    made = baseline(sample=sample, moving=moving)
    documents = dict(made.documents)

    def on(action: str) -> set[str]:
        return {
            one
            for one in ("orders", "sample", RESTORED_ONE)
            if may(action, made.compares, index=one, documents=documents)
        }

    assert on(f"{R}search") == reads | {RESTORED_ONE}
    assert on("indices:monitor/recovery") == reads | {RESTORED_ONE}
    assert on(f"{A}refresh") == reads | {RESTORED_ONE}
    assert on(f"{A}delete") == {RESTORED_ONE}
    assert on(f"{A}settings/update") == freezes
    assert on(f"{W}index") == set()


def test_nobody_compares_where_nothing_is_to_be_compared() -> None:
    made = baseline()
    assert made.compares not in made.documents


def test_each_role_that_is_named_is_defined_by_us_or_by_the_engine() -> None:
    made = baseline(sample="sample")
    named = {made.lock, *made.automation, *made.reads, *made.writes, made.canary, made.snapshots, made.compares}
    assert named <= {*made.documents, *ENGINE.roles}
    assert OPENSEARCH.baseline(sample="sample").documents == made.documents


@pytest.mark.parametrize("role", sorted(baseline(sample="sample", moving=True).documents))
def test_an_action_group_of_ours_is_one_that_the_engine_has(role: str) -> None:
    """What the engine does not know permits nothing, and it says so to nobody."""
    document = baseline(sample="sample", moving=True).documents[role]
    actions = [*document.get("cluster_permissions", ())]
    actions += [one for entry in document.get("index_permissions", ()) for one in entry["allowed_actions"]]
    assert actions
    assert {one for one in actions if ":" not in one and one != "*" and not one.startswith("restapi")} <= {
        *ENGINE.action_groups
    }
