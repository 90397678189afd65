"""Documents: kept in snapshots, shown to be restorable, deleted."""

from __future__ import annotations

from portcullis.entry.verbs.types import ACT, DELETE, LOOK, Command, Document, Verb, Wish

_RESTORE, _DELETE = "restore", "delete-and-shred"
_DATA = "portcullis.operations.data"

COMMANDS = (
    Command(
        "snapshot", Wish.DATA, "Set up, take, restore and list manual snapshots.",
        (
            Verb("snapshot-setup", ACT, f"{_DATA}.snapshots:snapshot_setup"),
            Verb("snapshot-list", LOOK, f"{_DATA}.snapshots:snapshot_list", (
                Document(_RESTORE, "Lists the snapshots of a deployment."),)),
            Verb("snapshot-take", ACT, f"{_DATA}.snapshots:snapshot_take", (
                Document(_RESTORE, "Starts a snapshot of all indices of a deployment."),)),
            Verb("snapshot-restore", ACT, f"{_DATA}.snapshots:snapshot_restore", (
                Document(
                    _RESTORE, "Starts bringing indices of a snapshot back under new names; overwrites nothing.",
                    asks=("name", "indices")),)),
        ),
        click="portcullis.cli.account_parts:snapshot",
    ),
    Command(
        "restorability", Wish.DATA, "Show that the snapshots can be restored.",
        (
            Verb("restorability", ACT, f"{_DATA}.restorability:restorability", (
                Document(_RESTORE, "Restores a sample from the latest snapshot, compares it, removes it."),)),
            Verb("restorability-state", LOOK, f"{_DATA}.restorability:last_check", (
                Document(_RESTORE, "Shows how the last check of the snapshots ended."),)),
        ),
        click="portcullis.cli.custody_verbs:restorability",
    ),
    Command(
        "delete", Wish.DATA, "Delete a deployment, and say what remains.",
        (Verb("delete", DELETE, "portcullis.operations.custody.deleting:delete", (
            Document(
                _DELETE, "Deletes a deployment for good: locks it, takes a final snapshot, deletes the domain, sees it gone.",
                asks=("confirm",), approved=True),
            Document(
                _DELETE, "Calls a deletion off, until the domain itself is being deleted. The deployment stays locked.",
                name="cancel-delete", fixed={"cancel": True}),
        )),),
        click="portcullis.cli.custody_verbs:delete",
    ),
)  # fmt: skip
