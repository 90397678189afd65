"""How things are, what would be, what was: nothing here changes anything, but for what somebody says they meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portcullis.entry.verbs.reading import reason_of, time_of
from portcullis.entry.verbs.types import ACT, LOOK, Command, Document, Verb, Wish

if TYPE_CHECKING:
    from portcullis.operations.services import Services, Trigger

_ROAD, _DRIFT = "another-road", "drift"
_LOOKING = "portcullis.operations.status"
_LONGEST_HISTORY = 1000  # entries

COMMANDS = (
    Command(
        "list", Wish.LOOK, "List the deployments of the account.",
        (Verb("list", LOOK, f"{_LOOKING}:every", (
            Document("automation-broken", "Lists the deployments, with state and key."),), of_deployment=False),),
        more=(
            "Each with its state and the health of its key.\n\n"
            "Exit status: 1 if one cannot be read; the others are shown."
        ),
        examples=(
            "portcullis list",
            "portcullis list --json | jq -r '.[] | select(.state != \"open\") | .deployment'",
        ),
        show="portcullis.cli.account_look:show_list",
        watched=True,
    ),
    Command(
        "status", Wish.LOOK, "Show how a deployment is, and what asks for attention.",
        (Verb("status", LOOK, f"{_LOOKING}:status", (
            Document("locked-by-revocation", "Shows how a deployment is: its key, its lock, what was last done and why."),)),),
        more="Its gate, its key, what waits to be applied, what asks for attention, the latest changes.",
        examples=("portcullis status demo", "portcullis status demo --watch --every 2", "portcullis status deployments/demo.yaml --json"),
        show="portcullis.cli.account_look:show_status",
        watched=True,
    ),
    Command(
        "history", Wish.LOOK, "Show what was changed, when, by whom and because of what.",
        (Verb("history", LOOK, f"{__name__}:history", (
            Document(_DRIFT, "Shows what was changed, when, by whom and because of what."),)),),
        click="portcullis.cli.account_look:history",
    ),
    Command(
        "drift", Wish.LOOK, "Show what was changed by hand on the engine.",
        (Verb("drift", LOOK, f"{_LOOKING}:drifted", (
            Document(_DRIFT, "Shows what was changed by hand on the engine."),)),),
        click="portcullis.cli.account_look:drift",
    ),
    Command(
        "eyes", Wish.LOOK, "Show what Portcullis does not see any more, and since when.",
        (Verb("eyes", LOOK, "portcullis.operations.watching.seeing:look_everywhere", (
            Document("eyes-shut", "Shows what Portcullis does not see any more, and since when."),), of_deployment=False),),
        more=(
            "It looks now: at the trail, its rules, queues, functions, topic, schedule and alarms.\n\n"
            "Exit status: 0 everything is seen, 3 something is not."
        ),
        examples=("portcullis eyes", "portcullis eyes --json | jq '.shut.account'"),
        show="portcullis.cli.watching:show_eyes",
    ),
    Command(
        "roads", Wish.LOOK, "Show who else may be let in: what differs from what was accepted.",
        (Verb("roads", LOOK, f"{__name__}:roads", (
            Document(_ROAD, "Shows who else may be let in: what differs from what was accepted."),)),),
        click="portcullis.cli.watching:roads",
    ),
    Command(
        "accept", Wish.LOOK, "Say that what opens another road was meant.",
        (Verb("accept", ACT, f"{__name__}:accept", (
            Document(
                _ROAD, "Says that what opens another road was meant: it is compared with from now on.",
                asks=("watch", "reason")),)),),
        click="portcullis.cli.watching:accept",
    ),
)  # fmt: skip


def history(
    services: Services,
    deployment: str,
    *,
    limit: int = 20,
    entry: str = "",
    operation: str = "",
    by: str = "",
    since: str = "",
    until: str = "",
) -> Any:
    from portcullis.errors import BadInput
    from portcullis.operations import status

    if not 1 <= limit <= _LONGEST_HISTORY:
        raise BadInput(
            f"{limit} entries", source="request", place="limit", remedy=f"a whole number from 1 to {_LONGEST_HISTORY}"
        )
    chosen = status.Chosen(
        operation,
        by,
        time_of("since", since) if since else None,
        time_of("until", until) if until else None,
    )
    if entry and chosen != status.Chosen():
        remedy = "an entry alone, or what to choose by"
        raise BadInput("one entry, and what to choose by", source="request", place="entry", remedy=remedy)
    return status.history(services, deployment, limit, entry=entry, chosen=chosen)


def roads(services: Services, deployment: str, cause: Trigger) -> dict[str, Any]:
    from portcullis.operations.watching import roads as watching

    opened = watching.look_at_roads(services, deployment, cause)
    unseen = watching.unseen(services, deployment)
    return {"deployment": deployment, "opened": opened, "unseen": unseen, "exit_status": 3 if opened or unseen else 0}


def accept(services: Services, deployment: str, cause: Trigger, *, watch: str, reason: str = "") -> dict[str, Any]:
    from portcullis.operations.watching import roads as watching

    return watching.accept(services, deployment, cause, watch=watch, reason=reason_of(reason) if reason else "")
