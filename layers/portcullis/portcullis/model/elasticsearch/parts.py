"""What several keys of a cluster's file have in common: names of indices, privileges, fields that are seen."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from portcullis.model import names
from portcullis.model.names import Wrong
from portcullis.model.parts import Strict

_LONGEST_PATTERN = 255


def _pattern(value: str) -> str:
    if not value or len(value) > _LONGEST_PATTERN or any(ord(c) < 33 or ord(c) == 127 for c in value):
        raise Wrong(f"{names.shown(value)} is not an index pattern", "a name, * and ? as wildcards, or /expression/")
    if value[0] in "-+" or value.startswith("<"):
        raise Wrong(
            f"{names.shown(value)} matches nothing: a role has no exclusions and no date math",
            "name the indices that are meant: logs-*",
        )
    return value


def _certificate(value: str) -> str:
    if "PRIVATE KEY" in value:
        raise Wrong("holds a private key", "the certificate alone; and change that key, as it has been written down")
    if "-----BEGIN CERTIFICATE-----" not in value or "-----END CERTIFICATE-----" not in value:
        raise Wrong("is no certificate", "the CA's certificate as PEM, as many lines of text (ca: |)")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Certificate = Annotated[str, AfterValidator(_certificate), Field(max_length=20_000)]
Privilege = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*:./\[\]-]{1,256}$")]


class FieldSecurity(Strict):
    grant: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] | None = None
    """Fields that are seen."""
    except_: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(default=(), alias="except")
    """Of those, fields that are not."""
