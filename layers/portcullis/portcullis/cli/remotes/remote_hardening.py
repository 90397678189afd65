"""`portcullis remote harden`: what a remote cluster that is read without a key needs, and what it cannot have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portcullis.cli.account import file_of, files_in, run, target
from portcullis.cli.console import console
from portcullis.cli.questions.asking import where
from portcullis.cli.remotes.remote_asking import show_findings
from portcullis.errors import BadInput


@click.command("harden", short_help="Say what a remote cluster that is read without a key needs to be safe.")
@click.argument("alias")
@click.option(
    "--to", metavar="FILE", help="With --offline: the file of the other side, where no file beside this one is of it."
)
@click.option(
    "--trusts",
    metavar="SUBJECT",
    multiple=True,
    help="A name of certificates that the other side's nodes trust ('*': all of the CA). May be given several times.",
)
@where
def remote_harden(alias: str, to: str | None, trusts: tuple[str, ...], target_: str | None, offline: bool) -> int:
    """Say what the remote cluster ALIAS must have so that it keeps the guarantee of a key as far as it can, each with its remedy; and
    where it cannot. A key's guarantee: nobody here sees beyond what the other side allowed, a super user neither.

    For Elasticsearch read by certificate: super users, roles of the same name on both sides, who can come as somebody else, what
    certificates are trusted, idle connections. For domains of OpenSearch (--offline --to): mappings by names that both have, and
    es:ESCrossClusterGet. With a key there is nothing to harden.

    \b
    Examples:
      portcullis remote harden old -d orders
      portcullis remote harden old -d orders --offline --trusts '*.orders.example'
      portcullis remote harden search -d deployments/shop.yaml --offline --to deployments/demo.yaml
      portcullis remote harden old -d orders --json | jq -r '.cannot[]'

    Exit status: 0 nothing is to be done, 3 something is.
    """
    found = _found(alias, to, trusts, target_, offline)
    if console().as_data:
        console().data(found)
        return int(found["exit_status"])
    show_findings(found)
    if found["cannot"]:
        console().text("what cannot be kept, whatever is done", bold=True)
        for one in found["cannot"]:
            console().prose(f"- {one}", "  ")
        if found["family"] == "elasticsearch":
            console().prose("A key keeps all of it: portcullis remote offer, portcullis remote accept.", "", dim=True)
    return int(found["exit_status"])


def _found(alias: str, to: str | None, trusts: tuple[str, ...], target_: str | None, offline: bool) -> Any:
    if not offline:
        if to:
            remedy = "leave it out: what is deployed is looked at; or add --offline"
            raise BadInput("is for --offline", source="command", place="--to", remedy=remedy)
        said = {"trusts": ",".join(trusts)} if trusts else {}
        return run("remote-harden", target(target_).deployment, alias=alias, **said)
    import msgspec

    from portcullis import model
    from portcullis.operations.remotes.asking.hardening import of_files

    path = file_of(target(target_))
    deployment = model.load(path)
    model.require(deployment)
    other = model.load(Path(to)) if to else None
    return msgspec.to_builtins(of_files(deployment, files_in(path.parent), alias, to=other, trusts=trusts or None))
