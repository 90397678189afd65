"""What a deployment offers to other clusters, put on its engine: keys made, changed in place, ended. Nobody who reads is asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from portcullis.ports.remotes import ClusterKeys, KeyTexts
from portcullis.remotes.keys import Act, Offer, Plan, plan


def planned(deployment: str, offers: Collection[Offer], keys: ClusterKeys, texts: KeyTexts, now: datetime) -> Plan:
    """What `keep` would do, and what is due to be replaced."""
    held = {offer.name: text.id for offer in offers if (text := texts.read(offer.secret)) is not None}
    return plan(deployment, offers, keys.shown(), held, keys.us(), now)


def keep(deployment: str, offers: Collection[Offer], keys: ClusterKeys, texts: KeyTexts, now: datetime) -> Plan:
    """Do what needs nobody on the other side. What is to be replaced stays in the plan: that is `rotate`, which sees the new key in
    use before the old one ends. Whoever calls has the lease of the cluster."""
    found = planned(deployment, offers, keys, texts, now)
    by_name = {offer.name: offer for offer in offers}
    for step in found.steps:
        match step.act:
            case Act.MAKE:
                offer = by_name[step.offer]
                texts.put(offer.secret, keys.make(offer))
            case Act.CHANGE:
                keys.change(step.key, by_name[step.offer].access)
            case Act.END:
                keys.end([step.key])
            case Act.REPLACE | Act.FINISH:
                pass
    return found
