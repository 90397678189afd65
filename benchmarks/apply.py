"""Access, applied: `make bench-apply [N=...]`. One run on one real node (2.19.3), beside a writer that PUTs one resource after another.

The sequential writer does what terraform-provider-opensearch does for a resource that is new: PUT, then GET to read it back, one after
another; for each of these two a client of its own, which asks for the node's health (HEAD) and its version (GET) first (its getClient in
provider/provider.go, with `healthcheck` as it is by default). Beside it, the same on one connection that is kept.

Portcullis takes the road of every verb: the deployment file's text is read and resolved, compared with the engine, guarded, written
down in the ledger (the emulated AWS's DynamoDB), applied, and read again. The node is started as one that stays up: its code is
compiled as well as a domain's that runs for days.

Both writers once by name and password, which the node verifies anew after each write (bcrypt, a quarter of a second); and once as the
IAM role that a front door vouches for, as Amazon's callers are known: what users of a domain see.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import requests
from portcullis import model
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.identity.aws import AwsIdentity
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.errors import Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.deployments import apply_text, kept_model
from portcullis.operations.access.planning import plan
from portcullis.operations.services import Services, Trigger
from portcullis.ports.registration import AmazonDomain, IamRole, Key, Registration
from portcullis.settings import Settings

from benchmarks.common import Report, Tell, Told, ledger_table, main, timed, world_of
from local.aws.emulator import Emulator
from local.door.hand_over import HandOver
from local.embedded import ACCOUNT, CACHE, REGION, role_arn
from local.node.node import Node
from local.node.security import SecuritySetup

BESIDE = 50  # roles, and as many mappings, that both write
CHANGES = (1, 10, 100, 1000)
EMPTY_PLANS = 7
TURNS = 3
SETTLE_S = 2.0
LEDGER = "ledger"
CAUSE = Trigger("a benchmark", "benchmark")


@dataclass
class Connection:
    """A transport as the engines take one, as the node's master: by name and password, or as a role behind its door. Counts what it
    sends by method."""

    node: Node
    sent: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.node.ca)
        if self.node.security.only_the_door:
            self.session.cert = self.node.door.pair
        else:
            self.session.auth = (self.node.user, self.node.password)

    def _headers(self) -> dict[str, str]:
        master = self.node.security.master_role
        return _handed_over(self.node.token_key).headers(master, (master,)) if master else {}

    def __call__(self, method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        self.sent[method] = self.sent.get(method, 0) + 1
        try:
            answer = self.session.request(
                method, self.node.url + path, params=params, json=body, timeout=300, headers=self._headers()
            )
        except requests.RequestException as error:
            raise Unreachable(f"{self.node.url} did not answer: {type(error).__name__}") from error
        return answer.status_code, answer.json() if answer.content else None

    @property
    def writes(self) -> int:
        return sum(count for method, count in self.sent.items() if method not in ("GET", "HEAD"))


@cache
def _handed_over(key: Path) -> HandOver:
    return HandOver(key)


def role(number: int, words: str = "") -> dict[str, Any]:
    """A role as people write them: two index permissions, one of them with document, field and masking rules."""
    return {
        "description": f"Team {number}" + words,
        "cluster_permissions": ["cluster_composite_ops_ro"],
        "index_permissions": [
            {"index_patterns": [f"team-{number}-*"], "allowed_actions": ["read", "write", "create_index"]},
            {
                "index_patterns": [f"shared-{number}*"],
                "dls": f'{{"term": {{"team": {number}}}}}',
                "fls": ["~salary"],
                "masked_fields": ["card"],
                "allowed_actions": ["read"],
            },
        ],
    }


def text_of(deployment: str, roles: Mapping[str, Any], grants: Mapping[str, str]) -> str:
    """A deployment file with these roles, each granted to a backend role."""

    lines = [f"deployment: {deployment}", "engine: OpenSearch_2.19", "domain: {configuration: api}"]
    if roles or grants:
        lines.append("access:")
    if roles:
        lines += ["  roles:", *(f"    {name}: {json.dumps(value)}" for name, value in roles.items())]
    if grants:
        lines.append("  grants:")
        lines += [f"    - {{role: {name}, to: {{backend_role: {to}}}}}" for name, to in grants.items()]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Bench:
    """One deployment on the node."""

    name: str
    services: Services
    connection: Connection

    def apply(self, roles: Mapping[str, Any], grants: Mapping[str, str]) -> int:
        """Apply a deployment file; the writes to the engine that it took."""
        before = self.connection.writes
        apply_text(self.services, self.name, text_of(self.name, roles, grants), CAUSE)
        return self.connection.writes - before


def bench_of(name: str, node: Node, aws: Emulator) -> Bench:
    connection = Connection(node)
    engine = OpenSearchEngine(connection, node.url)
    ledger = DynamoLedger(aws.client("dynamodb"), LEDGER)
    services: Services = world_of(
        settings=Settings(LEDGER),
        ledger=ledger,
        alerts=Told(),
        engine=lambda _: engine,
        identity=lambda _: AwsIdentity(aws.client),
    )
    registration = Registration(
        deployment=name,
        account=ACCOUNT,
        region=REGION,
        place=AmazonDomain("bench", f"arn:aws:es:{REGION}:{ACCOUNT}:domain/bench", node.url.removeprefix("https://")),
        key=Key(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/none"),
        automation=IamRole(role_arn("portcullis-automation")),
        master=IamRole(node.security.master_role or "admin"),
        break_glass=IamRole(role_arn(f"portcullis-{name}-break-glass")),
    )
    ledger.register(registration)
    ledger.keep_model(name, kept_model(text_of(name, {}, {}), f"{name}.yaml"))
    bench = Bench(name, services, connection)
    bench.apply({}, {})  # what Portcullis itself needs on a domain is no part of what is measured
    return bench


def one_put_a_resource(node: Node, prefix: str, many: int, *, kept: bool = False) -> None:
    """PUT and GET back, one resource after another: `many` roles and as many mappings. `kept`: all on one connection."""
    api = "/_plugins/_security/api"
    one = Connection(node)

    def ask(method: str, path: str, body: Any = None) -> None:
        connection = one
        if not kept:
            connection = Connection(node)
            connection("HEAD", "/", None, None)
            connection("GET", "/", None, None)
        status, answer = connection(method, path, None, body)
        if not kept:
            connection.session.close()
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")

    for number in range(many):
        for path, body in (
            (f"{api}/roles/{prefix}_{number:04d}", role(number)),
            (f"{api}/rolesmapping/{prefix}_{number:04d}", {"backend_roles": [f"people-{number:04d}"]}),
        ):
            ask("PUT", path, body)
            ask("GET", path)


def settled(node: Node) -> None:
    """What was written before is loaded, and the user is signed in: neither is charged to what comes next.

    The node forgets who is signed in at every write, and with a password it takes it a quarter of a second to know them again (bcrypt):
    that is the larger part of what either writer waits for.
    """
    time.sleep(SETTLE_S)
    Connection(node)("GET", "/", None, None)


def removed(node: Node, prefix: str) -> None:
    """Take away what was made under names that begin so: mappings before their roles."""
    for kind in ("rolesmapping", "roles"):
        path = f"/_plugins/_security/api/{kind}"
        names = [name for name in node.ask("GET", path)[1] if name.startswith(prefix)]
        status, answer = node.ask("PATCH", path, [{"op": "remove", "path": f"/{name}"} for name in names], timeout=300)
        if status != 200:
            raise RuntimeError(f"{kind} could not be removed: {status} {answer}")


def by_hand(node: Node, many: int) -> None:
    """What a running cluster holds that nobody declared: `many` roles, each mapped."""
    names = [f"found_{number:04d}" for number in range(many)]
    for kind, values in (
        ("roles", [role(number) for number in range(many)]),
        ("rolesmapping", [{"backend_roles": [f"people-of-{name}"]} for name in names]),
    ):
        operations = [
            {"op": "add", "path": f"/{name}", "value": value} for name, value in zip(names, values, strict=True)
        ]
        status, answer = node.ask("PATCH", f"/_plugins/_security/api/{kind}", operations, timeout=300)
        if status != 200:
            raise RuntimeError(f"{kind} could not be made: {status} {answer}")


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with (
            Node.start(
                home / "node", CACHE, given.opensearch, security=SecuritySetup.basic(), tell=tell, stays_up=True
            ) as node,
            Emulator.start(home / "aws", region=REGION, account=ACCOUNT, tell=tell) as aws,
        ):
            ledger_table(aws, LEDGER)
            _measure(given.n, node, aws, report, tell)
        with (
            Node.start(
                home / "door",
                CACHE,
                given.opensearch,
                security=SecuritySetup.behind_door(role_arn("the-master")),
                tell=tell,
                stays_up=True,
            ) as node,
            Emulator.start(home / "aws-of-door", region=REGION, account=ACCOUNT, tell=tell) as aws,
        ):
            ledger_table(aws, LEDGER)
            _beside(bench_of("bench", node, aws), node, report, tell, "_as_a_role", "as a role: ")
    report.figures["opensearch"] = given.opensearch
    return report


def _measure(many: int, node: Node, aws: Emulator, report: Report, tell: Tell) -> None:
    figures = report.figures
    bench = bench_of("bench", node, aws)
    _beside(bench, node, report, tell)

    tell(f"{many} roles and {many} mappings")
    roles = {f"second_{number:04d}": role(number) for number in range(many)}
    grants = {name: f"people-of-{name}" for name in roles}
    figures["thousand_s"], figures["thousand_writes"] = timed(lambda: bench.apply(roles, grants))
    report.below(f"{many} + {many}", figures["thousand_s"], 10)

    text = text_of("bench", roles, grants)
    empty, whole = [], []
    for _ in range(EMPTY_PLANS):
        seconds, planned = timed(lambda: plan(bench.services, "bench", CAUSE))
        empty.append(seconds)
        seconds, planned_of_text = timed(lambda: plan(bench.services, "bench", CAUSE, text=text))
        whole.append(seconds)
        if planned.steps or planned_of_text.steps:
            report.wrong.append(
                f"a plan right after apply is not empty: {(planned.steps or planned_of_text.steps)[:3]}"
            )
    figures["empty_plan_s"] = statistics.median(empty)
    figures["empty_plan_of_a_file_s"] = statistics.median(whole)
    figures["reading_the_file_s"], _ = timed(lambda: model.loads(text, "bench.yaml"))
    report.below(f"an empty plan over {len(roles)} roles (the ledger's model)", figures["empty_plan_s"], 0.5)
    report.below("an empty plan of a deployment file", figures["empty_plan_of_a_file_s"], 0.5)
    report.row("of which reading the file", f"{figures['reading_the_file_s']:.2f} s")

    _single_grant(bench, roles, grants, report)
    _changes(bench, roles, grants, report, tell)
    figures["thousand_removed_s"], writes = timed(partial(bench.apply, {}, {}))
    report.row(f"{many} + {many} taken away again", f"{figures['thousand_removed_s']:.2f} s, {writes} writes")
    _adopt(many, node, aws, report, tell)


def _beside(bench: Bench, node: Node, report: Report, tell: Tell, key: str = "", who: str = "") -> None:
    """Both writers write the same. `key` and `who` say as whom, in the figures and in the table."""
    roles = {f"first_{number:04d}": role(number) for number in range(BESIDE)}
    grants = {name: f"people-of-{name}" for name in roles}
    slow, fast, writes = [], [], 0
    # By turns, as a machine that is busy for a while is so for both; each on the domain as it was in the beginning, as the engine
    # reads all roles for every mapping.
    for turn in range(TURNS):
        tell(f"{who}{BESIDE} roles and {BESIDE} mappings, one after another")
        settled(node)
        slow.append(timed(partial(one_put_a_resource, node, f"sequential{turn}", BESIDE))[0])
        removed(node, f"sequential{turn}_")
        settled(node)
        seconds, writes = timed(partial(bench.apply, roles, grants))
        fast.append(seconds)
        bench.apply({}, {})
        tell(f"that took {slow[-1]:.1f} s; as many in one deployment file {seconds:.2f} s")
    settled(node)
    kept, _ = timed(partial(one_put_a_resource, node, "kept", BESIDE, kept=True))
    removed(node, "kept_")
    one_by_one, ours = statistics.median(slow), statistics.median(fast)
    report.figures |= {
        f"sequential{key}_s": one_by_one,
        f"sequential_kept_connection{key}_s": kept,
        f"portcullis{key}_s": ours,
        f"portcullis_writes{key}": writes,
        f"ratio{key}": one_by_one / ours,
        f"ratio_kept_connection{key}": kept / ours,
    }
    report.row(f"{who}{BESIDE} + {BESIDE}, one PUT a resource", f"{one_by_one:.1f} s")
    report.row(f"{who}{BESIDE} + {BESIDE}, Portcullis", f"{ours:.2f} s")
    if key:
        report.row(f"{who}times faster", f"{one_by_one / ours:.1f}")
    else:
        report.at_least("times faster", one_by_one / ours, 30)
    report.row(f"{who}times faster than the same on one connection", f"{kept / ours:.1f}")


def _single_grant(bench: Bench, roles: Mapping[str, Any], grants: Mapping[str, str], report: Report) -> None:
    text = text_of(bench.name, roles, grants) + "    - {role: second_0000, to: {backend_role: somebody-new}}\n"
    before = bench.connection.writes
    seconds, _ = timed(lambda: apply_text(bench.services, bench.name, text, CAUSE))
    report.figures["single_grant_writes"] = bench.connection.writes - before
    report.figures["single_grant_s"] = seconds
    report.row(
        "writes of a single grant", str(bench.connection.writes - before), "1", bench.connection.writes - before == 1
    )
    report.row(f"a single grant among {len(roles)} roles, from a file", f"{seconds:.2f} s")


def _changes(bench: Bench, roles: dict[str, Any], grants: Mapping[str, str], report: Report, tell: Tell) -> None:
    """Cost of a changed role, by how many change at once."""
    cost: dict[int, float] = {}
    for many in (many for many in CHANGES if many <= len(roles)):
        tell(f"{many} changed roles")
        changed = dict(list(roles.items())[-many:])
        roles |= {name: {**value, "description": f"changed with {many}"} for name, value in changed.items()}
        seconds, _ = timed(partial(bench.apply, dict(roles), grants))
        cost[many] = seconds * 1000 / many
    report.figures["per_role_ms"] = {str(many): round(ms, 2) for many, ms in cost.items()}
    falling = all(later < sooner for sooner, later in zip(list(cost.values()), list(cost.values())[1:], strict=False))
    shown = ", ".join(f"{many}: {ms:.0f} ms" if ms >= 10 else f"{many}: {ms:.1f} ms" for many, ms in cost.items())
    report.row("cost a changed role", shown, "falling", falling)


def _adopt(many: int, node: Node, aws: Emulator, report: Report, tell: Tell) -> None:
    """A second deployment comes to a domain that holds roles of nobody's."""
    tell(f"a cluster with {many} roles that nobody declared is taken over")
    by_hand(node, many)
    finder = bench_of("finder", node, aws)
    seconds, adopted = timed(lambda: adopt(finder.services, "finder", CAUSE))
    held = finder.services.engine(finder.services.ledger.registration("finder")).read([Kind.ROLES])
    found = sum(1 for name in held.of(Kind.ROLES) if name.startswith("found_"))
    left = plan(finder.services, "finder", CAUSE)
    if adopted.exit_status or left.steps or adopted.adopted < 2 * found:
        report.wrong.append(f"adopt: {adopted.adopted} of {2 * found} adopted, then {len(left.steps)} steps to do")
    report.figures["adopt_s"] = seconds
    report.figures["adopted"] = adopted.adopted
    report.below(f"adopt, {adopted.adopted} documents and entries", seconds, 3)


if __name__ == "__main__":
    sys.exit(
        main(
            "apply",
            __doc__,
            run,
            n=1000,
            n_is="roles, and as many mappings, of the large apply",
            more={"opensearch": "2.19.3"},
        )
    )
