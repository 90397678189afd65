"""`portcullis remote …`: the keys by which one cluster reads another."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli import account
from portcullis.cli.account import account_options, deployments_here, run
from portcullis.cli.account_look import lines
from portcullis.cli.console import console, output_options, when
from portcullis.cli.remotes.remote_asking import remote_check, remote_explain, show_findings
from portcullis.cli.remotes.remote_hardening import remote_harden
from portcullis.cli.remotes.remote_moving import remote_migrate
from portcullis.cli.remotes.remote_offers import remote_accept, remote_offer
from portcullis.words import line


@click.group(short_help="Look after the keys by which one cluster reads another.")
@output_options
def remote() -> None:
    """Look after the keys by which one cluster reads another. docs/remotes.md says how both sides are declared.

    \b
    Examples:
      portcullis remote keys logs
      portcullis remote rotate orders dc2
      portcullis remote offer for-orders -d logs --sign-with offers.key
      portcullis remote migrate orders dc2 --plan
    """


@remote.command("keys", short_help="Show which keys a deployment gives and uses, and when they end.")
@click.argument("target", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@account_options
def remote_keys(target: str) -> None:
    """Show which keys a deployment gives to other clusters and which it reads others with: id, name, end, who uses them. Never their text.

    \b
    Examples:
      portcullis remote keys logs
      portcullis remote keys orders --json | jq '.used[] | {alias, key, in_use, expires}'
    """
    found = run("remote-keys", account.target(target).deployment)
    if console().as_data:
        console().data(found)
        return
    if not (found["offered"] or found["used"] or found["others"]):
        console().text(f"{found['deployment']}: it gives no key to another cluster, and reads none with one")
    for one in found["offered"]:
        read = f"read by {', '.join(one['readers'])}" if one["readers"] else "read by nobody who is deployed here"
        console().text(f"offers {one['offer']} in the secret {one['secret']}, {read}", bold=True)
        for key in one["keys"]:
            _show_key(key)
        if not one["keys"]:
            console().text("  no key yet", fg="yellow")
    for one in found["used"]:
        console().text(f"reads {one['other']} as {one['alias']}, by {one['model']}", bold=True)
        if one["in_use"] or one["key"]:
            known = f", ends {when(one['expires'])}" if one["expires"] else ""
            console().text(f"  key {line(one['in_use'] or one['key'])}{known}")
        if one["problem"]:
            console().prose(f"  {line(one['problem'])}", "    ", fg="red")
        roles = ", ".join(one["roles"]) or "none: super users alone"
        granted = f"; granted to {', '.join(one['people'])}" if one["people"] else ""
        console().prose(f"  roles: {roles}{granted}", "    ")
    if found["others"]:
        console().text("keys of nobody's offer", bold=True)
        for key in found["others"]:
            _show_key(key)
    lines("not done: a person has to decide", found["conflicts"], fg="yellow")
    lines("to be done", found["to_do"], folds=True, fg="yellow")


@remote.command("connect", short_help="Connect a domain to others of Amazon's, as its file says.")
@click.argument("target", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@account_options
def remote_connect(target: str) -> int:
    """Ask for the connections that `connections.reads` of the domain's file names and that are not there, and accept those that
    `connections.read_by` names and that wait. Then say what is right and wrong with all of them. None is ended.

    Asked again it does what is left. Deploy a changed file first: the domain's access policy, and the right to do this, come with it.

    \b
    Examples:
      portcullis remote connect orders
      portcullis remote connect orders --json | jq -r '.done[]'

    Exit status: 0 nothing is wrong, 3 something is.
    """
    found = run("remote-connect", account.target(target).deployment)
    if console().as_data:
        console().data(found)
        return int(found["exit_status"])
    for one in found["done"]:
        console().text(line(one), fg="green")
    if not (found["done"] or found["findings"]):
        console().text(f"{found['deployment']}: its file names no other domain, and none is connected")
    show_findings(found)
    return int(found["exit_status"])


def _show_key(key: Any) -> None:
    end = f"ends {when(key['expires'])}" if key["expires"] else "never ends"
    state = "has ended" if key["expired"] else "in the secret" if key["in_secret"] else "not in the secret"
    console().text(f"  {line(key['id'])}  {line(key['name'])}, made by {line(key['owner'])}, {end}, {state}")


@remote.command("rotate", short_help="Replace the key that another cluster is read with.")
@click.argument("target", metavar="DEPLOYMENT|FILE", shell_complete=deployments_here)
@click.argument("alias")
@click.option("--leaked", is_flag=True, help="Somebody else has the key: another one in any case.")
@account_options
def remote_rotate(target: str, alias: str, leaked: bool) -> None:
    """Replace the key that DEPLOYMENT reads ALIAS with, while people read on: a new key, the keystores of the nodes, seen in use, and then
    the old one is ended.

    Cut off, it goes on when it is asked for again. Where a keystore cannot be written from here it is refused, and the old key stands;
    runbooks/remote-key-ending.md says what to do by hand.

    \b
    Examples:
      portcullis remote rotate orders dc2
      portcullis remote rotate orders dc2 --leaked
    """
    found = run("remote-rotate", account.target(target).deployment, alias=alias, leaked=leaked)
    if console().as_data:
        console().data(found)
        return
    ended = f"; ended: {', '.join(found['ended'])}" if found["ended"] else ""
    whose = f" of {found['offer']} of {found['of']}" if found["of"] else ""
    console().prose(f"{', '.join(found['readers'])}: read with the key {found['key']}{whose}{ended}", "", fg="green")


remote.add_command(remote_accept)
remote.add_command(remote_migrate)
remote.add_command(remote_check)
remote.add_command(remote_explain)
remote.add_command(remote_harden)
remote.add_command(remote_offer)
