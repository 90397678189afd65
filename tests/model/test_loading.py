"""A deployment file becomes a Deployment, or one error that names file, line, key and what would be right."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import model
from portcullis.errors import BadInput

from tests.model.examples import SMALLEST, access, role

DEMO = Path(__file__).parents[2] / "deployments" / "demo.yaml"
LEVELS = 'levels: {preset: layered, indices: ["app-*"]}\n'


def granted(to: str) -> str:
    return access(f"grants: [{{role: readall, to: {to}}}]", more=IDENTITY)


def refusal(text: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        model.loads(text, "alpha.yaml")
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_demo_file_is_valid():
    deployment = model.load(DEMO)
    assert deployment.deployment == "demo"
    assert deployment.domain.configuration is model.Configuration.COGNITO
    assert deployment.place("access", "roles", "catalyst_analyst").startswith(
        f"{DEMO}:{deployment.line('access', 'roles', 'catalyst_analyst')} "
    )


def test_given_the_smallest_file_then_everything_else_has_a_default():
    deployment = model.loads(SMALLEST, "alpha.yaml")
    assert (deployment.key.rotation_days, deployment.domain.deny_sql, deployment.custody.sweep_minutes) == (
        365,
        True,
        5,
    )
    assert (deployment.environment, deployment.access.grants, deployment.identity.cognito) == (
        model.Environment.CLOUD,
        (),
        None,
    )


KEYS = [
    (SMALLEST + "alrts: {}", "line 4, alrts", "unknown key 'alrts'", "did you mean 'alerts'?"),
    (
        SMALLEST + "key: {rotation_dayz: 90}",
        "line 4, key.rotation_dayz",
        "unknown key",
        "did you mean 'rotation_days'?",
    ),
    (SMALLEST + "domain: {}", "line 4, domain", "there twice", "keep one"),
    (
        SMALLEST.replace("alpha", "Alpha"),
        "line 1, deployment",
        "'Alpha' is not a deployment's name",
        "lower-case letter",
    ),
    (SMALLEST.replace("alpha", "a" * 22), "line 1, deployment", "not a deployment's name", "3 to 21"),
    (SMALLEST.replace("alpha", "'a\\nb'"), "line 1, deployment", "not a deployment's name", "3 to 21"),
    (SMALLEST.replace("deployment: alpha\n", ""), "line 1", "deployment is missing", "Name of the deployment"),
    (
        SMALLEST.replace("OpenSearch_3.3", "3.3"),
        "line 2, engine",
        "should be text, but YAML reads 3.3 as a number",
        "quotes",
    ),
    (SMALLEST.replace("OpenSearch_3.3", "OpenSearch 3.3"), "line 2, engine", "not an engine", "OpenSearch_1.0"),
    (
        SMALLEST.replace("api", "cognitoo"),
        "line 3, domain.configuration",
        "configuration is 'cognitoo'",
        "did you mean 'cognito'?",
    ),
    (SMALLEST + "description: [a]", "line 4, description", "should be text, but is a list", ""),
    (
        SMALLEST + "alerts: nobody",
        "line 4, alerts",
        "should be keys and values, but is the text 'nobody'",
        "key: value",
    ),
    (SMALLEST + "alerts: {email: nobody}", "line 4, alerts.email", "not an e-mail address", "name@example.com"),
    (SMALLEST + "identity: {iam_groups: ops}", "line 4, identity.iam_groups", "should be a list", "[one, two]"),
    (SMALLEST + "identity: {iam_groups: [a/b]}", "line 4, identity.iam_groups[0]", "not an IAM name", "letters"),
    (SMALLEST + "custody: {sweep_minutes: 0}", "line 4, custody.sweep_minutes", "greater than or equal to 1", ""),
    (SMALLEST + "custody: {sweep_minutes: .inf}", "line 4, custody.sweep_minutes", "should be a whole number", ""),
    (
        SMALLEST + "custody: {sweep_minutes: '5'}",
        "line 4, custody.sweep_minutes",
        "should be a whole number, but is the text '5'",
        "",
    ),
    (SMALLEST + "accept: {sql-lek: because}", "line 4, accept.sql-lek", "no finding", "did you mean 'sql-leak'?"),
    (SMALLEST + "accept: {dls-invalid: because}", "line 4, accept.dls-invalid", "cannot be accepted", "mend it"),
    *(
        (text.replace("alpha", name), "line 1, deployment", "Cognito takes no sign-in page", "another name")
        for name in ("my-aws-logs", "amazonas", "cognito-demo")
        for text in (SMALLEST.replace("api", "cognito"), SMALLEST + "identity: {cognito: {groups: {}}}")
    ),
    (
        SMALLEST + "identity: {cognito: {groups: {Canary: {role: true}}}}",
        "line 4, identity.cognito.groups.Canary",
        "the IAM role portcullis-alpha-Canary is wanted twice, here and by every domain",
        "another name for the group",
    ),
    (
        SMALLEST + "identity: {cognito: {groups: {ops: {role: true}, OPS: {role: true}}}}",
        "line 4, identity.cognito.groups.OPS",
        "wanted twice, here and by the group ops",
        "no role of its own",
    ),
    ("[1, 2]", "line 1", "holds a list", "keys and values"),
    ("hello", "line 1", "holds the text 'hello'", "keys and values"),
]
KEY = [
    ("{rotation_days: 31}", "key.rotation_days", "rotation_days is 31", "90 to 2560"),
    ("{rotation_days: 31}", "key.rotation_days", "rotation_days is 31", "rotate on demand"),
    ("{rotation_days: 31}", "key.rotation_days", "rotation_days is 31", "on_demand_rotation_days: 31"),
    ("{on_demand_rotation_days: 90}", "key.on_demand_rotation_days", "on_demand_rotation_days is 90", "1 to 89"),
    ("{on_demand_rotation_days: 0}", "key.on_demand_rotation_days", "on_demand_rotation_days is 0", "1 to 89"),
    ("{rotation_days: 2561}", "key.rotation_days", "rotation_days is 2561", "90 to 2560"),
    ("{replicas: [eu-west-1]}", "key", "not a multi-Region key", "multi_region: true"),
    ("{multi_region: true, replicas: [eu-west-1, eu-west-1]}", "key", "named twice", "once"),
    ("{alias: alias/aws/es}", "key.alias", "not an alias", "AWS's own"),
    ("{arn: 'arn:aws:kms:eu-west-1:1:key/x'}", "key.arn", "not a KMS key", "ARN of a key or of an alias"),
    (
        "{arn: 'arn:aws:kms:eu-west-1:123456789012:key/x', rotation_days: 90}",
        "key",
        "rotation_days cannot be set",
        "owner",
    ),
]
SUBJECTS = [
    ("{cognito_group: suport}", "to.cognito_group", "no Cognito group 'suport'", "did you mean 'support'?"),
    ("{cognito_group: support, by: role}", "to.by", "no role of its own", "role: true"),
    ("{cognito_group: support, by: membership}", "to.by", "by is 'membership'", "one of members, role"),
    ("{iam_group: oops}", "to.iam_group", "not listened to", "did you mean 'ops'?"),
    ("{iam_group: ops, by: members}", "to", "no Cognito group", "leave it out"),
    ("{iam_grp: ops}", "to.iam_grp", "unknown key 'iam_grp'", "did you mean 'iam_group'?"),
    ("{}", "to", "names nobody", "exactly one of iam_user"),
    ("{iam_user: a, iam_role: b}", "to", "names 2 kinds", "exactly one"),
    ("{hosts: '*'}", "to.hosts", "unknown key 'hosts'", "nothing for a domain in a VPC"),
    ("{user: anna}", "to.user", "unknown key 'user'", "which kind"),
    ("{identity_center_group: ops}", "to.identity_center_group", "no sign-in", "permission set"),
    ("{iam_role: 'arn:aws:iam::123456789012:user/x'}", "to.iam_role", "is the ARN of a user", "iam_user"),
    (
        "{iam_role: 'arn:aws:sts::123456789012:assumed-role/x/y'}",
        "to.iam_role",
        "is a session, not a role",
        ":role/NAME",
    ),
    (
        "{iam_role: 'arn:aws:iam::12345:role/x'}",
        "to.iam_role",
        "not the ARN of an IAM role",
        "arn:aws:iam::ACCOUNT:role",
    ),
    ("{iam_role: 'arn:aws:iam::123456789012:role/*'}", "to.iam_role", "holds a wildcard", "every role that matches"),
    ("{iam_user: 'a b'}", "to.iam_user", "not an IAM name", "letters"),
    ("{cognito_user: 'Cognito/eu-west-1_x/anna'}", "to.cognito_user", "is the principal", "name alone"),
    ("{cognito_user: '*'}", "to.cognito_user", "not a Cognito name", "*"),
    ('{cognito_user: "a\\nb"}', "to.cognito_user", "not a Cognito name", "without spaces"),
    ("{cognito_user: '../admin'}", "to.cognito_user", "not a Cognito name", "slashes"),
    ('{internal_user: "x\'; drop"}', "to.internal_user", "not a user name", "letters"),
    ("{backend_role: '*'}", "to.backend_role", "let everyone in", "name the backend role"),
    ('{backend_role: "a\\tb"}', "to.backend_role", "not a backend role", "control character"),
]
ROLES = [
    ("{index_patterns: [], allowed_actions: [read]}", "index_patterns", "is empty", "at least one"),
    (
        "{index_patterns: ['a*'], allowed_actions: [reed]}",
        "allowed_actions[0]",
        "no action group 'reed'",
        "did you mean 'read'?",
    ),
    ("{index_patterns: ['a*'], allowed_actions: [all]}", "allowed_actions[0]", "Elasticsearch's word", "indices_all"),
    ("{index_patterns: ['a*'], allowed_actions: ['re ad']}", "allowed_actions[0]", "cannot stand here", "letters"),
    ("{index_patterns: ['-app-secret']}", "index_patterns[0]", "matches nothing", "no exclusions"),
    ("{index_patterns: ['_app*']}", "index_patterns[0]", "matches nothing", "no exclusions"),
    ("{index_patterns: ['+app*']}", "index_patterns[0]", "matches nothing", "no exclusions"),
    ("{index_patterns: ['..']}", "index_patterns[0]", "matches nothing", "no exclusions"),
    ("{index_patterns: ['<app-{now/d}>']}", "index_patterns[0]", "date math", "logs-*"),
    ("{index_patterns: ['<app>']}", "index_patterns[0]", "date math", "logs-*"),
    ("{index_patterns: ['app-*,-app-1']}", "index_patterns[0]", "','", "several entries"),
    ("{index_patterns: ['app *']}", "index_patterns[0]", "' '", "several entries"),
    ("{index_patterns: ['a,b']}", "index_patterns[0]", "not an index pattern", "several entries"),
    ("{index_patterns: ['a/../b']}", "index_patterns[0]", "not an index pattern", "wildcards"),
    ('{index_patterns: ["a\\nb"]}', "index_patterns[0]", "not an index pattern", "wildcards"),
    (
        "{index_patterns: ['.opendistro_security']}",
        "index_patterns[0]",
        "reaches the security index",
        "name the indices",
    ),
    ("{index_patterns: ['.opendistro*']}", "index_patterns[0]", "reaches the security index", "name the indices"),
    ("{index_patterns: ['.*']}", "index_patterns[0]", "reaches the security index", "name the indices"),
    ("{index_patterns: ['/(/']}", "index_patterns[0]", "not a regular expression", "/expression/"),
    ("{index_patterns: ['/(?P<a>x)/']}", "index_patterns[0]", "not known to Java", "as Java reads it"),
    (
        "{index_patterns: ['a*'], allowed_actions: ['/[a-/']}",
        "allowed_actions[0]",
        "not a regular expression",
        "slashes",
    ),
    ("{index_patterns: ['" + "a" * 256 + "']}", "index_patterns[0]", "256 characters", "1 to 255"),
    ("{index_patterns: ['a*'], query: x}", "query", "unknown key 'query'", ""),
]
IDENTITY = "identity: {cognito: {groups: {support: {}}}, iam_groups: [ops]}\n"
ACCESS = [
    (
        "roles: {r: {tenant_permissions: [{tenant_patterns: ['/(/']}]}}",
        "tenant_patterns[0]",
        "not a regular expression",
        "slashes",
    ),
    ("roles: {r: {}}\nand_backend_roles: {r: [a, '/(/']}", "and_backend_roles.r[1]", "as a regular expression", "name"),
    ("roles: {r: {}}\nand_backend_roles: {r: ['*']}", "and_backend_roles.r[0]", "let everyone in", "name"),
    ("roles: {r: {}}\nand_backend_roles: {r: ['a\",\"b']}", "and_backend_roles.r[0]", "would not stay text", "name"),
    ("users: {kim: {backend_roles: ['${user.name}']}}", "users.kim.backend_roles[0]", "filled in again", "name"),
    ("roles: {all_access: {}}", "roles.all_access", "the engine's own", "another name"),
    ("roles: {portcullis_lock: {}}", "roles.portcullis_lock", "kept for Portcullis", "does not begin with"),
    ("roles: {'a/b': {}}", "roles['a/b']", "not a name", "letters"),
    ("roles: {_meta: {}}", "roles._meta", "not a name", "a letter or digit first"),
    ("roles: {'a\\u0000b': {}}".replace("'", '"'), "roles[", "not a name", "letters"),
    ("roles: {r: {reserved: true}}", "roles.r.reserved", "unknown key", "leave it out"),
    (LEVELS + "roles: {level_support: {}}", "roles.level_support", "is the role of a level", "another name"),
    ("action_groups: {read: {allowed_actions: [get]}}", "action_groups.read", "the engine's own", "another name"),
    ("action_groups: {g: {allowed_actions: [g]}}", "action_groups.g.allowed_actions", "holds itself", "leave it out"),
    ("tenants: {global_tenant: {}}", "tenants.global_tenant", "the engine's own", "another name"),
    ("levels: {preset: layerd, indices: [a]}", "levels.preset", "preset is 'layerd'", "layered"),
    (
        LEVELS[:-2] + ", define: {support: {privileges: [reed]}}}",
        "privileges[0]",
        "no privilege 'reed'",
        "did you mean 'read'?",
    ),
    (
        LEVELS[:-2] + ", define: {super_user: {privileges: [read]}}}",
        "define.super_user",
        "cannot be narrowed",
        "another name",
    ),
    (
        LEVELS + "grants: [{level: suport, to: {iam_role: a}}]",
        "grants[0].level",
        "no level 'suport'",
        "did you mean 'support'?",
    ),
    ("grants: [{level: support, to: {iam_role: a}}]", "grants[0].level", "no level 'support'", "add access.levels"),
    (
        "grants: [{role: al_access, to: {iam_role: a}}]",
        "grants[0].role",
        "no role 'al_access'",
        "did you mean 'all_access'?",
    ),
    ("grants: [{to: {iam_role: a}}]", "grants[0]", "neither a role nor a level", "exactly one"),
    ("grants: [{role: readall, level: x, to: {iam_role: a}}]", "grants[0]", "a role and a level", "exactly one"),
    ("grants: [{role: readall, to: {cognito_user: a}}]", "to.cognito_user", "no user pool", "add identity.cognito"),
    (
        "grants: [{role: readall, to: {iam_role: a}, by: role}]",
        "grants[0].by",
        "unknown key 'by'",
        "belongs to the subject",
    ),
    (
        "users: {anna: {password: x}}",
        "users.anna.password",
        "unknown key 'password'",
        "passwords never stand in this file",
    ),
    ("users: {anna: {secret: 'a b'}}", "users.anna.secret", "not a secret", "password itself never stands here"),
    ("and_backend_roles: {nobody: [a]}", "and_backend_roles.nobody", "no role 'nobody'", ""),
    (
        LEVELS + "seed_users: {cloud: [{name: anna, level: support}]}",
        "seed_users.cloud[0].name",
        "does not follow the standard",
        "<firstname>.<lastname>.support",
    ),
    (
        LEVELS + "seed_users: {cloud: [{name: app, level: application}]}",
        "seed_users.cloud[0].name",
        "does not follow the standard",
        "catalyst",
    ),
    (LEVELS + "seed_users: {staging: []}", "seed_users.staging", "staging", "one of local, on_premises, cloud"),
    (
        LEVELS + "seed_users: {local: [{name: catalyst, level: aplication}]}",
        "local[0].level",
        "no level",
        "did you mean 'application'?",
    ),
    (
        LEVELS + "users: {catalyst: {}}\nseed_users: {cloud: [{name: catalyst, level: application}]}",
        "seed_users.cloud[0].name",
        "there twice",
        "keep one",
    ),
]


@pytest.mark.parametrize(
    ("text", "place", "problem", "remedy"),
    [
        *KEYS,
        *((SMALLEST + f"key: {key}", f"line 4, {place}", problem, remedy) for key, place, problem, remedy in KEY),
        *((access(text), place, problem, remedy) for text, place, problem, remedy in ACCESS),
        *((role(entry), place, problem, remedy) for entry, place, problem, remedy in ROLES),
        *((granted(to), place, problem, remedy) for to, place, problem, remedy in SUBJECTS),
    ],
)
def test_given_something_wrong_then_file_place_problem_and_remedy_are_named(text, place, problem, remedy):
    wrong = refusal(text)
    assert wrong.source == "alpha.yaml"
    assert place in wrong.place
    assert problem in wrong.problem
    assert remedy in wrong.remedy


def test_of_several_errors_the_first_is_shown_and_the_others_counted():
    """The first by its line. `check --all` lists them all."""
    text = SMALLEST + "alrts: {}\nkey: {rotation_days: 1}\ncustody: 5\n"
    assert refusal(text).place == "line 4, alrts"
    assert "2 more in this file: portcullis check --all lists them" in refusal(text).remedy
    assert [e.place for e in model.examine(text, "alpha.yaml")[1]] == [
        "line 4, alrts",
        "line 5, key.rotation_days",
        "line 6, custody",
    ]


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("{iam_user: anna}", "iam_user:anna"),
        (
            "{iam_role: 'arn:aws-cn:iam::123456789012:role/team/x,admin,y/app'}",
            "iam_role:arn:aws-cn:iam::123456789012:role/team/x,admin,y/app",
        ),
        ("{iam_group: ops}", "iam_group:ops"),
        (
            "{iam_group: 'arn:aws:iam::123456789012:group/team/ops'}",
            "iam_group:arn:aws:iam::123456789012:group/team/ops",
        ),
        ("{cognito_user: 'änne@example.com'}", "cognito_user:änne@example.com"),
        ("{cognito_group: support}", "cognito_group:support"),
        ("{internal_user: new-user}", "internal_user:new-user"),
        ("{backend_role: 'CN=ops,OU=x'}", "backend_role:CN=ops,OU=x"),
    ],
)
def test_subjects_of_every_kind_are_taken(to, subject):
    deployment = model.loads(access(f"grants: [{{role: readall, to: {to}}}]", more=IDENTITY), "alpha.yaml")
    assert str(deployment.access.grants[0].to.subject) == subject


@pytest.mark.parametrize("missing", ["demo.yml", "no/such/folder/x.yaml"])
def test_given_a_file_that_is_not_there_then_it_says_so(tmp_path, missing):
    (tmp_path / "demo.yaml").write_text(SMALLEST)
    (tmp_path / ".demo.yml.yaml").write_text("")  # as an editor leaves one behind
    with pytest.raises(BadInput, match="no such file") as caught:
        model.load(tmp_path / missing)
    assert ".demo" not in caught.value.remedy


def test_given_a_link_to_nothing_then_it_is_no_missing_name(tmp_path):
    (tmp_path / "demo.yaml").symlink_to("gone.yaml")
    with pytest.raises(BadInput, match=r"demo.yaml: is a link to gone.yaml, which is not there"):
        model.load(tmp_path / "demo.yaml")


def test_given_what_has_no_end_then_no_more_is_read_than_says_so():
    with pytest.raises(BadInput, match="more than 4,194,304 characters"):
        model.load(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["my-aws-logs", "cognito-demo"])
def test_a_deployment_without_a_pool_may_have_any_word_in_its_name(name):
    """It has no sign-in page. Groups without a role of their own may be called as they like, too."""
    assert model.loads(SMALLEST.replace("alpha", name), f"{name}.yaml").deployment == name
    model.loads(SMALLEST + "identity: {cognito: {groups: {canary: {}, ops: {role: true}, OPS: {}}}}", "alpha.yaml")


def test_given_a_folder_or_bytes_that_are_no_text_then_it_says_so(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        model.load(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"deployment: \xff\xfe")
    with pytest.raises(BadInput, match="not text in UTF-8"):
        model.load(tmp_path / "x.yaml")


names = st.text(max_size=40)


@given(names, names, names)
def test_hostile_names_are_refused_or_carried_safely(role_name, user, backend):
    quoted = [json.dumps(n) for n in (role_name, user, backend)]  # JSON text is YAML text
    text = access(
        f"roles: {{{quoted[0]}: {{}}}}\nusers: {{{quoted[1]}: {{}}}}\ngrants: [{{role: readall, to: {{backend_role: {quoted[2]}}}}}]"
    )
    deployment, wrong = model.examine(text, "alpha.yaml")
    assert all(str(error).isprintable() for error in wrong)
    if deployment is None or wrong:
        return
    carried = (*deployment.access.roles, *deployment.access.users, deployment.access.grants[0].to.backend_role)
    assert all(name and name.isprintable() and "/" not in name for name in carried[:2])
    assert carried[2] == backend


def test_a_hidden_file_is_no_deployment(tmp_path):
    """As editors and archives leave them behind: a link to nothing, or what is no text."""
    (tmp_path / "alpha.yaml").write_text(SMALLEST)
    (tmp_path / ".#alpha.yaml").symlink_to("somebody@somewhere.1234")
    (tmp_path / "._alpha.yaml").write_bytes(b"\x00\x05\x16\x07")
    assert model.deployment_files(tmp_path) == [tmp_path / "alpha.yaml"]
