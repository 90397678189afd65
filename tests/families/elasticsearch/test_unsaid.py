"""What a document does not say is as what it says emptily: engines leave out what is empty, and some show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import Claim, Operation, Step
from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.families.elasticsearch.answering import ELASTICSEARCH as ANSWERS
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.shut import reopen, shut
from portcullis.families.elasticsearch.documents.steps import filters, named
from portcullis.families.elasticsearch.documents.writes import writes
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.elasticsearch.granting.effect import people, rights
from portcullis.families.elasticsearch.granting.losses import losses
from portcullis.families.elasticsearch.granting.who_has import (
    MAPPING,
    REALM,
    administers,
    let_in_by,
    mapped_roles,
    only,
)
from portcullis.families.elasticsearch.known.release import Release

from tests.access.elastic import KEEPERS

NEW, OLD = Release(9, 5), Release(6, 8)
THERE = There(("logs-1", "pay-1"), "elasticsearch-9.5", aliases={"all-1": ("logs-1",)})
REMOTE: Json = {"names": ["logs-*"], "privileges": ["read"], "clusters": ["far"]}
ENTRY: Json = {
    "names": ["logs-*"],
    "privileges": ["read"],
    "query": '{"term": {"a": 1}}',
    "field_security": {"grant": ["a"], "except": []},
    "allow_restricted_indices": True,
}
APPLICATION: Json = {"application": "kibana", "privileges": ["read"], "resources": ["*"]}
ROLE: Json = {
    "cluster": ["monitor"],
    "run_as": ["ben"],
    "indices": [ENTRY],
    "applications": [APPLICATION],
    "remote_indices": [REMOTE],
    "remote_cluster": [{"privileges": ["monitor_enrich"], "clusters": ["far"]}],
    "global": {"application": {"manage": {"applications": ["a"]}}},
    "metadata": {"team": "red"},
}
RULES: Json = {"all": [{"field": {"realm.name": "tokens"}}, {"any": [{"field": {"username": ["anna"]}}]}]}
MAPPED: Json = {"enabled": True, "roles": ["r"], "role_templates": [{"template": {"source": "x"}}], "rules": RULES}
USER: Json = {"roles": ["r"], "enabled": True, "metadata": {"a": 1}}


def holding(*, role: Json = ROLE, mapping: Json = MAPPED, user: Json = USER) -> SecurityConfig:
    admin = {"roles": ["superuser"], "enabled": True}
    return SecurityConfig(
        {
            Kind.ROLES: {"r": role, "superuser": {"cluster": ["all"], "metadata": {"_reserved": True}}},
            Kind.MAPPINGS: {"m": mapping},
            Kind.USERS: {"anna": user, "root": admin},
        }
    )


FULL = holding()
CALLERS = (Caller("anna"), Caller("anna", ("red",), {REALM: "tokens"}), Caller("", (), {MAPPING: "m"}))
REQUESTS = (
    Request("read", indices=("logs-1", "pay-1")),
    Request("write", indices=("logs-1",)),
    Request("GET", "/logs-1/_search"),
    Request("GET", "/_cluster/health"),
)
CLAIMS = (Claim(Kind.ROLES, "r"), Claim(Kind.MAPPINGS, "m"), Claim(MEMBERS, "r", NATIVE_USERS, "anna"))


def step(held: SecurityConfig) -> Step:
    return Step(Operation.REPLACE, Claim(Kind.ROLES, "r"), ROLE, held.of(Kind.ROLES)["r"], "why")


def locked(held: SecurityConfig) -> Iterator[Any]:
    closed = shut(held, KEEPERS.while_locked())
    yield [(write.kind, [one["name"] for one in write.body]) for write in closed.writes]
    yield closed.touched, closed.left
    opened = reopen(closed.saved, held)
    yield (
        [(write.kind, [one["name"] for one in write.body]) for write in opened.writes],
        opened.made_while_locked,
        opened.lost,
    )


TOLD: dict[str, Callable[[SecurityConfig], Any]] = {
    "who administers": lambda held: ELASTICSEARCH.administrators(held),
    "who has the role": lambda held: ELASTICSEARCH.holders(held, "r"),
    "what is claimed administers": lambda held: [administers(held, claim) for claim in CLAIMS],
    "what lets in": lambda held: let_in_by(held, "anna"),
    "roles of callers": lambda held: [mapped_roles(held, one) for one in CALLERS],
    "enough to tell": lambda held: sorted(only(held, ["r"]).of(Kind.MAPPINGS)),
    "what is asked of people": lambda held: [
        ANSWERS.answer(held, caller, request, THERE) for caller in CALLERS for request in REQUESTS
    ],
    "gains and losses": lambda held: (people(FULL, held).lines(), people(held, FULL).lines()),
    "rights": lambda held: rights(held, frozenset(), held, frozenset({"r"})),
    "losses": lambda held: [losses(held, release, licence) for release in (NEW, OLD) for licence in ("trial", "basic")],
    "filters": lambda held: list(filters([step(held)])),
    "names": lambda held: named(Kind.MAPPINGS, held.of(Kind.MAPPINGS)["m"]),
    "a lock": lambda held: list(locked(held)),
    "what is taken and given": lambda held: [
        [(write.kind, len(write.body)) for write in writes(*pair, NEW)] for pair in ((FULL, held), (held, FULL))
    ],
}  # fmt: skip


def without(document: Json, key: str, *path: Any) -> tuple[Json, Json]:
    """A document that says nothing under a key, and one that says it emptily; the path leads to the part that has it."""
    if path:
        first, *rest = path
        parts = [(without(one, key, *rest)) for one in document[first]]
        return {**document, first: [one for one, _ in parts]}, {**document, first: [other for _, other in parts]}
    left = {name: value for name, value in document.items() if name != key}
    return left, {**left, key: type(document[key])()}


CASES = [
    *(("role", ROLE, key, ()) for key in ROLE),
    *(("role", ROLE, key, ("indices",)) for key in ("names", "privileges", "query")),
    *(("role", ROLE, key, ("applications",)) for key in ("privileges", "resources")),
    *(("role", ROLE, key, ("remote_indices",)) for key in REMOTE),
    *(("role", ROLE, key, ("remote_cluster",)) for key in ("privileges", "clusters")),
    *(("mapping", MAPPED, key, ()) for key in ("roles", "role_templates")),
    *(("user", USER, key, ()) for key in ("roles", "metadata")),
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
