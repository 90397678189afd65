"""A deployment comes under our care, and leaves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Claim
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.families.opensearch.config import Kind
from portcullis.families.opensearch.patch import pointer
from portcullis.operations.access.applying import Outcome, apply_model
from portcullis.operations.access.foundation import LOCK, LOCK_ROLE
from portcullis.operations.people.known import accept
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.sending import keep_claims, still_ours
from portcullis.operations.writing.standing import begin_with, in_force, is_in_force
from portcullis.operations.writing.while_open import WhileOpen, unless_shut
from portcullis.ports.alerts import Alert
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.registration import KeptModel, Registration

if TYPE_CHECKING:
    from portcullis.model import Deployment

_PATIENCE = 120  # seconds that a person waits for the others to be done writing


def kept_model(text: str, source: str, name: str = "") -> KeptModel:
    """A deployment file's text as the ledger keeps it. BadInput if it is not valid, or is of another deployment than `name`."""
    return kept_of(read_file(text, source, name), text)


def read_file(text: str, source: str, name: str = "") -> Deployment:
    """A deployment file's text. BadInput if it is not valid, or is of another deployment than `name`."""
    from portcullis import model

    deployment = model.loads(text, source)
    if name and deployment.deployment != name:
        place = f"line {deployment.line('deployment')}, deployment"
        raise BadInput(
            f"is the file of {deployment.deployment!r}", source=source, place=place, remedy=f"that of {name!r}"
        )
    return deployment


def kept_of(deployment: Deployment, text: str) -> KeptModel:
    """The same of a file that was read already."""
    from portcullis import model

    options = {**model.options(deployment), "secrets": model.secrets(deployment)}
    return KeptModel(text, model.resolve(deployment), options)


def introduce(world: Services, registration: Registration, text: str, cause: Trigger) -> Outcome:
    """Register a deployment, let the automation in (once, as the master), and put the access model on the domain.

    While it is not open the model is written down, and put on the domain by the unlock.
    """
    kept = kept_model(text, f"{registration.deployment}.yaml", registration.deployment)
    if world.ledger.custody(registration.deployment).state is State.DELETED:
        _begin_anew(world, registration, cause)
    registration = _as_moved(world, registration)
    world.ledger.register(registration)
    if registration.identity_pool:
        world.identity(registration).choose_roles_by_token(registration.identity_pool)
    name = registration.deployment
    with _lease(world, registration, "introduce"):
        if in_force(world, name) is None:
            # What reacts to this deployment needs one from now on: its rules, and access for nobody until there is some.
            world.ledger.keep_model(name, KeptModel("", AccessModel(), kept.options))
        _let_automation_in(world, registration)
        done = unless_shut(world, name, lambda: apply_model(world, registration, kept, cause))
        if done is None and not is_in_force(in_force(world, name), kept):
            begin_with(world, registration, kept, cause)
        return done or Outcome(name, "waiting")


def _begin_anew(world: Services, registration: Registration, cause: Trigger) -> None:
    """A new domain under the name of one that was deleted: what is known of that one says nothing of this. The history goes on.

    The custody comes last, so that whoever was cut off before it does all of it again.
    """
    name = registration.deployment
    gone = world.ledger.custody(name)
    world.ledger.forget_all(name)
    claims = world.ledger.claims(registration.domain_arn).get(name, Claims())
    world.ledger.keep_claims(registration.domain_arn, name, claims.becoming(()))
    said = "a new domain under the name of one that was deleted: its custody begins open"
    world.ledger.record(Change(name, world.now(), "begin anew", cause.what, cause.actor, said))
    world.ledger.keep_custody(Custody(name, version=gone.version, saves=gone.saves, outbox=gone.outbox))


def apply_text(
    world: Services,
    deployment: str,
    text: str | None,
    cause: Trigger,
    *,
    adopt: bool = False,
    expected: str = "",
    accept_new: Sequence[str] = (),
) -> Outcome:
    """Apply a deployment file's text (or, without one, the model in the ledger again). Refused while the deployment is not open.

    `expected` is the digest of a saved plan: Refused if it is no longer the plan. `accept_new` names whom a grant means from here on,
    though they are somebody else than the one who had that name.
    """
    given = None if text is None else kept_model(text, f"{deployment}.yaml", deployment)
    with writing(world, deployment, "apply") as registration:
        kept = given or world.ledger.model(deployment)
        accept(world, registration, accept_new, cause)
        return apply_model(world, registration, kept, cause, adopt=adopt, expected=expected)


@contextmanager
def writing(world: Services, deployment: str, holder: str) -> Iterator[Registration]:
    """The right to change the access of a deployment that is open. Refused while it is not; Unreachable if others keep it."""
    registration = world.ledger.registration(deployment)
    WhileOpen.of(world, deployment)
    with _lease(world, registration, holder):
        WhileOpen.of(world, deployment)  # it may have been locked while we waited
        yield registration


@contextmanager
def _lease(world: Services, registration: Registration, holder: str) -> Iterator[None]:
    with world.ledger.lease(registration.domain_arn, holder, wait=_PATIENCE) as ours:
        if not ours:
            raise Unreachable(f"another writer is at work on {registration.domain}; try again")
        yield


def _is_in(world: Services, registration: Registration) -> bool:
    """Whether the automation holds its roles already: asked as itself, who is refused as long as it does not."""
    try:
        mappings = world.engine(registration).read([Kind.MAPPINGS]).of(Kind.MAPPINGS)
    except Refused:
        return False
    entry = registration.automation_role
    return all(entry in mappings.get(role, {}).get("backend_roles", ()) for role in ("security_manager", LOCK_ROLE))


def _let_automation_in(world: Services, registration: Registration) -> None:
    """The master gives the automation its two roles; from then on the automation stands alone.

    What is there already is left as it is: a later difference, made by the automation, puts right what differs.
    """
    if _is_in(world, registration):
        return  # it stands alone: the master may have been moved since, to one that we cannot become
    held = (master := world.master(registration)).read([Kind.ROLES, Kind.MAPPINGS])
    entry, roles = registration.automation_role, ("security_manager", LOCK_ROLE)
    ours = {Claim(Kind.MAPPINGS, role, "backend_roles", entry) for role in roles}
    if held.get(Kind.ROLES, LOCK_ROLE) is None:
        ours.add(Claim(Kind.ROLES, LOCK_ROLE))
    claims = world.ledger.claims(registration.domain_arn).get(registration.deployment, Claims())
    keep_claims(world, registration, claims, claims | ours, late=claims.late | ours)
    if held.get(Kind.ROLES, LOCK_ROLE) is None:
        still_ours(world, registration)
        master.patch(Kind.ROLES, [{"op": "add", "path": pointer(LOCK_ROLE), "value": LOCK}])
    operations: list[Json] = []
    for role in roles:
        mapping = held.get(Kind.MAPPINGS, role)
        if mapping is None:
            operations.append({"op": "add", "path": pointer(role), "value": {"backend_roles": [entry]}})
        elif entry not in mapping.get("backend_roles", ()):
            operations.append({"op": "add", "path": pointer(role, "backend_roles", "-"), "value": entry})
    still_ours(world, registration)
    master.patch(Kind.MAPPINGS, operations)


_MOVED = "master-moved"  # in the ledger: from whom, to whom


def remember_move(world: Services, registration: Registration, to: str) -> None:
    """A person moved the master. The stacks do not know of it, and go on to hand over the one they made."""
    before = world.ledger.saved(registration.deployment, _MOVED) or {}
    made = before.get("from", registration.master_role)
    world.ledger.save(registration.deployment, _MOVED, {"from": made, "to": to})


def _as_moved(world: Services, registration: Registration) -> Registration:
    moved = world.ledger.saved(registration.deployment, _MOVED)
    if moved and moved["from"] == registration.master_role:
        return replace(registration, master_role=moved["to"])
    return registration


def withdraw(world: Services, deployment: str, cause: Trigger) -> None:
    """The deployment leaves our care: nothing reacts for it any more. Its history and its claims stay.

    Told, unless its domain is gone: whoever deletes a stack leaves the domain there, and no gate drops any more. Told first, so that
    a crash in between tells it twice rather than never. Nothing to do for a deployment that was never registered, or left before.
    """
    if deployment not in world.ledger.deployments():
        return
    state = world.ledger.custody(deployment).state
    if state is not State.DELETED:
        world.alerts.tell(
            Alert(
                name="unwatched",
                deployment=deployment,
                severity="critical",
                happened=f"{deployment} is no longer watched: its stack was deleted; its domain stays, {state.value} as it was",
                done="nothing on the domain was changed: who is in stays in, whoever leaves a group and whatever becomes of the key",
                next="If nobody meant it: deploy it again, and only then decide on its domain, as the page says. "
                f"What was done to it: `portcullis history {deployment}`",
                runbook="automation-broken",
            )
        )
    world.ledger.unregister(deployment)
    world.ledger.record(
        Change(deployment, world.now(), "withdraw", cause.what, cause.actor, "the deployment is no longer watched")
    )
