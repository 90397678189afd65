"""A remote cluster moved from certificates to a key, step by step, back at any of them until the old road is given up.

What is done next is in the ledger before it is done: the step, and how the old alias was set. Each step done twice is as done once, so
that a run that was cut off is gone on with by asking again. The steps, their moves and what undoes them are `remotes/moving.py`; here they
are made. It stops once the new road was seen and compared: people move over, and somebody asks for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NoReturn

from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.operations.remotes.keys.rotating import Taking, in_use, put, read_by_certificate, see
from portcullis.operations.remotes.keys.tending import keep_offers, recording, taking
from portcullis.operations.remotes.moving.both_sides import Facts, Meant, as_set, facts, meant
from portcullis.operations.remotes.moving.kept import Underway, forget, keep, lease_of, named, under_way
from portcullis.operations.remotes.moving.planning import left_of
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.waiting import looks
from portcullis.operations.writing.while_open import WhileOpen
from portcullis.remotes.gains import same_access
from portcullis.remotes.keys import Offer
from portcullis.remotes.moving import Act, Left, Move, Stage, Way, steps, undoing

_LEASE_SECONDS = 180
_TRIES, _BETWEEN_S = 60, 0.5  # a connection that is made anew takes seconds
_OPERATION = "remote migrate"


class MoveState(StrEnum):
    BESIDE = "beside"  # both aliases stand
    SWITCHED = "switched"  # the way back is open
    MOVED = "moved"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Migrated:
    """How far a move is. `tried`: what was asked for on both sides."""

    deployment: str
    alias: str
    to: str
    way: str
    state: MoveState
    key: str
    done: tuple[str, ...]
    tried: tuple[str, ...]
    left: tuple[Left, ...]


def migrate_remote(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    alias: str,
    way: str = "",
    to: str = "",
    go_on: bool = False,
    back: bool = False,
) -> Migrated:
    """Begin the move of `alias`, or go on with one that was cut off, as far as the step that a person decides about; `go_on`: beyond that,
    to its end; `back`: undo it.

    Raises whatever stopped it: what people read stands then, by the old road or by the new one, and asking again goes on. Refused where
    the plan says so, where another move of the alias is under way, and for a way back once the old road was given up.
    """
    site = services.site(deployment)
    WhileOpen.of(services, deployment)
    lease = lease_of(site, alias)
    with site.ledger.lease(lease, _OPERATION, seconds=_LEASE_SECONDS, wait=0) as ours:
        if not ours:
            raise Unreachable(f"somebody else moves {alias} of {deployment} right now: ask again")
        kept = under_way(site, alias)
        if kept is None and (go_on or back):
            raise Refused(f"no move of {alias} of {deployment} was begun: there is nothing to go on with or to undo")
        if kept is not None and ((way and way != kept.way) or (to and to != kept.to)):
            raise Refused(f"{alias} is being moved to {kept.to} ({kept.way}): --continue or --rollback")
        since = WhileOpen.of(services, deployment)

        def still() -> None:
            site.ledger.renew(lease)
            since.still()

        with recording(site, cause) as done:
            if back and kept is not None:
                return _Run(site, None, kept, cause, still, done).back()
            if kept is not None and kept.back:
                raise Refused(f"the way back of {alias} was begun: --rollback goes on with it")
            one = meant(services, deployment, alias, kept.way if kept else way, named(kept, to))
            if one is None:
                raise Refused(
                    f"the file of {deployment} declares no remote that {alias} could be moved to: what it lacks says "
                    f"portcullis remote migrate {deployment} {alias} --plan"
                )
            at = _as_declared(kept, one) if kept else _begun(one, cause)
            return _Run(site, one, at, cause, still, done).forth(go_on=go_on)


def _begun(one: Meant, cause: Trigger) -> Underway:
    """Not in the ledger yet. Refused with all that stands in its way."""
    found = facts(one, begun=False)
    if found.stops:
        raise Refused("; ".join(found.stops))
    info = one.reader.remotes.info()
    beside = one.to != one.alias and one.to in info
    return Underway(
        one.way,
        one.alias,
        one.to,
        one.secret,
        as_set(one.alias, info[one.alias]),
        one.new,
        Stage.KEY,
        one.reader.now(),
        cause.actor,
        beside=beside,
        was=as_set(one.to, info[one.to]) if beside else None,
    )


def _as_declared(kept: Underway, one: Meant) -> Underway:
    """A file that was mended before anything of the move was made counts. Refused once something was, until the new road was seen."""
    if kept.waits or kept.stage is Stage.WITHDRAW or (kept.secret, kept.new) == (one.secret, one.new):
        return kept
    if kept.stage is not Stage.KEY:
        raise Refused(
            f"the file of {one.reader.name} says otherwise how {one.to} is read than when its move was begun: put it back, or "
            f"undo the move with --rollback and begin it again"
        )
    return replace(kept, secret=one.secret, new=one.new)


@dataclass(slots=True)
class _Run:
    """One run, forth or back."""

    site: Site
    one: Meant | None  # None on the way back: what the file says by then does not matter
    at: Underway
    cause: Trigger
    still: Callable[[], None]
    done: Callable[[str], None]
    key: str = ""
    said: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def forth(self, *, go_on: bool) -> Migrated:
        one = self._meant()
        order = steps(self.at.way, self.at.alias, self.at.to)
        at = [step.stage for step in order].index(self.at.stage)
        past_gate, found = go_on and self.at.waits, None
        for number, step in enumerate(order):
            if number < at:
                continue
            if not (number == at and self.at.waits):
                self._save(stage=step.stage, waits=False)
            self.still()
            if step.stage is Stage.TRIED:
                found = self._try(one)
            elif step.stage is Stage.SEEN:
                self._see(one)
            else:
                self._make(step.moves)
            self._tell(f"{step.stage}: {step.says}")
            if step.gate and not past_gate:
                self._save(waits=True)
                return self._answer(MoveState.BESIDE if self.at.way is Way.SECOND_ALIAS else MoveState.SWITCHED, found)
        found = found or facts(one, begun=True)
        forget(self.site, self.at.alias)
        return self._answer(MoveState.MOVED, found)

    def back(self) -> Migrated:
        order = {step.stage: step for step in steps(self.at.way, self.at.alias, self.at.to)}
        if order[self.at.stage].final:
            raise Refused(f"{self.at.alias} was given up already: --continue ends the move; a way back is another move")
        self._save(back=True)
        for step in undoing(self.at.way, self.at.alias, self.at.to, self.at.stage):
            self.still()
            if not self.at.beside:
                self._make(step.back)
                self._tell(f"undone: {step.says}")
            elif step.stage is Stage.CONNECT and self.at.was is not None and self.at.was != self.at.new:
                self.site.remotes.connect(self.at.was)
                self._tell(f"undone: {self.at.to} set as it was before the move")
        same = self.at.way is Way.SAME_ALIAS
        stands = not same or self._comes_about(lambda: read_by_certificate(self._taking()))
        beyond = self._taking().beyond
        forget(self.site, self.at.alias)
        left = []
        if not self.at.beside:  # what was read before the move began stays, and stays declared
            undeclare = f"take it out of the file, or put it as it was, and apply it: portcullis apply {self.site.name}"
            left.append(Left(f"{self.site.name}: the file declares {self.at.to} with a key still", undeclare))
        if not stands:
            how = "its address, and trust in certificates on both sides: portcullis remote check"
            left.insert(0, Left(f"{self.at.alias} was put back, and is not connected by certificate yet", how))
        if self.at.told_of and beyond:
            how = f"take cluster.remote.{self.at.to}.credentials out of the keystore of {', '.join(sorted(beyond))}"
            left.append(Left("keystores that nobody here can write hold the key", how))
        return replace(self._answer(MoveState.ROLLED_BACK, None), left=tuple(left))

    # ------------------------------------------------------------------ the moves

    def _make(self, moves: Collection[Move]) -> None:
        for move in moves:
            self.still()
            match move.act:
                case Act.MAKE_KEY:
                    self._key(self._meant())
                case Act.PUT_KEY:
                    self._put_key()
                case Act.TAKE_KEY:
                    put(self._taking(), None, self.still)
                case Act.TO_KEY:
                    self.site.remotes.connect(self.at.new)
                case Act.TO_CERTIFICATE:
                    self.site.remotes.connect(self.at.old)
                case Act.DISCONNECT:
                    self._disconnect(move.alias)

    def _key(self, one: Meant) -> str:
        """The id of the key of the secret, which is what was offered."""
        if one.giver is not None and one.offer is not None:
            kept = keep_offers(one.giver, self.cause)
            if kept.conflicts:
                raise Refused("; ".join(kept.conflicts))
        text = self.site.key_texts.read(self.at.secret)
        if text is None:
            raise Refused(
                f"the secret {self.at.secret} holds no key: whoever runs the other cluster has it put there, then ask again"
            )
        if one.giver is not None and one.offer is not None:
            _as_offered(one.giver, one.offer, text.id, self.at.secret)
        self.key = text.id
        return text.id

    def _put_key(self) -> None:
        """Where nobody here can write a keystore, somebody is told so once for each key, and taken at their word when they ask again."""
        text = self.site.key_texts.read(self.at.secret)
        if text is None:
            raise Refused(f"the secret {self.at.secret} holds no key any more")
        taking_ = self._taking()
        if taking_.beyond and self.at.told_of != text.id:
            self._save(told_of=text.id)
            raise Refused(
                f"nobody here can write the keystore of {', '.join(sorted(taking_.beyond))}: put the key of the secret "
                f"{self.at.secret} there as cluster.remote.{self.at.to}.credentials, have every node read it again, and ask again: "
                f"runbooks/remote-migration.md"
            )
        put(taking_, text, self.still)
        self._save(key=text.id)

    def _see(self, one: Meant) -> None:
        """The new road leads there. On the same alias people are refused until it does: if it does not, the old one is put back. That
        the other side is locked, or its keys are somebody else's to change right now, says nothing of the road."""
        key = self._key(one)
        try:
            self._come_with(key)
        except PortcullisError as error:
            if self.at.way is Way.SAME_ALIAS:
                self._switch_back(error)
            raise

    def _come_with(self, key: str) -> None:
        """The other cluster says that this one comes with the key. What the secret holds may be another one than the keystores were
        written with: the one before was replaced, or ended, since the move was begun."""
        if self.at.key != key and in_use(self._taking())[0] != key:
            self._put_key()
        see(self._taking(), key, self.site.sleep)

    def _switch_back(self, error: PortcullisError) -> NoReturn:
        for step in undoing(self.at.way, self.at.alias, self.at.to, Stage.SEEN):
            self._make(step.back)
        self._save(stage=Stage.KEY, waits=False)
        self._tell("switched back: the key was not seen in use")
        raise Refused(
            f"{self.at.alias} is read by certificate again, as the key was not seen in use: {error}"
        ) from error

    def _try(self, one: Meant) -> Facts:
        """From both sides, as far as the automation may; the rest by the rules that were held against real servers."""
        key = self._key(one)
        self._come_with(key)
        self.tried = [f"{self.site.name}: the other cluster says that {self.at.to} comes with the key {key}"]
        if one.giver is not None:
            self.tried.append(f"{one.giver.name}: the key {key} allows what is offered, and nothing else")
        found = facts(one, begun=True)
        if found.stops:
            raise Refused("; ".join(found.stops))
        compared = len(found.moved)
        self.tried.append(
            f"by rules: {compared} readings of people through {self.at.to} compared; no search of theirs was sent, as the automation "
            f"reads no document"
        )
        return found

    def _disconnect(self, alias: str) -> None:
        self.site.remotes.disconnect(alias)
        if not self._comes_about(lambda: alias not in self.site.remotes.info()):
            raise Refused(
                f"{alias} is set still: it stands in the settings of nodes; take it out there, then ask again"
            )

    def _comes_about(self, so: Callable[[], bool]) -> bool:
        return any(so() for _ in looks(_TRIES, _BETWEEN_S, self.site.sleep))

    # ------------------------------------------------------------------

    def _meant(self) -> Meant:
        assert self.one is not None  # noqa: S101 - forth alone asks for it
        return self.one

    def _taking(self) -> Taking:
        return taking(self.site, self.at.to, self.at.secret)

    def _save(self, **changed: object) -> None:
        self.at = replace(self.at, **changed)  # type: ignore[arg-type]
        keep(self.site, self.at)

    def _tell(self, words: str) -> None:
        self.said.append(words)
        self.done(f"{self.at.alias}: {words}")

    def _answer(self, state: MoveState, found: Facts | None) -> Migrated:
        left = left_of(self._meant(), found) if found and state is MoveState.MOVED else ()
        return Migrated(
            self.site.name,
            self.at.alias,
            self.at.to,
            self.at.way,
            state,
            self.key,
            tuple(self.said),
            tuple(self.tried),
            left,
        )


def _as_offered(giver: Site, offer: Offer, key: str, secret: str) -> None:
    shown = next((one for one in giver.cluster_keys.shown() if one.id == key), None)
    if shown is None:
        raise Refused(
            f"{giver.name} has no key {key}, which the secret {secret} holds: portcullis remote check {giver.name}"
        )
    if not same_access(shown.access, offer.access):
        WhileOpen.of(giver.services, giver.name)  # a lock that began meanwhile has narrowed it
        raise Refused(
            f"the key {key} of {giver.name} allows something else than is offered: portcullis apply {giver.name}"
        )
