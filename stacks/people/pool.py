"""The user pool of a deployment: where people are put into groups, and sign in."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cognito as cognito

from stacks import names
from stacks.deployments import Declared
from stacks.keeping import KEPT


def user_pool(stack: Stack, one: Declared) -> cognito.UserPool:
    """The pool with its sign-in page. Kept when the stack goes: people are in it."""
    pool = cognito.UserPool(
        stack,
        "Users",
        user_pool_name=names.of(one.name, "users"),
        self_sign_up_enabled=False,
        sign_in_aliases=cognito.SignInAliases(username=True),
        mfa=cognito.Mfa.OPTIONAL,
        mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
        password_policy=cognito.PasswordPolicy(
            min_length=14,
            require_digits=True,
            require_lowercase=True,
            require_symbols=True,
            require_uppercase=True,
            temp_password_validity=Duration.days(3),
        ),
        account_recovery=cognito.AccountRecovery.NONE,  # whoever administers the pool resets: a mailbox is no second key
        deletion_protection=True,
        removal_policy=KEPT,
    )
    # The prefix is unique in a Region, over all accounts.
    pool.add_domain(
        "SignIn",
        cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"{names.PREFIX}-{one.name}-{stack.account}"),
    )
    return pool


def client_of(pool: cognito.UserPool, one: Declared) -> cognito.UserPoolClient:
    """The client that a person's own tools sign in with. That of a sign-in page is made by whoever has the page."""
    return pool.add_client(
        "Client",
        user_pool_client_name=names.of(one.name, "client"),
        auth_flows=cognito.AuthFlow(user_srp=True),
        disable_o_auth=True,  # Amazon OpenSearch Service makes the client of the sign-in page itself
        prevent_user_existence_errors=True,
        enable_token_revocation=True,
        access_token_validity=Duration.minutes(30),
        id_token_validity=Duration.minutes(30),
        refresh_token_validity=Duration.hours(12),
    )
