"""Who may come in to a cluster that runs elsewhere: the user pool with its groups. No role opens a cluster, so there are none."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, CfnWaitConditionHandle, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from stacks.deployments import Declared
from stacks.people.pool import client_of, user_pool


class ClusterPeople(Stack):
    def __init__(self, scope: Construct, name: str, one: Declared, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        self.one = one
        self.pool = user_pool(self, one) if one.has_pool else None
        if self.pool is None:
            # A stack has to hold something, also once a file has its pool no more: this is nothing, and costs nothing.
            CfnWaitConditionHandle(self, "Nobody")
            return
        client = client_of(self.pool, one)
        for group in one.cognito_groups:
            cognito.CfnUserPoolGroup(self, f"Group-{group}", user_pool_id=self.pool.user_pool_id, group_name=group)
        CfnOutput(self, "UserPool", value=self.pool.user_pool_id)
        CfnOutput(self, "UserPoolClient", value=client.user_pool_client_id)
