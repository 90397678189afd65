"""What is valid and still seldom meant, found before anybody is let in or shut out by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from portcullis.access.plan import By, Grant, SubjectKind
from portcullis.errors import BadInput
from portcullis.families.opensearch.config import Kind
from portcullis.families.opensearch.patterns import unloadable
from portcullis.model import names
from portcullis.model.findings import CODES, Facts, Finding, Severity
from portcullis.model.lint_live import live
from portcullis.model.lint_merge import merges
from portcullis.model.lint_names import names_that_decide
from portcullis.model.lint_roles import roles
from portcullis.model.parts import Path
from portcullis.model.policy import denies_sql
from portcullis.model.presets import follows
from portcullis.model.resolving import resolve
from portcullis.model.types import MASTERS, Configuration, Deployment


def lint(deployment: Deployment, facts: Facts | None = None) -> tuple[Finding, ...]:
    """Everything that lint finds, the worst first, then in the order of the file. Deterministic; touches nothing."""
    facts = facts or Facts()
    model = resolve(deployment)
    found = [
        *_sign_in(deployment, facts),
        *_subjects(deployment, facts, model.grants),
        *_unused(deployment, model.grants),
        *_by_case(deployment),
        *_told(deployment),
        *_engine(facts),
        *live(deployment, facts),
        *roles(deployment),
        *merges(deployment, model, facts),
        *names_that_decide(deployment, model.grants),
    ]
    judged = (_accepted(finding, deployment) for finding in dict.fromkeys(found))
    order = list(Severity)
    return tuple(sorted(judged, key=lambda f: (order.index(f.severity), _line(f.place), f.code, f.message)))


def require(deployment: Deployment, facts: Facts | None = None) -> tuple[Finding, ...]:
    """The findings, if none is an error. Raises BadInput for the first error otherwise."""
    found = lint(deployment, facts)
    errors = [f for f in found if f.severity is Severity.ERROR]
    if errors:
        raise as_error(errors[0], len(errors) - 1)
    return found


def as_error(finding: Finding, more: int = 0) -> BadInput:
    """A finding in the form of every other error of a deployment file."""
    source, _, rest = finding.place.partition(":")
    line, _, path = rest.partition(" ")
    place = ", ".join(part for part in (f"line {line}" if line else "", path) if part)
    also = f"; {more} more in this file: portcullis check --all lists them" if more else ""
    return BadInput(f"{finding.message} [{finding.code}]", source=source, place=place, remedy=finding.remedy + also)


def found_at(deployment: Deployment, code: str, path: Path, message: str, remedy: str) -> Finding:
    return Finding(code, CODES[code][0], deployment.place(*path), message, remedy)


def _line(place: str) -> int:
    number = place.partition(":")[2].partition(" ")[0]
    return int(number) if number.isdigit() else 0


def _accepted(finding: Finding, deployment: Deployment) -> Finding:
    reason = deployment.accept.get(finding.code)
    if reason is None or finding.severity is Severity.ERROR:
        return finding
    return replace(finding, severity=Severity.ACCEPTED, remedy=f"accepted: {reason}")


def _told(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.alerts.email:
        yield found_at(
            deployment,
            "nobody-told",
            ("alerts",),
            "nobody is told by e-mail when something happens",
            "alerts: {email: …}; or, where something else subscribes to the topic, accept: {nobody-told: who does}",
        )


def _sign_in(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    access, configuration = deployment.access, deployment.domain.configuration
    internal: list[tuple[Path, str]] = [
        (("access", "grants", i), g.to.subject.name)
        for i, g in enumerate(access.grants)
        if g.to.subject.kind is SubjectKind.INTERNAL_USER
    ]
    seeds = access.seed_users.get(deployment.environment, ())
    internal += [(("access", "users", name), name) for name in access.users]
    internal += [(("access", "seed_users", deployment.environment.value, i), seed.name) for i, seed in enumerate(seeds)]
    if configuration is not Configuration.INTERNAL:
        for path, name in internal:
            yield found_at(
                deployment,
                "basic-auth-under-iam-master",
                path,
                f"the internal user {names.shown(name)} cannot sign in: under an IAM master, basic authentication is off",
                "grant to an IAM or Cognito subject, or set domain.configuration: internal",
            )
    elif access.users or seeds:
        where: Path = ("access", "users") if access.users else ("access", "seed_users", deployment.environment.value)
        yield found_at(
            deployment,
            "password-not-self-service",
            where,
            "users of the internal user database cannot change their own password",
            "a master changes it for them; hand passwords over through their secret and rotate it there",
        )
    cognito = deployment.identity.cognito
    if configuration is Configuration.COGNITO and (cognito is None or not _cognito_grants(deployment)):
        yield found_at(
            deployment,
            "sign-in-without-way-in",
            ("domain", "configuration"),
            "Dashboards asks Cognito, but no Cognito user or group is granted anything",
            "add identity.cognito.groups and grants to them, or set domain.configuration: api",
        )
    if configuration is not Configuration.COGNITO and cognito is not None:
        yield found_at(
            deployment,
            "cognito-without-dashboards",
            ("identity", "cognito"),
            f"in the configuration {configuration.value} nobody signs in to Dashboards through Cognito",
            "set domain.configuration: cognito, or leave identity.cognito out",
        )
    if deployment.custody.deny_older_sessions and not (cognito and cognito.bounded_groups):
        yield found_at(
            deployment,
            "older-sessions-of-nobody",
            ("custody", "deny_older_sessions"),
            f"no Cognito group has a role of its own (that of {MASTERS} is the master's, which the automation may not touch)",
            "set role: true for a group under identity.cognito.groups, or leave custody.deny_older_sessions out",
        )
    if configuration is Configuration.API:
        for i, grant in enumerate(access.grants):
            if (
                grant.level is not None
                and deployment.levels[grant.level].dashboards
                and not deployment.levels[grant.level].privileges
            ):
                yield found_at(
                    deployment,
                    "sign-in-without-way-in",
                    ("access", "grants", i, "level"),
                    f"the level {grant.level} is for Dashboards, which the configuration api shuts",
                    "set domain.configuration: cognito, or leave the grant out",
                )
    if not deployment.domain.deny_sql:
        yield found_at(
            deployment,
            "sql-leak",
            ("domain", "deny_sql"),
            'SQL answers "no permissions" for an index that exists and "no such index" for one that does not, so names can be guessed',
            "domain.deny_sql: true, and no secrets in index names",
        )
    elif facts.access_policy is not None and not denies_sql(facts.access_policy):
        yield Finding(
            "sql-leak",
            CODES["sql-leak"][0],
            "the domain's access policy",
            "the policy does not deny _plugins/_sql and _opendistro/_sql to everyone, though domain.deny_sql is true",
            "cdk deploy puts the policy back",
        )


def _cognito_grants(deployment: Deployment) -> bool:
    kinds = {SubjectKind.COGNITO_GROUP, SubjectKind.COGNITO_USER}
    return any(g.to.subject.kind in kinds for g in deployment.access.grants)


def _subjects(deployment: Deployment, facts: Facts, grants: tuple[Grant, ...]) -> Iterator[Finding]:
    access = deployment.access
    seen: dict[tuple[object, ...], int] = {}
    for i, spec in enumerate(access.grants):
        path: Path = ("access", "grants", i)
        subject, to = spec.to.subject, (*path, "to")
        what = (subject, spec.role, spec.level, spec.to.by)
        if what in seen:
            yield found_at(
                deployment,
                "duplicate-grant",
                path,
                f"{subject} is granted {spec.role or spec.level} already in grant {seen[what]}",
                "keep one",
            )
        seen.setdefault(what, i + 1)
        account = names.account_of(subject.name)
        if facts.account and account and account != facts.account:
            yield found_at(
                deployment,
                "other-account",
                to,
                f"{subject} belongs to account {account}, the deployment to {facts.account}",
                "is that so meant? Its identity events do not reach this account",
            )
        people = (SubjectKind.COGNITO_USER, SubjectKind.INTERNAL_USER, SubjectKind.IAM_USER)
        if (
            spec.level is not None
            and subject.kind in people
            and (standards := deployment.levels[spec.level].user_names)
        ):
            name = subject.name.rpartition("/")[2]
            if not follows(name, standards):
                yield found_at(
                    deployment,
                    "user-name-standard",
                    to,
                    f"{names.shown(name)} does not follow the standard of the level {spec.level}",
                    f"{' or '.join(standards)}; access.levels.define.{spec.level}.user_names sets another",
                )
        if subject.kind is SubjectKind.BACKEND_ROLE and ("*" in subject.name or "?" in subject.name):
            yield found_at(
                deployment,
                "wildcard-principal",
                to,
                f"the backend role {names.shown(subject.name)} is a pattern",
                "name the backend role",
            )
    for role, entries in access.and_backend_roles.items():
        for i, entry in enumerate(entries):
            if "*" in entry or "?" in entry:
                yield found_at(
                    deployment,
                    "wildcard-principal",
                    ("access", "and_backend_roles", role, i),
                    f"the backend role {names.shown(entry)} is a pattern",
                    "name the backend role",
                )
    masters = Counter((g.subject, g.by) for g in grants if g.role in ("all_access", "security_manager"))
    for i, spec in enumerate(access.grants):
        if spec.role in ("all_access", "security_manager") and masters[spec.to.subject, spec.to.by or By.MEMBERS] < 2:
            other = "security_manager" if spec.role == "all_access" else "all_access"
            yield found_at(
                deployment,
                "half-master",
                ("access", "grants", i, "role"),
                f"{spec.to.subject} has {spec.role} without {other}",
                "grant level: super_user, or both roles, or neither",
            )
    for i, spec in enumerate(access.grants):
        if (
            spec.level is not None
            and deployment.levels[spec.level].dashboards
            and not deployment.levels[spec.level].privileges
        ):
            yield found_at(
                deployment,
                "dashboards-write-api",
                ("access", "grants", i, "level"),
                f"the level {spec.level} can write saved objects (.kibana*) through the API; Dashboards only hides the tools",
                "accept it, or define the level: {dashboards: false, indices: ['.kibana*', '.opensearch_dashboards*'], privileges: [read]}",
            )
            break
    if deployment.source and PurePath(deployment.source).stem not in (deployment.deployment, deployment.source):
        yield found_at(
            deployment,
            "file-name",
            ("deployment",),
            f"the file describes {deployment.deployment}",
            f"call it {deployment.deployment}.yaml",
        )


def _unused(deployment: Deployment, grants: tuple[Grant, ...]) -> Iterator[Finding]:
    access = deployment.access
    granted = {g.role for g in grants} | set(access.and_backend_roles)
    for name in access.roles:
        if name not in granted:
            yield found_at(
                deployment,
                "role-unused",
                ("access", "roles", name),
                f"nobody is granted {names.shown(name)}",
                "grant it, or leave it out",
            )
    tenants = {*access.tenants, *deployment.known.tenants}
    usable = [
        pattern
        for name, role in access.roles.items()
        if name in granted
        for entry in role.tenant_permissions
        for pattern in entry.tenant_patterns
    ]
    # all_access may use every tenant, but a tenant that only masters use is not what it was declared for.
    for tenant in access.tenants:
        if not any(names.matches(pattern, tenant) for pattern in usable):
            yield found_at(
                deployment,
                "tenant-unused",
                ("access", "tenants", tenant),
                f"no role that anybody has may use the tenant {names.shown(tenant)}",
                "add tenant_permissions to a granted role, or leave the tenant out",
            )
    for name, role in access.roles.items():
        for i, entry in enumerate(role.tenant_permissions):
            for pattern in entry.tenant_patterns:
                if "${" not in pattern and not any(names.matches(pattern, tenant) for tenant in tenants):
                    yield found_at(
                        deployment,
                        "tenant-unknown",
                        ("access", "roles", name, "tenant_permissions", i),
                        f"there is no tenant {names.shown(pattern)}",
                        names.did_you_mean(pattern, tenants),
                    )


def _by_case(deployment: Deployment) -> Iterator[Finding]:
    """Names that people take for one, and the engine for two."""
    access, known = deployment.access, deployment.known
    for section, own, there in (
        ("roles", access.roles, known.roles),
        ("action_groups", access.action_groups, known.action_groups),
        ("tenants", access.tenants, known.tenants),
        ("users", access.users, ()),
    ):
        spelled: dict[str, str] = {}
        for name in (*there, *own):
            other = spelled.setdefault(name.lower(), name)
            if other != name and name in own:
                yield found_at(
                    deployment,
                    "names-by-case",
                    ("access", section, name),
                    f"{names.shown(name)} differs from {names.shown(other)} in upper and lower case alone: the engine takes them for two",
                    "names that differ in more",
                )


_FOR_EVERYBODY = "own_index"  # an engine comes with it mapped to everybody: an index named after the caller


def _engine(facts: Facts) -> Iterator[Finding]:
    """What the engine's own mappings hold that the file cannot."""
    for claim, why in unloadable(facts.held) if facts.held else ():
        remedy = "take it out at once: until then nothing that is changed takes effect"
        yield Finding("unloadable", CODES["unloadable"][0], str(claim), why, remedy)
    for role, mapping in (facts.held.of(Kind.MAPPINGS) if facts.held else {}).items():
        hosts = mapping.get("hosts") or []
        everyone = any(not str(host).strip("*?.") for host in hosts)
        if everyone:
            yield Finding(
                "hosts-everyone",
                CODES["hosts-everyone"][0],
                f"role mapping {role}",
                f'hosts: "*" maps every caller to {role}',
                "take the host out",
            )
        for entry_list in ("users", "backend_roles"):
            for entry in mapping.get(entry_list) or ():
                if not str(entry).strip("*?") and role != _FOR_EVERYBODY:
                    yield Finding(
                        "wildcard-principal",
                        CODES["wildcard-principal"][0],
                        f"role mapping {role}",
                        f"{names.shown(entry)} among its {entry_list} maps every caller to {role}",
                        "take it out, and name who is meant",
                    )
        if hosts and not everyone and facts.vpc:
            yield Finding(
                "hosts-in-vpc",
                CODES["hosts-in-vpc"][0],
                f"role mapping {role}",
                f"hosts {', '.join(map(names.shown, hosts[:3]))} do nothing: the domain is in a VPC",
                "map users or backend roles instead",
            )
