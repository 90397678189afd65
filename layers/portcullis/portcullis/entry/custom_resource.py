"""The custom resources behind `domain_setup`: an account is made ready for domains in a VPC; a deployment is registered and its access
model put on the domain."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from portcullis import typed
from portcullis.correlation import concerning, correlate
from portcullis.errors import BadInput, Conflict, PortcullisError, Unreachable
from portcullis.operations.access.changing.applying import Outcome
from portcullis.operations.access.deployments import introduce, kept_model, withdraw
from portcullis.operations.keys.check import refuse_bad_key, with_domain_key
from portcullis.operations.services import Services, Trigger
from portcullis.operations.watching.seeing import forget_eyes, keep_eyes
from portcullis.ports.registration import Registration
from portcullis.wiring import from_environment
from portcullis.words import line

# What a deployment is called to CloudFormation whose model could not be put on its domain: what was registered of it stays, when the
# failed resource is taken back, since the domain is there and its key has to be watched.
_NOT_PUT = "_not-put"  # no name of a deployment holds a _
_REQUESTS = ("Create", "Update", "Delete")
_LONGEST_ANSWER = 4096  # bytes
_LONGEST_NAME = 64  # of a deployment; those of files are shorter still
_PATIENCE, _PAUSE = timedelta(minutes=3), 5.0  # the function has ten minutes, and one try may take two


def answer(event: Mapping[str, Any], logger: Any) -> None:
    """Do what CloudFormation asks and tell it. It waits an hour for an answer that never comes, so an answer always comes, whatever stands
    in the template."""
    url, request = event["ResponseURL"], event.get("RequestType")
    given = event.get("ResourceProperties")
    properties: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    concerning(line(_name(properties), _LONGEST_NAME))
    correlate(line(event.get("RequestId", ""), 200))
    named = line(_name(properties), _LONGEST_NAME) or "account"
    body = {
        "Status": "SUCCESS",
        "Reason": "done",
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"portcullis-{named}",
        **{name: event.get(name, "") for name in ("StackId", "RequestId", "LogicalResourceId")},
        "Data": {},
    }
    try:
        if request != "Delete" or not str(body["PhysicalResourceId"]).endswith(_NOT_PUT):
            body["Data"] = _carry_out(from_environment(), request, properties)
    except Exception as error:
        logger.exception("the deployment could not be set up")
        reason = str(error) if isinstance(error, PortcullisError) else f"{type(error).__name__}: {error}"
        body |= {"Status": "FAILED", "Reason": " ".join(reason.split())[:1000]}
        if request == "Create":
            body["PhysicalResourceId"] = f"{body['PhysicalResourceId']}{_NOT_PUT}"
    _tell(url, _fitting(body))


def _fitting(body: dict[str, Any]) -> dict[str, Any]:
    """With as much of the reason as CloudFormation takes: a longer answer is none to it."""
    while body["Reason"] and len(json.dumps(body)) > _LONGEST_ANSWER:
        body["Reason"] = body["Reason"][:-100]
    return body


def _tell(url: str, body: Mapping[str, Any]) -> None:
    """Raises Unreachable, so that Lambda tries again; without the address, which is signed and would be a key in a log."""
    import requests

    try:
        response = requests.put(url, json=body, headers={"content-type": ""}, timeout=30)
    except requests.RequestException as error:
        raise Unreachable(f"CloudFormation did not take the answer: {type(error).__name__}") from None
    if response.status_code >= 400:
        raise Unreachable(f"CloudFormation did not take the answer: {response.status_code}")


def _name(properties: Mapping[str, Any]) -> str:
    """The deployment's name, as far as it can be told."""
    registration = properties.get("Registration")
    return str(registration.get("deployment", "")) if isinstance(registration, Mapping) else ""


def _carry_out(services: Services, request: Any, properties: Mapping[str, Any]) -> dict[str, str]:
    if request not in _REQUESTS:
        raise BadInput(
            f"no request {line(request, 100)!r}",
            source="custom resource",
            place="RequestType",
            remedy=" or ".join(_REQUESTS),
        )
    if request == "Delete":
        if "Eyes" in properties:
            forget_eyes(services, Trigger("CloudFormation Delete", "cloudformation"))
            return {}
        # Of what CloudFormation takes back because it could never be read, nothing was registered.
        if name := _name(properties):
            withdraw(services, name, Trigger("CloudFormation Delete", "cloudformation"))
        return {}
    if properties.get("Account"):
        if group := str(properties.get("DefaultGroup", "")):
            services.empty_group(group)
        return {} if properties.get("Domains") == "no" else {"ServiceRole": services.let_into_vpcs()}
    if "Eyes" in properties:
        return {"Eyes": str(keep_eyes(services, str(properties["Eyes"])))}
    registration = _registration(properties)
    text = _model_text(properties)
    site = with_domain_key(services.at(registration))
    refuse_bad_key(site, kept_model(text, f"{site.name}.yaml"))
    outcome = _once_it_answers(
        services, lambda: introduce(site, text, Trigger(f"CloudFormation {request}", "cloudformation"))
    )
    return {"Steps": str(len(outcome.plan.steps))}


def _once_it_answers(services: Services, act: Callable[[], Outcome]) -> Outcome:
    """A domain that has just come up may not answer at first, or another writer may be faster: to give up would be to make it once more."""
    until = services.now() + _PATIENCE
    while True:
        try:
            return act()
        except (Unreachable, Conflict):
            if services.now() >= until:
                raise
            services.sleep(_PAUSE)


def _registration(properties: Mapping[str, Any]) -> Registration:
    try:
        return typed.of_plain(properties["Registration"], Registration)
    except (KeyError, msgspec.ValidationError) as error:
        raise BadInput(
            f"the registration is not as expected: {error}", source="custom resource", place="Registration"
        ) from None


def _model_text(properties: Mapping[str, Any]) -> str:
    from portcullis.clients import client

    where = properties["Model"]
    body: bytes = client("s3").get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
    return body.decode()
