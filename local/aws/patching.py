"""The three ways MiniStack is patched, so that each addition says what it does and not how it hooks in."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], Any]


class Refusal(Exception):
    """An error as the service would answer it: code, message, HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def answer(body: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body, default=str).encode()


def refuse(refusal: Refusal) -> Answer:
    return answer({"__type": refusal.code, "message": str(refusal)}, refusal.status)


def service(name: str) -> Any:
    """A MiniStack service module, registered as loaded so that its hooks see it."""
    return importlib.import_module(f"ministack.services.{name}")


def add_operations(module: Any, operations: Mapping[str, Operation]) -> None:
    """Add or replace operations of a JSON service (X-Amz-Target). An operation returns the body, or raises Refusal."""
    known = module.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        operation = operations.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
        if operation is None:
            return await known(method, path, headers, body, query_params)
        try:
            return answer(operation(json.loads(body or b"{}")))
        except Refusal as refusal:
            return refuse(refusal)

    module.handle_request = handle_request


def checked(result: Any, what: str) -> dict[str, Any]:
    """The parsed body of a MiniStack handler's answer; ValueError (which fails a stack) if it refused."""
    status, _headers, body = result
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 400:
        raise ValueError(f"{what}: {text}")
    return json.loads(text) if text.lstrip().startswith("{") else {}
