"""The embedded default for the runbooks: one of its own, since its end is a deletion.

With documents, a snapshot, and a person on call who has credentials.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import embedded
from local.people import People
from local.rehearsal.following import as_installed
from local.story.stages import DOCUMENTS, INDEX

MORE = "\nsnapshots: {restore_sample: catalyst-orders}\n"


@dataclass
class OnCall:
    """A person with a shell, an account, and a page to follow."""

    up: embedded.Embedded
    environment: dict[str, str]

    @property
    def key(self) -> str:
        return self.up.output("KeyArn").rsplit("/", 1)[-1]

    @property
    def ledger(self) -> str:
        return self.up.output("LedgerTable")

    def client(self, service: str) -> Any:
        return self.up.aws.client(service)

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """As the node's own administrator."""
        status, answer = self.up.node.ask(method, path, body)
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer

    def portcullis(self, *words: str) -> tuple[int, str]:
        """The command as it is installed: exit status, and what both streams show."""
        return as_installed(self.environment, words)


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


def shell(up: embedded.Embedded, home: Path) -> dict[str, str]:
    """The shell of a person who may do everything in the account."""
    iam = up.aws.client("iam")
    iam.create_user(UserName="of-the-pages")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="of-the-pages", PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="of-the-pages")["AccessKey"]
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
