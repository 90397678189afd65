"""What is asked of the door, in the one reading that door and node share; what could be read in two ways is refused.

A signature covers a normalised path and sorted parameters. Measured on 2.19.3 and 3.4.0: `//i/_search` is routed as `/_search` (the
index is taken for a host), `;` separates parameters as `&` does, of a repeated parameter the last counts, a broken escape in a path
ends the connection without an answer. The node decodes each path segment once and by itself, so an encoded slash in a document id is
only a character there, and stays allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from local.door.answers import Refused, malformed

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
# RFC 3986's pchar and the slash; anything else has to be percent-encoded.
PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
# Looser, as clients are: any visible character but the second separator and the fragment's.
QUERY = re.compile(r"(?:[\x21-\x22\x24\x26-\x3a\x3c-\x7e]|%[0-9A-Fa-f]{2})*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Of these one is meant, and two would leave the choice to whoever reads.
ONCE = ("host", "authorization", "content-type", "content-encoding", "content-length", "transfer-encoding", "x-amz-date",
        "x-amz-security-token", "x-amz-content-sha256")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived. `path` and `query` are raw (still encoded), header names lower case, `address` the caller's IP."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    address: str

    @property
    def action(self) -> str:
        """The IAM action: es:ESHttpGet and so on."""
        return f"es:ESHttp{self.method.capitalize()}"

    @property
    def decoded(self) -> str:
        """The path as policies see it."""
        return unquote(self.path)


def read(method: str, target: str, headers: Iterable[tuple[bytes, bytes]], address: str) -> Asked:
    """Raises Refused: 405 for a method Amazon does not forward, 400 for what could be read in two ways."""
    if method not in METHODS:
        raise Refused(405, {"message": f"{method} is not supported"})
    path, mark, query = target.partition("?")
    check_path(path)
    if mark:
        check_query(query)
    return Asked(method, path, query, _joined(headers), address)


def check_path(path: str) -> None:
    """Raises Refused (400) for a path that may be normalised or decoded in more than one way."""
    if not PATH.fullmatch(path):
        raise malformed("the path is not an encoded absolute path")
    try:
        segments = [unquote(segment, errors="strict") for segment in path.split("/")[1:]]
    except UnicodeDecodeError:
        raise malformed("the path is not UTF-8") from None
    if "" in segments[:-1]:
        raise malformed("the path has an empty segment")
    for segment in segments:
        if CONTROL.search(segment):
            raise malformed("the path has a control character")
        if {".", ".."} & set(re.split(r"[/\\]", segment)):
            raise malformed("the path has a dot segment")


def check_query(query: str) -> None:
    """Raises Refused (400) for a query string of which signature and node could see different parameters."""
    if not QUERY.fullmatch(query):
        raise malformed("the query string is not encoded, or has a ';'")
    try:
        names = [unquote_plus(pair.partition("=")[0], errors="strict") for pair in query.split("&")]
        unquote_plus(query, errors="strict")
    except UnicodeDecodeError:
        raise malformed("the query string is not UTF-8") from None
    if len(names) != len(set(names)):
        raise malformed("a parameter is given twice, and a signature does not cover their order")


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
        if name in joined and name in ONCE:
            raise malformed(f"the header {name} is given twice")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    if "upgrade" in joined:
        raise malformed("the protocol cannot be changed here")
    return joined


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
