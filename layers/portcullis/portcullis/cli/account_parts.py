"""`portcullis master`, `snapshot`, `integration`: who administers, what is kept, who else writes."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import Target, account_options, deployments_here, run, target, written_back
from portcullis.cli.account_change import show_outcome
from portcullis.cli.console import console, output_options, when
from portcullis.words import many

# ---------------------------------------------------------------------- masters


@click.group(short_help="Add, move and list the masters of a domain.")
@output_options
def master() -> None:
    """Add, move and list the masters of a domain: who administers it.

    \b
    Examples:
      portcullis master list demo
      portcullis master add deployments/demo.yaml arn:aws:iam::111122223333:role/second-master
      portcullis master move demo arn:aws:iam::111122223333:role/new-master
    """


@master.command("list", short_help="List who administers the domain, and why.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@account_options
def master_list(target_: str | None) -> None:
    """List who administers the domain, through what, and because of what.

    \b
    Examples:
      portcullis master list demo
    """
    found = run("master-list", target(target_).deployment)
    if console().as_data:
        console().data(found)
        return
    for one in found:
        console().text(f"{one['role']:<18} {one['through']:<28} {one['who']}", bold=not one["because"])
        console().text(f"{'':<18} {one['because'] or 'nothing in the model asks for it: made by hand'}", dim=True)


@master.command("add", short_help="One more master, beside those there are.")
@click.argument("target_", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("principal")
@account_options
def master_add(target_: str, principal: str) -> None:
    """One more master: merged into all_access and security_manager, so that nobody there is replaced.

    PRINCIPAL is the ARN of an IAM role or user, or KIND:NAME as in a grant (cognito_user:anna, internal_user:second-master). It becomes
    a grant of the model; a FILE gets it too, otherwise put it there, or the next deployment takes it back.

    \b
    Examples:
      portcullis master add deployments/demo.yaml arn:aws:iam::111122223333:role/second-master
      portcullis master add demo cognito_user:anna.smith.admin
    """
    about = target(target_)
    _edited(about, run("master-add", about.deployment, principal=principal, **about.arguments()))


@master.command("move", short_help="Make another IAM role the master of the domain.")
@click.argument("target_", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("principal", metavar="ROLE-ARN")
@account_options
def master_move(target_: str, principal: str) -> None:
    """Make another IAM role the master that AWS has configured for the domain. The old one leaves the mappings at the end.

    \b
    Examples:
      portcullis master move demo arn:aws:iam::111122223333:role/new-master
    """
    show_outcome(run("master-move", target(target_).deployment, principal=principal))


# ---------------------------------------------------------------------- snapshots


@click.group(short_help="Set up, take, restore and list manual snapshots.")
@output_options
def snapshot() -> None:
    """Set up, take, restore and list manual snapshots in the deployment's own bucket.

    \b
    Examples:
      portcullis snapshot setup demo
      portcullis snapshot take demo
      portcullis snapshot list demo
      portcullis snapshot restore demo portcullis-20251122-072811 --indices "orders-*"
    """


@snapshot.command("setup", short_help="Register the bucket as a repository of snapshots.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@account_options
def snapshot_setup(target_: str | None) -> None:
    """Map the snapshot role to manage_snapshots, and register the bucket as a repository, signed as that role.

    \b
    Examples:
      portcullis snapshot setup demo
    """
    _facts(run("snapshot-setup", target(target_).deployment))


@snapshot.command("take", short_help="Start a snapshot.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@click.option("--name", default="", help="Default: portcullis-DATE-TIME.")
@click.option("--indices", default="*", show_default=True, help="Names and patterns, comma-separated.")
@account_options
def snapshot_take(target_: str | None, name: str, indices: str) -> None:
    """Start a snapshot of the indices; the engine's own are never in it.

    \b
    Examples:
      portcullis snapshot take demo --name before-the-upgrade
      portcullis snapshot take demo --indices "orders-*,customers"
    """
    _facts(run("snapshot-take", target(target_).deployment, name=name, indices=indices))


@snapshot.command("restore", short_help="Start bringing indices of a snapshot back.")
@click.argument("target_", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("name", metavar="SNAPSHOT")
@click.option("--indices", default="*", show_default=True, help="Names and patterns, comma-separated.")
@click.option("--prefix", default="restored-", show_default=True, help='What stands before each name; "" for nothing.')
@account_options
def snapshot_restore(target_: str, name: str, indices: str, prefix: str) -> None:
    """Start bringing indices of a snapshot back, each under a new name: nothing is overwritten.

    \b
    Examples:
      portcullis snapshot restore demo before-the-upgrade --indices "orders-*"
    """
    _facts(run("snapshot-restore", target(target_).deployment, name=name, indices=indices, prefix=prefix))


@snapshot.command("list", short_help="List the snapshots there are.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@account_options
def snapshot_list(target_: str | None) -> None:
    """List the snapshots there are, the oldest first.

    \b
    Examples:
      portcullis snapshot list demo
    """
    found = run("snapshot-list", target(target_).deployment)
    if console().as_data:
        console().data(found)
        return
    for one in found:
        console().text(
            f"{one['snapshot']:<34} {one['state']:<12} {when(one['start'])}  {many(len(one['indices']), 'index', 'indices')}"
        )


# ---------------------------------------------------------------------- integrations


@click.group(short_help="Let another service write to the domain.")
@output_options
def integration() -> None:
    """Let another service write to the domain, with what its guide asks for and nothing else.

    \b
    Examples:
      portcullis integration add demo firehose --role arn:aws:iam::111122223333:role/firehose_delivery_role --index "logs-*"
    """


@integration.command("add", short_help="Let the role of a service in, for some indices.")
@click.argument("target_", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("service", type=click.Choice(["firehose"]))
@click.option("--role", required=True, metavar="ARN", help="IAM role of the service.")
@click.option("--index", required=True, metavar="PATTERN", help="Indices it writes to.")
@account_options
def integration_add(target_: str, service: str, role: str, index: str) -> None:
    """Let the IAM role of a service in for some indices: a role in the model, and a grant of it. A FILE gets both too.

    \b
    Examples:
      portcullis integration add deployments/demo.yaml firehose --role arn:aws:iam::111122223333:role/delivery --index "logs-*"
    """
    about = target(target_)
    found = run("integration-add", about.deployment, service=service, role=role, index=index, **about.arguments())
    _edited(about, found)


def _edited(about: Target, edited: Any) -> None:
    """The outcome of a change to the model, and where its text went."""
    kept = written_back(about, edited["text"])
    if console().as_data:
        console().data(edited)
        return
    for warning in edited["warnings"]:
        console().text(f"warning: {warning}", fg="yellow")
    show_outcome(edited["outcome"])
    if kept:
        console().text(f"{about.file} holds it too")
    else:
        console().text(
            "put it into the deployment file as well (--json prints its text), or name the file instead",
            fg="yellow",
        )


def _facts(found: Any) -> None:
    if console().as_data:
        console().data(found)
        return
    for key, value in found.items():
        console().text(f"{key}: {value}")
