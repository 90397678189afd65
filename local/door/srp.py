"""Cognito's sign-in by Secure Remote Password: who signs in proves that they know the password, and never sends it.

The arithmetic of RFC 5054 over its group of 3072 bits, with the hash, the key and the proof as Cognito has them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

# RFC 5054, appendix A: the prime of 3072 bits. Cognito's base is 2, where the RFC has 5.
_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
_BASE = 2
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Proof:
    """One sign-in: what is sent first, and the answer to what Cognito asks then."""

    def __init__(self, user_pool: str, password: str) -> None:
        self._pool, self._password = user_pool.partition("_")[2], password
        self._secret = secrets.randbelow(_PRIME - 2) + 1
        self._public = pow(_BASE, self._secret, _PRIME)

    @property
    def sent(self) -> str:
        return f"{self._public:x}"

    def answer(self, asked: Mapping[str, str], now: datetime | None = None) -> dict[str, str]:
        """The answer to the challenge PASSWORD_VERIFIER with these parameters."""
        user, block, theirs = asked["USER_ID_FOR_SRP"], asked["SECRET_BLOCK"], int(asked["SRP_B"], 16)
        if theirs % _PRIME == 0:
            raise ValueError("Cognito's part of the sign-in is nought, which proves nothing")
        both = _hash(_bytes(self._public), _bytes(theirs))
        known = hashlib.sha256(f"{self._pool}{user}:{self._password}".encode()).digest()
        of_password = _hash(_bytes(int(asked["SALT"], 16)), known)
        shared = pow(
            theirs - _hash(_bytes(_PRIME), _bytes(_BASE)) * pow(_BASE, of_password, _PRIME),
            self._secret + both * of_password,
            _PRIME,
        )
        inner = hmac.new(_bytes(both), _bytes(shared), hashlib.sha256).digest()
        key = hmac.new(inner, b"Caldera Derived Key\x01", hashlib.sha256).digest()[:16]
        at = _written(now or datetime.now(UTC))
        proof = hmac.new(
            key, f"{self._pool}{user}".encode() + base64.b64decode(block) + at.encode(), hashlib.sha256
        ).digest()
        return {
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(proof).decode(),
            "TIMESTAMP": at,
        }


def _bytes(number: int) -> bytes:
    """As a signed number is written: with a zero byte before a first bit that is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


def _written(moment: datetime) -> str:
    """The time as Cognito has it, in English wherever it is run."""
    return f"{_WEEKDAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day} {moment:%H:%M:%S} UTC {moment.year}"
