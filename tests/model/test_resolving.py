"""Levels, seed users and grants become roles, users and principals' grants, each with its place in the file."""

import pytest
from portcullis import model
from portcullis.access.plan import By, Grant, Subject, SubjectKind
from portcullis.model.option_types import Options, SnapshotOptions

from tests.model.examples import access

LEVELS = 'levels: {preset: layered, indices: ["catalyst-*", "catalyst"]}\n'


def resolved(text: str):
    return model.resolve(model.loads(text, "deployments/alpha.yaml"))


def level(name: str, engine: str = "OpenSearch_3.3", more: str = "") -> str:
    text = access(LEVELS + more + f"grants:\n  - {{level: {name}, to: {{iam_role: app}}}}")
    return text.replace("OpenSearch_3.3", engine)


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("super_user", ["all_access", "security_manager"]),
        ("application", ["level_application"]),
        ("support", ["level_support", "opensearch_dashboards_user"]),
        ("dashboard", ["opensearch_dashboards_read_only", "opensearch_dashboards_user"]),
    ],
)
def test_a_level_grants_its_roles(name, roles):
    found = resolved(level(name))
    assert [g.role for g in found.grants] == roles
    assert sorted(found.roles) == [r for r in roles if r.startswith("level_")]


@pytest.mark.parametrize(
    ("name", "actions", "on_cluster"),
    [("application", ["indices_all"], ["cluster_composite_ops"]), ("support", ["read"], ["cluster_composite_ops_ro"])],
)
def test_a_level_grants_its_privileges_on_the_models_indices_only(name, actions, on_cluster):
    """Application may do everything there, and support may read."""
    role = resolved(level(name)).roles[f"level_{name}"]
    assert role["cluster_permissions"] == on_cluster
    (entry,) = role["index_permissions"]
    assert (entry["index_patterns"], entry["allowed_actions"]) == (["catalyst-*", "catalyst"], actions)


def test_a_dashboard_only_person_has_no_privilege_on_any_index_of_the_model():
    found = resolved(level("dashboard"))
    known = model.loads(level("dashboard"), "a").known.roles
    patterns = [
        p for g in found.grants for e in known[g.role].get("index_permissions", ()) for p in e["index_patterns"]
    ]
    assert found.roles == {}
    assert patterns
    assert all(p.startswith((".", "*:.")) for p in patterns)


def test_an_elasticsearch_domain_uses_the_old_names_and_spellings():
    """Kibana's role names on 7.10, and upper case action groups on 6.8."""
    assert [g.role for g in resolved(level("dashboard", "Elasticsearch_7.10")).grants] == [
        "kibana_read_only",
        "kibana_user",
    ]
    six = resolved(level("support", "Elasticsearch_6.8"))
    assert six.roles["level_support"]["cluster_permissions"] == ["CLUSTER_COMPOSITE_OPS_RO"]
    assert six.roles["level_support"]["index_permissions"][0]["allowed_actions"] == ["READ"]


def test_a_level_can_be_changed_and_one_of_your_own_added():
    text = access(
        "levels:\n  preset: layered\n  indices: [app]\n  define:\n"
        "    support: {privileges: [read, view_index_metadata]}\n"
        "    auditor: {indices: [audit-*], privileges: [monitor], cluster_permissions: [cluster_monitor], dashboards: true}\n"
        "grants:\n  - {level: support, to: {iam_role: a}}\n  - {level: auditor, to: {iam_role: b}}"
    )
    found = resolved(text)
    assert "indices:admin/mappings/get" in found.roles["level_support"]["index_permissions"][0]["allowed_actions"]
    assert found.roles["level_auditor"]["cluster_permissions"] == ["cluster_monitor"]
    assert found.roles["level_auditor"]["index_permissions"][0]["index_patterns"] == ["audit-*"]
    assert [g.role for g in found.grants if g.subject.name == "b"] == ["level_auditor", "opensearch_dashboards_user"]


def test_a_level_that_nobody_is_granted_becomes_no_role():
    assert sorted(resolved(level("support")).roles) == ["level_support"]


def test_each_grant_names_its_place_in_the_file():
    text = access(
        "grants:\n  - {role: readall, to: {cognito_group: support}}\n  # between\n"
        "  - {role: readall, to: {cognito_group: ops, by: role}}\n  - {role: readall, to: {iam_user: anna}}",
        more="identity: {cognito: {groups: {support: {}, ops: {role: true}}}}\n",
    )
    assert resolved(text).grants == (
        Grant(Subject(SubjectKind.COGNITO_GROUP, "support"), "readall", "deployments/alpha.yaml:7 grant 1"),
        Grant(Subject(SubjectKind.COGNITO_GROUP, "ops"), "readall", "deployments/alpha.yaml:9 grant 2", By.ROLE),
        Grant(Subject(SubjectKind.IAM_USER, "anna"), "readall", "deployments/alpha.yaml:10 grant 3"),
    )


SEEDS = LEVELS + (
    "seed_users:\n  local:\n    - {name: elastic, level: super_user}\n    - {name: sam.sample.support, level: support}\n"
    "  cloud:\n    - {name: catalyst, level: application, secret: catalyst-password}\n"
)


@pytest.mark.parametrize(
    ("environment", "users", "secrets"),
    [
        ("local", ["elastic", "sam.sample.support"], {"elastic": None, "sam.sample.support": None}),
        ("cloud", ["catalyst"], {"catalyst": "catalyst-password"}),
        ("on_premises", [], {}),
    ],
)
def test_only_seed_users_of_the_environment_are_made_and_granted(environment, users, secrets):
    """Each gets its level. Passwords stand in no user document."""
    text = access(SEEDS, "internal", f"environment: {environment}\n")
    found = resolved(text)
    assert sorted(found.users) == users
    assert sorted({g.subject.name for g in found.grants}) == users
    assert all(g.subject.kind is SubjectKind.INTERNAL_USER and "seed user" in g.source for g in found.grants)
    assert model.secrets(model.loads(text, "a")) == secrets
    assert "password" not in repr(found.users)


def test_roles_groups_tenants_and_users_come_out_in_the_common_form():
    found = resolved(
        access(
            "action_groups: {reader: {allowed_actions: [read, get], type: index}}\n"
            "tenants: {ops: {description: Operations}}\n"
            "users: {anna: {backend_roles: [b], attributes: {team: blue}, secret: s}}\n"
            "and_backend_roles: {r: [one, two]}\n"
            "roles:\n  r:\n    index_permissions:\n"
            "      - {index_patterns: [a], dls: '{\"match_all\": {}}', fls: [x], masked_fields: [y], allowed_actions: [reader]}\n"
            "    tenant_permissions:\n      - {tenant_patterns: [ops], allowed_actions: [kibana_all_read]}\n"
        )
    )
    assert found.action_groups == {"reader": {"description": "", "allowed_actions": ["read", "get"], "type": "index"}}
    assert found.tenants == {"ops": {"description": "Operations"}}
    assert found.users == {
        "anna": {
            "description": "",
            "backend_roles": ["b"],
            "attributes": {"team": "blue"},
            "opendistro_security_roles": [],
        }
    }
    assert found.and_backend_roles == {"r": ("one", "two")}
    assert found.roles["r"]["index_permissions"] == [
        {
            "index_patterns": ["a"],
            "dls": '{"match_all": {}}',
            "fls": ["x"],
            "masked_fields": ["y"],
            "allowed_actions": ["reader"],
        }
    ]
    assert found.roles["r"]["tenant_permissions"] == [
        {"tenant_patterns": ["ops"], "allowed_actions": ["kibana_all_read"]}
    ]


def test_what_the_operations_read_of_a_file_is_typed():
    deployment = model.loads(
        access("{}", more="custody: {end_sessions: true, sweep_minutes: 2}\nalerts: {email: a@example.com}\n"), "a"
    )
    assert model.options(deployment) == Options(
        sweep_minutes=2,
        end_sessions=True,
        break_glass_minutes=60,
        email="a@example.com",
        snapshots=SnapshotOptions(every_hours=24, check_days=7),
    )


def test_rotation_on_demand_and_snapshots_are_read_by_the_operations():
    more = "key: {on_demand_rotation_days: 31}\nsnapshots: {every_hours: 6, restore_sample: orders, bucket: mine-1}\n"
    options = model.options(model.loads(access("{}", more=more), "a"))
    assert options.on_demand_rotation_days == 31
    assert options.snapshots.restore_sample == "orders"
    assert options.snapshots.bucket == "mine-1"
