"""Which stacks there are, and in which order they need one another.

network <- key, identity (one of each a deployment) <- automation <- domain (or cluster, of one that runs elsewhere) <- access (one of
each a deployment), observability, runbooks. The automation comes after the keys and pools, so that its roles name them one by one; nothing
that comes before names a role of the automation but in a condition, so nothing goes round in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from aws_cdk import App, Environment, Stack, Tags
from portcullis import model

from stacks import names, registrations
from stacks.access import Access
from stacks.automation import Automation
from stacks.cluster import Beside
from stacks.deployments import Declared
from stacks.domain import Domain
from stacks.key import Key, Replica, given
from stacks.listening.relay import IAM_REGION, Relay
from stacks.network import Network, check_zones
from stacks.observability import Observability
from stacks.people.cluster_people import ClusterPeople
from stacks.people.identity import Identity
from stacks.runbooks import Runbooks

_S = TypeVar("_S", bound=Stack)


def compose(
    deployments: Sequence[Declared],
    *,
    network: model.Network,
    reads_policies: bool,
    pages: model.ReportPages | None = None,
    account: str,
    region: str,
    own_trail: bool,
    reserve: bool,
    context: Mapping[str, object],
    out: Path | None,
) -> Path:
    """Synthesise the app for these deployments and return the folder of the cloud assembly."""
    check_zones(deployments, network)
    app = App(context=dict(context), outdir=str(out) if out else None, analytics_reporting=False)
    home = Environment(account=account, region=region)

    def tagged(stack: _S, deployment: str = "") -> _S:
        Tags.of(stack).add("application", names.PREFIX)
        if deployment:
            Tags.of(stack).add("portcullis:deployment", deployment)
        return stack

    readers = {one.name: [other.name for other in deployments if other.reads == one.name] for one in deployments}
    shared = tagged(Network(app, f"{names.PREFIX}-network", deployments, wanted=network, env=home))
    keys = [
        given(one)
        if one.key_arn
        else tagged(Key(app, names.of(one.name, "key"), one, readers=readers[one.name], env=home), one.name).facts
        for one in deployments
    ]
    identities = [
        tagged(Identity(app, names.of(one.name, "identity"), one, env=home), one.name)
        for one in deployments
        if not one.cluster
    ]
    beside = [
        tagged(ClusterPeople(app, names.of(one.name, "identity"), one, env=home), one.name)
        for one in deployments
        if one.cluster
    ]
    for one in deployments:
        for other in one.replica_regions:
            away = Environment(account=account, region=other)
            replica = names.of(one.name, f"key-{other}")
            tagged(Replica(app, replica, one, readers=readers[one.name], env=away), one.name)
    automation = tagged(
        Automation(
            app,
            f"{names.PREFIX}-automation",
            network=shared,
            keys=keys,
            identities=identities,
            beside=beside,
            reserve=reserve,
            reads_policies=reads_policies,
            pages=pages,
            env=home,
        )
    )
    domains: dict[str, Domain] = {}
    key_of = {key.one.name: key for key in keys}
    for identity in identities:
        name, key = identity.one.name, key_of[identity.one.name]
        domains[name] = tagged(
            Domain(
                app,
                names.of(name, "domain"),
                network=shared,
                key=key,
                identity=identity,
                automation=automation,
                reads=domains[key.one.reads] if key.one.reads else None,
                env=home,
            ),
            name,
        )
    for name, domain in domains.items():
        tagged(
            Access(
                app,
                names.of(name, "access"),
                one=domain.one,
                registration=registrations.of_domain(domain, shared, automation),
                eyes=domain.eyes,
                automation=automation,
                env=home,
            ),
            name,
        )
    for people in beside:
        name = people.one.name
        stands = tagged(
            Beside(app, names.of(name, "cluster"), key=key_of[name], people=people, automation=automation, env=home),
            name,
        )
        tagged(
            Access(
                app,
                names.of(name, "access"),
                one=people.one,
                registration=registrations.of_cluster(stands),
                eyes=stands.eyes,
                automation=automation,
                env=home,
            ),
            name,
        )
    relay: Relay | None = None
    if region != IAM_REGION:
        iam_home = Environment(account=account, region=IAM_REGION)
        relay = tagged(Relay(app, f"{names.PREFIX}-relay", home=region, deployments=deployments, env=iam_home))
    tagged(
        Observability(
            app,
            f"{names.PREFIX}-observability",
            automation=automation,
            deployments=deployments,
            trail=own_trail,
            relay=relay,
            env=home,
        )
    )
    tagged(Runbooks(app, f"{names.PREFIX}-runbooks", automation=automation, env=home))
    return Path(app.synth().directory)
