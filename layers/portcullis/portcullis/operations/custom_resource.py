"""The custom resource behind `domain_setup`: registers a deployment and puts its access model on the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from portcullis.errors import BadInput, PortcullisError
from portcullis.operations.deployments import introduce, kept_model, withdraw
from portcullis.operations.key_check import refuse_bad_key, with_domain_key
from portcullis.operations.ports import Registration
from portcullis.operations.world import Cause, World, from_environment


def answer(event: Mapping[str, Any], logger: Any) -> None:
    """Do what CloudFormation asks and tell it. It waits an hour for an answer that never comes, so an answer always comes."""
    import requests

    properties = event.get("ResourceProperties", {})
    name = properties.get("Registration", {}).get("deployment", "unknown")
    body = {
        "Status": "SUCCESS",
        "Reason": "done",
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"portcullis-{name}",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {},
    }
    try:
        body["Data"] = _carry_out(from_environment(), event["RequestType"], properties)
    except Exception as error:
        logger.exception("the deployment could not be set up")
        reason = str(error) if isinstance(error, PortcullisError) else f"{type(error).__name__}: {error}"
        body |= {"Status": "FAILED", "Reason": " ".join(reason.split())[:1000]}
    response = requests.put(event["ResponseURL"], json=body, headers={"content-type": ""}, timeout=30)
    response.raise_for_status()


def _carry_out(world: World, request: str, properties: Mapping[str, Any]) -> dict[str, str]:
    registration = _registration(properties)
    if request == "Delete":
        withdraw(world, registration.deployment, Cause("CloudFormation Delete", "cloudformation"))
        return {}
    text = _model_text(properties)
    registration = with_domain_key(world, registration)
    refuse_bad_key(world, registration, kept_model(text, f"{registration.deployment}.yaml"))
    outcome = introduce(world, registration, text, Cause(f"CloudFormation {request}", "cloudformation"))
    return {"Steps": str(len(outcome.plan.steps))}


def _registration(properties: Mapping[str, Any]) -> Registration:
    try:
        return msgspec.convert(properties["Registration"], Registration)
    except (KeyError, msgspec.ValidationError) as error:
        raise BadInput(
            f"the registration is not as expected: {error}", source="custom resource", place="Registration"
        ) from None


def _model_text(properties: Mapping[str, Any]) -> str:
    from portcullis.clients import client

    where = properties["Model"]
    body: bytes = client("s3").get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
    return body.decode()
