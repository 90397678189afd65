"""Passwords in AWS Secrets Manager: read where a deployment file names a secret, made where it names none."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any

from portcullis.clients import error_code
from portcullis.errors import Refused, Unreachable
from portcullis.ports.identity import ApiKey, Credential, Password

_LENGTH = 32
_SYMBOLS = "-_.,+=:"  # none that a shell, a URL or YAML reads as something else


class SecretsManager:
    """The Secrets protocol. `client` is a boto3 Secrets Manager client. No error ever carries what a secret holds."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def password(self, secret: str) -> str | None:
        text = self._text(secret)
        return None if text is None else _password_in(text, secret)

    def credential(self, secret: str, user: str) -> Credential:
        """What a secret lets one speak to an engine with: JSON with "api_key", or the password of `user` as `password` reads it.
        Refused if there is no such secret, or nothing of that in it."""
        text = self._text(secret)
        if text is None:
            raise Refused(f"the secret {secret} is gone: nobody can speak as {user}")
        key = value.get("api_key") if isinstance(value := json_in(text), dict) else None
        if isinstance(key, str) and key:
            return ApiKey(key)
        return Password(user, _password_in(text, secret))

    def token(self, secret: str) -> str:
        """What a secret holds for an API of somebody else's: JSON with "api_key" or "password", or the text alone. Refused if it is
        gone."""
        text = self._text(secret)
        if text is None:
            raise Refused(f"the secret {secret} is gone")
        key = value.get("api_key") if isinstance(value := json_in(text), dict) else None
        return key if isinstance(key, str) and key else _password_in(text, secret)

    def _text(self, secret: str) -> str | None:
        try:
            return str(self._client.get_secret_value(SecretId=secret).get("SecretString", ""))
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise translated(error, f"the secret {secret} could not be read") from None

    def version(self, secret: str) -> str | None:
        try:
            stages = self._client.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise translated(error, f"the secret {secret} could not be looked at") from None
        return next((version for version, of_it in stages.items() if "AWSCURRENT" in of_it), None)

    def make(self, secret: str, user: str) -> str:
        password = generated()
        try:
            self._client.create_secret(
                Name=secret,
                Description=f"Portcullis: password of the internal user {user}",
                SecretString=json.dumps({"username": user, "password": password}),
            )
        except Exception as error:
            if error_code(error) != "ResourceExistsException":
                raise translated(error, f"the secret {secret} could not be made") from None
            there = self.password(secret)
            if there is None:
                raise Unreachable(f"the secret {secret} is being deleted; restore it, or try again later") from None
            return there
        return password


def generated() -> str:
    """A password that any engine's rules take: all four kinds of characters, 32 of them."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS)
    chosen = [secrets.choice(kind) for kind in kinds]
    chosen += [secrets.choice("".join(kinds)) for _ in range(_LENGTH - len(kinds))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def json_in(text: str) -> Any:
    """What the text says as JSON; None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _password_in(text: str, secret: str) -> str:
    """The password of a secret as Secrets Manager's own rotation writes it (JSON with "password"), or the whole text."""
    value = json_in(text)
    password = value.get("password") if isinstance(value, dict) else text
    if not isinstance(password, str) or not password:
        raise Refused(f'the secret {secret} holds no password (a text, or JSON with "password")')
    return password


def translated(error: Exception, what: str) -> Exception:
    code = error_code(error)
    if code.startswith(("AccessDenied", "Decryption", "InvalidRequest", "InvalidParameter")):
        return Refused(f"{what}: {code}")
    return Unreachable(f"{what}: {code or type(error).__name__}")
