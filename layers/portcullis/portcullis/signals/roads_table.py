"""The rows of what opens another road to a principal that is mapped: who may become it changed, and its name did not.

The truth behind them is compared with what was found, or accepted by a person, before: see `portcullis.watch`.
"""

from __future__ import annotations

from portcullis.signals.rows import About, Row, signals
from portcullis.signals.types import Concern

ROADS: tuple[Row, ...] = (
    *signals(
        Concern.ROADS,
        "iam",
        About.IAM_ROLE,
        (
            "UpdateAssumeRolePolicy",
            "role-trust-changed",
            "who may assume a role changed: a role that is mapped, or ours, may be taken by somebody else now",
        ),
    ),
    *signals(
        Concern.ROADS,
        "iam",
        About.SIGN_IN_PROVIDER,
        (
            "CreateSAMLProvider UpdateSAMLProvider DeleteSAMLProvider CreateOpenIDConnectProvider DeleteOpenIDConnectProvider"
            " UpdateOpenIDConnectProviderThumbprint AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider",
            "sign-in-provider-changed",
            "whose word IAM takes for who somebody is changed: a role that trusts this provider may be taken by somebody else",
        ),
    ),
    *signals(
        Concern.ROADS,
        "cognito-idp",
        About.USER_POOL,
        (
            "UpdateUserPool SetUserPoolMfaConfig CreateIdentityProvider UpdateIdentityProvider DeleteIdentityProvider"
            " CreateUserPoolClient UpdateUserPoolClient DeleteUserPoolClient AddUserPoolClientSecret DeleteUserPoolClientSecret",
            "sign-in-changed",
            "how somebody becomes a user of the pool changed: triggers, identity providers and their attribute mappings, clients, MFA",
        ),
    ),
    *signals(
        Concern.ROADS,
        "cognito-idp",
        About.COGNITO_USER,
        (
            "AdminLinkProviderForUser AdminDisableProviderForUser",
            "user-linked",
            "whoever signs in elsewhere may be this user of the pool from now on, with all its groups; or no longer",
        ),
        (
            "AdminSetUserPassword AdminResetUserPassword",
            "password-set",
            "an administrator set or reset a user's password, and may sign in as that user",
        ),
    ),
    *signals(
        Concern.ROADS,
        "sso",
        About.ASSIGNMENT,
        (
            "CreateAccountAssignment DeleteAccountAssignment",
            "assignment-changed",
            "who is given a permission set changed: the role mapping names its reserved role, whoever takes it",
        ),
    ),
    *signals(
        Concern.ROADS,
        "secretsmanager",
        About.SECRET,
        (
            "GetSecretValue",
            "secret-read",
            "somebody read the password of the domain's master, or of a cluster's break-glass",
        ),
        (
            "PutSecretValue UpdateSecret UpdateSecretVersionStage RotateSecret RotationSucceeded CreateSecret DeleteSecret RestoreSecret"
            " PutResourcePolicy DeleteResourcePolicy ReplicateSecretToRegions",
            "secret-changed",
            "the password of the domain's master or of an internal user, or who may read it, changed",
        ),
    ),
)
