"""Clusters that are read from here, and what this one lets others read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portcullis.entry.verbs.types import ACT, LOOK, Command, Document, Verb, Wish

if TYPE_CHECKING:
    from portcullis.operations.services import Services
    from portcullis.remotes.parties import Explained

_ENDING, _MOVING = "remote-key-ending", "remote-migration"

COMMANDS = (
    Command(
        "remote", Wish.KEYS, "Look after the keys by which one cluster reads another.",
        (
            Verb("remote-check", LOOK, "portcullis.operations.remotes.asking.checking:remote_check", (
                Document(_ENDING, "Says what is right and wrong with remote clusters, and what could not be seen."),)),
            Verb("remote-connect", ACT, "portcullis.operations.remotes.connecting:connect_remotes"),
            Verb("remote-explain", LOOK, f"{__name__}:remote_explain"),
            Verb("remote-harden", LOOK, "portcullis.operations.remotes.asking.hardening:remote_harden"),
            Verb("remote-keys", LOOK, "portcullis.operations.remotes.asking.showing:remote_keys", (
                Document(_ENDING, "Shows the keys between clusters that a deployment gives and uses, and when they end."),)),
            Verb("remote-migrate", ACT, "portcullis.operations.remotes.moving.migrating:migrate_remote", (
                Document(
                    _MOVING, "Moves a remote cluster from certificates to a key, as far as a person decides.",
                    asks=("alias",)),
                Document(
                    _MOVING, "Undoes a move of a remote cluster, until the old road was given up.",
                    name="remote-migrate-back", asks=("alias",), fixed={"back": True}),)),
            Verb("remote-migration", LOOK, "portcullis.operations.remotes.moving.planning:remote_migration", (
                Document(
                    _MOVING, "Shows the plan of a move, how far it came, and who gains and who loses by it.",
                    asks=("alias",)),)),
            Verb("remote-rotate", ACT, "portcullis.operations.remotes.keys.tending:rotate_remote", (
                Document(
                    _ENDING, "Replaces the key that a deployment reads another cluster with, while people read on.",
                    asks=("alias",)),)),
        ),
        click="portcullis.cli.remotes.remote_verbs:remote",
    ),
)  # fmt: skip


def remote_explain(services: Services, deployment: str, *, person: str, index: str) -> Explained:
    """As both clusters are now; of one that is none of this account's, as far as the side that asks tells."""
    if services.site(deployment).registration.domain is not None:
        from portcullis.entry.verbs.asking import explained_over_domains

        return explained_over_domains(services, deployment, person, index)
    from portcullis.operations.remotes.asking import explaining

    return explaining.remote_explain(services, deployment, person=person, index=index)
