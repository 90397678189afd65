"""Many writers on one domain at once, and people who edit it by hand meanwhile: what became of everything that was written."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.patch import pointer
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.services import Trigger
from portcullis.ports.registration import IamRole

from local.node.node import Node
from tests.operations.on_node import API, MASTER, automation_transport, transport
from tests.operations.worlds import Account, arn, model_text, registration

CAUSE = Trigger("a writer", "somebody")
_SHARED = "road_shared"
_ROLE = "{index_permissions: [{index_patterns: [road-*], allowed_actions: [read]}]}"


@dataclass
class Seen:
    """What the writers and the people saw. Latencies in seconds, of applies that changed something."""

    applies: int = 0
    refused: list[str] = field(default_factory=list)  # errors that a caller of ours saw
    by_hand: list[str] = field(default_factory=list)  # entries appended to the shared mapping
    roles_by_hand: list[str] = field(default_factory=list)
    hand_conflicts: int = 0  # 409s that the people saw, who have no road but the API
    latencies: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def text_of(name: str, turn: int) -> str:
    """The model of one writer at one turn: an own role that changes, an own grant that moves, one in the shared mapping."""
    return model_text(
        f"  roles:\n    road_{name}: {{description: turn {turn}, index_permissions: [{{index_patterns: [road-{turn % 3}*],"
        f" allowed_actions: [read]}}]}}\n    {_SHARED}: {_ROLE}\n"
        f"  grants:\n    - {{role: road_{name}, to: {{backend_role: {name}-{turn % 4}}}}}\n"
        f"    - {{role: {_SHARED}, to: {{backend_role: {name}-{turn % 5}}}}}\n",
        name,
    )


def at_once(node: Node, made: Account, *, writers: int = 16, seconds: float = 8.0) -> Seen:
    """Let them all write for so long, then each a last time, and see what is there. `made` is the world around the node."""
    seen, names = Seen(), [f"writer{number:02}" for number in range(writers)]
    worlds = {}
    for name in names:
        engine = OpenSearchEngine(automation_transport(node), "the node")  # a connection of its own
        worlds[name] = replace(made.services, engine=lambda _, engine=engine: engine, sleep=time.sleep)
        made.ledger.register(registration(name, domain="demo", master=IamRole(MASTER)))
    introduce(worlds[names[0]].at(made.ledger.registration(names[0])), text_of(names[0], 0), CAUSE)
    over, lock, last = time.monotonic() + seconds, threading.Lock(), dict.fromkeys(names, 0)

    def write(name: str) -> None:
        for turn in itertools.count(1):
            if time.monotonic() > over:
                return
            began = time.monotonic()
            try:
                apply_text(worlds[name], name, text_of(name, turn), CAUSE)
            except Exception as error:
                with lock:
                    seen.refused.append(f"{name}: {type(error).__name__}: {error}")
                return
            with lock:
                last[name] = turn
                seen.applies += 1
                seen.latencies.append(time.monotonic() - began)

    with ThreadPoolExecutor(writers + 1) as crowd:
        crowd.submit(_by_hand, node, over, seen)
        list(crowd.map(write, names))
    held = made.services.engine(made.ledger.registration(names[0])).read()
    for name in names:
        turn = last[name]
        wanted = [(f"road_{name}", f"{name}-{turn % 4}"), (_SHARED, f"{name}-{turn % 5}")]
        seen.lost += [f"{e} in {role}" for role, e in wanted if e not in held.entries(role, "backend_roles")]
        stale = [e for e in held.entries(_SHARED, "backend_roles") if e.startswith(f"{name}-") and e != wanted[1][1]]
        seen.lost += [f"the removal of {entry}" for entry in stale]
        if (held.get(Kind.ROLES, f"road_{name}") or {}).get("description") != f"turn {turn}":
            seen.lost.append(f"turn {turn} of road_{name}")
    there = held.entries(_SHARED, "backend_roles")
    seen.lost += [f"{entry}, by hand" for entry in seen.by_hand if entry not in there]
    seen.lost += [f"{role}, by hand" for role in seen.roles_by_hand if role not in held.of(Kind.ROLES)]
    return seen


def _by_hand(node: Node, over: float, seen: Seen) -> None:
    """A person at Dashboards: entries appended to the shared mapping, roles made; tried again as often as it is refused."""
    send = transport(node)
    for number in itertools.count():
        if time.monotonic() > over:
            return
        entry, role = arn("role", f"by-hand-{number}"), f"road_hand_{number}"
        append = [{"op": "add", "path": pointer(_SHARED, "backend_roles", "-"), "value": entry}]
        if _until_taken(send, "PATCH", f"{API}/rolesmapping", append, over, seen):
            seen.by_hand.append(entry)
        if _until_taken(send, "PUT", f"{API}/roles/{role}", {"cluster_permissions": ["cluster_monitor"]}, over, seen):
            seen.roles_by_hand.append(role)
        time.sleep(0.05)


def _until_taken(send: object, method: str, path: str, body: object, over: float, seen: Seen) -> bool:
    assert callable(send)
    while time.monotonic() < over + 5:
        status, answer = send(method, path, None, body)
        if status in (200, 201):
            return True
        assert status == 409, answer
        seen.hand_conflicts += 1
    return False


def described(seen: Seen) -> Sequence[str]:
    latencies = sorted(seen.latencies)
    median = latencies[len(latencies) // 2] if latencies else 0.0
    return (
        f"{seen.applies} applies, median {median:.2f} s; {len(seen.by_hand)} entries and {len(seen.roles_by_hand)} roles by hand",
        f"{len(seen.refused)} errors seen by a caller, {len(seen.lost)} updates lost, {seen.hand_conflicts} conflicts seen by hand",
    )
