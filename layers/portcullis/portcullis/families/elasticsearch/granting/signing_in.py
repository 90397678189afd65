"""How the people of a deployment reach a cluster: as which native users, or with a token of which realm, and which roles they have then.

Somebody may be several native users, as a level may have a rule of its own for their names. Each is signed in as by itself: their roles
are never put together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from portcullis.access.actual import Actual
from portcullis.access.plan import Claim, Grant, Operation, People, Step, SubjectKind
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.access.terms import Caller as Principal
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.compiling import mapping as made_of
from portcullis.families.elasticsearch.documents.compiling import mapping_name, name_of
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, ROLES_OF_NOBODY, Kind
from portcullis.families.elasticsearch.granting.callers import Caller, holds
from portcullis.families.elasticsearch.granting.who_has import (
    GROUPS,
    MAPPING,
    NAMELESS,
    REALM,
    USERS,
    audience,
    by_template,
    callers_of,
    perhaps_letting_in,
    roles_of_nobody,
)
from portcullis.families.elasticsearch.known.names import Unreadable, is_pattern
from portcullis.families.last_made import LastMade

ROLE_MAPPING = "role_mapping"  # the kind of whoever a role mapping lets in, where it does not say who that is
NOBODY = "nobody"  # the kind of whoever does not sign in
REALM_USER = "realm_user"  # the kind of whoever a role mapping of ours names, and is nobody else
_NO_USERS = (SubjectKind.IAM_ROLE.value, SubjectKind.BACKEND_ROLE.value)
_OWN = (SubjectKind.INTERNAL_USER.value, ROLE_MAPPING, NOBODY)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in. `roles`: role -> what gives it; `perhaps`: the same of role mappings that ask for what is not known of a token."""

    roles: Mapping[str, str] = field(default_factory=dict)
    perhaps: Mapping[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()  # what else may give a role, and only the engine can tell
    nobody: str = ""  # why there is no role


_LAST: LastMade[dict[Any, tuple[SignIn, ...]]] = LastMade(4)


def sign_ins(held: Actual, principal: Principal) -> tuple[SignIn, ...]:
    """The ways in of a principal."""
    known = _LAST.of(held, dict)
    key = (principal.name, principal.backend_roles, tuple(sorted(principal.attributes.items())))
    if key not in known:
        known[key] = _sign_ins(held, principal)
    return known[key]


def _sign_ins(held: Actual, principal: Principal) -> tuple[SignIn, ...]:
    if principal.attributes.get(NAMELESS):
        return (SignIn(_everybodys(held)),)
    if name := principal.attributes.get(MAPPING):
        mapping = held.of(Kind.MAPPINGS).get(name) or {}
        roles = _everybodys(held) | dict.fromkeys(mapping.get("roles") or (), str(Claim(Kind.MAPPINGS, name)))
        return (SignIn(roles, {}, by_template(mapping), f"role mapping {name} gives no role"),)
    return tuple(
        _by_token(held, one, principal) if principal.attributes.get(REALM) else _native(held, one.name)
        for one in callers_of(principal)
    )


def _everybodys(held: Actual) -> dict[str, str]:
    """What whoever does not sign in has, and with that whoever does."""
    return dict.fromkeys(roles_of_nobody(held), f"{ROLES_OF_NOBODY} of the nodes")


def _native(held: Actual, name: str) -> SignIn:
    user = held.of(Kind.USERS).get(name)
    if user is None:
        return SignIn(nobody=f"there is no native user {name}")
    if user.get("enabled") is False:
        return SignIn(nobody=f"native user {name} is disabled")
    own = {role: str(Claim(MEMBERS, role, NATIVE_USERS, name)) for role in user.get("roles") or ()}
    roles = _everybodys(held) | own
    return SignIn(roles, nobody="" if roles else f"native user {name} has no role")


def _by_token(held: Actual, caller: Caller, principal: Principal) -> SignIn:
    roles = _everybodys(held)
    perhaps: dict[str, str] = {}
    templates: list[str] = []
    ours = _groups_of(principal)
    for name, mapping in perhaps_letting_in(held, caller, ours):
        if mapping.get("enabled") is False:
            continue
        said = may_hold(mapping.get("rules"), caller, groups_of=ours, name=name)
        if said is False:
            continue
        for role in mapping.get("roles") or ():
            (roles if said else perhaps).setdefault(role, str(Claim(Kind.MAPPINGS, name)))
        templates += by_template(mapping)
    rest = {role: by for role, by in perhaps.items() if role not in roles}
    return SignIn(roles, rest, tuple(templates), "" if roles else "no role mapping lets them in")


def lets_in(name: str, rule: Any, principal: Principal) -> bool | None:
    """Whether the rule of this role mapping lets in whoever has a token; None: only the engine can tell."""
    (caller,) = callers_of(principal)
    return may_hold(rule, caller, groups_of=_groups_of(principal), name=name)


def _groups_of(principal: Principal) -> str:
    return mapping_name(principal.attributes.get(GROUPS, ""), "") if GROUPS in principal.attributes else ""


def may_hold(rule: Any, caller: Caller, *, groups_of: str = "", name: str = "") -> bool | None:
    """Whether a rule of the role mapping `name` matches somebody of whom the name and the realm are known; None: only the engine can tell.

    `groups_of`: how the role mappings begin for whose groups the token is known to speak; empty: of a token no groups are known.
    """
    if not isinstance(rule, dict) or len(rule) != 1:
        return None
    [(kind, of)] = rule.items()
    match kind:
        case "any" | "all" if isinstance(of, list):
            found = {may_hold(one, caller, groups_of=groups_of, name=name) for one in of}
            decisive = kind == "any"
            return decisive if decisive in found else None if None in found else not decisive
        case "except":
            inner = may_hold(of, caller, groups_of=groups_of, name=name)
            return None if inner is None else not inner
        case "field" if isinstance(of, dict) and len(of) == 1:  # of none, or several, no engine makes anything
            return _field(rule, caller, groups_of, name)
    return None


def _field(rule: Any, caller: Caller, groups_of: str, name: str) -> bool | None:
    [(asked, _)] = rule["field"].items()
    try:
        fits = holds(rule, caller, name)
    except (Unreadable, BadInput):
        return None
    if asked in ("username", "realm.name"):
        return fits
    if asked != "groups" or not groups_of:
        return None
    return fits or (False if name.startswith(groups_of) else None)


# ---------------------------------------------------------------------- people


def as_known(
    held: Actual, known: People | None, grants: Collection[Grant], people: Sequence[Person]
) -> tuple[Person, ...]:
    """The people of a deployment as the cluster knows them, and whoever its role mappings let in besides."""
    found = _as_called(known or People(""), grants, people)
    return (*found, *_others(held, found))


def as_known_then(
    held: Actual, known: People | None, grants: Collection[Grant], people: Sequence[Person], now: Sequence[Person]
) -> tuple[Person, ...]:
    """The same of an earlier time. A native user's name does not say who of IAM or Cognito it is: that is told by who there is now.
    Whoever is in no group any more is the native user alone, or a name that a role mapping of ours has."""
    rules = known or People("")
    there = [one for one in now if one.kind not in _OWN]
    everybody = {(one.kind, one.name, one.entry): one for one in (*people, *there)}
    found = _as_called(rules, grants, list(everybody.values()))
    found += _of_mappings(held, rules, found)
    return (*found, *_others(held, found))


def _as_called(rules: People, grants: Collection[Grant], people: Sequence[Person]) -> list[Person]:
    # What looks like a pattern among native users is the name of one, who is there by it as well.
    people = [one for one in people if one.kind != ANYBODY]
    if rules.realm:
        of_groups = any(grant.is_backend_role for grant in grants)
        return [one if one.kind in _OWN else _of_realm(one, rules, of_groups=of_groups) for one in people]
    return _natives(rules, grants, people)


def _of_mappings(held: Actual, rules: People, people: Collection[Person]) -> Iterator[Person]:
    """Whom the role mappings of the deployment name and nobody knows."""
    known = {word for one in people for word in called(one)}
    named: dict[str, None] = {}
    for name, mapping in sorted(held.of(Kind.MAPPINGS).items()):
        if rules.realm and name.startswith(mapping_name(rules.deployment, "")):
            named |= dict.fromkeys(
                sorted(word for word in _named(mapping)[0] if isinstance(word, str) and not is_pattern(word))
            )
    for word in named:
        if (entry := f"{word} of realm {rules.realm}") not in known:
            yield Person(REALM_USER, word, entry, Principal(word, (), {REALM: rules.realm}))


def _of_realm(person: Person, rules: People, *, of_groups: bool) -> Person:
    if person.kind in _NO_USERS and person.kind != SubjectKind.BACKEND_ROLE.value:
        return replace(person, caller=None, refused=f"an IAM role has no token of {rules.realm}", doubt="", role="")
    attributes = {REALM: rules.realm, **({GROUPS: rules.deployment} if of_groups else {})}
    groups = tuple(one.partition(":")[2] for one in person.groups if one.startswith(SubjectKind.COGNITO_GROUP.value))
    caller = Principal(name_of(person.entry), groups if of_groups else (), attributes)
    return replace(person, caller=caller, users=(), doubt="", refused="", role="", carried="", every_group=of_groups)


def _natives(rules: People, grants: Collection[Grant], people: Sequence[Person]) -> list[Person]:
    users = [() if one.kind in _OWN else _users_of(one, rules, grants) for one in people]
    claimed: dict[str, list[Person]] = defaultdict(list)
    for one, names in zip(people, users, strict=True):
        for name in names:
            claimed[name].append(one)
    found = []
    for one, names in zip(people, users, strict=True):
        if names:
            found.append(_as_native(one, names, rules, claimed))
        elif one.kind == ROLE_MAPPING or len(claimed.get(one.entry, ())) != 1:
            found.append(one)  # else it is somebody who is listed already
    return found


def _users_of(person: Person, rules: People, grants: Collection[Grant]) -> tuple[str, ...]:
    """The native users that somebody is, by the roles that they are granted; without any, by the rule for all."""
    mine = {*person.groups, str(person)}
    roles = {one.role for one in grants if str(one.subject) in mine or one.subject.name == person.entry}
    name = name_of(person.entry)
    return tuple(sorted({rules.called(role, name) for role in roles} or {rules.called("", name)}))


def _as_native(person: Person, users: tuple[str, ...], rules: People, claimed: Mapping[str, list[Person]]) -> Person:
    if person.kind in _NO_USERS:
        return replace(person, caller=None, refused="no native user of the cluster stands for a role", doubt="")
    mine = tuple(name for name in users if name not in rules.kept)
    if not mine:
        kept = f"they would be the user {users[0]}, which is kept for Portcullis"
        return replace(person, caller=None, refused=kept, doubt="", role="", carried="")
    shared = [name for name in mine if len(claimed[name]) > 1]
    doubt = ""
    if shared:
        names = " and ".join(sorted(str(one) for one in claimed[shared[0]]))
        doubt = f"{names} would both be the user {shared[0]}: neither is, and whose it is cannot be told"
    caller = Principal(mine[0], (), {USERS: "\n".join(mine)} if len(mine) > 1 else {})
    return replace(person, caller=caller, users=mine, doubt=doubt, refused="", role="", carried="", every_group=False)


def _others(held: Actual, people: Collection[Person]) -> Iterator[Person]:
    """Whoever does not sign in, where they have a role; whoever a role mapping lets in, where it lets in others than these people."""
    if roles_of_nobody(held):
        words = "whoever does not sign in"
        yield Person(NOBODY, words, words, Principal("", (), {NAMELESS: "yes"}))
    known = {word for one in people for word in called(one)}
    for name, mapping in sorted(held.of(Kind.MAPPINGS).items()):
        if mapping.get("enabled") is not False and not known.issuperset(audience(name, mapping)):
            words = f"whoever {Claim(Kind.MAPPINGS, name)} lets in"
            yield Person(ROLE_MAPPING, name, words, Principal("", (), {MAPPING: name}))


def called(person: Person) -> tuple[str, ...]:
    """How holders of a role and effects of a change name this person."""
    if person.caller is None:
        return (person.entry,)
    realm = person.caller.attributes.get(REALM)
    if not realm:
        return (person.entry, person.caller.name, *person.users)
    groups = tuple(f"group {one} of realm {realm}" for one in person.caller.backend_roles)
    return (person.entry, f"{person.caller.name} of realm {realm}", *groups)


# ---------------------------------------------------------------------- role mappings of ours


def mapped(held: Actual, rules: People, person: Person, role: str, *, takes: bool, because: str) -> Step | None:
    """The role mapping of a role with this person in it, or without them; None if it is so already."""
    claim = Claim(Kind.MAPPINGS, mapping_name(rules.deployment, role))
    before = held.of(Kind.MAPPINGS).get(claim.name)
    names, groups = _named(before)
    name = name_of(person.entry)
    if (name in names) is not takes:
        return None
    after = made_of(role, rules.realm, names - {name} if takes else names | {name}, groups)
    operation = Operation.ADD if before is None else Operation.REMOVE if after is None else Operation.REPLACE
    return Step(operation, claim, before, after, because)


def _named(document: object) -> tuple[set[str], set[str]]:
    """User names and groups of a role mapping of our own form."""
    found: dict[str, set[str]] = {"username": set(), "groups": set()}
    match document:
        case {"rules": {"all": [_, {"any": [*rules]}]}}:
            for rule in rules:
                for key, value in rule.get("field", {}).items():
                    found.setdefault(key, set()).update(value if isinstance(value, list) else [value])
    return found["username"], found["groups"]
