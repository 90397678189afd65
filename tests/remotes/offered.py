"""Two deployment files, an offer of one to the other, and how it gets there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from portcullis import model
from portcullis.cli.remotes.offer_signature import fingerprint, public_of, sign, verified
from portcullis.model.accepting import Accepted, accept
from portcullis.model.offer_file import OfferFacts, OfferFile, offer_of, read_offer, written

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = fingerprint(public_of(KEY))
ARN = "key: {arn: 'arn:aws:kms:eu-central-1:111122223333:key/1'}\n"
LOGS = (
    "deployment: logs\nengine: elasticsearch-9.5.3\ndescription: not for others\n"
    "cluster: {endpoint: 'logs.example:9200', user: the-automation, credential: logs/automation, licence: trial,"
    " network: {cidrs: [10.77.0.0/16]}}\n" + ARN + "OFFERS"
    "access:\n  roles: {secretive: {indices: [{names: [hr], privileges: [read]}]}}\n"
    "  users: {kim: {secret: passwords/kim}}\n  grants: [{role: secretive, to: {internal_user: kim}}]\n"
)
OFFERS = "offers: {for-orders: {search: [{names: ['logs-*'], query: {term: {team: red}}}], secret: remotes/orders}}\n"
ORDERS = (
    "# of two people\ndeployment: orders\nengine: elasticsearch-9.5.3\n"
    "cluster: {endpoint: 'orders.example:443', user: portcullis, credential: orders/automation, licence: trial}\n"
    + ARN
    + """\
identity: {cognito: {groups: {readers: {}}}}
access:
  roles:   # who reads what
    log_reader: {remote_indices: [{clusters: [dc2], names: ['logs-*', hr], privileges: [read]}]}
    other: {remote_indices: [{clusters: [dc3], names: ['*'], privileges: [read]}]}
  users: {boss: {}}
  grants:
    - {role: log_reader, to: {cognito_group: readers}}
    - {role: superuser, to: {internal_user: boss}}
"""
)


def facts(offers: str = OFFERS, at: datetime = NOW, name: str = "for-orders") -> OfferFacts:
    read = model.loads(LOGS.replace("OFFERS", offers), "logs.yaml")
    assert isinstance(read, model.OnCluster)
    return offer_of(read, name, at, timedelta(days=14), "anna")


def signed(of: OfferFacts, key: Ed25519PrivateKey = KEY) -> str:
    return written(OfferFile(of, sign(of.message(), key)))


def received(text: str, at: datetime = NOW) -> tuple[OfferFacts, str]:
    """As the other side takes it: the facts, and who signed them."""
    file = read_offer(text, "got.json", at)
    return file.facts, verified(file.facts.message(), file.signature, "got.json")


def taken(text: str, of: OfferFacts, **more: Any) -> Accepted:
    return accept(text, "orders.yaml", of, more.pop("signer", SIGNER), more.pop("alias", "dc2"), **more)
