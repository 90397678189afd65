"""`portcullis delete`, `shred`, `re-key`, `restorability`: what is done once with what a key protects."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, run
from portcullis.cli.console import console, when
from portcullis.words import many


@click.command(short_help="Delete a deployment, and say what remains.")
@click.argument("deployment", shell_complete=deployments_here)
@click.option("--confirm", default="", metavar="NAME", help="The name of the deployment once more.")
@click.option("--no-final-snapshot", "without", is_flag=True, help="Take no last snapshot, or wait for it no longer.")
@click.option(
    "--cancel", is_flag=True, help="Call a deletion off, until the domain itself is being deleted. It stays locked."
)
@account_options
def delete(deployment: str, confirm: str, without: bool, cancel: bool) -> int:
    """Delete a deployment: locked first, asked for by its name, after a last snapshot into its own repository, seen to be gone.

    Called again it goes on where it was. Keys, snapshots and logs remain; it says where.

    \b
    Examples:
      portcullis delete demo --confirm demo
      portcullis delete demo --confirm demo --no-final-snapshot
      portcullis delete demo --cancel

    Exit status: 0 deleted (or called off), 1 refused or not finished yet.
    """
    found = run("delete", deployment, confirm=confirm, snapshot=not without, cancel=cancel)
    if console().as_data:
        console().data(found)
    else:
        console().text(f"{found['deployment']}: {found['state']}", bold=True)
        for step, how in found["steps"].items():
            console().text(f"  {step:<16} {how}")
        _lines("remains", found["remains"])
        console().text(f"next: {found['next']}")
    return int(found["exit_status"])


@click.command(short_help="Say what destroying a key destroys; with --yes, schedule it.")
@click.argument("deployment", shell_complete=deployments_here)
@click.option("--confirm", default="", metavar="KEY-ID", help="The id of the key.")
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(7, 30), help="How long KMS waits before it deletes it."
)
@click.option("--yes", is_flag=True, help="Schedule it. Without this nothing is done.")
@account_options
def shred(deployment: str, confirm: str, days: int, yes: bool) -> None:
    """Say what destroying a deployment's key destroys and what it does not; with --yes, schedule the key's deletion.

    Only of a deployment that is locked (all of them under the same key). Until the day it can be called off, afterwards by nobody.

    \b
    Examples:
      portcullis shred demo
      portcullis shred demo --confirm 1234abcd-12ab-34cd-56ef-1234567890ab --days 7 --yes
    """
    found = run("shred", deployment, confirm=confirm, days=days, yes=True) if yes else run("shred-plan", deployment)
    if console().as_data:
        console().data(found)
        return
    _lines("destroys", found["destroys"], "red")
    _lines("keeps", found["keeps"])
    _lines("in the way", found["obstacles"], "yellow")
    due = f", will be deleted on {when(found['due'])}" if found["due"] else ""
    console().text(f"{found['key']}: {found['state']}{due}", bold=True)
    if not yes:
        console().text("this is the plan: nothing was scheduled")
    console().text(f"next: {found['next']}")


@click.command("re-key", short_help="Move a deployment to one under another key, every document checked.")
@click.argument("deployment", shell_complete=deployments_here)
@click.option("--to", default="", metavar="NEW-DEPLOYMENT", help="The deployment with the new key, deployed already.")
@click.option("--state", "only_state", is_flag=True, help="Only say how far it is.")
@click.option("--cancel", is_flag=True, help="Call it off: possible until clients were told the new endpoint.")
@account_options
def re_key(deployment: str, to: str, only_state: bool, cancel: bool) -> int:
    """Move a deployment to another one under another key: a domain keeps the key it was made with.

    The old one takes no writes from the beginning on. Every document is compared; then clients are told the new endpoint (the parameter
    /portcullis/DEPLOYMENT/endpoint) and the old one is locked. `portcullis delete` deletes it. Called again it goes on where it was.

    \b
    Examples:
      portcullis re-key demo --to demo-2
      portcullis re-key demo --state
      portcullis re-key demo --cancel

    Exit status: 0 done (or called off, or said how far it is), 1 refused or not finished yet.
    """
    found = run("re-key-state", deployment) if only_state else run("re-key", deployment, to=to, cancel=cancel)
    if console().as_data:
        console().data(found)
    else:
        console().text(f"{found['deployment']} -> {found['to']}: {found['step']}", bold=True)
        console().text(f"done: {', '.join(found['done']) or 'nothing yet'}")
        for index, checksum in found["checksums"].items():
            console().text(f"  {index:<40} {many(int(checksum.split(':')[0]), 'document')}, the same in both")
        console().text(f"next: {found['next']}")
    return int(found["exit_status"])


@click.command(short_help="Show that the snapshots can be restored.")
@click.argument("deployment", shell_complete=deployments_here)
@click.option("--state", "only_state", is_flag=True, help="Only say how the last check ended.")
@account_options
def restorability(deployment: str, only_state: bool) -> int:
    """Restore the sample of a deployment from its latest snapshot under another name, compare every document, take it away again.

    \b
    Examples:
      portcullis restorability demo
      portcullis restorability demo --state

    Exit status: 0 it holds (or is still being restored), 1 refused or it fails.
    """
    found = run("restorability-state" if only_state else "restorability", deployment)
    if console().as_data:
        console().data(found)
    else:
        colour = {"holds": "green", "fails": "red"}.get(found["state"])
        console().text(f"{found['deployment']}: {found['state']}", fg=colour, bold=True)
        if found["detail"]:
            console().text(f"{found['index']} from {found['snapshot']}: {found['detail']}")
    return int(found["exit_status"])


def _lines(title: str, lines: Any, colour: str | None = None) -> None:
    for place, line in enumerate(lines):
        console().text(f"{title if place == 0 else '':<12} {line}", fg=colour)
