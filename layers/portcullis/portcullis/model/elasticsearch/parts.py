"""What several keys of a cluster's file have in common: names of indices, privileges, fields that are seen."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from portcullis.families.elasticsearch.known.names import is_expression
from portcullis.families.lucene_regex import why_not
from portcullis.model import names
from portcullis.model.names import Wrong
from portcullis.model.parts import Strict

_LONGEST_PATTERN = 255
# As 9.5.3 and 6.8.23 want it: a plain word, and behind it, after - or _, what may be a file's name; with * at the end, if at all.
_APPLICATION = re.compile(r"[a-z][A-Za-z0-9]{2,}(?:[-_][^\s\"*\\<|,>/?]*\*?)?|(?:[a-z][A-Za-z0-9]*)?\*")


def _pattern(value: str) -> str:
    if not value or len(value) > _LONGEST_PATTERN or any(ord(c) < 33 or ord(c) == 127 for c in value):
        raise Wrong(f"{names.shown(value)} is not an index pattern", "a name, * and ? as wildcards, or /expression/")
    if value[0] in "-+" or value.startswith("<"):
        raise Wrong(
            f"{names.shown(value)} matches nothing: a role has no exclusions and no date math",
            "name the indices that are meant: logs-*",
        )
    return _readable(value)


def _readable(value: str) -> str:
    """A cluster refuses some that it cannot read, and takes others: of these every request of their holders ends in an error."""
    if is_expression(value) and (why := why_not(value[1:-1])):
        raise Wrong(f"{names.shown(value)} is not a regular expression: {why}", "/expression/, as Lucene reads it")
    return value


def _application(value: str) -> str:
    if not _APPLICATION.fullmatch(value):
        raise Wrong(
            f"{names.shown(value)} is not the name of an application",
            "kibana-.kibana and the like: three letters or digits at least, a lower-case letter first; or with * at its end",
        )
    return value


def _certificate(value: str) -> str:
    if "PRIVATE KEY" in value:
        raise Wrong("holds a private key", "the certificate alone; and change that key, as it has been written down")
    if "-----BEGIN CERTIFICATE-----" not in value or "-----END CERTIFICATE-----" not in value:
        raise Wrong("is no certificate", "the CA's certificate as PEM, as many lines of text (ca: |)")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
ApplicationName = Annotated[str, AfterValidator(_application), Field(min_length=1, max_length=256)]
# A name, or a /regular expression/, of whatever else: fields, users.
NameOrExpression = Annotated[str, AfterValidator(_readable), Field(min_length=1, max_length=256)]
Certificate = Annotated[str, AfterValidator(_certificate), Field(max_length=20_000)]
Privilege = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*:./\[\]-]{1,256}$")]


class FieldSecurity(Strict):
    grant: tuple[NameOrExpression, ...] | None = None
    """Fields that are seen."""
    except_: tuple[NameOrExpression, ...] = Field(default=(), alias="except")
    """Of those, fields that are not."""
