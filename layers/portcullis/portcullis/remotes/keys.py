"""Keys between clusters: from what is offered and what the engine shows, what is made, changed in place, replaced and ended.

Whose a key is stands in its metadata and in its owner: only who made a key may ever change it. Which key of an offer is in use is told
by the id in the offer's secret, and by nothing that we would have to remember: a key of ours that is older is one that is being replaced.
Of one that is newer the text was lost on its way to the secret, or somebody put an older text back: whether anybody uses it is not known,
so that it ends as the old ones do, once another one is seen in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.compare import canonical_access

MARK = "portcullis"  # the key in a key's metadata
# What a key allows while its cluster is locked: the engine takes no key that allows nothing, so it is a name that no index can have.
NOTHING: Json = {"search": [{"names": ["_portcullis_locked"]}]}
WARNING = timedelta(days=14)  # before something ends: a key, a certificate, a licence
_WARNING_PART = 3  # of a short life: the last third


@dataclass(frozen=True, slots=True)
class Offer:
    """What one deployment offers to another one."""

    deployment: str
    name: str
    access: Json
    days: int  # until its key ends
    secret: str

    @property
    def key_name(self) -> str:
        return f"portcullis/{self.deployment}/{self.name}"

    @property
    def metadata(self) -> Json:
        return {MARK: {"deployment": self.deployment, "offer": self.name}}


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the engine shows it: without its text, which nobody but its maker ever saw."""

    id: str
    name: str
    owner: str
    access: Json
    made: datetime
    expires: datetime | None
    metadata: Json = field(default_factory=dict)

    @property
    def offer(self) -> tuple[str, str]:
        """The deployment and the offer that it is marked with; empty if with none."""
        mark = self.metadata.get(MARK)
        return (str(mark.get("deployment", "")), str(mark.get("offer", ""))) if isinstance(mark, dict) else ("", "")

    @property
    def age(self) -> tuple[datetime, str]:
        """What puts keys into an order: the oldest first."""
        return (self.made, self.id)

    def usable(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires


class Act(StrEnum):
    MAKE = "make"
    CHANGE = "change"
    REPLACE = "replace"  # a new one, and the old one ended once nobody uses it
    FINISH = "finish"  # a replacement that was cut off
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    act: Act
    offer: str
    key: str  # id; empty where one is to be made
    why: str

    def __str__(self) -> str:
        return f"{self.act} the key {self.key} of {self.offer}: {self.why}".replace("key  of", "key of")


@dataclass(frozen=True, slots=True)
class Plan:
    """In the order in which it is done. `conflicts`: offers that nothing is done for, and why."""

    steps: tuple[Step, ...]
    conflicts: tuple[str, ...]


def keys_of(offer: Offer, keys: Collection[Key], us: str, now: datetime) -> list[Key]:
    """Those of an offer that we made and that can be used, the oldest first."""
    marked = [key for key in keys if key.offer == (offer.deployment, offer.name)]
    return sorted((key for key in marked if key.owner == us and key.usable(now)), key=lambda key: key.age)


def plan(
    deployment: str, offers: Collection[Offer], keys: Collection[Key], held: Mapping[str, str], us: str, now: datetime
) -> Plan:
    """`offers`: all that the deployment offers; `held`: offer -> the id of the key whose text its secret holds; `us`: who makes them."""
    steps: list[Step] = []
    conflicts: list[str] = []
    for offer in offers:
        usable = [key for key in keys if key.usable(now)]
        if why := _conflict(offer, usable, held.get(offer.name, ""), us):
            conflicts.append(why)
        else:
            steps += _of_offer(offer, keys_of(offer, keys, us, now), held.get(offer.name, ""), now)
    offered = {offer.name for offer in offers}
    for key in sorted(keys, key=lambda one: one.age):
        of, name = key.offer
        if of == deployment and name not in offered and key.usable(now):
            if key.owner == us:
                steps.append(Step(Act.END, name, key.id, "it is offered no more"))
            else:
                conflicts.append(f"{name}: the key {key.id} is offered no more, and {_only_its_owner(key)}")
    return Plan(tuple(steps), tuple(conflicts))


def _conflict(offer: Offer, keys: Collection[Key], held: str, us: str) -> str:
    for key in keys:
        if key.owner != us and (key.id == held or key.offer == (offer.deployment, offer.name)):
            return f"{offer.name}: the key {key.id} is that of {offer.name}, and {_only_its_owner(key)}"
    return ""


def _only_its_owner(key: Key) -> str:
    return f"{key.owner}, who made it, alone may change it: they end it, and the automation makes one"


def _of_offer(offer: Offer, ours: list[Key], held: str, now: datetime) -> Iterator[Step]:
    current = next((key for key in ours if key.id == held), None)
    if current is None:
        why = "the secret holds none that can be used" if ours or held else "there is none"
        yield Step(Act.MAKE, offer.name, "", why)
    for key in ours:
        if canonical_access(key.access) != canonical_access(offer.access):
            yield Step(Act.CHANGE, offer.name, key.id, "it allows something else than is offered")
    if current is None:
        return
    if current.expires is not None and current.expires - now <= warning(offer):
        yield Step(Act.REPLACE, offer.name, current.id, f"it ends {current.expires:%Y-%m-%d %H:%M} UTC")
    elif ours[-1] != current:
        yield Step(Act.REPLACE, offer.name, current.id, f"{ours[-1].id} is newer, and its text is not in the secret")
    elif ours[0] != current:
        yield Step(Act.FINISH, offer.name, current.id, f"{ours[0].id}, which it replaces, still stands")


def warning(offer: Offer) -> timedelta:
    """How long before its end a key is replaced."""
    return min(WARNING, timedelta(days=offer.days) / _WARNING_PART)


def being_replaced(ours: Collection[Key], held: str) -> bool:
    """Whether the secret holds a newer key already than the oldest of ours that stands: a replacement that was cut off."""
    current = next((key for key in ours if key.id == held), None)
    return current is not None and any(key.age < current.age for key in ours)


def allows_nothing(key: Key) -> bool:
    """Whether it is as a lock leaves it."""
    return canonical_access(key.access) == canonical_access(NOTHING)


def after_a_lock(key: Key, saved: Mapping[str, Json], deployment: str, offers: Collection[Offer]) -> Json | None:
    """What a key allows again once a lock is over: what it allowed when it was saved, if that is what is offered still; else what is
    offered now. None: it stays as it is, as it was changed since, is offered no more, or was made in the lock.
    """
    before = saved.get(key.id)
    if not allows_nothing(key) or before is None:
        return None
    of, name = key.offer
    if of != deployment:
        return before  # of another deployment of this cluster, or of nobody's file
    offer = next((one for one in offers if one.name == name), None)
    if offer is None:
        return None
    return before if canonical_access(before) == canonical_access(offer.access) else offer.access
