"""Keystores of nodes on EC2, or on machines that Systems Manager manages: each node takes the key out of its secret by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from portcullis.clients import error_code, our_errors
from portcullis.errors import Unreachable
from portcullis.ports.registration import SsmKeystore
from portcullis.ports.remotes import KeyText

# A machine takes a command up at once or never: one that came an hour later would undo what was done since. With the time that the document
# gives the command itself (stacks/keystores.py) it is over before we stop waiting, and so within the lease of whoever writes keystores.
_TAKEN_UP_WITHIN_S, _WITHIN_S, _EVERY_S = 30, 100, 2
_ON_ITS_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")


class SsmKeystores:
    """The Keystores protocol. `client` is a boto3 SSM client in the Region of the machines. No text is sent: the key has to be in its
    secret before, which is how a key is handed on."""

    def __init__(self, client: Any, at: SsmKeystore, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._at, self._sleep = client, at, sleep

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(self._at.nodes)

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        machine, what = self._at.nodes[node], f"the keystore of {node} was not written"
        with our_errors(what):
            sent = self._client.send_command(
                DocumentName=self._at.document,
                InstanceIds=[machine],
                Parameters={"Alias": [alias], "Do": ["remove" if text is None else "put"]},
                TimeoutSeconds=_TAKEN_UP_WITHIN_S,
            )
            status, code = self._ended(sent["Command"]["CommandId"], machine)
        if status != "Success":
            because = {64: "the file that is deployed names no such alias", 65: "its secret holds no key"}.get(code)
            ended = because or f"the command on {machine} is {status}, exit status {code}"
            raise Unreachable(f"{what}: {ended}")

    def _ended(self, command: str, machine: str) -> tuple[str, int]:
        """How it ended, and the script's exit status. What it printed is not read."""
        status, code = "Pending", -1
        for _ in range(_WITHIN_S // _EVERY_S):
            try:
                found = self._client.get_command_invocation(CommandId=command, InstanceId=machine)
            except Exception as error:
                if error_code(error) != "InvocationDoesNotExist":  # not there yet
                    raise
            else:
                status, code = str(found["Status"]), int(found.get("ResponseCode", -1))
                if status not in _ON_ITS_WAY:
                    break
            self._sleep(_EVERY_S)
        return status, code
