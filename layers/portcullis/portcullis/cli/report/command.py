"""`portcullis report`: what several verbs answer, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portcullis.cli.account import deployments_here, own_credentials, run, target
from portcullis.cli.console import console, when
from portcullis.cli.files import write_over
from portcullis.cli.questions.asking import scene_of, where
from portcullis.cli.report.span import HOUR, Span
from portcullis.entry.page.gathering import ASKED, of_deployment
from portcullis.entry.page.writing import page
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.words import many


@click.command(short_help="Write one HTML file: who by what, why, findings, key, custody, history.")
@click.argument("what", metavar="FILE|DEPLOYMENT", required=False, shell_complete=deployments_here)
@click.option(
    "--to-bucket", is_flag=True, help="Put the page of DEPLOYMENT into the account's bucket; print a link to it."
)
@click.option(
    "--for",
    "seconds",
    type=Span(),
    metavar="SPAN",
    help="How long the link is good: 15m, 2h; at most 12h. Default: 1h.",
)
@where
def report(what: str | None, to_bucket: bool, seconds: int | None, target_: str | None, offline: bool) -> None:
    """Write FILE: one HTML page that holds all it shows and asks nobody.

    People by indices as a map with filters; a person's and an index's part with the chain of reasons; paths to administration and other
    findings; gate and key, what was changed by hand, the timeline. What could not be read is said in its place. The page names people
    and what they may see: only its owner may read the file. An older FILE is replaced.

    With --to-bucket the page is put into the private bucket of the account (`report` in account.yaml), with your own credentials, and a
    link is printed. Whoever holds the link may read that page until it ends. A link never outlives the session of whoever signed it,
    whatever --for says.

    \b
    Examples:
      portcullis report demo.html
      portcullis report demo.html -d deployments/demo.yaml --offline
      portcullis report demo --to-bucket --for 15m
    """
    if to_bucket:
        if offline:
            remedy = "leave out --to-bucket, and name a file"
            raise BadInput(
                "a page of a file alone is put into no bucket", source="command", place="--offline", remedy=remedy
            )
        if what and target_:
            raise BadInput(
                "the deployment is named twice", source="command", place="--deployment", remedy="leave it out"
            )
        _put(_of_deployment(target(what or target_).deployment), HOUR if seconds is None else seconds)
        return
    if what is None:
        remedy = "portcullis report demo.html, or portcullis report demo --to-bucket"
        raise BadInput("no file is named", source="command", place="FILE", remedy=remedy)
    if seconds is not None:
        raise BadInput("is of a link", source="command", place="--for", remedy="leave it out, or add --to-bucket")
    data = _of_file(target_) if offline else _of_deployment(target(target_).deployment)
    write_over(Path(what), page(data), private=True)
    picture = data["picture"]
    if console().as_data:
        console().data({"file": what, "people": len(picture["people"]), "indices": len(picture["indices"])})
    else:
        console().text(f"{what} written: {_counts(picture)} of {picture['deployment']}")


def _counts(picture: dict[str, Any]) -> str:
    return f"{many(len(picture['people']), 'person', 'people')} by {many(len(picture['indices']), 'index', 'indices')}"


def _put(data: dict[str, Any], seconds: int) -> None:
    from portcullis.entry.page.keeping import put_and_link
    from portcullis.words import in_data

    picture = data["picture"]
    place = picture.get("page") or ""  # a function that was deployed by an older release says nothing of it
    if not place:
        raise Refused(
            "this account keeps no pages: write `report: {}` into deployments/account.yaml and deploy portcullis-automation again;"
            " or portcullis report FILE writes one here"
        )
    with own_credentials():
        link = put_and_link(place, page(data), seconds)
    bucket, _, key = place.partition("/")
    if console().as_data:
        console().data({"bucket": bucket, "key": key, "link": link.url, "until": in_data(link.until)})
        return
    console().text(f"{place} written: {_counts(picture)} of {picture['deployment']}")
    ends = ", or until your session ends if that is sooner" if link.session else ""
    if link.shorter:
        ends = ": your session ends then, and the link with it"
    console().prose(f"Whoever holds this link may read that page until {when(in_data(link.until))}{ends}:")
    console().text(link.url)


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
    from portcullis.operations.access.asking.findings.finding import findings

    scene = scene_of(target_)
    nothing: dict[str, Any] = {"status": None, "drift": None, "history": None, "unread": {}}
    found = msgspec.to_builtins(findings(scene).findings)
    return {
        "of_file": True,
        "picture": msgspec.to_builtins(picture(scene, datetime.now(UTC))),
        "findings": found,
        **nothing,
    }
