"""`portcullis why`, `can`, `who-can`, `matrix`: who may see what, and why; of what is deployed, or of a file alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from portcullis.cli.account import account_options, deployments_here, file_of, files_in, run, target
from portcullis.cli.console import console
from portcullis.cli.questions.answers_shown import show_matrix, show_what_if, show_who_can, show_why
from portcullis.errors import BadInput, PortcullisError

if TYPE_CHECKING:
    from portcullis.access.questions.answers import Request
    from portcullis.operations.access.asking.scene import Scene

F = TypeVar("F", bound=Callable[..., Any])
UNKNOWN = 4


def which(command: F) -> F:
    """--deployment."""
    deployment = click.option(
        "--deployment",
        "-d",
        "target_",
        metavar="NAME|FILE",
        shell_complete=deployments_here,
        help="Which one. Default: the only file in deployments/.",
    )
    return deployment(command)


def where(command: F) -> F:
    """--deployment, --offline."""
    offline = click.option(
        "--offline",
        is_flag=True,
        help="Ask the deployment file alone; nothing has to be deployed. The network and policies are not looked at.",
    )
    return account_options(which(offline(command)))


def calls_from(command: F) -> F:
    """--from, --through."""
    through = click.option(
        "--through", "endpoint", metavar="ID", default="", help="The VPC endpoint that they call through."
    )
    return click.option("--from", "address", metavar="ADDRESS", default="", help="The IP address that they call from.")(
        through(command)
    )


def told(ask: Callable[[], Any], show: Callable[[Any], None], *, quiet: bool) -> int:
    """Show what is answered to a question of yes or no, and give its exit status. That it could not be asked must not look like a no."""
    try:
        found = ask()
    except BadInput:
        raise
    except PortcullisError as error:
        console().error(error)
        return UNKNOWN
    if not quiet:
        _show(found, show)
    return int(found["exit_status"])


def member_of(command: F) -> F:
    option = click.option(
        "--member-of",
        metavar="GROUP",
        multiple=True,
        help="With --offline: a group that PERSON is in. May be given several times.",
    )
    return option(command)


@click.command(short_help="Say why a person may see an index, or may not: the whole chain.")
@click.argument("person")
@click.argument("index")
@click.option(
    "--does", metavar="WORD", default="read", show_default=True, help="read, write, or an action by its name."
)
@calls_from
@member_of
@where
def why(
    person: str,
    index: str,
    does: str,
    address: str,
    endpoint: str,
    member_of: tuple[str, ...],
    target_: str | None,
    offline: bool,
) -> int:
    """Say why PERSON may see INDEX, or may not.

    First the answer in a sentence, then the chain: the network, the domain's access policy and IAM policies, the person, their groups, the
    role that their token carries, how the engine names them, the mappings, the permissions, and the lock. Each link says since when it is
    so and by which event, where the history knows. Of a file alone (--offline) it begins with the person.

    PERSON is a name, an ARN, or KIND:NAME (cognito_user, iam_user, iam_role, internal_user). What only the engine can tell is said to be
    unknown, with the reason; so is a condition of a policy whose value is not given (--from, --through).

    ALIAS:INDEX is one of another Elasticsearch cluster: both sides are asked, or the files of both with --offline.

    \b
    Examples:
      portcullis why anna catalyst-orders-2026
      portcullis why cognito_user:anna 'catalyst-*' --does write
      portcullis why kim catalyst-orders-2026 --from 10.64.3.7
      portcullis why anna catalyst-orders-2026 --offline --member-of analysts
      portcullis why anna dc2:logs-1

    Exit status: 0 answered, 2 bad input.
    """
    found = _about("why", target_, offline, person, does, index, member_of, address=address, endpoint=endpoint)
    _show(found, show_why)
    return 0


@click.command(short_help="Say in one sentence whether a person may do something.")
@click.argument("person")
@click.argument("does", metavar="METHOD|read|write|ACTION")
@click.argument("what", metavar="PATH|INDEX")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit status is the answer.")
@click.option(
    "--document",
    metavar="FILE|-",
    help="Show what they would see of a document, or of those that a search answered. It is read here, and sent nowhere.",
)
@calls_from
@member_of
@where
def can(
    person: str,
    does: str,
    what: str,
    quiet: bool,
    document: str | None,
    address: str,
    endpoint: str,
    member_of: tuple[str, ...],
    target_: str | None,
    offline: bool,
) -> int:
    """Say in one sentence whether PERSON may do something, and then why.

    \b
    Examples:
      portcullis can anna GET catalyst-orders-2026/_search
      portcullis can anna write 'catalyst-*'
      portcullis can anna GET 'dc2:logs-*,-dc2:logs-old/_search'
      portcullis can anna read catalyst-orders-2026 --document order.json
      portcullis can kim read payroll-2026 -q || echo "kim may not, or nobody can tell"

    Exit status: 0 yes, 1 no, 2 bad input, 4 unknown (also where nobody could be asked).
    """
    place = {"address": address, "endpoint": endpoint}
    if document is None:
        return told(
            lambda: _about("can", target_, offline, person, does, what, member_of, **place), show_why, quiet=quiet
        )
    from portcullis.cli.questions.of_documents import add_documents, read_documents, require_reading, show_documents

    require_reading(does, what)
    documents = read_documents(document)

    def ask() -> Any:
        found = _about("can", target_, offline, person, does, what, member_of, **place)
        add_documents(found, documents)
        return found

    def show(found: Any) -> None:
        show_why(found)
        show_documents(found)

    return told(ask, show, quiet=quiet)


@click.command("who-can", short_help="List the people who may read or write some indices.")
@click.argument("does", metavar="read|write|ACTION")
@click.argument("index", metavar="INDEX|PATTERN")
@calls_from
@where
def who_can(does: str, index: str, address: str, endpoint: str, target_: str | None, offline: bool) -> int:
    """List the people who may read or write some indices, each by name and with the way by which they may.

    Whoever is behind a group that counts by its role is listed by name, too. Of a file alone (--offline) groups stand for their members.

    \b
    Examples:
      portcullis who-can read 'customers-*'
      portcullis who-can write catalyst-orders-2026 --json | jq -r '.people[].person'
      portcullis who-can read 'dc2:logs-*'
      portcullis who-can read 'customers-*' --offline -d deployments/demo.yaml

    Exit status: 0 answered, 2 bad input.
    """
    place = _place(offline, address, endpoint)
    if offline:
        from portcullis.operations.access.asking import questions

        request = _request(does, index, only_words=True)
        found = _plain(questions.who_can(scene_of(target_, names=request.names), request))
    else:
        found = run("who-can", target(target_).deployment, does=does, index=index, **place)
    _show(found, show_who_can)
    return 0


@click.command(short_help="Show people by indices: who reads and writes what.")
@click.argument("indices", nargs=-1, metavar="[PATTERN]...")
@click.option("--person", "people", metavar="PATTERN", multiple=True, help="Only these. May be given several times.")
@calls_from
@where
def matrix(
    indices: tuple[str, ...],
    people: tuple[str, ...],
    address: str,
    endpoint: str,
    target_: str | None,
    offline: bool,
) -> int:
    """Show people by indices: who reads all, who reads a part, who writes. Without PATTERN: all indices that there are. Those of
    another cluster are shown where a pattern names them (ALIAS:PATTERN).

    \b
    Examples:
      portcullis matrix
      portcullis matrix 'catalyst-*' --person 'a*'
      portcullis matrix 'orders-*' 'dc2:logs-*'
      portcullis matrix --from 10.64.3.7
      portcullis matrix --json | jq -r '.people[] | [.person, .cells[]] | @csv'

    Exit status: 0 answered, 2 bad input.
    """
    place = _place(offline, address, endpoint)
    if offline:
        from portcullis.operations.access.asking import questions

        found = _plain(questions.matrix(scene_of(target_, names=indices), indices, people))
    else:
        found = run("matrix", target(target_).deployment, indices=list(indices), people=list(people), **place)
    _show(found, show_matrix)
    return 0


@click.command("what-if", short_help="Show what a person would see if they joined a group, or left it.")
@click.argument("person")
@click.argument("does", type=click.Choice(["joins", "leaves"]))
@click.argument("group")
@calls_from
@where
def what_if(person: str, does: str, group: str, address: str, endpoint: str, target_: str | None, offline: bool) -> int:
    """Show which indices PERSON would see, or no longer see, if they joined GROUP or left it. Nothing is changed.

    \b
    Examples:
      portcullis what-if anna joins support
      portcullis what-if iam_user:kim leaves iam_group:catalyst-support

    Exit status: 0 answered, 2 bad input.
    """
    if offline:
        remedy = "portcullis can PERSON read INDEX --offline --member-of GROUP asks a file"
        raise BadInput("a file does not know who is in which group", source="command", place="--offline", remedy=remedy)
    found = run(
        "what-if",
        target(target_).deployment,
        person=person,
        does=does,
        group=group,
        **_place(offline, address, endpoint),
    )
    _show(found, show_what_if)
    return 0


def _about(
    verb: str,
    target_: str | None,
    offline: bool,
    person: str,
    does: str,
    what: str,
    groups: Iterable[str],
    *,
    address: str,
    endpoint: str,
) -> Any:
    place = _place(offline, address, endpoint)
    if not offline:
        if groups:
            remedy = "leave it out: what is deployed knows who is in which group; or add --offline"
            raise BadInput("is for --offline", source="command", place="--member-of", remedy=remedy)
        named = {"index": what} if verb == "why" else {"what": what}
        return run(verb, target(target_).deployment, person=person, does=does, **named, **place)
    from portcullis.operations.access.asking import questions

    request = _request(does, what)
    return _plain(questions.why(scene_of(target_, person, tuple(groups), request.names), person, request))


def _place(offline: bool, address: str, endpoint: str) -> dict[str, str]:
    """Where they call from, as far as it is said. BadInput where nothing would be done with it."""
    said = {name: value for name, value in (("address", address), ("endpoint", endpoint)) if value}
    if offline and said:
        remedy = "leave it out: of a file alone the network and the policies are not looked at"
        option = "--from" if "address" in said else "--through"
        raise BadInput("is for what is deployed", source="command", place=option, remedy=remedy)
    return said


def scene_of(target_: str | None, person: str = "", groups: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Scene:
    """Of a file; with what `names` mean on other clusters by the files beside it."""
    from portcullis import model
    from portcullis.access.questions.answers import is_beyond
    from portcullis.operations.access.asking.scene_of_file import of_file

    path = file_of(target(target_))
    deployment = model.load(path)
    model.require(deployment)
    scene = of_file(deployment, person, groups)
    if not any(map(is_beyond, names)):
        return scene
    from portcullis.operations.access.asking.across import reaching_by_file

    return reaching_by_file(scene, deployment, files_in(path.parent), names)


def _request(does: str, what: str, *, only_words: bool = False) -> Request:
    from portcullis.entry.verbs.asking import request_of

    return request_of(does, what, only_words=only_words)


def _plain(found: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(found)


def _show(found: Any, show: Callable[[Any], None]) -> None:
    if console().as_data:
        console().data(found)
    else:
        show(found)
