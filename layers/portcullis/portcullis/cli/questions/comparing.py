"""`portcullis diff`: who gains and who loses what from one file to another, or between a file, the engine, and the engine at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portcullis.cli.account import account_options, deployments_here, is_file, run
from portcullis.cli.console import console
from portcullis.cli.questions.answers_shown import show_limits
from portcullis.errors import BadInput
from portcullis.words import line

if TYPE_CHECKING:
    from portcullis.model import Deployment

DIFFERS = 3
_MOST_NAMES = 4
_COLOURS = {True: "green", False: "red", None: "yellow"}


@click.command(short_help="Show who gains and who loses what between files, the engine, and times before.")
@click.argument("old", metavar="OLD", shell_complete=deployments_here)
@click.argument("new", metavar="NEW", shell_complete=deployments_here)
@click.option("--markdown", is_flag=True, help="As Markdown, for a pull request.")
@click.option("--ci", is_flag=True, help="Exit status 3 if anybody gains or loses anything.")
@click.option(
    "--assert",
    "asserted",
    metavar="TEXT",
    multiple=True,
    help="What has to hold, such as 'no one gains'. May be given several times.",
)
@account_options
def diff(old: str, new: str, markdown: bool, ci: bool, asserted: tuple[str, ...]) -> int:
    """Show who gains and who loses what from OLD to NEW, after merging: by person, whatever role it comes from.

    OLD and NEW are deployment files, and nobody is asked: a group stands for everybody in it. Or one of them, or both, is a deployment's
    NAME, the engine as it is now, or NAME@TIME, the engine as it was then (UTC), worked out from the history. Then a file stands for the
    engine once it is applied, and people are named. The network, a domain's access policy and IAM policies are not looked at: nobody
    says here who is kept out by these.

    \b
    Examples:
      portcullis diff main.yaml deployments/demo.yaml
      portcullis diff demo deployments/demo.yaml --markdown
      portcullis diff demo@2026-11-24T09:00 demo --assert 'no one gains'
      portcullis diff main.yaml deployments/demo.yaml --ci || echo "somebody has to look at it"
      portcullis diff main.yaml deployments/demo.yaml --assert 'nobody outside group hr reads payroll-*'

    Exit status: 0 compared, 1 an assertion does not hold or is not known to, 2 bad input; with --ci 3 if there is a difference.
    """
    if markdown and console().as_data:
        raise BadInput("one or the other", source="command", place="--markdown, --json", remedy="leave one out")
    found = _found(old, new, asserted)
    if ci and not found["exit_status"] and (found["people"] or found["unknown"]):
        found["exit_status"] = DIFFERS
    if console().as_data:
        console().data(found)
    elif markdown:
        for text in as_markdown(found):
            console().text(text)
    else:
        show_diff(found)
    return int(found["exit_status"])


def _found(old: str, new: str, asserted: tuple[str, ...]) -> Any:
    files = [_file(one) for one in (old, new)]
    before, after = (file and file[0] for file in files)
    if before and after:
        import msgspec

        from portcullis.operations.access.asking.asserting import diff_held
        from portcullis.operations.access.asking.scene_of_file import of_file

        return msgspec.to_builtins(diff_held(of_file(before), of_file(after), (old, new), asserted))
    (name, one), (other, two) = _state(old, before), _state(new, after)
    if name != other:
        remedy = "two states of the same: NAME, NAME@TIME, or its file"
        raise BadInput(
            f"{old} is of {name!r}, and {new} of {other!r}", source="command", place="OLD NEW", remedy=remedy
        )
    if one == two:
        remedy = f"{name}@TIME for the engine as it was then, or a file"
        raise BadInput(f"{old} and {new} are the same", source="command", place="OLD NEW", remedy=remedy)
    text = next(({"text": file[1]} for file in files if file), {})
    return run("diff", name, old=one, new=two, assertions=list(asserted), **text)


def _state(given: str, file: Deployment | None) -> tuple[str, str]:
    """Of which deployment, and which state of it: `file`, `now`, or a time."""
    from portcullis.entry.verbs.asking import NOW, WITH_FILE

    if file:
        return file.deployment, WITH_FILE
    name, at, when = given.partition("@")
    if at and not when:
        raise BadInput("no time", source="command", place=given, remedy=f"{name}@2026-11-24T09:00 (UTC)")
    return name, when or NOW


def _file(given: str) -> tuple[Deployment, str] | None:
    """What a file says, and its text. None: it is the name of a deployment."""
    path = Path(given)
    if not ("/" in given or path.suffix in (".yaml", ".yml") or is_file(path)):
        return None
    from portcullis import model

    text = model.text_of(path)
    deployment = model.loads(text, str(path))
    model.require(deployment)
    return deployment, text


def show_diff(found: Any) -> None:
    """The sentence, person by person, assertions."""
    console().text(found["answer"], bold=True)
    show_people(found)
    for said in found["assertions"]:
        console().text()
        console().prose(in_a_line(said), fg=_COLOURS[said["holds"]])
    show_limits(found)


def show_people(found: Any) -> None:
    """Person by person."""
    for one in found["people"]:
        console().text()
        console().prose(f"{line(one['name'])}  {line(one['person'].partition(':')[0])}", bold=True)
        for sign, words in lines_of(one):
            colour = {"+": "green", "-": "red"}.get(sign, "yellow")
            console().prose(f"  {sign} {words}", "      ", fg=colour)


def in_a_line(said: Any) -> str:
    """An assertion and what became of it, with the counterexample."""
    from portcullis.access.questions.assertions import Asserted

    return line(str(Asserted(**said)), 2000)


def lines_of(one: Any) -> Iterator[tuple[str, str]]:
    """A sign and what changes: + more, - less, ~ both, ? not known. Indices with the same change stand together."""
    for right in one["gained"]:
        yield "+", line(right["what"], 2000)
    for right in one["lost"]:
        yield "-", line(right["what"], 2000)
    of = sorted(one["indices"], key=lambda each: (each["does"], _sign(each), each["before"], each["after"]))
    for (_, sign, was, now), some in groupby(
        of, key=lambda each: (each["does"], _sign(each), each["before"], each["after"])
    ):
        names = [line(each["index"]) for each in some]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield sign, f"{', '.join(names[:_MOST_NAMES])}{more}: {line(was, 2000)} -> {line(now, 2000)}"


def _sign(one: Any) -> str:
    if one["gains"] is None or one["loses"] is None:
        return "?"
    return "~" if one["gains"] and one["loses"] else "+" if one["gains"] else "-"


def as_markdown(found: Any) -> Iterator[str]:
    """A heading, a table of people, what is not known."""
    yield f"### {_escaped(found['deployment'])}: {_escaped(found['answer'])}"
    if found["people"]:
        yield ""
        yield "| who | | what |"
        yield "|---|---|---|"
    for one in found["people"]:
        for sign, words in lines_of(one):
            yield f"| {_escaped(one['person'])} | `{sign}` | {_escaped(words)} |"
    if found["assertions"]:
        yield ""
        yield from (f"- {_escaped(in_a_line(said))}" for said in found["assertions"])
    if found["unknown"]:
        yield ""
        yield "Not known here:"
        yield ""
        yield from (f"- {_escaped(line(one, 2000))}" for one in found["unknown"])


def _escaped(words: str) -> str:
    """Names that people chose make no mark-up, no mention and no link."""
    marked = "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|~" else sign for sign in line(words, 2000))
    return (
        marked.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("@", "@&#8203;")
        .replace("://", ":&#8203;//")
    )
