"""`portcullis findings`: what is seldom meant, of what is deployed or of a file alone."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import click

from portcullis.access.questions.findings import AHEAD, EVERYBODY, LIFTED, MISSPELT, NO_INDEX, NOBODY, PATH, UNUSED
from portcullis.cli.account import run, target
from portcullis.cli.console import console
from portcullis.cli.questions.answers_shown import show_kept_out, show_limits
from portcullis.cli.questions.asking import scene_of, where
from portcullis.words import line

DIFFERS = 3
TITLES = {
    PATH: "ways to administration",
    EVERYBODY: "patterns that let in everybody",
    LIFTED: "filters of aliases that can be lifted",
    MISSPELT: "patterns one letter away from an index",
    AHEAD: "people with far more than their group",
    NOBODY: "patterns that fit nobody",
    UNUSED: "grants that nobody has",
    NO_INDEX: "patterns that fit no index",
}
_GRAVE = (PATH, EVERYBODY)


@click.command(short_help="Show what is seldom meant: paths to administration, misspelt patterns.")
@click.option("--ci", is_flag=True, help="Exit status 3 if anything is found.")
@where
def findings(target_: str | None, offline: bool, ci: bool) -> int:
    """Show what of who may see what is seldom meant, the gravest first.

    Who may come to administer the domain, or the cluster, in more than one step, and how; patterns of role mappings that let in everybody,
    or fit nobody; patterns of roles that fit no index, and those that miss one by a letter; grants that nobody has; people who may do far
    more than the median of their group. A file alone (--offline) knows neither people nor indices: of it only the first two are told.

    \b
    Examples:
      portcullis findings
      portcullis findings -d demo --ci || echo "somebody has to look at it"
      portcullis findings --json | jq -r '.findings[] | select(.code == "path-to-administration") | .path | join(" -> ")'

    Exit status: 0 answered, 2 bad input; with --ci 3 if anything is found.
    """
    if offline:
        import msgspec

        from portcullis.operations.access.asking.findings.finding import findings as found_in

        found = msgspec.to_builtins(found_in(scene_of(target_)))
    else:
        found = run("findings", target(target_).deployment)
    if ci and found["findings"]:
        found["exit_status"] = DIFFERS
    if console().as_data:
        console().data(found)
    else:
        show_findings(found)
    return int(found["exit_status"])


def show_findings(found: Any) -> None:
    """Kind by kind."""
    console().text(f"{found['deployment']}: {found['answer']}", bold=True)
    for code, some in groupby(found["findings"], key=lambda one: one["code"]):
        console().text()
        console().text(f"{TITLES[code]}:", bold=True)
        for one in some:
            colour = "red" if code in _GRAVE and one["certain"] else "yellow"
            console().prose(f"  {line(one['says'], 2000)}", "    ", fg=colour)
            for at, step in enumerate(one["path"]):
                console().prose(f"    {'-> ' if at else '   '}{line(step, 2000)}", "       ")
            console().prose(f"    {line(one['remedy'], 2000)}", "    ", dim=True)
    show_kept_out(found)
    show_limits(found)
