"""What the sweep does about keys between clusters: what a file offers is kept, what ends is replaced before it does, and what asks for
a person is told. One remote that fails keeps no other from being seen to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from portcullis.custody.types import Severity
from portcullis.errors import PortcullisError, Unreachable
from portcullis.model.option_types import RemoteOptions
from portcullis.operations import alert_table
from portcullis.operations.remotes.keys.agreed import Reader, offers_of, readers_of
from portcullis.operations.remotes.keys.alone import changing_keys
from portcullis.operations.remotes.keys.rotating import give, in_use, read_by_certificate, take
from portcullis.operations.remotes.keys.tending import (
    gives_keys,
    giving,
    keep_offers,
    options_of,
    recording,
    replace_key,
    taking,
)
from portcullis.operations.remotes.moving.kept import all_under_way
from portcullis.operations.remotes.moving.unfinished import tell_of_unfinished
from portcullis.operations.services import Site, Trigger
from portcullis.operations.telling import over, tell_once
from portcullis.remotes.facts import BY_KEY
from portcullis.remotes.keys import Act, Offer, Step, keys_of

_WAIT = 5.0  # for whoever changes keys: the next sweep comes
_SOON = timedelta(days=3)
_TAKEN = "key-taken#"  # in the ledger, with the alias: the id of the key that the keystores were last written with


@dataclass(frozen=True, slots=True)
class Asks:
    """What somebody has to see to, and until when, if that is known."""

    words: str
    until: datetime | None = None


class _Failed:
    """What went wrong, of whichever remote; the others go on."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        try:
            yield
        except PortcullisError as error:
            self.words.append(f"{what}: {error}")


def look_after_keys(site: Site, cause: Trigger) -> None:
    """Raises Unreachable with all that failed, once the rest was seen to."""
    if site.registration.domain is not None:
        return  # it neither gives keys nor reads with one
    options, failed, asks = options_of(site), _Failed(), list[Asks]()
    if gives_keys(site, options):
        with failed.of("offers"):
            found = keep_offers(site, cause, wait=_WAIT)
            failed.words += found.conflicts
            offers = {offer.name: offer for offer in offers_of(site.name, options.offers)}
            for step in found.steps:
                if step.act in (Act.REPLACE, Act.FINISH) and step.offer in offers:
                    with failed.of(step.offer):
                        asks += _replace(site, offers[step.offer], step, cause)
    # The keystores of an alias in the midst of a move are the move's to write.
    between = {one.to for one in all_under_way(site) if one.back or not one.waits}
    for alias, remote in options.remotes.items():
        if remote.model == BY_KEY and alias not in between:
            with failed.of(alias):
                asks += _follow(site, alias, remote, cause)
    with failed.of("moves"):
        tell_of_unfinished(site, options)
    _tell(site, asks)
    if failed.words:
        raise Unreachable("; ".join(failed.words))


# ---------------------------------------------------------------------- the side that gives


def _replace(site: Site, offer: Offer, step: Step, cause: Trigger) -> Iterator[Asks]:
    """Replaced, where all who read are known and their keystores can be written. Else the new key is put into the secret and the old one
    stands until it ends by itself: somebody takes the new one from there meanwhile."""
    readers = readers_of(site.services, site.name, offer.secret)
    try:
        if readers and not any(taking(one.site, one.alias, offer.secret).beyond for one in readers):
            replace_key(site, offer, readers, cause, wait=_WAIT)
            return
    except PortcullisError as error:
        yield _ending(site, offer, f"it could not be replaced: {error}")
        return
    if step.act is Act.REPLACE:
        with changing_keys(site, _WAIT) as still, recording(site, cause) as done:
            give(giving(site, offer, still, done), site.now(), anew=False)
    left = [one for one in readers if not _comes_with(one, offer)]
    if left or not readers:
        whose = f"the keystores of {', '.join(map(str, left))}" if left else "the keystores of whoever reads with it"
        yield _ending(site, offer, f"put the one of the secret {offer.secret} into {whose}")


def _comes_with(reader: Reader, offer: Offer) -> bool:
    one = taking(reader.site, reader.alias, offer.secret)
    text = one.texts.read(offer.secret)
    return text is not None and in_use(one)[0] == text.id


def _ending(site: Site, offer: Offer, what: str) -> Asks:
    """Of the oldest key that stands: it is the one that somebody may still come with."""
    ours = keys_of(offer, site.cluster_keys.shown(), site.cluster_keys.us(), site.now())
    if not ours:
        return Asks(f"{offer.name}: {what}")
    until = ours[0].expires
    end = f"ends {until:%Y-%m-%d %H:%M} UTC" if until else "stands"
    return Asks(f"{offer.name}: the key {ours[0].id} {end}; {what}", until)


# ---------------------------------------------------------------------- the side that reads


def _follow(site: Site, alias: str, remote: RemoteOptions, cause: Trigger) -> Iterator[Asks]:
    """The nodes come with the key of the secret. Keystores are written once for each key: where that does not help, a person has to
    look."""
    text = site.key_texts.read(remote.secret)
    if text is None:
        yield Asks(f"{alias}: the secret {remote.secret} holds no key")
        return
    one = taking(site, alias, remote.secret)
    seen, why = in_use(one)
    if seen == text.id:
        return
    if read_by_certificate(one):
        return  # a key in the keystores would have everybody refused: `unfinished` tells of it
    tried = f"{_TAKEN}{alias}"
    if not one.beyond and site.ledger.saved(site.name, tried) != text.id:
        site.ledger.save(site.name, tried, text.id)
        with recording(site, cause) as done:
            take(one, text.id, site.sleep)
            done(f"{alias} is read with the key {text.id}")
        return
    yield Asks(
        f"{alias}: the secret {remote.secret} holds the key {text.id}, and the nodes do not come with it ({why or seen})"
    )


# ---------------------------------------------------------------------- told


def _tell(site: Site, asks: list[Asks]) -> None:
    kind = alert_table.REMOTE_KEY_ENDING
    if not asks:
        over(site.services, site.name, kind.name)
        return
    soon = any(one.until is not None and one.until - site.now() < _SOON for one in asks)
    words = "; ".join(one.words for one in asks)
    severity = Severity.CRITICAL.value if soon else kind.severity.value
    alert = kind.of(site.name, f"keys between clusters ask for somebody: {words}", severity=severity)
    tell_once(site.services, alert, f"{severity}: {words}")
