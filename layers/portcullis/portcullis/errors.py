"""The errors a person meets. Each says what is wrong, where, and what would be right; each knows its exit status."""

from __future__ import annotations


class PortcullisError(Exception):
    """Refused or failed (exit status 1)."""

    exit_status = 1


class Refused(PortcullisError):
    """Portcullis will not do this, for the reason given: nothing was changed."""


class NotAllowed(Refused):
    """No policy allows us this, and none denies it: a deploy may bring one that does. `action` is what it takes, as IAM calls it."""

    def __init__(self, problem: str, *, action: str) -> None:
        self.action = action
        super().__init__(problem)


class Shut(Refused):
    """Refused because the deployment is not open. What was begun before it was shut goes on once it is open again."""


class NoDeployment(Refused):
    """The ledger has no deployment of this name: whoever asked named nothing (exit status 2, as of other bad input; 1 is an answer)."""

    exit_status = 2


class BadInput(PortcullisError):
    """What was given cannot be read (exit status 2).

    `source` is a file name or what stands for one, `place` a line, key or path within it, `remedy` what would be right.
    """

    exit_status = 2

    def __init__(self, problem: str, *, source: str = "", place: str = "", remedy: str = "") -> None:
        self.problem, self.source, self.place, self.remedy = problem, source, place, remedy
        where = ", ".join(part for part in (source, place) if part)
        super().__init__(
            f"{where}: {problem}" * bool(where) + problem * (not where) + (f" ({remedy})" if remedy else "")
        )


class MalformedEvent(BadInput):
    """An event that lacks what its kind always has. It goes to the dead letters whole; trying again will not mend it."""


class Unreachable(PortcullisError):
    """The other side did not answer (time-out, connection refused, throttled, 5xx). Trying again may help."""


class Conflict(PortcullisError):
    """Somebody else wrote in between: read again and recompute."""


class Overtaken(Conflict):
    """Somebody else writes to this domain now: whoever was slower stops before the next write, and the next run looks anew."""
