"""The one place where boto3 clients are made: time-outs short, retries few, because every caller is tried again from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from portcullis.errors import Refused, Unreachable
from portcullis.words import denied_actions

_SESSION_SECONDS = 3600
_MAKING = Lock()  # what makes clients is not for several threads, as boto3 says; the clients are
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        # DynamoDB: another transaction is at work on the same item.
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
# DynamoDB: what ends a transaction that may be tried again, and says nothing of what it asked for.
_IN_THE_WAY = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})


def _config() -> Any:
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def client(service: str, region: str | None = None) -> Any:
    """A client as the function's own role (or the person's credentials, in the command)."""
    import boto3

    with _MAKING:
        return boto3.client(service, region_name=region, config=_config())


@cache
def patient_client(service: str) -> Any:
    """A client for calls that take as long as a function may run. Never tried twice: the first try may still be at work."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=930, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client(service, config=config)


@cache
def role_session(role_arn: str, session_name: str) -> Any:
    """A boto3 session as `role_arn`, whose credentials renew themselves."""
    import boto3
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.session import get_session

    def fetch() -> dict[str, str]:
        # Asked for in the middle of whatever needs it: else it would come as an error that nobody there knows.
        with our_errors(f"the role {role_arn} could not be taken"):
            answer = client("sts").assume_role(
                RoleArn=role_arn, RoleSessionName=session_name, DurationSeconds=_SESSION_SECONDS
            )
        credentials = answer["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }

    session = get_session()
    # botocore has no public way to hand refreshable credentials to a session; this attribute is what its own tools set.
    session._credentials = DeferredRefreshableCredentials(refresh_using=fetch, method="sts-assume-role")
    return boto3.Session(botocore_session=session)


def own_session() -> Any:
    """A boto3 session as who we are."""
    import boto3

    return boto3.Session()


def error_code(error: BaseException) -> str:
    """The service's error code of a botocore ClientError, else an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def unanswered(error: BaseException) -> str:
    """Why a service gave no answer, in a word: it throttles, failed by itself (5xx), stayed silent. Empty if it did answer."""
    code = error_code(error)
    if code:
        response = getattr(error, "response", {})
        stood = {reason.get("Code") for reason in response.get("CancellationReasons", ())} - {"None"}
        if stood and stood <= _IN_THE_WAY:
            return ", ".join(sorted(stood))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code if code in _THROTTLED or status >= 500 else ""
    name = type(error).__name__
    silent = type(error).__module__.startswith(("botocore", "urllib3")) and name != "ParamValidationError"
    return name if silent else ""


@contextmanager
def our_errors(what: str, refused: str = "") -> Iterator[None]:
    """What AWS raises within it, as an error of ours: Unreachable if there was no answer, Refused if the answer was no.

    `what` says what was asked for. `refused`: said in its place if the answer was no, and then with the code and the action that it takes,
    instead of all that AWS said. What is neither is a mistake of ours, and goes on as it is.
    """
    try:
        yield
    except Exception as error:
        if why := unanswered(error):
            raise Unreachable(f"{what}: {why}") from error
        if error_code(error):
            raise Refused(f"{refused}: {answered_no(error)}" if refused else f"{what}: {error}") from error
        raise


def answered_no(error: BaseException) -> str:
    """The code of an answer that was no, with the right that is missing, where AWS names one, else with the call. Empty if it is none."""
    code, call = error_code(error), getattr(error, "operation_name", "")
    if not code:
        return ""
    if missing := denied_actions(error):
        return f"{code}, not authorized to perform: {missing[0]}"
    return f"{code} ({call})" if call else code


def pages(call: Callable[..., Any], listed: str, **asked: str) -> Iterator[Any]:
    """What all pages of an answer have under `listed`, for the calls that botocore has no paginator for. Raises as boto3 does."""
    token = ""
    while True:
        page = call(**asked, **({"NextToken": token} if token else {}))
        yield from page.get(listed, ())
        if not (token := page.get("NextToken") or ""):
            return
