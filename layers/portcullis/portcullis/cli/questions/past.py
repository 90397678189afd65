"""`portcullis access`: who had access at a time, or what became of it between two; from the history."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, run, target
from portcullis.cli.console import console
from portcullis.cli.questions.answers_shown import show_kept_out, show_limits
from portcullis.cli.questions.asking import which
from portcullis.cli.questions.comparing import show_people
from portcullis.errors import BadInput
from portcullis.words import line, many, moment

_MOST_NAMES = 6


@click.command(short_help="Show who had access at a time, or what became of it between two.")
@click.option("--at", metavar="TIME", help="Who had access at this time (UTC): 2026-11-24, or 2026-11-24T09:00.")
@click.option("--since", metavar="TIME", help="What became of access from this time on.")
@click.option("--until", metavar="TIME", help="With --since: up to this time. Default: now.")
@click.option("--user", metavar="NAME|PATTERN", help="Only of these people.")
@click.option("--index", metavar="NAME|PATTERN", help="Only of these indices.")
@which
@account_options
def access(
    at: str | None, since: str | None, until: str | None, user: str | None, index: str | None, target_: str | None
) -> int:
    """Show who had access at a time (--at), or what became of it from one time to another (--since, --until).

    It is worked out from what there is now by taking back, in thought, what the history has: what Portcullis changed. What is in no
    history is said: changes by hand, who was in a group that counts by its role, which indices there were. The latest 1,000 entries of
    the history are looked through, and of a time before them nothing is said.

    \b
    Examples:
      portcullis access --at 2026-11-24T09:00
      portcullis access --at 2026-11-24T09:00 --user anna --index 'customers-*'
      portcullis access --since 2026-11-24 --until 2026-11-25 --index 'payroll-*'

    Exit status: 0 answered, 1 it cannot be worked out, 2 bad input.
    """
    if bool(at) == bool(since) or (until and not since):
        remedy = "portcullis access --at TIME, or --since TIME --until TIME"
        raise BadInput("one time, or two", source="command", place="--at, --since, --until", remedy=remedy)
    asked = {name: value for name, value in (("user", user), ("index", index)) if value}
    deployment = target(target_).deployment
    if at:
        found = run("access", deployment, at=at, **asked)
    else:
        found = run("access-between", deployment, since=since, **({"until": until} if until else {}), **asked)
    if console().as_data:
        console().data(found)
    elif at:
        show_then(found)
    else:
        show_between(found)
    return int(found["exit_status"])


def show_then(found: Any) -> None:
    """Person by person; what is not certain has a question mark."""
    console().prose(found["answer"], bold=True)
    if found["stopped"]:
        console().prose(f"and nobody was let in then: {line(found['stopped'])}; once it was open:", fg="red", bold=True)
    for one in found["people"]:
        console().text()
        sure = "" if one["certain"] else "  (not certain)"
        console().prose(f"{line(one['name'])}  {line(one['person'].partition(':')[0])}{sure}", bold=True)
        for words, names in (("reads", one["reads"]), ("writes", one["writes"]), ("not known", one["unknown"])):
            if names:
                more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
                console().prose(f"  {words}  {', '.join(map(line, names[:_MOST_NAMES]))}{more}", "    ")
        for part in one["sees"][:_MOST_NAMES]:
            console().prose(f"  of {line(part, 2000)}", "    ")
        if one["through"]:
            console().prose(f"  by the role {', '.join(map(line, one['through']))}", "    ", dim=True)
    console().text()
    taken_back = many(found["undone"], "later change")
    console().text(f"worked out by taking back {taken_back} of the history", dim=True)
    _show_uncertain(found)
    show_kept_out(found, "kept out before the engine is asked, as it is now")
    show_limits({**found, "unknown": ()})


def show_between(found: Any) -> None:
    """What differs, then what happened on the way."""
    console().prose(
        f"from {moment(found['since'])} to {moment(found['until'])}: {found['difference']['answer']}", bold=True
    )
    show_people(found["difference"])
    console().text()
    console().text("what happened:" if found["happened"] else "nothing happened that the history has", bold=True)
    for one in found["happened"]:
        console().prose(f"  {moment(one['at'])}  {line(one['operation'])}: {line(one['summary'], 2000)}", "    ")
        console().prose(f"    {line(one['by'])}, because of {line(one['cause'])}", "    ", dim=True)
    _show_uncertain(found)
    show_kept_out(found, "kept out before the engine is asked, as it is now")
    show_limits(found["difference"])


def _show_uncertain(found: Any) -> None:
    console().text()
    console().text("what is in no history:", bold=True)
    for one in found["uncertain"]:
        console().prose(f"  {line(one, 2000)}", "    ", fg="yellow")
