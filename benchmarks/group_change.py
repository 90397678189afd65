"""One group change among many roles: `make bench-group_change [N=...]`, on a real node and the emulated ledger, without queue and function.

Somebody joins an IAM group and leaves it, and the deployment follows as an event has it follow; the same with a look at everything, as
the sweep looks; and an entry written and removed by one request to the engine, the least that it can take. All as the IAM role that a
front door vouches for.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise

from benchmarks.apply import CAUSE, LEDGER, Bench, bench_of, role, text_of
from benchmarks.common import Report, Tell, ledger_table, main, timed
from local.aws.emulator import Emulator
from local.embedded import ACCOUNT, CACHE, REGION, role_arn
from local.node.node import Node
from local.node.security import SecuritySetup

FEW, ROUNDS, AT_ONCE = 10, 9, 250
GROUP, USER, ROLE = "followers", "fay", "role_0000"
PATH = "/_plugins/_security/api/rolesmapping"


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    security = SecuritySetup.behind_door(role_arn("the-master"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Node.start(Path(folder) / "node", CACHE, given.opensearch, security=security, tell=tell, stays_up=True) as node,
        Emulator.start(Path(folder) / "aws", region=REGION, account=ACCOUNT, tell=tell) as aws,
    ):
        ledger_table(aws, LEDGER)
        iam = aws.client("iam")
        iam.create_group(GroupName=GROUP)
        iam.create_user(UserName=USER)
        bench = bench_of("bench", node, aws)
        for many in dict.fromkeys((FEW, given.n)):
            tell(f"{many} roles, each mapped")
            for so_far in range(AT_ONCE, many + AT_ONCE, AT_ONCE):
                apply(bench, min(so_far, many))
            _measure(many, bench, iam, report, tell)
    report.figures["opensearch"] = given.opensearch
    return report


def apply(bench: Bench, many: int) -> None:
    roles = {f"role_{number:04d}": role(number) for number in range(many)}
    grants = {name: f"people-of-{name}" for name in roles}
    text = text_of(bench.name, roles, grants) + f"    - {{role: {ROLE}, to: {{iam_group: {GROUP}}}}}\n"
    text = text.replace("access:\n", f"identity: {{iam_groups: [{GROUP}]}}\naccess:\n", 1)
    apply_text(bench.services, bench.name, text, CAUSE)


def _measure(many: int, bench: Bench, iam: Any, report: Report, tell: Tell) -> None:
    own: list[float] = []
    took: dict[str, list[float]] = {"join": [], "leave": [], "join, looking at everything": []}
    asked: dict[str, dict[str, int]] = {}
    member = {"GroupName": GROUP, "UserName": USER}
    follow(bench)
    for _ in range(ROUNDS):
        own.append(timed(partial(patch, bench, {"op": "add", "path": f"/{ROLE}/hosts", "value": ["192.0.2.1"]}))[0])
        own.append(timed(partial(patch, bench, {"op": "add", "path": f"/{ROLE}/hosts", "value": []}))[0])
        for what, change in (("join", iam.add_user_to_group), ("leave", iam.remove_user_from_group)):
            change(**member)
            before = dict(bench.connection.sent)
            took[what].append(timed(partial(follow, bench))[0])
            asked[what] = {method: count - before.get(method, 0) for method, count in bench.connection.sent.items()}
        iam.add_user_to_group(**member)
        took["join, looking at everything"].append(timed(partial(follow, bench, short=False))[0])
        iam.remove_user_from_group(**member)
        follow(bench)
    least = statistics.median(own)
    report.figures[f"own_write_{many}_s"] = least
    report.row(f"the engine's own write among {many}", f"{least:.3f} s")
    for what, seconds in took.items():
        median = statistics.median(seconds)
        report.figures[f"{what}_{many}_s"] = median
        if what not in asked:
            report.row(f"{what}, among {many}", f"{median:.3f} s")
            continue
        report.figures[f"{what}_{many}_requests"] = asked[what]
        said = ", ".join(f"{count} {method}" for method, count in sorted(asked[what].items()) if count)
        report.row(f"{what} among {many}: {said}", f"{median:.3f} s")
        report.row(
            f"{what} among {many}, times the engine's own write", f"{median / least:.2f}", "<= 2", median <= 2 * least
        )


def follow(bench: Bench, *, short: bool = True) -> None:
    synchronise(bench.services, bench.name, CAUSE, short=short)


def patch(bench: Bench, operation: dict[str, Any]) -> None:
    status, answer = bench.connection("PATCH", PATH, None, [operation])
    if status != 200:
        raise RuntimeError(f"PATCH answered {status}: {answer}")


if __name__ == "__main__":
    sys.exit(main("group_change", __doc__, run, n=1000, n_is="roles, each mapped", more={"opensearch": "2.19.3"}))
