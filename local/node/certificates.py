"""The node's certificates, made on the spot by a CA that exists for this node only and keeps no key.

A second start on the same home finds what the first made. The Security plugin wants its keys as PKCS#8.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.node.files import write_private

NAMES = {"node": ("localhost", "127.0.0.1"), "admin": ("admin@node.invalid",), "door": ("door@node.invalid",)}


@dataclass(frozen=True)
class Identity:
    """A certificate (PEM, with its chain) and its key (PEM, PKCS#8, mode 600)."""

    cert: Path
    key: Path

    @property
    def pair(self) -> tuple[str, str]:
        """As `requests`, `ssl.load_cert_chain` and opensearch-py take it."""
        return str(self.cert), str(self.key)

    @property
    def subject(self) -> str:
        """The distinguished name as the Security plugin writes it (RFC 4514)."""
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).subject.rfc4514_string()


@dataclass(frozen=True)
class Certificates:
    """`ca` is for clients to verify the node with; `token_key` signs what the door hands over."""

    ca: Path
    node: Identity
    admin: Identity
    door: Identity
    token_key: Path

    @property
    def token_public_key(self) -> str:
        """PEM."""
        key = serialization.load_pem_private_key(self.token_key.read_bytes(), None)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _pkcs8(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - the only kind made here
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def make(folder: Path) -> Certificates:
    """Make the certificates in `folder`, or find them there."""
    who = {name: Identity(folder / f"{name}.pem", folder / f"{name}.key") for name in NAMES}
    made = Certificates(folder / "ca.pem", who["node"], who["admin"], who["door"], folder / "door-token.key")
    if made.ca.is_file():  # written last
        return made
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)
    ca = trustme.CA(organization_name="Portcullis", organization_unit_name="embedded node")
    for name, identities in NAMES.items():
        issued = ca.issue_cert(*identities, common_name=name, organization_name="Portcullis")
        write_private(who[name].cert, b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        write_private(who[name].key, _pkcs8(key))
    write_private(made.token_key, _pkcs8(ec.generate_private_key(ec.SECP256R1())))
    write_private(made.ca, ca.cert_pem.bytes())
    return made
