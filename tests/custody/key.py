"""A key in every state the histories know, and what each probe reads of it, through the readers of custody.probes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portcullis.custody.keys import probes
from portcullis.custody.types import DESCRIBE, ENCRYPT, GRANTS, USE, Probe

DOMAIN_ARN = "arn:aws:es:eu-west-1:111122223333:domain/demo"
START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("disabled", "pending", "material", "denied", "use", "grant", "deleted", "store")


def _error(code: str, text: str = "") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": 400}}


def _key(state: str) -> dict[str, Any]:
    return {"KeyMetadata": {"KeyState": state}}


def _table() -> dict[tuple[str | None, str], Probe]:
    """(what is true of the key, probe) -> what that probe reads, through the readers."""
    denied = _error("AccessDeniedException", "x is not authorized because no resource-based policy allows the action")
    usable = {"KeyId": "k"}
    answers: dict[str | None, tuple[Any, Any]] = {
        None: (_key("Enabled"), usable),
        "disabled": (_key("Disabled"), _error("DisabledException")),
        "pending": (_key("PendingDeletion"), _error("KMSInvalidStateException", "k is pending deletion.")),
        "material": (_key("PendingImport"), _error("KMSInvalidStateException", "k is pending import.")),
        "denied": (denied, denied),
        "use": (_key("Enabled"), denied),
        "grant": (_key("Enabled"), usable),
        "deleted": (_error("NotFoundException", "k"), _error("NotFoundException", "k")),
        "store": (_key("Unavailable"), _error("KMSInvalidStateException", "k is unavailable.")),
        "unreachable": ("ReadTimeoutError", _error("ThrottlingException")),
        "lie": (denied, denied),
    }
    table: dict[tuple[str | None, str], Probe] = {}
    for kind, (described, used) in answers.items():
        table[kind, DESCRIBE] = probes.read_describe(described, START)
        table[kind, USE] = probes.read_use(used)
        table[kind, ENCRYPT] = probes.read_use(used, ENCRYPT)
        grants: Any = {"Grants": [{"GranteePrincipal": "es.amazonaws.com"}] if kind != "grant" else []}
        if kind in ("denied", "deleted", "lie"):
            grants = denied
        probe = probes.read_grants(
            "timed out" if kind == "unreachable" else grants, domain_arn=DOMAIN_ARN, expected=True
        )
        assert probe is not None
        table[kind, GRANTS] = probe
    return table


READS = _table()
PROBES = (DESCRIBE, USE, ENCRYPT, GRANTS)
