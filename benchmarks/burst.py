"""Many group changes at once: `make bench-burst [N=...]`, 200 unless told, on the whole embedded default.

N users join a Cognito group, one real `AdminAddUserToGroup` after another: how long until all are mapped, with how many writes to the
security API, and whether one was lost. Then all of them leave. The story of `make demo` uses the same code for its own burst.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

from benchmarks.common import HOME, Report, Tell, main
from local import embedded
from local.people import People
from local.story import repeated
from local.story.stages import Cast, waiting, writes


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    parts = replace(embedded.parts_from_environment(), home=HOME / "run")
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        users = [people.cognito_user(f"burst{number:04d}.crowd.support") for number in range(given.n)]
        tell(f"{len(users)} users made")
        told: dict[str, Any] = {
            "mappings": cast.mappings,
            "waiting": lambda: waiting(cast),
            "writes": lambda: writes(cast),
        }
        joined = repeated.burst(people, users, **told, within=600)
        left = repeated.burst(people, users, **told, within=600, leaving=True)
    report.figures |= {**joined, "leaving": left, "opensearch": parts.version}
    for seen, what in ((joined, "joining"), (left, "leaving")):
        if seen["lost"]:
            report.wrong.append(f"{what}: {seen['lost']} of {seen['changes']} changes were lost")
        report.below(f"{seen['changes']} {what}: until the last took effect", seen["seconds"], 30)
        report.row(f"{what}: writes to the security API", str(seen["writes"]), "<= 10", seen["writes"] <= 10)
        report.row(f"{what}: changes lost", str(seen["lost"]), "0", seen["lost"] == 0)
    return report


if __name__ == "__main__":
    sys.exit(main("burst", __doc__, run, n=200, n_is="users that join a group at once"))
