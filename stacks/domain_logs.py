"""That the domains may write their logs: one policy for all of them, as CloudWatch Logs takes ten in an account and Region."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from stacks import names


def let_domains_log(stack: Stack) -> None:
    """Only domains of this account and Region, and only below the name that their log groups have."""
    groups = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/OpenSearchService/domains/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    any_domain = stack.format_arn(service="es", resource="domain", resource_name="*")
    document = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("es.amazonaws.com")],
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"{groups}:*"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": any_domain},
                },
            )
        ]
    )
    logs.CfnResourcePolicy(
        stack,
        "DomainsLog",
        policy_name=f"{names.PREFIX}-domain-logs",
        policy_document=stack.to_json_string(document),
    )
