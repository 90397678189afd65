"""JSON and plain values, read as typed ones.

msgspec (0.22.0) learns a type when it is first asked for one, and where several threads ask at once the process may end there (SIGSEGV:
tests/house/test_typed.py shows it). The sweep looks at sixteen deployments side by side, so each type is learned by one thread alone.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_learning, _learned = Lock(), set[Any]()


def of_json(text: bytes | str, kind: type[T]) -> T:
    """Raises msgspec.DecodeError, or its ValidationError where it is JSON and no value of that kind."""
    _learn(kind)
    return msgspec.json.decode(text, type=kind)


def of_plain(value: Any, kind: type[T]) -> T:
    """Of dictionaries, lists and the like. Raises msgspec.ValidationError."""
    _learn(kind)
    try:
        return msgspec.convert(value, kind)
    except UnicodeEncodeError as error:  # JSON may hold half a character, and msgspec cannot say what is wrong with one
        raise msgspec.ValidationError("half a character, which is no text") from error


def _learn(kind: Any) -> None:
    if kind in _learned:
        return
    with _learning:
        msgspec.json.Decoder(kind)
        _learned.add(kind)
