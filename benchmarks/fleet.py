"""Many deployments at once: `make bench-fleet [N=...]`. A sweep over N deployments (100 unless told), then a lock of 20 under one key.

What is real: the code of the sweep and of the guard with all its adapters of AWS, the emulated DynamoDB, KMS, EC2, IAM, SNS and
OpenSearch Service behind them, a domain, a key and a security group for each deployment. What is not: the engines. A hundred nodes do
not fit on one machine, so each deployment's engine is a model held against real nodes, and every request to it is answered late, by as
much as a real node took (ENGINE_S). So this shows what the automation needs for many deployments, and not what a hundred engines need.
All run as threads of one process, as in one sweep function; in an account the lock's twenty guards are twenty functions.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from portcullis.access.actual import Write
from portcullis.custody.types import State
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.shutting.baseline import CANARY_ROLE
from portcullis.operations.access.deployments import introduce
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Services, Trigger
from portcullis.operations.sweep import sweep
from portcullis.ports.engine import Aside, Stop, nowhere
from portcullis.ports.registration import AmazonDomain, IamRole, Key, Network, Registration
from portcullis.settings import Settings
from portcullis.wiring import in_aws

from benchmarks.common import Report, Tell, ledger_table, main, timed
from local.aws.emulator import Emulator
from local.embedded import ACCOUNT, REGION, role_arn
from tests.operations.worlds import Engine, house

ENGINE_S = {"read": 0.1, "write": 0.3}  # each request to an engine; a small real node on this machine takes less
UNDER_ONE_KEY = 20
SWEEPS_A_MONTH = 30 * 24 * 12  # every five minutes
MEMORY_GB = 1.0  # of the sweep function
# US dollars, eu-central-1, as listed in 2025; free tiers left out.
PRICES = {
    "lambda GB-second (arm64)": 0.0000133334,
    "kms request": 0.03 / 10_000,
    "cloudwatch request": 0.01 / 1_000,
    "dynamodb read": 0.1525 / 1_000_000,  # items up to 4 KB, read consistently
    "dynamodb write": 0.7625 / 1_000_000,  # items up to 1 KB
    "sns request": 0.50 / 1_000_000,
    "sqs request": 0.40 / 1_000_000,
    "events request": 1.00 / 1_000_000,
}
CAUSE = Trigger("a benchmark", "benchmark")
TEXT = """deployment: {name}
engine: OpenSearch_2.19
domain: {{configuration: api}}
identity: {{iam_groups: [fleet]}}
access:
  levels: {{preset: layered, indices: ["catalyst-*"]}}
  grants:
    - {{level: support, to: {{iam_group: fleet}}}}
    - {{level: application, to: {{backend_role: application}}}}
"""


class LateEngine(Engine):
    """The model of an engine, as slow as a real one. `shut_at`: when the application was first taken out of its mapping."""

    def __init__(self, held: SecurityConfig) -> None:
        super().__init__(held)
        self.shut_at: float | None = None

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        time.sleep(ENGINE_S["read"] * len(kinds or tuple(Kind)))
        return super().read(kinds)

    def write(self, write: Write) -> bool:
        if not write.body:
            return False
        time.sleep(ENGINE_S["write"])
        done = super().write(write)
        if write.kind == Kind.MAPPINGS and not self.held.entries("level_application", "backend_roles"):
            self.shut_at = self.shut_at or time.perf_counter()
        return done

    def blocks(self) -> dict[str, dict[str, str]]:
        time.sleep(ENGINE_S["read"])
        return super().blocks()

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        time.sleep(ENGINE_S["write"])
        super().block_indices(before, lifted)

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        time.sleep(ENGINE_S["write"])
        super().unblock_indices(before)

    def end_searches(self, closing: Callable[[Sequence[str]], None]) -> str:
        time.sleep(ENGINE_S["read"])
        return super().end_searches(closing)

    def what_stops_a_search(self, index: str) -> Stop | None:
        """For the canary: it is let in by its mapping, and to what is not blocked."""
        time.sleep(ENGINE_S["read"])
        if not self.held.entries(CANARY_ROLE, "backend_roles"):
            return Stop.PRIVILEGES
        return Stop.BLOCK if self.index_blocks.get(index) else None


@dataclass(frozen=True)
class Fleet:
    services: Services
    engines: dict[str, LateEngine]
    requests: Counter[str]  # to AWS, as service.Operation
    key: str  # the one under which the first twenty are


def fleet_of(many: int, aws: Emulator, tell: Tell) -> Fleet:
    """`many` deployments, introduced as `domain_setup` does it."""
    os.environ |= {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": aws.root.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.root.secret_key,
        "AWS_DEFAULT_REGION": REGION,
    }
    requests: Counter[str] = Counter()
    boto3.setup_default_session(region_name=REGION)
    boto3.DEFAULT_SESSION.events.register(
        "before-send", lambda event_name, **_: requests.update([event_name.removeprefix("before-send.")])
    )
    queues = {
        name: aws.client("sqs").create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        for name in ("identity", "key")
    }
    services = in_aws(
        Settings(
            ledger_table(aws, "ledger"),
            alert_topic=aws.client("sns").create_topic(Name="alerts")["TopicArn"],
            event_bus=aws.client("events").create_event_bus(Name="portcullis")["EventBusArn"].split("/")[-1],
            identity_dead_letters=queues["identity"],
            key_dead_letters=queues["key"],
        )
    )
    engines: dict[str, LateEngine] = {}
    services = replace(
        services,
        engine=lambda registration: engines[registration.deployment],
        master=lambda registration: engines[registration.deployment],
        canary=lambda registration: engines[registration.deployment],
    )
    _group(aws)
    kms, one = aws.client("kms"), aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    registrations = []
    for number in range(many):
        key = one if number < UNDER_ONE_KEY else kms.create_key()["KeyMetadata"]["Arn"]
        registrations.append(_registration(f"fleet-{number:03d}", key, aws))
        engines[registrations[-1].deployment] = LateEngine(house())
    with ThreadPoolExecutor(16) as hands:
        made = hands.map(lambda r: introduce(services.at(r), TEXT.format(name=r.deployment), CAUSE), registrations)
        tell(f"{sum(1 for _ in made)} deployments introduced")
    return Fleet(services, engines, requests, one)


def _group(aws: Emulator) -> None:
    iam = aws.client("iam")
    iam.create_group(GroupName="fleet")
    for number in range(10):
        iam.create_user(UserName=f"sailor-{number}")
        iam.add_user_to_group(GroupName="fleet", UserName=f"sailor-{number}")


def _registration(name: str, key: str, aws: Emulator) -> Registration:
    """A domain and its security group, which lets the people of the VPC in."""
    ec2 = aws.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description=name)["GroupId"]
    people = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[people])
    domain = aws.client("opensearch").create_domain(DomainName=name, EngineVersion="OpenSearch_2.19")["DomainStatus"]
    return Registration(
        deployment=name,
        account=ACCOUNT,
        region=REGION,
        place=AmazonDomain(name, domain["ARN"], f"{name}.invalid", Network(group)),
        key=Key(key),
        automation=IamRole(role_arn("portcullis-automation")),
        master=IamRole(role_arn("master")),
        break_glass=IamRole(role_arn(f"portcullis-{name}-break-glass")),
        canary=IamRole(role_arn(f"portcullis-{name}-canary")),
    )


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, Emulator.start(Path(folder), region=REGION, account=ACCOUNT) as aws:
        fleet = fleet_of(given.n, aws, tell)
        sweep(fleet.services)  # the first one opens connections and finds what was never looked at
        _sweep(fleet, report)
        _lock(fleet, aws, report, tell)
    return report


def _sweep(fleet: Fleet, report: Report) -> None:
    fleet.requests.clear()
    seconds, swept = timed(lambda: sweep(fleet.services))
    wrong = [one for one in swept if one.error or one.state != State.OPEN.value or one.drift or one.steps]
    if wrong:
        report.wrong.append(f"{len(wrong)} of {len(swept)} deployments were not found well: {wrong[0]}")
    each = {call: round(count / len(swept), 2) for call, count in sorted(fleet.requests.items())}
    cost, parts = cost_a_month(each, seconds / len(swept))
    report.figures |= {
        "deployments": len(swept),
        "sweep_s": round(seconds, 2),
        "requests_a_deployment_and_sweep": each,
        "dollars_a_deployment_and_month": round(cost, 3),
        "dollars_by_part": {part: round(dollars, 4) for part, dollars in parts.items()},
        "prices": PRICES,
        "sweeps_a_month": SWEEPS_A_MONTH,
        "engine_answers_after_s": ENGINE_S,
    }
    report.below(f"a sweep over {len(swept)} deployments", seconds, 60)
    report.row("requests to AWS, a deployment and sweep", f"{sum(each.values()):.0f}")
    report.row("cost, a deployment and month", f"{cost:.2f} $", "stated")
    for part, dollars in sorted(parts.items(), key=lambda item: -item[1])[:4]:
        report.row(f"  of which {part}", f"{dollars:.3f} $")


def cost_a_month(requests: Mapping[str, float], seconds: float) -> tuple[float, dict[str, float]]:
    """Of one deployment, by the requests of one sweep and its share of the function's time; every five minutes, at PRICES."""
    parts: dict[str, float] = {"lambda": seconds * MEMORY_GB * PRICES["lambda GB-second (arm64)"]}
    for call, count in requests.items():
        service, operation = call.split(".")
        price = PRICES.get(f"{service} request", 0.0)  # describing domains, groups and members costs nothing
        if service == "dynamodb":
            price = PRICES["dynamodb read" if operation in ("GetItem", "Query") else "dynamodb write"]
        parts[service] = parts.get(service, 0.0) + count * price
    month = {part: dollars * SWEEPS_A_MONTH for part, dollars in parts.items() if dollars}
    return sum(month.values()), month


def _lock(fleet: Fleet, aws: Emulator, report: Report, tell: Tell) -> None:
    names = sorted(fleet.engines)[:UNDER_ONE_KEY]
    tell(f"{len(names)} deployments under one key: it is disabled")
    for engine in fleet.engines.values():
        engine.shut_at = None
    aws.client("kms").disable_key(KeyId=fleet.key)
    began = time.perf_counter()
    with ThreadPoolExecutor(len(names)) as guards:
        ended = list(guards.map(lambda name: guard(fleet.services, name, CAUSE), names))
    seconds = time.perf_counter() - began
    locked = [one for one in ended if one.state is State.LOCKED]
    if len(locked) != len(names):
        report.wrong.append(f"{len(locked)} of {len(names)} were locked; {ended[0].state}: {_failures(ended)}")
    shut: list[Any] = [fleet.engines[name].shut_at for name in names]
    last = max(at - began for at in shut) if all(shut) else float("inf")
    still = [name for name in sorted(fleet.engines)[UNDER_ONE_KEY:] if fleet.engines[name].shut_at]
    if still:
        report.wrong.append(f"locked without a reason: {still[:3]}")
    report.figures |= {"lock_of": len(names), "lock_all_s": round(seconds, 2), "lock_last_shut_s": round(last, 2)}
    report.below(f"lock of {len(names)} under one key: the last whole and proven", seconds, 30)
    report.row("  the last without access", f"{last:.1f} s")


def _failures(ended: list[Any]) -> list[str]:
    return [f"{m.value}: {r.detail}" for one in ended for m, r in one.measures.items() if r.failures][:3]


if __name__ == "__main__":
    sys.exit(main("fleet", __doc__, run, n=100, n_is="deployments of a sweep"))
