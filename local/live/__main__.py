"""The process of the live page: `Page.started` starts it, with the credentials of somebody who may only look, on a life line."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from portcullis.entry.ask import ask

from local.live import PATH, PORT
from local.live.looking import Looks
from local.live.serving import Live


def _ask(verb: str, deployment: str | None, arguments: Mapping[str, Any]) -> Any:
    return ask(verb, deployment, arguments, command="the live page of make up")


def main() -> int:
    server = Live(int(os.environ[PORT]), os.environ[PATH], Looks(_ask))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("the live page is served", flush=True)
    while os.read(sys.stdin.fileno(), 4096):  # the life line: it ends with whoever holds the other end
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
