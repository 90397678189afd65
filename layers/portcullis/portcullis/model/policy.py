"""The domain access policy that goes with each of the three configurations."""

from __future__ import annotations

from portcullis.access.actual import Json
from portcullis.model.types import Configuration, OnDomain

# SQL and PPL say "no permissions" of an index that exists and "no such index" of one that does not. The subpaths are denied too:
# _sql/_explain and _sql/close answer as _sql does.
SQL_PATHS = ("_plugins/_sql", "_plugins/_sql/*", "_opendistro/_sql", "_opendistro/_sql/*",
             "_plugins/_ppl", "_plugins/_ppl/*", "_opendistro/_ppl", "_opendistro/_ppl/*")  # fmt: skip
DASHBOARDS_PATHS = ("_plugin/kibana*", "_dashboards*")


def access_policy(deployment: OnDomain, domain_arn: str) -> Json:
    """The policy document for the domain with this ARN.

    It lets every caller through to fine-grained access control, which decides; a policy that names principals would refuse basic
    authentication and Cognito sign-ins. Denied at the edge: SQL if `domain.deny_sql`, Dashboards in the configuration `api`.
    """
    statements: list[Json] = [
        {
            "Sid": "LeaveItToTheSecurityPlugin",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "es:ESHttp*",
            "Resource": f"{domain_arn}/*",
        }
    ]
    if deployment.domain.deny_sql:
        statements.append(_deny("NoIndexNamesThroughSql", "es:*", domain_arn, SQL_PATHS))
    if deployment.domain.configuration is Configuration.API:
        statements.append(_deny("NoDashboards", "es:ESHttp*", domain_arn, DASHBOARDS_PATHS))
    if deployment.connections.read_by:
        # Of the domain itself, not of what is below it: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cross-cluster-search.html
        across = {"Sid": "SearchesOfOtherDomains", "Effect": "Allow", "Principal": {"AWS": "*"}}
        statements.append({**across, "Action": "es:ESCrossClusterGet", "Resource": domain_arn})
    return {"Version": "2012-10-17", "Statement": statements}


def denies_sql(policy: Json) -> bool:
    """Whether a domain access policy denies SQL to everyone, under both of its paths."""
    denied = [
        resource
        for statement in policy.get("Statement", ())
        if statement.get("Effect") == "Deny"
        and not statement.get("Condition")
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        for resource in (
            [statement["Resource"]] if isinstance(statement.get("Resource"), str) else statement.get("Resource", ())
        )
    ]
    return all(any(_covers(resource, path) for resource in denied) for path in ("_plugins/_sql", "_opendistro/_sql"))


def _covers(resource: str, path: str) -> bool:
    below = resource.partition(":domain/")[2].partition("/")[2]
    return below == path or (below.endswith("*") and path.startswith(below[:-1])) or resource == "*"


def _deny(sid: str, action: str, domain_arn: str, paths: tuple[str, ...]) -> Json:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": [f"{domain_arn}/{path}" for path in paths],
    }
