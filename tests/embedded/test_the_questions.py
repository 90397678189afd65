"""Who may see what: what `portcullis can` says of people is what they find at the doors; asked by somebody who may only look."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local import embedded
from local.people import Caller, until
from local.processes import typed
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded

KEPT = os.environ.get("PORTCULLIS_KEEP_ANSWERS")  # a folder, for whoever wants to see the answers
ORDERS = "catalyst-orders-2026"
ORDER = {"region": "eu", "customer": "Ada", "card": "4111", "total": 5}


@pytest.fixture
def shell(scene: Scene, tmp_path: Path) -> dict[str, str]:
    """The shell of somebody who has the managed policy `portcullis-look`, and no other right."""
    iam, name = scene.aws.client("iam"), "asks-questions"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::{scene.aws.account}:policy/portcullis-look")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    files = tmp_path / "deployments"
    files.mkdir()
    (files / "demo.yaml").write_text((embedded.PROJECT / "deployments" / "demo.yaml").read_text())
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": scene.aws.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": embedded.REGION,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "NO_COLOR": "1",
        "HOME": str(tmp_path),
    }


def asked(shell: dict[str, str], *words: str) -> tuple[int, str]:
    """The command as it is installed, in a folder with the deployment's file."""
    ended, printed = typed([sys.executable, "-m", "portcullis.cli.main", *words], shell, folder=Path(shell["HOME"]))
    if KEPT:
        with (Path(KEPT) / f"{words[0]}.txt").open("a", encoding="utf-8") as kept:
            kept.write(f"$ portcullis {' '.join(words)}\n{printed}exit {ended}\n\n")
    return ended, printed


def seen(scene: Scene, shell: dict[str, str], person: str, caller: Caller, index: str) -> tuple[bool, int, str]:
    return (caller.may_search(index), *asked(shell, "can", person, "GET", f"{index}/_search"))


def test_what_is_answered_about_people_is_what_they_find_at_the_doors(scene: Scene, shell: dict[str, str]) -> None:
    assert scene.up.node.ask("PUT", f"/{ORDERS}/_doc/1?refresh=true", ORDER)[0] in (200, 201)
    people, iam = scene.people, scene.aws.client("iam")
    for user, groups in {"anna": ["analysts"], "ben": ["support"], "cleo": ["analysts", "support"], "zoe": []}.items():
        people.cognito_user(user)
        for group in groups:
            people.join(user, group)
    kim = people.iam_user("kim")
    iam.add_user_to_group(GroupName="catalyst-support", UserName="kim")
    until(lambda: kim.may_search(ORDERS), what="kim may search")
    scene.quiet()
    callers = {user: people.at_dashboards(user) for user in ("anna", "ben", "cleo")} | {"kim": kim}
    for user, caller in callers.items():
        for index in (ORDERS, INDEX):
            may, status, said = seen(scene, shell, user, caller, index)
            assert status == (0 if may else 1), said
    assert asked(shell, "can", "zoe", "read", ORDERS)[0] == 1
    status, said = asked(shell, "can", "nobody-at-all", "read", ORDERS)
    assert (status, "nobody called 'nobody-at-all' is known" in " ".join(said.split())) == (2, True)

    status, said = asked(shell, "why", "anna", ORDERS)
    assert status == 0
    assert said.startswith(
        'yes: anna may read catalyst-orders-2026, but sees only a part: documents that\n  match {"term"'
    )
    shown = callers["anna"].ask("GET", f"/{ORDERS}/_search").json()["hits"]["hits"][0]["_source"]
    assert set(shown) == {"region", "card", "total"}, "what the sentence says is hidden is hidden"
    _, said = asked(shell, "why", "ben", ORDERS)
    assert "since 20" in said, "the history knows the event by which ben was let in"
    status, said = asked(shell, "why", "zoe", ORDERS)
    assert (status, said[:4]) == (0, "no: ")

    found = json.loads(asked(shell, "who-can", "read", "catalyst-*", "--json")[1])
    listed = {one["person"] for one in found["people"] if one["allowed"]}
    assert {f"cognito_user:{user}" for user in ("anna", "ben", "cleo")} | {"iam_user:kim"} <= listed
    assert not {"cognito_user:zoe", "iam_role:portcullis-demo-analysts"} & listed
    assert asked(shell, "who-can", "read", "catalyst-orders-*")[0] == 0
    status, said = asked(shell, "matrix", "catalyst-*")
    assert status == 0
    rows = {
        line.split()[0]: line.split()[1:]
        for line in said.splitlines()
        if line.split()[:1] in (["anna"], ["ben"], ["kim"])
    }
    assert set(rows) == {"anna", "ben", "kim"}

    assert asked(shell, "what-if", "anna", "joins", "support")[0] == 0

    # Ben leaves: he had access a moment ago, and what becomes of it is told by the history.
    when = datetime.now(UTC).isoformat()
    people.leave("ben", "support")
    until(lambda: not callers["ben"].may_search(ORDERS), what="ben may not search")
    scene.quiet()
    found = json.loads(asked(shell, "access", "--at", when, "--user", "ben", "--json")[1])
    (had,) = found["people"]
    assert (ORDERS in had["reads"], had["certain"]) == (True, True)
    assert (
        json.loads(asked(shell, "access", "--at", datetime.now(UTC).isoformat(), "--user", "ben", "--json")[1])[
            "people"
        ]
        == []
    )
    found = json.loads(asked(shell, "access", "--since", when, "--json")[1])
    assert {one["person"]: one["loses"] for one in found["difference"]["people"]} == {"cognito_user:ben": True}
    people.join("ben", "support")
    until(lambda: callers["ben"].may_search(ORDERS), what="ben may search again")
    scene.quiet()

    status, said = asked(shell, "findings", "--ci")
    assert (status, "may take the role" in said) == (3, True), said
    assert asked(shell, "report", "demo.html")[0] == 0
    text = (Path(shell["HOME"]) / "demo.html").read_text("utf-8")
    assert "cognito_user:anna" in text
    assert ORDERS in text

    scene.cast.operate("lock", "act", deployment="demo", arguments={"reason": "a question"})
    status, said = asked(shell, "can", "ben", "read", ORDERS)
    assert (status, "demo is locked manually by" in " ".join(said.split())) == (1, True)
    status, said = asked(shell, "who-can", "read", "catalyst-orders-*")
    assert (status, "demo is locked manually by" in " ".join(said.split())) == (0, True)


def test_a_question_that_is_not_allowed_is_unknown_and_not_a_no(scene: Scene, shell: dict[str, str]) -> None:
    scene.aws.client("iam").detach_user_policy(
        UserName="asks-questions", PolicyArn=f"arn:aws:iam::{scene.aws.account}:policy/portcullis-look"
    )
    status, said = asked(shell, "can", "anna", "read", ORDERS)
    assert (status, "the managed policy portcullis-look allows it" in said) == (4, True)


@pytest.fixture(autouse=True)
def nobody_left(scene: Scene) -> Any:
    yield
    iam = scene.aws.client("iam")
    for user in ("asks-questions", "kim"):
        if user not in {one["UserName"] for one in iam.list_users()["Users"]}:
            continue
        for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
        for group in iam.list_groups_for_user(UserName=user)["Groups"]:
            iam.remove_user_from_group(UserName=user, GroupName=group["GroupName"])
        for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=user)
    idp = scene.aws.client("cognito-idp")
    for one in idp.list_users(UserPoolId=scene.people.pool)["Users"]:
        if one["Username"] in ("anna", "ben", "cleo", "zoe"):
            idp.admin_delete_user(UserPoolId=scene.people.pool, Username=one["Username"])
