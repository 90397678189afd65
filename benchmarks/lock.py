"""The gate on a large domain: `make bench-lock [N=...]`. 1,000 role mappings, 500 indices, the whole embedded default; others by
`python -m benchmarks.lock --mappings 200 --people 500 --indices 100`, where so many people are named in each mapping. The same on an
Elasticsearch with so many roles, and 200 native users who have some of them: `python -m benchmarks.lock --elasticsearch 9.5.3`.

From the return of `DisableKey` to the first refused search, and of `EnableKey` to the first permitted one, N times; and, beside it,
until the deployment is locked whole with its proof, and open again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.families.elasticsearch.known.release import Release

from benchmarks.common import HOME, Report, Tell, main
from local import beside, embedded
from local.people import People
from local.story import on_cluster, repeated
from local.story.book import spread
from local.story.stages import Cast

AT_ONCE = 100  # indices
ROLES_AT_ONCE, MAPPINGS_AT_ONCE = 2000, 100  # in one request
INDEX = "catalyst-0000"
USERS = 200  # of a cluster, who have the roles between them


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
    settings = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}
    for number in range(indices):
        cast.engine("PUT", f"/catalyst-{number:04d}?wait_for_active_shards=0", settings)
        if number % AT_ONCE == AT_ONCE - 1:
            tell(f"{number + 1} indices")
    cast.engine("GET", "/_cluster/health?wait_for_status=green&timeout=60s")


@dataclass(frozen=True)
class Large:
    """A deployment as it is measured: who comes to it, what it holds of access, and in words."""

    cast: Cast
    access: Callable[[], dict[str, Any]]
    figures: dict[str, Any]


@contextmanager
def domain(given: argparse.Namespace, names: list[str], tell: Tell) -> Iterator[Large]:
    people_each = int(given.people)
    parts = replace(grown(embedded.parts_from_environment(), names), home=HOME / "run")
    with embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        people_it(cast, names, people_each, tell)
        fill(cast, int(given.indices), tell)
        figures = {"mappings": len(cast.mappings()), "people_each": people_each, "opensearch": parts.version}
        roles = "/_plugins/_security/api/roles"
        yield Large(cast, lambda: {"mappings": cast.mappings(), "roles": cast.engine("GET", roles)}, figures)


@contextmanager
def cluster(given: argparse.Namespace, names: list[str], tell: Tell) -> Iterator[Large]:
    """Its roles are what a lock empties. Native users have them, and would be let in by them."""
    parts = beside.parts_from_environment(embedded.Parts(home=HOME / "run"), given.elasticsearch)
    with beside.running(parts, tell) as whole:
        cast = on_cluster.cast_of(whole)
        for name, at in zip(names, range(len(names)), strict=True):
            if at < USERS:
                user = {"password": uuid4().hex, "roles": names[at::USERS]}
                cast.engine("PUT", f"/_security/user/user-of-{name}", user)
        roles = {
            name: {
                "cluster": ["monitor"],
                "indices": [{"names": [f"{name}-*"], "privileges": ["read", "write"], "query": '{"term":{"a":1}}'}],
            }
            for name in names
        }
        if Release.of(parts.version).has_bulk_roles:
            cast.engine("POST", "/_security/role", {"roles": roles})
        else:
            for name, role in roles.items():
                cast.engine("PUT", f"/_security/role/{name}", role)
        tell(f"{len(roles)} roles, {min(USERS, len(names))} native users who have them")
        fill(cast, int(given.indices), tell)
        figures = {"roles": len(cast.engine("GET", "/_security/role")), "elasticsearch": parts.version}
        yield Large(cast, cast.access, figures)


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    # Names that say little of each other: how well they compress is what the ledger's limit depends on.
    names = [f"team_{uuid4().hex[:12]}" for _ in range(int(given.mappings))]
    made = cluster if given.elasticsearch else domain
    with embedded.only_one(), made(given, names, tell) as large:
        cast, whole = large.cast, large.cast.embedded
        indices = len(cast.engine("GET", "/_cat/indices/catalyst-*?format=json"))
        before = large.access()
        tell(f"{large.figures}, {indices} indices")
        ledger = DynamoLedger(whole.aws.client("dynamodb"), whole.output("LedgerTable"))
        rounds = repeated.locks(
            whole,
            cast.application,
            INDEX,
            lambda: ledger.custody(whole.deployment).state.value,
            given.n,
            within=900,
        )
        after = large.access()
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    if json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        report.wrong.append(f"{len(changed)} documents of access are not what they were: {sorted(changed)[:5]}")
    target, slowest = (2, 4) if given.elasticsearch else (3, 6)
    report.figures |= {
        "lock_s": spread(rounds.there),
        "unlock_s": spread(rounds.back),
        "locked_whole_s": spread(rounds.there_whole),
        "unlocked_whole_s": spread(rounds.back_whole),
        "indices": indices,
        **large.figures,
    }
    for name, what in (("lock_s", "DisableKey -> first refused search"), ("unlock_s", "EnableKey -> first permitted")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], target)
        report.below(f"{what}, 95th percentile", report.figures[name]["p95"], slowest)
    report.row("locked whole and proven, median", f"{report.figures['locked_whole_s']['median']:.2f} s")
    report.row("open again, whole, median", f"{report.figures['unlocked_whole_s']['median']:.2f} s")
    return report


if __name__ == "__main__":
    more = {"mappings": "1000", "people": "0", "indices": "500", "elasticsearch": ""}
    sys.exit(main("lock", __doc__, run, n=20, n_is="rounds of lock and unlock", more=more))
