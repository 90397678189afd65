"""Where nodes on machines take keys into their keystores: one document, sent by three functions, to the machines of the file alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from portcullis.ports.registration import Cluster, SsmKeystore

from tests.stacks.assembly import ACCOUNT, CLUSTER, HOME, Synthesised, listed, synthesised

MACHINES = {"node-1": "i-0123456789abcdef0", "node-2": "mi-0123456789abcdef0"}
WAY = f"keystore: {{ssm: {{nodes: {json.dumps(MACHINES)}}}}}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    folder = tmp_path_factory.mktemp("machines")
    before, _, rest = CLUSTER.partition("  keystore:")
    (folder / "elastic.yaml").write_text(f"{before}  {WAY}\n{rest.partition(chr(10))[2]}")
    return synthesised(folder / "out", HOME, deployments=str(folder))


def test_the_document_takes_an_alias_of_the_file_and_names_its_secret(made: Synthesised) -> None:
    (document,) = (
        one["Properties"] for one in made.resources("AWS::SSM::Document", "portcullis-elastic-cluster").values()
    )
    assert (document["Name"], document["DocumentType"]) == ("portcullis-elastic-keystore", "Command")
    (step,) = document["Content"]["mainSteps"]
    assert step["inputs"]["timeoutSeconds"] == "60", "with the 30 s that it is taken up in, less than we wait for it"
    lines = step["inputs"]["runCommand"]
    assert "  far) secret=remotes/far ;;" in lines
    assert not [line for line in lines if "remotes/near" in line], "what it gives to others is no key of its own"


def test_the_command_may_be_sent_to_these_machines_by_who_looks_after_keys(made: Synthesised) -> None:
    allowed: dict[str, set[str]] = {}
    roles: set[str] = set()
    for where, statement in made.identity_statements():
        for action in listed(statement["Action"]):
            if action in ("ssm:SendCommand", "ssm:GetCommandInvocation"):
                allowed.setdefault(action, set()).update(map(_plain, listed(statement["Resource"])))
                roles.add(where.partition("/Role")[2][:5])
    assert allowed == {
        "ssm:SendCommand": {
            f"arn:aws:ssm:{HOME}:{ACCOUNT}:document/portcullis-elastic-keystore",
            f"arn:aws:ec2:{HOME}:{ACCOUNT}:instance/{MACHINES['node-1']}",
            f"arn:aws:ssm:{HOME}:{ACCOUNT}:managed-instance/{MACHINES['node-2']}",
        },
        "ssm:GetCommandInvocation": {"*"},
    }
    assert roles == {"sweep", "opera", "remov"}


def _plain(resource: Any) -> str:
    """An ARN in the partition that the account is in."""
    if isinstance(resource, dict) and "Fn::Join" in resource:
        return "".join("aws" if isinstance(part, dict) else part for part in resource["Fn::Join"][1])
    return str(resource)


def test_it_is_registered_by_which_document_and_machines(made: Synthesised) -> None:
    properties = made.one("Custom::PortcullisDeployment", "portcullis-elastic-access")
    place = msgspec.convert(properties["Registration"]["place"], Cluster)
    assert place.keystore == SsmKeystore("portcullis-elastic-keystore", MACHINES)
