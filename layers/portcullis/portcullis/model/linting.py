"""What is valid and still seldom meant, found before anybody is let in or shut out by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from portcullis.access.plan import AccessModel, By, Grant, SubjectKind
from portcullis.errors import BadInput
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.names.patterns import unloadable
from portcullis.model import names
from portcullis.model.access_types import GrantSpec
from portcullis.model.elasticsearch.lint import of_cluster
from portcullis.model.elasticsearch.lint_remotes import of_others
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.lint_live import live
from portcullis.model.lints import lint_engine, lint_nobody
from portcullis.model.lints.findings import CODES, Facts, Finding, Severity, found
from portcullis.model.lints.lint_any import by_case, file_name, granted, long_trust, nobody_told, unused
from portcullis.model.lints.lint_merge import merges
from portcullis.model.lints.lint_names import names_that_decide
from portcullis.model.lints.lint_roles import roles
from portcullis.model.lints.lint_users import passing_for_others
from portcullis.model.parts import Path
from portcullis.model.policy import denies_sql
from portcullis.model.resolving import resolve
from portcullis.model.types import MASTERS, Configuration, Deployment, OnDomain


def lint(
    deployment: Deployment, facts: Facts | None = None, *, beside: Mapping[str, Deployment] | None = None
) -> tuple[Finding, ...]:
    """Everything that lint finds, the worst first, then in the order of the file. Deterministic; touches nothing.

    `beside`: the other deployments of the same folder by name, if they are known.
    """
    facts = facts or Facts()
    model = resolve(deployment)
    everywhere = [
        *granted(deployment, facts),
        *file_name(deployment),
        *nobody_told(deployment),
        *long_trust(deployment),
        *live(deployment, facts),
        *lint_nobody.of_engine(deployment, facts),
        *lint_engine.settings(facts),
    ]
    if isinstance(deployment, OnCluster):
        everywhere += of_cluster(deployment, model)
        everywhere += of_others(deployment, beside) if beside is not None else ()
    elif isinstance(deployment, OnDomain):
        everywhere += _of_domain(deployment, model, facts)
    judged = (_accepted(finding, deployment) for finding in dict.fromkeys(everywhere))
    order = list(Severity)
    return tuple(sorted(judged, key=lambda f: (order.index(f.severity), _line(f.place), f.code, f.message)))


def _of_domain(deployment: OnDomain, model: AccessModel, facts: Facts) -> list[Finding]:
    return [
        *_internal_users(deployment),
        *_through_cognito(deployment),
        *_of_custody(deployment),
        *_into_dashboards(deployment),
        *_sql(deployment, facts),
        *_principals(deployment, model.grants),
        *passing_for_others(deployment),
        *lint_nobody.of_file(deployment, model),
        *_unused(deployment, model.grants),
        *by_case(deployment, _named(deployment)),
        *_engine(facts),
        *roles(deployment),
        *merges(deployment, model, facts),
        *names_that_decide(deployment, model.grants),
        *lint_engine.volumes(deployment),
    ]


def _named(deployment: OnDomain) -> list[tuple[str, Collection[str], Collection[str]]]:
    access, known = deployment.access, deployment.known
    return [
        ("roles", access.roles, known.roles),
        ("action_groups", access.action_groups, known.action_groups),
        ("tenants", access.tenants, known.tenants),
        ("users", access.users, ()),
    ]


def require(deployment: Deployment) -> tuple[Finding, ...]:
    """The findings, if none is an error. Raises BadInput for the first error otherwise."""
    found = lint(deployment)
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


def _line(place: str) -> int:
    number = place.partition(":")[2].partition(" ")[0]
    return int(number) if number.isdigit() else 0


def _accepted(finding: Finding, deployment: Deployment) -> Finding:
    reason = deployment.accept.get(finding.code)
    if reason is None or finding.severity is Severity.ERROR:
        return finding
    return replace(finding, severity=Severity.ACCEPTED, remedy=f"accepted: {reason}")


def _internal_users(deployment: OnDomain) -> Iterator[Finding]:
    access = deployment.access
    internal: list[tuple[Path, str]] = [
        (("access", "grants", i), g.to.subject.name)
        for i, g in enumerate(access.grants)
        if g.to.subject.kind is SubjectKind.INTERNAL_USER
    ]
    seeds = access.seed_users.get(deployment.environment, ())
    internal += [(("access", "users", name), name) for name in access.users]
    internal += [(("access", "seed_users", deployment.environment.value, i), seed.name) for i, seed in enumerate(seeds)]
    if deployment.domain.configuration is not Configuration.INTERNAL:
        for path, name in internal:
            yield found(
                deployment,
                "basic-auth-under-iam-master",
                path,
                f"the internal user {names.shown(name)} cannot sign in: under an IAM master, basic authentication is off",
                "grant to an IAM or Cognito subject, or set domain.configuration: internal",
            )
    elif access.users or seeds:
        where: Path = ("access", "users") if access.users else ("access", "seed_users", deployment.environment.value)
        yield found(
            deployment,
            "password-not-self-service",
            where,
            "users of the internal user database cannot change their own password",
            "a master changes it for them; hand passwords over through their secret and rotate it there",
        )


def _through_cognito(deployment: OnDomain) -> Iterator[Finding]:
    configuration, cognito = deployment.domain.configuration, deployment.identity.cognito
    if configuration is Configuration.COGNITO and (cognito is None or not _cognito_grants(deployment)):
        yield found(
            deployment,
            "sign-in-without-way-in",
            ("domain", "configuration"),
            "Dashboards asks Cognito, but no Cognito user or group is granted anything",
            "add identity.cognito.groups and grants to them, or set domain.configuration: api",
        )
    if configuration is not Configuration.COGNITO and cognito is not None:
        yield found(
            deployment,
            "cognito-without-dashboards",
            ("identity", "cognito"),
            f"in the configuration {configuration.value} nobody signs in to Dashboards through Cognito",
            "set domain.configuration: cognito, or leave identity.cognito out",
        )


def _of_custody(deployment: OnDomain) -> Iterator[Finding]:
    cognito = deployment.identity.cognito
    if deployment.custody.deny_older_sessions and not (cognito and cognito.bounded_groups):
        yield found(
            deployment,
            "older-sessions-of-nobody",
            ("custody", "deny_older_sessions"),
            f"no Cognito group has a role of its own (that of {MASTERS} is the master's, which the automation may not touch)",
            "set role: true for a group under identity.cognito.groups, or leave custody.deny_older_sessions out",
        )
    if deployment.custody.end_api_keys:
        yield found(
            deployment,
            "keys-of-nobody",
            ("custody", "end_api_keys"),
            "a domain has no API keys",
            "leave it out",
        )


def _into_dashboards(deployment: OnDomain) -> Iterator[Finding]:
    if deployment.domain.configuration is Configuration.API:
        for i, grant in enumerate(deployment.access.grants):
            if _of_dashboards_alone(deployment, grant):
                yield found(
                    deployment,
                    "sign-in-without-way-in",
                    ("access", "grants", i, "level"),
                    f"the level {grant.level} is for Dashboards, which the configuration api shuts",
                    "set domain.configuration: cognito, or leave the grant out",
                )


def _of_dashboards_alone(deployment: OnDomain, grant: GrantSpec) -> bool:
    level = deployment.levels[grant.level] if grant.level is not None else None
    return level is not None and level.dashboards and not level.privileges


def _sql(deployment: OnDomain, facts: Facts) -> Iterator[Finding]:
    if not deployment.domain.deny_sql:
        yield found(
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


def _cognito_grants(deployment: OnDomain) -> bool:
    kinds = {SubjectKind.COGNITO_GROUP, SubjectKind.COGNITO_USER}
    return any(g.to.subject.kind in kinds for g in deployment.access.grants)


def _principals(deployment: OnDomain, grants: tuple[Grant, ...]) -> Iterator[Finding]:
    access = deployment.access
    plain: list[tuple[Path, str]] = [
        (("access", "grants", i, "to"), spec.to.subject.name)
        for i, spec in enumerate(access.grants)
        if spec.to.subject.kind is SubjectKind.BACKEND_ROLE
    ]
    plain += [
        (("access", "and_backend_roles", role, i), entry)
        for role, entries in access.and_backend_roles.items()
        for i, entry in enumerate(entries)
    ]
    for path, name in plain:
        if "*" in name or "?" in name:
            message = f"the backend role {names.shown(name)} is a pattern"
            yield found(deployment, "wildcard-principal", path, message, "name the backend role")
        elif why := names.of_no_caller(name):
            message = f"no caller has the backend role {names.shown(name, 90)}, so that nobody has what it is granted"
            yield found(deployment, "backend-role-of-nobody", path, message, why)
    masters = Counter((g.subject, g.by) for g in grants if g.role in ("all_access", "security_manager"))
    for i, spec in enumerate(access.grants):
        if spec.role in ("all_access", "security_manager") and masters[spec.to.subject, spec.to.by or By.MEMBERS] < 2:
            other = "security_manager" if spec.role == "all_access" else "all_access"
            yield found(
                deployment,
                "half-master",
                ("access", "grants", i, "role"),
                f"{spec.to.subject} has {spec.role} without {other}",
                "grant level: super_user, or both roles, or neither",
            )
    for i, spec in enumerate(access.grants):
        if _of_dashboards_alone(deployment, spec):
            yield found(
                deployment,
                "dashboards-write-api",
                ("access", "grants", i, "level"),
                f"the level {spec.level} can write saved objects (.kibana*) through the API; Dashboards only hides the tools",
                "accept it, or define the level: {dashboards: false, indices: ['.kibana*', '.opensearch_dashboards*'], privileges: [read]}",
            )
            break


def _unused(deployment: OnDomain, grants: tuple[Grant, ...]) -> Iterator[Finding]:
    access = deployment.access
    given = {g.role for g in grants} | set(access.and_backend_roles)
    yield from unused(deployment, access.roles, given)
    tenants = {*access.tenants, *deployment.known.tenants}
    usable = [
        pattern
        for name, role in access.roles.items()
        if name in given
        for entry in role.tenant_permissions
        for pattern in entry.tenant_patterns
    ]
    # all_access may use every tenant, but a tenant that only masters use is not what it was declared for.
    for tenant in access.tenants:
        if not any(names.matches(pattern, tenant) for pattern in usable):
            yield found(
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
                    yield found(
                        deployment,
                        "tenant-unknown",
                        ("access", "roles", name, "tenant_permissions", i),
                        f"there is no tenant {names.shown(pattern)}",
                        names.did_you_mean(pattern, tenants),
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
