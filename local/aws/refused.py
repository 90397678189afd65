"""What IAM refused, to be asked for by tests: a function that tries what its own policy does not allow writes a refusal down where nothing
is wrong, and nobody looks for it there."""

from __future__ import annotations

from collections import Counter
from typing import Any

from local.aws.admin import verb

_MOST = 10_000  # different ones; a run has a handful
_refused: Counter[tuple[str, str, str, bool]] = Counter()


def remember(denied: Any, action: str, resource: str) -> None:
    """One answer of `iam_evaluator.enforce` that is no permission. Whoever could not be authenticated is nobody's role."""
    if caller := getattr(denied, "principal_arn", ""):
        said = (caller, action, resource, denied.decision == "Deny")
        if said in _refused or len(_refused) < _MOST:
            _refused[said] += 1


@verb("refused")
def refused(caller: str = "") -> list[dict[str, Any]]:
    """Who was refused what, and how often, since this began. `caller`: part of the caller's ARN. `denied`: by a statement, and not for
    want of one."""
    return [
        {"caller": who, "action": action, "resource": resource, "denied": denied, "times": times}
        for (who, action, resource, denied), times in sorted(_refused.items())
        if caller in who
    ]
