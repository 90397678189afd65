"""What an engine will hold once its lock is undone. Changes nothing."""

from __future__ import annotations

from portcullis import custody as machine
from portcullis.access.actual import Actual
from portcullis.custody.types import Custody, Measure
from portcullis.operations.services import Site


def mappings_are_shut(custody: Custody) -> bool:
    """Or may be."""
    return Measure.SAVE in custody.measures and machine.maybe_in_effect(custody, Measure.SHUT_MAPPINGS)


def once_open(site: Site, custody: Custody, held: Actual) -> Actual:
    """The same as `held` where no lock has shut the mappings."""
    save = custody.measures.get(Measure.SAVE)
    saved = site.ledger.saved(site.name, save.save_as) if save and mappings_are_shut(custody) else None
    if saved is None:
        return held
    family = site.family
    return family.simulate_all(held, family.reopen(saved, held, ours=family.baseline().writes).writes)
