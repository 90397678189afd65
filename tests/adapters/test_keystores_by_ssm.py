"""Nodes are told by Systems Manager to take a key: by one document, with an alias, and without the key.

No machine answers here: how a command ends is played by a client with the API's own names.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from portcullis.adapters.keystores.ssm import SsmKeystores
from portcullis.errors import Refused, Unreachable
from portcullis.ports.registration import SsmKeystore
from portcullis.ports.remotes import KeyText

AT = SsmKeystore("portcullis-orders-keystore", {"node-1": "i-0123456789abcdef0", "node-2": "mi-0123456789abcdef0"})
TEXT = KeyText("key-1", "aWQ6c2VjcmV0")


def no(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Call")


class Machines:
    """`ends`: what is shown of the command, look by look; the last of them from then on."""

    def __init__(self, *ends: Any, sending: Exception | None = None) -> None:
        self.ends, self.sending, self.sent = list(ends), sending, list[Any]()

    def send_command(self, **asked: Any) -> Any:
        if self.sending:
            raise self.sending
        self.sent.append(asked)
        return {"Command": {"CommandId": "c-1"}}

    def get_command_invocation(self, CommandId: str, InstanceId: str) -> Any:  # noqa: N803 - the API's own names
        assert CommandId == "c-1"
        shown = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(shown, Exception):
            raise shown
        status, code = shown
        return {"Status": status, "ResponseCode": code, "InstanceId": InstanceId}


def keystores(machines: Machines) -> tuple[SsmKeystores, list[float]]:
    slept: list[float] = []
    return SsmKeystores(machines, AT, slept.append), slept


@pytest.mark.parametrize(("text", "do"), [(TEXT, "put"), (None, "remove")])
def test_a_node_is_told_an_alias_and_no_key(text: KeyText | None, do: str) -> None:
    machines = Machines(no("InvocationDoesNotExist"), ("Pending", -1), ("InProgress", -1), ("Success", 0))
    found, slept = keystores(machines)
    assert found.nodes == {"node-1", "node-2"}
    found.put("node-2", "dc2", text)
    assert machines.sent == [
        {
            "DocumentName": "portcullis-orders-keystore",
            "InstanceIds": ["mi-0123456789abcdef0"],
            "Parameters": {"Alias": ["dc2"], "Do": [do]},
            "TimeoutSeconds": 30,
        }
    ]
    assert len(slept) == 3


@pytest.mark.parametrize(
    ("machines", "error", "words"),
    [
        (Machines(("Failed", 64)), Unreachable, "names no such alias"),
        (Machines(("Failed", 65)), Unreachable, "holds no key"),
        (Machines(("Failed", 66)), Unreachable, "exit status 66"),
        (Machines(("TimedOut", -1)), Unreachable, "TimedOut"),
        (Machines(("InProgress", -1)), Unreachable, "InProgress"),
        (Machines(sending=no("InvalidInstanceId")), Refused, "InvalidInstanceId"),
        (Machines(sending=no("AccessDeniedException")), Refused, "AccessDenied"),
        (Machines(sending=no("ThrottlingException")), Unreachable, "Throttling"),
        (Machines(sending=ConnectTimeoutError(endpoint_url="https://ssm")), Unreachable, "node-1"),
        (Machines(no("AccessDeniedException")), Refused, "AccessDenied"),
    ],
)
def test_what_was_not_written_says_why(machines: Machines, error: type[Exception], words: str) -> None:
    found, _ = keystores(machines)
    with pytest.raises(error, match=words) as said:
        found.put("node-1", "dc2", TEXT)
    assert "the keystore of node-1 was not written" in str(said.value)
    assert TEXT.encoded not in str(said.value)
