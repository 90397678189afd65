"""What a deployment listens to: its registration and its access model, in the words of signals."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.access.plan import AccessModel, SubjectKind
from portcullis.operations.ports import Registration
from portcullis.signals.types import Scope


def scope_of(registration: Registration, access: AccessModel) -> Scope:
    """The scope of one deployment. A granted ARN is listened to by the name at its end, as IAM's events name it."""

    def granted(kind: SubjectKind) -> Iterable[str]:
        return (grant.subject.name for grant in access.grants if grant.subject.kind is kind)

    aliases = {registration.key_alias} - {""}
    return Scope(
        deployment=registration.deployment,
        account=registration.account,
        region=registration.region,
        domain=registration.domain,
        key_arns=frozenset({registration.key_arn, *registration.key_replicas} - {""}),
        key_aliases=frozenset(alias if alias.startswith("alias/") else f"alias/{alias}" for alias in aliases),
        user_pool=registration.user_pool,
        identity_pool=registration.identity_pool,
        identity_store=registration.identity_store,
        cognito_groups=frozenset(granted(SubjectKind.COGNITO_GROUP)),
        iam_groups=frozenset(granted(SubjectKind.IAM_GROUP)),
        iam_users=frozenset(_last(name) for name in granted(SubjectKind.IAM_USER)),
        iam_roles=frozenset(_last(name) for name in granted(SubjectKind.IAM_ROLE)),
        identity_center_groups=frozenset(granted(SubjectKind.IDENTITY_CENTER_GROUP)),
        security_groups=frozenset({registration.security_group} - {""}),
    )


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name
