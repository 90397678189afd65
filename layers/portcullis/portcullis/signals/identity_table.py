"""The rows of IAM, Cognito and Identity Center: who is in a group, who a principal is, whether a granted principal exists."""

from __future__ import annotations

from portcullis.signals.rows import About, Row, nothing, signals
from portcullis.signals.types import Concern

IAM = (
    *signals(
        Concern.IDENTITY,
        "iam",
        About.IAM_GROUP,
        ("AddUserToGroup", "member-added", "a user joined an IAM group"),
        ("RemoveUserFromGroup", "member-removed", "a user left an IAM group"),
        ("CreateGroup", "group-created", "an IAM group that a grant may name exists now"),
        ("DeleteGroup", "group-deleted", "an IAM group is gone, and what was granted to it"),
        (
            "UpdateGroup",
            "group-changed",
            "an IAM group was renamed or moved: a grant may name it by its old or new name",
        ),
    ),
    *signals(
        Concern.IDENTITY,
        "iam",
        About.IAM_USER,
        (
            "CreateUser",
            "user-created",
            "a user that a grant may name exists now, or again: the same ARN, perhaps another person",
        ),
        (
            "DeleteUser",
            "user-deleted",
            "a user is gone: whoever is created under the same name later must not inherit the access",
        ),
        ("UpdateUser", "user-renamed", "a user's name or path, and so its ARN, changed: role mappings hold the ARN"),
    ),
    *signals(
        Concern.IDENTITY,
        "iam",
        About.IAM_ROLE,
        ("CreateRole", "role-created", "a role that a grant may name exists now, or again"),
        (
            "DeleteRole",
            "role-deleted",
            "a role is gone: whoever makes one of the same name later must not inherit the access",
        ),
    ),
    *nothing(
        "iam",
        (
            "AttachGroupPolicy AttachRolePolicy AttachUserPolicy CreatePolicy CreatePolicyVersion DeleteGroupPolicy DeletePolicy"
            " DeletePolicyVersion DeleteRolePermissionsBoundary DeleteRolePolicy DeleteUserPermissionsBoundary DeleteUserPolicy"
            " DetachGroupPolicy DetachRolePolicy DetachUserPolicy PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy"
            " PutUserPermissionsBoundary PutUserPolicy SetDefaultPolicyVersion",
            "changes IAM policies: role mappings name principals and do not depend on them",
        ),
        (
            "ChangePassword CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential CreateVirtualMFADevice"
            " DeactivateMFADevice DeleteAccessKey DeleteLoginProfile DeleteSSHPublicKey DeleteServiceSpecificCredential"
            " DeleteSigningCertificate DeleteVirtualMFADevice EnableMFADevice ResetServiceSpecificCredential ResyncMFADevice"
            " UpdateAccessKey UpdateLoginProfile UpdateSSHPublicKey UpdateServiceSpecificCredential UpdateSigningCertificate"
            " UploadSSHPublicKey UploadSigningCertificate",
            "changes credentials, not access: how a principal proves who it is, not what it is",
        ),
        (
            "CreateServiceLinkedRole DeleteServiceLinkedRole",
            "a service-linked role is assumed by its own AWS service alone: no person or application signs with it",
        ),
        (
            "AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile RemoveRoleFromInstanceProfile",
            "an instance profile says where a role is used, not who the role is",
        ),
        (
            "EnableOutboundWebIdentityFederation DisableOutboundWebIdentityFederation",
            "changes how principals of this account sign in elsewhere, not who may become one of them",
        ),
        (
            "TagInstanceProfile TagMFADevice TagOpenIDConnectProvider TagPolicy TagRole TagSAMLProvider TagServerCertificate TagUser"
            " UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider UntagPolicy UntagRole UntagSAMLProvider"
            " UntagServerCertificate UntagUser UpdateRole UpdateRoleDescription",
            "changes tags, descriptions or session length: neither who is in a group nor who a principal is",
        ),
        (
            "AcceptDelegationRequest AcquireRole AssociateDelegationRequest CreateDelegationRequest RejectDelegationRequest"
            " SendDelegationToken UpdateDelegationRequest",
            "a delegation request lets a product act through a role: no role mapping names it",
        ),
        (
            "CreateAccountAlias DeleteAccountAlias DeleteAccountPasswordPolicy DeleteServerCertificate"
            " DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootSessions"
            " EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions PutAccountProperties"
            " SetSecurityTokenServicePreferences UpdateAccountPasswordPolicy UpdateServerCertificate UploadServerCertificate",
            "changes settings of the account, not who is in a group or who a principal is",
        ),
        (
            "GenerateCredentialReport GenerateOrganizationsAccessReport GenerateServiceLastAccessedDetails",
            "only makes a report",
        ),
    ),
)

COGNITO = (
    *signals(
        Concern.IDENTITY,
        "cognito-idp",
        About.COGNITO_GROUP,
        ("AdminAddUserToGroup", "member-added", "a user joined a Cognito group"),
        ("AdminRemoveUserFromGroup", "member-removed", "a user left a Cognito group"),
        ("CreateGroup", "group-created", "a Cognito group that a grant may name exists now"),
        ("DeleteGroup", "group-deleted", "a Cognito group is gone, and what was granted to it"),
        (
            "UpdateGroup",
            "group-changed",
            "a Cognito group's role or precedence may have changed: the token carries another role",
        ),
    ),
    *signals(
        Concern.IDENTITY,
        "cognito-idp",
        About.COGNITO_USER,
        ("AdminCreateUser", "user-created", "a user that a grant may name exists now, or again"),
        ("AdminDeleteUser DeleteUser", "user-deleted", "a user is gone from the user pool, and from all its groups"),
        (
            "AdminDisableUser",
            "user-disabled",
            "a user was disabled: sign-ins end now, sessions that last should not keep access",
        ),
        ("AdminEnableUser", "user-enabled", "a disabled user may come back"),
    ),
    *signals(
        Concern.IDENTITY,
        "cognito-idp",
        About.USER_POOL,
        ("DeleteUserPool", "sign-in-source-deleted", "the user pool is gone, with all its users and groups"),
    ),
    *signals(
        Concern.IDENTITY,
        "cognito-identity",
        About.IDENTITY_POOL,
        ("SetIdentityPoolRoles", "sign-in-roles-changed", "which role a sign-in is given changed"),
        (
            "UpdateIdentityPool",
            "sign-in-roles-changed",
            "whose tokens the identity pool takes, or whether it takes guests, changed",
        ),
        (
            "DeleteIdentityPool",
            "sign-in-source-deleted",
            "the identity pool is gone: no Cognito sign-in is given a role any more",
        ),
    ),
    *nothing(
        "cognito-idp",
        (
            "AdminConfirmSignUp ConfirmSignUp ResendConfirmationCode SignUp",
            "signing oneself up makes a user who is in no group; joining one is an event of its own",
        ),
        (
            "AdminDeleteSoftwareToken AdminForgetDevice AdminInitiateAuth AdminRespondToAuthChallenge"
            " AdminSetUserMFAPreference AdminSetUserSettings AdminUpdateAuthEventFeedback"
            " AdminUpdateDeviceStatus AdminUserGlobalSignOut AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration"
            " ConfirmDevice ConfirmForgotPassword DeleteWebAuthnCredential ForgetDevice ForgotPassword GlobalSignOut InitiateAuth"
            " RespondToAuthChallenge RevokeToken SetUserMFAPreference SetUserSettings StartWebAuthnRegistration"
            " UpdateAuthEventFeedback UpdateDeviceStatus VerifySoftwareToken VerifyUserAttribute",
            "signs in or out, or changes credentials, not access: neither groups nor the user's name change",
        ),
        (
            "AdminDeleteUserAttributes AdminUpdateUserAttributes DeleteUserAttributes UpdateUserAttributes AddCustomAttributes",
            "changes attributes: the user name and the groups, which role mappings are made of, stay",
        ),
        (
            "CreateResourceServer DeleteResourceServer UpdateResourceServer CreateUserPoolDomain"
            " DeleteUserPoolDomain UpdateUserPoolDomain SetRiskConfiguration",
            "changes scopes, the address or the risk rules of the sign-in page: neither who signs in as whom, nor the groups",
        ),
        ("CreateUserPool", "a new user pool belongs to no deployment"),
        (
            "CreateUserImportJob StartUserImportJob StopUserImportJob",
            "imported users are in no group; joining one is an event of its own",
        ),
        (
            "CreateManagedLoginBranding CreateTerms CreateUserPoolReplica DeleteManagedLoginBranding DeleteTerms"
            " DeleteUserPoolReplica SetLogDeliveryConfiguration SetUICustomization TagResource UntagResource"
            " UpdateManagedLoginBranding UpdateProvisionedLimit UpdateTerms UpdateUserPoolReplica",
            "changes looks, logs, tags or replicas of the pool, not who is in a group",
        ),
    ),
    *nothing(
        "cognito-identity",
        ("CreateIdentityPool", "a new identity pool belongs to no deployment"),
        (
            "DeleteIdentities MergeDeveloperIdentities UnlinkDeveloperIdentity UnlinkIdentity",
            "changes identities of the identity pool: the engine sees the role they are given, never the identity",
        ),
        (
            "GetCredentialsForIdentity GetId GetOpenIdToken GetOpenIdTokenForDeveloperIdentity",
            "signs in or out, or changes credentials, not access: neither groups nor the user's name change",
        ),
        (
            "SetPrincipalTagAttributeMap TagResource UntagResource",
            "changes tags: the engine sees the role, never its session tags",
        ),
    ),
)

_MEMBER_JOINED = "a user joined an Identity Center group"
_MEMBER_LEFT = "a user left an Identity Center group"
_DIRECTORY_USER = (
    "a user's name or mail address, which Identity Center may hand over as the principal, may have changed"
)


def _directory(service: str, *, added: str, removed: str, regrouped: str, changed: str) -> tuple[Row, ...]:
    """Identity Center's directory has three names in CloudTrail, and a set of operations for each."""
    return (
        *signals(
            Concern.IDENTITY,
            service,
            About.IDENTITY_CENTER_GROUP,
            *([(added, "member-added", _MEMBER_JOINED)] if added else []),
            *([(removed, "member-removed", _MEMBER_LEFT)] if removed else []),
            ("CreateGroup", "group-created", "an Identity Center group that a grant may name exists now"),
            ("DeleteGroup", "group-deleted", "an Identity Center group is gone, and what was granted to it"),
            (regrouped, "group-changed", "an Identity Center group's name or members may have changed"),
        ),
        *signals(
            Concern.IDENTITY,
            service,
            About.IDENTITY_CENTER_USER,
            ("DeleteUser", "user-deleted", "a user is gone from the directory, and from all its groups"),
            (changed, "user-renamed", _DIRECTORY_USER),
        ),
        *nothing(service, ("CreateUser", "a new directory user is in no group, and no grant names one")),
    )


IDENTITY_CENTER = (
    *_directory(
        "sso-directory",
        added="AddMemberToGroup",
        removed="RemoveMemberFromGroup",
        regrouped="UpdateGroup UpdateGroupDisplayName",
        changed="UpdateUser UpdateUserName",
    ),
    *_directory(
        "identitystore",
        added="CreateGroupMembership",
        removed="DeleteGroupMembership",
        regrouped="UpdateGroup",
        changed="UpdateUser",
    ),
    *_directory(
        "identitystore-scim", added="", removed="", regrouped="PatchGroup PutGroup", changed="PatchUser PutUser"
    ),
    *signals(
        Concern.IDENTITY,
        "sso-directory",
        About.IDENTITY_CENTER_USER,
        ("DisableUser", "user-disabled", "a directory user was disabled"),
        ("EnableUser", "user-enabled", "a disabled directory user may come back"),
    ),
    *signals(
        Concern.IDENTITY,
        "sso",
        About.IDENTITY_CENTER,
        ("DeleteInstance", "sign-in-source-deleted", "the Identity Center instance is gone, with its users and groups"),
    ),
    *nothing("identitystore", ("UpdateIdentityStore", "changes settings of the directory, not who is in a group")),
    *nothing(
        "sso-directory",
        (
            "CompleteVirtualMfaDeviceRegistration CompleteWebAuthnDeviceRegistration DeleteMfaDeviceForUser"
            " StartVirtualMfaDeviceRegistration StartWebAuthnDeviceRegistration UpdateMfaDeviceForUser UpdatePassword VerifyEmail"
            " CreateBearerToken DeleteBearerToken",
            "changes credentials, not access: neither groups nor the user's name change",
        ),
        (
            "CreateAlias CreateDirectory CreateExternalIdPConfigurationForDirectory CreateProvisioningTenant DeleteExternalIdPCertificate"
            " DeleteExternalIdPConfigurationForDirectory DeleteProvisioningTenant DisableExternalIdPConfigurationForDirectory"
            " EnableExternalIdPConfigurationForDirectory ImportExternalIdPCertificate UpdateExternalIdPConfigurationForDirectory",
            "changes where the directory's users sign in or come from; what that does to groups is an event of its own",
        ),
    ),
    *nothing(
        "sso",
        (
            "AttachCustomerManagedPolicyReferenceToPermissionSet AttachManagedPolicyToPermissionSet CreatePermissionSet"
            " DeleteInlinePolicyFromPermissionSet DeletePermissionSet"
            " DeletePermissionsBoundaryFromPermissionSet DetachCustomerManagedPolicyReferenceFromPermissionSet"
            " DetachManagedPolicyFromPermissionSet ProvisionPermissionSet PutInlinePolicyToPermissionSet"
            " PutPermissionsBoundaryToPermissionSet UpdatePermissionSet",
            "permission sets reach the account as IAM roles: their creation and deletion are IAM events of their own",
        ),
        (
            "AddRegion CreateApplication CreateApplicationAssignment CreateInstance"
            " CreateInstanceAccessControlAttributeConfiguration CreateTrustedTokenIssuer DeleteApplication"
            " DeleteApplicationAccessScope DeleteApplicationAssignment DeleteApplicationAuthenticationMethod DeleteApplicationGrant"
            " DeleteInstanceAccessControlAttributeConfiguration DeleteTrustedTokenIssuer PutApplicationAccessScope"
            " PutApplicationAssignmentConfiguration PutApplicationAuthenticationMethod PutApplicationGrant"
            " PutApplicationSessionConfiguration RemoveRegion TagResource UntagResource UpdateApplication UpdateInstance"
            " UpdateInstanceAccessControlAttributeConfiguration UpdateTrustedTokenIssuer AssociateDirectory DisassociateDirectory"
            " StartSSO CreateManagedApplicationInstance DeleteManagedApplicationInstance",
            "changes applications and settings of Identity Center, not who is in a group",
        ),
        (
            "Authenticate CreateToken Federate GetRoleCredentials Logout RegisterClient StartDeviceAuthorization",
            "signs in or out: neither groups nor the user's name change",
        ),
    ),
)
