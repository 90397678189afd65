"""Which things a deployment listens to: each that may change who is let in, of its registration, of its model, or of its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from portcullis.access.plan import AccessModel, By, Grant, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.operations.access.scopes import own_roles, scope_of, scope_of_account, scopes_of_files
from portcullis.ports.registration import Cluster, Cognito, EngineUser, IamRole, Key
from portcullis.signals.types import ACCOUNT, ANY

from tests.operations.worlds import ACCOUNT as NUMBER
from tests.operations.worlds import POOL, arn, model_text, place, registration, snapshot_store

KEY = f"arn:aws:kms:eu-central-1:{NUMBER}:key/mrk-one"
COPY = KEY.replace("eu-central-1", "eu-west-1")
SECRET = f"arn:aws:secretsmanager:eu-central-1:{NUMBER}:secret:Master-AbCdEf"
WHOLE = registration(
    place=place("orders", "sg-1"),
    key=Key(KEY, "portcullis/demo", replicas=(COPY,), store="cks-1"),
    master=EngineUser("portcullis-master", SECRET),
    canary=IamRole(arn("role", "portcullis-demo-canary")),
    other_roles=(arn("role", "portcullis-demo-master"), "no-arn"),
    cognito=Cognito(POOL, "eu-central-1:pool", {"tokens": arn("role", "path/portcullis-demo-tokens")}),
    identity_store="d-1",
    snapshots=snapshot_store(),
)
GRANTED = {
    SubjectKind.COGNITO_GROUP: "tokens",
    SubjectKind.IAM_GROUP: "ops",
    SubjectKind.IAM_USER: arn("user", "eu/bob"),
    SubjectKind.IAM_ROLE: arn("role", "ci"),
    SubjectKind.IDENTITY_CENTER_GROUP: "Operators",
}
MODEL = AccessModel(
    users={"made": {}, "named": {}},
    grants=(
        *(Grant(Subject(kind, name), "reader", "model") for kind, name in GRANTED.items()),
        Grant(Subject(SubjectKind.COGNITO_GROUP, "tokens"), "reader", "model", By.ROLE),
    ),
)


def test_the_scope_of_a_deployment_has_all_that_it_stands_on() -> None:
    scope = scope_of(WHOLE, MODEL, {"named": "secrets/named", "made": None})
    assert (scope.deployment, scope.account, scope.region, scope.domain) == ("demo", NUMBER, "eu-central-1", "orders")
    assert (scope.key_arns, scope.key_aliases, scope.key_store) == ({KEY, COPY}, {"alias/portcullis/demo"}, "cks-1")
    assert (scope.user_pool, scope.identity_pool, scope.identity_store) == (POOL, "eu-central-1:pool", "d-1")
    assert (scope.cognito_groups, scope.iam_groups) == ({"tokens"}, {"ops"})
    assert (scope.iam_users, scope.identity_center_groups) == ({"bob"}, {"Operators"})
    assert scope.iam_roles == {"ci", "portcullis-demo-tokens"}, "of groups whose role is granted, the role too"
    assert scope.security_groups == {"sg-1"}
    assert (scope.master_secret, scope.break_glass) == (SECRET, arn("role", "portcullis-demo-break-glass"))
    assert scope.secrets == {"secrets/named", "portcullis/demo/made"}
    assert scope.own_roles == {
        "portcullis-demo-break-glass",
        "portcullis-demo-canary",
        "portcullis-demo-master",
        "portcullis-demo-snapshots",
        "portcullis-demo-snapshot-store",
        "portcullis-demo-tokens",
    }
    assert own_roles(WHOLE) == tuple(sorted(own_roles(WHOLE)))


def test_a_deployment_with_nothing_of_it_listens_to_nothing_of_it() -> None:
    bare = registration(place=Cluster("es.example.com:9200"), key=Key(KEY), break_glass=None, cognito=None)
    scope = scope_of(bare, AccessModel(), {})
    assert (scope.domain, scope.key_store, scope.user_pool, scope.identity_pool) == ("", "", "", "")
    assert (scope.identity_store, scope.break_glass, scope.master_secret) == ("", "", "")
    assert scope.key_aliases == scope.security_groups == scope.iam_roles == scope.secrets == frozenset()


def test_what_all_are_seen_by_concerns_the_account() -> None:
    scope = scope_of_account(NUMBER, "eu-central-1")
    assert (scope.deployment, scope.account, scope.region) == (ACCOUNT, NUMBER, "eu-central-1")
    assert scope.own_roles
    assert scope.eyes


FILE = """  users: {reports: {secret: secrets/reports}}
  grants:
    - {role: viewers, to: {cognito_group: readers}}
    - {role: viewers, to: {iam_group: ops}}
  roles: {viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}
"""


def test_a_file_tells_of_its_scope_what_it_can(tmp_path: Path) -> None:
    """Which pool and key will be made it does not know: any pool counts, and the key goes by its alias."""
    (tmp_path / "demo.yaml").write_text(model_text(FILE), encoding="utf-8")
    demo, everybody = scopes_of_files(tmp_path)
    assert (demo.deployment, demo.domain, everybody.deployment) == ("demo", "demo", ACCOUNT)
    assert (demo.user_pool, demo.identity_pool) == (ANY, ANY)
    assert (demo.key_arns, demo.key_aliases) == (frozenset(), {"alias/portcullis/demo"})
    assert (demo.cognito_groups, demo.iam_groups, demo.secrets) == ({"readers"}, {"ops"}, {"secrets/reports"})
    made = {f"portcullis-demo-{part}" for part in ("master", "break-glass", "canary", "snapshots", "snapshot-store")}
    assert demo.own_roles == made | {"portcullis-demo-tokens"}, "of its groups, those with a role"


@pytest.mark.parametrize(
    ("key", "arns", "aliases"),
    [
        (f"{{arn: '{KEY}'}}", {KEY}, {"alias/portcullis/demo"}),
        (f"{{arn: '{KEY.replace('key/mrk-one', 'alias/theirs')}'}}", set(), {"alias/theirs"}),
        ("{alias: alias/ours}", set(), {"alias/ours"}),
    ],
)
def test_a_key_that_the_file_names_is_listened_to_by_that_name(
    key: str, arns: set[str], aliases: set[str], tmp_path: Path
) -> None:
    text = model_text(FILE).replace("identity:\n", f"key: {key}\nidentity:\n")
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    demo = scopes_of_files(tmp_path)[0]
    assert (demo.key_arns, demo.key_aliases) == (arns, aliases)


def test_a_file_without_cognito_listens_to_no_pool(tmp_path: Path) -> None:
    text = (
        "deployment: demo\nengine: OpenSearch_3.3\ndomain: {configuration: internal}\n"
        "access:\n  users: {reports: {}}\n  grants: []\n"
    )
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    demo = scopes_of_files(tmp_path)[0]
    assert (demo.user_pool, demo.identity_pool, demo.identity_store) == ("", "", "")
    assert not any(role.endswith("-tokens") for role in demo.own_roles)


def test_a_folder_without_a_deployment_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no deployment file"):
        scopes_of_files(tmp_path)
