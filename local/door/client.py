"""How to come to the doors, for tests and the demo: signed sessions, sign-in to Cognito, an identity pool's credentials.

The sessions do not trust the environment: REQUESTS_CA_BUNDLE would override `ca`, and .netrc would put a password beside the signature.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import requests
from portcullis.errors import Refused
from requests_aws4auth import AWS4Auth

from local.door.srp import Proof

DASHBOARDS = "/_dashboards"


class Credentials(Protocol):
    """What signs: `local.aws.emulator.Credentials`, or anything like it."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...


class At(requests.Session):
    """A session that takes paths: `At(...).get("/_search")`."""

    def __init__(self, url: str, ca: Path | str) -> None:
        super().__init__()
        self.url, self.verify, self.trust_env = url.rstrip("/"), str(ca), False

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        """As requests' own; a path is taken from `self.url` on, a whole URL stays what it is."""
        text = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self.url + text if text.startswith("/") else text, *args, **more)


def signed(url: str, credentials: Credentials, region: str, ca: Path | str) -> At:
    """The API door as the holder of these credentials. `url` is https://host:port."""
    session = At(url, ca)
    session.auth = AWS4Auth(
        credentials.access_key, credentials.secret_key, region, "es", session_token=credentials.session_token
    )
    return session


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def dashboards(url: str, id_token: str, ca: Path | str) -> At:
    """The Dashboards door as whoever the token names; paths are the node's (`/_search`), the door's prefix is put before them."""
    session = At(url.rstrip("/") + DASHBOARDS, ca)
    session.auth = _Bearer(id_token)
    return session


def sign_in(cognito_idp: Any, user_pool: str, client_id: str, username: str, password: str) -> str:
    """The id token of a user pool's user, by user name and password; the password itself is not sent.

    `cognito_idp`: a boto3 client. A first password is kept. Raises Refused for any other challenge, botocore's ClientError for a wrong
    password.
    """
    proof = Proof(user_pool, password)
    answer = cognito_idp.initiate_auth(
        ClientId=client_id, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": username, "SRP_A": proof.sent}
    )
    if answer.get("ChallengeName") == "PASSWORD_VERIFIER":
        answer = cognito_idp.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=proof.answer(answer["ChallengeParameters"]),
        )
    if answer.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
        answer = cognito_idp.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=answer["Session"],
            ChallengeResponses={"USERNAME": username, "NEW_PASSWORD": password},
        )
    if "AuthenticationResult" not in answer:
        raise Refused(f"Cognito asks {username} for {answer.get('ChallengeName')}, which is not answered here")
    return str(answer["AuthenticationResult"]["IdToken"])


def identity_pool_credentials(
    cognito_identity: Any, identity_pool: str, provider: str, id_token: str
) -> dict[str, str]:
    """Credentials of the role an identity pool gives for a sign-in: `access_key`, `secret_key`, `session_token`.

    `provider`: cognito-idp.<region>.amazonaws.com/<user-pool-id>. MiniStack always gives the authenticated role.
    """
    logins = {provider: id_token}
    identity = cognito_identity.get_id(IdentityPoolId=identity_pool, Logins=logins)["IdentityId"]
    given = cognito_identity.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    return {
        "access_key": given["AccessKeyId"],
        "secret_key": given["SecretKey"],
        "session_token": given["SessionToken"],
    }
