"""Findings in a config of the security plugin: ways to administration, patterns that fit no index, entries that fit nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from portcullis.access.actual import Actual, Json
from portcullis.access.questions.findings import Pattern, WayUp
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.access.questions.picture import Rule
from portcullis.families.finding import Finding
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES, Kind
from portcullis.families.opensearch.granting.callers import is_nobody
from portcullis.families.opensearch.granting.effect import limits
from portcullis.families.opensearch.granting.net import given
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.names.attributes import needs_attributes
from portcullis.families.opensearch.names.dates import is_date_name
from portcullis.families.opensearch.names.matching import is_expression, match, matches, matches_any

_ALL_ACCESS = "all_access"
# Roles that the security API lets in by their name, as the plugin is shipped (plugins.security.restapi.roles_enabled).
_LET_IN = ("security_manager", "security_rest_api_access")
_API = "restapi:admin/"
_WITHOUT_SIGNING_IN = (
    "whoever there is, also without signing in, where the engine's config lets them come (anonymous_auth_enabled)"
)
_BY_NAME = "the engine's setting plugins.security.restapi.roles_enabled names it, as it does where nobody changed it"
_BY_PERMISSION = "the engine's setting plugins.security.restapi.admin.enabled is on"
_MAPS = f"may write role mappings ({_API}rolesmapping): maps themselves to {_ALL_ACCESS}"
_USERS = f"may write internal users ({_API}internalusers): makes a user with the role {_ALL_ACCESS}, or sets the password of one who has it"


class OpenSearchFinding:
    """The Finding protocol."""

    whole = "the domain"
    lets_in_iam_roles = True

    def way_up(self, actual: Actual, roles: Collection[str]) -> WayUp | None:
        if _ALL_ACCESS in roles:
            return WayUp((f"has the role {_ALL_ACCESS}",))
        ways = [way for role in sorted(roles) if (way := _of_role(actual, role, roles))]
        return min(ways, key=lambda way: (bool(way.unless), len(way.steps)), default=None)

    def misses(self, actual: Actual, names: Collection[str]) -> tuple[tuple[str, str], ...]:
        return tuple(dict.fromkeys(_misses(actual, names)))

    def by_alias(self, actual: Actual, aliases: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (role, alias)
            for role in sorted(given(actual))
            if not actual.is_fixed(Kind.ROLES, role)
            for alias in sorted(aliases)
            if _only_by(actual.get(Kind.ROLES, role) or {}, alias, aliases[alias])
        )

    def patterns(self, actual: Actual, people: Sequence[Person]) -> tuple[Pattern, ...]:
        real = tuple(one for one in people if one.kind != ANYBODY and one.caller is not None)
        found = []
        for one in people:
            if is_nobody(one.entry):
                says = f"an entry of a role mapping: {one.entry}"
                found.append(Pattern(one.entry, says, None, 0, _WITHOUT_SIGNING_IN))
            elif one.kind == ANYBODY and one.caller is not None and not one.caller.hosts:
                anybody = "whoever there is" if one.entry == "*" else ""
                says = f"an entry of a role mapping: {one.entry}"
                found.append(Pattern(one.entry, says, _let_in(one, real), len(real), anybody))
        return tuple(found)

    def rules(self, actual: Actual, role: str, indices: Sequence[str]) -> tuple[Rule, ...]:
        document = actual.get(Kind.ROLES, role) or {}
        cluster = document.get("cluster_permissions") or ()
        found = [Rule(f"cluster permissions {', '.join(cluster)}", "", ())] if cluster else []
        for entry in document.get("index_permissions") or ():
            patterns = [one for one in entry.get("index_patterns") or () if one.strip()]
            covers: tuple[int, ...] | None = None
            if not any(_is_open(one) for one in patterns):
                covers = tuple(place for place, name in enumerate(indices) if matches_any(patterns, name))
            allowed = ", ".join(entry.get("allowed_actions") or ())
            found.append(Rule(f"{allowed} on {', '.join(patterns)}", limits(entry), covers))
        return tuple(found)


OPENSEARCH: Finding = OpenSearchFinding()


def _let_in(pattern: Person, people: Collection[Person]) -> tuple[Person, ...] | None:
    """Who of these is let in; None if only the engine can tell."""
    found = []
    for person in people:
        if person.caller is None or pattern.caller is None:
            continue
        as_role = bool(pattern.caller.backend_roles)
        called = person.caller.backend_roles if as_role else tuple(filter(None, (person.caller.name,)))
        fits = [match(pattern.entry, name) for name in called]
        if pattern.entry == "*" or True in fits:
            found.append(person)
        elif None in fits or (is_expression(pattern.entry) and match(pattern.entry, "") is None):
            return None
    return tuple(found)


def _of_role(held: Actual, role: str, roles: Collection[str]) -> WayUp | None:
    """By one role; `roles` are all that they have."""
    has = f"has the role {role}"
    if role in _LET_IN:
        unless = "" if role in ADMINISTRATOR_ROLES else _BY_NAME
        return WayUp((has, f"{role} may use the security API: maps themselves to {_ALL_ACCESS}"), unless)
    document = held.get(Kind.ROLES, role) or {}
    named = document.get("cluster_permissions") or ()
    actions = expand(held, named)
    if matches_any(actions, f"{_API}rolesmapping"):
        return WayUp((has, _MAPS), _BY_PERMISSION)
    if matches_any(actions, f"{_API}internalusers"):
        return WayUp((has, _USERS), _BY_PERMISSION)
    if matches_any(actions, f"{_API}roles"):
        own = next(
            (one for one in sorted(roles) if not held.is_fixed(Kind.ROLES, one) and held.get(Kind.ROLES, one)), ""
        )
        if own:
            return WayUp(
                (has, f"may write roles ({_API}roles): gives {_API}rolesmapping to {own}, which is theirs", _MAPS),
                _BY_PERMISSION,
            )
    if matches_any(actions, f"{_API}actiongroups"):
        group = next((one for one in sorted(_groups(held, roles)) if not held.is_fixed(Kind.ACTION_GROUPS, one)), "")
        if group:
            puts = f"may write action groups ({_API}actiongroups): puts {_API}rolesmapping into {group}, which a role of theirs holds"
            return WayUp((has, puts, _MAPS), _BY_PERMISSION)
    return None


def _only_by(role: Json, alias: str, indices: Sequence[str]) -> bool:
    """Whether a role reaches an index of this alias by the alias, and by no pattern that fits the index itself."""
    patterns = [one for entry in role.get("index_permissions") or () for one in entry.get("index_patterns") or ()]
    return matches_any(patterns, alias) and any(not matches_any(patterns, index) for index in indices)


def _groups(held: Actual, roles: Collection[str]) -> Iterator[str]:
    """The action groups in the cluster permissions of these roles."""
    groups, seen = held.of(Kind.ACTION_GROUPS), set()
    waiting = [name for role in roles for name in (held.get(Kind.ROLES, role) or {}).get("cluster_permissions") or ()]
    while waiting:
        name = waiting.pop()
        if name in groups and name not in seen:
            seen.add(name)
            waiting += groups[name].get("allowed_actions") or ()
            yield name


def _is_open(pattern: str) -> bool:
    """Whether which indices it means depends on who asks or on the day, or only the engine may know."""
    return bool(needs_attributes(pattern)) or is_date_name(pattern) or is_expression(pattern)


def _misses(held: Actual, names: Collection[str]) -> Iterator[tuple[str, str]]:
    for role in sorted(given(held)):
        if held.is_fixed(Kind.ROLES, role):
            continue
        for entry in (held.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
            for pattern in entry.get("index_patterns") or ():
                if (
                    not _is_open(pattern)
                    and ":" not in pattern
                    and pattern.strip()
                    and not any(matches(pattern, name) for name in names)
                ):
                    yield role, pattern
