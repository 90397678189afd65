"""Deployment files, and questions that a file answers by itself."""

from __future__ import annotations

from portcullis.entry.verbs.types import LOOK, Command, Verb, Wish

_MODEL = "portcullis.cli.model_verbs"

COMMANDS = (
    Command(
        "check", Wish.FILES, "Validate deployment files, and say what in them is seldom meant.",
        (Verb("check", LOOK, "portcullis.operations.access.checking:check"),),
        click=f"{_MODEL}:check",
    ),
    Command("init", Wish.FILES, "Write a deployment file to start from.", click=f"{_MODEL}:init"),
    Command("schema", Wish.FILES, "Print the JSON Schema of the deployment file.", click=f"{_MODEL}:schema"),
)  # fmt: skip
