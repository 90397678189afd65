"""The masters of a domain: who administers it, one more, and the one it was made with replaced by another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msgspec.structs import replace

from portcullis.access.plan import Claim, Subject, SubjectKind
from portcullis.access.terms import Administrator
from portcullis.errors import BadInput, Refused
from portcullis.operations.access.changing.applying import Outcome, apply_model
from portcullis.operations.access.changing.looking import Comparison, compare, split_claims
from portcullis.operations.access.deployments import remember_move, writing
from portcullis.operations.access.editing import Edited, edit_and_apply
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.writing.change import AccessChange
from portcullis.ports.registration import IamRole, KeptModel

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Master:
    """One way in which somebody administers the domain. `because` is empty if nothing in our books asks for it: made by hand."""

    role: str
    through: str  # the list of the mapping, or opendistro_security_roles
    who: str
    because: str


def master_list(services: Services, deployment: str, cause: Trigger) -> list[Master]:
    site = services.site(deployment)
    now = compare(site, site.ledger.model(deployment))
    return [
        Master(one.role, one.entry_list, one.entry, _because(one, now)) for one in now.family.administrators(now.held)
    ]


def master_add(
    services: Services, deployment: str, cause: Trigger, *, principal: str, text: str | None = None
) -> Edited:
    """One more master: merged into all_access and security_manager by the model, so that nobody there is replaced and it stays."""
    from portcullis.model.text.editing import add_grant

    subject = subject_from(principal)
    roles = services.site(deployment).family.administrator_roles
    changes = [add_grant(subject, role=role) for role in roles]
    return edit_and_apply(services, deployment, cause, changes, operation="master add", text=text)


def master_move(services: Services, deployment: str, cause: Trigger, *, principal: str) -> Outcome:
    """Make another IAM role the master: in AWS, which maps it to all_access; then in our books; then the old one leaves the mappings.

    Cut off anywhere, it is finished by asking again; until the end the old master stays mapped, so that nobody is locked out.
    """
    if not _ROLE_ARN.fullmatch(principal):
        remedy = "arn:aws:iam::ACCOUNT:role/NAME; a master of the internal user database is moved in the console"
        raise BadInput(f"{principal!r} is no ARN of an IAM role", source="request", place="principal", remedy=remedy)
    with writing(services, deployment, "master move") as site:
        if not isinstance(master := site.registration.master, IamRole):
            raise Refused(f"{deployment} has no IAM master: its master is a user of the internal user database")
        kept = site.ledger.model(deployment)
        if principal == master.arn:
            return apply_model(site, kept, cause)
        _claim(site, master, kept, cause)
        site.domain.set_master(site.registration, principal)
        moved = replace(site.registration, master=IamRole(principal))
        remember_move(site, principal)
        before, after = master.arn, principal
        summary = f"the master is {after}, no longer {before}"
        site.record("master move", cause, summary, before=before, after=after)
        site.ledger.register(moved)  # the last: until then asking again does all of it
        return apply_model(services.at(moved), kept, cause)


def _claim(site: Site, master: IamRole, kept: KeptModel, cause: Trigger) -> None:
    """AWS mapped the old master, not we: claimed, it is taken out once nothing asks for it any more."""
    change = AccessChange.of(site, cause, "master move")
    claims, _ = split_claims(site.ledger.claims(site.place.id), site.name)
    change.looked(site.engine.read(), claims, claims.late, kept.options)
    family = site.family
    old = {Claim(family.mappings, role, "backend_roles", master.arn) for role in family.administrator_roles}
    change.keep(claims | old)


def subject_from(principal: str) -> Subject:
    """Whom a person means: an ARN of an IAM user or role, or KIND:NAME. BadInput otherwise."""
    if principal.startswith("arn:"):
        kind = SubjectKind.IAM_USER if ":user/" in principal else SubjectKind.IAM_ROLE
        return Subject(kind, principal)
    word, _, name = principal.partition(":")
    known = [kind.value for kind in SubjectKind]
    if not name or word not in known:
        raise BadInput(
            f"{principal!r} names nobody",
            source="request",
            place="principal",
            remedy=f"the ARN of an IAM role or user, or KIND:NAME, where KIND is one of {', '.join(known)}",
        )
    return Subject(SubjectKind(word), name)


def _because(one: Administrator, now: Comparison) -> str:
    entries = one.entry.split(" and ") if one.entry_list == now.family.condition else [one.entry]
    reasons = [now.desired.because(one.role, one.entry_list, entry) for entry in entries]
    if all(reasons):
        return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
    if all(Claim(now.family.mappings, one.role, one.entry_list, entry) in now.others for entry in entries):
        return "another deployment on the same domain"
    return ""
