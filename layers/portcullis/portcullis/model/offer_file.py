"""The file by which one administrator offers another what may be read of their cluster: the facts that both have to know, and no secret.

One text for one meaning: a file that is not, byte for byte, what its own facts are written as is refused. So nothing can be put beside
the facts that the signature does not cover.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from portcullis.errors import BadInput
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import CLUSTER_KEYS
from portcullis.model.elasticsearch.parts import Certificate
from portcullis.model.elasticsearch.remotes import PORTS, Address, CrossAccess, Moment, ServerName
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.names import Wrong, did_you_mean
from portcullis.model.parts import Name, SecretName, Strict, Text, dotted, named
from portcullis.model.text.loading import first_wrong
from portcullis.model.types import ELASTIC
from portcullis.words import in_data, moment

FORM = 1  # raised when a file says something that a reader of the older form would not understand
_MARK = "portcullis_offer"
_LARGEST = 256 * 1024  # characters
_SIGNATURE = 1024  # of these, for the signature
_CLOCKS_DIFFER = timedelta(minutes=10)
_KEY = "api-key"
_ANOTHER = "ask for a new file: portcullis remote offer writes it"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+-----END CERTIFICATE-----")


class OfferFacts(Strict):
    """What both sides have to know. Whatever is not here is nobody's business but the side's own."""

    deployment: Annotated[str, *named("a deployment's name")]
    """The deployment that offers."""
    offer: Name
    """What the offer is called in its file."""
    engine: Annotated[str, *named("an engine of Elastic's own")]
    """Its engine and release."""
    model: Literal["api-key"]
    """By what it is read: an offer is a key."""
    address: Address
    """Where it listens for other clusters."""
    server_name: ServerName
    """The name in the certificate there."""
    ca: Certificate | None = None
    """The certificates of the authorities to trust there, and nothing else. None: those that everybody trusts."""
    allows: CrossAccess
    """What the key allows."""
    key_days: int = Field(ge=1, le=3650)
    """Days after which each key ends."""
    secret: SecretName
    """The secret that the key's text is put into: its name, never the text."""
    made: Moment
    """When the file was made."""
    made_by: Text
    """Who made it, as they call themselves. What is proven is the key that signed it, not this."""
    ends: Moment
    """After this the file is not accepted any more."""

    @model_validator(mode="after")
    def _whole(self) -> OfferFacts:
        if self.ends <= self.made:
            raise Wrong("ends before it was made", _ANOTHER, ("ends",))
        if self.ca is not None and certificates_alone(self.ca) != self.ca:
            raise Wrong("holds something beside certificates", _ANOTHER, ("ca",))
        if self.release < CLUSTER_KEYS:
            raise Wrong(f"{self.release} has no keys between clusters", f"{CLUSTER_KEYS} or later", ("engine",))
        return self

    @property
    def release(self) -> Release:
        return Release.of(self.engine.removeprefix(ELASTIC))

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        plain = self.model_dump(mode="json", exclude_none=True, exclude={"allows"})
        plain["allows"] = self.allows.document()
        return {name: plain[name] for name in _ORDER if name in plain}

    def message(self) -> bytes:
        """What is signed: JSON with sorted keys and without spaces."""
        return json.dumps(self.document(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_ORDER = tuple(OfferFacts.model_fields)


@dataclass(frozen=True, slots=True)
class OfferFile:
    facts: OfferFacts
    signature: str  # as ssh-keygen writes one


def offer_of(deployment: OnCluster, name: str, now: datetime, valid: timedelta, made_by: str) -> OfferFacts:
    """The facts of one offer of a deployment file. BadInput for an offer that the file has not, and for what no file may carry."""
    offer = deployment.offers.get(name)
    if offer is None:
        there = did_you_mean(name, deployment.offers) or "it has none: offers: {NAME: {search: […], secret: SECRET}}"
        raise BadInput(f"there is no offer {name[:64]!r}", source=deployment.source, place="offers", remedy=there)
    host = deployment.cluster.endpoint.rpartition(":")[0]
    address = offer.address or f"{host}:{PORTS[_KEY]}"
    facts: dict[str, Any] = {
        "deployment": deployment.deployment,
        "offer": name,
        "engine": deployment.engine,
        "model": _KEY,
        "address": address,
        "server_name": offer.server_name or address.rpartition(":")[0],
        "allows": offer.document(),
        "key_days": offer.expires_after_days,
        "secret": offer.secret,
        "made": in_data(now),
        "made_by": made_by,
        "ends": in_data(now + valid),
    }
    if offer.ca is not None:
        facts["ca"] = certificates_alone(offer.ca)
    whole = _facts(facts, deployment.source, "offers")
    if len(written(OfferFile(whole, ""))) > _LARGEST - _SIGNATURE:
        problem = f"{name} is too long for a file of at most {_LARGEST:,} characters"
        raise BadInput(problem, source=deployment.source, place="offers", remedy="two offers, or shorter queries")
    return whole


def certificates_alone(pem: str) -> str:
    """The certificates in a text, without whatever else stands there."""
    lines = "\n".join(line.strip() for line in pem.splitlines())
    return "".join(f"{found}\n" for found in _CERTIFICATE.findall(lines))


def written(file: OfferFile) -> str:
    """The text of the file."""
    whole = {_MARK: FORM, "facts": file.facts.document(), "signature": file.signature}
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"


def read_offer(text: str, source: str, now: datetime) -> OfferFile:
    """The file that somebody got. BadInput, with one reason, for all that is not the text of an offer that is good now. Whether the
    signature is one is still to be asked."""
    whole = _object(text, source)
    form = whole.get(_MARK)
    if form is None:
        raise BadInput("is no offer", source=source, remedy="the file that portcullis remote offer wrote")
    if form is True or form != FORM:
        remedy = f"this version reads {FORM}: use the one that wrote it, or ask for a file of that"
        raise BadInput(f"is an offer of another version ({form!r:.20})", source=source, place=_MARK, remedy=remedy)
    for key in sorted(whole.keys() ^ {_MARK, "facts", "signature"}):
        what = "unknown key" if key in whole else "there is no"
        raise BadInput(f"{what} {key[:64]!r}", source=source, remedy=_ANOTHER)
    if not isinstance(whole["signature"], str):
        raise BadInput("is no signature", source=source, place="signature", remedy=_ANOTHER)
    file = OfferFile(_facts(whole["facts"], source, "facts"), whole["signature"])
    if written(file) != text:
        problem = "was changed since it was written: it is not, sign by sign, what its facts are written as"
        raise BadInput(problem, source=source, remedy="send the file as it is, without an editor in between")
    if file.facts.made > in_data(now + _CLOCKS_DIFFER):
        problem = f"was made {moment(file.facts.made)}, and it is {moment(now)} here"
        raise BadInput(problem, source=source, place="facts.made", remedy="one of the two clocks is wrong")
    if file.facts.ends <= in_data(now):
        raise BadInput(f"ended {moment(file.facts.ends)}", source=source, place="facts.ends", remedy=_ANOTHER)
    return file


def _object(text: str, source: str) -> dict[str, Any]:
    if len(text) > _LARGEST:
        raise BadInput(f"{len(text):,} characters", source=source, remedy=f"an offer has at most {_LARGEST:,}")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no JSON: {str(error)[:100]}", source=source, remedy=_ANOTHER) from None
    if not isinstance(whole, dict):
        raise BadInput("is no offer", source=source, remedy="the file that portcullis remote offer wrote")
    return whole


def _facts(data: Any, source: str, place: str) -> OfferFacts:
    try:
        return OfferFacts.model_validate_json(json.dumps(data, allow_nan=False))
    except ValidationError as error:
        path, problem, remedy = first_wrong(error, OfferFacts)
        raise BadInput(problem, source=source, place=dotted((place, *path)), remedy=remedy or _ANOTHER) from None
    except (ValueError, RecursionError):
        raise BadInput("holds what no JSON may hold", source=source, place=place, remedy=_ANOTHER) from None
