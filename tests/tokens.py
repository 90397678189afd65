"""Tokens as a Cognito user pool makes them, for a JWT realm of Elasticsearch that trusts the key of this issuer."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_FILE = "jwks.json"  # in the node's config folder


class Issuer:
    """The pool, with a key of its own. `keys` is what it publishes: the content of KEY_FILE."""

    def __init__(self, pool: str, client: str = "client-1") -> None:
        self.name, self.client = f"https://cognito-idp.{pool.partition('_')[0]}.amazonaws.com/{pool}", client
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self.keys = json.dumps({"keys": [{**public, "kid": "key-1", "alg": "RS256", "use": "sig"}]}).encode()

    def realm(self, name: str) -> dict[str, Any]:
        """Settings of a node that lets in whoever has an ID token of this pool."""
        of_realm = {
            "order": 2,
            "token_type": "id_token",
            "allowed_issuer": self.name,
            "allowed_audiences": [self.client],
            "allowed_signature_algorithms": ["RS256"],
            "pkc_jwkset_path": KEY_FILE,
            "client_authentication.type": "none",
            "claims.principal": "cognito:username",
            "claims.groups": "cognito:groups",
        }
        return {f"xpack.security.authc.realms.jwt.{name}.{key}": value for key, value in of_realm.items()}

    def authorization(self, user: str, groups: Sequence[str] = (), **claims: Any) -> str:
        """The header of a request of this user: an ID token of an hour. Cognito leaves the groups out of it where there are none."""
        now = int(time.time())
        told = {
            "iss": self.name,
            "aud": self.client,
            "sub": str(uuid5(NAMESPACE_DNS, user)),
            "cognito:username": user,
            "token_use": "id",
            "iat": now,
            "auth_time": now,
            "exp": now + 3600,
            **({"cognito:groups": list(groups)} if groups else {}),
            **claims,
        }
        return f"Bearer {jwt.encode(told, self._key, algorithm='RS256', headers={'kid': 'key-1'})}"
