"""`make up` and `make down`: the embedded default, left running, with somebody to sign in as and something to try."""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is imported ends it at once, and shows no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from portcullis.adapters.passwords.aws import SecretsManager
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.people.passwords import secret_of

from local import embedded, two_teams
from local.beside import OWNER as OWNER_THERE
from local.beside import Beside
from local.cluster_people import ClusterPeople
from local.live import live
from local.node.files import write_private
from local.people import People
from local.processes import end_family
from local.story.engines import Engine, engine_from_environment
from local.story.stages import DOCUMENTS, INDEX
from local.surroundings import for_a_shell, set_aside

STATE, LOG, ENVIRONMENT = embedded.HOME / "up.json", embedded.HOME / "up.log", embedded.HOME / "up.env"
PERSON, OWNER = "maya.lin.support", "you"
SERVE = (sys.executable, "-m", "local.up", "--serve")  # and the file that it writes to
PATIENCE_S = 420  # a first start fetches the packages
DOWN_WITHIN_S = 30


def up() -> int:
    """Start it in a process of its own, wait until it is ready, say how to sign in."""
    if running := _running():
        raise Refused(f"it is up already, or still starting (process {running}); `make down` ends it")
    LOG.parent.mkdir(exist_ok=True)
    # A log of our own: of two that are begun in the same instant one is refused, and each shows what became of itself.
    path = LOG.with_suffix(f".{os.getpid()}.log")
    with path.open("wb") as log, path.open("rb") as written:
        process = subprocess.Popen(
            [*SERVE, str(path)],
            cwd=embedded.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            state = _wait(process, written)
        except BaseException:
            print("ending what was started", flush=True)
            _end(process.pid)
            raise
        finally:
            path.unlink(missing_ok=True)  # of one that was refused; else it is `LOG` by now
    if state is None:
        return process.returncode or 1
    print(two_teams.welcome(state) if state["place"] == two_teams.PLACE else _welcome(state))
    return 0


def down() -> int:
    """End what `up` started."""
    running = _running()
    if not running:
        print("it is not up")
        return 0
    _end(running)
    STATE.unlink(missing_ok=True)
    print("down")
    return 0


def _end(pid: int) -> None:
    """Asked once, and killed with all that it started if it does not end in time."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        try:
            process.wait(DOWN_WITHIN_S)
        except psutil.TimeoutExpired:
            end_family(process)


def serve(log: Path) -> int:
    """The process that stays: everything up until it is told to end. Told before all is up, it ends what it has started so far.

    `log` is what it writes to, which is called `LOG` once no other runs here.
    """
    end, up_now = threading.Event(), threading.Event()

    def told_to_end(*_: Any) -> None:
        end.set()
        if not up_now.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, told_to_end)
    try:
        engine = engine_from_environment()
        with ExitStack() as parts:
            parts.enter_context(embedded.only_one())
            parts.callback(_forget)  # its own: one that is refused leaves those of the other
            _forget()  # of one that was killed
            log.replace(LOG)
            whole = parts.enter_context(engine.running(engine.parts, lambda line: print(line, flush=True)))
            state = two_teams.furnish(whole) if engine.of_two else _furnish(whole, engine)
            state |= _owned(whole, state.pop("exported", {}))
            page, state["page"] = parts.enter_context(live(whole.aws, embedded.REGION, embedded.HOME / "run"))
            fresh = STATE.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(state))
            fresh.replace(STATE)
            up_now.set()
            told = False
            while not end.wait(1):
                whole.check()
                if (death := page.death()) and not told:  # who reads the page is told by it; the rest stays up
                    told = True
                    print(f"portcullis: {death}", flush=True)
    except PortcullisError as error:
        print(f"portcullis: {error}", flush=True)
        return error.exit_status
    return 0


def _forget() -> None:
    for left in (STATE, ENVIRONMENT):
        left.unlink(missing_ok=True)


def _furnish(whole: embedded.Embedded, engine: Engine) -> dict[str, Any]:
    """Documents to look at, and a person to sign in as."""
    cast = engine.cast(whole)
    people = cast.people
    for number, document in enumerate(DOCUMENTS):
        cast.application.ask("PUT", f"/{INDEX}/_doc/{number}?refresh=true", document)
    people.join(people.cognito_user(PERSON), "dashboards")
    return {
        "door": whole.door,
        "beside": {name: whole.at(name).door for name in whole.parts.beside},
        "by_password": _by_password(whole, embedded.HOME / "run"),
        "ca": _short(whole.door_ca),
        "pool": people.pool,
        "place": engine.place,
        "node": _administered(whole),
        "search": _search(people, whole, embedded.HOME / "run"),
    }


def _by_password(whole: embedded.Embedded, home: Path) -> dict[str, list[str]]:
    """Deployment -> a user of its internal user database, and the command by which they ask who they are there. Their password lies in
    a file that is theirs."""
    found = {}
    for name in whole.parts.beside:
        one = embedded.declared(whole.parts, name)
        if one.configuration != "internal" or not one.passwords:
            continue
        user, secret = next(iter(sorted(one.passwords.items())))
        password = SecretsManager(whole.aws.client("secretsmanager")).password(secret or secret_of(name, user))
        login = home / f"{name}.curl"
        proof = f'user = "{user}:{password}"\ncacert = "{_short(whole.door_ca)}"\nnoproxy = "*"\n'
        write_private(login, proof.encode())
        found[name] = [user, f"curl -K {_short(login)} https://{whole.at(name).door}/_plugins/_security/authinfo"]
    return found


def _owned(whole: embedded.Embedded, exported: dict[str, str]) -> dict[str, Any]:
    """An owner of the account, whose keys are in a file to be read by a shell, with what else is `exported` there."""
    iam = whole.aws.client("iam")
    iam.create_user(UserName=OWNER)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName=OWNER, PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=OWNER)["AccessKey"]
    variables = {
        "AWS_ENDPOINT_URL": whole.aws.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": embedded.REGION,
        **exported,
    }
    ENVIRONMENT.touch(mode=0o600)
    ENVIRONMENT.write_text(for_a_shell(variables.items()))
    return {
        "pid": os.getpid(),
        "aws": whole.aws.endpoint,
        "key": whole.output("KeyArn"),
        "topic": whole.output("AlertTopic"),
        "ledger": whole.output("LedgerTable"),
    }


def _administered(whole: embedded.Embedded) -> dict[str, str]:
    """How the node is asked by its own administrator, past the front door: for a rehearsal of what somebody changes by hand."""
    if isinstance(whole, Beside):
        login = embedded.HOME / "run" / "owner.json"
        write_private(login, json.dumps([OWNER_THERE, whole.owner]).encode())
        return {"url": whole.node.url, "ca": _short(whole.door_ca), "login": _short(login)}
    certificate, key = whole.node.admin.pair
    files = {"ca": whole.node.ca, "certificate": Path(certificate), "key": Path(key)}
    return {"url": whole.node.url, **{name: _short(path) for name, path in files.items()}}


def _search(people: People, whole: embedded.Embedded, home: Path) -> str:
    """The command by which the person searches. What they prove themselves with lies in a file that is theirs."""
    login = home / "maya.curl"
    if isinstance(people, ClusterPeople):
        proof, path = f'user = "{PERSON}:{people.password(PERSON)}"', f"{whole.door}/{INDEX}/_search"
    else:
        proof, path = (
            f'header = "Authorization: Bearer {people.token(PERSON)}"',
            f"{whole.door}/_dashboards/{INDEX}/_search",
        )
    write_private(login, f'{proof}\ncacert = "{_short(whole.door_ca)}"\nnoproxy = "*"\n'.encode())
    return f"curl -K {_short(login)} https://{path}"


def _wait(process: subprocess.Popen[bytes], written: BinaryIO) -> dict[str, Any] | None:
    """Show its progress, by what it has `written`, until it is ready; None if it ended before."""
    deadline, rest = time.monotonic() + PATIENCE_S, b""
    while time.monotonic() < deadline:
        ended = process.poll() is not None  # before what it wrote is read: its last words are shown, too
        *lines, rest = (rest + written.read() + b"\n" * ended).split(b"\n")
        for line in (one.decode(errors="replace") for one in lines if one or not ended):
            print(f"  {line}", file=sys.stderr if line.startswith("portcullis:") else sys.stdout, flush=True)
        if (state := _state()) and state["pid"] == process.pid:
            return state
        if ended:
            return None
        time.sleep(0.2)
    raise PortcullisError(f"it was not up within {PATIENCE_S} s; see {_short(LOG)}")


def _state() -> dict[str, Any] | None:
    """What is said of the one that is up."""
    try:
        state: dict[str, Any] = json.loads(STATE.read_text())
    except FileNotFoundError:
        return None
    return state


def _running() -> int | None:
    """The process of an earlier `up`, if it still is that; also one that is still starting."""
    try:
        pid = int(embedded.LOCK.read_text())
        process = psutil.Process(pid)
        ours = "local.up" in process.cmdline() and Path(process.cwd()) == embedded.PROJECT
    except (OSError, ValueError, psutil.Error):
        return None
    return pid if ours else None


def _short(path: Path) -> str:
    return str(path.relative_to(embedded.PROJECT))


def _welcome(state: dict[str, Any]) -> str:
    beside = ""
    for name, door in state["beside"].items():
        beside += f"\nBeside it, {name} behind https://{door}."
        if name in state["by_password"]:
            user, command = state["by_password"][name]
            beside += f" Its users sign in with user name and password, {user} for one:\n  {command}"
    return f"""
The embedded default is up: {state["place"]} behind https://{state["door"]}, emulated AWS at {state["aws"]}.{beside}

{PERSON} is in the group `dashboards` only; their search is refused:
  {state["search"]}

As the owner of the account (the keys are in .portcullis/up.env, for the `portcullis` command and the AWS CLI alike):
  . .portcullis/up.env
  .venv/bin/portcullis status demo
  .venv/bin/python -m local.try_it join {PERSON} support   # AdminAddUserToGroup; then search again
  .venv/bin/python -m local.try_it disable-key                    # the gate drops; `enable-key` lifts it
  .venv/bin/portcullis history demo

Who may see what, and the timeline, move as you do it: {state["page"]}demo
The address is for you: whoever has it reads the page.

On call for the first time? `make rehearse PAGE=drift` plays an incident of the runbooks, and shows the alerts as they arrive.
`make down` ends it."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--down", action="store_true", help="end what was left running")
    parser.add_argument("--serve", metavar="LOG", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    set_aside()
    try:
        if asked.serve:
            return serve(asked.serve)
        return down() if asked.down else up()
    except PortcullisError as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
