"""What fits into the ledger, and what it takes: `make bench-ledger [N=...]`. On the emulated DynamoDB, whose limits are the real one's.

The largest of each kind that one item holds, and that its parts hold; and how long the latter is written and read, N times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AppliedStep, Claim
from portcullis.adapters.ledger.codec import ITEM_BYTES, MOST_PARTS, PART_BYTES, encode
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.shutting.shut import shut
from portcullis.ports.ledger import Change

from benchmarks.common import HOME, Report, Tell, ledger_table, main, timed
from local.aws.emulator import Emulator

PEOPLE = 500  # in a mapping, where there are many
SAMPLE = 100


def names(count: int) -> list[str]:
    """Names that say little of each other: how well they compress is what the limit depends on."""
    return [f"team_{uuid4().hex[:12]}" for _ in range(count)]


def person() -> str:
    return f"Cognito/eu-central-1_Pool/{uuid4()}"


def role(name: str) -> dict[str, Any]:
    """As an engine shows it."""
    index = {"index_patterns": [f"{name}-*"], "dls": "", "fls": [], "masked_fields": []}
    return {
        "description": "",
        "cluster_permissions": ["cluster_composite_ops_ro"],
        "index_permissions": [index | {"allowed_actions": ["read", "write"]}],
        "tenant_permissions": [],
    }


def put_aside(teams: int, people: int) -> dict[str, Any]:
    """What a lock puts aside where so many roles are mapped to a backend role, and to so many people each whom no other names."""
    which = names(teams)
    mappings = {
        name: {"backend_roles": [f"people-of-{name}"], "hosts": [], "users": [person() for _ in range(people)]}
        for name in which
    }
    return shut(
        SecurityConfig({Kind.ROLES: {n: role(n) for n in which}, Kind.MAPPINGS: mappings}), ProtectedPrincipals(())
    ).saved


def applied(teams: int) -> Change:
    """A change that adds so many roles, each with its mapping and an entry of it."""
    touched: list[AppliedStep] = []
    for name in names(teams):
        who, empty = person(), dict[str, list[str]](users=[], backend_roles=[], hosts=[])
        touched += [
            AppliedStep("add", "roles", name, after=role(name), because="line 12"),
            AppliedStep("add", "rolesmapping", name, after=empty, because="line 12"),
            AppliedStep("add", "rolesmapping", name, "users", who, after=who, because="line 14"),
        ]
    return Change("demo", datetime.now(UTC), "apply", "event", "me", "much", touched=tuple(touched))


# What -> how it is made of so many, and how many are counted for one of them.
KINDS: dict[str, tuple[Callable[[int], Any], int]] = {
    "roles with mappings that a lock puts aside": (lambda n: put_aside(n, 0), 1),
    f"people in mappings of {PEOPLE} that a lock puts aside": (lambda n: put_aside(n, PEOPLE), PEOPLE),
    "claims on mapping entries": (lambda n: [Claim(Kind.MAPPINGS, "team", "users", person()) for _ in range(n)], 1),
    "new roles with mappings that a change can be rolled back of": (applied, 1),
}


def most(make: Callable[[int], Any], fit: int) -> int:
    """The largest number, to a hundredth, of which so many bytes hold what is made."""
    number = fit * SAMPLE // len(encode(make(SAMPLE))["B"])
    while len(encode(make(number))["B"]) > fit:
        number -= max(1, number // 100)
    return number


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    with Emulator.start(HOME / "ledger-aws") as aws:
        ledger = DynamoLedger(aws.client("dynamodb"), ledger_table(aws, "ledger"))
        for number, (what, (make, each)) in enumerate(KINDS.items()):
            one, parts = most(make, ITEM_BYTES), most(make, MOST_PARTS * PART_BYTES)
            value = make(parts)
            write = [timed(partial(ledger.save, "demo", "x", value))[0] for _ in range(given.n)]
            read = [timed(lambda: ledger.saved("demo", "x"))[0] for _ in range(given.n)]
            ledger.forget("demo", "x")
            figures = {"what": what, "item": one * each, "parts": parts * each}
            report.figures[str(number)] = figures | {"write_s": median(write), "read_s": median(read)}
            report.row(what, f"{parts * each:,} ({one * each:,} in one item)")
            report.row("   written and read in", f"{median(write):.2f} s, {median(read):.2f} s")
            tell(what)
    return report


if __name__ == "__main__":
    sys.exit(main("ledger", __doc__, run, n=3, n_is="writes and reads of the largest of each"))
