"""What is done to the embedded deployment, and what is seen of it, in one place."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from botocore.exceptions import ClientError
from portcullis.adapters.ledger.dynamo import DynamoLedger
from portcullis.custody.rules import Rules
from portcullis.custody.types import Progress
from portcullis.errors import Conflict
from portcullis.ports.ledger import Change

from local import embedded
from local.people import until
from local.story.stages import Alerts, Cast, waiting
from stacks import names

INDEX = "catalyst-scene"
TIMELINES = embedded.HOME / "timelines"
KEEP = ("FromPort", "ToPort", "IpProtocol", "IpRanges", "UserIdGroupPairs")


class Scene:
    def __init__(self, cast: Cast, alerts: Alerts, key: str = "") -> None:
        """`key`: the domain's, where the stacks did not make it."""
        self.cast, self.alerts = cast, alerts
        self.up, self.aws, self.people = cast.embedded, cast.embedded.aws, cast.people
        self.key = key or self.up.output("KeyArn")
        self.kms = self.aws.client("kms")
        self.domain = self.aws.client("opensearch").describe_domain(DomainName=self.up.deployment)["DomainStatus"]
        self.before: dict[str, Any] = {}
        self.gone = False  # the key, for good

    # ------------------------------------------------------------------ from open to open

    def begin(self) -> None:
        self.open_again()
        status, said = self.up.node.ask("PUT", f"/{INDEX}/_doc/1?refresh=true", {"order": 1})
        assert status in (200, 201), said
        self.began = datetime.now(UTC)
        self.told_before = [alert["alert"] for alert in self._alerts()]
        self.before = self.everything()
        assert self.cast.application.may_search(INDEX)

    def end(self) -> None:
        if self.gone:
            self.aws.admin("mend")
        else:
            self.open_again()

    def open_again(self) -> None:
        """Whatever a test left: everything answers, the key is enabled, nobody holds the deployment, and it is open."""
        self.aws.admin("mend")
        if not self.up.node.running:
            self.up.node.start_again()
        if self.kms.describe_key(KeyId=self.key)["KeyMetadata"]["KeyState"] != "Enabled":
            with contextlib.suppress(ClientError):  # it is not pending, only disabled
                self.kms.cancel_key_deletion(KeyId=self.key)
            self.kms.enable_key(KeyId=self.key)
        if self.custody()["hold"]:
            self.cast.operate("unlock", "act", deployment=self.up.deployment)
        self.swept_until("open")
        self.quiet()

    def quiet(self) -> None:
        """Nothing is on its way any more."""
        until(lambda: not waiting(self.cast), what="the queues are empty")

    # ------------------------------------------------------------------ what is done

    def sweep(self) -> None:
        """As the schedule does it. One is at work at a time, and one that is fired meanwhile is dropped: so the last one ends first."""
        sweep = names.function("sweep")
        until(lambda: not self.aws.admin("at-work", function=sweep)["at_work"], what="no other sweep is at work")
        self.aws.admin("fire", rule=sweep)

    def swept_until(self, state: str, within: float = 100) -> None:
        """One sweep after another, each of which tries what the one before could not do."""

        def there() -> bool:
            if self.cast.state() == state:
                return True
            self.sweep()
            return False

        until(there, within=within, what=f"the deployment is {state}, by sweeps alone")

    def swept(self) -> Any:
        """The same, to its end: by the person's verb, which runs the same sweep."""
        return self.cast.operate("sweep", "act")

    def kill(self, function: str) -> int:
        """End the processes that run a function now, as a machine ends: how many there were. They have ended when it returns, so that the
        next call gets a new one."""
        killed = []
        for process in psutil.Process(self.aws.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function:
                    process.kill()
                    killed.append(process)
        until(lambda: all(map(_ended, killed)), what=f"what ran {function} has ended")
        return len(killed)

    def let_go(self) -> None:
        """What a function held that is dead now; nobody waits until the queue shows it again."""
        self.aws.client("sqs").purge_queue(QueueUrl=self.up.output("KeyQueue"))

    @property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.aws.client("dynamodb"), self.up.output("LedgerTable"))

    def custody(self) -> Any:
        return self.cast.operate("status", deployment=self.up.deployment)["custody"]

    def unreachable_for(self, minutes: float) -> None:
        """As if the key had been out of reach for so long."""
        custody = self.ledger.custody(self.up.deployment)
        assert custody.unreachable_since is not None
        since = custody.unreachable_since - timedelta(minutes=minutes)
        self.ledger.keep_custody(replace(custody, unreachable_since=since))

    def suspected(self, since: datetime | None = None) -> None:
        """A probe has said that the key is gone (since then, once more), and is not believed yet."""

        def said() -> bool:
            found = self.ledger.custody(self.up.deployment).suspected
            return any(since is None or one.last > since for one in found)

        until(said, what="what a probe says is written down")

    def time_passes(self) -> None:
        """For custody, as much as it waits before it believes a probe, tries a failed step again, or takes over from whoever died: what was
        written down lies so much further back, and the reminder comes now. The clock of the functions goes on as it does."""
        rules = Rules()
        back = max(rules.settle, rules.retry_after, rules.lease)

        def put_back() -> bool:
            custody = self.ledger.custody(self.up.deployment)
            suspected = tuple(replace(one, since=one.since - back, last=one.last - back) for one in custody.suspected)
            waits = (Progress.INTENDED, Progress.FAILED)
            measures = {
                measure: replace(one, at=one.at - back) if one.progress in waits else one
                for measure, one in custody.measures.items()
            }
            try:
                self.ledger.keep_custody(replace(custody, suspected=suspected, measures=measures))
            except Conflict:  # a function has kept it meanwhile
                return False
            return True

        until(put_back, what="what custody waits for lies further back")
        self.ledger.forget(self.up.deployment, "reminder")
        self.aws.admin("hasten", queue=f"{names.PREFIX}-reminders")

    # ------------------------------------------------------------------ what is seen

    def ingress(self) -> list[str]:
        """What the domain's security group lets in."""
        group = self.domain["VPCOptions"]["SecurityGroupIds"][0]
        rules = self.aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        return sorted(json.dumps({k: rule.get(k) for k in KEEP}, sort_keys=True) for rule in rules)

    def ingress_of_people(self) -> list[str]:
        """The rules that let in others than the automation's own group."""
        return [rule for rule in self.ingress() if json.loads(rule)["IpRanges"]]

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
        return [alert for alert in self._alerts() if alert["alert"] == name][self.told_before.count(name) :]

    def _alerts(self) -> list[dict[str, Any]]:
        """A state of custody is kept first and told afterwards: what is still to be told of it is waited for."""
        until(lambda: not self.ledger.custody(self.up.deployment).outbox, what="custody has told what it has to")
        return self.alerts.all()

    def recorded(self, *operations: str) -> list[Change]:
        """What the history says since the beginning of this test, the earliest first; of these operations, if any are named."""
        changes = [one for one in self.ledger.history(self.up.deployment, 100) if one.at >= self.began]
        return [one for one in reversed(changes) if not operations or one.operation in operations]

    def timeline(self, what: str) -> None:
        """The lock and its end stand in the history once, each with its times in order; and are left written down, for people."""
        moves = self.recorded("locking", "locked", "unlocking", "open")
        assert [one.operation for one in moves] == ["locking", "locked", "unlocking", "open"]
        lines = [what]
        for one in moves:
            times = [datetime.fromisoformat(line.split()[0]) for line in one.after]
            assert times == sorted(times), one.after
            lines += [
                f"{one.at.isoformat()} {one.operation}: {one.summary}",
                f"    {one.actor}, because of {one.cause}",
            ]
            lines += [f"    {line}" for line in one.after]
        said = {line.split(" ", 1)[1].split(":")[0].split(" (")[0] for line in moves[1].after}
        assert {"the key was seen to be revoked", "shut mappings", "block indices", "close ingress", "prove"} <= said
        TIMELINES.mkdir(parents=True, exist_ok=True)
        (TIMELINES / f"{what.replace(' ', '-')}.txt").write_text("\n".join(lines) + "\n")

    def until_locked(self, within: float = 60) -> None:
        until(lambda: self.cast.state() == "locked", within=within, what="the deployment is locked")
        assert self.custody()["state"] == "locked"
        assert not self.cast.application.may_search(INDEX)
        assert json.loads(self.everything()["mappings"]) != json.loads(self.before["mappings"])

    def until_open(self, within: float = 60) -> None:
        until(lambda: self.cast.state() == "open", within=within, what="the deployment is open")
        assert self.custody()["state"] == "open"

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


def _ended(process: psutil.Process) -> bool:
    """Whoever started it may not have looked at its end yet. Until its last thread has ended, they would find it running."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE) and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True
