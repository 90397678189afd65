"""Takes events to the bus, after the caller has its answer, in order; and on to buses in other Regions.

- The real service delivers a call's event some time after the call returned. Doing it in a thread of its own keeps what is
  measured honest and one slow target from holding up a caller. On demand (`faults`) events are lost, doubled or late.
- The real EventBridge refuses `aws.*` sources in PutEvents. The demo and the tests have to show events that no local
  service makes ("KMS Key Inaccessible" of a domain, say), so here, and only here, they are taken.
- The state of a real rule says whether it gets events that only read. The emulator knew "on" and "off".
- Real rules may name a bus in another Region; the emulator dropped those. IAM's events exist in us-east-1 only, so without
  this nothing of IAM ever reaches a domain elsewhere.
"""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("portcullis.delivery")
ALL_MANAGEMENT_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


@dataclass(order=True)
class Parcel:
    at: float
    number: int
    account: str = field(compare=False)
    region: str = field(compare=False)
    entry: dict[str, Any] = field(compare=False)


@dataclass
class Weather:
    """What goes wrong on the way. `lose`: of matching events none arrives. Empty `names` means every event."""

    lose: bool = False
    copies: int = 1
    delay: float = 0.0
    names: frozenset[str] = frozenset()
    until: float = float("inf")

    def touches(self, entry: dict[str, Any]) -> bool:
        if time.monotonic() > self.until:
            return False
        return not self.names or json.loads(entry["Detail"]).get("eventName", entry["DetailType"]) in self.names


_heap: list[Parcel] = []
_waiting = threading.Condition()
_numbers = itertools.count()
weather = Weather()
lost: list[dict[str, Any]] = []  # what the weather took: tests can look at it


def send(
    account: str, region: str, *, source: str, detail_type: str, detail: Any, resources: list[str] | None = None
) -> None:
    """Put one event on the default bus of an account and Region, soon."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=str),
        "Resources": resources or [],
    }
    copies, delay = 1, 0.0
    if weather.touches(entry):
        if weather.lose:
            lost.append(entry)
            return
        copies, delay = weather.copies, weather.delay
    with _waiting:
        for _ in range(copies):
            heapq.heappush(_heap, Parcel(time.monotonic() + delay, next(_numbers), account, region, entry))
        _waiting.notify()


def _deliver_for_ever(eventbridge: Any) -> None:
    from ministack.core.responses import request_scope

    while True:
        with _waiting:
            while not _heap or _heap[0].at > time.monotonic():
                _waiting.wait(timeout=_heap[0].at - time.monotonic() if _heap else None)
            parcel = heapq.heappop(_heap)
        try:
            with request_scope(parcel.account, parcel.region):
                eventbridge._put_events({"Entries": [parcel.entry]}, allow_aws_source=True)
        except Exception:
            # A target that breaks must not end the delivery of everything after it.
            log.exception("an event could not be delivered: %s %s", parcel.entry["Source"], parcel.entry["DetailType"])


def install() -> None:
    from ministack.core.responses import get_account_id, get_region, request_scope
    from ministack.services import eventbridge

    eventbridge._put_events.__defaults__ = (True,)  # allow_aws_source
    within = eventbridge._dispatch_to_event_bus

    def to_bus(target: Any, event: Any, rule: Any, path: Any, payload: Any = None) -> None:
        origin, bus = get_region(), target.resource.partition("/")[2]
        if target.account_id != get_account_id() or target.region == origin:
            within(target, event, rule, path, payload)
            return
        # The path holds what the event went through, so that two buses that name each other do not play ball for ever.
        step = f"{origin}|{eventbridge._rule_key(rule.get('Name'), rule.get('EventBusName', 'default'))}"
        if step in path:
            log.warning("%s came round again and is not forwarded", step)
            return
        # The event keeps the Region it happened in: only the bus it is on is another one.
        forwarded = {
            **event,
            "EventBusName": bus,
            "Region": event.get("Region") or origin,
            "_DispatchPath": [*path, step],
        }
        if payload is not None:
            forwarded["Detail"] = payload
        with request_scope(target.account_id, target.region):
            if bus != "default" and bus not in eventbridge._event_buses:
                log.warning("there is no event bus %s in %s", bus, target.region)
                return
            eventbridge._dispatch_event(forwarded)

    eventbridge._dispatch_to_event_bus = to_bus
    _reading_only_to_whom_asks(eventbridge)
    threading.Thread(target=_deliver_for_ever, args=(eventbridge,), daemon=True, name="event-delivery").start()


def _reading_only_to_whom_asks(eventbridge: Any) -> None:
    dispatch, invoke = eventbridge._dispatch_event, eventbridge._invoke_target
    shown = eventbridge._rule_out

    def dispatch_to_enabled(event: Any, *args: Any, **named: Any) -> Any:
        for rule in eventbridge._rules.values():
            if rule.get("State") == ALL_MANAGEMENT_EVENTS:
                rule.update(State="ENABLED", _reading=True)
        return dispatch(event, *args, **named)

    def invoke_unless_reading(target: Any, event: Any, rule: Any, *args: Any, **named: Any) -> Any:
        detail = event.get("Detail")
        told = json.loads(detail) if isinstance(detail, str) else detail
        if isinstance(told, dict) and told.get("readOnly") is True and not rule.get("_reading"):
            return None
        return invoke(target, event, rule, *args, **named)

    def rule_out(rule: Any) -> Any:
        asks = rule.get("_reading") and rule.get("State") == "ENABLED"
        return shown(rule) | ({"State": ALL_MANAGEMENT_EVENTS} if asks else {})

    eventbridge._rule_out = rule_out
    eventbridge._dispatch_event = dispatch_to_enabled
    eventbridge._invoke_target = invoke_unless_reading
