"""What Portcullis sees by, and whether it still sees. Each has a value that it must have, as the stacks deployed it: no other will do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portcullis.watch.roads import plain, policy

Facts = Mapping[str, Any]
IAM_HOME = "us-east-1"  # where IAM's events happen


class EyeKind(StrEnum):
    TRAIL = "trail"  # any that records what we have to hear
    RULE = "rule"
    FUNCTION = "function"
    READER = "reader"  # of a queue: an event source mapping
    QUEUE = "queue"
    TOPIC = "topic"
    ROLE = "role"  # by which something of AWS's passes events on
    ALARMS = "alarms"
    TABLE = "table"  # the ledger


@dataclass(frozen=True, slots=True)
class Eye:
    """One of them. `wants` is what it was deployed with, as far as that is asked for."""

    kind: EyeKind
    name: str
    region: str = ""
    wants: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        where = f" in {self.region}" if self.region and self.region == IAM_HOME else ""
        return f"the {self.kind.value} {self.name}{where}"


def blind(eye: Eye, facts: Facts | None) -> str:
    """Why it does not see, in words; empty if it does. `facts` None: it is not there."""
    if facts is None:
        return "is not there any more"
    return "; ".join(_JUDGES[eye.kind](eye, facts))


# ---- trails ----------------------------------------------------------------------------------------------------------------

# What has to be recorded, and where: (kind, in IAM's Region too, what we do not hear of without it).
_RECORDED = (
    ("writes", True, "calls that change something"),
    ("reads", True, "calls that read: the taking of break-glass"),
    ("kms", False, "what is done to keys"),
)


def _trail(eye: Eye, facts: Facts) -> Iterable[str]:
    trails = facts.get("trails", ())
    for kind, of_iam, what in _RECORDED:
        regions = dict.fromkeys((eye.region, IAM_HOME) if of_iam else (eye.region,))
        missing = [region for region in regions if not any(_records(trail, region, kind) for trail in trails)]
        if missing:
            yield f"no trail records {what} in {', '.join(missing)}"


def _records(trail: Facts, region: str, kind: str) -> bool:
    if not trail.get("logging"):
        return False
    if not trail.get("all_regions") and trail.get("region") != region:
        return False
    if region == IAM_HOME and not trail.get("global", True):
        return False
    advanced = trail.get("advanced") or ()
    if advanced:
        return any(_advanced(selector, kind) for selector in advanced)
    return any(_basic(selector, kind) for selector in trail.get("selectors") or ())


def _basic(selector: Facts, kind: str) -> bool:
    if not selector.get("IncludeManagementEvents", True):
        return False
    wanted = {"writes": ("All", "WriteOnly"), "reads": ("All", "ReadOnly"), "kms": ("All", "WriteOnly")}[kind]
    if selector.get("ReadWriteType", "All") not in wanted:
        return False
    return kind != "kms" or "kms.amazonaws.com" not in (selector.get("ExcludeManagementEventSources") or ())


def _advanced(selector: Facts, kind: str) -> bool:
    """Whether this selector lets everything of a kind through. What we do not know the meaning of narrows."""
    of_management = False
    for part in selector.get("FieldSelectors") or ():
        name, conditions = part.get("Field"), {key: value for key, value in part.items() if key != "Field" and value}
        if name == "eventCategory":
            of_management = conditions == {"Equals": ["Management"]}
        elif name == "readOnly":
            if conditions != {"Equals": ["true" if kind == "reads" else "false"]}:
                return False
        elif name == "eventSource":
            if set(conditions) != {"NotEquals"} or not _harmless(conditions["NotEquals"], kind):
                return False
        else:
            return False
    return of_management


def _harmless(left_out: Iterable[str], kind: str) -> bool:
    """Whether a trail may leave these services out: KMS it may not where keys are asked for, RDS' data calls always."""
    harmless = {"rdsdata.amazonaws.com"} | (set() if kind == "kms" else {"kms.amazonaws.com"})
    return set(left_out) <= harmless


# ---- ours ------------------------------------------------------------------------------------------------------------------


def _rule(eye: Eye, facts: Facts) -> Iterable[str]:
    state = eye.wants.get("state", "ENABLED")
    if facts.get("state") != state:
        yield f"is {facts.get('state')}, not {state}"
    for part in ("pattern", "schedule"):
        if part in eye.wants and _same_text(eye.wants[part], facts.get(part)) is False:
            yield f"has another {part} than was deployed"
    targets = facts.get("targets", ())
    if eye.wants.get("target") and eye.wants["target"] not in [target.get("arn") for target in targets]:
        yield "has no target of ours" if not targets else "passes on to another target than was deployed"
    for target in targets:
        if target.get("arn") == eye.wants.get("target") and target.get("group", "") != eye.wants.get("group", ""):
            yield "passes on to another message group than was deployed"
        if target.get("arn") != eye.wants.get("target"):
            continue
        if target.get("changed"):
            yield "changes what it passes on"
        if target.get("role", "") != eye.wants.get("role", target.get("role", "")):
            yield "passes on as another role than was deployed"
        if eye.wants.get("dead") and target.get("dead") != eye.wants["dead"]:
            yield "keeps nothing of what it could not pass on"


def _same_text(one: Any, other: Any) -> bool:
    """Equal, however the JSON in it is written."""
    return bool(_read(one) == _read(other))


def _read(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _function(eye: Eye, facts: Facts) -> Iterable[str]:
    if facts.get("reserved") == 0:
        yield "may not run: its reserved concurrency is 0"
    if facts.get("state", "Active") not in (
        "Active",
        "Pending",
        "Inactive",
    ):  # inactive: idle for long, and woken by a call
        yield f"cannot run: it is {facts['state']}"
    if eye.wants.get("role") and facts.get("role") != eye.wants["role"]:
        yield "runs as another role than was deployed"
    made_of = eye.wants.get("made_of", {})
    yield from (what for part, what in MADE_OF.items() if part in made_of and facts.get(part) != made_of[part])


# What a function does, by what it is made of. Only AWS knows it as a whole: whoever looks first after a deployment keeps it.
MADE_OF = {
    "sha256": "runs other code than was deployed",
    "layers": "has other layers than were deployed",
    "handler": "begins elsewhere than was deployed: its handler was changed",
    "environment": "has other settings than were deployed: its environment was changed",
    "aliases": "has a door that leads to another version than was deployed",
    "limits": "runs otherwise than was deployed: its runtime, time, memory, network or key was changed",
    "callers": "may be called by others than was deployed, or by fewer: its policy was changed",
}


def _reader(eye: Eye, facts: Facts) -> Iterable[str]:
    mappings = facts.get("mappings", ())
    ours = [one for one in mappings if one["function"] == eye.wants["function"]]
    if not any(one["state"] in ("Enabled", "Enabling", "Creating", "Updating") for one in ours):
        yield "is disabled" if ours else "is not there any more"
    if any(one.get("filters") for one in ours):
        yield "throws away some of what is in its queue: it has a filter"
    if not all(one.get("reports_failures") for one in ours):
        yield "throws away what could not be handled: single failures are not reported any more"
    if others := sorted({one["function"] for one in mappings} - {eye.wants["function"]}):
        yield f"shares its queue with {', '.join(others)}, which takes events away"


def _queue(eye: Eye, facts: Facts) -> Iterable[str]:
    if facts.get("key"):
        yield "is encrypted under a key that EventBridge may not use"
    if int(facts.get("retention", _HOUR)) < _HOUR:
        yield f"keeps what it is given for {facts['retention']} seconds only"
    if int(facts.get("delay", 0)):
        yield f"keeps back what it is given for {facts['delay']} seconds"
    if eye.wants.get("hidden") and int(facts.get("hidden", eye.wants["hidden"])) != int(eye.wants["hidden"]):
        yield f"hides what is being handled for {facts['hidden']} seconds, not {eye.wants['hidden']}"
    if int(facts.get("largest", _EVENT)) < _EVENT:
        yield f"takes nothing that is larger than {facts['largest']} bytes"
    if "dead" in eye.wants and _after_failures(facts.get("redrive", "")) != eye.wants["dead"]:
        yield "does with what fails something else than was deployed"
    takes_events, conditions = eye.wants.get("takes") == "events", eye.wants.get("conditions")
    if takes_events and not _lets_in("events", "sqs:SendMessage", facts.get("policy", ""), conditions):
        yield "takes nothing from EventBridge any more, or not everything: its policy does not allow it"


_HOUR = 3600
_EVENT = 262_144  # bytes that an event may have


def _after_failures(text: str) -> list[Any]:
    """After how many tries a message goes where; nothing if it stays."""
    redrive = _read(text) or {}
    return [int(redrive["maxReceiveCount"]), redrive["deadLetterTargetArn"]] if redrive else []


def _lets_in(service: str, action: str, text: Any, conditions: Mapping[str, Any] | None = None) -> bool:
    """Whether a policy lets a service of AWS do this, on no other `conditions` than these (None: on any), and denies nobody anything
    but calls without TLS, as what we deploy does."""
    try:
        statements = policy(_read(text) or {})
    except (AttributeError, TypeError, ValueError):
        return False
    allowed = [
        one
        for one in statements
        if one.get("Effect") == "Allow"
        and {f"{service}.amazonaws.com", "*"} & {name for part in one.get("Principal", {}).values() for name in part}
        and {action.lower(), f"{action.partition(':')[0]}:*", "*"} & {name.lower() for name in one.get("Action", ())}
        and (conditions is None or all(conditions.get(key) == said for key, said in one.get("Condition", {}).items()))
    ]
    return bool(allowed) and all(one.get("Effect") == "Allow" or _of_tls(one) for one in statements)


def _of_tls(statement: Mapping[str, Any]) -> bool:
    said = {
        (operator, key.lower(), str(part).lower())
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
        for part in (value if isinstance(value, list) else [value])
    }
    return said == {("Bool", "aws:securetransport", "false")}


def _topic(eye: Eye, facts: Facts) -> Iterable[str]:
    if facts.get("key"):
        yield "is encrypted under a key that alarms may not use"
    if eye.wants.get("alarms") and not _lets_in("cloudwatch", "sns:Publish", facts.get("policy", "")):
        yield "is told nothing by alarms, or not by everybody: its policy does not allow it"
    told = set(facts.get("confirmed", ()))
    for address in sorted(set(facts.get("filtered", ())) & set(eye.wants.get("told", ()))):
        yield f"does not tell {address} everything: the subscription has a filter"
    for address in eye.wants.get("told", ()):
        if address not in told:
            yield f"does not reach {address}: the subscription is gone, or was never confirmed"


def _alarms(eye: Eye, facts: Facts) -> Iterable[str]:
    found: Mapping[str, Any] = facts.get("found", {})
    gone = [name for name in eye.wants.get("names", ()) if name not in found]
    mute = [
        name
        for name in eye.wants.get("names", ())
        if name in found and (not found[name]["enabled"] or eye.wants.get("told") not in found[name]["actions"])
    ]
    wanted: Mapping[str, Any] = eye.wants.get("as", {})
    other = [name for name in wanted if name in found and not _watches(found[name].get("as", {}), wanted[name])]
    for names, what in ((gone, "are not there any more"), (mute, "tell nobody"), (other, "watch something else")):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            yield f"{', '.join(names[:5])}{more} {what}"


def _role(eye: Eye, facts: Facts) -> Iterable[str]:
    if _statements(facts.get("trust")) != _statements(eye.wants["trust"]):
        yield "may be taken by others than was deployed, or by fewer"
    may = {name: _statements(one) for name, one in facts.get("policies", {}).items()}
    more = [*facts.get("attached", ()), *([facts["boundary"]] if facts.get("boundary") else [])]
    if more or may != {name: _statements(one) for name, one in eye.wants["policies"].items()}:
        yield "may do something else than was deployed"


def _table(eye: Eye, facts: Facts) -> Iterable[str]:
    """What is remembered: that nobody else writes it or reads along, that nothing ends it, and that it answers as often as it is asked."""
    if facts.get("status") not in ("ACTIVE", "UPDATING"):
        yield f"does not answer: it is {facts.get('status')}"
    if not facts.get("protected"):
        yield "may be deleted in one call: its deletion protection is off"
    if not facts.get("recovers"):
        yield "cannot be put back to an earlier moment: its point-in-time recovery is off"
    if facts.get("key"):
        yield "is encrypted under a key that can be taken away"
    if facts.get("forgets_by") != eye.wants["forgets_by"]:
        by = facts.get("forgets_by")
        yield f"forgets by {by}, not by {eye.wants['forgets_by']}" if by else "forgets nothing: its time to live is off"
    if facts.get("limited"):
        yield "takes only so many requests a second: it is not on demand without a maximum"
    if facts.get("policy"):
        yield "has a policy of its own, which was not deployed"
    for copied in sorted(facts.get("copied_to", ())):
        yield f"passes on what is written: to {copied}"


def _statements(document: Any) -> str:
    return json.dumps(sorted(json.dumps(one, sort_keys=True) for one in policy(document)))


def _watches(is_now: Facts, wanted: Facts) -> bool:
    return all(plain(is_now.get(part)) == plain(said) for part, said in wanted.items())


_JUDGES: dict[EyeKind, Callable[[Eye, Facts], Iterable[str]]] = {
    EyeKind.TRAIL: _trail,
    EyeKind.RULE: _rule,
    EyeKind.FUNCTION: _function,
    EyeKind.READER: _reader,
    EyeKind.QUEUE: _queue,
    EyeKind.TOPIC: _topic,
    EyeKind.ROLE: _role,
    EyeKind.ALARMS: _alarms,
    EyeKind.TABLE: _table,
}
