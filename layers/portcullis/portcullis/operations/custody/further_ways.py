"""Ways to a domain over the network beside its own security group: further groups that it has, and VPC endpoints of the search service.

Both are somebody else's: everything that is taken away is put aside first, also what was added in the lock, and given back at its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.actual import Json
from portcullis.custody.types import Measure, Todo
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.custody.lost import lost
from portcullis.operations.services import Site


def save_groups(site: Site, todo: Todo) -> str:
    groups = site.gate.further_groups(site.registration)
    site.ledger.save(site.name, todo.save_as, groups)
    return f"further security groups: {', '.join(sorted(groups)) or 'none'}"


def close_groups(site: Site, todo: Todo) -> str:
    """Each for itself: one that may not be closed keeps no other one open. The domain of another deployment is not shut with ours."""
    gate = site.gate
    found = gate.further_groups(site.registration)
    _put_aside(site, todo.save_as, found)
    others = {one.network.group: one.deployment for one in site.ledger.registrations() if one.network}
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


def _put_aside(site: Site, save_as: str, found: dict[str, list[Json]]) -> None:
    """What was added since the save is of whoever added it, and comes back with the rest. Where that is lost, nothing is taken for it."""
    saved: dict[str, list[Json]] | None = site.ledger.saved(site.name, save_as)
    if saved is None:
        return
    whole = {
        group: [*saved.get(group, ()), *(rule for rule in found.get(group, ()) if rule not in saved.get(group, ()))]
        for group in {**saved, **found}
    }
    if whole != saved:
        site.ledger.save(site.name, save_as, whole)


def open_groups(site: Site, todo: Todo) -> str:
    gate, saved = site.gate, site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        shut = sorted(group for group, rules in gate.further_groups(site.registration).items() if not rules)
        return lost(todo, shut, f"add them by hand, or detach what has none: {', '.join(shut)}")
    return not_again([source for group, rules in saved.items() for source in gate.open_group(group, rules)])


def not_again(gone: Sequence[str]) -> str:
    return f"not let in again, as they are gone: {', '.join(dict.fromkeys(gone))}" if gone else ""


def groups_that_let_in(site: Site) -> str:
    let_in = sorted(group for group, rules in site.gate.further_groups(site.registration).items() if rules)
    return f"the domain is open to the network by further security groups: {', '.join(let_in)}" if let_in else ""


def opens_nothing(site: Site, todo: Todo) -> bool:
    """Whether undoing one of these lets nobody in: most domains have no further ways, and then the groups need not be read for it."""
    if todo.measure not in (Measure.CLOSE_GROUPS, Measure.REVOKE_ENDPOINTS):
        return False
    saved = site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        return False
    return not any(saved.values() if todo.measure is Measure.CLOSE_GROUPS else saved.get("principals", ()))


# ---------------------------------------------------------------------- VPC endpoints


def save_endpoints(site: Site, todo: Todo) -> str:
    found = site.gate.endpoints(site.registration)
    made = sorted(found.made)
    site.ledger.save(site.name, todo.save_as, {"principals": found.principals, "made": made})
    standing = f"; endpoints: {', '.join(made)}" if made else ""
    return f"{len(found.principals)} principals were authorised for VPC endpoints{standing}"


def revoke_endpoints(site: Site, todo: Todo) -> str:
    """Whoever was authorised in the lock is not authorised again at its end. An endpoint cannot be shut and opened again, only deleted:
    that is left to a person."""
    gate = site.gate
    gate.revoke_endpoints(site.registration, gate.endpoints(site.registration).principals)
    if made := made_since(site, todo.save_as):
        raise Refused(f"{made}: delete what is not meant")
    return ""


def made_since(site: Site, save_as: str) -> str:
    known = (site.ledger.saved(site.name, save_as) or {}).get("made", ())
    found = site.gate.endpoints(site.registration).made
    new = [f"{one} of {owner or 'an unknown account'}" for one, owner in sorted(found.items()) if one not in known]
    return f"VPC endpoints were made since the lock: {', '.join(new)}" if new else ""


def authorize_endpoints(site: Site, todo: Todo) -> str:
    gate, saved = site.gate, site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        there = gate.endpoints(site.registration)
        return lost(
            todo, there.made and not there.principals, "authorise by hand whom the endpoints are of, or delete them"
        )
    gate.authorize_endpoints(site.registration, saved["principals"])
    return ""


def let_in_by_endpoints(site: Site, save_as: str) -> str:
    principals = sorted(str(one.get("Principal")) for one in site.gate.endpoints(site.registration).principals)
    allowed = f"VPC endpoints to the domain are allowed to {', '.join(principals)}" if principals else ""
    return "; ".join(one for one in (allowed, made_since(site, save_as)) if one)
