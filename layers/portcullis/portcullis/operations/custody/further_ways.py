"""Ways to a domain over the network beside its own security group: further groups that it has, and VPC endpoints of the search service.

Both are somebody else's: everything that is taken away is put aside first, also what was added in the lock, and given back at its end.
"""

from __future__ import annotations

from portcullis.access.actual import Json
from portcullis.custody.types import Measure, Todo
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.services import Services
from portcullis.ports.registration import Registration


def save_groups(world: Services, registration: Registration, todo: Todo) -> str:
    groups = world.gate(registration).further_groups(registration)
    world.ledger.save(registration.deployment, todo.save_as, groups)
    return f"further security groups: {', '.join(sorted(groups)) or 'none'}"


def close_groups(world: Services, registration: Registration, todo: Todo) -> str:
    """Each for itself: one that may not be closed keeps no other one open. The domain of another deployment is not shut with ours."""
    gate = world.gate(registration)
    found = gate.further_groups(registration)
    _put_aside(world, registration, todo.save_as, found)
    others = {one.security_group: one.deployment for one in world.ledger.registrations()}
    refused = []
    for group, rules in sorted(found.items()):
        if rules and group in others:
            refused.append(f"{group} is the security group of {others[group]}: detach it from this domain")
            continue
        try:
            gate.close_group(group, rules)
        except PortcullisError as error:
            refused.append(f"{group} could not be closed, detach it from this domain: {error}")
    if refused:
        raise Refused("; ".join(refused))
    return ""


def _put_aside(world: Services, registration: Registration, save_as: str, found: dict[str, list[Json]]) -> None:
    """What was added since the save is of whoever added it, and comes back with the rest."""
    saved: dict[str, list[Json]] = world.ledger.saved(registration.deployment, save_as) or {}
    whole = {
        group: [*saved.get(group, ()), *(rule for rule in found.get(group, ()) if rule not in saved.get(group, ()))]
        for group in {**saved, **found}
    }
    if whole != saved:
        world.ledger.save(registration.deployment, save_as, whole)


def open_groups(world: Services, registration: Registration, todo: Todo) -> str:
    gate = world.gate(registration)
    for group, rules in (world.ledger.saved(registration.deployment, todo.save_as) or {}).items():
        gate.open_group(group, rules)
    return ""


def groups_that_let_in(world: Services, registration: Registration) -> str:
    let_in = sorted(group for group, rules in world.gate(registration).further_groups(registration).items() if rules)
    return f"the domain is open to the network by further security groups: {', '.join(let_in)}" if let_in else ""


def opens_nothing(world: Services, registration: Registration, todo: Todo) -> bool:
    """Whether undoing one of these lets nobody in: most domains have no further ways, and then the groups need not be read for it."""
    if todo.measure not in (Measure.CLOSE_GROUPS, Measure.REVOKE_ENDPOINTS):
        return False
    saved = world.ledger.saved(registration.deployment, todo.save_as) or {}
    return not any(saved.values() if todo.measure is Measure.CLOSE_GROUPS else saved.get("principals", ()))


# ---------------------------------------------------------------------- VPC endpoints


def save_endpoints(world: Services, registration: Registration, todo: Todo) -> str:
    found = world.gate(registration).endpoints(registration)
    made = sorted(found.made)
    world.ledger.save(registration.deployment, todo.save_as, {"principals": found.principals, "made": made})
    standing = f"; endpoints: {', '.join(made)}" if made else ""
    return f"{len(found.principals)} principals were authorised for VPC endpoints{standing}"


def revoke_endpoints(world: Services, registration: Registration, todo: Todo) -> str:
    """Whoever was authorised in the lock is not authorised again at its end. An endpoint cannot be shut and opened again, only deleted:
    that is left to a person."""
    gate = world.gate(registration)
    gate.revoke_endpoints(registration, gate.endpoints(registration).principals)
    if made := made_since(world, registration, todo.save_as):
        raise Refused(f"{made}: delete what is not meant")
    return ""


def made_since(world: Services, registration: Registration, save_as: str) -> str:
    known = (world.ledger.saved(registration.deployment, save_as) or {}).get("made", ())
    found = world.gate(registration).endpoints(registration).made
    new = [f"{one} of {owner or 'an unknown account'}" for one, owner in sorted(found.items()) if one not in known]
    return f"VPC endpoints were made since the lock: {', '.join(new)}" if new else ""


def authorize_endpoints(world: Services, registration: Registration, todo: Todo) -> str:
    saved = world.ledger.saved(registration.deployment, todo.save_as) or {}
    world.gate(registration).authorize_endpoints(registration, saved.get("principals", []))
    return ""


def let_in_by_endpoints(world: Services, registration: Registration, save_as: str) -> str:
    principals = sorted(
        str(one.get("Principal")) for one in world.gate(registration).endpoints(registration).principals
    )
    allowed = f"VPC endpoints to the domain are allowed to {', '.join(principals)}" if principals else ""
    return "; ".join(one for one in (allowed, made_since(world, registration, save_as)) if one)
