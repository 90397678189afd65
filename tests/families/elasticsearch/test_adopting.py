"""What an Elasticsearch holds, as a deployment file would say it: what is taken, and what is left and why."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim, Subject, SubjectKind
from portcullis.families.base import Adoptable
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.adopting import adoptable

READS: Json = {"indices": [{"names": ["a"], "privileges": ["read"]}]}
WRITES: Json = {"indices": [{"names": ["a"], "privileges": ["write"]}]}
ADMIN: Json = {"cluster": ["manage_security"]}
KEY = "the only way in"


class NoAdministrators:
    def refuses(self, claim: Claim, administrator: bool) -> str:
        return "-" if claim.name == "untold" else "administers" if administrator else ""


def subject_of(entry_list: str, entry: str) -> Subject | None:
    return None if entry == "machine" else Subject(SubjectKind.INTERNAL_USER, entry)


def adopted(
    roles: Json, users: Json, *others: Claim, declared: tuple[str, ...] = (), asked: Json | None = None, **more: Json
) -> Adoptable:
    held = SecurityConfig({Kind.ROLES: roles, Kind.USERS: users, **{Kind[name]: one for name, one in more.items()}})
    wanted = Desired({Kind.ROLES: asked or {}}, {})
    sections = {"roles": declared, "users": ()}
    return adoptable(held, wanted, others, sections, NoAdministrators(), subject_of, KEY)


@pytest.mark.parametrize(
    ("there", "asked", "declared", "taken", "left"),
    [
        (READS, None, (), True, ""),
        (READS, WRITES, ("r",), True, ""),
        (READS, READS, ("r",), False, ""),  # nothing to adopt
        (READS, WRITES, (), False, "differs from what Portcullis or a level makes of it"),
        (ADMIN, None, (), False, "administers"),
        (ADMIN, READS, ("r",), False, "administers"),
        (ADMIN, {**ADMIN, **READS}, ("r",), True, ""),  # administers by the model too
        ({**READS, "metadata": {"_reserved": True}}, None, (), False, ""),
    ],
)
def test_a_role_is_taken_or_left_with_the_reason(
    there: Json, asked: Json | None, declared: tuple[str, ...], taken: bool, left: str
) -> None:
    found = adopted({"r": there}, {}, declared=declared, asked={"r": asked} if asked else {})
    assert (("roles", "r") in found.documents) is taken
    assert found.left == ([f"role/r: {left}"] if left else [])


def test_a_document_is_taken_without_what_says_nothing_and_a_user_without_roles() -> None:
    role = {**READS, "cluster": [], "run_as": [], "description": "", "metadata": {}}
    user = {"roles": ["r"], "full_name": "Anna", "email": None, "metadata": {"team": "red"}, "enabled": True}
    found = adopted({"r": role}, {"anna": user, KEY: {"roles": []}})
    assert found.documents == {
        ("roles", "r"): READS,
        ("users", "anna"): {"full_name": "Anna", "metadata": {"team": "red"}},
    }


def test_what_a_file_has_no_section_for_is_left_with_the_way_to_it() -> None:
    mapping = {"roles": ["r"], "rules": {"field": {"username": "x"}}}
    found = adopted(
        {},
        {},
        Claim(Kind.MAPPINGS, "theirs"),
        MAPPINGS={"m": mapping, "theirs": mapping},
        PRIVILEGES={"k/p": {"actions": ["a"]}},
    )
    assert found.left == [
        "role_mapping/m: a deployment file has no word for it: grant its roles instead",
        "privilege/k/p: a deployment file has no word for it: its application keeps it",
    ]


@pytest.mark.parametrize(
    ("user", "role", "granted", "left"),
    [
        ({"roles": ["r"]}, "r", True, ""),
        ({"roles": ["gone"]}, "gone", False, "there is no such role"),
        ({"roles": ["admin"]}, "admin", False, "administers"),
        ({"roles": ["untold"]}, "untold", False, ""),
        ({"roles": ["r"], "metadata": {"_reserved": True}}, "r", False, ""),
    ],
)
def test_who_has_a_role_is_taken_or_left_with_the_reason(user: Json, role: str, granted: bool, left: str) -> None:
    found = adopted({"r": READS, "admin": ADMIN, "untold": READS}, {"anna": user})
    assert [(name, grant.role, grant.source) for _, name, grant in found.grants] == (
        [("anna", role, "adopted")] if granted else []
    )
    about = [line for line in found.left if "anna" in line and not line.startswith("user/")]
    assert about == ([f"{Claim(MEMBERS, role, NATIVE_USERS, 'anna')}: {left}"] if left else [])


def test_nobody_adopts_the_way_in_of_break_glass_or_what_is_somebody_elses() -> None:
    theirs = Claim(MEMBERS, "r", NATIVE_USERS, "ben")
    users: Json = {KEY: {"roles": ["r"]}, "ben": {"roles": ["r"]}, "machine": {"roles": ["r"]}}
    found = adopted({"r": READS}, users, theirs)
    assert found.grants == []
    assert sorted(line.rpartition(": ")[2] for line in found.left) == [
        "a deployment file has no word for it",
        "it lets break-glass in, which only a window of a lock does",
    ]
