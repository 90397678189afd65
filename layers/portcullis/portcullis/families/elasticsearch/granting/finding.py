"""Findings in what an Elasticsearch holds: ways to administration, patterns that fit no index, role mappings that fit nobody or everybody.

Of the ways: manage_security makes super users and sets the password of `elastic`; run-as works for native and reserved users that are
enabled, and goes one step; whoever writes the security index writes access; role mappings say nothing of native users.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import Claim
from portcullis.access.questions.findings import Pattern, WayUp
from portcullis.access.questions.persons import Person
from portcullis.access.questions.picture import Rule
from portcullis.families.elasticsearch.documents.config import ADMINISTRATES, MEMBERS, ROLES_OF_NOBODY, SUPERUSER, Kind
from portcullis.families.elasticsearch.granting import effect
from portcullis.families.elasticsearch.granting.callers import Caller
from portcullis.families.elasticsearch.granting.merging import holding, is_restricted
from portcullis.families.elasticsearch.granting.signing_in import NOBODY, ROLE_MAPPING, lets_in, may_hold
from portcullis.families.elasticsearch.granting.who_has import KEPT_IN, MAPPING, REALM, roles_of_nobody
from portcullis.families.elasticsearch.known.names import Unreadable, fitting, is_expression, is_pattern, matches
from portcullis.families.elasticsearch.known.privileges import grants_on_cluster, grants_on_index, is_void
from portcullis.families.finding import Finding

_API = "cluster:admin/xpack/security/"
_USERS = f"makes a native user with the role {SUPERUSER}"
_PASSWORDS = f"sets the password of somebody who has {SUPERUSER}"
_MAPS = f"maps themselves to {SUPERUSER}"
_OTHER_REALM = "they sign in by another realm than the native one: role mappings say nothing of native users"
_ROLES = (f"{_API}role/put", f"{_API}role/bulk_put")
# A name and a realm that nobody has: what holds for them holds for whoever there is.
_STRANGERS = ("\0", "\0" * 64)


class ElasticsearchFinding:
    """The Finding protocol."""

    whole = "the cluster"
    lets_in_iam_roles = False

    def way_up(self, actual: Actual, roles: Collection[str]) -> WayUp | None:
        if SUPERUSER in roles:
            return WayUp((f"has the role {SUPERUSER}",))
        named = sorted(roles)
        ways = [way for role in named for way in (*_of_role(actual, role, roles), *_acting_as(actual, role))]
        return min(ways, key=lambda way: (bool(way.unless), len(way.steps)), default=None)

    def misses(self, actual: Actual, names: Collection[str]) -> tuple[tuple[str, str], ...]:
        return tuple(dict.fromkeys(_misses(actual, names)))

    def by_alias(self, actual: Actual, aliases: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
        return ()  # nothing lifts a filter there: who may use the alias has its indices by no other way

    def patterns(self, actual: Actual, people: Sequence[Person]) -> tuple[Pattern, ...]:
        of_tokens = tuple(one for one in people if one.caller is not None and one.caller.attributes.get(REALM))
        found = (_pattern(actual, one, of_tokens) for one in people if one.kind == ROLE_MAPPING)
        nobody = (_without_signing_in(actual) for one in people if one.kind == NOBODY)
        return tuple(one for one in (*nobody, *found) if one)

    def rules(self, actual: Actual, role: str, indices: Sequence[str]) -> tuple[Rule, ...]:
        document = actual.get(Kind.ROLES, role) or {}
        cluster = document.get("cluster") or ()
        found = [Rule(f"cluster privileges {', '.join(cluster)}", "", ())] if cluster else []
        for group in holding({role: document}, (role,), effect.AS_OF).groups:
            covers: tuple[int, ...] | None
            try:
                fit = tuple(fitting(group.names, indices))
                covers = tuple(one for one in fit if group.restricted or not is_restricted(indices[one]))
            except Unreadable:
                covers = None
            says = f"{', '.join(group.privileges)} on {', '.join(group.names)}"
            found.append(Rule(says, effect.limits(group), covers))
        for word, what in effect.others(document):
            found.append(Rule(f"{word} on {what}" if what else word, "", ()))
        return tuple(found)


ELASTICSEARCH: Finding = ElasticsearchFinding()


# ---------------------------------------------------------------------- ways to administration


def _of_role(held: Actual, role: str, roles: Collection[str]) -> Iterator[WayUp]:
    """By what one role allows; `roles` are all that they have."""
    has = f"has the role {role}"
    if role == SUPERUSER:
        yield WayUp((has,))
        return
    document = held.get(Kind.ROLES, role) or {}
    cluster = [str(one) for one in document.get("cluster") or ()]
    if named := _granting(cluster, f"{_API}user/put"):
        yield WayUp((has, f"may write native users ({named}): {_USERS}"))
    if named := _granting(cluster, f"{_API}user/change_password"):
        yield WayUp((has, f"may set passwords ({named}): {_PASSWORDS}"))
    # A role that is not there counts for nothing, until somebody makes it.
    own = next((one for one in sorted(roles) if not held.is_fixed(Kind.ROLES, one)), "")
    if own and (named := next(filter(None, (_granting(cluster, action) for action in _ROLES)), "")):
        yield WayUp((has, f"may write roles ({named}): gives all to {own}, which is theirs"))
    if named := _granting(cluster, f"{_API}role_mapping/put"):
        yield WayUp((has, f"may write role mappings ({named}): {_MAPS}"), _OTHER_REALM)
    entries = document.get("indices") or ()
    for entry in entries:
        if not (len(entries) == 1 and is_void(entry.get("privileges") or ())):
            yield from _in_the_index(has, entry)


def _granting(cluster: Sequence[str], action: str) -> str:
    """Which of these privileges grants an action."""
    return next((one for one in cluster if one.lower() in ADMINISTRATES or grants_on_cluster((one,), action)), "")


def _in_the_index(has: str, entry: Json) -> Iterator[WayUp]:
    privileges = _listed(entry.get("privileges"))
    if not entry.get("allow_restricted_indices") or not grants_on_index(privileges, "indices:data/write/index"):
        return
    named = ", ".join(privileges)
    for pattern in _listed(entry.get("names")):
        by = f"{named} on {pattern}, restricted ones too"
        says = f"may write the index that access is kept in ({by}): gives themselves {SUPERUSER}"
        try:
            if any(matches(pattern, name) for name in KEPT_IN):
                yield WayUp((has, says))
        except Unreadable:
            yield WayUp((has, says), f"{pattern} fits it, which only the engine can tell")


def _acting_as(held: Actual, role: str) -> Iterator[WayUp]:
    """By acting as somebody: a native user who is enabled. Whom those may act as counts no more: it goes one step."""
    document = held.get(Kind.ROLES, role) or {}
    for pattern in _listed(document.get("run_as")):
        for name, user in sorted(held.of(Kind.USERS).items()):
            fits = _fits(pattern, name)
            if fits is False or user.get("enabled") is False:
                continue
            theirs = tuple(user.get("roles") or ())
            ways = [way for one in theirs for way in _of_role(held, one, theirs)]
            way = min(ways, key=lambda one: (bool(one.unless), len(one.steps)), default=None)
            # Whoever acts as a native user comes in as one: no role mapping is theirs.
            if way is None or way.unless == _OTHER_REALM:
                continue
            unless = way.unless or ("" if fits else f"{pattern} fits {name}, which only the engine can tell")
            act = f"may act as {name} (run_as {pattern}), who {way.steps[0]}"
            yield WayUp((f"has the role {role}", act, *way.steps[1:]), unless)


def _fits(pattern: str, name: str) -> bool | None:
    try:
        return matches(pattern, name)
    except Unreadable:
        return None


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


# ---------------------------------------------------------------------- patterns of roles


def _misses(held: Actual, names: Collection[str]) -> Iterator[tuple[str, str]]:
    mapped = {role for mapping in held.of(Kind.MAPPINGS).values() for role in mapping.get("roles") or ()}
    for role in sorted({*held.of(MEMBERS), *mapped}):
        if held.is_fixed(Kind.ROLES, role):
            continue
        for entry in (held.get(Kind.ROLES, role) or {}).get("indices") or ():
            for pattern in _listed(entry.get("names")):
                if not _is_open(pattern) and next(fitting((pattern,), names), None) is None:
                    yield role, pattern


def _is_open(pattern: str) -> bool:
    """Whether nobody here can tell that there is no such index: an expression, another cluster's, or one of the engine's own features,
    whose names begin with a dot and are not all shown."""
    return is_expression(pattern) or ":" in pattern or pattern.startswith(".") or is_restricted(pattern) or not pattern


# ---------------------------------------------------------------------- role mappings


def _without_signing_in(held: Actual) -> Pattern:
    says = f"{ROLES_OF_NOBODY} of the nodes, which gives {', '.join(roles_of_nobody(held))},"
    return Pattern(ROLES_OF_NOBODY, says, None, 0, "whoever there is, also without signing in")


def _pattern(held: Actual, mapping: Person, people: Sequence[Person]) -> Pattern | None:
    """A role mapping that lets in by a pattern, or by no name at all; None for one that names whom it lets in."""
    name = mapping.caller.attributes[MAPPING] if mapping.caller else ""
    rule = (held.of(Kind.MAPPINGS).get(name) or {}).get("rules")
    anybody = _anybody(rule)
    if not anybody and not any(is_pattern(word) for _, words in _fields(rule) for word in words):
        return None
    whom: tuple[Person, ...] | None = None
    # Of another realm nobody is known: that its rule lets in none of ours says nothing.
    if people and (anybody or _may_concern(rule, {one.caller.attributes[REALM] for one in people if one.caller})):
        told = [(one, lets_in(name, rule, one.caller)) for one in people if one.caller]
        whom = None if any(said is None for _, said in told) else tuple(one for one, said in told if said)
    return Pattern(name, str(Claim(Kind.MAPPINGS, name)), whom, len(people), anybody)


def _anybody(rule: Any) -> str:
    """Whom a rule lets in, if it is whoever there is, of all realms or of one; else empty."""
    besides = ", but for some" if "except" in _words(rule) else ""
    if _certainly(rule, _STRANGERS[0]):
        return f"whoever comes in by any realm that role mappings count for{besides}"
    realms = {word for field, words in _fields(rule) if field == "realm.name" for word in words if not is_pattern(word)}
    some = sorted(realm for realm in realms if _certainly(rule, realm))
    return f"whoever comes in by the realm {' or '.join(some)}{besides}" if some else ""


def _certainly(rule: Any, realm: str) -> bool:
    return all(may_hold(rule, Caller(name, realm)) is True for name in _STRANGERS)


def _may_concern(rule: Any, realms: Collection[str]) -> bool:
    """Whether by its realms alone a rule may hold for somebody of one of these."""
    return any(may_hold(_by_realm(rule), Caller(_STRANGERS[0], realm)) is not False for realm in realms)


def _by_realm(rule: Any) -> Any:
    """A rule of which nothing is known but what it says of realms."""
    match rule:
        case {"field": {**field}}:
            return rule if "realm.name" in field else None
        case {"any": [*parts]}:
            return {"any": [_by_realm(one) for one in parts]}
        case {"all": [*parts]}:
            return {"all": [_by_realm(one) for one in parts]}
        case {"except": inner}:
            return {"except": _by_realm(inner)}
    return None


def _fields(rule: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a rule asks for, field by field: the words that it takes."""
    match rule:
        case {"field": {**field}}:
            for name, value in field.items():
                words = value if isinstance(value, list) else [value]
                yield str(name), tuple(one for one in words if isinstance(one, str))
        case {"any": [*parts]} | {"all": [*parts]}:
            for one in parts:
                yield from _fields(one)
        case {"except": inner}:
            yield from _fields(inner)


def _words(rule: Any) -> frozenset[str]:
    """The words that a rule is made of: any, all, except, field."""
    if isinstance(rule, Mapping):
        return frozenset(rule).union(*(_words(one) for one in rule.values()))
    return frozenset().union(*(_words(one) for one in rule)) if isinstance(rule, list) else frozenset()
