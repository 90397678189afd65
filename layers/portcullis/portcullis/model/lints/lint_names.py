"""Values that a file does not choose and that decide what is seen: names in document filters, and which group's role a token carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcullis.access.plan import By, Grant, SubjectKind
from portcullis.families.opensearch.names.attributes import ATTRIBUTE, is_list
from portcullis.model import names
from portcullis.model.lints.findings import Finding, found
from portcullis.model.names import shown
from portcullis.model.types import OnDomain

_NAMED = frozenset({SubjectKind.INTERNAL_USER, SubjectKind.IAM_USER, SubjectKind.IAM_ROLE, SubjectKind.COGNITO_USER})
_GROUPS = frozenset({SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP})


def names_that_decide(deployment: OnDomain, grants: Sequence[Grant]) -> Iterator[Finding]:
    yield from _in_filters(deployment, grants)
    yield from _by_precedence(deployment)
    yield from _ours(deployment)
    yield from _deceptive(deployment)


def _ours(deployment: OnDomain) -> Iterator[Finding]:
    """A grant to a role of Portcullis: break-glass would read outside a window, and a canary that may search proves no lock."""
    for i, grant in enumerate(deployment.access.grants):
        subject = grant.to.subject
        if subject.kind in (SubjectKind.IAM_ROLE, SubjectKind.BACKEND_ROLE) and names.is_ours(subject.name):
            yield found(
                deployment,
                "grant-to-portcullis",
                ("access", "grants", i, "to"),
                f"{shown(subject.name, 90)} is a role of Portcullis itself, and has what it needs and no more",
                "grant it to the people or the application that is meant",
            )


def _deceptive(deployment: OnDomain) -> Iterator[Finding]:
    for i, grant in enumerate(deployment.access.grants):
        name = grant.to.subject.name
        if why := names.deceptive(name):
            yield found(
                deployment,
                "name-looks-alike",
                ("access", "grants", i, "to"),
                f"{shown(name)} ({name!a}) may not be who it looks like: {why}",
                "type the name anew, or accept it if it is meant so",
            )


def _in_filters(deployment: OnDomain, grants: Sequence[Grant]) -> Iterator[Finding]:
    """`${...}` in a filter or pattern of a role whose holders the file does not name one by one."""
    for name, role in deployment.access.roles.items():
        loose = [grant for grant in grants if grant.role == name and grant.subject.kind not in _NAMED]
        loose_both = name in deployment.access.and_backend_roles
        if not loose and not loose_both:
            continue
        checked = not loose_both and all(one.subject.kind in _GROUPS and one.by is By.MEMBERS for one in loose)
        whose = str(loose[0].subject) if loose else "its backend roles"
        for i, entry in enumerate(role.index_permissions):
            for attribute in dict.fromkeys(ATTRIBUTE.findall(entry.dls or "")):
                how = (
                    "names that could change the filter are not mapped, any other is taken as it stands"
                    if checked and attribute.replace("user_", "user.", 1) == "user.name"
                    else "nobody checks it, and a quotation mark in it would change what the filter means"
                )
                yield found(
                    deployment,
                    "dls-name",
                    ("access", "roles", name, "index_permissions", i, "dls"),
                    f"${{{attribute}}} goes into the filter as text, and whoever names the people of {whose} chooses it: {how}",
                    "grant the role by name to people whom the file names, or give each group a role whose filter has a fixed value",
                )
        if not checked:
            yield from _in_patterns(deployment, name, whose)


def _in_patterns(deployment: OnDomain, name: str, whose: str) -> Iterator[Finding]:
    """`${...}` in a pattern. Of a group's members nobody is mapped whose name is a wildcard; of others nobody looks."""
    role = deployment.access.roles[name]
    given = (
        *((("index_permissions", i, "index_patterns"), e.index_patterns) for i, e in enumerate(role.index_permissions)),
        *(
            (("tenant_permissions", i, "tenant_patterns"), e.tenant_patterns)
            for i, e in enumerate(role.tenant_permissions)
        ),
    )
    for where, patterns in given:
        for attribute in dict.fromkeys(one for pattern in patterns for one in ATTRIBUTE.findall(pattern)):
            if not is_list(attribute):
                yield found(
                    deployment,
                    "pattern-name",
                    ("access", "roles", name, *where),
                    f"${{{attribute}}} goes into the pattern as text, and whoever names the people of {whose} chooses it: nobody checks it,"
                    " and who is called * has them all",
                    "grant the role by name to people whom the file names, or give each group a role whose patterns are fixed",
                )


def _by_precedence(deployment: OnDomain) -> Iterator[Finding]:
    """A token carries one role: that of the first of somebody's groups. What the others are granted by their role is not had."""
    cognito = deployment.identity.cognito
    if cognito is None:
        return
    by_role = {
        grant.to.subject.name: i
        for i, grant in reversed([*enumerate(deployment.access.grants)])
        if grant.to.by is By.ROLE
    }
    ranked = [group for group, spec in cognito.groups.items() if spec.role]
    for place, later in enumerate(ranked):
        first = ranked[:place]
        if later in by_role and first:
            before = ", ".join(map(shown, first))
            yield found(
                deployment,
                "by-role-precedence",
                ("access", "grants", by_role[later], "to"),
                f"whoever is in {shown(later)} and also in {before} has nothing of what is granted to {shown(later)} by its role: a"
                " token carries the role of the first group alone, so joining another group can take access away",
                "grant by members, which adds up, or let the first group's role have all that its members need",
            )
