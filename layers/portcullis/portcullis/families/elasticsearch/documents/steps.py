"""The steps of a plan, and their undoing, as what an Elasticsearch should hold then: documents whole, users with their roles in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.plan import AppliedStep, Operation, Step
from portcullis.errors import BadInput, Conflict, Refused
from portcullis.families.base import Filter
from portcullis.families.elasticsearch.documents import compare, rights
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.writes import PUT, REMOVE
from portcullis.families.elasticsearch.known.names import is_pattern

Documents = dict[str, dict[str, Json]]


def after(steps: Sequence[Step], held: Actual, passwords: Mapping[str, str] | None) -> SecurityConfig:
    """What should be held once these steps are done. Without passwords: to be simulated. BadInput if one of a new user is missing."""
    documents = _copied(held)
    for step in steps:
        kind, name = step.claim.kind, step.claim.name
        if step.claim.entry_list:
            continue
        if step.operation is Operation.REMOVE:
            documents[kind].pop(name, None)
        elif kind == Kind.USERS:
            documents[kind][name] = _user(name, step.after, documents[kind].get(name), passwords)
        else:
            documents[kind][name] = step.after
    for step in steps:
        if step.claim.entry_list:
            _entry(documents[Kind.USERS], step)
    return SecurityConfig(documents)


def undone(touched: Sequence[AppliedStep], held: Actual, passwords: Mapping[str, str] | None) -> SecurityConfig:
    """What should be held once what was touched is undone. A role that was taken from a user comes back where it stood in their list."""
    documents = _copied(held)
    given = {(one.entry, one.name) for one in touched if one.entry_list and one.after is not None}
    came_back: set[str] = set()
    for one in reversed(touched):
        if one.entry_list:
            continue
        there = documents[one.kind].get(one.name)
        if one.kind == Kind.USERS and one.before is None:
            theirs = [role for role in (there or {}).get("roles") or () if (one.name, role) not in given]
            if not theirs:  # else somebody gave them more since: the user stays for that
                documents[one.kind].pop(one.name, None)
        elif one.kind == Kind.USERS and one.after is None:
            came_back.add(one.name)
            documents[one.kind][one.name] = {**one.before, **_secret(one.name, passwords)}
        elif one.kind == Kind.USERS:
            documents[one.kind][one.name] = {**one.before, "roles": list((there or {}).get("roles") or ())}
        elif one.before is None:
            documents[one.kind].pop(one.name, None)
        else:
            documents[one.kind][one.name] = one.before
    users = documents[Kind.USERS]
    for name in dict.fromkeys(one.entry for one in touched if one.entry_list):
        if name in users:
            roles = list(users[name].get("roles") or ())
            if name not in came_back:
                roles = [role for role in roles if (name, role) not in given]
            back = (
                (place, one.name)
                for one in touched
                if one.entry == name and one.after is None
                for place in _places(one)
            )
            for place, role in sorted(back):
                if name not in came_back or role not in roles:
                    roles.insert(place, role)
            users[name] = {**users[name], "roles": roles}
    return SecurityConfig(documents)


def _places(one: AppliedStep) -> Sequence[int]:
    return (one.places or (1 << 30,)) if one.entry_list else ()


def _copied(held: Actual) -> Documents:
    return {kind: dict(held.of(kind)) for kind in Kind}


def _user(name: str, asked: Json, there: Json | None, passwords: Mapping[str, str] | None) -> Json:
    """A user as asked for, with the roles they have. Whether they are disabled is left as it is, unless it is asked for."""
    kept: Json = {"roles": list((there or {}).get("roles") or ())}
    if there is not None and "enabled" in there:
        kept["enabled"] = there["enabled"]
    secret = _secret(name, passwords) if there is None else {}
    return {**kept, **{key: value for key, value in asked.items() if key != "roles"}, **secret}


def _secret(name: str, passwords: Mapping[str, str] | None) -> dict[str, str]:
    if passwords is None:
        return {}
    if name not in passwords:
        raise BadInput(f"native user {name} is new and has no password", remedy="give it one")
    return {"password": passwords[name]}


def _entry(users: dict[str, Json], step: Step) -> None:
    name, role = step.claim.entry, step.claim.name
    if name not in users:
        if step.operation is Operation.ADD:
            raise Refused(f"the engine keeps no user {name}, so it cannot be given {role}: make it first")
        return  # gone with its roles
    roles = list(users[name].get("roles") or ())
    if step.operation is Operation.REMOVE:
        roles = [one for one in roles if one != role]
    elif role not in roles:
        roles.append(role)
    users[name] = {**users[name], "roles": roles}


# ---------------------------------------------------------------------- what a write overwrites


def overwritten_users(write: Write) -> frozenset[str]:
    """Users that it puts whole, or takes away: what somebody gave such a user since is lost with it."""
    if write.kind != Kind.USERS:
        return frozenset()
    return frozenset(one["name"] for one in write.body if one["op"] in (PUT, REMOVE))


def refuse_if_moved(write: Write, before: Actual, now: Actual) -> None:
    for name in sorted(overwritten_users(write)):
        if now.get(Kind.USERS, name) != before.get(Kind.USERS, name):
            raise Conflict(f"user {name} changed meanwhile")


# ---------------------------------------------------------------------- what steps mean


def taking(step: Step) -> Step | None:
    """Of a step on a role mapping: as much of it as only takes people out; None if it takes nobody out."""
    if step.claim.kind != Kind.MAPPINGS or step.before is None:
        return None
    if step.after is None:
        return step
    between = rights.shared_mapping(step.before, step.after)
    if compare.same(between, step.before):
        return None
    return Step(Operation.REPLACE, step.claim, step.before, between, step.because)


def named(kind: str, document: Json | None) -> frozenset[str]:
    """Whom a role mapping names. A group is no name, and a pattern names nobody."""
    rules = (document or {}).get("rules") if kind == Kind.MAPPINGS else None
    return frozenset(_usernames(rules))


def _usernames(rule: Any) -> Iterator[str]:
    if isinstance(rule, list):
        for one in rule:
            yield from _usernames(one)
    elif isinstance(rule, dict):
        for field, of in rule.items():
            if field == "username":
                yield from (one for one in (of if isinstance(of, list) else [of]) if one and not is_pattern(one))
            else:
                yield from _usernames(of)


def filters(steps: Sequence[Step]) -> Iterator[Filter]:
    """The document filters that these steps would write; one with a template is filled in by the engine, and only it can read that."""
    for step in steps:
        if step.claim.kind != Kind.ROLES or step.after is None:
            continue
        for entry in step.after.get("indices") or ():
            query = compare.query(entry.get("query"))
            if isinstance(query, dict) and "template" not in query:
                names = entry.get("names") or ()
                yield Filter(step.claim, names if isinstance(names, str) else ", ".join(names), compare.text(query))
