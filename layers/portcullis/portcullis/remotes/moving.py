"""A remote cluster moved from certificates to a key: the steps in order, what each changes, and which roads stand after each of them.

Two ways. `second-alias`: another alias comes beside the old one, people move over, and the old one goes: nobody is refused anything.
`same-alias`: the key goes into the keystores and is read, then the address is changed: one to three seconds are refused, in the other order
ten.

The order is what keeps the law: after each move of any beginning, forth and back, what can be read is read by a road that stood before or
by the one that is to stand; and by the second alias the old road stands until the new one was seen. `tests/remotes/test_moving.py` holds
it for made-up roles, keys and people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.remote import API_KEY, CERTIFICATE
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import CLUSTER_KEYS, LICENCES_WITH_CLUSTER_KEYS
from portcullis.remotes.facts import Licence


class Way(StrEnum):
    SECOND_ALIAS = "second-alias"
    SAME_ALIAS = "same-alias"


class Stage(StrEnum):
    """A step by its name, in the order in which they come."""

    KEY = "key"
    KEYSTORE = "keystore"  # second alias
    CONNECT = "connect"  # second alias
    SWITCH = "switch"  # same alias: keystore and address
    SEEN = "seen"
    TRIED = "tried"  # here it stops: both roads stand, or the old one can be gone back to
    WITHDRAW = "withdraw"


class Act(StrEnum):
    MAKE_KEY = "make-key"
    PUT_KEY = "put-key"  # into every keystore, and read again by every node
    TAKE_KEY = "take-key"  # out of every keystore, and read again
    TO_KEY = "to-key"  # the alias leads to the port for whoever comes with a key
    TO_CERTIFICATE = "to-certificate"  # the alias leads to where it led before
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class Move:
    """One change of one thing. Done twice it is as done once."""

    act: Act
    alias: str


@dataclass(frozen=True, slots=True)
class Step:
    """`moves` forth, and `back` what undoes them, also if only some were made. `gate`: it waits for a person after this one."""

    stage: Stage
    says: str
    moves: tuple[Move, ...] = ()
    back: tuple[Move, ...] = ()
    checks: tuple[str, ...] = ()
    gate: bool = False
    final: bool = False  # there is no way back from it


def steps(way: Way, alias: str, to: str) -> tuple[Step, ...]:
    """In order. `to`: the alias that is to be read with a key; with `same-alias` the same."""
    key = Step(
        Stage.KEY,
        "the key, made by the automation of the cluster that is read; its text is in the secret",
        (Move(Act.MAKE_KEY, to),),
        checks=("it allows what is offered, and nothing else",),
    )
    seen = Step(Stage.SEEN, f"{to} is asked until the other cluster says that it comes with the key", checks=("by id",))
    tried = Step(
        Stage.TRIED,
        f"what may be read through {to} is compared once more with what was read before",
        checks=("nobody gains what no file declares",),
        gate=True,
    )
    if way is Way.SECOND_ALIAS:
        return (
            key,
            Step(
                Stage.KEYSTORE,
                f"the key into each node's keystore for {to}, and read again",
                (Move(Act.PUT_KEY, to),),
                (Move(Act.TAKE_KEY, to),),
            ),
            Step(
                Stage.CONNECT,
                f"{to} set beside {alias}",
                (Move(Act.TO_KEY, to),),
                (Move(Act.DISCONNECT, to),),
            ),
            seen,
            tried,
            Step(Stage.WITHDRAW, f"{alias} taken away", (Move(Act.DISCONNECT, alias),), final=True),
        )
    return (
        key,
        Step(
            Stage.SWITCH,
            f"the key into each node's keystore for {alias} and read again, then the address: one to three seconds are refused",
            (Move(Act.PUT_KEY, alias), Move(Act.TO_KEY, alias)),
            (Move(Act.TAKE_KEY, alias), Move(Act.TO_CERTIFICATE, alias)),
        ),
        seen,
        tried,
        Step(Stage.WITHDRAW, "the way back is given up", final=True),
    )


def undoing(way: Way, alias: str, to: str, stage: Stage) -> tuple[Step, ...]:
    """The steps to be undone, the last first, where `stage` was begun. None may be final."""
    found: list[Step] = []
    for step in steps(way, alias, to):
        found.insert(0, step)
        if step.stage is stage:
            break
    return tuple(step for step in found if step.back)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the cluster that reads is set. `leads`: alias -> the port it leads to, by the model that is spoken there. `keyed`: the aliases
    that the nodes come with a key for. `key`: whether it is one."""

    leads: Mapping[str, str]
    keyed: frozenset[str] = frozenset()
    key: bool = False

    @property
    def roads(self) -> Mapping[str, str]:
        """alias -> by which model it is read. Whoever comes with a key to the port for certificates is refused, and the other way round."""
        return {
            alias: port
            for alias, port in self.leads.items()
            if (port == API_KEY and alias in self.keyed and self.key)
            or (port == CERTIFICATE and alias not in self.keyed)
        }


def after(standing: Standing, moves: Iterable[Move]) -> Standing:
    """How it is set once these were made."""
    for move in moves:
        alias, leads = move.alias, dict(standing.leads)
        match move.act:
            case Act.MAKE_KEY:
                standing = replace(standing, key=True)
            case Act.PUT_KEY:
                standing = replace(standing, keyed=standing.keyed | {alias})
            case Act.TAKE_KEY:
                standing = replace(standing, keyed=standing.keyed - {alias})
            case Act.TO_KEY:
                standing = replace(standing, leads={**leads, alias: API_KEY})
            case Act.TO_CERTIFICATE:
                standing = replace(standing, leads={**leads, alias: CERTIFICATE})
            case Act.DISCONNECT:
                leads.pop(alias, None)
                standing = replace(standing, leads=leads)
    return standing


@dataclass(frozen=True, slots=True)
class Left:
    """What only a person can do once the old alias is gone, in order."""

    what: str
    how: str


def left_to_do(way: Way, alias: str, to: str, reader: str, giver: str, roles: Mapping[str, bool]) -> tuple[Left, ...]:
    """`roles`: those over there by which certificates are let in, and whether the file of that side declares them. Empty: they could not
    be looked at, or there are none."""
    there = giver or "the other cluster"
    found = []
    if way is Way.SECOND_ALIAS:
        how = f"take remotes.{alias} and what roles say of {alias} out of the file of {reader}, and apply it"
        found.append(Left(f"{reader}: the file declares {alias} still", how))
    for role, declared in sorted(roles.items()):
        how = f"take it out of the file, and apply it: portcullis apply {there}" if declared else "no file declares it"
        found.append(Left(f"{there}: the role {role} gives by its name what certificates were let in for", how))
    trust = f"take the CA of {reader} out of xpack.security.transport.ssl.certificate_authorities of each node, and start it again"
    found.append(
        Left(f"{there}: its nodes trust the certificates of {reader} still, and could be read so again", trust)
    )
    return tuple(found)


def lacks(name: str, releases: Iterable[str], licence: Licence) -> tuple[str, ...]:
    """Why a cluster can neither give nor use such a key."""
    found = []
    for release in releases:
        try:
            if Release.of(release) < CLUSTER_KEYS:
                found.append(f"{name} runs {release}: keys between clusters come with {CLUSTER_KEYS}")
        except BadInput:
            found.append(f"{name} runs {release}, which is not known here")
    if not licence.active or licence.kind not in LICENCES_WITH_CLUSTER_KEYS:
        state = "" if licence.active else ", which has ended"
        found.append(f"{name} has a licence {licence.kind}{state}: keys between clusters take trial or enterprise")
    return tuple(found)
