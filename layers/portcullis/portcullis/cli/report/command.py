"""`portcullis report`: what several verbs answer, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portcullis.cli.account import run, target
from portcullis.cli.console import console
from portcullis.cli.questions.asking import scene_of, where
from portcullis.cli.report.gathering import ASKED, of_deployment
from portcullis.cli.report.writing import page
from portcullis.errors import BadInput, PortcullisError
from portcullis.words import many


@click.command(short_help="Write one HTML file: who by what, why, findings, key, custody, history.")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@where
def report(file: str, target_: str | None, offline: bool) -> None:
    """Write FILE: one HTML page that holds all it shows and asks nobody.

    People by indices as a map with filters; a person's and an index's part with the chain of reasons; paths to administration and other
    findings; gate and key, what was changed by hand, the timeline. What could not be read is said in its place. The page names people
    and what they may see: only its owner may read the file. An older FILE is replaced.

    \b
    Examples:
      portcullis report demo.html
      portcullis report demo.html -d deployments/demo.yaml --offline
    """
    data = _of_file(target_) if offline else _of_deployment(target(target_).deployment)
    _write(Path(file), page(data))
    picture = data["picture"]
    if console().as_data:
        console().data({"file": file, "people": len(picture["people"]), "indices": len(picture["indices"])})
    else:
        counts = (
            f"{many(len(picture['people']), 'person', 'people')} by {many(len(picture['indices']), 'index', 'indices')}"
        )
        console().text(f"{file} written: {counts} of {picture['deployment']}")


def _of_deployment(deployment: str) -> dict[str, Any]:
    unread: dict[str, str] = {}

    def answer(verb: str) -> Any:
        try:
            return run(verb, deployment, **ASKED[verb])
        except PortcullisError as error:
            if (
                verb == "report"
            ):  # a file without a map would be taken for one of a deployment in which nobody may anything
                raise
            unread[verb] = str(error)
            return None

    return of_deployment(answer, unread)


def _of_file(target_: str | None) -> dict[str, Any]:
    from datetime import UTC, datetime

    import msgspec

    from portcullis.operations.access.asking.drawing import picture
    from portcullis.operations.access.asking.finding import findings

    scene = scene_of(target_)
    nothing: dict[str, Any] = {"status": None, "drift": None, "history": None, "unread": {}}
    found = msgspec.to_builtins(findings(scene).findings)
    return {
        "of_file": True,
        "picture": msgspec.to_builtins(picture(scene, datetime.now(UTC))),
        "findings": found,
        **nothing,
    }


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600, exist_ok=False)
        fresh.write_text(text, "utf-8")
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadInput(error.strerror or str(error), source=str(file), remedy="a file that can be written") from None
