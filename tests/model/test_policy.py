"""The domain access policy of each recommended configuration."""

import pytest
from portcullis import model
from portcullis.model.policy import denies_sql

from tests.model.examples import SMALLEST

ARN = "arn:aws:es:eu-west-1:123456789012:domain/alpha"


def policy(configuration: str, deny_sql: bool = True):
    domain = f"domain: {{configuration: {configuration}, deny_sql: {str(deny_sql).lower()}}}"
    return model.access_policy(model.loads(SMALLEST.replace("domain: {configuration: api}", domain), "a"), ARN)


def denied(document) -> set[str]:
    return {
        r.removeprefix(ARN + "/")
        for s in document["Statement"]
        if s["Effect"] == "Deny"
        for r in ([s["Resource"]] if isinstance(s["Resource"], str) else s["Resource"])
    }


@pytest.mark.parametrize("configuration", ["cognito", "internal", "api"])
def test_every_configuration_leaves_decisions_to_fine_grained_access(configuration):
    """The access policy allows everybody to send requests, and fine-grained access control decides."""
    allow = policy(configuration)["Statement"][0]
    assert (allow["Effect"], allow["Principal"], allow["Action"], allow["Resource"]) == (
        "Allow",
        {"AWS": "*"},
        "es:ESHttp*",
        f"{ARN}/*",
    )


@pytest.mark.parametrize(("configuration", "shut"), [("cognito", False), ("internal", False), ("api", True)])
def test_only_the_configuration_api_shuts_dashboards_under_both_of_its_paths(configuration, shut):
    assert ({"_plugin/kibana*", "_dashboards*"} <= denied(policy(configuration))) is shut


def test_searches_of_other_domains_are_allowed_where_the_file_names_one():
    """Of the domain itself, as Amazon asks for it: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cross-cluster-search.html"""

    def across(more: str):
        document = model.access_policy(model.loads(f"{SMALLEST}{more}", "a"), ARN)
        return [s["Resource"] for s in document["Statement"] if s["Action"] == "es:ESCrossClusterGet"]

    assert across("") == across(f"connections: {{reads: {{far: {ARN}}}}}\n") == []
    assert across(f"connections: {{read_by: [{ARN}]}}\n") == [ARN]


def test_sql_is_denied_under_both_of_its_paths_unless_it_is_asked_for():
    assert {"_plugins/_sql", "_plugins/_sql/*", "_opendistro/_sql", "_opendistro/_sql/*"} <= denied(policy("cognito"))
    assert denied(policy("cognito", deny_sql=False)) == set()


@pytest.mark.parametrize(
    ("document", "denies"),
    [
        (policy("api"), True),
        (policy("api", deny_sql=False), False),
        ({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "es:*", "Resource": f"{ARN}/*"}]}, True),
        (
            {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "es:*", "Resource": f"{ARN}/_plugins/_sql"}]},
            False,
        ),
        (
            {
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": {"AWS": "arn:aws:iam::1:root"},
                        "Action": "es:*",
                        "Resource": f"{ARN}/*",
                    }
                ]
            },
            False,
        ),
        ({}, False),
    ],
)
def test_whether_a_policy_denies_sql_to_everyone_is_seen(document, denies):
    assert denies_sql(document) is denies
