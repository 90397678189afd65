"""Texts of keys between clusters in AWS Secrets Manager."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from portcullis.adapters.passwords.aws import json_in, translated
from portcullis.clients import error_code
from portcullis.errors import Refused
from portcullis.ports.remotes import KeyText


class KeySecrets:
    """The KeyTexts protocol. `client` is a boto3 Secrets Manager client. No error ever carries what a secret holds."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, secret: str) -> KeyText | None:
        try:
            text = str(self._client.get_secret_value(SecretId=secret).get("SecretString", ""))
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise translated(error, f"the secret {secret} could not be read") from None
        return key_in(text, secret) if text.strip() else None

    def put(self, secret: str, text: KeyText) -> None:
        held = json.dumps({"api_key": text.encoded})
        try:
            self._client.put_secret_value(SecretId=secret, SecretString=held)
        except Exception as error:
            if error_code(error) != "ResourceNotFoundException":
                raise translated(error, f"the key was not put into the secret {secret}") from None
            self._make(secret, held)

    def _make(self, secret: str, held: str) -> None:
        what = "Portcullis: a key between clusters, for the cluster that reads"
        try:
            self._client.create_secret(Name=secret, Description=what, SecretString=held)
        except Exception as error:
            raise translated(error, f"the secret {secret} could not be made") from None


def key_in(text: str, secret: str) -> KeyText:
    """The key of a secret: JSON with "api_key", or the encoded key alone."""
    value = json_in(text)
    encoded = value.get("api_key") if isinstance(value, dict) else text.strip()
    try:
        identity, colon, proof = base64.b64decode(str(encoded), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        identity = colon = proof = ""
    if not (identity and colon and proof):
        raise Refused(f'the secret {secret} holds no key between clusters (its encoded text, or JSON with "api_key")')
    return KeyText(identity, str(encoded))
