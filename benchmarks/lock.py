"""The gate on a large domain: `make bench-lock [N=...]`. 1,000 role mappings, 500 indices, the whole embedded default; others by
`python -m benchmarks.lock --mappings 200 --people 500 --indices 100`, where so many people are named in each mapping.

From the return of `DisableKey` to the first refused search, and of `EnableKey` to the first permitted one, N times; and, beside it,
until the deployment is locked whole with its proof, and open again.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from uuid import uuid4

from portcullis.adapters.ledger.dynamo import DynamoLedger

from benchmarks.common import HOME, Report, Tell, main, timed
from local import embedded
from local.people import People
from local.story import repeated
from local.story.book import spread
from local.story.stages import Cast

AT_ONCE = 100  # indices
ROLES_AT_ONCE, MAPPINGS_AT_ONCE = 2000, 100  # in one request
INDEX = "catalyst-0000"


def grown(parts: embedded.Parts, names: list[str]) -> embedded.Parts:
    """The same with a past: mappings that nobody declared, each with a backend role. Their roles come later: of a file a node reads
    three megabytes, and of a role that comes it asks no mapping, while of a mapping that comes it asks all roles."""
    mappings = {name: {"backend_roles": [f"people-of-{name}"]} for name in names}
    return replace(parts, roles={}, roles_mapping=mappings, stays_up=True)


def people_it(cast: Cast, names: list[str], people: int, tell: Tell) -> None:
    """The roles, and in each mapping people whom no other names."""
    security = "/_plugins/_security/api"
    for at in range(0, len(names), ROLES_AT_ONCE):
        roles = {
            name: {
                "cluster_permissions": ["cluster_composite_ops_ro"],
                "index_permissions": [{"index_patterns": [f"{name}-*"], "allowed_actions": ["read", "write"]}],
            }
            for name in names[at : at + ROLES_AT_ONCE]
        }
        adds = [{"op": "add", "path": f"/{name}", "value": role} for name, role in roles.items()]
        cast.engine("PATCH", f"{security}/roles", adds)
    for at in range(0, len(names), MAPPINGS_AT_ONCE) if people else ():
        who = {
            name: [f"Cognito/eu-central-1_Pool/{uuid4()}" for _ in range(people)]
            for name in names[at : at + MAPPINGS_AT_ONCE]
        }
        adds = [{"op": "add", "path": f"/{name}/users", "value": users} for name, users in who.items()]
        cast.engine("PATCH", f"{security}/rolesmapping", adds)
    tell(f"{len(names)} roles, {people} people mapped to each")


def fill(cast: Cast, indices: int, tell: Tell) -> None:
    """Small indices without replicas."""
    template = {
        "index_patterns": ["catalyst-*"],
        "template": {"settings": {"number_of_shards": 1, "number_of_replicas": 0}},
    }
    cast.engine("PUT", "/_index_template/bench", template)
    for number in range(indices):
        cast.engine("PUT", f"/catalyst-{number:04d}?wait_for_active_shards=0")
        if number % AT_ONCE == AT_ONCE - 1:
            tell(f"{number + 1} indices")
    cast.engine("GET", "/_cluster/health?wait_for_status=green&timeout=60s")


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    # Names that say little of each other: how well they compress is what the ledger's limit depends on.
    names, people_each = [f"team_{uuid4().hex[:12]}" for _ in range(int(given.mappings))], int(given.people)
    parts = replace(grown(embedded.parts_from_environment(), names), home=HOME / "run")
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        people_it(cast, names, people_each, tell)
        seconds, _ = timed(lambda: fill(cast, int(given.indices), tell))
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
        "people_each": people_each,
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
    more = {"mappings": "1000", "people": "0", "indices": "500"}
    sys.exit(main("lock", __doc__, run, n=20, n_is="rounds of lock and unlock", more=more))
