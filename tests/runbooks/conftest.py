"""The embedded default for the runbooks: one of its own, since its end is a deletion.

With documents, a snapshot, and a person on call who has credentials.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from portcullis.adapters.ledger.dynamo import DynamoLedger

from local import embedded
from local.people import People, until
from local.story.stages import DOCUMENTS, INDEX
from tests.runbooks.command_lines import aws_call
from tests.runbooks.pages import Command

MORE = "\nsnapshots: {restore_sample: catalyst-orders}\n"
_PATIENCE_S = 60.0


@dataclass
class OnCall:
    """A person with a shell, an account, and a page to follow."""

    up: embedded.Embedded
    environment: dict[str, str]

    @property
    def key(self) -> str:
        return self.up.output("KeyArn").rsplit("/", 1)[-1]

    def said(self, text: str) -> str:
        """A line of a page with what earlier output showed in place of its placeholders."""
        if "SNAPSHOT" in text:
            listed = json.loads(self.portcullis("snapshot", "list", "demo", "--json")[1])
            text = text.replace("SNAPSHOT", next(one["snapshot"] for one in listed if one["state"] == "SUCCESS"))
        return text.replace("KEY-ID", self.key)

    def portcullis(self, *words: str) -> tuple[int, str]:
        """The command as it is installed: exit status, and what both streams show."""
        done = subprocess.run(
            [sys.executable, "-m", "portcullis.cli.main", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        return done.returncode, done.stdout

    def follow(self, command: Command) -> None:
        """Type a line of a page and see that it prints what the page says: at once, or after a while where it only looks."""
        line = Command(command.page, self.said(command.line), self.said(command.prints), True, command.exit)
        if line.words[0] == "aws":
            service, method, arguments = aws_call(line.words[1:])
            getattr(self.up.aws.client(service), method)(**arguments)
            return
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            status, printed = self.portcullis(*line.words[1:])
            if line.exit in (None, status) and line.matches(printed):
                return
            looks = line.words[1] in ("status", "guard", "list", "history", "key", "sweep", "restorability")
            assert looks, f"{line.page}: {line.line}\nexit {status}\n{printed}"
            assert time.monotonic() < deadline, f"{line.page}: {line.line}\nexit {status}\n{printed}"

    def state(self) -> str:
        shown: list[dict[str, Any]] = json.loads(self.portcullis("list", "--json")[1])
        return str(shown[0]["state"])

    def wait_for(self, state: str) -> None:
        """Asks the ledger, and the command once it is so: a process and a function at every look would hold up what is waited for."""
        ledger = DynamoLedger(self.up.aws.client("dynamodb"), self.up.output("LedgerTable"))
        until(lambda: ledger.custody("demo").state.value == state, what=f"demo is {state}")
        assert self.state() == state


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
