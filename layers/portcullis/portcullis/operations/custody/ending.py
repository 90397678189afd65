"""The measures of a deletion: a final snapshot, the domain deleted, seen to be gone. Each may be done again; none may be undone."""

from __future__ import annotations

from portcullis.access.letting_in import letting_in
from portcullis.custody.types import Todo
from portcullis.errors import Refused, Unreachable
from portcullis.operations.data.repositories import registered, states
from portcullis.operations.data.snapshots import REPOSITORY
from portcullis.operations.services import Site
from portcullis.operations.waiting import looks
from portcullis.ports.registration import IamRole

_LOOKS, _BETWEEN = 8, 2.5  # 20 s: a step is given up before its lease (30 s) is over, and tried again


def final_snapshot(site: Site, todo: Todo) -> str:
    """Into the deployment's own repository. A short one is waited for; a long one is found finished by a later try."""
    deletion = site.ledger.custody(site.name).deletion
    if deletion is None:
        raise Refused(f"nobody asked for the deletion of {site.name}")
    _let_in(site)
    begun = f"final-{deletion.at:%Y%m%d%H%M%S}"
    snapshots = registered(site)
    for look in looks(_LOOKS, _BETWEEN, site.sleep):
        ours = {name: state for name, state in states(snapshots).items() if name.startswith(begun)}
        done = [name for name, state in ours.items() if state == "SUCCESS"]
        if done:
            return f"snapshot {done[0]} in repository {REPOSITORY}"
        if "IN_PROGRESS" not in ours.values():
            if look and ours:
                raise Refused(f"the final snapshot failed: {', '.join(f'{n} {s}' for n, s in sorted(ours.items()))}")
            snapshots.take(REPOSITORY, f"{begun}-{len(ours) + 1}", "*,-.*")
    raise Unreachable("the final snapshot is still being taken")


def delete_domain(site: Site, todo: Todo) -> str:
    """Through the one function that may: everybody else leaves it to a person's next `portcullis delete`."""
    if not site.settings.may_delete:
        name = site.name
        raise Refused(f"only the delete function deletes: portcullis delete {name} --confirm {name} goes on")
    site.domain.delete(site.registration)
    return f"deletion of the domain {site.place.name} asked for"


def verify_gone(site: Site, todo: Todo) -> str:
    for _ in looks(_LOOKS, _BETWEEN, site.sleep):
        if not site.domain.exists(site.registration):
            return f"the domain {site.place.name} is gone"
    raise Unreachable(f"the domain {site.place.name} is still being deleted")


def _let_in(site: Site) -> None:
    """The lock shut the taker of snapshots out with everybody else. It is let in again, and goes with the domain."""
    if (store := site.registration.snapshots) is None:
        raise Refused("the deployment has no snapshot role: it has to be deleted with --no-final-snapshot")
    engine, family = site.engine, site.family
    held = engine.read([family.mappings])
    steps = letting_in(family, held, [family.baseline().snapshots], store.taker, IamRole.entry_list)
    for write in family.writes(steps, held):
        engine.write(write)
