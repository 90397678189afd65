"""What stands beside a cluster that runs elsewhere: the rules that listen for its people and its key. The cluster itself is its owner's."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from constructs import Construct
from portcullis.model import OnCluster

from stacks.automation import Automation
from stacks.key import KeyFacts
from stacks.keystores import keystore_document
from stacks.listening import patterns
from stacks.people.cluster_people import ClusterPeople
from stacks.rules import arn_of_alias, called, identities, rule


class Beside(Stack):
    """Nothing in it holds data or could be missed by the cluster: it may go at any time, and is no longer watched from then on."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        key: KeyFacts,
        people: ClusterPeople,
        automation: Automation,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self.one, self.key, self.people, self._automation = people.one, key, people, automation
        self.eyes: list[dict[str, Any]] = []
        if listened := identities(self, self.one, people.pool):
            self._rule("identity", listened, "who is in which group may have changed")
        about = patterns.key(
            key_arn=key.arn, key_id=key.id, key_alias=self.one.key_alias, alias_arn=arn_of_alias(self, self.one)
        )
        self._rule("key", about, "the key may have changed")
        file = self.one.model
        if isinstance(file, OnCluster) and file.cluster.keystore and file.cluster.keystore.ssm:
            keystore_document(self, file, file.cluster.keystore.ssm)
        if secret := self.one.watched_secret:
            taken = patterns.break_glass("", called(self, secret))
            everything = patterns.ALL_MANAGEMENT_EVENTS
            self._rule("break-glass", taken, "break-glass was taken", queue="key", state=everything, group="taken")

    def _rule(self, concern: str, pattern: patterns.Pattern, meaning: str, **how: str) -> None:
        self.eyes.append(rule(self, self._automation, self.one, concern, pattern, meaning, **how))
