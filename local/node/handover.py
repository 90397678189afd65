"""What the front door hands over: a caller's name and backend roles in a short-lived signed token."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.node.security import NAME_CLAIM, ROLES_CLAIM, TOKEN_HEADER

VALID_S = 120


class Signer:
    """Signs with the key at `path` (`Node.token_key`). Tokens may be kept and used again until shortly before they end."""

    def __init__(self, path: Path) -> None:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{path} holds no elliptic-curve key")
        self._key = key

    def token(self, name: str, backend_roles: Iterable[str] = (), *, now: float | None = None) -> str:
        """`name` and `backend_roles` as the engine shall see them; `now` in seconds since 1970.

        Any text is carried as it is, but for spaces around it: the plugin strips those, which would make one principal of
        two. Such a name, or an empty one, is refused with ValueError.
        """
        backend_roles = list(backend_roles)
        for text in (name, *backend_roles):
            if not text or text != text.strip():
                raise ValueError(f"{text!r} cannot be handed over: empty, or with spaces around it")
        at = int(time.time() if now is None else now)
        claims = {NAME_CLAIM: name, ROLES_CLAIM: backend_roles, "iat": at, "exp": at + VALID_S}
        return jwt.encode(claims, self._key, algorithm="ES256")

    def headers(self, name: str, backend_roles: Iterable[str] = (), *, now: float | None = None) -> dict[str, str]:
        """The header to add to the forwarded request, after taking out any of that name the caller sent."""
        return {TOKEN_HEADER: self.token(name, backend_roles, now=now)}
