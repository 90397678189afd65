"""Schedules on demand: fire a scheduled rule now, without waiting for its rate or its hour.

MiniStack fires `rate(...)` and `cron(...)` rules by itself; the demo cannot wait five minutes for a sweep. The event and
its way to the targets are those of a scheduled firing. `schedules` stops the firing by itself, for tests of what nothing told: a
sweep that happened to come then would find it first.
"""

from __future__ import annotations

from typing import Any

from local.aws.admin import verb

_by_themselves = True


@verb("schedules")
def schedules(by_themselves: bool) -> dict[str, bool]:
    """Whether scheduled rules fire by themselves; `fire` fires one either way."""
    global _by_themselves
    _by_themselves = by_themselves
    return {"by_themselves": by_themselves}


@verb("at-work")
def at_work(function: str) -> dict[str, int]:
    """How many invocations of a function are under way. What is fired beyond its reserved concurrency is dropped."""
    from ministack.services import lambda_svc

    _, running = lambda_svc.executions_in_flight()
    return {"at_work": sum(many for where, many in running.items() if where.endswith(f":{function}"))}


@verb("fire")
def fire(rule: str) -> dict[str, Any]:
    """Fire the scheduled rule of this ARN (or of this name, in whichever Region it is). Answers how many targets it has."""
    from ministack.core.responses import new_uuid, now_epoch, request_scope
    from ministack.services import eventbridge

    for (account, region, key), kept in list(eventbridge._rules._data.items()):
        if rule not in (kept.get("Arn"), kept.get("Name")):
            continue
        if not kept.get("ScheduleExpression"):
            raise ValueError(f"{rule} has no schedule")
        targets = eventbridge._targets._data.get((account, region, key), [])
        event = {
            "EventId": new_uuid(),
            "Source": "aws.events",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "EventBusName": kept.get("EventBusName", "default"),
            "Time": int(now_epoch()),
            "Resources": [kept["Arn"]],
            "Account": account,
            "Region": region,
        }
        with request_scope(account, region):
            for target in targets:
                eventbridge._invoke_target(target, event, kept, eventbridge._pattern_event_view(event))
        return {"rule": kept["Arn"], "targets": len(targets)}
    raise ValueError(f"there is no rule {rule}")


def install() -> None:
    from ministack.services import eventbridge

    tick = eventbridge._tick_scheduled_rules

    def tick_if_wanted() -> None:
        if _by_themselves:
            tick()

    eventbridge._tick_scheduled_rules = tick_if_wanted
