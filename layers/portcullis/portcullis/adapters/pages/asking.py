"""Whoever makes pages, asked to make one."""

from __future__ import annotations

import json
from typing import Any

from portcullis.clients import our_errors


def ask_for(client: Any, door: str, deployment: str) -> None:
    """Have the page of a deployment made, and do not wait for it. `client` is a boto3 Lambda client, `door` a function with its alias.

    Raises Refused or Unreachable where that cannot be asked.
    """
    request = {"verb": "keep-page", "deployment": deployment, "cause": "sweep", "actor": "portcullis"}
    with our_errors(f"the page of {deployment} could not be asked for"):
        client.invoke(FunctionName=door, InvocationType="Event", Payload=json.dumps(request).encode())
