"""Traces of what a handler does, made when it is first called: making a Tracer loads the X-Ray SDK and half of botocore."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

Handler = Callable[[Any, Any], Any]


def traced(handler: Handler) -> Handler:
    """The handler in a trace. What it answers holds who may see what, and is no part of it."""

    @cache
    def in_a_trace() -> Handler:
        from aws_lambda_powertools import Tracer

        wrapped: Handler = Tracer().capture_lambda_handler(handler, capture_response=False)
        return wrapped

    @wraps(handler)
    def call(event: Any, context: Any) -> Any:
        return in_a_trace()(event, context)

    return call
