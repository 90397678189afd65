"""An offer put into this side's deployment file, and what it means here. What somebody wrote there by hand is never written over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcullis.access.plan import AccessModel
from portcullis.errors import BadInput, Refused
from portcullis.families.elasticsearch.documents.compare import canonical_access
from portcullis.families.elasticsearch.granting.merging import SUPERUSER
from portcullis.families.elasticsearch.known.names import certainly_beyond, may_match
from portcullis.model.elasticsearch.remotes import Remote, digest, facts_of
from portcullis.model.elasticsearch.resolving import resolved
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.offer_file import OfferFacts
from portcullis.model.text.editing import edit
from portcullis.model.text.loading import loads
from portcullis.model.text.reading import read
from portcullis.model.text.splicing import laid_out, put
from portcullis.remotes.agreement import is_of
from portcullis.remotes.comparing import Difference, differ

_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class RoleHere:
    """A role of this side that names the alias. `beyond`: what it asks for and the key does not allow: the other side refuses that."""

    role: str
    asks: tuple[str, ...]
    beyond: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """`text`: the file with it; `block`: what is written under `remotes`, as YAML. `again`: it was accepted before, and this is a later
    one. `changes`: what else is another than it was, in words. `superusers`: who sees all that the key allows, without any role for it."""

    alias: str
    text: str
    block: str
    again: bool
    difference: Difference
    changes: tuple[str, ...]
    roles: tuple[RoleHere, ...]
    superusers: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.difference.narrower or self.difference.wider or self.changes)


def accept(text: str, source: str, facts: OfferFacts, signer: str, alias: str = "", credential: str = "") -> Accepted:
    """`text`: the deployment file. `signer`: the fingerprint of who signed the offer, which somebody vouches for. `alias`, `credential`:
    as somebody asks for; empty: as before, else the deployment's name, and the secret that the offer names.

    Refused for what was changed by hand, an alias that is something else, an older offer and another signer. BadInput for a file that
    would not be valid with it.
    """
    here = loads(text, source)
    if not isinstance(here, OnCluster):
        raise Refused(f"{here.deployment} is no Elasticsearch cluster: it has no remotes")
    if here.deployment == facts.deployment:
        raise Refused(f"{facts.deployment} is this deployment itself: an offer is for another one")
    name = _alias(here, facts, alias, credential or facts.secret)
    before = here.remotes.get(name)
    if before is not None:
        _refuse_what_is_not_ours(name, before, facts, signer, credential)
    block = _block(facts, signer, before, credential)
    edited = text if _says(before) == block else edit(text, lambda old: _put(old, name, before, block), source)
    _refuse_other_changes(text, edited, name)
    now = loads(edited, source)
    if not isinstance(now, OnCluster):
        raise Refused(f"{source} would be no file of a cluster with it")
    access = resolved(now)
    return Accepted(
        name,
        edited,
        laid_out("remotes", {name: block}),
        before is not None and before.agreed is not None,
        differ(before.allows.document() if before and before.allows else _NOTHING, facts.allows.document()),
        tuple(_changes(before, facts)),
        tuple(_roles(now, access, name, facts)),
        tuple(sorted({str(one.subject) for one in access.grants if one.role == SUPERUSER})),
    )


def _alias(here: OnCluster, facts: OfferFacts, asked: str, secret: str) -> str:
    known = [alias for alias, one in here.remotes.items() if _is_this(one, facts)]
    if not known:
        known = [
            alias
            for alias, one in here.remotes.items()
            if one.agreed is None and is_of(facts.deployment, secret, one.deployment or "", one.credential or "")
        ]
    if asked and not _ALIAS.fullmatch(asked):
        raise BadInput(
            f"{asked[:64]!r} cannot be an alias", source="command", place="--as", remedy="letters, digits, _ and -"
        )
    if asked and known and asked not in known:
        raise Refused(
            f"{facts.offer} of {facts.deployment} is {known[0]} here already: leave --as {asked} out, or take {known[0]} away first"
        )
    return asked or (known[0] if known else facts.deployment)


def _is_this(remote: Remote, facts: OfferFacts) -> bool:
    agreed = remote.agreed
    return agreed is not None and (agreed.deployment, agreed.offer) == (facts.deployment, facts.offer)


def _refuse_what_is_not_ours(alias: str, remote: Remote, facts: OfferFacts, signer: str, credential: str) -> None:
    agreed = remote.agreed
    if agreed is None:
        differing = [key for key, value in _own(facts).items() if facts_of(remote).get(key, value) != value]
        if differing:
            raise Refused(
                f"remotes.{alias} was written by hand, and its {' and '.join(differing)} is not what is offered: make it the same, "
                "or accept it by another alias (--as)"
            )
    elif not _is_this(remote, facts):
        raise Refused(
            f"remotes.{alias} is {agreed.offer} of {agreed.deployment}, and this is {facts.offer} of {facts.deployment}: "
            "another alias (--as)"
        )
    elif agreed.digest != digest(facts_of(remote)):
        raise Refused(
            f"remotes.{alias} was changed by hand since it was accepted: put address, model and allows back as they were, "
            f"or take remotes.{alias}.agreed away and make them as offered"
        )
    elif facts.made < agreed.made:
        raise Refused(f"an offer of {facts.made} is older than the one that was accepted, of {agreed.made}")
    elif signer != agreed.signer:
        raise Refused(
            f"it is signed with {signer}, and the one before was signed with {agreed.signer}: ask whoever offers, by another road. "
            f"If it is theirs, put it into remotes.{alias}.agreed.signer"
        )
    if credential and credential != remote.credential:
        raise Refused(f"remotes.{alias}.credential is {remote.credential}: change it there, or leave --credential out")


def _own(facts: OfferFacts) -> dict[str, Any]:
    return {"address": facts.address, "model": facts.model, "allows": canonical_access(facts.allows.document())}


def _block(facts: OfferFacts, signer: str, before: Remote | None, credential: str) -> dict[str, Any]:
    """What the file says of the alias afterwards: what is this side's own stays."""
    block = _says(before)
    own = _own(facts)
    if before is None:
        block |= {"address": facts.address, "credential": credential or facts.secret}
    elif before.address is not None:
        block["address"] = facts.address
    else:
        own.pop("address")
    if (
        before is None or facts_of(before).get("allows") != own["allows"]
    ):  # as somebody wrote it, where it means the same
        block["allows"] = facts.allows.document()
    block["agreed"] = {
        "deployment": facts.deployment,
        "offer": facts.offer,
        "made": facts.made,
        "signer": signer,
        "digest": digest(own),
    }
    return block


def _says(remote: Remote | None) -> dict[str, Any]:
    return {} if remote is None else remote.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _put(text: str, alias: str, before: Remote | None, block: dict[str, Any]) -> str:
    """An alias that is there keeps each line that need not change."""
    if before is None:
        return put(text, ("remotes", alias), block)
    said = _says(before)
    for key, value in block.items():
        if said.get(key) != value:
            text = put(text, ("remotes", alias, key), value)
    return text


def _refuse_other_changes(before: str, after: str, alias: str) -> None:
    """A file is of many hands: that nothing but the alias was changed is looked at, not believed."""
    old, new = read(before, "").data, read(after, "").data
    for data in (old, new):
        remotes = data.get("remotes") or {}
        remotes.pop(alias, None)
        data["remotes"] = remotes
    if old != new:
        raise Refused("more of the file would be changed than the alias: write the block by hand (--print)")


def _changes(before: Remote | None, facts: OfferFacts) -> Iterator[str]:
    if before is not None and before.address not in (None, facts.address):
        yield f"the address is {facts.address}, and was {before.address}"


def _roles(here: OnCluster, access: AccessModel, alias: str, facts: OfferFacts) -> Iterator[RoleHere]:
    allows = facts.allows
    names = [name for one in allows.search for name in one.names]
    names += [name for one in allows.replication for name in one.names]
    for role, spec in here.access.roles.items():
        asked = [
            name
            for entry in spec.remote_indices
            if any(may_match(pattern, alias) for pattern in entry.clusters)
            for name in entry.names
        ]
        if asked:
            beyond = tuple(name for name in dict.fromkeys(asked) if certainly_beyond(name, names))
            people = sorted({str(grant.subject) for grant in access.grants if grant.role == role})
            yield RoleHere(role, tuple(dict.fromkeys(asked)), beyond, tuple(people))
