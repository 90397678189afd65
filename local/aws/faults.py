"""Faults on demand, in this process and reachable only through the admin route: so that tests can show what happens then.

`fault`: calls of a service are throttled, answered with a 500, or never answered (the caller runs into its own time-out),
for so many calls or seconds; `conflict` is what a transaction of DynamoDB meets where another is at work. `weather`: events are lost,
doubled or late. `mend`: everything works again.
Shapes of the errors are those of the real services (KMS and the JSON services: ThrottlingException; DynamoDB:
ProvisionedThroughputExceededException; the query services: Throttling).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from local.aws.admin import verb
from local.aws.patching import Answer
from local.aws.trail import delivery

KINDS = ("throttle", "server-error", "hang", "slow", "conflict")
QUERY_SERVICES = ("iam", "sts", "cloudformation", "ec2", "autoscaling")


@dataclass
class Fault:
    """`actions`: patterns as in a policy ("kms:*", "dynamodb:GetItem"). `caller`: part of the caller's ARN, empty for all."""

    actions: list[str]
    kind: str
    calls: int | None = None
    until: float = float("inf")
    hold: float = 60.0
    caller: str = ""
    met: int = 0
    mended: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, action: str, caller: str) -> bool:
        if time.monotonic() > self.until or (self.calls is not None and self.met >= self.calls):
            return False
        if self.caller and self.caller not in caller:
            return False
        return any(fnmatchcase(action, pattern) for pattern in self.actions)


_faults: dict[int, Fault] = {}
_numbers = itertools.count(1)


@verb("fault")
def fault(
    actions: list[str],
    kind: str,
    calls: int | None = None,
    seconds: float | None = None,
    hold: float = 60.0,
    caller: str = "",
) -> dict[str, int]:
    """Begin a fault; answers its number. `hold`: how long a hanging or slow call is held, in seconds."""
    if kind not in KINDS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
    number = next(_numbers)
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    _faults[number] = Fault(list(actions), kind, calls, until, hold, caller)
    return {"fault": number}


@verb("faults")
def listed() -> dict[str, Any]:
    """The faults in force and how many calls each met."""
    return {str(n): {"actions": f.actions, "kind": f.kind, "met": f.met} for n, f in _faults.items()}


@verb("weather")
def set_weather(
    lose: bool = False,
    copies: int = 1,
    delay: float = 0.0,
    names: list[str] | None = None,
    seconds: float | None = None,
) -> dict[str, bool]:
    """What happens to events on their way: lost, doubled (`copies`), late (`delay` seconds); only those of `names` if given."""
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    delivery.weather = delivery.Weather(lose, copies, delay, frozenset(names or ()), until)
    return {"ok": True}


@verb("mend")
def mend(fault: int | None = None) -> dict[str, bool]:
    """End one fault, or all of them and the weather."""
    ended = [fault] if fault is not None else list(_faults)
    for number in ended:
        found = _faults.pop(number, None)
        if found and _loop is not None:
            _loop.call_soon_threadsafe(found.mended.set)
    if fault is None:
        delivery.weather = delivery.Weather()
        delivery.lost.clear()
    return {"ok": True}


_loop: asyncio.AbstractEventLoop | None = None


def install() -> None:
    from ministack import app
    from ministack.core.iam_actions import extract_iam_action
    from ministack.core.iam_evaluator import resolve_caller_identity
    from ministack.core.router import detect_service, extract_access_key_id

    dispatch = app._dispatch_service_request

    async def dispatch_with_faults(
        method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str
    ) -> Any:
        if not _faults:
            return await dispatch(method, path, headers, body, query, request_id)
        routing = app._routing_params(method, path, headers, body, query)
        service = detect_service(method, path, headers, routing)
        action = extract_iam_action(service, method, path, headers, body, routing) or f"{service}:?"
        who = resolve_caller_identity(extract_access_key_id(headers, query) or "") or {}
        met = next((f for f in list(_faults.values()) if f.meets(action, who.get("userArn", ""))), None)
        if met is None:
            return await dispatch(method, path, headers, body, query, request_id)
        met.met += 1
        if met.kind in ("hang", "slow"):
            await _hold(met)
            if met.kind == "slow":
                return await dispatch(method, path, headers, body, query, request_id)
        return _broken(service, met.kind, request_id)

    app._dispatch_service_request = dispatch_with_faults


async def _hold(met: Fault) -> None:
    global _loop
    _loop = asyncio.get_running_loop()
    try:
        await asyncio.wait_for(met.mended.wait(), met.hold)
    except TimeoutError:
        return


def _broken(service: str, kind: str, request_id: str) -> Answer:
    more: dict[str, Any] = {}
    if kind == "conflict":
        status, code, message = 400, "TransactionCanceledException", "Transaction cancelled [TransactionConflict]"
        more["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    elif kind == "throttle":
        status, message = 400, "Rate exceeded"
        code = {"dynamodb": "ProvisionedThroughputExceededException", "sns": "Throttling"}.get(
            service, "ThrottlingException"
        )
        if service in QUERY_SERVICES:
            code = "RequestLimitExceeded" if service == "ec2" else "Throttling"
    else:
        status, code, message = 500, "InternalFailure", "The request processing has failed because of an unknown error."
    if service in (*QUERY_SERVICES, "sns"):
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        if service == "ec2":
            text = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
            )
        return status, {"Content-Type": "text/xml", "x-amzn-requestid": request_id}, text.encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code, "x-amzn-requestid": request_id}
    return status, headers, json.dumps({"__type": code, "message": message, **more}).encode()
