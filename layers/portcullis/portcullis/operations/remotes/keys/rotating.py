"""A key between clusters replaced while people search: nobody is refused.

    a new key -> the secret -> the keystore of each node that reads -> every node reads it again -> seen in use -> the old one ended

Nothing is remembered between the steps. Where a run was cut off is told by the secret and the engine: if the secret holds a newer key
than one that still stands, that one is handed on, and no other is made; a key whose text was lost on the way to the secret is ended with
the old ones. The old key stands until each cluster that reads has been seen coming with the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from portcullis.errors import Conflict, PortcullisError, Refused, Unreachable
from portcullis.operations.remotes.keys.keeping import make, nothing
from portcullis.operations.waiting import looks
from portcullis.ports.remotes import ClusterKeys, Keystores, KeyText, KeyTexts, Remotes
from portcullis.remotes.facts import BY_KEY, model_of
from portcullis.remotes.keys import Key, Offer, being_replaced, keys_of

_TRIES, _BETWEEN_S = 60, 0.5  # the first key of an alias has the connection made anew, which takes seconds


@dataclass(frozen=True, slots=True)
class Giving:
    """The side that is read. `alone`: the right to change its keys, and whether it was had; `still` raises where nothing may be changed
    any more; `done` is told what was done, by ids."""

    offer: Offer
    keys: ClusterKeys
    texts: KeyTexts
    alone: Callable[[], AbstractContextManager[bool]]
    still: Callable[[], None] = nothing
    done: Callable[[str], None] = nothing


@dataclass(frozen=True, slots=True)
class Taking:
    """One cluster that reads with the key, by an alias. `alone`: the right to write its keystores, as what to call before each write; None
    if it was not had."""

    alias: str
    secret: str
    texts: KeyTexts
    keystores: Keystores
    remotes: Remotes
    alone: Callable[[], AbstractContextManager[Callable[[], None] | None]] = field(default=lambda: nullcontext(nothing))

    @property
    def beyond(self) -> frozenset[str]:
        """The nodes whose keystores nobody here can write."""
        return self.remotes.nodes() - self.keystores.nodes


@dataclass(frozen=True, slots=True)
class Rotated:
    """The key in use now, and those that were ended. Ids, and no text."""

    key: str
    ended: tuple[str, ...]


def rotate(
    giving: Giving,
    takings: Collection[Taking],
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    *,
    anew: bool = False,
) -> Rotated:
    """Replace the key of an offer, or go on with a replacement that was cut off; `anew`: another one in any case, as the key leaked.

    Raises whatever stopped it: the old key stands then, and asking again goes on.
    """
    with giving.alone() as had:
        if not had:
            raise Unreachable(f"somebody else changes the keys of {giving.offer.deployment}: ask again")
        given = give(giving, now(), anew=anew)
        for taking in takings:
            take(taking, given.id, sleep, giving.still)
        giving.still()
        return Rotated(given.id, _end_others(giving, given.id, now()))


def give(giving: Giving, now: datetime, *, anew: bool) -> KeyText:
    """The key that is to be used from now on, in the secret."""
    ours, held = _ours(giving, now), giving.texts.read(giving.offer.secret)
    if held is not None and not anew and being_replaced(ours, held.id):
        return held
    giving.still()
    made = make(giving.offer, giving.keys, giving.texts, giving.still)
    giving.done(f"made the key {made.id} of {giving.offer.name}, to replace the one before")
    return made


def take(taking: Taking, expected: str, sleep: Callable[[float], None], still: Callable[[], None] = nothing) -> None:
    """Have every node of a cluster that reads come with the key of the secret, and see that it does. Where nobody here can write a
    node's keystore, somebody else has to have done it."""
    text = taking.texts.read(taking.secret)
    if text is None or text.id != expected:
        raise Conflict(f"the secret {taking.secret} does not hold the key {expected}: somebody else put another one")
    if beyond := taking.beyond:
        if in_use(taking)[0] == expected:
            return
        raise Refused(
            f"nobody here can write the keystore of {', '.join(sorted(beyond))}: the old key of {taking.alias} stands, and {expected} "
            f"is in the secret {taking.secret}; put it there as runbooks/remote-key-ending.md says, and ask again"
        )
    if read_by_certificate(taking):
        raise Refused(
            f"{taking.alias} is read by certificate: with a key in the keystores whoever asks would be refused; "
            f"portcullis remote migrate moves it"
        )
    put(taking, text, still)
    see(taking, expected, sleep)


def read_by_certificate(taking: Taking) -> bool:
    """Whether people read the alias so now. One that waits for its first key is not connected."""
    info = taking.remotes.info().get(taking.alias, {})
    return bool(info.get("connected")) and model_of(info) != BY_KEY


def put(taking: Taking, text: KeyText | None, still: Callable[[], None] = nothing) -> None:
    """The key into the keystore of each node that can be written, or out of it, and read again by every node."""
    with taking.alone() as still_alone:
        if still_alone is None:
            raise Unreachable(f"somebody else writes the keystores that {taking.alias} is in: ask again")
        for node in taking.keystores.nodes:
            still()
            still_alone()
            taking.keystores.put(node, taking.alias, text)
        still()
        taking.remotes.reload()


def in_use(taking: Taking) -> tuple[str, str]:
    """The id of the key that the alias comes with; and where it cannot be told, why. Unreachable if nobody answers."""
    try:
        return taking.remotes.key_in_use(taking.alias), ""
    except Refused as error:
        return "", str(error)


def see(taking: Taking, expected: str, sleep: Callable[[float], None]) -> None:
    """Until the key is seen in use. Raises why it is not, once it was asked for long enough."""
    why: PortcullisError = Refused(f"{taking.alias} was not asked")
    for _ in looks(_TRIES, _BETWEEN_S, sleep):
        try:
            seen = taking.remotes.key_in_use(taking.alias)
        except (Refused, Unreachable) as error:
            why = error
        else:
            if seen == expected:
                return
            why = Refused(f"{taking.alias} is still read with the key {seen}, not with {expected}: the old one stands")
    raise why


def _end_others(giving: Giving, current: str, now: datetime) -> tuple[str, ...]:
    """End what is older than the key in use. What is newer was made by somebody else meanwhile, and is theirs to hand on."""
    ours = _ours(giving, now)
    age = next((key.age for key in ours if key.id == current), None)
    if age is None:
        raise Conflict(f"somebody ended the key {current} meanwhile: the older ones stand")
    ended = tuple(key.id for key in ours if key.age < age)
    giving.keys.end(ended)
    if ended:
        giving.done(f"ended {', '.join(ended)} of {giving.offer.name}: {current} is in use")
    return ended


def _ours(giving: Giving, now: datetime) -> list[Key]:
    return keys_of(giving.offer, giving.keys.shown(), giving.keys.us(), now)
