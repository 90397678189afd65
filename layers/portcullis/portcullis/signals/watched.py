"""Where the events of what we see by, and of what opens another road, name what they are about; and whose business that is."""

from __future__ import annotations

import re
from collections.abc import Callable

from portcullis.signals.events import Event, Path, text
from portcullis.signals.found import Found, request
from portcullis.signals.found import told as told_names
from portcullis.signals.rows import About
from portcullis.signals.types import Scope

OUR_PREFIX = "portcullis-"  # of everything that the stacks give a name to
RESERVED_ROLE = "AWSReservedSSO_"  # of the roles that Identity Center makes of permission sets
_OURS_BY_NAME = frozenset({About.RULE, About.FUNCTION, About.QUEUE, About.TOPIC, About.ALARM, About.TABLE})


def is_ours(found: Found, prefix: str) -> bool:
    """Whether it is called as ours are; or is of a kind of which others count too, or does not tell its name."""
    named = found.about in _OURS_BY_NAME and found.names
    return not named or any(name.startswith(prefix) for name in found.names)


def _named_by(about: About, *paths: Path) -> Callable[[Event], Found]:
    """Something that is known by a name, at one of these paths, or by an ARN or an address that ends in it."""

    def finder(event: Event) -> Found:
        told = event.need(*paths)
        name = _OWN_NAME.split(told)[-1] if about is not About.FUNCTION else _function_name(told)
        return Found(about, f"{about.value}:{name}", (name,), account=event.account, region=event.region)

    return finder


_OWN_NAME = re.compile(r"[:/]")
_LENGTHENED = re.compile(r"-[A-Za-z0-9]{6}\Z")


def _function_name(told: str) -> str:
    """Of a name, an ARN or a part of one, with or without an alias or version."""
    parts = told.split(":")
    return parts[parts.index("function") + 1] if "function" in parts[:-1] else parts[0]


def _function(event: Event) -> Found:
    name = event.first(*request("functionName"), ("responseElements", "functionArn"))
    if not name:  # an event source mapping is known by an id of its own
        mapping = event.need(*request("uUID", "uuid", "UUID"))
        return Found(About.FUNCTION, f"function-mapping:{mapping}", (), account=event.account, region=event.region)
    plain = _function_name(name)
    return Found(About.FUNCTION, f"function:{plain}", (plain,), account=event.account, region=event.region)


def _queue(event: Event) -> Found:
    name = event.need(*request("queueUrl", "queueName"), ("responseElements", "queueUrl")).rpartition("/")[2]
    return Found(About.QUEUE, f"queue:{name}", (name,), account=event.account, region=event.region)


def _topic(event: Event) -> Found:
    paths = (*request("topicArn", "subscriptionArn", "name"), ("responseElements", "topicArn"))
    told = event.need(*paths)
    name = told.split(":")[5] if told.count(":") >= 5 else told  # a subscription's ARN goes on behind the topic's
    return Found(About.TOPIC, f"topic:{name}", (name,), account=event.account, region=event.region)


def _alarm(event: Event) -> Found:
    listed = event.get("requestParameters", "alarmNames") or event.get("requestParameters", "actionNames")
    names = [text(name) for name in listed] if isinstance(listed, list) else []
    names = names or [event.need(*request("alarmName"), ("requestParameters", "alarmNames"))]
    return Found(About.ALARM, f"alarm:{names[0]}", told_names(names), account=event.account, region=event.region)


def _secret(event: Event) -> Found:
    paths = (*request("secretId"), ("additionalEventData", "SecretId"), ("responseElements", "arn"))
    told = event.need(*paths, ("responseElements", "aRN"), *request("name"))
    # That a password was read concerns whoever has the master's; that one changed whoever follows it.
    changed = not event.name.startswith("Get")
    return Found(About.SECRET, f"secret:{told}", (told,), account=event.account, region=event.region, widely=changed)


def _sign_in_provider(event: Event) -> Found:
    paths = (
        *request("sAMLProviderArn", "openIDConnectProviderArn"),
        ("responseElements", "sAMLProviderArn"),
        ("responseElements", "openIDConnectProviderArn"),
        *request("name", "url"),
    )
    told = event.first(*paths) or "*"  # whichever it is, the trust policies say whose business that is
    return Found(About.SIGN_IN_PROVIDER, f"sign-in-provider:{told}", (told,), account=event.account)


def _assignment(event: Event) -> Found:
    # Tells the permission set by an id of Identity Center's own, and the account it is for, never the role that comes of it.
    told = event.first(*request("permissionSetArn")) or "*"
    return Found(About.ASSIGNMENT, f"assignment:{told}", (told,), account=event.text("requestParameters", "targetId"))


def _trail(event: Event) -> Found:
    told = event.need(*request("name", "trailName"))
    name = told.rpartition("/")[2]
    return Found(About.TRAIL, f"trail:{name}", (name,), account=event.account)


FINDERS: dict[About, Callable[[Event], Found]] = {
    About.SIGN_IN_PROVIDER: _sign_in_provider,
    About.ASSIGNMENT: _assignment,
    About.SECRET: _secret,
    About.TRAIL: _trail,
    About.RULE: _named_by(About.RULE, *request("name", "rule")),
    About.FUNCTION: _function,
    About.QUEUE: _queue,
    About.TOPIC: _topic,
    About.ALARM: _alarm,
    About.TABLE: _named_by(About.TABLE, *request("tableName", "resourceArn")),
}


def _same(one: str, other: str) -> bool:
    """Equal as far as both are known."""
    return not one or not other or one == other


def _of_account(found: Found, scope: Scope) -> bool:
    return bool(scope.eyes) and _same(found.account, scope.account) and is_ours(found, scope.eyes)


def _of_provider(found: Found, scope: Scope) -> bool:
    """Which roles trust it stands in their trust policies: any deployment that roles are mapped for may be concerned."""
    return bool(scope.iam_roles | scope.own_roles) and _same(found.account, scope.account)


def _of_assignment(found: Found, scope: Scope) -> bool:
    reserved = any(name.rpartition("/")[2].startswith(RESERVED_ROLE) for name in scope.iam_roles)
    return reserved and _same(found.account, scope.account)


def _of_secret(found: Found, scope: Scope) -> bool:
    """By ARN, by a part of it, or by the name that the ARN ends in, which Secrets Manager lengthens by six characters."""
    arn = scope.master_secret
    name = arn.rpartition(":")[2]
    if arn and any(
        one in (arn, name, name[:-7]) or arn.startswith(f"{one}-") or _same_secret(arn, one) for one in found.names
    ):
        return True
    here = found.widely and _same(found.account, scope.account) and _same(found.region, scope.region)
    return here and any(_same_secret(known, one) for known in scope.secrets for one in found.names)


def _same_secret(one: str, other: str) -> bool:
    """Each may be a name, or an ARN with or without the six characters that Secrets Manager lengthens a name by."""
    one, other = (name.partition(":secret:")[2] or name for name in (one, other))
    return one == other or any(_LENGTHENED.sub("", long) == short for long, short in ((one, other), (other, one)))


MATCHERS: dict[About, Callable[[Found, Scope], bool]] = {
    About.SIGN_IN_PROVIDER: _of_provider,
    About.ASSIGNMENT: _of_assignment,
    About.SECRET: _of_secret,
    **dict.fromkeys((About.TRAIL, *sorted(_OURS_BY_NAME)), _of_account),
}
