"""The gate, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portcullis.entry.verbs.reading import reason_of, whole, yes_or_no
from portcullis.entry.verbs.types import ACT, Command, Document, Verb, Wish

if TYPE_CHECKING:
    from portcullis.custody.types import Custody
    from portcullis.operations.services import Services, Trigger

_REVOKED, _GLASS = "locked-by-revocation", "break-glass"
_SHOW = "portcullis.cli.account_gate:show_custody"

COMMANDS = (
    Command(
        "guard", Wish.GATE, "Look at the key now, and lock or unlock as it asks for.",
        (Verb("guard", ACT, f"{__name__}:guard", (
            Document(_REVOKED, "Looks at a deployment's key now, and locks or unlocks as it asks for."),)),),
        more="As an event would have it done. Tells what waits to be told, too, or says why not.",
        examples=("portcullis guard demo",),
        show=_SHOW,
    ),
    Command(
        "lock", Wish.GATE, "Let nobody in, whatever the key says, until unlock.",
        (Verb("lock", ACT, f"{__name__}:lock", (
            Document(
                _REVOKED, "Locks a deployment now, whatever its key says, until somebody unlocks it.", asks=("reason",)),)),),
        more="Nobody but break-glass is let in until a person unlocks.",
        examples=('portcullis lock demo --reason "credentials were found in a public repository"',),
        options=("reason",),
        needed=("reason",),
        show=_SHOW,
    ),
    Command(
        "unlock", Wish.GATE, "Take a person's lock off; the gate rises if the key is healthy.",
        (Verb("unlock", ACT, f"{__name__}:unlock", (
            Document(
                _REVOKED, "Ends a lock by hand. A deployment whose key is revoked stays locked until the key is well."),)),),
        more="Everything is put back as it was.",
        examples=("portcullis unlock demo",),
        show=_SHOW,
    ),
    Command(
        "break-glass", Wish.GATE, "Let the break-glass principal at the data for a while.",
        (Verb("break-glass", ACT, f"{__name__}:break_glass", (
            Document(
                _GLASS,
                "Lets the break-glass principal at the data of a locked deployment for a while. Everybody is told.",
                asks=("reason", "minutes", "write")),)),),
        click="portcullis.cli.account_gate:break_glass",
    ),
    Command(
        "end-break-glass", Wish.GATE, "End a use of break-glass before its time.",
        (Verb("end-break-glass", ACT, f"{__name__}:end_break_glass", (
            Document(_GLASS, "Ends a use of break-glass before its time."),)),),
        examples=("portcullis end-break-glass demo",),
        show=_SHOW,
    ),
)  # fmt: skip


def guard(services: Services, deployment: str, cause: Trigger) -> Custody:
    from portcullis.operations.custody.guard import guard as look
    from portcullis.operations.telling import tell_kept

    found = look(services, deployment, cause)
    tell_kept(services, deployment)
    return found


def lock(services: Services, deployment: str, cause: Trigger, *, reason: str = "") -> Custody:
    from portcullis.custody import hold
    from portcullis.operations.custody.guard import guard as look

    why = reason_of(reason)
    return look(services, deployment, cause, change=lambda c: hold(c, cause.actor, why, services.now()), by_person=True)


def unlock(services: Services, deployment: str, cause: Trigger) -> Custody:
    from portcullis.custody import release
    from portcullis.operations.custody.guard import guard as look

    return look(services, deployment, cause, change=release, by_person=True)


def break_glass(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    reason: str = "",
    minutes: int | str | None = None,
    write: bool | str = False,
) -> Custody:
    """`minutes` not given: as long as the deployment's file allows. It only reads, unless `write` says more."""
    from portcullis.custody import open_break_glass
    from portcullis.errors import BadInput
    from portcullis.operations.custody.guard import guard as look
    from portcullis.operations.custody.guard import rules_of

    rules = rules_of(services.site(deployment))
    longest = int(rules.break_glass_longest.total_seconds() // 60)
    writes = yes_or_no(write, "write")
    why, asked = reason_of(reason), longest if minutes in (None, "") else whole(minutes, "minutes")
    if not 1 <= asked <= longest:
        raise BadInput(
            f"{asked} minutes is not how long break-glass may last",
            source="request",
            place="minutes",
            remedy=f"1 to {longest}, the most that the file of {deployment} allows (break_glass: {{minutes}})",
        )
    return look(
        services,
        deployment,
        cause,
        change=lambda c: open_break_glass(c, cause.actor, why, asked, services.now(), rules, write=writes),
        by_person=True,
    )


def end_break_glass(services: Services, deployment: str, cause: Trigger) -> Custody:
    from portcullis.custody import close_break_glass
    from portcullis.operations.custody.guard import guard as look

    return look(services, deployment, cause, change=close_break_glass, by_person=True)
