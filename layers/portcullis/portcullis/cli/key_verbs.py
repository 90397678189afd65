"""`portcullis key check`, `key status`, `key policy`: the key of a deployment, before and after it is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from portcullis.cli import account
from portcullis.cli.account import account_options, deployments_here, is_file, own_credentials, run
from portcullis.cli.console import console, output_options, when

_TIMES = {"next_rotation", "last_rotation", "next_on_demand", "deleted_on"}
_COLOURS = {"error": "red", "warning": "yellow", "note": None, "OK": "green"}


@click.group(short_help="Check a key, show how it is, print the policy its owner has to paste.")
@output_options
def key() -> None:
    """Check a key, show how it is, print the policy its owner has to paste.

    \b
    Examples:
      portcullis key check deployments/demo.yaml     # before it is deployed, with your own credentials
      portcullis key check demo                      # as the automation sees it
      portcullis key policy demo --org-path "o-abc/r-xyz/ou-1/*"
    """


@key.command("check", short_help="Say what is OK and what is wrong with a key, each with its remedy.")
@click.argument("target", metavar="FILE|DEPLOYMENT", shell_complete=deployments_here)
@account_options
def key_check(target: str) -> int:
    """Say what is OK and what is wrong with a key for this deployment: type, Region, state, policy, grants, rotation, expiry.

    Of a FILE the key is asked with your own credentials, and nothing has to be deployed; of a DEPLOYMENT by the automation.

    \b
    Examples:
      portcullis key check deployments/demo.yaml
      portcullis key check demo --json | jq '.findings[] | select(.weight == "error")'

    Exit status: 0 fit, 1 not fit for a deployment, 2 bad input.
    """
    path = _file(target)
    found = _plain(_check_file(path)) if path else run("key-check", target)
    if console().as_data:
        console().data(found)
    else:
        for one in found["findings"]:
            console().text(f"{one['weight']:<8} {one['says']} [{one['code']}]", fg=_COLOURS[one["weight"]])
            if one["remedy"]:
                console().text(f"         {one['remedy']}", dim=True)
        console().text(f"{found['deployment']}: {found['key']}", bold=True)
    return int(found["exit_status"])


@key.command("status", short_help="Show how the key of a deployment is.")
@click.argument("target", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@account_options
def key_status(target: str) -> None:
    """Show how the key of a deployment is: state, health, rotation, rotations on demand that are left, expiry, and what is wrong.

    \b
    Examples:
      portcullis key status demo
    """
    found = run("key-status", account.target(target).deployment)
    if console().as_data:
        console().data(found)
        return
    wrong = found.pop("wrong")
    for name, value in found.items():
        if value not in ("", None):
            label = "will be deleted on" if name == "deleted_on" else name.replace("_", " ")
            console().text(f"{label:<20} {when(value) if name in _TIMES else value}")
    for line in wrong:
        console().text(line, fg="yellow")


@key.command("policy", short_help="Print the policy that the owner of a key has to paste.")
@click.argument("target", metavar="FILE|DEPLOYMENT", shell_complete=deployments_here)
@click.option(
    "--org-path",
    "org_paths",
    multiple=True,
    metavar="PATH",
    help='Bound it by this organisation path (aws:PrincipalOrgPaths), such as "o-abc/r-xyz/ou-1/*"; may be given again. '
    "Default: by the account and by the service.",
)
@click.option(
    "--statement", is_flag=True, help="Only the statements to add to a policy that lets its owner administer the key."
)
@account_options
def key_policy(target: str, org_paths: tuple[str, ...], statement: bool) -> None:
    """Print a key policy for this deployment: its owner administers, the service has five actions and its grant, Portcullis looks.

    It is whole: as the only policy of a key it locks nobody out. --statement leaves out what lets the owner administer: only for a
    policy that says so already. For a cluster that runs elsewhere only the statement by which Portcullis looks is printed, to be added.

    The policy goes to stdout, so that it can be put into a file; why each statement is there goes to stderr.

    \b
    Examples:
      portcullis key policy demo
      portcullis key policy deployments/demo.yaml --org-path "o-abc/r-xyz/ou-1/*" > statements.json
    """
    path = _file(target)
    if path:
        from portcullis.entry.key_of_a_file import policy_for_file

        with own_credentials():
            found = _plain(policy_for_file(_text(path), str(path), org_paths))
    else:
        found = run("key-policy", target, org_paths=list(org_paths))
    if console().as_data:
        console().data(found)
        return
    what = (
        "statements to add to the key's policy: they alone would lock its owner out"
        if statement or found["policy"] == found["to_add"]
        else "a whole key policy"
    )
    click.echo(json.dumps(found["to_add" if statement else "policy"], indent=2))
    click.echo(f"This is {what}.", err=True)
    for line in found["because"]:
        click.echo(line, err=True)


def _file(target: str) -> Path | None:
    path = Path(target)
    return path if "/" in target or path.suffix in (".yaml", ".yml") or is_file(path) else None


def _check_file(path: Path) -> Any:
    from portcullis.entry.key_of_a_file import check_file

    with own_credentials():
        return check_file(_text(path), str(path))


def _text(path: Path) -> str:
    from portcullis.model.text.loading import text_of

    return text_of(path)


def _plain(found: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(found)
