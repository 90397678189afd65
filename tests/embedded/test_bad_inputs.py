"""`make demo` given what will not do: one clear error, the right exit status, and no process left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local import embedded
from local.people import until

pytestmark = pytest.mark.embedded
PROJECT = embedded.PROJECT
FOLDERS = ("local", "layers", "stacks", "functions", "deployments", "runbooks")
FILES = ("app.py", "cdk.json", "pyproject.toml", "requirements.txt")


class Clone:
    """The project in a folder of its own, so that nothing here meets what runs in the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        without = shutil.ignore_patterns(".build", "__pycache__")
        for name in FOLDERS:
            shutil.copytree(PROJECT / name, folder / name, ignore=without)
        for name in FILES:
            shutil.copy(PROJECT / name, folder / name)
        shutil.copy(PROJECT / "layers" / "build.py", folder / "layers" / "build.py")
        for shared in (PROJECT / "layers" / ".build", embedded.CACHE):
            shared.mkdir(parents=True, exist_ok=True)  # in a fresh checkout nothing was built or fetched yet
        (folder / "layers" / ".build").symlink_to(PROJECT / "layers" / ".build")
        self.home = folder / ".portcullis"
        self.home.mkdir()
        self.with_cache()
        self.started: list[subprocess.Popen[str]] = []

    def with_cache(self) -> None:
        (self.home / "cache").symlink_to(embedded.CACHE)

    def without_cache(self) -> None:
        (self.home / "cache").unlink()

    def start(self, **environment: str) -> subprocess.Popen[str]:
        given = {k: v for k, v in os.environ.items() if not k.startswith("PORTCULLIS_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "local.story"],
            cwd=self.folder,
            env=given | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """What a test that failed left running."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=60)
        self.started.clear()

    def run(self, **environment: str) -> tuple[int, str]:
        """Exit status and everything that was written."""
        process = self.start(**environment)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def processes(self) -> list[str]:
        """Whatever runs that has to do with this folder."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), process.cwd()]
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if any(str(self.folder) in word for word in words):
                found.append(f"{process.pid} {' '.join(words)[:200]}")
        return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone") / "portcullis")


@pytest.fixture
def clone(shared: Clone) -> Iterator[Clone]:
    yield shared
    shared.end()
    shutil.copytree(PROJECT / "deployments", shared.folder / "deployments", dirs_exist_ok=True)
    if not (shared.home / "cache").exists():
        shared.with_cache()


def errors(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("portcullis:")]


def is_one_clear_error(said: str, *words: str) -> None:
    assert "Traceback" not in said
    assert len(errors(said)) == 1, said
    for word in words:
        assert word in errors(said)[0]


def spoil(old: str, new: str) -> Callable[[Clone], None]:
    def edit(clone: Clone) -> None:
        file = clone.folder / "deployments" / "demo.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (spoil("alerts: {}", "alert: {}"), ["line ", "unknown key 'alert'", "alerts"]),
        (spoil("level: dashboard,", "level: dashbord,"), ["no level 'dashbord'", "dashboard"]),
        (spoil("cognito_group: dashboards}", "cognito_group: nobody}"), ["no Cognito group 'nobody'", "dashboards"]),
        (spoil("iam_group: catalyst-support}", "iam_group: nobody}"), ["IAM group 'nobody'", "catalyst-support"]),
        (spoil("deployment: demo", "deployment: [demo"), ["demo.yaml", "line "]),
    ],
    ids=["unknown key", "unknown level", "no such Cognito group", "no such IAM group", "no YAML"],
)
def test_a_wrong_deployment_file_is_said_before_anything_starts(
    clone: Clone, wrong: Callable[[Clone], None], words: list[str]
) -> None:
    wrong(clone)
    began = time.monotonic()
    status, said = clone.run()
    is_one_clear_error(said, "demo.yaml", *words)
    assert status == 2
    assert time.monotonic() - began < 60
    assert not (clone.home / "run" / "node").exists(), "nothing was started"


@pytest.mark.parametrize("name", ["PORTCULLIS_DOOR_PORT", "PORTCULLIS_AWS_PORT"])
def test_a_port_in_use_is_named_with_who_holds_it(clone: Clone, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = clone.run(**{name: str(port)})
    assert status == 2
    is_one_clear_error(said, f"port {port} is in use", f"process {os.getpid()}", "another port")


def test_what_is_no_port_is_said_so(clone: Clone) -> None:
    status, said = clone.run(PORTCULLIS_DOOR_PORT="https")
    assert status == 2
    is_one_clear_error(said, "PORTCULLIS_DOOR_PORT", "'https' is no port")


@pytest.mark.parametrize(
    ("names", "words"), [((), ["no deployment file"]), (("orders",), ["no deployment 'demo'", "demo.yaml", "orders"])]
)
def test_a_folder_without_the_deployment_that_is_furnished_is_said_so(
    clone: Clone, tmp_path: Path, names: tuple[str, ...], words: list[str]
) -> None:
    text = (PROJECT / "deployments" / "demo.yaml").read_text()
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(text.replace("deployment: demo\n", f"deployment: {name}\n"))
    status, said = clone.run(PORTCULLIS_DEPLOYMENTS=str(tmp_path))
    assert status == 2
    is_one_clear_error(said, str(tmp_path), *words)


def test_a_release_that_is_not_there_is_said_with_those_that_are(clone: Clone) -> None:
    status, said = clone.run(PORTCULLIS_OPENSEARCH="9.9.9")
    assert status == 2
    is_one_clear_error(said, "9.9.9", "3.4.0", "2.19.3")


def test_a_first_start_without_a_network_is_one_clear_error(clone: Clone) -> None:
    clone.without_cache()
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), nowhere)
    status, said = clone.run(**proxies, no_proxy="127.0.0.1,localhost")
    assert status == 1
    is_one_clear_error(said, "network")
    shutil.rmtree(clone.home / "cache", ignore_errors=True)


def test_a_second_one_at_the_same_time_is_refused_and_names_the_first(clone: Clone) -> None:
    with embedded.only_one(clone.home):
        status, said = clone.run()
    assert status == 1
    is_one_clear_error(said, f"process {os.getpid()}", "make down")


# ---------------------------------------------------------------------- ended in the middle


def started(clone: Clone, sign: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A story that has come as far as this sign on its screen."""
    process, seen = clone.start(), []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(line)
        if re.search(sign, line):
            return process, seen
    pytest.fail("".join(seen))


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def nothing_is_left(clone: Clone) -> None:
    until(lambda: not clone.processes(), within=15, what=f"no process is left: {clone.processes()}")


def test_ctrl_c_while_it_starts_leaves_no_process_behind(clone: Clone) -> None:
    process, _ = started(clone, r"OpenSearch .* (up|ready|at )|emulated AWS at")
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert status == 130
    assert "Traceback" not in said
    nothing_is_left(clone)


@pytest.mark.parametrize(
    ("part", "named", "sign"),
    [
        ("local.node.launch", "OpenSearch", "People join groups"),
        ("local.aws.launch", "the emulated AWS", "emulated AWS at"),
    ],
    ids=["the node, in the story", "the emulated AWS, while it is deployed into"],
)
def test_a_part_that_crashes_is_named_and_nothing_else_is_left(clone: Clone, part: str, named: str, sign: str) -> None:
    process, _ = started(clone, sign)
    family = psutil.Process(process.pid).children(recursive=True)
    victim = next(one for one in family if part in " ".join(one.cmdline()) and "local.processes" not in one.cmdline())
    victim.kill()
    status, said = ended(process)
    assert status == 1
    is_one_clear_error(said, named)
    nothing_is_left(clone)
