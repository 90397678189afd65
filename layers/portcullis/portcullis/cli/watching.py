"""`portcullis eyes`, `roads`, `accept`: whether Portcullis still sees, and who else may be let in."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, run, target
from portcullis.cli.account_look import lines
from portcullis.cli.console import console, when


def show_eyes(found: Any) -> None:
    if not found["watched"]:
        console().text("nobody said what has to be seen by: deploy portcullis-observability", fg="red")
    for name, shut in found["shut"].items():
        if not shut:
            console().text(f"{name}: sees everything", fg="green")
        lines(
            f"{name}: not seen",
            [f"since {when(one['since'])}: {label} {one['why']}" for label, one in shut.items()],
            fg="red",
        )


@click.command(short_help="Show who else may be let in: what differs from what was accepted.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE|account]", required=False, shell_complete=deployments_here)
@account_options
def roads(target_: str | None) -> int:
    """Look now at what leads to whoever is mapped: who may assume the roles, the pools' triggers and identity providers, linked users, the
    master's secret, and the domain itself; and show what differs from what was deployed, found first, or accepted.

    \b
    Examples:
      portcullis roads demo
      portcullis roads account

    Exit status: 0 nothing differs, 3 something does, or may not be looked at.
    """
    name = target(target_).deployment
    found = run("roads", name)
    if console().as_data:
        console().data(found)
    elif found["opened"] or found["unseen"]:
        for watch, one in found["opened"].items():
            lines(f"{watch} since {when(one['since'])}", one["words"], fg="red")
        lines(
            "not seen",
            [f"since {when(one['since'])}: {watch} {one['why']}" for watch, one in found["unseen"].items()],
            fg="red",
        )
    else:
        console().text(f"{name}: as deployed or accepted", fg="green")
    return int(found["exit_status"])


@click.command(short_help="Say that what opens another road was meant.")
@click.argument("target_", metavar="DEPLOYMENT|account", shell_complete=deployments_here)
@click.argument("watch", metavar="WATCH")
@click.option("--reason", default="", help="Why. It stands in the history.")
@account_options
def accept(target_: str, watch: str, reason: str) -> None:
    """Say that a difference which `portcullis roads` shows was meant: it is what is compared with from now on.

    Refused if it changed again since it was told. It gives nobody anything, and takes nothing away.

    \b
    Examples:
      portcullis accept demo role/catalyst-application --reason "the build account may assume it now, ticket 4711"
    """
    more = {"reason": reason} if reason else {}
    found = run("accept", target(target_).deployment, watch=watch, **more)
    if console().as_data:
        console().data(found)
        return
    console().text(f"{found['deployment']}: {found['done']}")
