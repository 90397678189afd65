"""`portcullis remote migrate`: a remote cluster moved from certificates to a key, shown before, and back at any step."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, run, target
from portcullis.cli.console import console
from portcullis.errors import BadInput
from portcullis.words import line, many

_MOST_NAMED = 4


@click.command("migrate", short_help="Move a remote cluster from certificates to a key.")
@click.argument("about", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("alias")
@click.option(
    "--way",
    type=click.Choice(["second-alias", "same-alias"]),
    help="Beside the old alias, or on it. Default: as the file declares it.",
)
@click.option("--to", "to", metavar="ALIAS", help="The second alias, where the file declares several for that cluster.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="Show what would be done, who gains and who loses. Changes nothing."
)
@click.option("--continue", "go_on", is_flag=True, help="Once people have moved over: give up the old road.")
@click.option("--rollback", "back", is_flag=True, help="Undo what was done, until the old road is given up.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@account_options
def remote_migrate(
    about: str, alias: str, way: str | None, to: str | None, only_plan: bool, go_on: bool, back: bool, yes: bool
) -> int:
    """Move ALIAS of DEPLOYMENT from certificates to a key, and stop where a person decides. The file declares what it becomes:

    \b
      a second remote of the same cluster with a key: people move over to it, and
        nobody is refused anything (second-alias);
      the alias itself with a key: one to three seconds are refused (same-alias).

    What would be done, and who gains and who loses by it, is shown first. On a terminal it is asked about; elsewhere it is done with
    --yes, and else only shown. The run stops once the key was seen in use and compared: both roads stand, or the way back is open. Then
    --continue gives up the old road, and says what is left to a person; --rollback undoes everything. Cut off at any step, it goes on when
    it is asked for again, with the same or with --rollback.

    \b
    Examples:
      portcullis remote migrate orders dc2 --plan
      portcullis remote migrate orders dc2 --yes
      portcullis remote migrate orders dc2 --continue --yes
      portcullis remote migrate orders dc2 --rollback --yes

    Exit status: 0 done, or with --plan: could be done; 1 refused or failed; 3 it was only shown, or something stops it.
    """
    if sum((only_plan, go_on, back)) > 1:
        raise BadInput(
            "one at a time", source="command", place="--plan, --continue, --rollback", remedy="leave two out"
        )
    deployment = target(about).deployment
    asked = {"alias": alias, **({"way": way} if way else {}), **({"to": to} if to else {})}
    found = None
    if not back:
        found = run("remote-migration", deployment, **asked)
    if only_plan or (found and found["exit_status"]):
        return _planned(found)
    asks = sys.stdin.isatty() and not (yes or console().as_data)
    if found and not console().as_data:
        show_plan(found)
    if asks:
        click.confirm(_question(alias, go_on=go_on, back=back), abort=True, err=True)
    elif not yes:
        if console().as_data:
            console().data(found or {"alias": alias})
        else:
            console().text("nothing was done: --yes does it", fg="yellow")
        return 3
    done = run("remote-migrate", deployment, **asked, go_on=go_on, back=back)
    if console().as_data:
        console().data(done)
    else:
        show_done(done)
    return 0


def _planned(found: Any) -> int:
    if console().as_data:
        console().data(found)
    else:
        show_plan(found)
    return int(found["exit_status"])


def _question(alias: str, *, go_on: bool, back: bool) -> str:
    if back:
        return f"undo the move of {alias}?"
    return f"give up the old road of {alias}? there is no way back" if go_on else f"move {alias}?"


def show_plan(found: Any) -> None:
    """The plan, who gains and who loses, and what stands in its way."""
    of = f" of {found['other']}" if found["other"] else ""
    if found["to"] and found["steps"]:
        where = f"to {found['to']}, beside it" if found["way"] == "second-alias" else "under the same name"
        console().text(f"{found['alias']} of {found['deployment']}: from certificates to a key{of}, {where}", bold=True)
    following = True
    for step in found["steps"]:
        mark = "done" if step["done"] else "next" if following and found["stage"] else "    "
        following = following and step["done"]
        back = "" if step["back"] else "; no way back from here"
        checks = f" (checked: {'; '.join(step['checks'])})" if step["checks"] else ""
        console().prose(f"  {mark} {step['stage']:<8} {line(step['says'], 400)}{checks}{back}", " " * 16)
    if found["waits"]:
        console().prose("  it waits: --continue gives up the old road, --rollback undoes the move", "  ", fg="yellow")
    for one in _together(found["moved"]):
        console().prose(f"  {one}", "    ", fg="yellow")
    if found["steps"]:
        console().text(f"  {many(found['kept'], 'reading')} of people unchanged")
    for one in found["notes"]:
        console().prose(f"  to be known: {line(one, 1000)}", "    ")
    for one in found["stops"]:
        console().prose(f"  stops it: {line(one, 1000)}", "    ", fg="red")
    if found["write"]:
        _show_lines(found["write"])


def _together(moved: Iterable[Any]) -> list[str]:
    """One line for people to whom the same happens with several indices."""
    lines: dict[tuple[str, str, str, str, bool], list[str]] = {}
    for one in moved:
        who = ", ".join(one["who"][:_MOST_NAMED])
        more = len(one["who"]) - _MOST_NAMED
        who += f" and {many(more, 'other')}" if more > 0 else ""
        lines.setdefault((one["effect"], who, one["before"], one["after"], one["undeclared"]), []).append(one["index"])
    found = []
    for (effect, who, before, after, undeclared), indices in lines.items():
        named = ", ".join(indices[:_MOST_NAMED])
        rest = f" and {many(len(indices) - _MOST_NAMED, 'other')}" if len(indices) > _MOST_NAMED else ""
        said = ", which no file gives them" if undeclared else ""
        found.append(line(f"{who} {effect}: {named}{rest} ({before}, then {after}){said}", 600))
    return found


def _show_lines(write: Any) -> None:
    """What the files lack. JSON is YAML too."""
    if not write["remote"]:
        console().prose(
            f"  to be declared in the file of {write['reader']}: a remote with a key, and remote_indices of roles (docs/remotes.md)",
            "    ",
        )
        return
    console().text(f"the file of {write['giver']} lacks, so that people read what they read now:", bold=True)
    console().text(f"  offers: {json.dumps(write['offer'])}")
    console().text(f"the file of {write['reader']} lacks:", bold=True)
    console().text(f"  remotes: {json.dumps(write['remote'])}")
    for role, entries in sorted(write["roles"].items()):
        console().text(f"  access.roles.{role}: {json.dumps({'remote_indices': entries})}")


_STATES = {
    "beside": "both stand: {alias} by certificate, {to} with the key {key}; once people have moved over: --continue",
    "switched": "{alias} is read with the key {key}; the way back is open: --rollback, or --continue gives it up",
    "moved": "{to} is read with the key {key}, and nothing by certificate any more",
    "rolled-back": "undone: {alias} is read by certificate, as before",
}


def show_done(found: Any) -> None:
    """What was done, how it stands now, and what is left to a person."""
    for one in found["done"]:
        console().prose(f"  {line(one, 400)}", "    ")
    for one in found["tried"]:
        console().prose(f"  tried: {line(one, 400)}", "    ")
    console().prose(_STATES[found["state"]].format(**found), "  ", fg="green")
    if found["left"]:
        console().text("left to a person:", bold=True)
    for number, one in enumerate(found["left"], 1):
        console().prose(f"  {number}. {line(one['what'], 400)}: {line(one['how'], 400)}", "     ")
