"""What both tutorials are played on: who takes part, how the engine is put back afterwards, and Portcullis at work on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import introduce
from portcullis.operations.access.planning import plan
from portcullis.operations.services import Services, Trigger
from portcullis.ports.engine import Engine
from portcullis.ports.identity import IdentityReader
from portcullis.ports.registration import Registration

from local.door.client import At
from local.node.node import Node
from tests.operations.worlds import account

HERE = Path(__file__).parent
PLUGINS, OPENDISTRO = "/_plugins/_security/api", "/_opendistro/_security/api"
CAUSE = Trigger("the tutorial", "a test")

# Steps 26 to 32 of the one, 9 to 15 of the other: the role as the form of Dashboards sends it.
NEW_ROLE: dict[str, Any] = {
    "index_permissions": [
        {
            "index_patterns": ["kibana_sample_data_fli*"],
            "allowed_actions": ["read"],
            "dls": '{ "match": { "FlightDelay": true } }',
            "fls": ["~FlightNum"],
            "masked_fields": ["Dest"],
        }
    ]
}


@dataclass(frozen=True)
class Cast:
    """One tutorial, played once. Sessions take paths of the node: `limited.get("/_search")`."""

    tutorial: str
    node: Node
    master: At
    limited: At
    reaches_role_by: str  # the entry through which the limited user has new-role
    reaches_dashboards_by: tuple[str, str]  # list and entry through which he has kibana_user
    world: Services | None = None  # Portcullis at work, if it set this up


def new_password() -> str:
    return f"A1!{secrets.token_urlsafe(18)}z"


def ok(answer: Any) -> Any:
    """The body of an answer that has to be a success."""
    assert answer.status_code in (200, 201), f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()


@contextmanager
def put_back(node: Node) -> Iterator[None]:
    """The security config as it was before, and none of the tutorial's indices."""
    before = {kind: _held(node, kind) for kind in Kind}
    try:
        yield
    finally:
        for kind in (Kind.MAPPINGS, Kind.ROLES, Kind.USERS, Kind.TENANTS, Kind.ACTION_GROUPS):
            for name, document in _held(node, kind).items():
                if name not in before[kind]:
                    _done(node.ask("DELETE", f"{PLUGINS}/{kind.value}/{name}"))
                elif document != before[kind][name]:
                    kept = {k: v for k, v in before[kind][name].items() if k not in ("reserved", "hidden", "static")}
                    _done(node.ask("PUT", f"{PLUGINS}/{kind.value}/{name}", kept))
        _done(node.ask("DELETE", "/kibana_sample_data_*?expand_wildcards=open"))


def _held(node: Node, kind: Kind) -> dict[str, Any]:
    held: dict[str, Any] = _done(node.ask("GET", f"{PLUGINS}/{kind.value}"))
    return held


def _done(answer: tuple[int, Any]) -> Any:
    assert answer[0] in (200, 201), answer[1]
    return answer[1]


def as_session(session: At) -> OpenSearchEngine:
    """The engine through a session of the tests, as whoever that session is."""

    def send(method: str, path: str, params: Any, body: Any) -> tuple[int, Any]:
        answer = session.request(method, path, params=params, json=body, timeout=30)
        return answer.status_code, answer.json()

    return OpenSearchEngine(send, session.url)


def as_portcullis(
    file: str, registration: Registration, *, automation: Engine, master: Engine, identity: Any, passwords: Any = None
) -> Services:
    """Take the domain under Portcullis' care with a deployment file of this folder, as `domain_setup` does."""
    here = account()
    known: Callable[[Registration], IdentityReader] = lambda _: identity  # noqa: E731
    world = replace(here.services, engine=lambda _: automation, master=lambda _: master, identity=known)
    if passwords is not None:
        world = replace(world, secrets=lambda _: passwords)
    outcome = introduce(world.at(registration), (HERE / file).read_text(encoding="utf-8"), CAUSE)
    assert outcome.status == "applied"
    assert plan(world, registration.deployment, CAUSE).exit_status == 0, "a plan right after is empty"
    return world
