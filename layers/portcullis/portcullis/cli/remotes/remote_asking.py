"""`portcullis remote explain`, `remote check`: what somebody may read on another cluster, which side decides, and what is wrong."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.account import account_options, deployments_here, file_of, files_in, run, target
from portcullis.cli.console import console
from portcullis.cli.questions.answers_shown import show_why
from portcullis.cli.questions.asking import member_of, told, where
from portcullis.errors import BadInput
from portcullis.words import line


@click.command(
    "explain", short_help="Say whether a person may read an index of a remote cluster, and which side decides."
)
@click.argument("person")
@click.argument("index", metavar="ALIAS:INDEX")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit status is the answer.")
@member_of
@where
def remote_explain(
    person: str, index: str, quiet: bool, member_of: tuple[str, ...], target_: str | None, offline: bool
) -> int:
    """Say in one sentence whether PERSON may read ALIAS:INDEX, which side decides it, and by which rule, key or role. Then the chain.

    INDEX may be a pattern: may they read any index that it fits? With --offline the file is asked, and that of the other cluster where it
    is in the same folder. Else both clusters are asked, where both are deployments of this account; what could not be looked at is said.

    \b
    Examples:
      portcullis remote explain anna dc2:logs-1
      portcullis remote explain elastic 'dc2:*' -d orders
      portcullis remote explain anna dc2:hr --offline --member-of readers -d deployments/orders.yaml

    Exit status: 0 yes, 1 no, 2 bad input, 4 unknown (also where nobody could be asked).
    """
    return told(
        lambda: _explained(person, index, member_of, target_, offline),
        lambda found: show_why({**found, "would_allow": (), "would_let_in": ()}),
        quiet=quiet,
    )


_COLOURS = {"wrong": "red", "unknown": "yellow", "note": None, "OK": "green"}


@click.command("check", short_help="Say what is right and wrong with remote clusters.")
@click.argument("about", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("alias", required=False)
@account_options
def remote_check(about: str, alias: str | None) -> int:
    """Say what is right and wrong with the remote clusters of DEPLOYMENT, or with ALIAS alone; and which keys that it
    gives nobody uses.

    Looked at are: as declared or not, whether it answers, the key in use against the secret, its end, what it allows, roles that ask for
    more, releases, licences and certificates; of the other side where it is a deployment of this account. Of a domain: its connections,
    and which roles and names it sends along. What could not be looked at says "unknown", and is no OK.

    \b
    Examples:
      portcullis remote check orders
      portcullis remote check orders dc2 --json | jq '.findings[] | select(.weight != "OK")'

    Exit status: 0 nothing is wrong, 3 something is.
    """
    found = run("remote-check", target(about).deployment, **({"alias": alias} if alias else {}))
    if console().as_data:
        console().data(found)
        return int(found["exit_status"])
    show_findings(found)
    if not found["findings"]:
        console().text(f"{found['deployment']}: it reads no other cluster, and none reads it")
    return int(found["exit_status"])


def show_findings(found: Any) -> None:
    """Of remote clusters, by the alias that each is about."""
    shown = ""
    for one in found["findings"]:
        whose = one["alias"] or found["deployment"]
        if whose != shown:
            console().text(whose, bold=True)
            shown = whose
        console().prose(
            f"{one['weight']:<8} {line(one['says'], 2000)} [{one['code']}]", " " * 9, fg=_COLOURS[one["weight"]]
        )
        if one["remedy"]:
            console().prose(" " * 9 + one["remedy"], " " * 9, dim=True)


def _explained(person: str, index: str, groups: tuple[str, ...], target_: str | None, offline: bool) -> Any:
    if not offline:
        if groups:
            remedy = "leave it out: what is deployed knows who is in which group; or add --offline"
            raise BadInput("is for --offline", source="command", place="--member-of", remedy=remedy)
        return run("remote-explain", target(target_).deployment, person=person, index=index)
    import msgspec

    from portcullis import model
    from portcullis.operations.access.asking.domains_of_files import of_files

    path = file_of(target(target_))
    deployment = model.load(path)
    model.require(deployment)
    return msgspec.to_builtins(of_files(deployment, files_in(path.parent), person, index, groups))
