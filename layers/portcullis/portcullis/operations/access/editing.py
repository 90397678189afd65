"""A change that a verb makes to the access model itself: to the text, comments kept, and then applied, so that a plan stays empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portcullis.errors import Refused
from portcullis.operations.access.changing.applying import Outcome, apply_model
from portcullis.operations.access.deployments import kept_of, read_file, writing
from portcullis.operations.access.new_findings import new_warnings, refuse_new_errors
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.undertaking import text_in_ledger


@dataclass(frozen=True, slots=True)
class Edited:
    """The text as it was applied: to be kept where the deployment file is kept, or the next deployment takes the change back.

    `warnings`: what `check` warns of in it and did not before, in words.
    """

    text: str
    outcome: Outcome
    warnings: tuple[str, ...] = ()


def edit_and_apply(
    services: Services,
    deployment: str,
    cause: Trigger,
    changes: Sequence[Callable[[str], str]],
    *,
    operation: str,
    text: str | None = None,
) -> Edited:
    """Make these changes to the text of a deployment file (the ledger's, unless one is given), and apply it.

    BadInput if it cannot be, or if `check` finds an error in it that was not there before.
    """
    with writing(services, deployment, operation) as site:
        edited = text if text is not None else text_in_ledger(services, deployment)
        if not edited:
            raise Refused(f"the ledger holds no model of {deployment}; give its deployment file")
        source, before = f"{deployment}.yaml", edited
        for change in changes:
            edited = change(edited)
        file = read_file(edited, source, deployment)
        if text is not None:  # what was given is new as a whole
            refuse_new_errors(text_in_ledger(services, deployment), file)
        warnings = new_warnings(before, file)
        return Edited(edited, apply_model(site, kept_of(file, edited), cause), warnings)
