"""What a deployment offers to other clusters, put on its engine: keys made, changed in place, ended. Nobody who reads is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from portcullis.access.actual import Json
from portcullis.errors import PortcullisError
from portcullis.ports.remotes import ClusterKeys, KeyText, KeyTexts
from portcullis.remotes.keys import NOTHING, Act, Offer, Plan, plan


def nothing(*_said: str) -> None:
    """Of whoever has nobody to ask, or to tell."""


def planned(deployment: str, offers: Collection[Offer], keys: ClusterKeys, texts: KeyTexts, now: datetime) -> Plan:
    """What `keep` would do, and what is due to be replaced."""
    held = {offer.name: text.id for offer in offers if (text := texts.read(offer.secret)) is not None}
    return plan(deployment, offers, keys.shown(), held, keys.us(), now)


def keep(
    deployment: str,
    offers: Collection[Offer],
    keys: ClusterKeys,
    texts: KeyTexts,
    now: datetime,
    *,
    still: Callable[[], None] = nothing,
    done: Callable[[str], None] = nothing,
) -> Plan:
    """Do what needs nobody on the other side. What is to be replaced stays in the plan: that is `rotate`, which sees the new key in
    use before the old one ends. `still` raises where nothing may be changed any more; `done` is told each step, by ids."""
    found = planned(deployment, offers, keys, texts, now)
    by_name = {offer.name: offer for offer in offers}
    for step in found.steps:
        still()
        match step.act:
            case Act.MAKE:
                made = make(by_name[step.offer], keys, texts, still)
                done(f"made the key {made.id} of {step.offer}: {step.why}")
            case Act.CHANGE:
                _change(keys, step.key, by_name[step.offer].access, still)
                done(f"changed the key {step.key} of {step.offer}: {step.why}")
            case Act.END:
                keys.end([step.key])
                done(f"ended the key {step.key} of {step.offer}: {step.why}")
            case Act.REPLACE | Act.FINISH:
                pass
    return found


def make(offer: Offer, keys: ClusterKeys, texts: KeyTexts, still: Callable[[], None] = nothing) -> KeyText:
    """A new key, in the secret. One that was made while a lock began is ended again: the lock knows nothing of it."""
    made = keys.make(offer)
    try:
        still()
    except PortcullisError:
        keys.end([made.id])
        raise
    texts.put(offer.secret, made)
    return made


def _change(keys: ClusterKeys, key: str, access: Json, still: Callable[[], None]) -> None:
    """In place. One that was widened while a lock began is narrowed again; once it is open, the next run changes it."""
    keys.change(key, access)
    try:
        still()
    except PortcullisError:
        keys.change(key, NOTHING)
        raise
