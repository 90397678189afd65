"""The conditions of an IAM policy. True, False, or None: a value that is asked for is not known, or nobody documents what comes of it.

After "IAM JSON policy elements: Condition operators" and "... with multiple context keys or values" of the IAM User Guide.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portcullis.access.truth import Truth, all_of, any_of, negated


@dataclass(frozen=True, slots=True)
class Context:
    """The keys of a request, in small letters. `absent` are those that such a request does not have; of all others nothing is known."""

    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def of(self, key: str) -> tuple[str, ...] | None:
        """Its values, none if it is not there. None: nobody here can say."""
        key = key.lower()
        return () if key in self.absent else self.known.get(key)


def listed(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return [one for part in value for one in listed(part)] if isinstance(value, list | tuple) else [str(value)]


def met(condition: Any, context: Context, variables: bool) -> tuple[Truth, tuple[str, ...]]:
    """Whether a Condition holds, and of which keys the value would have to be known to say so. `variables`: ${...} is one."""
    if not isinstance(condition, Mapping):
        return (None, ()) if condition else (True, ())
    truths: list[Truth] = []
    missing: list[str] = []
    for operator, keys in condition.items():
        if not isinstance(keys, Mapping):
            truths.append(None)
            continue
        for key, wanted in keys.items():
            truth = _one(operator, context.of(key), listed(wanted), context, variables)
            truths.append(truth)
            if truth is None:
                missing.append(key)
    truth = all_of(truths)
    return truth, tuple(dict.fromkeys(missing)) if truth is None else ()


def _one(operator: str, actual: tuple[str, ...] | None, wanted: list[str], context: Context, variables: bool) -> Truth:
    name = operator.lower()
    if name == "null":
        if actual is None or [one.lower() for one in wanted] not in (["true"], ["false"]):
            return None
        return (not actual) == (wanted[0].lower() == "true")
    base, if_exists = (name[: -len("ifexists")], True) if name.endswith("ifexists") else (name, False)
    every, some = base.startswith("forallvalues:"), base.startswith("foranyvalue:")
    base = base.partition(":")[2] if every or some else base
    negative = base in _NEGATIVE
    compare = _OPERATORS.get(_NEGATIVE.get(base, base))
    if compare is None or actual is None:
        return None
    if not actual:
        return True if if_exists or every else False if some else negative
    patterns: list[str | None] = [substituted(one, context) if variables else one for one in wanted]

    def fits(value: str) -> Truth:
        found = any_of(None if one is None else compare(value, one) for one in patterns)
        return negated(found) if negative else found

    if every:
        return all_of(map(fits, actual))
    if some:
        return any_of(map(fits, actual))
    return fits(actual[0]) if len(actual) == 1 else None  # several values want one of the two set operators


_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SIGNS = {"*", "?", "$"}
LITERAL = {"*": "\ue000", "?": "\ue001"}  # as they stand in a pattern in which they mean themselves


def substituted(text: str, context: Context) -> str | None:
    """With its policy variables put in; None if one of them is not known. What is put in is no pattern."""
    doubt = False

    def put(found: re.Match[str]) -> str:
        nonlocal doubt
        key, _, default = found[1].partition(",")
        if key in _SIGNS:
            return LITERAL.get(key, key)
        values = context.of(key.strip())
        if values == () and default.strip():
            return _kept(default.strip().strip("'\""))
        if values is None or len(values) != 1:
            doubt = True
            return ""
        return _kept(values[0])

    done = _VARIABLE.sub(put, text)
    return None if doubt else done


def _kept(value: str) -> str:
    return "".join(LITERAL.get(sign, sign) for sign in value)


def like(value: str, pattern: str, *, cased: bool = True) -> bool:
    """Whether a text fits a pattern of `*` and `?`, in a time that grows by no more than the lengths multiplied."""
    if not cased:
        value, pattern = value.casefold(), pattern.casefold()
    star = -1
    at = here = back = 0
    while here < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, back = at, here
            at += 1
        elif at < len(pattern) and (pattern[at] == "?" or _meant(pattern[at]) == value[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            back += 1
            at, here = star + 1, back
        else:
            return False
    return not pattern[at:].strip("*")


_MEANT = {sign: plain for plain, sign in LITERAL.items()}


def _meant(sign: str) -> str:
    return _MEANT.get(sign, sign)


def arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts of an ARN is compared by itself: a `*` reaches over no colon but those of the last part."""
    mine, theirs = value.split(":", 5), pattern.split(":", 5)
    return len(mine) == len(theirs) == 6 and all(map(like, mine, theirs))


def _plain(text: str) -> str:
    return "".join(map(_meant, text))


def _number(compare: Callable[[Any, Any], bool], read: Callable[[str], Any]) -> Callable[[str, str], Truth]:
    def truth(value: str, wanted: str) -> Truth:
        try:
            return bool(compare(read(value), read(wanted)))
        except (ValueError, OverflowError):
            return None

    return truth


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _in_block(value: str, wanted: str) -> Truth:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return None


def _compared(name: str, read: Callable[[str], Any]) -> dict[str, Callable[[str, str], Truth]]:
    return {
        f"{name}equals": _number(lambda a, b: a == b, read),
        f"{name}lessthan": _number(lambda a, b: a < b, read),
        f"{name}lessthanequals": _number(lambda a, b: a <= b, read),
        f"{name}greaterthan": _number(lambda a, b: a > b, read),
        f"{name}greaterthanequals": _number(lambda a, b: a >= b, read),
    }


_OPERATORS: dict[str, Callable[[str, str], Truth]] = {
    "stringequals": lambda value, wanted: value == _plain(wanted),
    "stringequalsignorecase": lambda value, wanted: value.casefold() == _plain(wanted).casefold(),
    "stringlike": like,
    "bool": lambda value, wanted: value.lower() == _plain(wanted).lower(),
    "binaryequals": lambda value, wanted: value == _plain(wanted),
    "ipaddress": _in_block,
    "arnequals": arn_like,
    "arnlike": arn_like,
    **_compared("numeric", float),
    **_compared("date", _moment),
}
_NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
