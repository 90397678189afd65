"""What all verbs that reach into the account have in common: whom they mean, how they get there, how they show that they wait."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from portcullis.cli.console import output_options
from portcullis.cli.files import write_back
from portcullis.errors import BadInput, PortcullisError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from portcullis.model import Deployment

F = TypeVar("F", bound=Callable[..., Any])

PLAN_VERSION = 1
FOLDER = "deployments"  # of the files, where somebody works on them
_OPTIONS = "portcullis.account"
_SILENT_SECONDS = 2.0
_TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """What a verb is about: a deployment, and what was read of a file if one was named. `expected` and `adopt` are a saved plan's."""

    deployment: str
    text: str | None = None
    file: Path | None = None
    expected: str = ""
    adopt: bool = False
    only: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """The text, for verbs that take one."""
        return {} if self.text is None else {"text": self.text}


def account_options(command: F) -> F:
    """--direct, --region, --profile, --json."""

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        context.meta.setdefault(_OPTIONS, {})[str(parameter.name)] = value

    def option(*names: str, help: str, **more: Any) -> Callable[[F], F]:  # noqa: A002 - click's own word
        return click.option(*names, expose_value=False, callback=remember, help=help, **more)

    command = option("--direct", is_flag=True, help="Run it here, not in the account: needs a road to the domain.")(
        command
    )
    command = option("--region", metavar="REGION", help="Default: that of the profile or the environment.")(command)
    command = option("--profile", metavar="NAME", help="Profile of ~/.aws/config.")(command)
    return output_options(command)


def only_some(command: F) -> F:
    """--only."""
    return click.option(
        "--only",
        metavar="NAME",
        multiple=True,
        help="Of the file, what it says of this role, level, action group, tenant or user alone. May be given several times.",
    )(command)


def deployments_here(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers where a deployment is to be named: those that have a file here, and else files. Nobody is asked."""
    from click.shell_completion import CompletionItem

    from portcullis.model.account import deployment_files

    names = sorted(path.stem for path in deployment_files(Path(FOLDER)))
    fitting = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return fitting or [CompletionItem(incomplete, type="file")]


def run(verb: str, deployment: str | None = None, **arguments: Any) -> Any:
    """The answer of a verb, run in the account as this command line asks."""
    from portcullis.entry.ask import ask

    context = click.get_current_context()
    options = context.meta.get(_OPTIONS, {})
    command = " ".join(filter(None, (context.command_path, deployment)))
    try:
        with waiting(command):
            return ask(verb, deployment, arguments, command=command, **options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "what has reached the account goes on there; asking again waits for it, and finishes what is left"
        ) from None


def own_credentials() -> AbstractContextManager[None]:
    """For what is asked of AWS without the account's functions: with the credentials and the Region this command line names."""
    from portcullis.entry.ask import as_ourselves

    return as_ourselves(**click.get_current_context().meta.get(_OPTIONS, {}))


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """After two seconds, say on a terminal that it is still going on, and for how long; gone without a trace when it is over."""
    stream = sys.stderr
    if not stream.isatty():
        yield
        return
    over, began = threading.Event(), time.monotonic()

    def show() -> None:
        wait = _SILENT_SECONDS
        while not over.wait(wait):
            wait = _TICK_SECONDS
            stream.write(f"\r{what}: {time.monotonic() - began:.0f} s ")
            stream.flush()

    shower = threading.Thread(target=show, daemon=True)
    shower.start()
    try:
        yield
    finally:
        over.set()
        shower.join()
        if time.monotonic() - began >= _SILENT_SECONDS:
            stream.write("\r\x1b[K")
            stream.flush()


def target(given: str | None) -> Target:
    """A deployment by name, by its file, or by a saved plan; the only file in deployments/ if nothing is given. BadInput otherwise."""
    if given is None:
        return _from_file(_only_file())
    if not given.strip():
        raise BadInput("an empty name is given", source="command", remedy="name a deployment, or its file")
    path = Path(given)
    if "/" in given or path.suffix in (".yaml", ".yml", ".json", ".plan") or is_file(path):
        return _from_file(path)
    return Target(given)


def file_of(about: Target) -> Path:
    """The file that was named, or the one that a deployment of this name has here."""
    return about.file or Path(FOLDER) / f"{about.deployment}.yaml"


def files_in(folder: Path) -> dict[str, Deployment]:
    """The deployments of the files in a folder, as far as these can be read."""
    from portcullis.model import deployment_files, load

    found: dict[str, Deployment] = {}
    for path in deployment_files(folder):
        try:
            one = load(path)
        except BadInput:
            continue
        found[one.deployment] = one
    return found


def is_file(path: Path) -> bool:
    """Whether there is such a file. What cannot even be the name of one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _only_file() -> Path:
    from portcullis.model import deployment_files

    found = deployment_files(Path(FOLDER))
    if len(found) != 1:
        names = ", ".join(path.stem for path in found) or "none"
        raise BadInput(
            f"which deployment is meant ({FOLDER}/ has {names})?", source="command", remedy="name it, or its file"
        )
    return found[0]


def _from_file(path: Path) -> Target:
    from portcullis import model

    text = model.text_of(path)  # once: the second time a pipe is empty, and a file may be another one
    larger = len(text) > model.LARGEST and text.startswith("{") and path.is_file()
    saved = _saved_plan(path, path.read_text("utf-8") if larger else text)
    if saved is not None:
        return saved
    deployment = model.loads(text, str(path))
    model.require(deployment)
    return Target(deployment.deployment, text, path)


def _saved_plan(path: Path, text: str) -> Target | None:
    """What `plan --out` wrote; None if the file is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None  # a deployment file's reader says best what is wrong with it
    if not isinstance(value, dict) or "portcullis_plan" not in value:
        return None
    wanted = {"deployment": str, "digest": str, "adopt": bool}
    wrong = [key for key, kind in wanted.items() if not isinstance(value.get(key), kind) or value[key] == ""]
    only = value.get("only", [])
    if not (isinstance(only, list) and all(isinstance(name, str) and name for name in only)):
        wrong.append("only")
    if value["portcullis_plan"] != PLAN_VERSION or wrong or not isinstance(value.get("text"), str | None):
        place = wrong[0] if wrong else "portcullis_plan"
        raise BadInput("is no plan that this version wrote", source=str(path), place=place, remedy="make a new plan")
    return Target(value["deployment"], value["text"], None, value["digest"], value["adopt"], tuple(only))


def written_back(about: Target, text: str) -> bool:
    """Put a changed text back into the file it came from; False if none was named."""
    if about.file is None:
        return False
    if text != about.text:
        try:
            write_back(about.file, about.text or "", text)
        except PortcullisError as error:
            raise PortcullisError(
                f"it is done, but not in the file ({error}): the next apply of that file takes it back;"
                f" the model in force has it: portcullis adopt {about.deployment} --out FILE"
            ) from error
    return True
