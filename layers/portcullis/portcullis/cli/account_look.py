"""`portcullis list`, `status`, `plan`, `drift`, `history`: what is, what would be, what was. None of them changes anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from portcullis.cli.account import PLAN_VERSION, account_options, deployments_here, only_some, run, target
from portcullis.cli.account_gate import show_gate
from portcullis.cli.console import console, when
from portcullis.cli.files import write_over
from portcullis.cli.questions.comparing import show_people
from portcullis.words import line, many

_SIGN_COLOURS = {"+": "green", "-": "red", "~": "yellow"}
_MOST = 40  # lines of one part; --json has them all
_LONGEST = 500  # entries of a history


def show_list(found: Any) -> None:
    if not found:
        console().text("no deployment is registered; cdk deploy registers those of deployments/")
    for one in found:
        console().text(f"{one['deployment']:<22} {one['state']:<10} key {one['key']:<12} {one['place']}")
        if "error" in one:
            console().prose(f"  {one['error']}", "  ", fg="red")


def show_status(found: Any) -> None:
    custody = found["custody"]
    show_gate(custody)
    failing = [(name, one) for name, one in custody["measures"].items() if one.get("failures")]
    for name, one in failing:
        tried = many(one["failures"], "time")
        console().prose(f"not in effect: {name}: {one['detail'] or 'no detail'} (tried {tried})", fg="red")
    if found.get("next"):
        console().prose(f"next: {found['next']}", bold=True)
        console().text(f"page: runbooks/{found['page']}.md")
    place = found["registration"]["place"]
    what = f"domain {place['name']}" if "name" in place else "cluster"
    console().prose(f"{what} at {place['endpoint']}")
    waiting = found["steps_waiting"]
    pending = many(waiting, "pending change") if waiting else "no pending changes"
    checked = when(found["watermark"]) if found["watermark"] else "never"
    console().prose(f"last full check: {checked}; {pending}")
    if found.get("without"):
        console().prose(f"a lock there has no way to {', '.join(found['without'])}")
    lines("not seen", found.get("blind", ()), folds=True, fg="red")
    lines("another road", found.get("roads", ()), folds=True, fg="red")
    lines("asks for attention", found["problems"], folds=True, fg="yellow")
    latest = [f"{when(one['at'])} {one['operation']}: {one['summary']}" for one in found["latest"]]
    lines("latest", latest, folds=True)


@click.command(short_help="Show what applying a model would change, for roles and for people.")
@click.argument("target_", metavar="[FILE|DEPLOYMENT]", required=False, shell_complete=deployments_here)
@click.option("--out", metavar="PLAN", type=click.Path(dir_okay=False), help="Save the plan, for apply.")
@click.option("--adopt", is_flag=True, help="Claim what is there already as asked for, and replace what differs.")
@only_some
@account_options
def plan(target_: str | None, out: str | None, adopt: bool, only: tuple[str, ...]) -> int:
    """Show what applying a deployment file (or the model that is applied already) would change: as steps, and as people.

    A plan that is saved is applied only while it still is the plan: if the engine, or who is in which group, changes in between,
    apply refuses.

    \b
    Examples:
      portcullis plan deployments/demo.yaml
      portcullis plan deployments/demo.yaml --out demo.plan && portcullis apply demo.plan
      portcullis plan demo || echo "the engine is not as the model asks for"

    Exit status: 0 nothing to change, 3 differences.
    """
    about = target(target_)
    part = {"only": list(only)} if only else {}
    found = run("plan", about.deployment, **about.arguments(), adopt=adopt or about.adopt, **part)
    if out is not None:
        saved = {
            "portcullis_plan": PLAN_VERSION,
            "deployment": about.deployment,
            "digest": found["digest"],
            "adopt": adopt or about.adopt,
            "text": about.text,
            "steps": found["steps"],
            **part,
        }
        write_over(Path(out), json.dumps(saved, indent=1) + "\n")
    status = int(found["exit_status"])
    if console().as_data:
        console().data(found)
        return status
    show_plan(about.deployment, found)
    return status


def show_plan(deployment: str, found: Any) -> None:
    """That it is locked, the totals, the changes with what they give and take, the people, net, and what a person has to know."""
    if found["locked"]:
        console().text(found["locked"], fg="red", bold=True)
    console().prose(f"{deployment}: {found['answer']}", bold=True, **({} if found["steps"] else {"fg": "green"}))
    told = list(found["changes"])
    for one in told[:_MOST]:
        console().prose(f"  {one['sign']} {_changed(one)}", "      ", fg=_SIGN_COLOURS[one["sign"]])
        for sign, rights in (("-", one["less"]), ("+", one["more"])):
            for right in rights if one["sign"] == "~" else ():
                console().prose(f"      {sign} {line(right['what'], 2000)}", "          ")
    if len(told) > _MOST:
        console().text(f"  and {len(told) - _MOST} more (--json shows all)")
    lines("keys between clusters", found["steps"][len(told) :])
    most = {**found, "people": found["people"][:_MOST]}
    show_people(most)
    if len(found["people"]) > _MOST:
        console().text(f"\nand {len(found['people']) - _MOST} people more (--json shows all)")
    if found["changes"]:
        console().text()
    lines("not known here", found["unknown"], folds=True)
    lines("not done: a person has to decide", found["conflicts"], fg="yellow")
    lines("check warns of", found.get("warnings", ()), folds=True, fg="yellow")
    lines("notes", found["notes"])
    lines("made by hand, left alone", found["foreign"], dim=True)


def _changed(one: Any) -> str:
    where = f"{one['kind']}/{line(one['name'])}"
    if one["entry_list"]:
        where += f" {one['entry_list']}: {line(one['person'] or one['entry'])}"
    elif one["held_by"] is not None:
        where += f", held by {many(one['held_by'], 'person', 'people')}"
    return f"{where}  ({line(one['because'], 2000)})"


@click.command(short_help="Show what was changed by hand on the engine.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@account_options
def drift(target_: str | None) -> int:
    """Show what was changed by hand on the engine since the model was applied, and whom it concerns; the gravest first.

    \b
    Examples:
      portcullis drift demo
      portcullis drift demo --json | jq -r '.drift[]'

    Exit status: 0 none, 3 there is some.
    """
    about = target(target_)
    found = run("drift", about.deployment)
    if console().as_data:
        console().data(found)
    elif found["drift"]:
        lines(f"changed by hand on {about.deployment}", found["drift"], fg="yellow")
    else:
        console().text(f"{about.deployment}: nothing was changed by hand", fg="green")
    return 3 if found["drift"] else 0


@click.command(short_help="Show what was changed, when, by whom and because of what.")
@click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
@click.argument("entry", metavar="[N]", required=False)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, _LONGEST), help="How many, the latest first."
)
@click.option("--operation", metavar="NAME", help="Only this, as the history calls it: locked, apply, rollback.")
@click.option("--by", metavar="WHO", help="Only of whoever has this in their name.")
@click.option("--since", metavar="TIME", help="Only from this time on: 2026-11-24, or with a time of day (UTC).")
@click.option("--until", metavar="TIME", help="Only before this time.")
@account_options
def history(target_: str | None, entry: str | None, limit: int, **chosen: str | None) -> None:
    """Show what was changed, when, by whom and because of what. With N (or an entry's id), that one with all it touched.

    Numbers move on with every change; the id that is shown with what can be undone stays. The latest 1,000 entries are looked through.

    \b
    Examples:
      portcullis history demo
      portcullis history demo 3
      portcullis history demo --operation locked --since 2026-11-24
      portcullis history demo --by anna --json | jq -r '.[].summary'
    """
    about = target(target_)
    asked = {name: value for name, value in {"entry": entry, **chosen}.items() if value}
    found = run("history", about.deployment, limit=limit, **asked)
    if console().as_data:
        console().data(found)
        return
    if not found:
        console().prose(_none_chosen(about.deployment, chosen))
    for one in [found] if entry else found:
        number = f"{one['number']:>4}  " if "number" in one else ""
        console().text(f"{number}{when(one['at'])}  {one['operation']}: {one['summary']}", bold=True)
        console().text(f"      {one['actor']}, because of {one['cause']}", dim=True)
        if one.get("can_be_undone"):
            console().text(f"      to undo it: portcullis rollback {about.deployment} {one['entry']}", dim=True)
        after = one.get("after") or []
        shown = after if isinstance(after, list) else [json.dumps(after)]
        for words in shown if entry else shown[:5]:
            console().text(f"      {words}")
        if not entry and len(shown) > 5:
            console().text(f"      and {len(shown) - 5} more: portcullis history {about.deployment} {one['number']}")


def _none_chosen(deployment: str, chosen: Mapping[str, str | None]) -> str:
    """What is said where no entry is shown: an operation that is called otherwise would look like one that never was."""
    if not any(chosen.values()):
        return f"{deployment}: its history has no entry yet"
    known = sorted({str(one["operation"]) for one in run("history", deployment, limit=_LONGEST)})
    called = (
        f"; what it has is called {', '.join(known)}"
        if chosen["operation"] and chosen["operation"] not in known
        else ""
    )
    return f"{deployment}: no entry of its history is so{called}"


def lines(title: str, items: Any, *, folds: bool = False, **style: Any) -> None:
    """A title and its lines; nothing at all if there are none. `folds`: they are sentences, kept within 80 columns."""
    if not items:
        return
    console().text(f"{title}:", bold=True)
    for item in items[:_MOST]:
        if folds:
            console().prose(f"  {line(item, 4000)}", "    ", **style)
        else:
            console().text(f"  {item}", **style)
    if len(items) > _MOST:
        console().text(f"  and {len(items) - _MOST} more (--json shows all)")
