"""Play the incident of a page of runbooks/ on what `make up` left running, show the alerts as they arrive, and put it back.

python -m local.rehearsal PAGE          follow the page yourself, in another shell; press Enter when it is over
python -m local.rehearsal PAGE --follow the page's own commands are typed for you
python -m local.rehearsal --list        which pages have an incident
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is imported ends it at once, and shows no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError
from portcullis.errors import BadInput, PortcullisError, Refused

from local.embedded import PROJECT, REGION
from local.rehearsal.following import NotAsThePageSays, as_installed, follow
from local.rehearsal.incidents import INCIDENTS, WITHOUT
from local.rehearsal.listening import Subscriber
from local.rehearsal.pages import NAMES, PLACES, page
from local.rehearsal.stand import DEPLOYMENT, Stand, state
from local.surroundings import set_aside
from local.up import ENVIRONMENT, STATE


class RunningDefault:
    """The Stand that `make up` left running, as the owner of its account."""

    def __init__(self, up: dict[str, Any], environment: dict[str, str]) -> None:
        self._up, self._environment = up, environment
        self._session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )

    @property
    def place(self) -> str:
        return str(self._up["place"])

    @property
    def key(self) -> str:
        return str(self._up["key"]).rsplit("/", 1)[-1]

    @property
    def ledger(self) -> str:
        return str(self._up["ledger"])

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._environment["AWS_ENDPOINT_URL"])

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """As the node's own administrator, in whose hands a domain's master would be; of a cluster, as whoever runs it."""
        node = self._up["node"]
        with requests.Session() as session:
            session.trust_env = False
            if self.place == "cluster":
                session.auth = tuple(json.loads((PROJECT / node["login"]).read_text(encoding="utf-8")))
            else:
                session.cert = (str(PROJECT / node["certificate"]), str(PROJECT / node["key"]))
            answer = session.request(
                method, node["url"] + path, json=body, timeout=30, verify=str(PROJECT / node["ca"])
            )
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def portcullis(self, *words: str) -> tuple[int, str]:
        return as_installed({**os.environ, **self._environment, "NO_COLOR": "1"}, words)


def rehearse(stand: Stand, topic: str, name: str, *, follows: bool, tell: Callable[[str], object]) -> None:
    """Play the incident of a page, until it is over and put back. `follows`: the page's own commands are typed for whoever is there.

    Raises Refused unless the deployment is open, NotAsThePageSays, RuntimeError and TimeoutError of the incident itself.
    """
    if (now := state(stand)) != "open":
        raise Refused(f"{DEPLOYMENT} is {now}: a rehearsal begins with an open deployment")
    incident = INCIDENTS[stand.place][name]
    listening = Subscriber(stand.client, topic, f"rehearsal-{uuid4().hex}", tell)
    with listening:
        tell(f"What happens: {incident.happens}.")
        with incident.played(stand):
            stand.portcullis("sweep")  # what only the sweep sees is told now instead of within minutes
            listening.hear()
            if follows:
                for command in page(name).typed(stand.place):
                    follow(stand, command, tell)
            else:
                tell(f"Now follow runbooks/{name}.md in another shell (. .portcullis/up.env first).")
                input("Press Enter when it is over; what is left of it is put back then. ")
            tell("Putting back what is left of it.")
    tell(f"{DEPLOYMENT} is {state(stand)}.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.rehearsal", description="play an incident of the runbooks")
    parser.add_argument("page", nargs="?", help="a page of runbooks/, as drift")
    parser.add_argument("--follow", action="store_true", help="the page's own commands are typed for you")
    parser.add_argument("--list", action="store_true", help="which pages have an incident")
    asked = parser.parse_args()
    set_aside()
    try:
        if asked.list or not asked.page:
            _list()
            return 0 if asked.list else 2
        stand, topic = _running(asked.page)
        rehearse(stand, topic, asked.page, follows=asked.follow, tell=lambda line: print(line, flush=True))
    except PortcullisError as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return error.exit_status
    except (NotAsThePageSays, RuntimeError, TimeoutError, BotoCoreError, ClientError) as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("portcullis: interrupted; what was left of it is put back", file=sys.stderr)
        return 130
    return 0


def _list() -> None:
    """Of what is up; of a domain if nothing is."""
    place = str(json.loads(STATE.read_text())["place"]) if STATE.exists() else PLACES[0]
    place = place if place in PLACES else "cluster"
    for name, incident in INCIDENTS[place].items():
        print(f"{name:<22} {incident.happens}")
    for name, why in WITHOUT[place].items():
        print(f"{name:<22} nothing to play: {why}")


def _running(name: str) -> tuple[RunningDefault, str]:
    """What `make up` left running, and the topic of its alerts."""
    if name not in NAMES:
        raise BadInput(f"no page {name!r}", source="command", remedy=f"one of {', '.join(NAMES)}")
    try:
        up = json.loads(STATE.read_text())
        lines = ENVIRONMENT.read_text().splitlines()
    except FileNotFoundError:
        raise Refused("nothing is up; `make up` first") from None
    if (place := up["place"]) not in PLACES:
        raise Refused("incidents are played on one deployment: `make down`, then `make up` without CLUSTERS=2")
    if name in WITHOUT[place]:
        raise BadInput(
            f"{name} has no incident to play on a {place}: {WITHOUT[place][name]}",
            source="command",
            remedy="--list has those that do",
        )
    prefix = "export "
    keys = [line.removeprefix(prefix) for line in lines if line.startswith(f"{prefix}AWS_")]
    environment = dict(line.split("=", 1) for line in keys)
    return RunningDefault(up, environment), str(up["topic"])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
