"""A deployment's key: looked at, replaced, destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portcullis.entry.verbs.types import ACT, DELETE, LOOK, Command, Document, Verb, Wish

if TYPE_CHECKING:
    from portcullis.operations.custody.shredding import Shredding
    from portcullis.operations.services import Services, Trigger

_REKEY, _DELETE = "re-key", "delete-and-shred"
_CHECK, _MOVING = "portcullis.operations.keys.check", "portcullis.operations.keys.rekeying"

COMMANDS = (
    Command(
        "key", Wish.KEYS, "Check a key, show how it is, print the policy its owner has to paste.",
        (
            Verb("key-check", LOOK, f"{_CHECK}:key_check", (
                Document("key-unreachable", "Says what is OK and what is wrong with a deployment's key, with remedies."),)),
            Verb("key-status", LOOK, f"{_CHECK}:key_status", (
                Document("rotation-not-followed", "Shows a deployment's key: state, rotation, rotations left, expiry."),)),
            Verb("key-policy", LOOK, f"{_CHECK}:key_policy"),
        ),
        click="portcullis.cli.key_verbs:key",
    ),
    Command(
        "re-key", Wish.KEYS, "Move a deployment to one under another key, every document checked.",
        (
            Verb("re-key", ACT, f"{_MOVING}:rekey", (
                Document(
                    _REKEY, "Moves a deployment to one under another key, or goes on with that; every document is compared.",
                    asks=("to",)),
                Document(
                    _REKEY, "Calls a re-key off, as long as clients were not told the new endpoint.",
                    name="cancel-re-key", fixed={"cancel": True}),
            )),
            Verb("re-key-state", LOOK, f"{_MOVING}:rekey_state", (Document(_REKEY, "Shows how far a re-key is."),)),
        ),
        click="portcullis.cli.custody_verbs:re_key",
    ),
    Command(
        "shred", Wish.KEYS, "Say what destroying a key destroys; with --yes, schedule it.",
        (
            Verb("shred-plan", LOOK, f"{__name__}:shred_plan", (
                Document(_DELETE, "Says what destroying a deployment's key would destroy. Does nothing."),)),
            Verb("shred", DELETE, "portcullis.operations.custody.shredding:shred", (
                Document(
                    _DELETE,
                    "Schedules the deletion of a locked deployment's key."
                    " After the waiting time nobody can read the data again.",
                    asks=("confirm", "days"), fixed={"yes": True}, approved=True),)),
        ),
        click="portcullis.cli.custody_verbs:shred",
    ),
)  # fmt: skip


def shred_plan(services: Services, deployment: str, cause: Trigger) -> Shredding:
    """What the verb would do; nothing is asked for with it."""
    from portcullis.operations.custody.shredding import shred

    return shred(services, deployment, cause)
