"""What Portcullis itself needs on every domain: the automation's roles and break-glass, as part of the access model. Pure."""

from __future__ import annotations

from dataclasses import replace

from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AccessModel, Claim, Grant
from portcullis.custody.types import LetIn
from portcullis.families import family_named
from portcullis.ports.registration import Actor, EngineUser, IamRole, Registration

MOVING = "re-key"  # under this name the ledger keeps how far a re-key is


def keepers(registration: Registration) -> ProtectedPrincipals:
    """Who must never be shut out by a plan, and who must never be let in by one."""
    family = family_named(registration.family)
    return ProtectedPrincipals.of(
        master_roles=family.administrator_roles,
        master=registration.master.principal,
        master_list=registration.master.entry_list,
        automation=registration.automation.principal,
        automation_roles=family.baseline().automation,
        automation_list=registration.automation.entry_list,
        shut_out=_principal(registration.break_glass),
    )


def made_with_domain(registration: Registration) -> frozenset[Claim]:
    """What stands on the engine since its domain was made, by nobody's hand: the master, where they are an internal user."""
    master = registration.master
    users = family_named(registration.family).users
    return frozenset({Claim(users, master.name)} if isinstance(master, EngineUser) else ())


def _principal(actor: Actor | None) -> str:
    """What the engine knows them by; empty for nobody."""
    return actor.principal if actor else ""


def while_locked(registration: Registration, let_in: LetIn) -> ProtectedPrincipals:
    """Who is mapped on a locked deployment, and to what: the automation, and break-glass for as long as a window is open."""
    needs, keeping = family_named(registration.family).baseline(), keepers(registration)
    if (one := registration.break_glass) is None:
        return keeping.while_locked()
    opened = {LetIn.NOBODY: (), LetIn.READS: needs.reads, LetIn.WRITES: needs.writes}
    return keeping.while_locked(one.principal, opened[let_in], entry_list=one.entry_list)


def with_foundation(
    access: AccessModel, registration: Registration, *, sample: str = "", moving: bool = False
) -> AccessModel:
    """The access model with what Portcullis needs, whatever the deployment file says of the same names.

    `sample` is the index whose restorability is checked, `moving` says that a re-key of the deployment is under way.
    """
    needs = family_named(registration.family).baseline(sample=sample, moving=moving)
    ours = (*needs.automation, *needs.writes)
    users = dict(access.users)
    roles = {**access.roles, **{name: needs.documents[name] for name in ours if name in needs.documents}}
    grants = keepers(registration).grants()
    if registration.canary:
        roles[needs.canary] = needs.documents[needs.canary]
        if isinstance(registration.canary, EngineUser):
            users[registration.canary.name] = {"metadata": {"portcullis": "asks as nobody, to prove that a lock holds"}}
        grants = (*grants, Grant(registration.canary.subject, needs.canary, "the canary of the deployment"))
    if registration.snapshots:
        taker = IamRole(registration.snapshots.taker).subject
        grants = (*grants, Grant(taker, needs.snapshots, "takes the snapshots of the deployment"))
        if compares := needs.documents.get(needs.compares):
            roles[needs.compares] = compares
            grants = (*grants, Grant(taker, needs.compares, "compares what was restored"))
    people = replace(access.people, kept=_kept(registration)) if access.people else None
    return replace(access, roles=roles, users=users, grants=(*grants, *access.grants), people=people)


def _kept(registration: Registration) -> frozenset[str]:
    """As whom Portcullis speaks to the engine: nobody of a group is one of these, whatever they are called."""
    actors = (registration.automation, registration.master, registration.break_glass, registration.canary)
    taker = registration.snapshots.taker if registration.snapshots else ""
    return frozenset({*(_principal(actor) for actor in actors), taker} - {""})
