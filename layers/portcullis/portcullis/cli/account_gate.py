"""`portcullis break-glass`, and how the gate is shown: after `guard`, `lock` and `unlock`, too."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, run, target
from portcullis.cli.console import console


@click.command("break-glass", short_help="Let the break-glass principal at the data for a while.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@click.option("--reason", required=True, help="Why. It stands in the history and in the alert.")
@click.option("--minutes", type=click.IntRange(1, 240), help="How long. Default: the most that the file allows.")
@click.option("--write", is_flag=True, help="It may write documents too. Default: it only reads.")
@account_options
def break_glass(target_: str | None, reason: str, minutes: int | None, write: bool) -> None:
    """While locked, let the break-glass principal read (and write, if so asked) for a while. Everybody who is told of locks is told.

    It is mapped to nothing before and after. It never changes settings, makes or deletes an index.

    How long it may last stands in the deployment file (break_glass: {minutes}, 60 unless it says otherwise).

    \b
    Examples:
      portcullis break-glass demo --reason "the regulator asks for order 4711" --minutes 15
    """
    found = run("break-glass", target(target_).deployment, reason=reason, minutes=minutes, write=write)
    if console().json:
        console().line(found)
    else:
        show_custody(found)


def show_custody(custody: Any) -> None:
    """Where the gate stands."""
    colour = "green" if custody["state"] == "open" else "red"
    console().text(f"{custody['deployment']}: {custody['state']}, key {custody['health']}", fg=colour, bold=True)
    show_why(custody)
    for measure, record in custody["measures"].items():
        detail = f" ({record['detail']})" if record.get("detail") else ""
        console().text(f"  {measure:<18} {record['progress']}{detail}")


def show_why(custody: Any) -> None:
    """Why the gate stands there: the revocation, a person's lock, an open window."""
    if since := custody.get("revoked_since"):
        by = f", by {custody['by']}" if custody.get("by") else ""
        console().text(f"revoked since {since}: {custody.get('cause') or 'cause unknown'}{by}", fg="red")
    if since := custody.get("unreachable_since"):
        console().text(f"the key cannot be reached since {since}: nothing is locked or opened for that", fg="yellow")
    if hold := custody.get("hold"):
        console().text(f"locked manually by {hold['by']} since {hold['at']}: {hold['reason']}")
    if glass := custody.get("break_glass"):
        may = " (it may write)" if glass.get("write") else ""
        text = f"break-glass is open until {glass['until']}, for {glass['by']}: {glass['reason']}{may}"
        console().text(text, fg="yellow")
