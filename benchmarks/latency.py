"""One group change: `make bench-latency [N=...]`, 20 grants and removals at each door, on the whole embedded default.

From the return of the call (`AdminAddUserToGroup`, or IAM's `AddUserToGroup`, whose event comes through us-east-1) to the first search
that is permitted; from the return of the removal to the first that is refused. Then, with `custody.deny_older_sessions`, from the return
of the removal from a group that has a role of its own to the first search that is refused with credentials of that role already held.

Then the first of these once more, among a thousand further roles and mappings.

On an Elasticsearch with a thousand roles, 500 indices and 200 native users who have the roles, as somebody else made them, and then 200
who join a group at once, and leave it: `python -m benchmarks.latency --elasticsearch 9.5.3`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from uuid import uuid4

from botocore.config import Config
from portcullis.adapters.ledger.dynamo import DynamoLedger

from benchmarks import lock
from benchmarks.apply import role
from benchmarks.common import HOME, Report, Tell, main
from local import embedded
from local.people import People, until
from local.story import repeated
from local.story.book import spread
from local.story.stages import DOCUMENTS, INDEX, Cast, waiting, writes

_MORE = {"roles": "1000", "indices": "500", "burst": "200", "elasticsearch": ""}
_AT_ONCE, _TRIES = 100, 5  # roles that one apply adds, and how often it is asked for


def run(given: argparse.Namespace, tell: Tell) -> Report:
    if given.elasticsearch:
        return on_elasticsearch(given, tell)
    report = Report()
    # Deployed with the option on, as it takes rights and a boundary; switched on for the last figure alone.
    opted = embedded.denying_older_sessions(HOME / "deployments")
    parts = replace(embedded.parts_from_environment(), home=HOME / "run", deployments=opted)
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        demo = (embedded.PROJECT / "deployments" / "demo.yaml").read_text(encoding="utf-8")
        apply(cast, demo)
        cast.application.ask("PUT", f"/{INDEX}/_doc/0?refresh=true", DOCUMENTS[0])
        user = people.cognito_user("tess.moran.support")
        people.join(user, "dashboards")  # without any group they are given no role at sign-in
        cognito = repeated.grants(
            lambda: people.join(user, "support"),
            lambda: people.leave(user, "support"),
            people.at_dashboards(user),
            INDEX,
            given.n,
        )
        tell(f"{given.n} grants and removals at the Dashboards door")
        omar, iam = people.iam_user("omar.haddad.support"), whole.aws.client("iam")
        group = {"GroupName": "catalyst-support", "UserName": omar.name}
        by_iam = repeated.grants(
            lambda: iam.add_user_to_group(**group),
            lambda: iam.remove_user_from_group(**group),
            omar,
            INDEX,
            given.n,
        )
        tell(f"{given.n} grants and removals by an IAM group")
        roles = int(given.roles)
        for so_far in range(_AT_ONCE, roles + _AT_ONCE, _AT_ONCE):  # all of them in one write may take longer than 30 s
            apply(cast, among(demo, min(so_far, roles)))
        tell(f"{roles} roles and {roles} mappings more")
        many = repeated.grants(
            lambda: people.join(user, "support"),
            lambda: people.leave(user, "support"),
            people.at_dashboards(user),
            INDEX,
            given.n,
        )
        tell(f"{given.n} grants and removals among them")
        apply(cast, (opted / "demo.yaml").read_text(encoding="utf-8"))
        denied = held(whole, people, given.n)
    report.figures |= {
        "grant_s": spread(cognito.there),
        "revoke_s": spread(cognito.back),
        "iam_grant_s": spread(by_iam.there),
        "iam_revoke_s": spread(by_iam.back),
        "held_revoke_s": spread(denied),
        "many_grant_s": spread(many.there),
        "many_revoke_s": spread(many.back),
        "many_roles": roles,
        "opensearch": parts.version,
    }
    for name, what in (("grant_s", "Cognito group: grant"), ("revoke_s", "Cognito group: removal")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], 1.5)
        report.row(f"{what}, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    for name, what in (("iam_grant_s", "IAM group: grant"), ("iam_revoke_s", "IAM group: removal")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], 1.5)
        report.row(f"{what}, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    for name, what in (("many_grant_s", "grant"), ("many_revoke_s", "removal")):
        report.below(f"{what} among {roles} roles, median of {given.n}", report.figures[name]["median"], 1.0)
        report.row(f"{what} among {roles} roles, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    report.row(
        f"credentials held on leaving a role's group, median of {given.n}",
        f"{report.figures['held_revoke_s']['median']:.2f} s",
    )
    report.row("credentials held on leaving, 95th percentile", f"{report.figures['held_revoke_s']['p95']:.2f} s")
    return report


def on_elasticsearch(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    names = [f"team_{uuid4().hex[:12]}" for _ in range(int(given.roles))]
    with embedded.only_one(), lock.cluster(given, names, tell) as large:
        cast, people = large.cast, large.cast.people
        cast.application.ask("PUT", f"/{INDEX}/_doc/0?refresh=true", DOCUMENTS[0])
        user = people.cognito_user("tess.moran.support")
        changes = repeated.grants(
            lambda: people.join(user, "support"),
            lambda: people.leave(user, "support"),
            people.at_dashboards(user),
            INDEX,
            given.n,
        )
        tell(f"{given.n} grants and removals")
        users = [people.cognito_user(f"burst{number:04d}.crowd.support") for number in range(int(given.burst))]
        tell(f"{len(users)} users made")
        bursts = {
            what: repeated.burst(
                people,
                users,
                mappings=cast.mappings,
                waiting=lambda: waiting(cast),
                writes=lambda: writes(cast),
                within=600,
                leaving=what == "leave",
                entry=cast.entry,
            )
            for what in ("join", "leave")
        }
    report.figures |= {"grant_s": spread(changes.there), "revoke_s": spread(changes.back), **large.figures, **bursts}
    for name, what in (("grant_s", "grant"), ("revoke_s", "removal")):
        report.below(f"{what} among {len(names)} roles, median of {given.n}", report.figures[name]["median"], 0.5)
        report.row(f"{what}, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    for what, seen in bursts.items():
        report.below(f"{seen['changes']} {what}: until the last took effect", seen["seconds"], 30)
        report.row(f"{seen['changes']} {what}: writes", str(seen["writes"]))
        report.row(f"{seen['changes']} {what}: changes lost", str(seen["lost"]), "0", seen["lost"] == 0)
    return report


def among(text: str, many: int) -> str:
    """A deployment file with so many roles more, each granted to a backend role."""
    roles = "".join(f"    further_{number:04d}: {json.dumps(role(number))}\n" for number in range(many))
    grants = "".join(
        f"    - {{role: further_{number:04d}, to: {{backend_role: people-{number:04d}}}}}\n" for number in range(many)
    )
    before, _, after = text.partition("  roles:\n")
    between, _, rest = after.partition("  grants:\n")
    return f"{before}  roles:\n{roles}{between}  grants:\n{grants}{rest}"


def apply(cast: Cast, text: str) -> None:
    """As a person applies a deployment file: again, where a slow machine's engine did not answer in time. What was begun goes on."""
    lambdas = cast.embedded.aws.client("lambda", config=Config(read_timeout=900))
    request = {
        "verb": "apply",
        "actor": "a benchmark",
        "deployment": cast.embedded.deployment,
        "arguments": {"text": text},
    }
    function = cast.embedded.output("OperateFunction")
    for _ in range(_TRIES):
        answer = lambdas.invoke(FunctionName=function, Qualifier="act", Payload=json.dumps(request))
        told = json.loads(answer["Payload"].read())
        if not answer.get("FunctionError") and not told.get("exit_status"):
            return
    raise RuntimeError(f"apply: {told}")


def held(whole: embedded.Embedded, people: People, rounds: int) -> list[float]:
    """Somebody leaves the group `analysts`, whose role is granted, and goes on with the credentials that they hold."""
    ledger = DynamoLedger(whole.aws.client("dynamodb"), whole.output("LedgerTable"))
    user = people.cognito_user("anna.koch")

    def seen() -> bool:
        kept = ledger.saved(whole.deployment, "role-members") or {"members": {}}
        return any(entry.endswith(f"/{user}") for entry in kept["members"].get("analysts", ()))

    def join() -> None:
        people.join(user, "analysts")
        until(seen, what="it is seen that they joined")

    return repeated.held(
        join,
        lambda: people.leave(user, "analysts"),
        lambda: people.with_token(user, people.token(user)),
        INDEX,
        rounds,
    )


if __name__ == "__main__":
    sys.exit(main("latency", __doc__, run, n=20, n_is="grants and removals at each door", more=_MORE))
