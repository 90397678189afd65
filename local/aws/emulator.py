"""Starts the emulated AWS as a child process on loopback, waits until it is healthy, hands out clients, ends it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import string
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from portcullis.errors import BadInput, PortcullisError

from local.processes import Child, Died, check_port, last_lines

HOST = "127.0.0.1"
TOKEN_HEADER = "X-Portcullis-Admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A caller of the emulated AWS. `session_token` only for temporary credentials."""

    access_key: str
    secret_key: str
    session_token: str | None = None


class Emulator:
    """The running emulated AWS. Made by `start`; use as a context manager, or call `stop`."""

    def __init__(self, home: Path, child: Child, spec: Mapping[str, Any], ready: Mapping[str, Any]) -> None:
        self.home = home
        self.region: str = spec["region"]
        self.account: str = spec["account"]
        self.root = Credentials(spec["root"]["access_key"], spec["root"]["secret_key"])
        self.endpoint: str = ready["endpoint"]
        self.door: str | None = ready.get("door")  # host:port of the front door, if one was asked for
        self.started_in: float = ready["seconds"]
        self._child = child
        self._sessions: dict[Credentials, boto3.session.Session] = {}
        self._clients: dict[tuple[str, str, Credentials], Any] = {}
        self._making = threading.Lock()
        self._token: str = spec["admin_token"]

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        region: str = "eu-central-1",
        account: str = "111122223333",
        door: Mapping[str, Any] | None = None,
        further_doors: Sequence[Mapping[str, Any]] = (),
        lambda_environment: Mapping[str, str] | None = None,
        domain_endpoint: str | None = None,
        port: int = 0,
        tell: Callable[[str], None] = lambda _line: None,
        patience: float = 60.0,
    ) -> Emulator:
        """Start it under `home` (its state, temporary files and logs; kept until the caller removes it).

        `door`: handed to the front door, which runs as a thread of the same process (it reads the credential store).
        `further_doors`: the same for domains that have a door of their own; each becomes the endpoint of the domain it names.
        `domain_endpoint`: host:port that every other search domain is given as its endpoint; the door's address by default.
        `lambda_environment`: variables every Lambda gets beside its own (a CA bundle, say). `port` 0 takes a free one.
        Raises BadInput for a port that is taken; Died (with the end of the log) or PortcullisError when it does not come up.
        """
        if port:
            check_port(port, "the emulated AWS")
        home = home.resolve()
        for part in ("tmp", "state", "logs"):
            (home / part).mkdir(parents=True, exist_ok=True)
        spec = {
            "home": str(home),
            "region": region,
            "account": account,
            "port": port,
            "root": {"access_key": "AKIA" + _random_name(16), "secret_key": secrets.token_urlsafe(30)},
            "admin_token": secrets.token_urlsafe(24),
            "door": dict(door) if door is not None else None,
            "further_doors": [dict(one) for one in further_doors],
            "domain_endpoint": domain_endpoint,
            "ready": str(home / "ready.json"),
        }
        ready_file = home / "ready.json"
        ready_file.unlink(missing_ok=True)
        spec_file = home / "spec.json"
        spec_file.touch(mode=0o600)
        spec_file.write_text(json.dumps(spec))
        began = time.monotonic()
        child = Child(
            "the emulated AWS",
            [sys.executable, "-m", "local.aws.launch", str(spec_file)],
            log=home / "logs" / "emulator.log",
            env=_environment(home, spec, lambda_environment or {}),
            guarded=False,  # it watches its standard input itself, and takes its Lambda workers along
        )
        child.start()
        try:
            ready = _wait_until_ready(child, ready_file, patience)
        except BaseException:
            child.stop()
            raise
        ready["seconds"] = time.monotonic() - began
        tell(f"emulated AWS at {ready['endpoint']} in {ready['seconds']:.1f} s")
        return cls(home, child, spec, ready)

    def client(
        self, service: str, region: str | None = None, credentials: Credentials | None = None, **options: Any
    ) -> Any:
        """A boto3 client on the emulated AWS, as root unless other credentials are given. Who asks for the same gets the same one; with
        `options` a new one."""
        who, where = credentials or self.root, region or self.region
        plain = not options
        if plain and (made := self._clients.get((service, where, who))):
            return made
        settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}).merge(
            options.pop("config", Config())
        )
        with self._making:  # a session is not to be shared while it makes a client, and reads every service model once
            if who not in self._sessions:
                self._sessions[who] = boto3.session.Session(who.access_key, who.secret_key, who.session_token)
            made = self._sessions[who].client(
                service, region_name=where, endpoint_url=self.endpoint, config=settings, **options
            )
        if plain:  # some 30 ms of processor time each, and whoever waits for something asks for one at every look
            self._clients[service, where, who] = made
        return made

    def admin(self, what: str, **arguments: Any) -> Any:
        """Ask the emulator's admin route (see `local.aws.admin`): faults, the clock, the domain's endpoint."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is ours
            f"{self.endpoint}/_portcullis/{what}",
            data=json.dumps(arguments).encode(),
            headers={TOKEN_HEADER: self._token, "Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise BadInput(
                refused.read().decode(errors="replace"), source="the emulator's admin route", place=what
            ) from refused

    name = "the emulated AWS"

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def death(self) -> Died | None:
        """Why it is not running although nobody stopped it (what `local.processes.Supervisor` asks)."""
        return self._child.death()

    def lambda_log(self, function: str) -> Path:
        """The file the function's output lands in, line by line, as it is written."""
        return self.home / "logs" / "lambda" / f"{function}.log"

    def stop(self) -> None:
        """End it and its Lambda workers. Safe to call twice."""
        self._child.stop()
        (self.home / "spec.json").unlink(missing_ok=True)  # it holds the root credentials

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _environment(home: Path, spec: Mapping[str, Any], lambda_environment: Mapping[str, str]) -> dict[str, str]:
    """A clean environment: nothing of the person's own AWS set-up may leak into the emulator or the Lambdas."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "STATE_DIR": str(home / "state"),
        "S3_DATA_DIR": str(home / "state" / "s3"),
        "AUTH": "true",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": spec["region"],
        "MINISTACK_ACCOUNT_ID": spec["account"],
        "AWS_ACCESS_KEY_ID": spec["root"]["access_key"],
        "AWS_SECRET_ACCESS_KEY": spec["root"]["secret_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "IOT_MTLS_ENABLED": "0",  # it would listen on 0.0.0.0:8883
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",  # never look for, nor reap, someone's containers
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_WARM_TTL_SECONDS": "300",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        **lambda_environment,
    }


def _wait_until_ready(child: Child, ready_file: Path, patience: float) -> dict[str, Any]:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        child.check()
        if ready_file.exists():
            ready: dict[str, Any] = json.loads(ready_file.read_text())
            if _healthy(ready["endpoint"]):
                return ready
        time.sleep(0.05)
    raise PortcullisError(
        f"the emulated AWS was not up after {patience:.0f} s; the end of its log:\n{last_lines(child.log)}"
    )


def _healthy(endpoint: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer:  # noqa: S310
        return bool(answer.status == 200)
    return False


def _random_name(length: int) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(length))
