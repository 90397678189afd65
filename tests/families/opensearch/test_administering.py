"""Whatever gives somebody the administration of a domain is known for it, and what does not is not."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.plan import Claim
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.administering import administers
from portcullis.families.opensearch.granting.privileges import allows, expand


def role(*cluster: str, index: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "cluster_permissions": [*cluster],
        "index_permissions": [{"allowed_actions": ["read"]}, {"allowed_actions": [*index]}],
    }


def group(*actions: str) -> dict[str, Any]:
    return {"allowed_actions": [*actions]}


HELD = SecurityConfig(
    {
        Kind.ACTION_GROUPS: {
            "reads": group("indices:data/read/*"),
            "manages": group("restapi:admin/roles"),
            "deep": group("reads", "deeper"),
            "deeper": group("manages", "deep"),
            "all": group("*"),
            "nothing": {},
        },
        Kind.ROLES: {
            "reader": role("cluster_composite_ops", index=("reads",)),
            "admin": role("restapi:admin/internalusers"),
            "by group": role("deep"),
            "everything": role("*"),
            "every index": role("cluster_composite_ops", index=("*",)),
            "the plugin's index": role(index=("system:admin/system_index",)),
            "empty": {},
            "all_access": role(),
        },
        Kind.MAPPINGS: {
            "admin": {"users": ["mapped"], "backend_roles": ["admins"]},
            "reader": {"users": ["reads"], "backend_roles": ["readers"]},
            "all_access": {"users": ["first"]},
        },
        Kind.USERS: {
            "mapped": {},
            "reads": {"backend_roles": ["readers"]},
            "by backend role": {"backend_roles": ["readers", "admins"]},
            "directly": {"opendistro_security_roles": ["all_access"]},
            "first": {"backend_roles": None},
        },
        Kind.TENANTS: {"all_access": {}},
    }
)
KNOWN: list[tuple[Kind, str, bool]] = [
    *((Kind.ACTION_GROUPS, name, name in ("manages", "deep", "deeper")) for name in HELD.of(Kind.ACTION_GROUPS)),
    (Kind.ROLES, "reader", False),
    (Kind.ROLES, "admin", True),
    (Kind.ROLES, "by group", True),
    (Kind.ROLES, "everything", True),
    (Kind.ROLES, "every index", False),
    (Kind.ROLES, "the plugin's index", True),
    (Kind.ROLES, "empty", False),
    (Kind.ROLES, "absent", False),
    (Kind.MAPPINGS, "admin", True),
    (Kind.MAPPINGS, "reader", False),
    (Kind.MAPPINGS, "all_access", True),
    (Kind.MAPPINGS, "security_manager", True),
    (Kind.USERS, "mapped", True),
    (Kind.USERS, "reads", False),
    (Kind.USERS, "by backend role", True),
    (Kind.USERS, "directly", True),
    (Kind.USERS, "first", True),
    (Kind.USERS, "absent", False),
    (Kind.TENANTS, "all_access", False),
]


@pytest.mark.parametrize(("kind", "name", "gives"), KNOWN)
def test_what_gives_the_administration_is_known_for_it(kind: Kind, name: str, gives: bool) -> None:
    assert administers(HELD, Claim(kind, name)) is gives


@pytest.mark.parametrize(
    "action", ["restapi:admin/x", "system:admin/x", "cluster:admin/opendistro_security/x", "cluster:admin/security/x"]
)
def test_a_right_to_the_security_api_counts_in_every_place(action: str) -> None:
    assert administers(HELD, Claim(Kind.ROLES, "new"), role(action))
    assert administers(HELD, Claim(Kind.ROLES, "new"), role(index=(action,)))
    assert administers(HELD, Claim(Kind.ACTION_GROUPS, "new"), group(action))
    assert not administers(HELD, Claim(Kind.ROLES, "new"), role(f"x{action}"))


@pytest.mark.parametrize("pattern", ["restapi*", "*admin/roles", "rest*rolesmapping", "*internalusers"])
def test_a_pattern_that_covers_it_counts_too(pattern: str) -> None:
    assert administers(HELD, Claim(Kind.ROLES, "new"), role(pattern))
    assert administers(HELD, Claim(Kind.ROLES, "new"), role(index=(pattern,)))


def test_the_document_that_is_to_be_written_counts_and_not_the_one_held() -> None:
    assert not administers(HELD, Claim(Kind.ROLES, "admin"), role("cluster_monitor"))
    assert not administers(HELD, Claim(Kind.ROLES, "admin"), {})
    assert administers(HELD, Claim(Kind.USERS, "reads"), {"backend_roles": ["admins"]})


def test_groups_of_groups_are_resolved_and_a_circle_ends() -> None:
    assert expand(HELD, ["deep"]) == {"indices:data/read/*", "restapi:admin/roles"}
    assert expand(HELD, ["nothing", "no group"]) == {"no group"}
    assert allows(HELD, ["deep"], "indices:data/read/search")
    assert not allows(HELD, ["deep"], "indices:data/write/index")
