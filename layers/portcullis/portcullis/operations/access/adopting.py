"""Adopt: write the model from what an engine holds, so that a running cluster is taken over without a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from portcullis.access.plan import Claim, Membership, Subject, SubjectKind
from portcullis.errors import BadInput, Refused
from portcullis.families.base import Adoptable, Family
from portcullis.operations.access.changing.applying import apply_model
from portcullis.operations.access.changing.foundation import keepers, made_with_domain
from portcullis.operations.access.changing.looking import compare
from portcullis.operations.access.deployments import kept_of, read_file, writing
from portcullis.operations.access.new_findings import new_errors, refuse_new_errors
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.undertaking import text_in_ledger
from portcullis.ports.registration import Registration

if TYPE_CHECKING:
    from portcullis.model import Deployment

_SECTIONS = ("roles", "action_groups", "tenants", "users")  # of `access` in a deployment file
_MARK = "adopted-here"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting came to. `exit_status` 3: there are differences left, or it was only to be shown and there is something to
    take: nothing was claimed and the model was not kept.

    `taken` names what is claimed: what is put into the file, and what the file asks for and nobody had claimed. `left` is what stays
    as it is on the engine and is nobody's: not in the model, with the reason. `steps` is what applying `text` would still change.
    `digest` is what was shown, by which the claiming that follows knows whether it is still that.
    """

    text: str
    adopted: int
    taken: tuple[str, ...]
    left: tuple[str, ...]
    steps: tuple[str, ...]
    claimed: bool
    digest: str
    exit_status: int


@dataclass(slots=True)
class _Chosen:
    """What people said by name. Everything may be named by the whole of what is shown, or by the name of its role, user, group or
    tenant; what gives the administration only by the whole."""

    only: frozenset[str]
    without: frozenset[str]
    fitted: set[str] = field(default_factory=set)  # of these, what something answers to

    def refuses(self, claim: Claim, administrator: bool) -> str:
        """Why this is not taken; "" if it is. "-" if nobody need be told: it was not asked for."""
        whole, names = str(claim), {str(claim), f"{claim.kind}/{claim.name}", claim.name}
        self.fitted |= names & (self.only | self.without)
        if names & self.without or (self.only and not names & self.only):
            return "-"
        if administrator and whole not in self.only:
            return f"it gives the administration of the engine, and is taken only if named: --only '{whole}'"
        return ""


def adopt(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    text: str | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    dry_run: bool = False,
    expected: str = "",
) -> Adopted:
    """Take over what the engine holds into the text of a deployment file (that of the ledger, unless one is given).

    Where the engine and the file differ, the engine is right. Comments stay. If the model that comes out asks for no change, it is
    kept, and everything in it is claimed; else, and with `dry_run`, it is only shown. What gives somebody the administration of the
    domain is taken only if `only` names it. `expected` is the digest of what was shown: Refused if there is something else by now.
    """
    chosen = _Chosen(frozenset(only), frozenset(without))
    with writing(services, deployment, "adopt") as site:
        base = text if text is not None else text_in_ledger(services, deployment)
        if not base:
            raise Refused(f"the ledger holds no model of {deployment}; give a deployment file to write into")
        source = f"{deployment}.yaml"
        before = read_file(base, source, deployment)
        if text is not None:
            refuse_new_errors(text_in_ledger(services, deployment), before)
        now = compare(site, kept_of(before, base), adopt=True)
        family = now.family
        found = family.adoptable(
            now.held,
            now.desired,
            now.others | made_with_domain(site.registration),
            {section: getattr(before.access, section, {}) for section in _SECTIONS},
            chosen,
            lambda entry_list, entry: subject_of(entry_list, entry, site.registration),
            keepers(site.registration).shut_out,
        )
        standing = {one for one in now.plan.claim_only if not chosen.refuses(one, family.administers(now.held, one))}
        if strange := sorted((chosen.only | chosen.without) - chosen.fitted):
            raise BadInput(
                f"there is nothing to take over that is called {strange[0]!r}",
                source="request",
                place="only" if strange[0] in chosen.only else "except",
                remedy=f"portcullis adopt {deployment} --dry-run names what there is",
            )
        _drop_unread(family, found, site.identity.members([grant for _, _, grant in found.grants]).whole())
        adopted_text, after = _written(family, base, source, before, found)
        kept = kept_of(after, adopted_text)
        end = compare(site, kept, adopt=True)
        claims = frozenset({*_claims(family, found), *standing})
        taken = tuple(str(claim) for claim in sorted(claims))
        digest = sha256("\n".join((adopted_text, *taken)).encode()).hexdigest()[:32]
        if expected and expected != digest:
            raise Refused(f"what there is to take over on {deployment} is no longer what was shown: look again")
        claimed = end.plan.empty and not dry_run
        if claimed:
            apply_model(site, kept, cause, adopt=claims, operation="adopt")
        steps = (f"{step.operation.value} {step.claim} ({step.because})" for step in end.plan.steps)
        left = (*found.left, *(str(conflict) for conflict in end.plan.conflicts))
        different = not end.plan.empty or (dry_run and bool(taken))
        return Adopted(adopted_text, found.count, taken, left, tuple(steps), claimed, digest, 3 if different else 0)


# ---------------------------------------------------------------------- what there is to adopt


def _claims(family: Family, found: Adoptable) -> Iterator[Claim]:
    """What all of this will be claimed as."""
    yield from (Claim(family.kind_of(section), name) for section, name in found.documents)
    yield from (Claim(family.mappings, role, family.condition, one) for role in found.both for one in found.both[role])
    yield from (Claim(family.mappings, grant.role, entry_list, entry) for entry_list, entry, grant in found.grants)


def subject_of(entry_list: str, entry: str, registration: Registration) -> Subject | None:
    """Whom an entry of a mapping means, in the words of a deployment file; None if there is none for it."""
    prefix = f"Cognito/{registration.cognito.user_pool}/" if registration.cognito else ""
    if entry_list == "users":
        if entry.startswith("arn:") and ":user/" in entry:
            return Subject(SubjectKind.IAM_USER, entry)
        if prefix and entry.startswith(prefix):
            return Subject(SubjectKind.COGNITO_USER, entry.removeprefix(prefix))
        return None if "/" in entry else Subject(SubjectKind.INTERNAL_USER, entry)
    if entry_list == "backend_roles":
        is_role = entry.startswith("arn:") and ":role/" in entry and ":iam::" in entry
        return Subject(SubjectKind.IAM_ROLE if is_role else SubjectKind.BACKEND_ROLE, entry)
    return None


def _drop_unread(family: Family, found: Adoptable, members: Membership) -> None:
    """A subject that does not exist, or is somebody else by now, would be taken out again by the next reconcile: it stays by hand."""
    staying = []
    for entry_list, entry, grant in found.grants:
        subject = grant.subject
        known = {
            "users": members.users.get(subject, ()),
            "backend_roles": members.backend_roles.get(subject, ()),
        }[entry_list]
        if subject not in members.missing and tuple(known) == (entry,):
            staying.append((entry_list, entry, grant))
        else:
            found.left.append(f"{Claim(family.mappings, grant.role, entry_list, entry)}: {subject} does not exist")
    found.grants = staying


# ---------------------------------------------------------------------- the text


def _written(family: Family, base: str, source: str, before: Deployment, found: Adoptable) -> tuple[str, Deployment]:
    """The text with everything found in it, read again. What the file cannot hold is dropped from `found` and told, and so is what `check`
    calls an error: a file with that could not be deployed."""
    from portcullis import model

    granted = len(before.access.grants)
    while True:  # what is dropped gets fewer
        text = _text(base, before, found)
        after, wrong = model.examine(text, source)
        if after is None or wrong:
            if not _drop_wrong(family, found, wrong, granted):
                raise wrong[0]
        elif not _drop_wrong(family, found, new_errors(base, after), granted):
            return text, after


def _drop_wrong(family: Family, found: Adoptable, wrong: Iterable[BadInput], first: int) -> bool:
    """Take out of `found` what these errors are about; False if they are about something else."""
    from portcullis.model.parts import dotted

    dropped = False
    documents = {dotted(("access", *key)): key for key in found.documents}
    grants = {dotted(("access", "grants", first + i)): i for i in range(len(found.grants))}
    unwanted: set[int] = set()
    for error in wrong:
        place = error.place.partition(", ")[2] or error.place
        for start in _prefixes(place):
            if start in documents:
                key = documents.pop(start)
                del found.documents[key]
                found.left.append(f"{'/'.join(key)}: {error.problem}")
            elif start in grants:
                unwanted.add(grants.pop(start))
            elif start.removeprefix("access.and_backend_roles.") in found.both:
                del found.both[start.removeprefix("access.and_backend_roles.")]
                found.left.append(f"{start}: {error.problem}")
            else:
                continue
            dropped = True
            break
    for i in sorted(unwanted, reverse=True):
        entry_list, entry, grant = found.grants.pop(i)
        found.left.append(f"{Claim(family.mappings, grant.role, entry_list, entry)}: cannot stand in a deployment file")
    return dropped


def _prefixes(place: str) -> Iterator[str]:
    """The place and everything it lies in, the longest first."""
    yield place
    for i in range(len(place) - 1, 0, -1):
        if place[i] in ".[":
            yield place[:i]


def _text(base: str, before: Deployment, found: Adoptable) -> str:
    """What is new is put in at one mark a section, all of them while the text is still short: reading it is what takes time."""
    from portcullis.model.text.editing import add_grant, set_access

    text = base
    new: dict[str, dict[str, Any] | list[Any]] = {}
    sections: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for (section, name), value in found.documents.items():
        sections[section][name] = value
    sections["and_backend_roles"] = dict(found.both)
    for section, values in sections.items():
        there = getattr(before.access, section, {})
        for name in [name for name in values if name in there]:
            text = set_access(section, name, values.pop(name))(text)
        if values:
            mark = f"{_MARK}-{section}"
            new[mark] = values
            text = set_access(section, mark, [mark])(text)
    if found.grants:
        mark = f"{_MARK}-grants"
        new[mark] = [{"role": g.role, "to": {g.subject.kind.value: g.subject.name}} for _, _, g in found.grants]
        text = add_grant(Subject(SubjectKind.BACKEND_ROLE, mark), role=mark)(text)
    return _in_place_of_marks(text, new)


def _in_place_of_marks(marked: str, new: dict[str, dict[str, Any] | list[Any]]) -> str:
    """The line of every mark replaced by its entries, indented as it is."""
    from portcullis.model.text.splicing import put

    lines = marked.splitlines(keepends=True)
    for mark, values in new.items():
        place = next(i for i, line in enumerate(lines) if mark in line)
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip(" "))]
        entries = put("x: 1\n", ("many",), values).splitlines(keepends=True)[2:]
        lines[place : place + 1] = [indent + line.removeprefix("  ") for line in entries]
    return "".join(lines)
