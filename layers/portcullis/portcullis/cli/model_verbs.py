"""`portcullis check`, `init`, `schema`: the deployment file, before anything is deployed."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portcullis.cli.account import FOLDER, account_options, files_in, run
from portcullis.cli.console import as_object, console, output_options
from portcullis.cli.files import write_new
from portcullis.errors import BadInput, PortcullisError

if TYPE_CHECKING:
    from portcullis.model import Deployment, Finding

_PRESETS = ("layered", "cognito", "internal", "api", "layered-elasticsearch")
_DIFFERS = 3
_COLOURS = {"error": "red", "warning": "yellow"}


@click.command(short_help="Validate deployment files, and say what in them is seldom meant.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List every error of a file, and what it accepts, not only the first error.",
)
@click.option("--live", is_flag=True, help="Look at the account, too: whether what a file names is there.")
@click.option("--ci", is_flag=True, help="With --live: exit status 3 if what is deployed has findings.")
@account_options
def check(files: tuple[str, ...], everything: bool, live: bool, ci: bool) -> int:
    """Validate deployment files, and say what in them is seldom meant.

    A FILE is one deployment file; without any, every *.yaml in deployments/ is checked. Warnings do not fail the check;
    `accept: {CODE: why}` in a file silences one. docs/deployment-file.md lists every code.

    With --live the deployed automation looks at the account, the engine and the domain: principals and keys that no longer exist,
    people whose roles add up to something else than was meant, mappings made by host, the domain's own policy. What it may not look
    at is said. Then come the findings of what is deployed, as `portcullis findings` shows them. --direct, --region and --profile are
    for --live.

    \b
    Examples:
      portcullis check
      portcullis check deployments/demo.yaml --all
      portcullis check deployments/demo.yaml --live
      portcullis check --json | jq '.findings[]'

    Exit status: 0 valid, 2 not; with --live also 1: could not be looked at, and with --ci 3: there are findings.
    """
    from portcullis import model
    from portcullis.operations.access.asking.asserting import broken_in_file

    if ci and not live:
        raise click.UsageError("--ci is for --live.")

    results: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for path in [Path(f) for f in files] or _deployments():
        findings: tuple[Finding, ...] = ()
        errors: tuple[PortcullisError, ...]
        deployed: Any = None
        try:
            text = _text(path)
            if path.name == model.ACCOUNT_FILE:
                deployment, errors = None, model.examine_account(text, str(path))[1]
            else:
                deployment, errors = model.examine(text, str(path))
        except BadInput as error:
            deployment, errors = None, (error,)
        if deployment is not None and not errors:
            first = names.setdefault(deployment.deployment, str(path))
            if first != str(path):
                place = f"line {deployment.line('deployment')}, deployment"
                problem = f"the deployment {deployment.deployment!r} is in {first} too"
                errors = (BadInput(problem, source=str(path), place=place, remedy="one file a deployment"),)
            try:
                findings = model.lint(deployment, beside=_beside(path, deployment))
                if live:
                    of_others = set(findings) - {*model.lint(deployment)}
                    findings = (*_looked(deployment, text), *(f for f in findings if f in of_others))
                    deployed = _found_there(deployment.deployment)
            except PortcullisError as error:
                errors = (*errors, error)
            errors = (*errors, *broken_in_file(deployment))
            failed = [f for f in findings if f.severity is model.Severity.ERROR]
            errors = (*errors, *(model.as_error(f) for f in failed))
            findings = tuple(f for f in findings if f.severity is not model.Severity.ERROR)
        results.append(
            {"file": str(path), "deployment": deployment, "errors": errors, "findings": findings, "deployed": deployed}
        )
        _tell(results[-1], everything=everything)
    wrong = [error.exit_status for r in results for error in r["errors"]]
    asked = [r["deployed"] for r in results if r["deployed"]] if ci else []
    return max(wrong, default=max((_DIFFERS if one["findings"] else one["exit_status"] for one in asked), default=0))


def _beside(path: Path, deployment: Deployment) -> dict[str, Deployment]:
    """The deployments of the same folder that the file names, as far as their own files can be read: what is wrong with those is told
    where they are checked."""
    named = {remote.deployment for remote in getattr(deployment, "remotes", {}).values()} - {None}
    return {name: one for name, one in files_in(path.parent).items() if name in named} if named else {}


def _looked(deployment: Deployment, text: str) -> tuple[Finding, ...]:
    """The findings of a look at the account. Raises what the verb raises."""
    from portcullis.model import Finding, Severity

    found = run("check", deployment.deployment, text=text, source=deployment.source)["findings"]
    return tuple(Finding(**{**one, "severity": Severity(one["severity"])}) for one in found)


def _found_there(name: str) -> Any:
    """The findings of what is deployed. Where they cannot be had (no model was applied yet), why not: the file itself was looked at."""
    try:
        return run("findings", name)
    except BadInput:
        raise
    except PortcullisError as error:
        why = f"what is deployed was not asked for findings: {error}"
        nothing: dict[str, list[Any]] = {"findings": [], "unknown": [], "not_looked_at": [], "kept_out": []}
        return {"deployment": name, "answer": why, **nothing, "exit_status": 1}


def _deployments() -> list[Path]:
    from portcullis.model.account import files_of

    found = files_of(Path(FOLDER))
    if not found:
        raise BadInput(
            "no deployment file (*.yaml) found",
            source=f"{FOLDER}/",
            remedy="portcullis init NAME writes one, or name a FILE",
        )
    return found


def _text(path: Path) -> str:
    from portcullis.model.text.loading import text_of

    return text_of(path)


def _tell(result: dict[str, Any], *, everything: bool) -> None:
    told, errors = console(), result["errors"]
    if told.as_data:
        deployment = result["deployment"]
        told.data(
            {
                "file": result["file"],
                "deployment": deployment.deployment if deployment else None,
                "ok": not errors,
                "errors": [as_object(error) for error in errors],
                "findings": [asdict(finding) for finding in result["findings"]],
                **({"deployed": result["deployed"]} if result["deployed"] else {}),
            }
        )
        return
    for error in errors if everything else errors[:1]:
        told.error(error)
    if len(errors) > 1 and not everything:
        click.echo(f"  and {len(errors) - 1} more in {result['file']}: portcullis check --all lists them", err=True)
    for finding in result["findings"]:
        if finding.severity.value == "accepted" and not everything:
            continue
        told.text(
            f"{finding.severity.value}: {finding.place}: {finding.message} [{finding.code}]",
            fg=_COLOURS.get(finding.severity.value),
        )
        told.text(f"    {finding.remedy}", dim=True)
    if not errors:
        warnings = sum(f.severity.value == "warning" for f in result["findings"])
        told.text(
            f"{result['file']}: ok" + (f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""),
            fg="green",
        )
    if result["deployed"]:
        from portcullis.cli.questions.finding import show_findings

        show_findings(result["deployed"])


@click.command(short_help="Write a deployment file to start from.")
@click.argument("name")
@click.option("--preset", type=click.Choice(_PRESETS), help=f"What to start from.  [default: {_PRESETS[0]}]")
@output_options
def init(name: str, preset: str | None) -> None:
    """Write deployments/NAME.yaml, commented and valid. A file that is there is never overwritten.

    NAME is a deployment's; `account` is the one file for the whole account, which says where domains stand and who may come to them.

    \b
    Presets:
      layered                four levels of access on the same indices, sign-in through Cognito
      cognito                IAM for the API, Cognito for Dashboards; an IAM master
      internal               user names and passwords of the internal user database
      api                    IAM for the API, Dashboards shut; an IAM master
      layered-elasticsearch  the four levels on an Elasticsearch cluster that runs elsewhere

    \b
    Examples:
      portcullis init orders
      portcullis init orders --preset internal
      portcullis init account
    """
    from portcullis import model

    path = Path(FOLDER) / f"{name}.yaml"
    if path.name == model.ACCOUNT_FILE:
        if preset:
            remedy = "portcullis init account, or another name for a deployment"
            raise BadInput(
                f"{model.ACCOUNT_FILE} is the account's, and has no presets", source="--preset", remedy=remedy
            )
        text = model.start_account()
    else:
        preset = preset or _PRESETS[0]
        text = model.start(name, preset)
    with contextlib.suppress(OSError):  # what is in the way is said of the file
        path.parent.mkdir(exist_ok=True)
    write_new(path, text)
    told = console()
    if told.as_data:
        told.data({"file": str(path), "deployment": name if preset else None, "preset": preset})
    else:
        told.text(f"{path} written. Edit it, then: portcullis check {path}")


@click.command(short_help="Print the JSON Schema of the deployment file.")
@output_options
def schema() -> None:
    """Print the JSON Schema of the deployment file, for editors and other tools. It is JSON with and without --json.

    \b
    Examples:
      portcullis schema > docs/deployment.schema.json
    """
    from portcullis.model.json_schema import schema_text

    click.echo(schema_text(), nl=False)
