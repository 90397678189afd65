"""The gate on a large domain: `make bench-lock [N=...]`. 1,000 role mappings, 500 indices, the whole embedded default.

From the return of `DisableKey` to the first refused search, and of `EnableKey` to the first permitted one, N times; and, beside it,
until the deployment is locked whole with its proof, and open again.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from portcullis.ledger.dynamo import DynamoLedger

from benchmarks.common import HOME, Report, Tell, main, timed
from local import embedded
from local.people import People
from local.story import repeated
from local.story.book import spread
from local.story.stages import Cast

MAPPINGS, INDICES = 1000, 500
AT_ONCE = 100  # indices made by one request
INDEX = "catalyst-0000"


def grown(parts: embedded.Parts) -> embedded.Parts:
    """The same with a past: a thousand roles that nobody declared, each mapped to a backend role."""
    names = [f"team_{number:04d}" for number in range(MAPPINGS)]
    roles: dict[str, Any] = {
        name: {
            "cluster_permissions": ["cluster_composite_ops_ro"],
            "index_permissions": [{"index_patterns": [f"{name}-*"], "allowed_actions": ["read", "write"]}],
        }
        for name in names
    }
    mappings = {name: {"backend_roles": [f"people-of-{name}"]} for name in names}
    return replace(parts, roles=roles, roles_mapping=mappings, stays_up=True)


def fill(cast: Cast, tell: Tell) -> None:
    """Five hundred small indices without replicas."""
    template = {
        "index_patterns": ["catalyst-*"],
        "template": {"settings": {"number_of_shards": 1, "number_of_replicas": 0}},
    }
    cast.engine("PUT", "/_index_template/bench", template)
    for start in range(0, INDICES, AT_ONCE):
        for number in range(start, start + AT_ONCE):
            cast.engine("PUT", f"/catalyst-{number:04d}?wait_for_active_shards=0")
        tell(f"{start + AT_ONCE} indices")
    cast.engine("GET", "/_cluster/health?wait_for_status=green&timeout=60s")


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    parts = replace(grown(embedded.parts_from_environment()), home=HOME / "run")
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        seconds, _ = timed(lambda: fill(cast, tell))
        indices = len(cast.engine("GET", "/_cat/indices/catalyst-*?format=json"))
        before, roles = cast.mappings(), cast.engine("GET", "/_plugins/_security/api/roles")
        tell(f"{len(before)} role mappings, {indices} indices (made in {seconds:.0f} s)")
        ledger = DynamoLedger(whole.aws.client("dynamodb"), whole.output("LedgerTable"))
        rounds = repeated.locks(
            whole,
            cast.application,
            INDEX,
            lambda: ledger.custody(whole.deployment).state.value,
            given.n,
            within=900,
        )
        after = cast.mappings()
        if roles != cast.engine("GET", "/_plugins/_security/api/roles"):
            report.wrong.append("the roles are not what they were")
    if json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        changed = [role for role in before.keys() | after.keys() if before.get(role) != after.get(role)]
        report.wrong.append(f"{len(changed)} role mappings are not what they were: {sorted(changed)[:5]}")
    report.figures |= {
        "lock_s": spread(rounds.there),
        "unlock_s": spread(rounds.back),
        "locked_whole_s": spread(rounds.there_whole),
        "unlocked_whole_s": spread(rounds.back_whole),
        "mappings": len(before),
        "indices": indices,
        "opensearch": parts.version,
    }
    for name, what in (("lock_s", "DisableKey -> first refused search"), ("unlock_s", "EnableKey -> first permitted")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], 3)
        report.below(f"{what}, 95th percentile", report.figures[name]["p95"], 6)
    report.row("locked whole and proven, median", f"{report.figures['locked_whole_s']['median']:.2f} s")
    report.row("open again, whole, median", f"{report.figures['unlocked_whole_s']['median']:.2f} s")
    return report


if __name__ == "__main__":
    sys.exit(main("lock", __doc__, run, n=20, n_is="rounds of lock and unlock"))
