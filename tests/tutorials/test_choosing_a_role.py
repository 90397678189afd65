"""Cognito steps 17 to 20: the role is chosen from the token, and who has none, or no clear one, stays outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.local.door_world import MASTER
from tests.tutorials.cognito_steps import LIMITED_GROUP, MASTER_GROUP, SignIn
from tests.tutorials.stage import new_password, ok

pytestmark = [pytest.mark.node, pytest.mark.aws]

WHO = "/_plugins/_security/authinfo"
PRECEDENCES = {MASTER_GROUP: None, LIMITED_GROUP: None}


@pytest.fixture
def joined(sign_in: SignIn) -> Iterator[Callable[..., str]]:
    """`joined(group=precedence, ...)`: a new user in these groups; groups and users are put back."""
    cognito, pool, made = sign_in.world.aws.client("cognito-idp"), sign_in.world.pool, []

    def join(groups: dict[str, int | None]) -> str:
        name = f"newcomer-{len(made)}"
        made.append(name)
        sign_in.people[name] = new_password()
        cognito.admin_create_user(
            UserPoolId=pool, Username=name, TemporaryPassword=sign_in.people[name], MessageAction="SUPPRESS"
        )
        for group, precedence in groups.items():
            _make(group, precedence)
            sign_in.join(name, group)
        return name

    def _make(group: str, precedence: int | None) -> None:
        role = {MASTER_GROUP: MASTER, LIMITED_GROUP: sign_in.limited_role}[group]
        members = [user["Username"] for user in cognito.list_users_in_group(UserPoolId=pool, GroupName=group)["Users"]]
        cognito.delete_group(UserPoolId=pool, GroupName=group)
        ranked = {} if precedence is None else {"Precedence": precedence}
        cognito.create_group(UserPoolId=pool, GroupName=group, RoleArn=role, **ranked)
        for member in members:
            sign_in.join(member, group)

    yield join
    for name in made:
        cognito.admin_delete_user(UserPoolId=pool, Username=name)
        del sign_in.people[name]
    for group in PRECEDENCES:
        _make(group, None)


@pytest.mark.parametrize(
    "groups",
    [{}, {MASTER_GROUP: None, LIMITED_GROUP: None}, {MASTER_GROUP: 1, LIMITED_GROUP: 1}],
    ids=["in no group", "in two groups without precedence", "in two groups of equal precedence"],
)
def test_a_user_whose_role_is_not_clear_is_denied(
    sign_in: SignIn, joined: Callable[..., str], groups: dict[str, int | None]
) -> None:
    window = sign_in.browser(joined(groups))
    for path in (WHO, "/_search", "/kibana_sample_data_flights/_search", "/"):
        answer = window.get(path)
        assert (answer.status_code, answer.json()["message"]) == (
            403,
            "Unauthorized: no role can be chosen for this sign-in.",
        )


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ({LIMITED_GROUP: None}, "limited"),
        ({MASTER_GROUP: 2, LIMITED_GROUP: 1}, "limited"),
        ({MASTER_GROUP: 1, LIMITED_GROUP: 2}, "master"),
    ],
)
def test_in_several_groups_the_one_that_goes_first_decides(
    sign_in: SignIn, joined: Callable[..., str], groups: dict[str, int | None], role: str
) -> None:
    name = joined(groups)
    seen = ok(sign_in.browser(name).get(WHO))
    assert seen["user_name"] == f"Cognito/{sign_in.world.pool}/{name}"
    assert seen["backend_roles"] == [{"limited": sign_in.limited_role, "master": MASTER}[role]]


def test_who_leaves_the_group_is_denied_at_the_next_sign_in(sign_in: SignIn, joined: Callable[..., str]) -> None:
    name = joined({LIMITED_GROUP: None})
    assert sign_in.browser(name).get(WHO).status_code == 200
    sign_in.world.aws.client("cognito-idp").admin_remove_user_from_group(
        UserPoolId=sign_in.world.pool, Username=name, GroupName=LIMITED_GROUP
    )
    assert sign_in.browser(name).get(WHO).status_code == 403
