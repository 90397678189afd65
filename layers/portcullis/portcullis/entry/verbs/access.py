"""Who may see what: planned, brought about, taken over, undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portcullis.entry.verbs.types import ACT, LOOK, Command, Document, Verb, Wish

if TYPE_CHECKING:
    from portcullis.operations.access.changing.applying import Outcome
    from portcullis.operations.services import Services, Trigger

_DRIFT = "drift"
_ACCESS, _CLI = "portcullis.operations.access", "portcullis.cli"

COMMANDS = (
    Command(
        "plan", Wish.ACCESS, "Show what applying a model would change, for roles and for people.",
        (Verb("plan", LOOK, f"{_ACCESS}.planning:plan", (
            Document(_DRIFT, "Shows what applying the model in force would change, for roles and people."),)),),
        click=f"{_CLI}.account_look:plan",
    ),
    Command(
        "apply", Wish.ACCESS, "Bring the engine to what a deployment file asks for.",
        (Verb("apply", ACT, f"{__name__}:apply", (
            Document(_DRIFT, "Brings the engine to what the model in force asks for."),)),),
        click=f"{_CLI}.account_change:apply",
    ),
    Command(
        "rollback", Wish.ACCESS, "Undo one change of the history.",
        (Verb("rollback", ACT, f"{_ACCESS}.rolling_back:rollback", (
            Document(_DRIFT, "Undoes one change of the history, to the byte.", asks=("entry",)),)),),
        click=f"{_CLI}.account_change:rollback",
    ),
    Command(
        "adopt", Wish.ACCESS, "Write the model from what the engine holds.",
        (Verb("adopt", ACT, f"{_ACCESS}.adopting:adopt"),),
        click=f"{_CLI}.account_change:adopt",
    ),
    Command(
        "synchronise", Wish.ACCESS, "Bring the role mappings to what the groups say now.",
        (Verb("synchronise", ACT, f"{__name__}:synchronise", (
            Document("what-leavers-hold", "Brings the role mappings to what the groups say now."),)),),
        more="It reads the members of all groups now, as an event would have it done.",
        examples=("portcullis synchronise demo",),
        show=f"{_CLI}.account_change:show_outcome",
    ),
    Command(
        "master", Wish.ACCESS, "Add, move and list the masters of a domain.",
        (
            Verb("master-list", LOOK, f"{_ACCESS}.masters:master_list"),
            Verb("master-add", ACT, f"{_ACCESS}.masters:master_add"),
            Verb("master-move", ACT, f"{_ACCESS}.masters:master_move"),
        ),
        click=f"{_CLI}.account_parts:master",
    ),
    Command(
        "integration", Wish.ACCESS, "Let another service write to the domain.",
        (Verb("integration-add", ACT, f"{_ACCESS}.integrations:integration_add"),),
        click=f"{_CLI}.account_parts:integration",
    ),
)  # fmt: skip


def synchronise(services: Services, deployment: str, cause: Trigger) -> Outcome:
    """Whole: the short look is for what an event told, and is nobody's to ask for."""
    from portcullis.operations.access.synchronise import synchronise as bring

    return bring(services, deployment, cause)


def apply(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    text: str | None = None,
    adopt: bool = False,
    expected: str = "",
    accept_new: Sequence[str] = (),
    only: Sequence[str] = (),
) -> Outcome:
    from portcullis.operations.access.deployments import apply_text, names_of

    new, parts = names_of("accept_new", accept_new), names_of("only", only)
    return apply_text(
        services, deployment, text, cause, adopt=bool(adopt), expected=expected, accept_new=new, only=parts
    )
