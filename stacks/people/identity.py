"""Who may come in: the user pool with its groups, the identity pool that turns a token into a role, and the roles of a deployment."""

from __future__ import annotations

import json
from typing import Any, cast

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct
from portcullis.access.sessions import NEVER, OLDER_SESSIONS, deny_older_sessions
from portcullis.model.types import MASTERS

from stacks import names
from stacks.deployments import Declared
from stacks.keeping import KEPT
from stacks.key import OBSERVERS, only_functions
from stacks.people.pool import client_of, user_pool

MASTER_USER = "portcullis-master"  # of the internal user database, for the configuration `internal`
_ROLELESS_PRECEDENCE = 1000  # behind every group that has a role of its own
_SIGN_IN_USERS = (
    *("AdminInitiateAuth", "AdminUserGlobalSignOut", "CreateUserPoolClient", "DeleteUserPoolClient"),
    *("DescribeUserPool", "DescribeUserPoolClient", "ListUserPoolClients", "UpdateUserPoolClient"),
)
_SIGN_IN_IDENTITIES = ("DescribeIdentityPool", "GetIdentityPoolRoles", "UpdateIdentityPool")


class Identity(Stack):
    """Roles have no rights of their own in IAM: the domain's access policy lets requests through, and the engine decides."""

    def __init__(self, scope: Construct, name: str, one: Declared, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        self.one = one
        self.pool: cognito.UserPool | None = None
        self.identity_pool: cognito.CfnIdentityPool | None = None
        self.group_roles: dict[str, str] = {}  # Cognito group -> ARN of the role of its own
        self.boundary: iam.ManagedPolicy | None = None
        self.cognito_access: iam.Role | None = None
        if one.has_pool:
            self._pools()
        self.master = iam.Role(
            self,
            "Master",
            role_name=names.of(one.name, "master"),
            description=f"Portcullis: fine-grained access control's master of {one.name}",
            assumed_by=self._master_trust(),
        )
        self.canary = iam.Role(
            self,
            "Canary",
            role_name=names.of(one.name, "canary"),
            description=f"Portcullis: asks as nobody in particular, to prove that a lock of {one.name} holds",
            assumed_by=iam.AccountRootPrincipal().with_conditions(only_functions(self, OBSERVERS)),
        )
        self.break_glass = iam.Role(
            self,
            "BreakGlass",
            role_name=names.of(one.name, "break-glass"),
            description=f"Portcullis: the one principal that {one.name} still lets in while it is locked",
            assumed_by=self._break_glass_trust(),
            max_session_duration=Duration.hours(1),
        )
        if not one.break_glass_by:
            _nobody(self.break_glass)
        if self.pool and self.identity_pool:
            self._groups(self.pool)
        self.master_secret = self._master_secret() if one.configuration == "internal" else None

    @property
    def cognito_roles(self) -> list[str]:
        """ARNs of the roles that a token may choose."""
        return [self.signed_in.role_arn, *self.group_roles.values()] if self.identity_pool else []

    @property
    def bounded_roles(self) -> dict[str, str]:
        """Cognito group -> ARN of its role, where the automation may deny the role's older sessions."""
        return {group: self.group_roles[group] for group in self.one.bounded_groups}

    def _pools(self) -> None:
        one = self.one
        self.pool = user_pool(self, one)
        client = client_of(self.pool, one)
        provider = f"cognito-idp.{self.region}.{self.url_suffix}/{self.pool.user_pool_id}"
        self.identity_pool = cognito.CfnIdentityPool(
            self,
            "Identities",
            identity_pool_name=names.of(one.name, "identities"),
            allow_unauthenticated_identities=False,
            allow_classic_flow=False,
            cognito_identity_providers=[
                cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
                    client_id=client.user_pool_client_id, provider_name=provider, server_side_token_check=True
                )
            ],
        )
        # Amazon OpenSearch Service adds its own client as a provider later; CloudFormation leaves that alone unless this changes.
        self.signed_in = iam.Role(
            self,
            "SignedIn",
            role_name=names.of(one.name, "signed-in"),
            description=f"Portcullis: somebody signed in to {one.name} whose groups have no role of their own; no rights",
            assumed_by=self._from_identity_pool(),
        )
        cognito.CfnIdentityPoolRoleAttachment(
            self,
            "RoleChoice",
            identity_pool_id=self.identity_pool.ref,
            roles={"authenticated": self.signed_in.role_arn},
            role_mappings={
                "client": cognito.CfnIdentityPoolRoleAttachment.RoleMappingProperty(
                    type="Token",
                    ambiguous_role_resolution="Deny",
                    identity_provider=f"{provider}:{client.user_pool_client_id}",
                )
            },
        )
        self.cognito_access = self._cognito_access(self.pool, self.identity_pool)
        CfnOutput(self, "UserPool", value=self.pool.user_pool_id)
        CfnOutput(self, "UserPoolClient", value=client.user_pool_client_id)
        CfnOutput(self, "IdentityPool", value=self.identity_pool.ref)

    def _groups(self, pool: cognito.UserPool) -> None:
        """Every group carries a role, so that a member is never refused at sign-in for want of one; where a person is in several,
        the lowest precedence decides: groups with a role of their own in the order of the file, then the rest."""
        if self.one.bounded_groups:
            self.boundary = self._boundary()
        for place, (group, own) in enumerate(self.one.cognito_groups.items()):
            if own:
                role = self.master if group == MASTERS else self._group_role(group)
                name = names.of(self.one.name, "master") if group == MASTERS else names.group_role(self.one.name, group)
                # By name: what another stack imports, this one could not take away with its group.
                self.group_roles[group] = self.format_arn(service="iam", region="", resource="role", resource_name=name)
            else:
                role = self.signed_in
            cognito.CfnUserPoolGroup(
                self,
                f"Group-{group}",
                user_pool_id=pool.user_pool_id,
                group_name=group,
                role_arn=role.role_arn,
                precedence=place + 1 if own else _ROLELESS_PRECEDENCE,
            )

    def _group_role(self, group: str) -> iam.Role:
        role = iam.Role(
            self,
            f"Role-{group}",
            role_name=names.group_role(self.one.name, group),
            description=f"Portcullis: members of the Cognito group {group} of {self.one.name}",
            assumed_by=self._from_identity_pool(),
            permissions_boundary=self.boundary,
        )
        if self.boundary:
            # Made here, denying nobody, so that it goes with the stack: IAM deletes no role with a policy that CloudFormation does not
            # know. The automation only ever changes what it says, and a later deployment of the same text leaves that alone.
            iam.CfnPolicy(
                self,
                f"OlderSessions-{group}",
                policy_name=OLDER_SESSIONS,
                policy_document=deny_older_sessions(NEVER),
                roles=[role.role_name],
            )
        return role

    def _boundary(self) -> iam.ManagedPolicy:
        """The most that a group's role can ever do, whoever writes whichever policy to it: ask this domain. That is what the domain's
        access policy lets every caller do as it is, so the right to write such a policy is no right to anything more.

        It has to allow that much. These roles hold no rights of their own; the domain's policy lets them through, and what a resource's
        policy gives to a role rather than to one session of it counts only within the role's boundary.

        Covered are the roles of groups that have one of their own. Not the master role, whatever group carries it: the automation must
        not be able to shut it out. Not `signed-in` either: it holds nothing, in IAM or in the engine. Whoever has it is known to the
        engine by name, is let in by name and is taken out by name at once, so to deny its older sessions would end nothing but the
        sign-ins of everybody who stays.
        """
        domain = self.format_arn(service="es", resource="domain", resource_name=self.one.name)
        methods = ("Delete", "Get", "Head", "Patch", "Post", "Put")
        return iam.ManagedPolicy(
            self,
            "Boundary",
            managed_policy_name=names.boundary(self.one.name),
            description=f"Portcullis: the most that roles of Cognito groups of {self.one.name} can do",
            statements=[
                iam.PolicyStatement(actions=[f"es:ESHttp{method}" for method in methods], resources=[f"{domain}/*"])
            ],
        )

    def _from_identity_pool(self) -> iam.IPrincipal:
        assert self.identity_pool is not None  # noqa: S101 - only asked for where there is one
        return iam.WebIdentityPrincipal(
            "cognito-identity.amazonaws.com",
            {
                "StringEquals": {"cognito-identity.amazonaws.com:aud": self.identity_pool.ref},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
            },
        )

    def _master_trust(self) -> iam.IPrincipal:
        """`domain_setup` assumes it to let the automation in, once; people only through the group `masters`."""
        setup = iam.AccountRootPrincipal().with_conditions(only_functions(self, ("domain_setup",)))
        return (
            iam.CompositePrincipal(setup, self._from_identity_pool()) if self.one.cognito_groups.get(MASTERS) else setup
        )

    def _break_glass_trust(self) -> iam.IPrincipal:
        """Whom the file names, with MFA or under a name as the file says; and only where its taking is heard: this Region's STS, and the
        global one, whose events are us-east-1's. Where the file names nobody, nobody can take it: see `_nobody`."""
        one = self.one
        conditions: dict[str, Any] = {
            "StringEqualsIfExists": {"aws:RequestedRegion": sorted({self.region, "us-east-1"})}
        }
        if one.break_glass_mfa:
            conditions["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
        if one.break_glass_session:
            conditions["StringLike"] = {"sts:RoleSessionName": one.break_glass_session}
        named = [iam.ArnPrincipal(arn) for arn in one.break_glass_by] or [iam.AccountRootPrincipal()]
        return iam.CompositePrincipal(*(who.with_conditions(conditions) for who in named))

    def _cognito_access(self, pool: cognito.UserPool, identities: cognito.CfnIdentityPool) -> iam.Role:
        """What Amazon's managed policy AmazonOpenSearchServiceCognitoAccess allows on every pool, on these two.

        It trusts the service without a condition, as Amazon's guide says that it has to ("the role must have the following trust
        relationship"): whether the service says for whom it comes is written nowhere.
        """
        identity_arn = self.format_arn(
            service="cognito-identity", resource="identitypool", resource_name=identities.ref
        )
        return iam.Role(
            self,
            "CognitoAccess",
            role_name=names.of(self.one.name, "cognito-access"),
            description="Portcullis: lets Amazon OpenSearch Service set up the sign-in page of Dashboards",
            assumed_by=iam.ServicePrincipal("opensearchservice.amazonaws.com"),
            inline_policies={
                "pools": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[f"cognito-idp:{action}" for action in _SIGN_IN_USERS],
                            resources=[pool.user_pool_arn],
                        ),
                        iam.PolicyStatement(
                            actions=[f"cognito-identity:{action}" for action in _SIGN_IN_IDENTITIES],
                            resources=[identity_arn],
                        ),
                        # Takes no resource. What can be set with it is bounded by the roles that may be passed.
                        iam.PolicyStatement(
                            sid="SetsRolesOfPools", actions=["cognito-identity:SetIdentityPoolRoles"], resources=["*"]
                        ),
                        iam.PolicyStatement(
                            actions=["iam:PassRole"],
                            resources=[self.signed_in.role_arn],
                            conditions={"StringEquals": {"iam:PassedToService": "cognito-identity.amazonaws.com"}},
                        ),
                    ]
                )
            },
        )

    def _master_secret(self) -> secrets.Secret:
        """The master of the internal user database. Generated by Secrets Manager: the password is in no template and in no file."""
        return secrets.Secret(
            self,
            "MasterSecret",
            description=f"Portcullis: master user of the internal user database of {self.one.name}",
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template=json.dumps({"username": MASTER_USER}),
                generate_string_key="password",
                password_length=32,
                exclude_characters="\"'\\/@:`$",
            ),
            removal_policy=KEPT,
        )


def _nobody(role: iam.Role) -> None:
    """Nobody can take this role until the file names somebody: a trust policy has to name a principal, and this one denies it."""
    resource = cast("iam.CfnRole", role.node.default_child)
    nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    resource.add_property_override("AssumeRolePolicyDocument.Statement", [nobody])
