"""The emulator's process: `python -m local.aws.launch SPEC.json`, started by `local.aws.emulator`.

It binds its socket first (so a free port is really ours), patches MiniStack in memory, starts the front doors as threads
where the spec asks for some, and ends with its Lambda workers when its standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

HOST = "127.0.0.1"


def main(spec_file: str) -> None:
    spec = json.loads(Path(spec_file).read_text())
    os.environ.pop("PYTHONPATH", None)  # how we were found; Lambda code must not find us
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, spec["port"]))
    listener.listen(256)
    port = listener.getsockname()[1]
    os.environ["GATEWAY_PORT"] = str(port)  # MiniStack and the Lambdas it starts read it when they are imported
    endpoint = f"http://{HOST}:{port}"

    install(spec)
    signal.signal(signal.SIGTERM, lambda *_: _end())
    threading.Thread(target=_life_line, daemon=True, name="life-line").start()
    from local.aws import admin, domain, masters

    door = _door(spec["door"]) if spec.get("door") is not None else None
    domain.default_endpoint = spec.get("domain_endpoint") or door
    for one in (*filter(None, [spec.get("door")]), *spec.get("further_doors", ())):
        masters.know(one)
    for further in spec.get("further_doors", ()):
        domain.endpoints[further["domain"]] = _door(further)
    asyncio.run(
        _serve(listener, admin.guarded(spec["admin_token"]), Path(spec["ready"]), {"endpoint": endpoint, "door": door})
    )


def _door(spec: dict[str, Any]) -> str:
    from local.door import serve

    return serve.start_in_thread(spec)


def install(spec: dict[str, Any]) -> None:
    """Every addition, in the order they build on one another."""
    from local.aws import (
        access,
        buckets,
        clock,
        connections,
        domain,
        endpoints,
        faults,
        identity_pools,
        keys,
        masters,
        queues,
        runtime,
        security_groups,
    )
    from local.aws.automation_documents import automation, documents
    from local.aws.cloudformation import attributes, cfn_accounts, cfn_network, cfn_secrets, cfn_watch, service_roles
    from local.aws.trail import delivery, events

    runtime.install(Path(spec["home"]))
    for addition in (
        access,
        buckets,
        keys,
        queues,
        security_groups,
        documents,
        automation,
        domain,
        masters,
        endpoints,
        connections,
        service_roles,
        cfn_network,
        cfn_accounts,
        cfn_secrets,
        cfn_watch,
        attributes,
        identity_pools,
        delivery,
        events,
        faults,
        clock,
    ):
        addition.install()


async def _serve(listener: socket.socket, app: Any, ready: Path, told: dict[str, Any]) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    partial = ready.with_suffix(".part")
    partial.write_text(json.dumps(told))
    partial.replace(ready)
    # A trigger of our own keeps hypercorn from installing signal handlers: SIGTERM ends us at once, see `main`.
    await serve(app, config, shutdown_trigger=asyncio.Event().wait)


def _life_line() -> None:
    """End when whoever started us is gone or closes our standard input, and take the Lambda workers along."""
    while os.read(0, 4096):
        pass
    _end()


def _end() -> None:
    for worker in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
