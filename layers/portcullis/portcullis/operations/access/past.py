"""What the engine held at a moment: what there is now, with the later changes of the history taken back in thought. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portcullis.access.plan import AccessModel, By, Claim, Membership
from portcullis.access.questions.persons import people as people_of
from portcullis.access.questions.then import as_it_was, by_hand
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.access.asking.scene import Scene
from portcullis.operations.access.changing.foundation import keepers, with_foundation
from portcullis.operations.access.changing.looking import split_claims
from portcullis.operations.access.deployments import kept_model
from portcullis.operations.services import Site
from portcullis.ports.ledger import Change
from portcullis.words import moment

FARTHEST = 1000  # entries of the history that are undone
STATES = frozenset(state.value for state in State)
_OPEN = (State.OPEN.value, "")
_TAKEN_BACK = "what somebody changed by hand and took back since is in no history"
BY_ROLE = "who was in a group that counts by its role: no change of the engine tells; shown is who is in it now"
_INDICES = "which indices there were: shown are those that there are now"


@dataclass(frozen=True, slots=True)
class Past:
    """A scene as it was. `notes`: what is in no history, whatever it holds. `uncertain`: what it cannot tell of this one.
    `by_hand`: entries of which nobody knows since when they are there, as a mapping calls them."""

    scene: Scene
    stopped: str
    undone: int
    notes: tuple[str, ...]
    uncertain: tuple[str, ...]
    by_hand: frozenset[str]
    by_token: bool  # whether a group counts by its token, so that no change tells who was in it


def history_since(site: Site, earliest: datetime) -> list[Change]:
    """Every change since then, the latest first, and the one before them: for `past` of that moment and of any later one. To be read after
    the scene of now. A change may be large: no more of them are read than that."""
    found = list[Change]()
    for one in site.ledger.history(site.name, FARTHEST):
        found.append(one)
        if one.at <= earliest:
            break
    return found


def past(site: Site, now: Scene, at: datetime, history: Sequence[Change]) -> Past:
    """What there is now with every later change of `history` (`history_since` this moment or an earlier one) taken back in thought.
    BadInput for a time that is to come, Refused for one before the history begins."""
    if at > site.now():
        raise BadInput(f"{moment(at)} is to come", source="request", place="at", remedy="a time that has been")
    later = [one for one in history if one.at > at]
    if len(later) == len(history):
        begins = f"begins {moment(history[-1].at)}" if history else "is empty"
        if len(history) == FARTHEST:
            begins = f"has more than {FARTHEST} entries since"
        raise Refused(
            f"the history of {site.name} {begins}: who had access at {moment(at)} cannot be worked out from it"
        )
    held, grants, known, family = now.held, now.grants, now.known, site.family
    uncertain = [*now.unseen]
    text: str | None = None
    for change in later:
        can, cannot = as_it_was(family, held, change.touched)
        uncertain += cannot
        try:
            held = family.simulate_all(held, family.undoing(can, held))
        except PortcullisError as error:
            uncertain.append(f"what was changed at {moment(change.at)} could not be taken back in thought: {error}")
        text = change.model_before if change.model_after else text
    if text is not None:
        model = _model(site, text, uncertain)
        grants = model.grants if model else ()
        known = model.people if model else known
    strange = [str(one) for one in by_hand(family, held, _known(site, later))]
    uncertain += [f"{one} was made by hand: since when it is there is in no history" for one in strange]
    by_token = any(grant.by is By.ROLE for grant in (*grants, *now.grants))
    uncertain += [f"told at {moment(one.at)}: {one.summary}" for one in later if one.operation == "drift"]
    users = {name: family.user(held, name) for name in held.of(family.users)}
    found = people_of(family, held, (), Membership(), now.pool, users)
    # Whether somebody who left could sign in then, no group that they are in now can say.
    found = tuple(one if one.groups else replace(one, doubt="", unread="") for one in found)
    people = now.answers.as_known_then(held, known, grants, found, now.people)
    scene = replace(now, people=people, held=held, held_now=held, grants=grants, known=known)
    stopped = _stopped(history, at, now.custody)
    undone = sum(one.of_access for one in later)
    notes = (_TAKEN_BACK, BY_ROLE, _INDICES, *now.answers.not_in_history)
    return Past(scene, stopped, undone, notes, tuple(dict.fromkeys(uncertain)), frozenset(strange), by_token)


def _model(site: Site, text: str, uncertain: list[str]) -> AccessModel | None:
    """The model that was in force; None: there was none, or nobody can tell."""
    try:
        kept = kept_model(text, f"{site.name}.yaml", site.name) if text else None
    except PortcullisError as error:
        uncertain.append(f"the model that was in force then cannot be read any more: {error}")
        return None
    # Grants as the file has them; how people are called there, less who stands for Portcullis.
    return replace(kept.access, people=with_foundation(kept.access, site.registration).people) if kept else None


def _known(site: Site, later: Sequence[Change]) -> frozenset[Claim]:
    """Entries that the history accounts for: what is ours or another deployment's, what was touched since, and who keeps the domain."""
    mine, others = split_claims(site.ledger.claims(site.place.id), site.name)
    touched = {one.claim for change in later for one in change.touched}
    taken_over = {one for change in later for one in change.claimed}
    kept = keepers(site.registration).keepers
    own = {Claim(site.family.mappings, role, one.entry_list, one.entry) for one in kept for role in one.roles}
    return frozenset((mine | others | touched) - taken_over) | own


def _stopped(history: Sequence[Change], at: datetime, custody: Custody | None) -> str:
    """What kept everybody out: the state that the first change of it since then came from, else the one of now."""
    moves = [one for one in history if one.operation in STATES]
    after = next(
        (one.summary.partition(" -> ")[0] for one in reversed(moves) if one.at > at),
        custody.state.value if custody else "",
    )
    return "" if after in _OPEN else f"it was {after}"
