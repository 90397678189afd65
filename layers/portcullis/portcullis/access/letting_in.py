"""One principal let into roles, with nothing else changed."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import Claim, Operation, Step
from portcullis.access.terms import Terms


def letting_in(
    terms: Terms, actual: Actual, roles: Sequence[str], entry: str, entry_list: str = "backend_roles"
) -> tuple[Step, ...]:
    """The steps that map an entry to these roles, as far as it is not; none if it is in all of them."""
    steps = []
    for role in roles:
        if entry in actual.entries(role, entry_list):
            continue
        if terms.entries_in == terms.mappings and actual.get(terms.mappings, role) is None:
            empty: Json = {name: [] for name in terms.lists}
            steps.append(Step(Operation.ADD, Claim(terms.mappings, role), None, empty, f"{role} had no mapping"))
        claim = Claim(terms.mappings, role, entry_list, entry)
        steps.append(Step(Operation.ADD, claim, None, entry, f"{entry} needs {role}"))
    return tuple(steps)
