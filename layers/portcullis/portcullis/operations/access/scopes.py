"""What a deployment listens to: its registration and its access model, in the words of signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from portcullis.access.plan import AccessModel, By, SubjectKind
from portcullis.errors import BadInput
from portcullis.operations.people.passwords import secret_of
from portcullis.ports.registration import IamRole, Registration
from portcullis.signals.types import ACCOUNT, ANY, Scope
from portcullis.signals.watched import OUR_PREFIX

if TYPE_CHECKING:
    from portcullis.model import Deployment

# The roles that the stacks make once an account: those of the functions, what the engines know them by, and the relay's.
AUTOMATION_ROLES = tuple(
    f"{OUR_PREFIX}{name}"
    for name in (
        *("automation", "relay", "identity-sync", "key-guard", "sweep", "domain-setup", "operate", "remove"),
        *("runbook-look", "runbook-act", "runbook-delete"),
    )
)


def scope_of(registration: Registration, access: AccessModel, secrets: Mapping[str, str | None] | None = None) -> Scope:
    """The scope of one deployment. A granted ARN is listened to by the name at its end, as IAM's events name it; so is the role by which
    a Cognito group counts, since whoever makes it again is nobody who was granted anything. `secrets`: internal user -> the secret that
    the file names for the password."""

    by_role = {grant.subject.name for grant in access.grants if grant.by is By.ROLE}
    of_groups = {role for group, role in registration.group_roles.items() if group in by_role}
    granted = _of_access(registration.deployment, access, secrets or {})
    cognito, domain, network = registration.cognito, registration.domain, registration.network
    return replace(
        granted,
        account=registration.account,
        region=registration.region,
        domain=domain.name if domain else "",
        key_arns=frozenset({registration.key.arn, *registration.key.replicas}),
        key_store=registration.key.store or "",
        key_aliases=_aliases(registration.key.alias),
        user_pool=cognito.user_pool if cognito else "",
        identity_pool=(cognito.identity_pool or "") if cognito else "",
        identity_store=registration.identity_store or "",
        iam_roles=granted.iam_roles | {_last(role) for role in of_groups},
        security_groups=frozenset({network.group} if network else ()),
        break_glass=registration.break_glass.principal if registration.break_glass else "",
        own_roles=frozenset(_last(role) for role in own_roles(registration)),
        master_secret=registration.watched[1],
    )


def _of_access(deployment: str, access: AccessModel, secrets: Mapping[str, str | None]) -> Scope:
    """What of a scope an access model alone tells."""

    def granted(kind: SubjectKind) -> Iterable[str]:
        return (grant.subject.name for grant in access.grants if grant.subject.kind is kind)

    return Scope(
        deployment=deployment,
        cognito_groups=frozenset(granted(SubjectKind.COGNITO_GROUP)),
        iam_groups=frozenset(granted(SubjectKind.IAM_GROUP)),
        iam_users=frozenset(_last(name) for name in granted(SubjectKind.IAM_USER)),
        iam_roles=frozenset(_last(name) for name in granted(SubjectKind.IAM_ROLE)),
        identity_center_groups=frozenset(granted(SubjectKind.IDENTITY_CENTER_GROUP)),
        secrets=frozenset(secrets.get(user) or secret_of(deployment, user) for user in access.users),
    )


def _aliases(alias: str | None) -> frozenset[str]:
    return frozenset({alias if alias.startswith("alias/") else f"alias/{alias}"} if alias else ())


def own_roles(registration: Registration) -> tuple[str, ...]:
    """ARNs of the roles that the stacks made for one deployment and that its engine knows, or that reach its data."""
    actors, kept = (registration.master, registration.break_glass, registration.canary), registration.snapshots
    made = (
        *(one.arn for one in actors if isinstance(one, IamRole)),
        *((kept.taker, kept.store) if kept else ()),
        *registration.other_roles,
        *registration.group_roles.values(),
    )
    return tuple(sorted({role for role in made if role.startswith("arn:")}))


def scope_of_account(account: str, region: str) -> Scope:
    """What concerns no deployment alone: what all of them are seen and acted on by."""
    return Scope(
        deployment=ACCOUNT, account=account, region=region, own_roles=frozenset(AUTOMATION_ROLES), eyes=OUR_PREFIX
    )


def scopes_of_files(folder: Path) -> tuple[Scope, ...]:
    """The scopes of the deployment files in a folder, as far as a file can tell: which pool CloudFormation made it does not know, so
    an event of any pool counts; a key it does not name is known by its alias only. BadInput for a bad file, or for none."""
    from portcullis import model

    files = model.deployment_files(folder)
    if not files:
        raise BadInput(
            "no deployment file (*.yaml) there", source=str(folder), remedy="name the folder, or ask with --any"
        )
    return (*(_scope_of_file(model.load(file)) for file in files), scope_of_account("", ""))


def _scope_of_file(deployment: Deployment) -> Scope:
    from portcullis import model

    key, pool = deployment.key, ANY if deployment.identity.cognito else ""
    alias = key.arn.split(":", 5)[5] if key.arn and ":alias/" in key.arn else key.alias
    made = ("master", "break-glass", "canary", "snapshots", "snapshot-store")
    cognito = deployment.identity.cognito
    groups = [name for name, group in cognito.groups.items() if group.role] if cognito else []
    own = frozenset(f"{OUR_PREFIX}{deployment.deployment}-{part}" for part in (*made, *groups))
    return replace(
        _of_access(deployment.deployment, model.resolve(deployment), model.secrets(deployment)),
        domain=deployment.deployment,
        key_arns=frozenset({key.arn} if key.arn and ":key/" in key.arn else ()),
        key_aliases=_aliases(alias or f"alias/portcullis/{deployment.deployment}"),
        user_pool=pool,
        identity_pool=pool,
        identity_store=deployment.identity.identity_center.store if deployment.identity.identity_center else "",
        own_roles=own,
    )


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name
