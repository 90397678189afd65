"""A change in words: who gains and who loses what, by the engine's own rules for several roles of one person."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from portcullis.access.actual import Actual, Json
from portcullis.access.effect import Access, Effect
from portcullis.access.plan import Claim
from portcullis.access.questions.changes import Right
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.families.elasticsearch.granting.callers import NATIVE, Caller, roles_of
from portcullis.families.elasticsearch.granting.merging import Group, Holding, holding
from portcullis.families.elasticsearch.granting.who_has import administering_roles, audience, by_template, names_roles
from portcullis.families.elasticsearch.known import privileges
from portcullis.families.elasticsearch.known.names import covers
from portcullis.families.elasticsearch.known.release import Release

AS_OF = Release(8, 19)  # what 9 adds to a privilege is no gain of anybody's
_INDEX, _CLUSTER, _ADMIN, _OTHER = "index", "cluster", "administration", "other"


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where something is allowed: of a kind, on a pattern of names, under the same limits."""

    kind: str
    pattern: str = ""
    limits: str = ""


@dataclass(slots=True)
class _Has:
    """What one principal has: ground -> words -> the roles it comes from."""

    grounds: dict[_Ground, dict[str, frozenset[str]]]
    roles: frozenset[str]


def people(before: Actual, after: Actual) -> Effect:
    """What the change from `before` to `after` means for people.

    Of a person all roles are looked at together, as the engine does: entries with the same names are merged, and one without a filter
    lifts that of the others. What is still allowed under the same limits, by whatever role, is neither gained nor lost.
    """
    had, has = _of_all(before, after)
    return Effect(_more(had, has), _more(has, had))


def _of_all(before: Actual, after: Actual) -> tuple[dict[str, _Has], dict[str, _Has]]:
    """By principal, of those for whom anything may differ."""
    roles = {
        name
        for name in {*before.of(Kind.ROLES), *after.of(Kind.ROLES)}
        if before.of(Kind.ROLES).get(name) != after.of(Kind.ROLES).get(name)
    }
    held = [(_principals(before), before), (_principals(after), after)]
    concerned = {
        who
        for who in {*held[0][0], *held[1][0]}
        if held[0][0].get(who) != held[1][0].get(who) or roles & held[0][0].get(who, frozenset())
    }
    administering = [administering_roles(before), administering_roles(after)]
    if administering[0] != administering[1]:
        changed = administering[0] ^ administering[1]
        concerned |= {who for of, _ in held for who, has in of.items() if has & changed}
    one, other = (
        {who: _what(config.of(Kind.ROLES), made, of.get(who, frozenset()), admins) for who in concerned}
        for (of, config), admins in zip(held, administering, strict=True)
        for made in (_templates(config),)
    )
    return one, other


def _principals(held: Actual) -> dict[str, frozenset[str]]:
    """Who -> their roles, and what templates give them, in words. Native users by name; of mappings whom they name, by all together."""
    users, mappings = held.of(Kind.USERS), held.of(Kind.MAPPINGS)
    found = {name: frozenset(roles_of(Caller(name, NATIVE), users, mappings)) for name in users}
    named: dict[str, set[str]] = defaultdict(set)
    for name, mapping in mappings.items():
        if mapping.get("enabled") is not False:
            for who in audience(name, mapping):
                named[who] |= {*names_roles(Kind.MAPPINGS, mapping)}
    return {
        who: roles for who, roles in {**found, **{who: frozenset(of) for who, of in named.items()}}.items() if roles
    }


def _templates(held: Actual) -> dict[str, set[str]]:
    """What templates give, in words -> the role mappings that have them."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, mapping in held.of(Kind.MAPPINGS).items():
        for text in by_template(mapping):
            found[text].add(f"by {Claim(Kind.MAPPINGS, name)}")
    return found


def _what(
    roles: Mapping[str, Json],
    templates: Mapping[str, set[str]],
    names: frozenset[str],
    administering: frozenset[str],
) -> _Has:
    found: dict[_Ground, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for text in names & templates.keys():
        found[_Ground(_OTHER)][text] |= templates[text]
    names -= templates.keys()
    known = {name for name in names if name in roles}
    for name in sorted(names & administering):
        found[_Ground(_ADMIN)][""].add(name)
    held: Holding = holding(roles, sorted(names), AS_OF)
    for group in held.groups:
        for pattern in group.names:
            for word in group.privileges:
                found[_Ground(_INDEX, pattern, limits(group))][word] |= set(group.roles)
    for name, on_cluster in held.cluster.items():
        for word in on_cluster:
            found[_Ground(_CLUSTER)][word].add(name)
    for name in sorted(known):
        for words, what in others(roles[name]):
            found[_Ground(_OTHER, what)][words].add(name)
    grounds = {ground: {word: frozenset(of) for word, of in words.items()} for ground, words in found.items()}
    return _Has(grounds, names)


def rights(before: Actual, had: frozenset[str], after: Actual, has: frozenset[str]) -> tuple[Right, ...]:
    """What the roles `has` allow of what is held `after`, and the roles `had` did not allow `before`, limits left aside."""
    old, new = (
        _without_limits(_what(held.of(Kind.ROLES), {}, roles, administering_roles(held)))
        for held, roles in ((before, had), (after, has))
    )
    found: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for ground, words in new.grounds.items():
        if more := tuple(sorted(word for word in words if not _allowed(old, ground, word))):
            found[ground.kind, more].append(ground.pattern)
    made = []
    for (kind, fresh), patterns in found.items():
        on_index = tuple(sorted(patterns)) if kind == _INDEX else ()
        others = [" on ".join(filter(None, (word, one))) for word in fresh for one in patterns]
        for said in others if kind == _OTHER else _said(kind, dict.fromkeys(patterns, fresh)):
            made.append(Right(said, on_index, kind == _ADMIN))
    return tuple(sorted(made))


def _without_limits(has: _Has) -> _Has:
    found: dict[_Ground, dict[str, frozenset[str]]] = defaultdict(dict)
    for ground, words in has.grounds.items():
        bare = ground if ground.kind == _OTHER else _Ground(ground.kind, ground.pattern)
        for word, roles in words.items():
            found[bare][word] = found[bare].get(word, frozenset()) | roles
    return _Has(found, has.roles)


def others(role: Json) -> Iterator[tuple[str, str]]:
    """What a role gives beside indices and the cluster: words, and on what."""
    for one in role.get("run_as") or ():
        yield f"acts as {one}", ""
    for entry in role.get("applications") or ():
        for word in entry.get("privileges") or ():
            yield word, f"{', '.join(entry.get('resources') or ())} of application {entry.get('application')}"
    for key in ("remote_indices", "remote_cluster"):
        for entry in role.get(key) or ():
            names = f"{', '.join(entry.get('names') or ()) or 'the cluster'} of remote {', '.join(entry.get('clusters') or ())}"
            for word in entry.get("privileges") or ():
                yield word, names
    if role.get("global"):
        yield f"global {json.dumps(role['global'], sort_keys=True)}", ""


def limits(group: Group) -> str:
    found = []
    if group.queries is not None:
        found.append(f"only documents that match {' or '.join(group.queries)}")
    for grant, without in group.fields:
        some = "all fields" if grant == ("*",) else f"only the fields {', '.join(sorted(grant))}"
        found.append(f"{some} without {', '.join(sorted(without))}" if without else some)
    if group.restricted:
        found.append("the engine's own indices too")
    return ", ".join(found)


def _more(had: Mapping[str, _Has], has: Mapping[str, _Has]) -> tuple[Access, ...]:
    """What is allowed by `has` and is not by `had`."""
    found: set[Access] = set()
    for who, now in has.items():
        before = had[who]
        new: dict[tuple[_Ground, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for ground, words in now.grounds.items():
            for word, roles in words.items():
                if not _allowed(before, ground, word):
                    by = ", ".join(sorted(roles))
                    new[_Ground(ground.kind, "", ground.limits), by][ground.pattern].append(word)
        for (ground, by), patterns in new.items():
            found |= {Access(who, by, said, ground.limits) for said in _said(ground.kind, patterns)}
        bare = (
            now.roles - before.roles - {role for words in now.grounds.values() for of in words.values() for role in of}
        )
        found |= {Access(who, role, "a role without permissions") for role in bare}
    return tuple(sorted(found))


def _allowed(had: _Has, ground: _Ground, word: str) -> bool:
    for other, words in had.grounds.items():
        if (other.kind, other.limits) != (ground.kind, ground.limits):
            continue
        if other.pattern == ground.pattern and word in words:
            return True
        if ground.kind == _INDEX and (other.pattern == ground.pattern or _wider(other.pattern, ground.pattern)):
            if privileges.index_within(word, words):
                return True
        elif ground.kind == _CLUSTER and privileges.cluster_within(word, words):
            return True
    return False


def _wider(pattern: str, other: str) -> bool:
    """Whether one pattern of names covers all of another; two stars stand for one, so that no `?` covers a `*`."""
    return not pattern.startswith("/") and not other.startswith("/") and covers(pattern, other.replace("*", "**"))


def _said(kind: str, patterns: Mapping[str, Iterable[str]]) -> Iterator[str]:
    by_words: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for pattern, words in patterns.items():
        by_words[tuple(sorted(words))].append(pattern)
    for words, names in by_words.items():
        match kind:
            case "administration":
                yield "administration of the cluster"
            case "cluster":
                yield f"cluster privileges {', '.join(words)}"
            case _:
                on = ", ".join(sorted(name for name in names if name))
                yield f"{', '.join(words)} on {on}" if on else ", ".join(words)
