"""What a document does not say is as what it says emptily: engines show what is empty, and files leave it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import Claim
from portcullis.access.questions.answers import Far, Request, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH as ANSWERS
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.granting.callers import mapped_roles
from portcullis.families.opensearch.granting.effect import people
from portcullis.families.opensearch.granting.net import crossings, given, unclear
from portcullis.families.opensearch.names.patterns import unloadable

from tests.access.strategies import KEEPERS

THERE = There(("logs-1", "pay-1"), "OpenSearch_3.3", True, {"all-1": ("logs-1",)})
ENTRY: Json = {
    "index_patterns": ["logs-*", "l?gs-1"],
    "dls": '{"term": {"a": 1}}',
    "fls": ["a"],
    "masked_fields": ["b"],
    "allowed_actions": ["indices:data/read/*"],
}
ROLE: Json = {
    "cluster_permissions": ["cluster:monitor/*"],
    "index_permissions": [ENTRY],
    "tenant_permissions": [{"tenant_patterns": ["t"], "allowed_actions": ["kibana_all_read"]}],
}
MAPPED: Json = {"users": ["anna"], "backend_roles": ["red"], "hosts": ["h"], "and_backend_roles": ["x"]}
USER: Json = {"backend_roles": ["red"], "opendistro_security_roles": ["r"], "attributes": {"a": "b"}}
GROUP: Json = {"allowed_actions": ["indices:data/read/search"], "type": "index"}


def holding(*, role: Json = ROLE, mapping: Json = MAPPED, user: Json = USER, group: Json = GROUP) -> SecurityConfig:
    return SecurityConfig(
        {
            Kind.ROLES: {"r": role, "s": {"index_permissions": [{**ENTRY, "allowed_actions": ["g"]}]}},
            Kind.MAPPINGS: {"r": mapping, "s": {"users": ["anna"]}},
            Kind.USERS: {"anna": user},
            Kind.ACTION_GROUPS: {"g": group},
        }
    )


FULL = holding()
CALLERS = (Caller("anna"), Caller("ben", ("red",)), Caller("cy"))
REQUESTS = (
    Request("read", indices=("logs-1", "pay-1")),
    Request("GET", "/logs-1/_search"),
    Request("GET", "/_cluster/health"),
    Request("read", indices=("far:logs-1",)),
)
CLAIMS = (Claim(Kind.ROLES, "r"), Claim(Kind.MAPPINGS, "r"), Claim(Kind.MAPPINGS, "r", "users", "anna"))


def over(held: SecurityConfig) -> There:
    far = Far("far", "", "connection", "logs", held=held, there=THERE)
    return There(THERE.indices, THERE.engine, True, THERE.aliases, remotes={"far": far})


def locked(held: SecurityConfig) -> Any:
    closed = OPENSEARCH.close(held, KEEPERS.while_locked(), roles_too=True)
    opened = OPENSEARCH.reopen(closed.saved, held)
    written = [[(write.kind, [one["path"] for one in write.body]) for write in of.writes] for of in (closed, opened)]
    return written, closed.touched, closed.left, opened.made_while_locked, opened.lost


TOLD: dict[str, Callable[[SecurityConfig], Any]] = {
    "who administers": lambda held: OPENSEARCH.administrators(held),
    "what is claimed administers": lambda held: [OPENSEARCH.administers(held, claim) for claim in CLAIMS],
    "who has the role": lambda held: OPENSEARCH.holders(held, "r"),
    "roles of callers": lambda held: [mapped_roles(held, one) for one in CALLERS],
    "what somebody may have": lambda held: given(held),
    "what is asked of people": lambda held: [
        ANSWERS.answer(held, caller, request, over(held)) for caller in CALLERS for request in REQUESTS
    ],
    "gains and losses": lambda held: (people(FULL, held).lines(), people(held, FULL).lines()),
    "names where two patterns meet": lambda held: list(crossings(held, {"logs-*": "logs-x", "l?gs-1": "logs-1"})),
    "what examples do not say": lambda held: list(unclear(held, ["r", "s"], "anna", "logs-*")),
    "what no node can load": lambda held: unloadable(held),
    "a lock": locked,
}


def without(document: Json, key: str, *path: str) -> tuple[Json, Json]:
    """A document that says nothing under a key, and one that says it emptily; the path leads to the part that has it."""
    if path:
        first, *rest = path
        parts = [without(one, key, *rest) for one in document[first]]
        return {**document, first: [one for one, _ in parts]}, {**document, first: [other for _, other in parts]}
    left = {name: value for name, value in document.items() if name != key}
    return left, {**left, key: type(document[key])()}


CASES = [
    *(("role", ROLE, key, ()) for key in ROLE),
    *(("role", ROLE, key, ("index_permissions",)) for key in ENTRY),
    *(("role", ROLE, key, ("tenant_permissions",)) for key in ("tenant_patterns", "allowed_actions")),
    *(("mapping", MAPPED, key, ()) for key in (*MAPPING_LISTS, "and_backend_roles")),
    *(("user", USER, key, ()) for key in USER),
    ("group", GROUP, "allowed_actions", ()),
]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize(
    ("what", "document", "key", "path"), CASES, ids=[f"{c[0]} {'.'.join((*c[3], c[2]))}" for c in CASES]
)
def test_what_is_not_said_is_as_what_is_empty(
    what: str, document: Json, key: str, path: tuple[str, ...], told: str
) -> None:
    unsaid, empty = (holding(**{what: one}) for one in without(document, key, *path))
    assert TOLD[told](unsaid) == TOLD[told](empty)
