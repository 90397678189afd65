"""Who is granted something, as the ledger knows them: whoever has a name later is somebody else, and is not let in for the name.

What is known is written down before anything is written to an engine. What is found is told; that it cannot be told holds up nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portcullis.access.known import Known, Recognised, accepted, names_of, recognise
from portcullis.access.plan import AccessModel, Membership
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput
from portcullis.operations import alert_table
from portcullis.operations.services import Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import or_later, over, tell_once
from portcullis.ports.alerts import Alert, of_person
from portcullis.words import many

log = logging.getLogger(__name__)
PEOPLE = Slot("people", Known)
ABOUT_PEOPLE = ("another-person", "not-read", "known-after-deploy", "name-not-mapped")  # the alerts of each look
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class LastLook:
    """Who was known at the last look, and whether their having been in counts: only while nothing was locked since."""

    known: Known
    counts: bool
    saves: int


def last_look(site: Site, custody: Custody | None = None) -> LastLook:
    """From the ledger. Read it before the groups: what is done upon the groups should follow close on their reading. `custody`: as it
    was read just now."""
    custody = custody or site.ledger.custody(site.name)
    known = _known(site)
    return LastLook(known, custody.state is State.OPEN and known.saves == custody.saves, custody.saves)


def recognised(last: LastLook, access: AccessModel, found: Membership) -> Recognised:
    """Those who were found, held against those who are known: an unlock lets in nobody whom it has not seen."""
    result = recognise(access.grants, found, last.known, last_look_counts=last.counts)
    return replace(result, known=replace(result.known, saves=last.saves))


def remember(site: Site, people: Recognised, cause: Trigger) -> None:
    """Before anything is written to the engine. What is new about people goes into the history, and is told."""
    before = _known(site)
    if people.known == before:
        return
    new = [who for who, one in people.known.strangers.items() if before.strangers.get(who) != one]
    lines = [*(people.strangers if new else ()), *people.renewed]
    if lines:
        site.record("people", cause, f"{many(len(lines), 'is', 'are')} somebody else now", after=lines)
    PEOPLE.save(site.ledger, site.name, people.known)


def tell(site: Site, people: Recognised) -> None:
    """Told once for the same findings. The removal of a stranger waits for no alert."""
    found = (people.strangers, people.unread, people.later, people.unfit)
    for name, words in zip(ABOUT_PEOPLE, found, strict=True):
        with or_later(name, site.name):
            if words:
                tell_once(site.services, _alert(site.name, name, words, names_of(people.known)), "\n".join(words))
            else:
                over(site.services, site.name, name)


def accept(site: Site, names: Sequence[str], cause: Trigger) -> None:
    """Whoever was told to be somebody else under these names is meant from here on. BadInput for a name that nobody new has.

    Accepted is the one who was told: had the name been made again since, that is another one once more.
    """
    known = _known(site)
    said: list[str] = []
    for name in names:
        known, concerned = accepted(known, name)
        if not concerned:
            waiting = ", ".join(names_of(known))
            raise BadInput(
                f"nobody new has the name {name!r}",
                source="request",
                place="accept_new",
                remedy=f"who waits: {waiting}" if waiting else "nobody waits to be accepted: leave it out",
            )
        said += concerned
    if said:
        site.record("accept", cause, f"{len(said)} accepted under their name", after=said)
        PEOPLE.save(site.ledger, site.name, known)


def _known(site: Site) -> Known:
    return PEOPLE.saved(site.ledger, site.name) or Known()


def _alert(deployment: str, name: str, words: Sequence[str], called: Sequence[str]) -> Alert:
    """`called`: the names that somebody else has now."""
    found = "; ".join(words[:_MOST_TOLD]) + (f"; and {len(words) - _MOST_TOLD} more" if len(words) > _MOST_TOLD else "")
    detail = {"found": list(words[:_MOST_TOLD])}
    if name == "another-person":
        return alert_table.ANOTHER_PERSON.of(
            deployment,
            f"a name that is granted something belongs to somebody else now: {found}",
            detail=detail,
            about=of_person(called[0]) if len(called) == 1 else "",
        )
    if name == "not-read":
        return alert_table.NOT_READ.of(deployment, f"who is meant by a grant could not be read: {found}", detail=detail)
    if name == "known-after-deploy":
        said = f"the file grants something to whom the automation may not read yet: {found}"
        return alert_table.KNOWN_AFTER_DEPLOY.of(deployment, said, detail=detail)
    return alert_table.NAME_NOT_MAPPED.of(
        deployment, f"somebody is called what no role mapping may hold: {found}", detail=detail
    )
