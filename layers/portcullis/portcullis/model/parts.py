"""What the types of the deployment file have in common."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from portcullis.access.questions.assertions import read
from portcullis.errors import BadInput
from portcullis.families.opensearch.names.patterns import unreadable
from portcullis.model import names
from portcullis.model.names import Wrong

Path = tuple[str | int, ...]


def named(what: str) -> tuple[AfterValidator, WithJsonSchema]:
    def checked(value: str) -> str:
        return names.check(what, value)

    return AfterValidator(checked), WithJsonSchema({"type": "string", "pattern": names.pattern_of(what)})


def _plain(value: str) -> str:
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in value):
        raise Wrong(f"{names.shown(value)} holds control characters", "plain text")
    return value


def _readable(value: str) -> str:
    if not value.strip():
        raise Wrong("is blank", "a name, or leave it out")
    if why := unreadable(value):
        raise Wrong(
            f"{names.shown(value)} is not a regular expression: {why}", "no slashes around it, or an expression"
        )
    return value


# Prefix lengths of the widest blocks that are anybody's own: 10.0.0.0/8, and fc00::/7.
_WIDEST = {4: 8, 6: 7}


def _block(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise Wrong(f"{names.shown(value)} is no block of addresses: {error}", "such as 10.20.0.0/16") from None
    if network.prefixlen == 0:
        raise Wrong(f"{names.shown(value)} is the whole internet", "the addresses that are meant")
    if network.prefixlen < _WIDEST[network.version]:
        raise Wrong(f"{names.shown(value)} is a large part of the whole internet", "the addresses that are meant")
    return value


def _blocks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Blocks that are one block together are as wide as that."""
    fourth = ipaddress.collapse_addresses(ipaddress.IPv4Network(value) for value in values if ":" not in value)
    sixth = ipaddress.collapse_addresses(ipaddress.IPv6Network(value) for value in values if ":" in value)
    for network in (*fourth, *sixth):
        try:
            _block(str(network))
        except Wrong as wrong:
            raise Wrong(f"together they are too much: {wrong.problem}", wrong.remedy) from None
    return values


Name = Annotated[str, *named("a name")]
UserName = Annotated[str, *named("a user name")]
Region = Annotated[str, *named("a Region")]
SecretName = Annotated[str, *named("a secret")]
Text = Annotated[str, AfterValidator(_plain), Field(max_length=2000)]
Block = Annotated[str, AfterValidator(_block)]
Blocks = Annotated[tuple[Block, ...], AfterValidator(_blocks)]
IndexPattern = Annotated[str, AfterValidator(names.check_index_pattern), Field(max_length=255)]
PERMISSION = r"^[A-Za-z0-9_*?:./\[\]#-]{1,256}$"
Permission = Annotated[str, Field(pattern=PERMISSION), AfterValidator(_readable)]
TenantPattern = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_readable)]


def _assertion(value: str) -> str:
    try:
        found = read(value)
    except BadInput as error:
        raise Wrong(error.problem, error.remedy) from None
    if not found.of_one_state:
        raise Wrong(
            f"{names.shown(value)} is about a change, and a file is one state",
            "portcullis diff OLD NEW --assert says it",
        )
    return value


AssertionText = Annotated[str, AfterValidator(_assertion), Field(max_length=500)]


class Strict(BaseModel):
    """What all parts of the file have in common: unknown keys refused, no silent conversion, never changed after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def dotted(path: Path) -> str:
    """A key path as people write it: access.grants[2].level, access.roles['a b']."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w*-]+", part):
            text += ("." if text else "") + part
        else:
            text += f"[{names.shown(part)}]"
    return text
