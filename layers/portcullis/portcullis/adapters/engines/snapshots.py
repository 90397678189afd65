"""Manual snapshots of a search domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portcullis.access.actual import Json
from portcullis.adapters.engines.answers import refuse
from portcullis.errors import Refused

Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]
_FINAL = ("snapshot_restore_exception", "repository_verification_exception")


class OpenSearchSnapshots:
    """The Snapshots protocol. `transport` signs as the role that is mapped to manage_snapshots."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name

    def register(self, repository: str, settings: Mapping[str, Any], kind: str = "s3") -> None:
        self._ask("PUT", f"/_snapshot/{repository}", {"type": kind, "settings": dict(settings)})

    def take(self, repository: str, snapshot: str, indices: str) -> None:
        body = {"indices": indices, "include_global_state": False, "partial": False}
        self._ask("PUT", f"/_snapshot/{repository}/{snapshot}", body)

    def restore(self, repository: str, snapshot: str, indices: str, prefix: str) -> None:
        body: Json = {"indices": indices, "include_global_state": False, "include_aliases": not prefix}
        # A snapshot of a locked or frozen domain holds its blocks: what comes back can be used.
        body["ignore_index_settings"] = ["index.blocks.read", "index.blocks.write"]
        if prefix:
            body |= {"rename_pattern": "(.+)", "rename_replacement": f"{prefix}$1"}
        self._ask("POST", f"/_snapshot/{repository}/{snapshot}/_restore", body)

    def listed(self, repository: str) -> list[Json]:
        found = self._ask("GET", f"/_snapshot/{repository}/_all", None)["snapshots"]
        return [
            {
                "snapshot": one["snapshot"],
                "state": one["state"],
                "start": one.get("start_time", ""),
                "end": one.get("end_time", ""),
                "indices": sorted(one.get("indices", ())),
                "failures": len(one.get("failures", ())),
            }
            for one in found
        ]

    def _ask(self, method: str, path: str, body: Any) -> Any:
        status, answer = self._transport(method, path, None, body)
        if status not in (200, 201, 202):
            if status == 500 and any(
                one in str(answer) for one in _FINAL
            ):  # the engine's 500, but no trouble of its own
                status = 400
            if "repository_missing_exception" in str(answer):
                raise Refused(f"{self._name} knows no such repository: portcullis snapshot setup registers it")
            refuse(self._name, status, answer, f"{method} {path}")
        return answer
