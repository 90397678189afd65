"""The short road: which roles and people a change of groups touches, told from the groups and the claims alone.

A look at everything costs as much as everything is. Where the last run ended well, the engine holds what we claim, so what the groups ask
for and what we claim differ only where somebody joined or left since: to look at these roles and at who has them, write, and look again is
enough. Who has them stands in the mappings of these roles, or in the documents of those whom we claim or want in them, as the family's
engines keep it. What nobody of ours did, a change by hand, is left to the sweep and to people's verbs.

Whatever else could be the case takes the whole road: a run that was cut off or refused, a write that may still come, a lock since the
last look, a group that could not be read, every change of who administers the domain, and documents that say as a whole who has a role,
as a claim on one does not tell whom it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from portcullis.access.plan import Claim, SubjectKind
from portcullis.custody.types import Custody, State
from portcullis.operations.access.changing.foundation import keepers
from portcullis.operations.access.changing.looking import Comparison, Touched, Truth
from portcullis.operations.services import Site
from portcullis.operations.writing.in_effect import is_in_doubt, may_have_come
from portcullis.operations.writing.standing import is_out_of_step
from portcullis.operations.writing.undertaking import undertaken
from portcullis.ports.ledger import Claims

_AS_WRITTEN = frozenset({SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE})  # no group decides who these are


def touched_since(site: Site, truth: Truth, mine: Claims, custody: Custody) -> Touched | None:
    """The roles in which somebody joined or left since we last wrote; None if only a look at everything tells."""
    if (
        custody.state is not State.OPEN
        or not truth.people.last_look_counts
        or truth.unread
        or truth.people.unread
        or truth.desired.unsure
        or mine.late_at(truth.began)
        or undertaken(site) is not None
        or is_in_doubt(site)
        or may_have_come(site)
        or is_out_of_step(site)
    ):
        return None
    claimed, asked = _claimed(site, mine), _entries(truth.desired.entries)
    roles = _differing(site, truth, claimed, asked)
    if roles & _protected(site) or _named_as_a_whole(site, truth, mine):
        return None
    entries = (some for of in (claimed, asked) for (role, _), some in of.items() if role in roles)
    return Touched(roles, frozenset().union(*entries))


def is_enough(now: Comparison, touched: Touched) -> bool:
    """Whether nothing but entries of these roles has to be written, each of a role that is there and administers nothing."""
    family = now.family
    there = all(role in now.held.of(family.roles) for role in touched.roles)
    entries_alone = all(step.claim.kind == family.mappings for step in now.plan.steps)
    return (
        there
        and entries_alone
        and not any(family.administers(now.held, Claim(family.mappings, role)) for role in touched.roles)
    )


def _named_as_a_whole(site: Site, truth: Truth, mine: Claims) -> bool:
    """Whether a document that is ours as a whole says who has a role."""
    naming = site.family.naming
    return any(truth.desired.of(kind) for kind in naming) or any(one.kind in naming for one in mine)


def _claimed(site: Site, mine: Claims) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for one in mine:
        if one.kind == site.family.mappings and one.entry_list:
            found.setdefault((one.name, one.entry_list), set()).add(one.entry)
    return found


def _differing(
    site: Site,
    truth: Truth,
    claimed: Mapping[tuple[str, str], set[str]],
    asked: Mapping[tuple[str, str], set[str]],
) -> frozenset[str]:
    """Where what is asked for is not what we claim, but for what never was ours and is not up to any group: found there by hand."""
    lacking = {place: some for place, entries in asked.items() if (some := entries - claimed.get(place, set()))}
    surplus = {role for (role, entry_list), some in claimed.items() if some - asked.get((role, entry_list), set())}
    if lacking:
        few = {role for role, _ in lacking}
        grants = tuple(one for one in truth.access.grants if one.role in few and one.subject.kind in _AS_WRITTEN)
        written = site.family.compile(replace(truth.access, grants=grants), truth.people.members)
        fixed = _entries(written.entries)
        lacking = {place: some for place, entries in lacking.items() if (some := entries - fixed.get(place, set()))}
    return frozenset({role for role, _ in lacking} | surplus)


def _entries(entries: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[tuple[str, str], set[str]]:
    return {(role, entry_list): set(held) for role, lists in entries.items() for entry_list, held in lists.items()}


def _protected(site: Site) -> set[str]:
    """Roles of those who must not be locked out, and of whoever administers."""
    kept = (role for keeper in keepers(site.registration).keepers for role in keeper.roles)
    return {*kept, *site.family.administrator_roles}
