"""What is valid in the file of a cluster and seldom meant, by Elastic's rules of how entries of roles add up.

Entries with the same set of names are merged before anything else, in whatever roles they stand: what one of them has no filter for has
no filter then, though it only writes. Of entries with other names, one that reads without a filter lifts that of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.families.elasticsearch.documents.config import SUPERUSER, Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.who_has import administering_roles, reaches_access
from portcullis.families.elasticsearch.known.names import Unreadable, is_pattern, matches
from portcullis.families.elasticsearch.known.privileges import grants_on_index
from portcullis.families.elasticsearch.known.releases import holds
from portcullis.families.elasticsearch.requesting.asking import ALL
from portcullis.model.elasticsearch.levels import DASHBOARD
from portcullis.model.elasticsearch.lint_entries import of_entries
from portcullis.model.elasticsearch.lint_remotes import of_remotes
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.lint_any import by_case, unused
from portcullis.model.lints.near import Near
from portcullis.model.names import overlap, shown
from portcullis.model.parts import Path

_READING = "indices:data/read/search"
_LIMITS = {"query": "documents", "field_security": "fields"}


def of_cluster(deployment: OnCluster, model: AccessModel) -> Iterator[Finding]:
    """Beyond what every file is looked at for."""
    access, release = deployment.access, holds(deployment.release)
    yield from unused(deployment, access.roles, {grant.role for grant in model.grants})
    yield from by_case(deployment, [("roles", access.roles, release.reserved_roles), ("users", access.users, ())])
    yield from _people(deployment)
    yield from _granted(deployment, release.deprecated_roles)
    yield from _strong(deployment, model)
    yield from of_entries(deployment)
    yield from _lifted(deployment, model)
    yield from of_remotes(deployment)


def _people(deployment: OnCluster) -> Iterator[Finding]:
    realm = deployment.people.realm
    # Of type oidc the cluster gives a token of its own, which ends with the role.
    if realm is not None and realm.by == "groups" and realm.type == "jwt":
        yield found(
            deployment,
            "token-outlives-group",
            ("people", "realm", "by"),
            "a token names the groups of the moment it was made: somebody who leaves a group is let in until it ends",
            "by: user_name, where leaving counts with the next request; or short tokens, and accept it",
        )


def _granted(deployment: OnCluster, deprecated: frozenset[str]) -> Iterator[Finding]:
    levels = deployment.levels
    blind = DASHBOARD in levels and not levels[DASHBOARD].privileges
    told: set[str] = set()
    for i, spec in enumerate(deployment.access.grants):
        here: Path = ("access", "grants", i)
        roles = (spec.role,) if spec.role else levels[spec.level].roles if spec.level else ()
        for role in deprecated & {*roles}:
            message = f"{role} is deprecated by {deployment.release}, and gone in the next one"
            yield found(deployment, "deprecated-role", here, message, "a role of your own, before the upgrade")
        if spec.level == DASHBOARD and blind and DASHBOARD not in told:
            told.add(DASHBOARD)
            yield found(
                deployment,
                "dashboard-sees-nothing",
                (*here, "level"),
                "the level dashboard sees no document of the indices: its dashboards are empty unless another role reads",
                "access.levels.define: {dashboard: {privileges: [read]}}, or a second grant",
            )


def _strong(deployment: OnCluster, model: AccessModel) -> Iterator[Finding]:
    administering = administering_roles(_with_super_users(model))
    for name, role in deployment.access.roles.items():
        here: Path = ("access", "roles", name)
        by = [one for one in role.cluster if reaches_access({"cluster": [one]})]
        for privilege in by:
            yield found(
                deployment,
                "superuser-by-another-name",
                (*here, "cluster"),
                f"{privilege} lets its holders make themselves super users",
                "what they need and no more (read_security, manage_own_api_key, monitor, …)",
            )
        if name in administering and role.run_as and not reaches_access({"cluster": role.cluster}):
            yield found(
                deployment,
                "superuser-by-another-name",
                (*here, "run_as"),
                f"{', '.join(map(shown, role.run_as))} takes in a super user, as whom its holders may act",
                "the users who are meant, by name",
            )
        for i, entry in enumerate(role.indices):
            if ALL in entry.names:
                yield found(
                    deployment,
                    "name-all",
                    (*here, "indices", i, "names"),
                    f"{ALL} is no wildcard in a role: it reaches nothing that is asked for by its own name, and by 9 every index"
                    f" where something is taken away from it ({ALL},-x)",
                    "*, or the names that are meant",
                )
            if entry.allow_restricted_indices:
                yield found(
                    deployment,
                    "restricted-indices",
                    (*here, "indices", i, "allow_restricted_indices"),
                    f"{', '.join(map(shown, entry.names))} may be the security index, which holds who may do what",
                    "leave it out",
                )


def _with_super_users(model: AccessModel) -> SecurityConfig:
    """The roles of the file, and the native users who are known to have one: `elastic` is a super user from the start."""
    users: dict[str, Json] = {"elastic": {"roles": [SUPERUSER]}}
    for grant in model.grants:
        if grant.subject.kind is SubjectKind.INTERNAL_USER:
            users.setdefault(grant.subject.name, {"roles": []})["roles"].append(grant.role)
    return SecurityConfig({Kind.ROLES: model.roles, Kind.USERS: users})


# ------------------------------------------------------------------ filters that others lift

Place = tuple[str, int]  # role, number of the entry


def _lifted(deployment: OnCluster, model: AccessModel) -> Iterator[Finding]:
    entries: dict[Place, Json] = {
        (name, i): entry for name, role in model.roles.items() for i, entry in enumerate(role.get("indices") or ())
    }
    limited = [place for place, entry in entries.items() if any(entry.get(limit) for limit in _LIMITS)]
    if not limited:
        return
    by_names: dict[frozenset[str], list[Place]] = {}
    for place, entry in entries.items():
        by_names.setdefault(frozenset(entry["names"]), []).append(place)
    of_role = {role: Near(_patterns(role, model.roles[role])) for role in {role for role, _ in limited}}
    subjects = _subjects(model)
    order = {place: number for number, place in enumerate(entries)}
    for one in limited:
        first = entries[one]
        if not grants_on_index(first.get("privileges") or (), _READING):
            continue
        beside = {*of_role[one[0]].to(first["names"]), *by_names[frozenset(first["names"])]} - {one}
        for other in sorted(beside, key=order.__getitem__):
            second = entries[other]
            what = [words for limit, words in _LIMITS.items() if first.get(limit) and not second.get(limit)]
            if not what:
                continue
            same_names = set(first["names"]) == set(second["names"])
            reads = grants_on_index(second.get("privileges") or (), _READING)
            if one[0] == other[0] and (same_names or (reads and _meet(first, second))):
                yield _found(deployment, "filter-lifted", one, f"indices[{other[1]}] of the same role", what)
            elif one[0] != other[0] and same_names and not reads:
                together = subjects.get(one[0], set()) & subjects.get(other[0], set())
                code = "filter-lifted" if together else "filter-lifted-for-both"
                yield _found(deployment, code, one, f"the role {shown(other[0])}, though it reads nothing,", what)


def _patterns(name: str, role: Json) -> Iterator[tuple[str, Place]]:
    return ((pattern, (name, i)) for i, entry in enumerate(role["indices"]) for pattern in entry["names"])


def _found(deployment: OnCluster, code: str, place: Place, by: str, what: list[str]) -> Finding:
    role, number = place
    path: Path = ("access", "roles", role, "indices", number)
    message = f"the filter on {' and '.join(what)} is lifted: {by} is about the same indices without one"
    return found(deployment, code, path, message, "the same filter there too, or other names for the indices")


def _subjects(model: AccessModel) -> dict[str, set[Subject]]:
    """Who is granted a role."""
    held: dict[str, set[Subject]] = {}
    for grant in model.grants:
        held.setdefault(grant.role, set()).add(grant.subject)
    return held


def _meet(first: Json, second: Mapping[str, Any]) -> bool:
    return any(_overlap(one, other) for one in first["names"] for other in second["names"])


def _overlap(one: str, other: str) -> bool:
    """Whether both can be about one index; two expressions are taken to be."""
    expressions = [name for name in (one, other) if name.startswith("/")]
    if not expressions:
        return overlap(one, other)
    plain = [name for name in (one, other) if not is_pattern(name)]
    try:
        return not plain or matches(expressions[0], plain[0])
    except Unreadable:
        return True
