"""The end of a deployment on the embedded default: through the functions' doors, IAM enforced, on a real node behind the front door.

What stands in for what an account has: the door keeps a repository in S3 in a folder of the node (local.door.repositories).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import embedded
from local.people import until
from stacks import names

pytestmark = pytest.mark.embedded
Call = Callable[..., dict[str, Any]]
MORE = "\nsnapshots: {restore_sample: catalyst-orders}\n"


def _call(up: embedded.Embedded) -> Call:
    functions = up.aws.client("lambda")

    def call(door: str, verb: str, **arguments: Any) -> dict[str, Any]:
        function = names.function("remove" if door == "delete" else "operate")
        request = {"verb": verb, "deployment": up.deployment, "arguments": arguments, "cause": "a test"}
        answer = functions.invoke(FunctionName=function, Qualifier=door, Payload=json.dumps(request).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    return call


def _finished(up: embedded.Embedded) -> bool:
    status, found = up.node.ask("GET", "/_snapshot/portcullis/_all")
    return status == 200 and [one["state"] for one in found["snapshots"]] == ["SUCCESS"]


def test_a_deployment_goes_from_key_check_to_restore_proof_to_shredded_key(tmp_path: Path) -> None:
    """The whole end of a deployment through the deployed functions. What ends things works only through the alias `delete` and by name."""
    files = tmp_path / "deployments"
    files.mkdir()
    text = (
        (embedded.PROJECT / "deployments" / "demo.yaml")
        .read_text()
        .replace("key:\n", "key:\n  on_demand_rotation_days: 31\n")
    )
    (files / "demo.yaml").write_text(text + MORE)
    with embedded.running(embedded.Parts(home=tmp_path / "run", deployments=files), print) as up:
        call = _call(up)
        for number in range(20):
            assert up.node.ask("PUT", f"/catalyst-orders/_doc/{number}", {"number": number})[0] == 201

        # The key, as the automation's own role sees it.
        checked = call("look", "key-check")
        assert checked["exit_status"] == 0
        assert not [one for one in checked["answer"]["findings"] if one["weight"] in ("warning", "error")]
        assert call("look", "key-status")["answer"]["rotations_left"] == 25

        # The sweep takes a snapshot, and the sample comes back.
        assert call("act", "sweep")["exit_status"] == 0
        until(lambda: _finished(up), what="the sweep's snapshot is finished")
        proved = call("act", "restorability")["answer"]
        assert proved["state"] == "holds", proved
        assert proved["detail"] == "20 documents restored, 20 the same, 0 written later"

        # What ends things: only through the last door, by name, and of what is locked.
        assert "alias 'delete'" in call("act", "delete", confirm="demo")["error"]
        key = up.output("KeyArn").rsplit("/", 1)[-1]
        assert "only what is locked" in call("delete", "shred", confirm=key, yes=True)["error"]
        assert "--confirm demo" in call("delete", "delete", confirm="another")["error"]
        domains = up.aws.client("opensearch")
        assert domains.describe_domain(DomainName="demo")
        ended = call("delete", "delete", confirm="demo")["answer"]
        assert ended["state"] == "deleted", ended
        assert any(up.output("KeyArn") in line for line in ended["remains"])
        with pytest.raises(domains.exceptions.ResourceNotFoundException):
            domains.describe_domain(DomainName="demo")
        status, kept = up.node.ask("GET", "/_snapshot/portcullis/final-*")
        assert status == 200
        assert [one["state"] for one in kept["snapshots"]] == ["SUCCESS"]
        assert "catalyst-orders" in kept["snapshots"][0]["indices"]

        # The key: planned, then scheduled, and seen to be.
        plan = call("look", "shred-plan")["answer"]
        assert not plan["obstacles"]
        kms = up.aws.client("kms")
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
        assert call("delete", "shred", confirm=key, days=7, yes=True)["answer"]["due"]
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
        assert call("look", "key-check")["exit_status"] == 1
