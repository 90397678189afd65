"""Signatures of offers, in the form of OpenSSH (SSHSIG, PROTOCOL.sshsig): `ssh-keygen -Y` reads them, and a key is known by the
fingerprint that `ssh-keygen -lf` shows.

What one proves: whoever has the private key signed these bytes as an offer, and nothing was changed since. What it does not: whose key it
is. That is told by another road than the file came, or was accepted before.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from portcullis.errors import BadInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = b"portcullis-offer"  # a signature of something else, or to sign in somewhere, is none of an offer
_MAGIC, _VERSION, _HASH = b"SSHSIG", 1, b"sha512"
_KIND = b"ssh-ed25519"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_BEGIN, _END, _WIDTH = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----", 70
_MAKE = "ssh-keygen -t ed25519 -N '' -f offers.key makes one; only you may read it"


def load_key(path: Path, passphrase: Callable[[], str]) -> Ed25519PrivateKey:
    """A private key of Ed25519, of OpenSSH or as PKCS #8; `passphrase` is asked for if it has one. BadInput if it cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=str(path), remedy=_MAKE) from None
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:
            key = load(data, passphrase().encode())
    except UnsupportedAlgorithm:
        remedy = "one without, or as PKCS #8: openssl genpkey -algorithm ed25519 -aes256 -out offers.key"
        raise BadInput("is a key of OpenSSH with a passphrase", source=str(path), remedy=remedy) from None
    except (TypeError, ValueError):  # its words may quote what is in the file
        raise BadInput("is no private key, or the passphrase is another", source=str(path), remedy=_MAKE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("is a key of another kind than Ed25519", source=str(path), remedy=_MAKE)
    return key


def fingerprint(public: bytes) -> str:
    """As `ssh-keygen -lf` shows it. `public`: the 32 bytes of the key."""
    digest = hashlib.sha256(_blob(public)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def sign(message: bytes, key: Ed25519PrivateKey) -> str:
    """The signature of an offer, as ssh-keygen -Y sign would write it."""
    return _armoured(public_of(key), key.sign(_signed(message)))


def verified(message: bytes, signature: str, source: str) -> str:
    """The fingerprint of the key that signed an offer. BadInput if none did: the text, or the signature, is not what it was."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public, proof = _parts(signature, source)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(proof, _signed(message))
    except (InvalidSignature, ValueError):
        raise BadInput(
            "was changed since it was signed: the signature is of something else",
            source=source,
            place="signature",
            remedy="do not use it; ask whoever offers for the file again",
        ) from None
    return fingerprint(public)


def _signed(message: bytes) -> bytes:
    parts = (NAMESPACE, b"", _HASH, hashlib.sha512(message).digest())
    return _MAGIC + b"".join(map(_string, parts))


def _armoured(public: bytes, proof: bytes) -> str:
    parts = (_blob(public), NAMESPACE, b"", _HASH, _string(_KIND) + _string(proof))
    text = base64.b64encode(_MAGIC + struct.pack(">I", _VERSION) + b"".join(map(_string, parts))).decode()
    lines = [text[i : i + _WIDTH] for i in range(0, len(text), _WIDTH)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def _parts(signature: str, source: str) -> tuple[bytes, bytes]:
    """The public key and the proof. There is one way to write a signature of this kind: anything else is none."""
    try:
        data = base64.b64decode("".join(signature.splitlines()[1:-1]), validate=True)
        head = len(_MAGIC) + 4 + 4 + 4 + len(_KIND) + 4
        public, proof = data[head : head + _KEY_BYTES], data[-_SIGNATURE_BYTES:]
        if len(public) == _KEY_BYTES and _armoured(public, proof) == signature:
            return public, proof
    except ValueError:
        pass
    remedy = "do not use it; ask whoever offers for the file again"
    raise BadInput("is no signature of an offer", source=source, place="signature", remedy=remedy)


def _blob(public: bytes) -> bytes:
    return _string(_KIND) + _string(public)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
