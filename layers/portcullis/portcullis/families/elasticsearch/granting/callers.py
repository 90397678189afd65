"""Which roles a caller has: a native user by the user's own document, anybody of another realm by the role mappings.

Seen on real servers: a native user is not subject to mappings; a match is by letter and case, with `*` and /expressions/; `any: []`
matches nobody and `all: []` everybody; `null` matches no absent value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portcullis.errors import BadInput
from portcullis.families.elasticsearch.known.names import is_pattern, matches

NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the realm that let them in describes them."""

    name: str
    realm: str = NATIVE  # the realm's name; a native user is one of `native`
    groups: tuple[str, ...] = ()
    dn: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()  # given outright: nothing else is looked at


def roles_of(caller: Caller, users: Mapping[str, Any], mappings: Mapping[str, Any]) -> dict[str, str]:
    """Role -> why the caller has it. A disabled native user has none, as they cannot sign in."""
    if caller.roles:
        return dict.fromkeys(caller.roles, "given in the question")
    if caller.realm == NATIVE:
        user = users.get(caller.name)
        if user is None or user.get("enabled") is False:
            return {}
        return dict.fromkeys(user.get("roles") or (), f"user/{caller.name}")
    found: dict[str, str] = {}
    for name, mapping in sorted(mappings.items()):
        if mapping.get("enabled") is not False and holds(
            mapping.get("rules") or {"any": []}, caller, f"role_mappings.{name}.rules"
        ):
            for role in mapping.get("roles") or ():
                found.setdefault(role, f"role_mapping/{name}")
    return found


def templates_of(caller: Caller, mappings: Mapping[str, Any]) -> tuple[str, ...]:
    """Role mappings that let in the caller and give roles by templates: which these are only the engine can tell."""
    if caller.roles or caller.realm == NATIVE:
        return ()
    return tuple(
        name
        for name, mapping in sorted(mappings.items())
        if mapping.get("role_templates")
        and mapping.get("enabled") is not False
        and holds(mapping.get("rules") or {"any": []}, caller, f"role_mappings.{name}.rules")
    )


def holds(rule: Any, caller: Caller, place: str) -> bool:
    """Whether a rule of a role mapping matches. BadInput names the place of what is no rule."""
    if not isinstance(rule, dict) or len(rule) != 1:
        raise BadInput("is no rule", place=place, remedy="one of any, all, except, field")
    [(kind, of)] = rule.items()
    match kind:
        case "any" | "all" if isinstance(of, list):
            answers = [holds(one, caller, f"{place}.{kind}[{i}]") for i, one in enumerate(of)]
            return any(answers) if kind == "any" else all(answers)
        case "except":
            return not holds(of, caller, f"{place}.except")
        case "field" if isinstance(of, dict) and len(of) == 1:
            [(name, wanted)] = of.items()
            have = _values(caller, name)
            return any(
                _equal(one, value) for one in (wanted if isinstance(wanted, list) else [wanted]) for value in have
            )
    raise BadInput("is no rule", place=place, remedy="one of any, all, except, field")


def _values(caller: Caller, name: str) -> tuple[Any, ...]:
    if name.startswith("metadata."):
        value = caller.metadata.get(name.removeprefix("metadata."))
        return tuple(value) if isinstance(value, list) else () if value is None else (value,)
    one = {"username": caller.name, "dn": caller.dn, "realm.name": caller.realm}.get(name)
    return caller.groups if name == "groups" else (one,) if one else ()


def _equal(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, str) and isinstance(value, str) and is_pattern(wanted):
        return matches(wanted, value)
    return type(wanted) is type(value) and bool(wanted == value)
