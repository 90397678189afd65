"""Re-key between two domains, each with its node and its front door: by the command, through the deployed functions, IAM enforced. Then
the end of the one that the data was moved to.

What stands in for what an account has: the folder that both nodes keep their snapshots in is S3 (local.door.repositories).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from local import embedded
from local.aws.emulator import Credentials
from local.door import client
from local.node.node import Node
from local.people import Caller, People, until
from local.rehearsal.pages import page
from local.story.stages import Alerts
from stacks import names
from tests.runbooks.conftest import OnCall, shell
from tests.runbooks.test_walk import run

pytestmark = pytest.mark.embedded

OLD, NEW, INDEX, PARAMETER = "demo", "demo-2", "catalyst-orders", "/portcullis/demo/endpoint"
MANY = 300
# What the page shows and no walk of one domain can do.
PAGE = [command for command in page("re-key").commands if not command.run]


@dataclass
class Two:
    """The domain that is moved and the one that it is moved to, and who has to do with them."""

    old: embedded.Embedded
    new: embedded.Embedded
    on_call: OnCall
    alerts: Alerts
    old_key: str

    def json(self, *words: str) -> Any:
        status, printed = self.on_call.portcullis(*words, "--json")
        assert status == 0, printed
        return json.loads(printed)

    def state(self, name: str) -> str:
        return str(self.json("status", name)["custody"]["state"])

    def follow(self, words: str, *, again: bool = False) -> None:
        """The line of the page that begins so: it prints what the page says. `again`: until it is done, as the page says."""
        [line] = [command for command in PAGE if command.line.startswith(f"portcullis {words}")]
        for _ in range(20):
            status, printed = self.on_call.portcullis(*line.words[1:])
            if not (again and status == 1 and "next:" in printed):
                break
        assert status == line.exit, printed
        assert line.matches(printed), printed

    def parameter(self) -> str:
        found = self.old.aws.client("ssm").get_parameter(Name=PARAMETER)
        return str(found["Parameter"]["Value"])


def documents(node: Node) -> dict[str, Any]:
    """Every document of every user index, past door and roles."""
    found: dict[str, Any] = {}
    assert node.ask("POST", "/*,-.*/_refresh")[0] == 200
    status, answer = node.ask("POST", "/*,-.*/_search", {"size": 10_000})
    assert status == 200
    for hit in answer["hits"]["hits"]:
        if hit["_index"] != "portcullis-canary":  # each domain has its own
            found[f"{hit['_index']}/{hit['_id']}"] = (hit["_source"], hit.get("_routing"))
    return found


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    home = tmp_path_factory.mktemp("re-key")
    with embedded.running(embedded.Parts(home=home / "run", deployments=two_files(home), beside=(NEW,)), print) as up:
        for number in range(MANY):
            index = INDEX if number % 3 else "catalyst-people"
            assert up.node.ask("PUT", f"/{index}/_doc/{number}?routing=r{number % 7}", {"number": number})[0] == 201
        yield Two(up, up.at(NEW), OnCall(up, shell(up, home)), Alerts(up), up.output("KeyArn").rpartition("/")[2])


@pytest.fixture(scope="module")
def application(two: Two) -> Caller:
    """Who writes to the old one."""
    return People(two.old).with_role(embedded.APPLICATION_ROLE)


def two_files(home: Path) -> Path:
    """The shipped deployment, and the same once more under another name and key."""
    files = home / "deployments"
    files.mkdir()
    text = (embedded.PROJECT / "deployments" / "demo.yaml").read_text()
    (files / "demo.yaml").write_text(text)
    moved = text.replace("deployment: demo\n", f"deployment: {NEW}\n")
    moved = moved.replace("\nkey:\n", "\nkey:\n  on_demand_rotation_days: 31\n")
    (files / f"{NEW}.yaml").write_text(f"{moved}\nsnapshots: {{reads: {OLD}}}\n")
    return files


@pytest.fixture(scope="module")
def person(two: Two) -> dict[str, Caller]:
    """Somebody in the IAM group that may search, at both doors with the same key."""
    name, iam = "rosa.diaz.support", two.old.aws.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    at = {
        one.deployment: Caller(name, client.signed(f"https://{one.door}", credentials, embedded.REGION, one.door_ca))
        for one in (two.old, two.new)
    }
    iam.add_user_to_group(GroupName="catalyst-support", UserName=name)
    for caller in at.values():
        until(lambda caller=caller: caller.may_search("catalyst-*"), what="who joined the group may search")
    return at


def test_an_alias_that_was_moved_is_told_with_the_way(two: Two) -> None:
    kms, alias = two.old.aws.client("kms"), "alias/portcullis/demo"
    kms.update_alias(AliasName=alias, TargetKeyId=two.new.output("KeyArn"))
    until(lambda: len(two.alerts.named("rotation-not-followed")) == 1, what="that the domain does not follow is told")
    [told] = two.alerts.named("rotation-not-followed")
    assert "move as the page says" in told["next"], "what moves data is not copied from an alert"
    assert "(re-key.md)" in page(told["runbook"]).text
    assert two.state(OLD) == two.state(NEW) == "open"
    kms.update_alias(AliasName=alias, TargetKeyId=two.old_key)
    until(lambda: len(two.alerts.named("rotation-followed")) == 1, what="that they agree again is told")


def test_half_way_it_says_where_it_is_and_is_called_off(two: Two, application: Caller) -> None:
    before = documents(two.old.node)
    stranger = {"aliases": {INDEX: {}}}
    assert two.new.node.ask("PUT", "/stranger", stranger)[0] == 200
    status, printed = two.on_call.portcullis("re-key", OLD, "--to", NEW)
    assert (status, INDEX in printed) == (1, True), printed
    two.follow("re-key demo --state")
    assert two.json("re-key", OLD, "--state")["step"] == "restore"
    ended, answer = run(two.on_call, "portcullis-re-key-state")
    assert (ended, answer["answer"]["step"]) == ("Success", "restore"), "a look from the console is no failure"
    assert not application.may_write(INDEX), "from its beginning on the old one takes no writes"
    assert application.may_search(INDEX), "reads go on"
    two.follow("re-key demo --cancel")
    assert application.may_write(INDEX)
    assert documents(two.old.node).keys() > before.keys()
    assert two.new.node.ask("DELETE", "/stranger")[0] == 200
    for one in (two.old, two.new):
        assert "portcullis_compare" not in one.node.ask("GET", "/_plugins/_security/api/roles")[1]
    status, printed = two.on_call.portcullis("re-key", OLD, "--state")
    assert (status, "no re-key of demo was begun" in printed) == (1, True)


def test_re_key_moves_every_document_and_the_old_domain_can_be_deleted(
    two: Two, application: Caller, person: dict[str, Caller]
) -> None:
    """Clients learn the new endpoint, and the old domain is locked. The new one goes on without the old domain and without its key."""
    before = documents(two.old.node)
    assert len(before) > MANY
    began = time.monotonic()
    two.follow("re-key demo --to demo-2", again=True)
    print(f"re-key of {len(before)} documents: {time.monotonic() - began:.1f} s")
    assert documents(two.new.node) == before
    two.follow("re-key demo --state")
    assert two.json("re-key", OLD, "--state")["documents"] == len(before)
    assert (two.state(OLD), two.state(NEW)) == ("locked", "open")
    assert two.parameter() == two.new.door
    assert len(two.alerts.named("re-keyed")) == 1
    assert person[NEW].may_search(INDEX)
    assert not person[OLD].may_search(INDEX)
    assert not application.may_write(INDEX)
    steps = [one["summary"] for one in two.json("history", OLD, "--limit", "100") if one["operation"] == "re-key"]
    assert steps[0] == "re-key to demo-2: done"

    # The old one ends; the new one is whole without it and without its key.
    ended = two.json("delete", OLD, "--confirm", OLD)
    assert ended["state"] == "deleted", ended
    kms = two.old.aws.client("kms")
    kms.disable_key(KeyId=two.old_key)
    assert two.json("sweep")  # takes the new one's own first snapshot, into its own bucket
    until(lambda: _own(two.json("snapshot", "list", NEW)), what="the new one's own snapshot is taken")
    assert two.state(NEW) == "open"
    assert person[NEW].may_search(INDEX)
    assert documents(two.new.node) == before


def test_the_new_domain_goes_from_key_check_to_restore_proof_to_shredded_key(two: Two) -> None:
    """The whole end of a deployment through the deployed functions. What ends things works only through the alias `delete` and by name."""
    up, call = two.new, _call(two.new)
    file = up.parts.deployments / f"{NEW}.yaml"
    file.write_text(file.read_text().replace(f"reads: {OLD}", f"restore_sample: {INDEX}"))
    status, printed = two.on_call.portcullis("apply", str(file))
    assert status == 0, printed
    many = len([name for name in documents(up.node) if name.startswith(f"{INDEX}/")])
    assert many > MANY // 2

    # The key, as the automation's own role sees it.
    checked = call("look", "key-check")
    assert checked["exit_status"] == 0
    assert not [one for one in checked["answer"]["findings"] if one["weight"] in ("warning", "error")]
    assert call("look", "key-status")["answer"]["rotations_left"] == 25

    # The sweep has taken a snapshot, and the sample comes back.
    proved = call("act", "restorability")["answer"]
    assert proved["state"] == "holds", proved
    assert proved["detail"] == f"{many} documents restored, {many} the same, 0 written later"

    # What ends things: only through the last door, by name, and of what is locked.
    assert "alias 'delete'" in call("act", "delete", confirm=NEW)["error"]
    key = up.output("KeyArn").rsplit("/", 1)[-1]
    assert "only what is locked" in call("delete", "shred", confirm=key, yes=True)["error"]
    assert f"--confirm {NEW}" in call("delete", "delete", confirm="another")["error"]
    domains = up.aws.client("opensearch")
    assert domains.describe_domain(DomainName=NEW)
    ended = call("delete", "delete", confirm=NEW)["answer"]
    assert ended["state"] == "deleted", ended
    assert any(up.output("KeyArn") in line for line in ended["remains"])
    with pytest.raises(domains.exceptions.ResourceNotFoundException):
        domains.describe_domain(DomainName=NEW)
    status, kept = up.node.ask("GET", "/_snapshot/portcullis/final-*")
    assert status == 200
    assert [one["state"] for one in kept["snapshots"]] == ["SUCCESS"]
    assert INDEX in kept["snapshots"][0]["indices"]

    # The key: planned, then scheduled, and seen to be.
    plan = call("look", "shred-plan")["answer"]
    assert not plan["obstacles"]
    kms = up.aws.client("kms")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert call("delete", "shred", confirm=key, days=7, yes=True)["answer"]["due"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert call("look", "key-check")["exit_status"] == 1


def _call(up: embedded.Embedded) -> Callable[..., dict[str, Any]]:
    # A verb may take as long as its function: what waits for it minds no shorter time.
    functions = up.aws.client("lambda", config=Config(read_timeout=930))

    def call(door: str, verb: str, **arguments: Any) -> dict[str, Any]:
        function = names.function("remove" if door == "delete" else "operate")
        request = {"verb": verb, "deployment": up.deployment, "arguments": arguments, "cause": "a test"}
        answer = functions.invoke(FunctionName=function, Qualifier=door, Payload=json.dumps(request).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    return call


def _own(snapshots: list[dict[str, Any]]) -> bool:
    return [one["state"] for one in snapshots if INDEX in one["indices"]] == ["SUCCESS"]
