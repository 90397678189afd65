"""A deployment comes under our care, and leaves it."""

from __future__ import annotations

from portcullis.access.config import Kind
from portcullis.access.plan import Claim
from portcullis.custody.types import State
from portcullis.errors import Refused, Unreachable
from portcullis.operations.applying import Outcome, apply_model
from portcullis.operations.ports import Change, KeptModel, Registration
from portcullis.operations.world import Cause, World


def kept_model(text: str, source: str) -> KeptModel:
    """A deployment file's text as the ledger keeps it. BadInput if it is not valid."""
    from portcullis import model

    deployment = model.loads(text, source)
    return KeptModel(text, model.resolve(deployment), model.options(deployment))


def introduce(world: World, registration: Registration, text: str, cause: Cause) -> Outcome:
    """Register a deployment, let the automation in (once, as the master), and put the access model on the domain."""
    kept = kept_model(text, f"{registration.deployment}.yaml")
    world.ledger.register(registration)
    world.ledger.keep_model(registration.deployment, kept)
    _let_automation_in(world, registration)
    with world.ledger.lease(registration.domain_arn, "introduce"):
        return apply_model(world, registration, kept, cause)


def apply_text(world: World, deployment: str, text: str | None, cause: Cause, *, adopt: bool = False) -> Outcome:
    """Apply a deployment file's text (or, without one, the model in the ledger again). Refused while the deployment is not open."""
    registration = world.ledger.registration(deployment)
    state = world.ledger.custody(deployment).state
    if state is not State.OPEN:
        raise Refused(f"{deployment} is {state.value}: access is not changed until it is open")
    kept = world.ledger.model(deployment) if text is None else kept_model(text, f"{deployment}.yaml")
    with world.ledger.lease(registration.domain_arn, "apply") as ours:
        if not ours:
            raise Unreachable(f"another writer is at work on {registration.domain}; try again")
        world.ledger.keep_model(deployment, kept)
        return apply_model(world, registration, kept, cause, adopt=adopt)


def _let_automation_in(world: World, registration: Registration) -> None:
    """The master maps the automation to security_manager; from then on the automation stands alone."""
    master = world.master(registration)
    entry, role = registration.automation_role, "security_manager"
    mapping = master.read([Kind.MAPPINGS]).get(Kind.MAPPINGS, role)
    if mapping is None:
        master.patch(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}", "value": {"backend_roles": [entry]}}])
    elif entry not in mapping.get("backend_roles", []):
        master.patch(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}/backend_roles/-", "value": entry}])
    else:
        return
    claims = world.ledger.claims(registration.domain_arn).get(registration.deployment, frozenset())
    ours = Claim(Kind.MAPPINGS, role, "backend_roles", entry)
    world.ledger.keep_claims(registration.domain_arn, registration.deployment, claims | {ours})


def withdraw(world: World, deployment: str, cause: Cause) -> None:
    """The deployment leaves our care: nothing reacts for it any more. Its history and its claims stay."""
    world.ledger.unregister(deployment)
    world.ledger.record(
        Change(deployment, world.now(), "withdraw", cause.what, cause.actor, "the deployment is no longer watched")
    )
