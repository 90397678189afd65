"""The role that the search service takes to come into a VPC (AWSServiceRoleForAmazonOpenSearchService).

An account gets it once: from the console, or from whoever calls CreateServiceLinkedRole. Until then no domain is made in a VPC, whatever
the Region. The emulator named it otherwise, and asked for none. Sources: the developer guide's page on the role, and the words of the
refusals as people met them.
"""

from __future__ import annotations

import json
from typing import Any

SERVICE = "opensearchservice.amazonaws.com"
NAME = "AWSServiceRoleForAmazonOpenSearchService"
PATH = f"/aws-service-role/{SERVICE}/"


def install() -> None:
    _made_once()
    _judged_by_its_arn()
    _asked_for()


def _made_once() -> None:
    from ministack.services import iam

    any_service, create = iam._IAM_HANDLERS["CreateServiceLinkedRole"], iam._IAM_HANDLERS["CreateRole"]

    def create_service_linked_role(asked: dict[str, Any]) -> Any:
        if iam._p(asked, "AWSServiceName") != SERVICE:
            return any_service(asked)
        if NAME in iam._roles:
            text = f"Service role name {NAME} has been taken in this account, please try a different suffix."
            return iam._error(400, "InvalidInput", text, ns="iam")
        trust = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = {"RoleName": [NAME], "Path": [PATH], "AssumeRolePolicyDocument": [document]}
        status, headers, body = create(made)
        return status, headers, body.replace(b"CreateRoleRes", b"CreateServiceLinkedRoleRes")

    iam._IAM_HANDLERS["CreateServiceLinkedRole"] = create_service_linked_role


def _judged_by_its_arn() -> None:
    """Who may make it is asked of its ARN, which the request does not name."""
    from ministack.core import iam_actions

    general = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service == "iam" and iam_actions._query_param(query, "AWSServiceName") == SERVICE:
            return f"arn:aws:iam::{account}:role{PATH}{NAME}"
        return general(service, method, path, headers, body, query, region, account)  # type: ignore[no-any-return]

    iam_actions.extract_resource_arn = extract_resource_arn


def _asked_for() -> None:
    from ministack.services import iam, opensearch

    create = opensearch.create_domain_record

    def create_domain_record(payload: dict[str, Any], compatibility: Any = None) -> Any:
        if (payload or {}).get("VPCOptions", {}).get("SubnetIds") and NAME not in iam._roles:
            text = (
                "Before you can proceed, you must enable a service-linked role to give Amazon OpenSearch Service "
                "permissions to access your VPC."
            )
            raise opensearch.OpenSearchServiceError(400, "ValidationException", text)
        return create(payload, compatibility)

    opensearch.create_domain_record = create_domain_record
