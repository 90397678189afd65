"""How often ledger and engine are asked: the parts of a world in memory, with every request written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from portcullis.access.actual import Write
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.errors import Conflict, Refused
from portcullis.operations.services import Services

from tests.operations.worlds import Account

API = "/_plugins/_security/api/"
_REQUESTS = {"lease": 2}  # taken and given back; every other call of a ledger is one request


def counted(made: Account) -> tuple[Services, Counted]:
    """The services of a world, whose engine is asked over its API, and what they asked."""
    asked = Counted(made)
    engine = OpenSearchEngine(asked.api, "the engine", "opensearch")
    ledger: Any = asked.ledger()
    return replace(made.services, ledger=ledger, engine=lambda _: engine), asked


class Counted:
    """What was asked since the last `clear`."""

    def __init__(self, made: Account) -> None:
        self._made = made
        self.of_engine: list[str] = []
        self.of_ledger: list[str] = []
        self.before: dict[int, Callable[[], None]] = {}  # what happens before the n-th request to the engine

    def clear(self) -> None:
        self.of_engine.clear()
        self.of_ledger.clear()

    @property
    def ledger_requests(self) -> int:
        return sum(_REQUESTS.get(name, 1) for name in self.of_ledger)

    def ledger(self) -> object:
        counted, part = self, self._made.ledger

        class Passing:
            def __getattr__(self, name: str) -> Any:
                found = getattr(part, name)

                def call(*args: Any, **named: Any) -> Any:
                    counted.of_ledger.append(name)
                    return found(*args, **named)

                return call if callable(found) else found

        return Passing()

    def api(self, method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        """The security API over the engine of the world."""
        self.of_engine.append(f"{method} {path.removeprefix(API)}")
        self.before.pop(len(self.of_engine), lambda: None)()
        kind, _, name = path.removeprefix(API).partition("/")
        if method == "PATCH":
            try:
                changed = self._made.engine.write(Write(kind, body))
            except Conflict as error:
                return 409, {"message": str(error)}
            except Refused as error:
                return 400, {"message": str(error)}
            return 200, {"message": "updated" if changed else "No updates required"}
        documents = self._made.engine.held.of(kind)
        if not name:
            return 200, json.loads(json.dumps(documents))
        found = documents.get(unquote(name))
        return (
            (404, {"status": "NOT_FOUND"}) if found is None else (200, json.loads(json.dumps({unquote(name): found})))
        )
