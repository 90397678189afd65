"""One group change: `make bench-latency [N=...]`, 20 grants and removals at each door, on the whole embedded default.

From the return of the call (`AdminAddUserToGroup`, or IAM's `AddUserToGroup`, whose event comes through us-east-1) to the first search
that is permitted; from the return of the removal to the first that is refused.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from benchmarks.common import HOME, Report, Tell, main
from local import embedded
from local.people import People
from local.story import repeated
from local.story.book import spread
from local.story.stages import DOCUMENTS, INDEX, Cast


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    parts = replace(embedded.parts_from_environment(), home=HOME / "run")
    with embedded.only_one(), embedded.running(parts, tell) as whole:
        people = People(whole)
        cast = Cast(whole, people, people.with_role(embedded.APPLICATION_ROLE))
        cast.application.ask("PUT", f"/{INDEX}/_doc/0?refresh=true", DOCUMENTS[0])
        user = people.cognito_user("tess.moran.support")
        people.join(user, "dashboards")  # without any group she is given no role at sign-in
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
    report.figures |= {
        "grant_s": spread(cognito.there),
        "revoke_s": spread(cognito.back),
        "iam_grant_s": spread(by_iam.there),
        "iam_revoke_s": spread(by_iam.back),
        "opensearch": parts.version,
    }
    for name, what in (("grant_s", "Cognito group: grant"), ("revoke_s", "Cognito group: removal")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], 1.5)
        report.row(f"{what}, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    for name, what in (("iam_grant_s", "IAM group: grant"), ("iam_revoke_s", "IAM group: removal")):
        report.below(f"{what}, median of {given.n}", report.figures[name]["median"], 1.5)
        report.row(f"{what}, 95th percentile", f"{report.figures[name]['p95']:.2f} s")
    return report


if __name__ == "__main__":
    sys.exit(main("latency", __doc__, run, n=20, n_is="grants and removals at each door"))
