"""A cluster of Elasticsearch in memory, for the laws of the road: as it is before anything of ours is on it."""

from __future__ import annotations

from typing import Any

from portcullis.access.actual import Json, Write
from portcullis.families.elasticsearch.documents.baseline import DOCUMENTS, SECURITY_ROLE
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig

MASTER, AUTOMATION, BREAK_GLASS = "elastic", "portcullis", "break-glass"
# Native users, as their owner made them: the people of the groups, and those who are granted something by name.
PEOPLE = ("anna", "ben", "carl", "dora", "emil")
_FIXED: Json = {"_reserved": True}


def user(*roles: str, **more: Any) -> Json:
    return {"roles": list(roles), "full_name": None, "email": None, "metadata": {}, "enabled": True, **more}


def house() -> SecurityConfig:
    """The superuser of the start, people who have nothing of ours yet, and the automation's user with what it was given by hand."""
    superuser = {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}], "metadata": _FIXED}
    viewer = {"cluster": [], "indices": [{"names": ["logs-*"], "privileges": ["read"]}], "metadata": _FIXED}
    return SecurityConfig(
        {
            Kind.PRIVILEGES: {},
            Kind.ROLES: {
                "superuser": superuser,
                "viewer": viewer,
                "by-hand": {"cluster": ["monitor"]},
                SECURITY_ROLE: dict(DOCUMENTS[SECURITY_ROLE]),
            },
            Kind.USERS: {
                MASTER: user("superuser", metadata=_FIXED),
                AUTOMATION: user(SECURITY_ROLE),
                BREAK_GLASS: user(),
                **{name: user("by-hand") if name == "anna" else user() for name in PEOPLE},
            },
            Kind.MAPPINGS: {},
        }
    )


def given_by_hand(held: SecurityConfig, role: str, name: str, place: int) -> Write:
    """A user put as a whole, with one more role at a place of its list."""
    found = dict(held.of(Kind.USERS)[name])
    roles = list(found["roles"])
    roles.insert(place, role)
    return Write(Kind.USERS, [{"op": "put", "name": name, "document": {**found, "roles": roles}}])
