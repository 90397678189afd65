"""The page of `portcullis report`, served on loopback while `make up` runs, and made anew as things change."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portcullis.errors import PortcullisError

from local.processes import LOOPBACK, Child, free_port, last_lines

PORT, PATH = "PORTCULLIS_LIVE_PORT", "PORTCULLIS_LIVE_PATH"
READER = "live-page"
UP_WITHIN_S = 60


@contextmanager
def live(aws: Any, region: str, home: Path) -> Iterator[tuple[Child, str]]:
    """The server as a process of its own, and its address. It is a user of the account who has `portcullis-look` and no other right.

    `aws`: the emulated AWS, with Portcullis deployed; `home`: a folder for its log.
    """
    port, path = free_port(), secrets.token_urlsafe(18)
    # Of what is ours only what a program needs to run: no credentials of anybody else.
    around = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PORTCULLIS_"))}
    given = _reader(aws) | {"AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": region}
    nobody = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    child = Child(
        "the live page",
        [sys.executable, "-m", "local.live"],
        log=home / "live.log",
        env={**around, **given, **nobody, PORT: str(port), PATH: path},
        guarded=False,  # it watches its life line itself
    )
    child.start()
    try:
        _wait(child, port)
        yield child, f"http://{LOOPBACK}:{port}/{path}/"
    finally:
        child.stop()


def _reader(aws: Any) -> dict[str, str]:
    iam = aws.client("iam")
    iam.create_user(UserName=READER)
    iam.attach_user_policy(UserName=READER, PolicyArn=f"arn:aws:iam::{aws.account}:policy/portcullis-look")
    key = iam.create_access_key(UserName=READER)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def _wait(child: Child, port: int) -> None:
    until = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < until:
        child.check()
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.1)
    raise PortcullisError(f"{child.name} did not listen within {UP_WITHIN_S} s; its log:\n{last_lines(child.log)}")
