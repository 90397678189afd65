"""An account that is deployed with the CDK command, as README and docs/deploying.md have it typed: the first time, when that fails, again
without a change, and without one of its deployments. Every line is taken from the page.

What is not as in an account: the layer is the one for this machine, and stacks come up in seconds.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from layers import build as layer
from local import embedded
from local.deploy import Assembly
from local.deploy.command import CdkCommand, with_other_assets
from local.rehearsal.following import as_installed, aws_call
from tests.runbooks.conftest import shell

pytestmark = pytest.mark.embedded

DEMO, NAME = "demo", "orders"
DOCS = embedded.PROJECT / "docs" / "deploying.md"
REGIONS = [f"aws://{embedded.ACCOUNT}/{region}" for region in (embedded.REGION, "us-east-1")]
FILE = f"""
deployment: {NAME}
engine: OpenSearch_3.3
domain: {{configuration: api, data_nodes: {{type: r7g.large.search, count: 2, storage_gib: 50}}}}
access:
  action_groups: {{orders_reading: {{allowed_actions: [read]}}}}
  roles: {{orders_reader: {{index_permissions: [{{index_patterns: ["orders-*"], allowed_actions: [orders_reading]}}]}}}}
  grants: [{{role: orders_reader, to: {{iam_role: {embedded.APPLICATION_ROLE}}}}}]
alerts: {{}}
"""


@dataclass
class Account:
    """Somebody with the folder of deployments, the CDK command and `portcullis`."""

    up: embedded.Embedded
    home: Path
    command: CdkCommand
    shell: dict[str, str]
    made: list[Path] = field(default_factory=list)

    def assembly(self) -> Path:
        """What `app.py` makes of the files as they are now, with a layer for this machine."""
        out = embedded.synthesise(self.up.parts, print)
        layers = Assembly.read(out, account=embedded.ACCOUNT, region=embedded.REGION).layers()
        swap = dict.fromkeys(layers, layer.build("host"))
        self.made.append(with_other_assets(out, self.up.aws, swap, self.home / f"cdk-{len(self.made)}.out"))
        return self.made[-1]

    def cdk(self, *words: str) -> tuple[int, str]:
        """The command, with nobody there who could answer a question."""
        sure = {"deploy": ["--require-approval", "never"], "destroy": ["--force"]}.get(words[0], [])
        return self.command.run(*words, *sure, assembly=self.made[-1])

    def type(self, line: str) -> None:
        """A line of the page, with the deployment's name filled in; it ends well."""
        tool, *words = shlex.split(line.replace("NAME", NAME))
        if tool == "aws":
            service, method, arguments = aws_call(words)
            getattr(self.up.aws.client(service), method)(**arguments)
        elif tool == "rm":
            (self.up.parts.deployments.parent / words[0]).unlink()
            self.assembly()
        else:
            done = as_installed(self.shell, words) if tool == "portcullis" else self.cdk(*words[1:])
            assert done[0] == 0, f"{line}\n{done[1]}"

    def status(self, deployment: str) -> Any:
        ended, printed = as_installed(self.shell, ["status", deployment, "--json"])
        assert ended == 0, printed
        return json.loads(printed)

    def stacks(self) -> set[str]:
        found = self.up.aws.client("cloudformation").describe_stacks()["Stacks"]
        return {one["StackName"] for one in found if "DELETE" not in one["StackStatus"]}


def page(section: str) -> list[str]:
    """The lines of a section's block."""
    text = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [found] = [part for part in text if part.startswith(section)]
    [block] = re.findall(r"^```\n(.*?)^```$", found, re.MULTILINE | re.DOTALL)
    return [line for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Bootstrapped and deployed by the command, two deployments with a node and a front door each."""
    home = tmp_path_factory.mktemp("account")
    files = home / "deployments"
    files.mkdir()
    (files / f"{DEMO}.yaml").write_text((embedded.PROJECT / "deployments" / "demo.yaml").read_text())
    (files / f"{NAME}.yaml").write_text(FILE)
    parts = embedded.Parts(home=home / "run", deployments=files, deployment=DEMO, beside=(NAME,))
    with embedded.running(parts, print, bring_up=lambda *_, **__: {}) as up:
        found = Account(up, home, CdkCommand(up.aws, home / "cdk"), shell(up, home))
        found.assembly()
        ended, printed = found.command.run("bootstrap", *REGIONS)
        assert ended == 0, printed
        ended, printed = found.cdk("deploy", "--all")
        assert ended == 0, printed
        yield found


def test_every_deployment_is_open_and_deploying_again_changes_nothing(account: Account) -> None:
    assert {account.status(one)["custody"]["state"] for one in (DEMO, NAME)} == {"open"}
    ended, printed = account.cdk("deploy", "--all")
    assert ended == 0, printed
    all_of_them = Assembly.read(account.made[-1], account=embedded.ACCOUNT, region=embedded.REGION).stacks
    assert {f"✅  {name} (no changes)" for name in all_of_them} == {
        line for line in printed.splitlines() if line.startswith("✅")
    }


def test_a_deployment_is_taken_out_as_the_page_says_and_the_other_goes_on(account: Account) -> None:
    for line in page("Taking a deployment out"):
        account.type(line)
    assert not [name for name in account.stacks() if f"-{NAME}-" in name]
    assert [one["DomainName"] for one in account.up.aws.client("opensearch").list_domain_names()["DomainNames"]] == [
        DEMO
    ]
    assert account.status(DEMO)["custody"]["state"] == "open"


def test_a_refused_first_deployment_costs_no_domain_and_is_mended_as_the_page_says(
    account: Account,
) -> None:
    node = account.up.at(NAME).node
    # The node is that of before; on a new one, too, the engine takes no action group that is called like a role.
    role = "/_plugins/_security/api/roles/orders_looking"
    assert node.ask("PUT", role, {"cluster_permissions": ["cluster_monitor"]})[0] == 201
    (account.up.parts.deployments / f"{NAME}.yaml").write_text(FILE.replace("orders_reading", "orders_looking"))
    account.assembly()

    ended, printed = account.cdk("deploy", "--all", "--import-existing-resources")
    assert (ended, f"❌  portcullis-{NAME}-access failed" in printed, "orders_looking" in printed) == (1, True, True), (
        printed
    )
    assert f"portcullis-{NAME}-domain" in account.stacks()
    assert account.status(DEMO)["custody"]["state"] == "open"

    assert node.ask("DELETE", role)[0] == 200
    for line in page("When the first deployment fails"):
        account.type(line)
    assert account.status(NAME)["custody"]["state"] == "open"
