"""Hours of everything at once: `make bench-soak [N=...]`, 60 minutes unless told, on the whole embedded default.

People join and leave groups, the key goes and comes back, while calls of the automation are throttled, answered with errors or left
hanging, events are lost, doubled and late, and the node stops and starts again. About once a minute the world calms down, and the
deployment has to come to exactly what the truth demands: locked if the key is disabled, else open, with the role mappings that the
groups ask for and everything else as it was. Memory, backlog and ledger are watched all the while.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psutil
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.custody.types import State

from benchmarks.common import HOME, Report, Tell, main
from local import embedded
from local.people import People, until
from local.story.book import spread
from local.story.stages import DOCUMENTS, INDEX, Cast, waiting

USERS, IAM_USERS = 12, 4
FOLLOWED = {
    "level_support": "support",
    "opensearch_dashboards_user": "support",
}  # role -> Cognito group that is given it
SAMPLE_S, CALM_EVERY_S, CALM_WITHIN_S, SWEEP_AGAIN_S = 5.0, 60.0, 300.0, 5.0
FAULTS = [
    (["kms:*"], "throttle"),
    (["kms:*"], "server-error"),
    (["kms:GenerateDataKeyWithoutPlaintext"], "hang"),
    (["dynamodb:*"], "throttle"),
    (["dynamodb:GetItem"], "server-error"),
    (["cognito-idp:*", "iam:*"], "throttle"),
    (["sts:AssumeRole"], "server-error"),
    (["ec2:*", "es:*"], "throttle"),
    (["sns:*"], "server-error"),
]
WEATHERS: list[dict[str, Any]] = [{"lose": True}, {"copies": 3}, {"delay": 4.0}]


@dataclass
class Watch:
    """Samples of what must not grow, taken in a thread of its own."""

    cast: Cast
    end: threading.Event = field(default_factory=threading.Event)
    at: list[float] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=lambda: {"node": [], "emulator": [], "lambdas": []})
    backlog: list[int] = field(default_factory=list)
    ledger: list[Counter[str]] = field(default_factory=list)

    def run(self) -> None:
        began = time.monotonic()
        while not self.end.wait(SAMPLE_S):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.sample(time.monotonic() - began)
        self.sample(time.monotonic() - began)

    def sample(self, at: float) -> None:
        pid = self.cast.embedded.node.pid
        if pid is None:
            return  # it is just being stopped
        node, emulator = psutil.Process(pid), psutil.Process(self.cast.embedded.aws.pid)
        workers = emulator.children(recursive=True)
        resident = {
            "node": node.memory_info().rss,
            "emulator": emulator.memory_info().rss,
            "lambdas": sum(worker.memory_info().rss for worker in workers),
        }
        self.ledger.append(self._items())
        self.backlog.append(waiting(self.cast))
        self.at.append(at)
        self.workers.append(len(workers))
        for part, amount in resident.items():
            self.memory[part].append(amount / 2**20)

    def _items(self) -> Counter[str]:
        """Items of the ledger: the history, which grows with what happens and expires, and all the rest."""
        table, found = self.cast.embedded.output("LedgerTable"), Counter[str]()
        pages = self.cast.embedded.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        for page in pages:
            found.update("history" if i["sk"]["S"].startswith("history#") else "other" for i in page["Items"])
        return found

    def figures(self) -> dict[str, Any]:
        settled = len(self.at) // 5  # what warms up in the beginning is no growth
        return {
            "rss_mb": {
                part: {
                    "first": round(series[settled]),
                    "last": round(series[-1]),
                    "max": round(max(series)),
                    "slope_per_hour": round(slope(self.at[settled:], series[settled:]) * 3600, 1),
                }
                for part, series in self.memory.items()
            },
            "lambda_workers": {"first": self.workers[settled], "last": self.workers[-1], "max": max(self.workers)},
            "backlog_max": max(self.backlog),
            "backlog_last": self.backlog[-1],
            "ledger_items": {
                "history": [self.ledger[0]["history"], self.ledger[-1]["history"]],
                "other": [self.ledger[0]["other"], self.ledger[-1]["other"]],
                "other_max": max(items["other"] for items in self.ledger),
            },
        }


def slope(xs: list[float], ys: list[float]) -> float:
    """Of the straight line nearest to these points (least squares)."""
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread_of_x = sum((x - middle_x) ** 2 for x in xs)
    return (
        sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread_of_x if spread_of_x else 0.0
    )


class Soak:
    """The world that misbehaves, and what it ought to come to."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast, self.people, self.aws = cast, cast.people, cast.embedded.aws
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.calmed: list[float] = []
        self.key_is_on = True
        self.kms, self.iam = self.aws.client("kms"), self.aws.client("iam")
        self.ledger = DynamoLedger(self.aws.client("dynamodb"), cast.embedded.output("LedgerTable"))
        self.registration = self.ledger.registration(cast.embedded.deployment)
        self.cognito_users = [self.people.cognito_user(f"soak{n:02d}.crowd.support") for n in range(USERS)]
        self.iam_users = [self.people.iam_user(f"soak-{n:02d}.crowd.support").name for n in range(IAM_USERS)]
        self.cast.application.ask("PUT", f"/{INDEX}/_doc/0?refresh=true", DOCUMENTS[0])
        self.before: Any = None

    def remember(self) -> None:
        """How everything is that no group and no key ought to change."""
        self.before = self._outside(), self._others()

    # ------------------------------------------------------------------ what happens

    def something(self) -> None:
        actions: Mapping[Callable[[], None], int] = {
            self.cognito: 40,
            self.iam_group: 20,
            self.key: 8,
            self.fault: 14,
            self.weather: 8,
            self.sweep: 6,
            self.node: 1,
        }
        action = self.random.choices(list(actions), list(actions.values()))[0]
        action()
        self.done[action.__name__] += 1

    def cognito(self) -> None:
        change = self.random.choice([self.people.join, self.people.leave])
        change(self.random.choice(self.cognito_users), "support")

    def iam_group(self) -> None:
        change = self.random.choice([self.iam.add_user_to_group, self.iam.remove_user_from_group])
        with contextlib.suppress(self.iam.exceptions.NoSuchEntityException):  # they are in no group to be taken out of
            change(GroupName="catalyst-support", UserName=self.random.choice(self.iam_users))

    def key(self) -> None:
        change = self.kms.disable_key if self.key_is_on else self.kms.enable_key
        change(KeyId=self.registration.key.arn)
        self.key_is_on = not self.key_is_on

    def fault(self) -> None:
        actions, kind = self.random.choice(FAULTS)
        seconds = self.random.uniform(1, 8)
        self.aws.admin("fault", actions=actions, kind=kind, seconds=seconds, hold=seconds, caller="portcullis-")

    def weather(self) -> None:
        self.aws.admin("weather", **self.random.choice(WEATHERS), seconds=self.random.uniform(2, 10))

    def sweep(self) -> None:
        self.aws.admin("fire", rule="portcullis-sweep")

    def node(self) -> None:
        self.cast.embedded.node.stop()
        time.sleep(self.random.uniform(1, 8))
        self.cast.embedded.node.start_again()

    # ------------------------------------------------------------------ what has to come of it

    def calm(self) -> str:
        """Mend everything, and wait for the truth. What is not as it should be after all that time; empty if it is."""
        self.aws.admin("mend")
        began = swept = time.monotonic()
        self.sweep()
        while differs := self.differs():
            now = time.monotonic()
            if now - began > CALM_WITHIN_S:
                return differs
            if now - swept > SWEEP_AGAIN_S:  # in an account this is the schedule's
                self.sweep()
                swept = now
            time.sleep(0.25)
        self.calmed.append(time.monotonic() - began)
        # Once more when nothing is under way any more: the last to come must not have undone it.
        until(lambda: not waiting(self.cast), within=CALM_WITHIN_S, what="the queues are empty")
        return self.differs()

    def differs(self) -> str:
        """In what the deployment is not what the truth demands; empty if in nothing."""
        state, wanted = self.ledger.custody(self.registration.deployment).state, State.LOCKED
        if self.key_is_on:
            wanted = State.OPEN
        if state is not wanted:
            return f"it is {state.value}, and the key is {'enabled' if self.key_is_on else 'disabled'}"
        mappings = self.cast.mappings()
        if not self.key_is_on:
            let_in = [role for role in FOLLOWED if mappings[role]["users"]]
            searches = self.cast.application.may_search(INDEX)
            return f"locked, and open: {let_in or 'the application searches'}" if let_in or searches else ""
        for role, group in FOLLOWED.items():
            mapped, truth = mappings[role]["users"], self._members(group)
            if sorted(mapped) != sorted(truth):
                return f"{role}: {sorted(set(mapped) ^ set(truth))} too many or too few, {len(mapped)} of {len(truth)}"
        now = self._outside(), self._others()
        return "" if now == self.before else f"not as it was: {_first_difference(self.before, now)}"

    def _members(self, group: str) -> list[str]:
        pages = self.aws.client("cognito-idp").get_paginator("list_users_in_group")
        found = [
            f"Cognito/{self.people.pool}/{user['Username']}"
            for page in pages.paginate(UserPoolId=self.people.pool, GroupName=group)
            for user in page["Users"]
        ]
        return found + [user["Arn"] for user in self.iam.get_group(GroupName="catalyst-support")["Users"]]

    def _outside(self) -> Any:
        """What a lock changes beside the mappings: ingress, access policy, index blocks."""
        network = self.registration.network
        assert network is not None
        groups = self.aws.client("ec2").describe_security_groups(GroupIds=[network.group])
        domain = self.aws.client("opensearch").describe_domain(DomainName=self.registration.place.name)["DomainStatus"]
        settings = self.cast.engine("GET", "/*,-.*/_settings?flat_settings=true")
        blocks = {name: [s for s in one["settings"] if s.startswith("index.blocks")] for name, one in settings.items()}
        rules = sorted(json.dumps(rule, sort_keys=True) for rule in groups["SecurityGroups"][0]["IpPermissions"])
        return {"ingress": rules, "policy": json.loads(domain["AccessPolicies"]), "blocks": blocks}

    def _others(self) -> Any:
        """The roles, and the mappings but for those lists that follow the groups."""
        mappings = self.cast.mappings()
        for role in FOLLOWED:
            mappings[role] = {**mappings[role], "users": []}
        return {"mappings": mappings, "roles": self.cast.engine("GET", "/_plugins/_security/api/roles")}


def _first_difference(before: Any, now: Any, path: str = "") -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before.keys() | now.keys():
            if before.get(key) != now.get(key):
                return _first_difference(before.get(key), now.get(key), f"{path}/{key}")
    if isinstance(before, tuple) and isinstance(now, tuple):
        return next(_first_difference(b, n, path) for b, n in zip(before, now, strict=True) if b != n)
    return f"{path}: {str(before)[:200]} became {str(now)[:200]}"


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    parts = replace(embedded.parts_from_environment(), home=HOME / "run")
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        soak, watch = Soak(cast, int(given.seed)), Watch(cast)
        # Mapped once, so that what follows the groups is there to follow them.
        people.join(soak.cognito_users[0], "support")
        until(
            lambda: all(cast.mappings().get(role, {}).get("users") for role in FOLLOWED),
            what="the first user is mapped",
        )
        until(lambda: not waiting(cast), what="the queues are empty")
        soak.remember()
        thread = threading.Thread(target=watch.run, daemon=True)
        thread.start()
        try:
            _go_on(soak, given.n * 60, whole, report, tell)
        finally:
            watch.end.set()
            thread.join()
        history = tuple(soak.ledger.history(whole.deployment, 100_000))
        buried = whole.aws.client("sqs")
        dead = sum(
            int(
                buried.get_queue_attributes(QueueUrl=whole.output(queue), AttributeNames=["All"])["Attributes"][
                    "ApproximateNumberOfMessages"
                ]
            )
            for queue in ("IdentityDeadLetters", "KeyDeadLetters")
        )
    identity = soak.done["cognito"] + soak.done["iam_group"]
    report.figures |= {
        "minutes": given.n,
        "seed": int(given.seed),
        "events": identity + soak.done["key"],
        "identity_events": identity,
        "key_events": soak.done["key"],
        "locks": sum(1 for change in history if change.operation == State.LOCKED.value),
        "faults": soak.done["fault"] + soak.done["weather"],
        "node_restarts": soak.done["node"],
        "checks": len(soak.calmed),
        "calm_s": spread(soak.calmed),
        "final_state_exact": not report.wrong,
        "dead_letters": dead,
        **watch.figures(),
    }
    _rows(report)
    return report


def _go_on(soak: Soak, seconds: float, whole: embedded.Embedded, report: Report, tell: Tell) -> None:
    end = time.monotonic() + seconds
    calm_at = time.monotonic() + CALM_EVERY_S
    while (now := time.monotonic()) < end:
        soak.something()
        time.sleep(soak.random.expovariate(1.5))
        whole.check()
        if now > calm_at:
            if differs := soak.calm():
                report.wrong.append(f"after {seconds - (end - now):.0f} s: {differs}")
                tell(report.wrong[-1])
            tell(
                f"{(seconds - (end - now)) / 60:.0f} min, {sum(soak.done.values())} happenings; calm in {soak.calmed[-1]:.1f} s"
            )
            calm_at = time.monotonic() + CALM_EVERY_S
    soak.aws.admin("mend")
    if not soak.key_is_on:
        soak.key()
    if differs := soak.calm():
        report.wrong.append(f"at the end: {differs}")


def _rows(report: Report) -> None:
    figures = report.figures
    report.row("minutes", str(figures["minutes"]))
    report.row("identity and key events", f"{figures['identity_events']} + {figures['key_events']}")
    report.row("locks", str(figures["locks"]))
    report.row("faults, and the node stopped", f"{figures['faults']}, {figures['node_restarts']}")
    report.row(
        "times the truth was reached, median seconds", f"{figures['checks']}, {figures['calm_s']['median']:.1f} s"
    )
    report.row("exactly what the truth demands, each time", str(not report.wrong), "True", not report.wrong)
    for part, found in figures["rss_mb"].items():
        report.row(
            f"memory of the {part}",
            f"{found['first']} -> {found['last']} MB, {found['slope_per_hour']:+.0f} MB/h",
            "flat",
        )
    report.row("Lambda workers, most", str(figures["lambda_workers"]["max"]))
    report.row("backlog, largest and last", f"{figures['backlog_max']}, {figures['backlog_last']}")
    items = figures["ledger_items"]
    flat = items["other"][1] <= items["other"][0] + 10
    report.row("ledger items beside the history", f"{items['other'][0]} -> {items['other'][1]}", "flat", flat)
    report.row("history entries", f"{items['history'][0]} -> {items['history'][1]}")
    report.row("dead letters", str(figures["dead_letters"]))


if __name__ == "__main__":
    sys.exit(main("soak", __doc__, run, n=60, n_is="minutes", more={"seed": "1"}))
