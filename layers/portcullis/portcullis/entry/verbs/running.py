"""Portcullis itself: its sweep, its dead letters, what it makes of events."""

from __future__ import annotations

from portcullis.entry.verbs.types import ACT, Command, Document, Verb, Wish

COMMANDS = (
    Command(
        "sweep", Wish.RUN, "Read the whole truth of all deployments now.",
        (Verb("sweep", ACT, "portcullis.operations.sweep:sweep_and_tell", (
            Document("automation-broken", "Reads the whole truth of all deployments now."),), of_deployment=False),),
        click="portcullis.cli.account_change:sweep",
    ),
    Command(
        "redrive", Wish.RUN, "Give the dead letters another try.",
        (Verb("redrive", ACT, "portcullis.operations.redrive:redrive", (
            Document("dead-letters", "Puts the dead letters back into their queues, once the cause is mended."),),
            of_deployment=False),),
        more="Do it once their cause is mended: they go back to the queues they came from.",
        examples=("portcullis redrive",),
        show="portcullis.cli.account_change:show_redriven",
    ),
    Command(
        "signal", Wish.RUN, "Say what AWS events mean to a deployment, or why they mean nothing.",
        click="portcullis.cli.signal:signal",
    ),
    Command(
        "completion", Wish.RUN, "Print the completion script of a shell.",
        click="portcullis.cli.completion:completion",
    ),
)  # fmt: skip
