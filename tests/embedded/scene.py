"""What is done to the embedded deployment, and what is seen of it, in one place."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psutil
from botocore.exceptions import ClientError
from portcullis.ledger.dynamo import DynamoLedger

from local.people import until
from local.story.stages import Alerts, Cast, waiting

INDEX = "catalyst-scene"
KEEP = ("FromPort", "ToPort", "IpProtocol", "IpRanges", "UserIdGroupPairs")


class Scene:
    def __init__(self, cast: Cast, alerts: Alerts) -> None:
        self.cast, self.alerts = cast, alerts
        self.up, self.aws, self.people = cast.embedded, cast.embedded.aws, cast.people
        self.key = self.up.output("KeyArn")
        self.kms = self.aws.client("kms")
        self.domain = self.aws.client("opensearch").describe_domain(DomainName=self.up.deployment)["DomainStatus"]
        self.before: dict[str, Any] = {}
        self.gone = False  # the key, for good

    # ------------------------------------------------------------------ from open to open

    def begin(self) -> None:
        status, _ = self.up.node.ask("PUT", f"/{INDEX}/_doc/1?refresh=true", {"order": 1})
        assert status in (200, 201)
        self.quiet()
        assert self.cast.state() == "open"
        self.told_before = [alert["alert"] for alert in self.alerts.all()]
        self.before = self.everything()
        assert self.cast.application.may_search(INDEX)

    def end(self) -> None:
        self.aws.admin("mend")
        if self.gone:
            return
        if self.aws.client("kms").describe_key(KeyId=self.key)["KeyMetadata"]["KeyState"] != "Enabled":
            with contextlib.suppress(ClientError):  # it is not pending, only disabled
                self.kms.cancel_key_deletion(KeyId=self.key)
            self.kms.enable_key(KeyId=self.key)
        if self.cast.state() != "open":
            self.sweep()
        self.until_open()
        self.quiet()

    def quiet(self) -> None:
        """Nothing is on its way any more."""
        until(lambda: not waiting(self.cast), what="the queues are empty")

    # ------------------------------------------------------------------ what is done

    def sweep(self) -> None:
        self.aws.admin("fire", rule="portcullis-sweep")

    def swept(self) -> Any:
        """The same, to its end: by the person's verb, which runs the same sweep."""
        return self.cast.operate("sweep", "act")

    def kill(self, function: str) -> int:
        """End the processes that run a function now, as a machine ends: how many there were."""
        killed = 0
        for process in psutil.Process(self.aws.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function:
                    process.kill()
                    killed += 1
        return killed

    def let_go(self) -> None:
        """What a function held that is dead now; nobody waits until the queue shows it again."""
        self.aws.client("sqs").purge_queue(QueueUrl=self.up.output("KeyQueue"))

    @property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.aws.client("dynamodb"), self.up.output("LedgerTable"))

    def unreachable_for(self, minutes: float) -> None:
        """As if the key had been out of reach for so long."""
        custody = self.ledger.custody(self.up.deployment)
        assert custody.unreachable_since is not None
        since = custody.unreachable_since - timedelta(minutes=minutes)
        self.ledger.keep_custody(replace(custody, unreachable_since=since))

    # ------------------------------------------------------------------ what is seen

    def ingress(self) -> list[str]:
        """What the domain's security group lets in."""
        group = self.domain["VPCOptions"]["SecurityGroupIds"][0]
        rules = self.aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        return sorted(json.dumps({k: rule.get(k) for k in KEEP}, sort_keys=True) for rule in rules)

    def everything(self) -> dict[str, Any]:
        """All that a lock changes, for comparison to the last byte."""
        policy = self.aws.client("opensearch").describe_domain(DomainName=self.up.deployment)["DomainStatus"]
        status, settings = self.up.node.ask("GET", f"/{INDEX}/_settings?flat_settings=true")
        assert status == 200
        blocks = {k: v for k, v in settings[INDEX]["settings"].items() if k.startswith("index.blocks")}
        return {
            "mappings": json.dumps(self.cast.mappings(), sort_keys=True),
            "ingress": self.ingress(),
            "policy": json.loads(policy["AccessPolicies"]),
            "blocks": blocks,
        }

    def told(self, name: str) -> list[dict[str, Any]]:
        """The alerts of this name since the beginning of this test."""
        return self.alerts.named(name)[self.told_before.count(name) :]

    def until_locked(self, within: float = 60) -> None:
        until(lambda: self.cast.state() == "locked", within=within, what="the deployment is locked")
        assert not self.cast.application.may_search(INDEX)
        assert json.loads(self.everything()["mappings"]) != json.loads(self.before["mappings"])

    def until_open(self, within: float = 60) -> None:
        until(lambda: self.cast.state() == "open", within=within, what="the deployment is open")

    def as_before(self) -> None:
        """Open, and everything as it was, to the last byte."""
        self.until_open()
        self.quiet()
        assert self.everything() == self.before
        assert self.cast.application.may_search(INDEX)

    def stays_open(self, seconds: float = 1.5) -> None:
        self.quiet()
        time.sleep(seconds)
        assert self.cast.state() == "open"
        assert self.cast.application.may_search(INDEX)
        assert self.everything() == self.before
