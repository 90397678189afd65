"""The people of the demo and of the tests: made in the emulated AWS by real calls, and signed in at the two doors."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from local.aws.emulator import Credentials
from local.door import client as door
from local.embedded import ON_CALL, REGION, Embedded

POLL_S, POLL_AT_MOST_S = 0.02, 0.25
POLL_SHARE = 25  # of what was waited already: half a second is known to 0.02 s, and a minute does not keep a machine busy with asking
BUSY = 5  # times that a machine with other work beside this may be slower


@dataclass(frozen=True)
class Caller:
    """Somebody with a way in."""

    name: str
    session: door.At

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, path, json=body, timeout=30)

    def may_search(self, index: str) -> bool:
        """Whether a search is answered. Refused: 403, or the connection is dropped as by a closed security group."""
        try:
            answer = self.ask("POST", f"/{index}/_search", {"size": 0})
        except requests.ConnectionError:
            return False
        if answer.status_code in (200, 403):
            return answer.status_code == 200
        raise RuntimeError(f"{self.name}: search of {index} answered {answer.status_code}: {answer.text[:300]}")

    def may_write(self, index: str) -> bool:
        try:
            answer = self.ask("POST", f"/{index}/_doc", {"written_by": self.name})
        except requests.ConnectionError:
            return False
        if answer.status_code in (201, 403):
            return answer.status_code == 201
        raise RuntimeError(f"{self.name}: a write to {index} answered {answer.status_code}: {answer.text[:300]}")


class People:
    """Makes people and signs them in."""

    def __init__(self, embedded: Embedded) -> None:
        self.embedded, self.aws = embedded, embedded.aws
        self.pool = embedded.output("UserPool")
        self.pool_client = embedded.output("UserPoolClient")
        self._passwords: dict[str, str] = {}
        self._on_calls_key: Credentials | None = None

    # ------------------------------------------------------------------ Cognito, the Dashboards door

    def cognito_user(self, name: str) -> str:
        """A confirmed user of the deployment's pool."""
        password = f"A1!{secrets.token_urlsafe(18)}z"
        idp = self.aws.client("cognito-idp")
        idp.admin_create_user(UserPoolId=self.pool, Username=name, MessageAction="SUPPRESS")
        idp.admin_set_user_password(UserPoolId=self.pool, Username=name, Password=password, Permanent=True)
        self._passwords[name] = password
        return name

    def join(self, user: str, group: str) -> None:
        self.aws.client("cognito-idp").admin_add_user_to_group(UserPoolId=self.pool, Username=user, GroupName=group)

    def leave(self, user: str, group: str) -> None:
        self.aws.client("cognito-idp").admin_remove_user_from_group(
            UserPoolId=self.pool, Username=user, GroupName=group
        )

    def at_dashboards(self, user: str) -> Caller:
        """Signed in at the Dashboards door."""
        url = f"https://{self.embedded.door}"
        return Caller(user, door.dashboards(url, self.token(user), self.embedded.door_ca))

    def token(self, user: str) -> str:
        """An id token, as the sign-in page of Dashboards gets it."""
        idp, password = self.aws.client("cognito-idp"), self._passwords[user]
        return door.sign_in(idp, self.pool, self.pool_client, user, password)

    # ------------------------------------------------------------------ the API door

    def with_token(self, user: str, token: str) -> Caller:
        """At the API door with the credentials that the identity pool gives for an id token: just the role."""
        pools, provider = self.aws.client("cognito-identity"), f"cognito-idp.{REGION}.amazonaws.com/{self.pool}"
        given = door.identity_pool_credentials(pools, self.embedded.output("IdentityPool"), provider, token)
        return self._at_api(user, Credentials(**given))

    def iam_user(self, name: str) -> Caller:
        """An IAM user with an access key, at the API door."""
        iam = self.aws.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self._at_api(name, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))

    def with_role(self, role: str) -> Caller:
        """A session of an IAM role (name or ARN), at the API door."""
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{self.aws.account}:role/{role}"
        glass = arn.endswith("-break-glass")
        sts = self.aws.client("sts", credentials=self._on_call() if glass else None)
        got = sts.assume_role(RoleArn=arn, RoleSessionName="order-4711" if glass else "demo")["Credentials"]
        return self._at_api(role, Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))

    def _on_call(self) -> Credentials:
        """The one user whom deployments/demo.yaml lets take break-glass."""
        if self._on_calls_key is None:
            key = self.aws.client("iam").create_access_key(UserName=ON_CALL)["AccessKey"]
            self._on_calls_key = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        return self._on_calls_key

    def _at_api(self, name: str, credentials: Credentials) -> Caller:
        return Caller(name, door.signed(f"https://{self.embedded.door}", credentials, REGION, self.embedded.door_ca))


def until(truth: Callable[[], bool], *, within: float = 60.0, what: str = "") -> float:
    """Ask until it is so; returns the seconds it took. TimeoutError with `what` if it does not become so.

    `within` is what a machine with nothing else to do needs at the very most; a busy one is given several times that. The longer it takes,
    the more seldom it is asked: whoever asks fifty times a second holds up what they wait for.
    """
    began, patience = time.monotonic(), within * BUSY
    while not truth():
        waited = time.monotonic() - began
        if waited > patience:
            raise TimeoutError(f"not so within {patience:.0f} s: {what}")
        time.sleep(min(max(POLL_S, waited / POLL_SHARE), POLL_AT_MOST_S))
    return time.monotonic() - began
