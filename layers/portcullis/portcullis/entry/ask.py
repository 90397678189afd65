"""How a person's command reaches the account: through the door of the verb's level, or straight, where there is a road."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable

# A door a level: function and alias. Whoever may invoke it is IAM's to say.
_DOORS = {
    "look": ("portcullis-operate", "look"),
    "act": ("portcullis-operate", "act"),
    "delete": ("portcullis-remove", "delete"),
}
_DENIED = {"AccessDeniedException", "AccessDenied"}
_NOBODY = {  # AWS does not know who asks, so no policy would help
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_UNSET = {
    "InvalidRegionError",
    "NoCredentialsError",
    "NoRegionError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
}
_BUSY = {"TooManyRequestsException", "ThrottlingException", "Throttling", "ServiceException", "EC2ThrottledException"}


def ask(
    verb: str,
    deployment: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    *,
    direct: bool = False,
    region: str | None = None,
    profile: str | None = None,
    command: str = "",
) -> Any:
    """Run a verb in the account and return its answer. Raises what the verb raised, with its exit status.

    `direct`: run it here, as whoever we are in AWS: for a network from which the domain can be reached. `command` is the command
    line, which the history names as the cause.
    """
    from portcullis.entry.verbs import VERBS

    _choose(profile, region)
    known = VERBS.get(verb)
    if known is None:
        raise BadInput(f"no verb {verb!r}", source="command", remedy=f"one of {', '.join(sorted(VERBS))}")
    request: dict[str, Any] = {
        "verb": verb,
        "arguments": dict(arguments or {}),
        "cause": command or f"portcullis {verb}",
    }
    if known.of_deployment:
        request["deployment"] = deployment
    return _run_here(request, known.level) if direct else _invoke(request, known.level)


@contextmanager
def as_ourselves(*, profile: str | None = None, region: str | None = None, **_: Any) -> Iterator[None]:
    """What is asked of AWS in here is asked with our own credentials; what is wrong with those is told in one line."""
    _choose(profile, region)
    try:
        yield
    except PortcullisError:
        raise
    except Exception as error:
        raise _translated(error, "AWS, asked with your own credentials", "look") from error


def _choose(profile: str | None, region: str | None) -> None:
    if profile:
        os.environ["AWS_PROFILE"] = profile
    if region:
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region


def _invoke(request: dict[str, Any], level: str) -> Any:
    from portcullis.clients import patient_client
    from portcullis.entry.caller_proof import proof
    from portcullis.entry.fitting import PACKED

    function, alias = _DOORS[level]
    try:
        request |= {"actor": _who_we_are(), "proof": proof(patient_client("sts"), request), PACKED: True}
        answer = patient_client("lambda").invoke(
            FunctionName=function, Qualifier=alias, Payload=json.dumps(request).encode()
        )
        payload = json.loads(answer["Payload"].read())
    except PortcullisError:
        raise
    except Exception as error:
        raise _translated(error, f"{function}:{alias}", level) from error
    if answer.get("FunctionError"):
        said = payload.get("errorMessage", "") if isinstance(payload, dict) else ""
        raise PortcullisError(
            f"{function} broke off: {said or answer['FunctionError']}; what was begun is in the ledger and is finished by asking again"
        )
    return _answer(payload)


def _answer(payload: Mapping[str, Any]) -> Any:
    from portcullis.entry.fitting import unpacked

    payload = unpacked(payload)
    if "error" not in payload:
        return payload.get("answer")
    if payload.get("exit_status") == BadInput.exit_status:
        parts = {key: str(payload.get(key, "")) for key in ("source", "place", "remedy")}
        raise BadInput(str(payload.get("problem") or payload["error"]), **parts)
    raise PortcullisError(str(payload["error"]))


def _run_here(request: dict[str, Any], level: str) -> Any:
    from portcullis.entry.operate import carry_out
    from portcullis.wiring import in_aws

    try:
        request["actor"] = _who_we_are()
        # Here nobody stands between but IAM: whether we may delete is for our own rights to say.
        return carry_out(in_aws(replace(settings(), may_delete=level == "delete")), request, alias=level)
    except PortcullisError:
        raise
    except Exception as error:
        raise _translated(error, "this command, run with --direct", level) from error


def settings() -> Any:
    """The settings of the functions: from the environment, if it has them; else from the function that has them."""
    from portcullis.clients import client
    from portcullis.settings import Settings

    if os.environ.get("PORTCULLIS_LEDGER_TABLE"):
        return Settings.from_environment()
    function = _DOORS["look"][0]
    try:
        deployed = client("lambda").get_function_configuration(FunctionName=function)
    except Exception as error:
        raise Refused(
            "--direct needs the settings of the functions: either PORTCULLIS_LEDGER_TABLE, PORTCULLIS_ALERT_TOPIC and"
            f" PORTCULLIS_EVENT_BUS in the environment, or the right to lambda:GetFunctionConfiguration of {function}"
            f" ({_said(error)})"
        ) from error
    variables = deployed.get("Environment", {}).get("Variables", {})
    return Settings.from_environment({**os.environ, **variables})


def _who_we_are() -> str:
    from portcullis.clients import client

    return str(client("sts").get_caller_identity()["Arn"])


def _translated(error: Exception, door: str, level: str) -> PortcullisError:
    from portcullis.clients import error_code

    code, module = error_code(error), type(error).__module__
    if code in _DENIED:
        return Refused(f"not allowed to use {door}: {_said(error)}; the managed policy portcullis-{level} allows it")
    if code == "ResourceNotFoundException":
        return Refused(f"there is no {door} here: is this the right account and Region, and is Portcullis deployed?")
    if code in _BUSY:
        return Unreachable(f"{door} is busy ({code}): try again")
    if code in _NOBODY or type(error).__name__ in _UNSET:
        return BadInput(
            _said(error),
            source="AWS credentials",
            remedy="name a profile and a Region (--profile, --region), or sign in",
        )
    if not code and module.startswith(("botocore", "urllib3", "requests")):
        return Unreachable(f"{door} did not answer: {_said(error)}")
    return PortcullisError(f"{door}: {_said(error)}")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
