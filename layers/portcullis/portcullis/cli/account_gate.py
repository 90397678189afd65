"""`portcullis break-glass`, and how the gate is shown: after `guard`, `lock` and `unlock`, too."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, run, target
from portcullis.cli.console import console, when
from portcullis.words import not_told_yet


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
    if console().as_data:
        console().data(found)
    else:
        show_custody(found)


def show_custody(custody: Any) -> None:
    """Where the gate stands."""
    show_gate(custody)
    if untold := [one["name"] for one in custody.get("outbox") or ()]:
        console().prose(not_told_yet(custody["deployment"], untold), fg="yellow")
    for measure, record in custody["measures"].items():
        detail = f" ({record['detail']})" if record.get("detail") else ""
        console().prose(f"  {measure:<18} {record['progress']}{detail}", " " * 21)


def show_gate(custody: Any) -> None:
    """In the first line the state, since when, the cause and who; then what else holds it there or lets somebody in."""
    shut = custody["state"] != "open"
    hold, revoked = custody.get("hold"), custody.get("revoked_since")
    began = custody.get("since") or (revoked or (hold or {}).get("at") if shut else "")
    since = f" since {when(began)}" if began else ""
    by = f" by {custody['by']}" if custody.get("by") else ""
    why = f", key {custody['health']}"
    if revoked:
        why = f": key revoked{by}, {custody.get('cause') or 'cause unknown'}"
    elif hold:
        why = f": locked manually by {hold['by']}, {hold['reason']}; key {custody['health']}"
    head = f"{custody['deployment']}: {custody['state']}{since}{why}"
    console().prose(head, fg="red" if shut or revoked else "green", bold=True)
    if revoked and hold:
        console().prose(f"key revoked since {when(revoked)}", fg="red")
        console().prose(f"locked manually by {hold['by']} since {when(hold['at'])}: {hold['reason']}")
    if since := custody.get("unreachable_since"):
        said = f"the key cannot be reached since {when(since)}: nothing is locked or opened for that"
        console().prose(said, fg="yellow")
    if glass := custody.get("break_glass"):
        may = " (it may write)" if glass.get("write") else ""
        text = f"break-glass is open until {when(glass['until'])}, for {glass['by']}: {glass['reason']}{may}"
        console().prose(text, fg="yellow")
