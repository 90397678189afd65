"""The OpenID provider of a pool, as far as a realm of type oidc asks it: a code is answered with tokens, once.

People sign in there by a page, which is left out: whoever plays them says who they are, and gets the code that the page would give.
"""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from local.elastic.node import Elasticsearch
from local.processes import LOOPBACK
from tests.tokens import KEY_FILE, Issuer

BACK = "https://kibana.example.internal/api/security/oidc/callback"  # where a browser would come back to


@dataclass(frozen=True)
class Session:
    """Of somebody who signed in: what the cluster gave them for it."""

    node: Elasticsearch
    given: dict[str, Any]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.node.ask(method, path, body, authorization=f"Bearer {self.given['access_token']}")

    def refresh(self) -> tuple[int, Any]:
        """As Kibana does once a token is over, which is after 20 minutes."""
        asked = {"grant_type": "refresh_token", "refresh_token": self.given["refresh_token"]}
        return self.node.ask("POST", "/_security/oauth2/token", asked)

    def refreshed(self) -> Session:
        status, given = self.refresh()
        assert status == 200, given
        return Session(self.node, given)


class Provider:
    """Use `Provider.of`. `realm` and `secure` are for a node that lets in whoever signs in here."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer, self._secret = issuer, secrets.token_urlsafe(16)
        self._codes: dict[str, str] = {}  # code -> the ID token that it stands for
        self._port = 0

    @classmethod
    @contextmanager
    def of(cls, issuer: Issuer) -> Iterator[Provider]:
        provider = cls(issuer)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                form = {name: one for name, (one,) in parse_qs(self.rfile.read(length).decode()).items()}
                status, said = provider._tokens(self.path, self.headers["authorization"] or "", form)
                body = json.dumps(said).encode()
                self.send_response(status)
                for name, value in (("content-type", "application/json"), ("content-length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
            provider._port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield provider
            finally:
                server.shutdown()
                thread.join()

    def realm(self, name: str) -> dict[str, Any]:
        """Settings of a node. The secret is not among them."""
        of_realm = {
            "order": 3,
            "rp.client_id": self._issuer.client,
            "rp.response_type": "code",
            "rp.redirect_uri": BACK,
            "op.issuer": self._issuer.name,
            "op.authorization_endpoint": f"http://{LOOPBACK}:{self._port}/oauth2/authorize",
            "op.token_endpoint": f"http://{LOOPBACK}:{self._port}/oauth2/token",
            "op.jwkset_path": KEY_FILE,
            "claims.principal": "cognito:username",
            "claims.groups": "cognito:groups",
        }
        return {f"xpack.security.authc.realms.oidc.{name}.{key}": value for key, value in of_realm.items()}

    def secure(self, name: str) -> dict[str, str]:
        """What the keystore of that node holds of it."""
        return {f"xpack.security.authc.realms.oidc.{name}.rp.client_secret": self._secret}

    def sign_in(self, node: Elasticsearch, realm: str, user: str, groups: Sequence[str] = ()) -> Session:
        """What Kibana does with the browser of this user."""
        begun = self.begin(node, realm)
        status, given = self.end(node, begun, self.signed_in(begun["redirect"], user, groups))
        assert status == 200, given
        return Session(node, given)

    @staticmethod
    def begin(node: Elasticsearch, realm: str) -> dict[str, Any]:
        status, begun = node.ask("POST", "/_security/oidc/prepare", {"realm": realm})
        assert status == 200, begun
        return dict(begun)

    def signed_in(self, begun: str, user: str, groups: Sequence[str] = (), *, by: Issuer | None = None) -> str:
        """Where a browser comes back to that was sent to `begun`, once this user signed in. `by`: whoever signs the token instead."""
        asked = {name: one for name, (one,) in parse_qs(urlsplit(begun).query).items()}
        code = secrets.token_urlsafe(16)
        identity = (by or self._issuer).authorization(user, groups, nonce=asked["nonce"])
        self._codes[code] = identity.removeprefix("Bearer ")
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    @staticmethod
    def end(node: Elasticsearch, begun: dict[str, Any], back: str) -> tuple[int, Any]:
        """Where the browser came back to is told to the cluster, which asks the provider then."""
        asked = {name: begun[name] for name in ("state", "nonce", "realm")}
        return node.ask("POST", "/_security/oidc/authenticate", {**asked, "redirect_uri": back})

    def _tokens(self, path: str, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and body. The code counts once, and for whoever has the secret."""
        known = b64decode(authorization.partition(" ")[2]).decode().split(":")
        if path != "/oauth2/token" or [unquote(one) for one in known] != [self._issuer.client, self._secret]:
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != "authorization_code" or form.get("code") not in self._codes:
            return 400, {"error": "invalid_grant"}
        identity, access = self._codes.pop(form["code"]), secrets.token_urlsafe(16)
        return 200, {"id_token": identity, "access_token": access, "token_type": "Bearer", "expires_in": 3600}
