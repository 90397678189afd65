"""The embedded default for the runbooks: one of its own, since its end is a deletion; and one with an Elasticsearch beside it.

With documents, a snapshot, and people on call who have credentials: one who may do everything, and one for each managed policy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from portcullis.entry.verbs import LEVELS

from local import beside, embedded
from local.beside import Beside
from local.cluster_people import ClusterPeople
from local.people import People
from local.rehearsal.following import as_installed
from local.rehearsal.incidents import INCIDENTS
from local.story.stages import DOCUMENTS, INDEX

MORE = "\nsnapshots: {restore_sample: catalyst-orders}\n"


@dataclass
class OnCall:
    """A person with a shell, an account, and a page to follow."""

    up: embedded.Embedded
    environment: dict[str, str]
    place: str = "domain"

    def by_level(self) -> dict[str, OnCall]:
        """For each level somebody who has its managed policy, and no other right. AWS itself they ask as whoever owns the account."""
        return {level: replace(self, environment=shell(self.up, self.up.parts.home, level)) for level in LEVELS}

    @property
    def key(self) -> str:
        return self.up.output("KeyArn").rsplit("/", 1)[-1]

    @property
    def ledger(self) -> str:
        return self.up.output("LedgerTable")

    def client(self, service: str) -> Any:
        return self.up.aws.client(service)

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """As the node's own administrator; of a cluster, as whoever runs it."""
        if isinstance(self.up, Beside):
            return self.up.as_owner(method, path, body)
        status, answer = self.up.node.ask(method, path, body)
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer

    def portcullis(self, *words: str) -> tuple[int, str]:
        """The command as it is installed: exit status, and what both streams show."""
        return as_installed(self.environment, words)


@contextmanager
def brought_to(person: OnCall, page: str) -> Iterator[None]:
    """In the state that brings somebody to it, where there is something to play."""
    incident = INCIDENTS[person.place].get(page)
    with incident.played(person) if incident else nullcontext():
        yield


@pytest.fixture(scope="module")
def on_call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnCall]:
    home = tmp_path_factory.mktemp("on-call")
    files = home / "deployments"
    files.mkdir()
    (files / "demo.yaml").write_text((embedded.PROJECT / "deployments" / "demo.yaml").read_text() + MORE)
    with embedded.running(embedded.Parts(home=home / "run", deployments=files), print) as up:
        application = People(up).with_role(embedded.APPLICATION_ROLE)
        for number, document in enumerate(DOCUMENTS):
            assert application.ask("PUT", f"/{INDEX}/_doc/{number}?refresh=true", document).status_code == 201
        person = OnCall(up, shell(up, home))
        assert person.portcullis("sweep")[0] == 0  # takes the first snapshot
        assert person.portcullis("restorability", "demo")[0] == 0
        yield person


@pytest.fixture(scope="module")
def beside_a_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnCall]:
    home = tmp_path_factory.mktemp("on-call-of-a-cluster")
    parts = embedded.Parts(home=home / "run", version=beside.DEFAULT_VERSION)
    with beside.running(parts, print) as up:
        up.aws.admin("schedules", by_themselves=False)
        application = ClusterPeople(up).application()
        for number, document in enumerate(DOCUMENTS):
            assert application.ask("PUT", f"/{INDEX}/_doc/{number}?refresh=true", document).status_code == 201
        yield OnCall(up, shell(up, home), "cluster")


def shell(up: embedded.Embedded, home: Path, level: str = "") -> dict[str, str]:
    """The shell of a person who may do everything in the account; with a level, of one who has its managed policy alone."""
    iam, name = up.aws.client("iam"), f"on-{level}" if level else "of-the-pages"
    iam.create_user(UserName=name)
    if level:
        iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::{up.aws.account}:policy/portcullis-{level}")
    else:
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": up.aws.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": embedded.REGION,
        "AWS_CONFIG_FILE": str(home / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
        "NO_COLOR": "1",
    }
