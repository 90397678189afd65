"""`portcullis apply`, `adopt`, `rollback`, `synchronise`, `sweep`, `redrive`: access, changed by the one road."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, only_some, run, target
from portcullis.cli.account_look import lines, show_plan
from portcullis.cli.console import console, when
from portcullis.cli.files import write_over
from portcullis.entry.verbs.types import exit_status_of
from portcullis.errors import Refused
from portcullis.words import line as one_line
from portcullis.words import many


@click.command(short_help="Bring the engine to what a deployment file asks for.")
@click.argument("target_", metavar="[FILE|PLAN|DEPLOYMENT]", required=False, shell_complete=deployments_here)
@click.option("--adopt", is_flag=True, help="Claim what is there already as asked for, and replace what differs.")
@click.option(
    "--accept-new",
    metavar="NAME",
    multiple=True,
    help="A grant means whoever has this name now, though the name was made again. May be given several times.",
)
@only_some
@click.option("--yes", is_flag=True, help="Do not show the plan and ask first.")
@account_options
def apply(target_: str | None, adopt: bool, accept_new: tuple[str, ...], only: tuple[str, ...], yes: bool) -> int:
    """Bring the engine to what a deployment file asks for, or to what the model in force asks for.

    On a terminal the plan is shown and asked about first, and is done only while it still is the plan. With --only, what the file says of
    these names is put into the model in force, grants included, and the rest of the file waits for another apply.

    Refused if anybody would be locked out who must not be, while the deployment is locked, and for a saved PLAN if the engine moved
    since. Cut off anywhere, it is finished by applying again.

    An IAM user or role, or a Cognito user, that was deleted and made again is somebody else under the same name, and is let in only
    with --accept-new. `portcullis status` names who waits for that.

    \b
    Examples:
      portcullis apply deployments/demo.yaml
      portcullis plan deployments/demo.yaml --out demo.plan && portcullis apply demo.plan
      portcullis apply demo
      portcullis apply deployments/demo.yaml --only analysts --yes
      portcullis apply demo --accept-new anna
    """
    about = target(target_)
    asked = {**about.arguments(), "adopt": adopt or about.adopt}
    if names := only or about.only:
        asked["only"] = list(names)
    more: dict[str, Any] = {"expected": about.expected} if about.expected else {}
    if accept_new:
        more["accept_new"] = list(accept_new)
    if sys.stdin.isatty() and not (yes or about.expected or console().as_data):
        more |= _agreed(about.deployment, asked, accept_new)
    return show_outcome(run("apply", about.deployment, **asked, **more))


def _agreed(deployment: str, asked: dict[str, Any], accept_new: tuple[str, ...]) -> dict[str, Any]:
    """The plan, shown and asked about: by which the apply knows that nothing moved since. Nothing is asked where nothing would be done."""
    found = run("plan", deployment, **asked)
    if found["locked"] or not (found["steps"] or accept_new):
        return {}
    show_plan(deployment, found)
    for name in accept_new:
        console().prose(
            f"whoever is called {one_line(name)} now is meant by the grants of that name, and let in", fg="yellow"
        )
    click.confirm(f"apply this to {deployment}?", abort=True, err=True)
    return {} if accept_new else {"expected": found["digest"]}


@click.command(short_help="Write the model from what the engine holds.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False), help="Write the deployment file there. Default: stdout."
)
@click.option("--only", metavar="NAME", multiple=True, help="Take nothing else. May be given several times.")
@click.option("--except", "without", metavar="NAME", multiple=True, help="Leave this. May be given several times.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken over, and claim nothing.")
@click.option("--yes", is_flag=True, help="Claim it without asking.")
@account_options
def adopt(
    target_: str | None, out: str | None, only: tuple[str, ...], without: tuple[str, ...], dry_run: bool, yes: bool
) -> int:
    """Write the model from what the engine holds, so that a running cluster is taken over without a change.

    The roles, users, mappings, action groups and tenants that nobody claims yet are put into the deployment file (the one in force, or
    FILE; its comments stay), and are claimed. A plan of the file that comes out is empty. What a deployment file cannot hold, or `check`
    calls an error, stays on the engine as it is, and is listed.

    What is to be taken is named first. On a terminal it is asked about; elsewhere it is claimed with --yes, and else only shown. A NAME
    is a line of that list, or the name of a role, user, action group or tenant. Who administers the domain (all_access,
    security_manager, or any right to the security API) is never taken unless --only has the whole line.

    \b
    Examples:
      portcullis adopt demo --dry-run
      portcullis adopt demo --out deployments/demo.yaml
      portcullis adopt deployments/demo.yaml --except editors --yes > taken-over.yaml

    Exit status: 0 taken over, 3 nothing was claimed: it was only shown, or the file still asks for changes.
    """
    about = target(target_)
    asked = {**about.arguments(), "only": list(only), "without": list(without)}
    asks = sys.stdin.isatty() and not (yes or dry_run or console().as_data)
    found = run("adopt", about.deployment, **asked, dry_run=dry_run or not yes)
    if asks and found["taken"] and not found["steps"]:
        _show_taken(found, "to be taken over")
        click.confirm(f"claim {many(len(found['taken']), 'thing')} for {about.deployment}?", abort=True, err=True)
        found = run("adopt", about.deployment, **asked, expected=found["digest"])
    shown_only = not found["claimed"] and bool(found["taken"]) and not found["steps"]
    if out is not None and not (dry_run or shown_only):
        write_over(Path(out), found["text"])
    if console().as_data:
        console().data(found)
        return int(found["exit_status"])
    if out is None:
        click.echo(found["text"], nl=False)
    _show_taken(found, "taken over" if found["claimed"] else "to be taken over")
    for step in found["steps"]:
        click.echo(f"would still change: {step}", err=True)
    if found["claimed"] and found["adopted"]:
        where = "the text" if out is None else out
        click.echo(f"keep {where} as the deployment file: a file without it has all that taken away again", err=True)
    done = "taken over"
    if found["steps"]:
        done = "found; nothing is claimed until the file asks for no change"
    elif not found["claimed"] and found["taken"]:
        done = "found; nothing is claimed and no file written: --yes does both"
    click.echo(f"{about.deployment}: {many(found['adopted'], 'thing')} {done}", err=True)
    return int(found["exit_status"])


def _show_taken(found: Any, words: str) -> None:
    for line in found["taken"]:
        click.echo(f"{words}: {one_line(line)}", err=True)
    for line in found["left"]:
        click.echo(f"left by hand: {one_line(line)}", err=True)


@click.command(short_help="Undo one change of the history.")
@click.argument("target_", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("entry", metavar="N")
@click.option("--yes", is_flag=True, help="Do not ask whether this entry is meant.")
@account_options
def rollback(target_: str, entry: str, yes: bool) -> int:
    """Undo entry N of the history (or the one of that time): what it touched is put back as it was, to the byte.

    Refused if it was changed since, and if it would not last because the model or a group asks for it. On a terminal the entry is shown
    and asked about first: numbers move on with every change.

    \b
    Examples:
      portcullis history demo
      portcullis rollback demo 1
      portcullis rollback demo 20251122T072811.120394 --yes
    """
    about = target(target_)
    meant = run("history", about.deployment, entry=entry)
    if sys.stdin.isatty() and not yes and not console().as_data:
        console().text(
            f"{when(meant['at'])} {meant['operation']}: {meant['summary']} ({meant['actor']}, {meant['cause']})"
        )
        click.confirm("undo this?", abort=True, err=True)
    return show_outcome(run("rollback", about.deployment, entry=meant["at"]))


@click.command(short_help="Read the whole truth of all deployments now.")
@account_options
def sweep() -> int:
    """Read the whole truth of all deployments now, as the schedule does every few minutes: keys, groups, changes made by hand.

    \b
    Examples:
      portcullis sweep

    Exit status: 1 if a deployment could not be swept whole.
    """
    found = run("sweep")
    failed = [one for one in found if one["error"]]
    if console().as_data:
        console().data(found)
        return exit_status_of(found)
    for one in found:
        console().text(
            f"{one['deployment']}: {one['state'] or 'not swept'}, key {one['health'] or 'unknown'}, {many(one['steps'], 'step')}"
        )
        lines("  changed by hand", one["drift"], fg="yellow")
        lines("  not seen to", one["not_seen_to"], fg="yellow")
    if failed:
        raise Refused("; ".join(f"{one['deployment']} could not be swept: {one['error']}" for one in failed))
    return exit_status_of(found)


def show_redriven(found: Any) -> None:
    for queue, words in found["queues"].items():
        console().text(f"{queue}: {words}")


def show_outcome(outcome: Any) -> int:
    """What an apply came to; the exit status."""
    status = int(outcome.get("exit_status", 0))
    if console().as_data:
        console().data(outcome)
        return status
    if outcome["status"] == "waiting":
        console().text(f"{outcome['deployment']} is not open: it is done when it is unlocked", fg="yellow")
        return status
    steps, back = outcome["plan"]["steps"], outcome.get("put_back") or []
    what = (
        f"undone, {many(len(back), 'change')} put back" if back else f"{outcome['status']}, {many(len(steps), 'step')}"
    )
    console().text(f"{outcome['deployment']}: {what} in {many(outcome['writes'], 'write')}", fg="green")
    lines("put back", back)
    if outcome.get("file_is_ahead"):
        ahead = "the model of before is in force again, and a deployment file that asks for the later one is ahead of it now"
        console().prose(f"{ahead}: change it too, or the next apply of it brings the change back", fg="yellow")
    words = [f"{one['operation']} {claim_in_words(one['claim'])} because {one['because']}" for one in steps]
    lines("done", words)
    conflicts = outcome["plan"]["conflicts"]
    lines(
        "not done: a person has to decide",
        [f"{claim_in_words(c['claim'])}: {c['why']} ({c['remedy']})" for c in conflicts],
        fg="yellow",
    )
    lines("keys between clusters", outcome.get("keys"))
    if outcome.get("keys_problem"):
        lines("not done", [outcome["keys_problem"]], folds=True, fg="red")
    lines("notes", outcome["plan"]["notes"])
    asked = outcome.get("asked") or []
    lines("asked as the subject", [_as_subject(one) for one in asked if not (one["lacks"] or one["keeps"])])
    wrong = [_as_subject(one) for one in asked if one["lacks"] or one["keeps"]]
    lines(
        "written, but the engine does not act on it yet: look again, and if it stays so, at its nodes", wrong, fg="red"
    )
    return status


def _as_subject(one: Any) -> str:
    if one["not_asked"]:
        return f"{one['who']}: could not be asked ({one['not_asked']})"
    wrong = [f"{words} {', '.join(one[key])}" for key, words in _WRONG.items() if one[key]]
    return f"{one['who']}: has {', '.join(one['has']) or 'no role'}" + "".join(f"; {words}" for words in wrong)


_WRONG = {"lacks": "should have", "keeps": "should no longer have"}


def claim_in_words(claim: Any) -> str:
    where = f"{claim['kind']}/{claim['name']}"
    return where + (f"/{claim['entry_list']}: {claim['entry']}" if claim["entry_list"] else "")
