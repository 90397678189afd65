"""Every limitation has its finding, with place and remedy; what is sound has none."""

import pytest
from portcullis import model
from portcullis.access.actual import EngineSettings
from portcullis.access.plan import Membership, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.model import Facts, Severity
from portcullis.model.lints import lint_merge

from tests.model.examples import SMALLEST, access, lint, role

LEVELS = 'levels: {preset: layered, indices: ["app-*"]}\n'
COGNITO = "identity: {cognito: {groups: {support: {}, analysts: {}}}}\n"
GRANT = "grants: [{level: support, to: {cognito_group: support}}]"
ACCOUNT = Facts(account="111111111111")
ANNA = Subject(SubjectKind.COGNITO_USER, "anna.sample.support")


def entry(**fields: str) -> str:
    inner = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"{{index_patterns: ['app-*'], allowed_actions: [read], {inner}}}"


FOUND = [
    # Signing in.
    ("basic-auth-under-iam-master", access("users: {anna: {}}"), "access.users.anna", "domain.configuration: internal"),
    (
        "basic-auth-under-iam-master",
        access("grants: [{role: readall, to: {internal_user: anna}}]", "cognito"),
        "access.grants[0]",
        "IAM or Cognito subject",
    ),
    (
        "basic-auth-under-iam-master",
        access(LEVELS + "seed_users: {cloud: [{name: catalyst, level: application}]}"),
        "access.seed_users.cloud[0]",
        "domain.configuration: internal",
    ),
    ("password-not-self-service", access("users: {anna: {}}", "internal"), "access.users", "master changes it"),
    ("sign-in-without-way-in", SMALLEST.replace("api", "cognito"), "domain.configuration", "identity.cognito.groups"),
    (
        "sign-in-without-way-in",
        access(LEVELS + "grants: [{level: dashboard, to: {iam_role: a}}]"),
        "access.grants[0].level",
        "cognito",
    ),
    (
        "older-sessions-of-nobody",
        SMALLEST + COGNITO + "custody: {deny_older_sessions: true}\n",
        "custody.deny_older_sessions",
        "role: true",
    ),
    (
        "older-sessions-of-nobody",
        SMALLEST + "identity: {cognito: {groups: {masters: {role: true}}}}\ncustody: {deny_older_sessions: true}\n",
        "custody.deny_older_sessions",
        "role: true",
    ),
    ("keys-of-nobody", SMALLEST + "custody: {end_api_keys: true}\n", "custody.end_api_keys", "leave it out"),
    ("cognito-without-dashboards", SMALLEST + COGNITO, "identity.cognito", "domain.configuration: cognito"),
    (
        "sql-leak",
        SMALLEST.replace("{configuration: api}", "{configuration: api, deny_sql: false}"),
        "domain.deny_sql",
        "deny_sql: true",
    ),
    # Subjects.
    (
        "duplicate-grant",
        access("grants: [{role: readall, to: {iam_user: a}}, {role: readall, to: {iam_user: a}}]"),
        "access.grants[1]",
        "keep one",
    ),
    (
        "wildcard-principal",
        access("grants: [{role: readall, to: {backend_role: 'team-*'}}]"),
        "access.grants[0].to",
        "name the backend role",
    ),
    *(
        (
            "backend-role-of-nobody",
            access(f"grants: [{{role: readall, to: {{backend_role: '{arn}'}}}}]"),
            "access.grants[0].to",
            remedy,
        )
        for arn, remedy in (
            ("arn:aws:iam::111122223333:group/support", "iam_group"),
            ("arn:aws:iam::111122223333:instance-profile/app", "iam_role"),
            ("arn:aws:sts::111122223333:assumed-role/app/i-1", "role/NAME"),
            ("arn:aws:iam::111122223333:root", "IAM user or role"),
            ("arn:aws:iam::1111:role/app", "IAM user or role"),
        )
    ),
    (
        "backend-role-of-nobody",
        access("and_backend_roles: {readall: [team, 'arn:aws:iam::111122223333:instance-profile/app']}"),
        "access.and_backend_roles.readall[1]",
        "iam_role",
    ),
    *(
        (
            "user-as-caller",
            access(f"users: {{anna: {{backend_roles: [crew, '{arn}']}}}}", "internal"),
            "access.users.anna.backend_roles[1]",
            "to: {internal_user: anna}",
        )
        for arn in ("arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:user/a/path/ben")
    ),
    *(
        (
            "user-as-portcullis",
            access(f"users: {{anna: {{backend_roles: ['arn:aws:iam::111122223333:role/{name}']}}}}", "internal"),
            "access.users.anna.backend_roles[0]",
            "only who may take that role",
        )
        for name in ("portcullis-automation", "portcullis-alpha-break-glass", "portcullis-alpha-master")
    ),
    (
        "anonymous-principal",
        access("grants: [{role: readall, to: {backend_role: opendistro_security_anonymous_backendrole}}]"),
        "access.grants[0].to",
        "to a group or to people",
    ),
    (
        "anonymous-principal",
        access("and_backend_roles: {readall: ['opendistro_security_anon*']}"),
        "access.and_backend_roles.readall",
        "to a group or to people",
    ),
    (
        "anonymous-administrator",
        access(LEVELS + "grants: [{level: super_user, to: {backend_role: opendistro_security_anonymous_backendrole}}]"),
        "access.grants[0].to",
        "to a group or to people",
    ),
    (
        "user-name-standard",
        access(LEVELS + "grants: [{level: support, to: {cognito_user: anna}}]", "cognito", COGNITO),
        "access.grants[0].to",
        "<firstname>.<lastname>.support",
    ),
    (
        "half-master",
        access("grants: [{role: all_access, to: {iam_role: a}}]"),
        "access.grants[0].role",
        "level: super_user",
    ),
    (
        "dashboards-write-api",
        access(LEVELS + "grants: [{level: dashboard, to: {iam_role: a}}]"),
        "access.grants[0].level",
        "dashboards: false",
    ),
    # What nobody uses.
    ("role-unused", access("roles: {r: {}}"), "access.roles.r", "grant it"),
    ("tenant-unused", access("tenants: {ops: {}}"), "access.tenants.ops", "tenant_permissions"),
    (
        "tenant-unknown",
        access("roles: {r: {tenant_permissions: [{tenant_patterns: [opps]}]}}\ntenants: {ops: {}}"),
        "tenant_permissions[0]",
        "did you mean 'ops'?",
    ),
    # Patterns and permissions.
    (
        "system-indices",
        role("{index_patterns: ['*'], allowed_actions: [read]}"),
        "index_patterns",
        "accept: {system-indices: why}",
    ),
    (
        "system-indices",
        access("levels: {preset: layered, indices: ['*']}"),
        "access.levels.indices",
        "name your indices",
    ),
    (
        "permission-place",
        role("{index_patterns: [a], allowed_actions: [cluster_monitor]}"),
        "allowed_actions[0]",
        "cluster_permissions",
    ),
    (
        "permission-place",
        role("{index_patterns: [a], allowed_actions: ['cluster:monitor/main']}"),
        "allowed_actions[0]",
        "cluster_permissions",
    ),
    (
        "permission-place",
        access("roles: {r: {cluster_permissions: [read]}}"),
        "cluster_permissions[0]",
        "index_permissions",
    ),
    (
        "unknown-permission",
        role("{index_patterns: [a], allowed_actions: ['indices:data/read/serch']}"),
        "allowed_actions[0]",
        "did you mean 'indices:data/read/search'?",
    ),
    (
        "lost-privilege",
        access(
            "levels: {preset: layered, indices: [a], define: {application: {privileges: [manage_ilm]}}}\n"
            "grants: [{level: application, to: {iam_role: a}}]"
        ),
        "access.levels.define.application",
        "role of your own",
    ),
    ("long-string", access(f"roles: {{r: {{description: {'x' * 300}}}}}"), "access.roles.r.description", "shorten it"),
    # Documents.
    ("dls-invalid", role(entry(dls="'{not json'")), "dls", "single quotes"),
    ("dls-invalid", role(entry(dls="'[1]'")), "dls", "one query type"),
    ("dls-invalid", role(entry(dls="'{}'")), "dls", "one query type"),
    ("dls-invalid", role(entry(dls='\'{"query": {"match_all": {}}}\'')), "dls", "what stands inside"),
    ("dls-unknown-query", role(entry(dls='\'{"trem": {"a": 1}}\'')), "dls", "did you mean 'term'?"),
    ("dls-attribute", role(entry(dls='\'{"term": {"a": "${user.nam}"}}\'')), "dls", "did you mean 'user.name'?"),
    ("dls-attribute", role(entry(dls='\'{"term": {"a": "${attr.internal.team}"}}\'')), "dls", "under an IAM master"),
    ("dls-attribute", role(entry(dls='\'{"term": {"a": "${attr.internal.team}"}}\''), "internal"), "dls", ""),
    # Fields.
    ("fls-includes-ignored", role(entry(fls="[a, '~b']")), "fls", "either"),
    ("mask-and-hidden", role(entry(fls="['~card']", masked_fields="[card]")), "masked_fields[0]", "leave out the mask"),
    ("mask-and-hidden", role(entry(fls="['!card']", masked_fields="[card]")), "masked_fields[0]", "leave out the mask"),
    ("fls-includes-ignored", role(entry(fls="[a, '!b']")), "fls", "either"),
    ("mask-and-hidden", role(entry(fls="[name]", masked_fields="[card]")), "masked_fields[0]", "leave out"),
    *(
        ("mask-invalid", role(entry(masked_fields=f"['{mask}']")), "masked_fields[0]", "field::SHA-512")
        for mask in ("card::NOPE", "card::/(/::x", "card::/x/", "card::SHA-512::/x/::y", "card::x::y", "::SHA-512")
    ),
]


@pytest.mark.parametrize(("code", "text", "place", "remedy"), FOUND)
def test_given_a_limitation_then_it_is_found_at_its_place_with_a_remedy(code, text, place, remedy):
    findings = lint(text)
    assert code in findings
    first = findings[code][0]
    assert first.place.startswith("alpha.yaml:")
    assert first.place.partition(" ")[2].endswith(place) or place in first.place
    assert remedy in first.remedy
    assert first.message


OPS = "tenants: {ops: {}}\nroles: {r: {tenant_permissions: [{tenant_patterns: ['o*']}]}}\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("mask-invalid", role(entry(masked_fields="[a, 'b::SHA-512', 'c::/x/::y', 'd::/x/::y::/z/::w', 'e::SHA3-256']"))),
        ("dls-attribute", role(entry(dls='\'{"terms": {"a": [${user.roles}], "b": "${user.name}"}}\''))),
        ("dls-invalid", role(entry(dls='\'{"terms": {"a": [${user.roles}]}}\''))),
        ("dls-invalid", role(entry(dls='\'{"bool": {"must": [{"term": {"a\\"b": 1}}]}}\''))),
        ("dls-unknown-query", role(entry(dls='\'{"bool": {"filter": []}}\''))),
        ("unknown-permission", role("{index_patterns: [a], allowed_actions: ['indices:data/read*', 'indices:*', '*', read, crud]}")),
        ("permission-place", access("roles: {r: {cluster_permissions: ['indices:data/write/bulk', manage_point_in_time]}}")),
        ("system-indices", role("{index_patterns: ['app-*', '.kibana*'], allowed_actions: [read]}")),
        ("tenant-unused", access(OPS + "and_backend_roles: {r: [a]}")),
        ("half-master", access("grants: [{role: all_access, to: {iam_role: a}}, {role: security_manager, to: {iam_role: a}}]")),
        ("half-master", access(LEVELS + "grants: [{level: super_user, to: {iam_role: a}}]")),
        ("role-unused", access("roles: {r: {}}\nand_backend_roles: {r: [a, b]}")),
        ("user-name-standard", access(LEVELS + "grants: [{level: support, to: {iam_user: sam.sample.support}}]")),
        ("other-account", access("grants: [{role: readall, to: {iam_role: 'arn:aws:iam::111111111111:role/a'}}]")),
        ("basic-auth-under-iam-master", access("users: {anna: {}}", "internal")),
        ("backend-role-of-nobody", access("and_backend_roles: {readall: ['arn:aws:iam::111122223333:role/a/b']}")),
        ("backend-role-of-nobody", access("and_backend_roles: {readall: ['arn:aws:iam::111122223333:user/c']}")),
        ("backend-role-of-nobody", access("grants: [{role: readall, to: {backend_role: 'arn-team'}}]")),
        ("user-as-caller", access("users: {anna: {backend_roles: [crew, portcullis-automation, app]}}", "internal")),
        ("user-as-portcullis", access("users: {anna: {backend_roles: [crew, portcullis-automation, app]}}", "internal")),
    ],
)  # fmt: skip
def test_given_what_is_sound_then_nothing_is_found(code, text):
    assert code not in lint(text, ACCOUNT)


def test_given_the_account_then_principals_of_another_one_are_found():
    text = access("grants: [{role: readall, to: {iam_role: 'arn:aws:iam::222222222222:role/a'}}]")
    assert "222222222222" in lint(text, ACCOUNT)["other-account"][0].message
    assert "other-account" not in lint(text)


@pytest.mark.parametrize(
    ("hosts", "vpc", "code"),
    [
        (["*"], True, "hosts-everyone"),
        (["*.*"], False, "hosts-everyone"),
        (["10.0.0.1"], True, "hosts-in-vpc"),
        (["10.0.0.1"], False, None),
    ],
)
def test_given_what_the_engine_holds_then_mappings_by_host_are_found(hosts, vpc, code):
    held = SecurityConfig({Kind.MAPPINGS: {"readall": {"users": [], "backend_roles": [], "hosts": hosts}}})
    found = lint(SMALLEST, Facts(held=held, vpc=vpc))
    assert [c for c in found if c.startswith("hosts")] == ([code] if code else [])


@pytest.mark.parametrize(
    ("role_name", "lists", "found"),
    [
        ("readall", {"users": ["*"]}, True),
        ("readall", {"backend_roles": ["a", "**"]}, True),
        ("readall", {"users": ["Cognito/*"]}, False),
        ("own_index", {"users": ["*"]}, False),
    ],
)
def test_given_a_mapping_that_lets_everybody_in_then_it_is_found(role_name, lists, found):
    findings = lint(SMALLEST, Facts(held=SecurityConfig({Kind.MAPPINGS: {role_name: lists}}))).get(
        "wildcard-principal", []
    )
    assert [f.place for f in findings] == ([f"role mapping {role_name}"] if found else [])


@pytest.mark.parametrize(
    ("role_name", "lists", "told"),
    [
        ("all_access", {"backend_roles": ["opendistro_security_anonymous_backendrole"]}, True),
        ("security_manager", {"users": ["opendistro_security_anonymous"]}, True),
        ("all_access", {"backend_roles": ["opendistro_*"]}, True),
        ("all_access", {"and_backend_roles": ["opendistro_security_anonymous_backendrole"]}, True),
        ("all_access", {"and_backend_roles": ["opendistro_security_anonymous_backendrole", "ops"]}, False),
        ("readall", {"backend_roles": ["opendistro_security_anonymous_backendrole"]}, False),
        ("all_access", {"backend_roles": ["ops"]}, False),
    ],
)
def test_an_administrator_who_does_not_sign_in_is_found_on_the_engine(role_name, lists, told):
    held = SecurityConfig({Kind.MAPPINGS: {role_name: lists}, Kind.ROLES: {role_name: {}}})
    assert ("anonymous-administrator" in lint(SMALLEST, Facts(held=held))) is told


@pytest.mark.parametrize(("makes", "told"), [(True, True), (False, False), (None, False)])
def test_tokens_on_behalf_of_people_are_found_on_the_engine(makes, told):
    assert ("token-on-behalf" in lint(SMALLEST, Facts(settings=EngineSettings(makes_tokens=makes)))) is told


def test_given_the_domains_own_policy_then_a_missing_denial_of_sql_is_found():
    assert "sql-leak" in lint(SMALLEST, Facts(access_policy={"Statement": []}))
    own = model.access_policy(model.loads(SMALLEST, "a"), "arn:aws:es:eu-west-1:1:domain/alpha")
    assert "sql-leak" not in lint(SMALLEST, Facts(access_policy=own))


# Two roles of one caller: {code: (fields of the one, fields of the other)}, as measured on real nodes.
TERM_A, TERM_B = '\'{"term": {"r": "a"}}\'', '\'{"term": {"r": "b"}}\''
MEETINGS = [
    ("dls-narrows", {"dls": TERM_A}, {}),
    ("dls-widens", {"dls": TERM_A}, {"dls": TERM_B}),
    ("fls-narrows", {"fls": "['~a']"}, {}),
    ("fls-narrows", {"fls": "['~a']"}, {"fls": "['~b']"}),
    ("fls-includes-ignored", {"fls": "['~a']"}, {"fls": "[b]"}),
    ("masks-spread", {"masked_fields": "[a]"}, {}),
    (None, {"dls": TERM_A}, {"dls": TERM_A}),
    (None, {"fls": "[a]"}, {"fls": "[b]"}),
    (None, {}, {}),
]


def two_roles(one: dict, other: dict, grants: str, patterns: tuple[str, str] = ("app-*", "app-1*")) -> str:
    roles = "".join(
        f"  {name}:\n    index_permissions:\n      - {entry(**fields).replace('app-*', pattern)}\n"
        for name, fields, pattern in (("one", one, patterns[0]), ("other", other, patterns[1]))
    )
    return access(f"roles:\n{roles}{grants}", "cognito", COGNITO)


BOTH = "grants: [{role: one, to: {iam_role: a}}, {role: other, to: {iam_role: a}}]"
APART = "grants: [{role: one, to: {cognito_group: support}}, {role: other, to: {cognito_group: analysts}}]"
MERGES = {"dls-narrows", "dls-widens", "fls-narrows", "fls-includes-ignored", "masks-spread"}


@pytest.mark.parametrize(("code", "one", "other"), MEETINGS)
def test_two_roles_of_one_subject_report_what_their_rules_add_up_to(code, one, other):
    """The finding names the subject and an index that both roles match."""
    found = lint(two_roles(one, other, BOTH))
    assert MERGES & set(found) == ({code} if code else set())
    if code:
        assert "iam_role:a" in found[code][0].message
        assert "app-1*" in found[code][0].message


@pytest.mark.parametrize(("code", "one", "other"), MEETINGS)
def test_given_the_same_roles_on_different_indices_then_nothing_is_told(code, one, other):
    assert not MERGES & set(lint(two_roles(one, other, BOTH, ("app-*", "logs-*"))))


def test_given_two_groups_then_it_may_concern_whoever_is_in_both():
    findings = lint(two_roles({"dls": TERM_A}, {}, APART))
    (finding,) = findings["groups-meet"]
    assert not MERGES & set(findings)  # a reason to accept what may concern nobody accepts nothing that does
    assert finding.severity is Severity.INFO
    assert "whoever is in both cognito_group:analysts and cognito_group:support" in finding.message
    assert "sees only the documents of one, though other alone would show all" in finding.message


def test_findings_that_may_concern_nobody_are_one_for_each_role():
    """Forty groups give a single finding that counts the other cases. What concerns real subjects is a warning."""
    names = [f"g{i}" for i in range(40)]
    groups = "identity: {cognito: {groups: {" + ", ".join(f"{name}: {{}}" for name in names) + "}}}\n"
    roles = "".join(
        f"  {n}: {{index_permissions: [{entry(**({'dls': TERM_A} if n == 'g0' else {}))}]}}\n" for n in names
    )
    grants = ", ".join(f"{{role: {name}, to: {{cognito_group: {name}}}}}" for name in names)
    real = "{role: g0, to: {iam_role: a}}, {role: g1, to: {iam_role: a}}, {role: g0, to: {iam_role: b}}, {role: g1, to: {iam_role: b}}"
    findings = lint(access(f"roles:\n{roles}grants: [{grants}, {real}]", "cognito", groups))
    (hypothetical,) = findings["groups-meet"]
    assert "so in 38 more cases of g0" in hypothetical.message
    (told,) = findings["dls-narrows"]
    assert (told.severity, "each of iam_role:a, iam_role:b sees" in told.message) == (Severity.WARNING, True)


def test_of_very_many_roles_each_is_held_against_some_of_every_kind_of_limits(monkeypatch):
    """What each is held against does not grow with the roles, and the one of its kind among them is found all the same."""
    monkeypatch.setattr(lint_merge, "_MOST_PAIRS", 0)
    held, real = [], lint_merge._meetings
    monkeypatch.setattr(lint_merge, "_meetings", lambda pair, *a, **k: held.append(pair) or real(pair, *a, **k))
    names = [f"r{i:03}" for i in range(100)]
    roles = "".join(
        f"  {n}: {{index_permissions: [{entry(**({'masked_fields': '[a]'} if n == 'r070' else {'dls': TERM_A}))}]}}\n"
        for n in names
    )
    grants = ", ".join(f"{{role: {name}, to: {{iam_role: a}}}}" for name in names)
    findings = lint(access(f"roles:\n{roles}grants: [{grants}]"))
    assert len(held) <= 100 * lint_merge._LEAST_EACH
    (said,) = findings["roles-not-compared"]
    assert "100 roles" in said.message
    assert "held against 16 others only" in said.message
    assert any("r070" in one.message for one in findings["masks-spread"])


def test_two_roles_that_mask_a_field_differently_are_told():
    found = lint(two_roles({"masked_fields": "[a, b]"}, {"masked_fields": "['a::SHA-256', b]"}, BOTH))
    assert "iam_role:a" in found["masks-differ"][0].message
    assert "masks-differ" not in lint(two_roles({"masked_fields": "[a]"}, {"masked_fields": "[b]"}, BOTH))


def test_an_exclusion_by_the_older_sign_counts_as_one():
    found = lint(two_roles({"fls": "['!a']"}, {"fls": "[b]"}, BOTH))
    assert "fls-includes-ignored" in found


def test_given_the_members_then_only_who_is_in_both_is_told_by_name():
    groups = [Subject(SubjectKind.COGNITO_GROUP, name) for name in ("support", "analysts")]
    apart = Membership(users={groups[0]: ("Cognito/p/anna",), groups[1]: ("Cognito/p/ben",)})
    assert not MERGES & set(lint(two_roles({"dls": TERM_A}, {}, APART), Facts(membership=apart)))
    both = Membership(users={groups[0]: ("Cognito/p/anna",), groups[1]: ("Cognito/p/ben", "Cognito/p/anna")})
    (finding,) = lint(two_roles({"dls": TERM_A}, {}, APART), Facts(membership=both))["dls-narrows"]
    assert (finding.severity, "Cognito/p/anna" in finding.message) == (Severity.WARNING, True)


def test_a_restricted_role_narrows_nothing_if_empty_rules_override_all():
    """The setting of the engine says that a role without rules lifts the rules of others."""
    text = two_roles({"dls": TERM_A}, {}, BOTH)
    assert not MERGES & set(lint(text, Facts(dfm_empty_overrides_all=True)))


def test_a_master_who_also_has_a_restricted_role_is_told_they_see_less():
    """Alone, all_access would show everything."""
    grants = "grants: [{level: super_user, to: {iam_role: a}}, {role: one, to: {iam_role: a}}, {role: other, to: {iam_role: b}}]"
    text = two_roles({"dls": TERM_A}, {}, "levels: {preset: layered, indices: [x]}\n" + grants)
    assert "though all_access alone would show all" in lint(text)["dls-narrows"][0].message


def test_an_accepted_warning_is_listed_as_accepted_with_its_reason():
    """Its remedy is the reason that the file gives."""
    text = (
        SMALLEST.replace("{configuration: api}", "{configuration: api, deny_sql: false}")
        + "accept: {sql-leak: our names are public}\n"
    )
    (finding,) = lint(text)["sql-leak"]
    assert (finding.severity, finding.remedy) == (Severity.ACCEPTED, "accepted: our names are public")


def test_an_error_is_refused_with_its_place_and_how_many_more():
    text = role(entry(dls="'{'", masked_fields="['a::NOPE']"))
    with pytest.raises(BadInput) as caught:
        model.require(model.loads(text, "alpha.yaml"))
    assert caught.value.source == "alpha.yaml"
    assert caught.value.place.startswith("line ")
    assert "[dls-invalid]" in caught.value.problem
    assert "1 more in this file" in caught.value.remedy


TOLD = "alerts: {email: oncall@example.com}\n"


@pytest.mark.parametrize("preset", ["layered", "cognito", "internal", "api"])
def test_what_init_writes_lacks_nothing_but_somebody_to_tell(preset):
    found = model.require(model.loads(model.start("alpha", preset), "deployments/alpha.yaml"))
    assert [f.code for f in found if f.severity is Severity.WARNING] == ["nobody-told"]


@pytest.mark.parametrize(("alerts", "warned"), [("", True), ("alerts: {}\n", True), (TOLD, False)])
def test_a_deployment_that_tells_nobody_is_warned_of(alerts, warned):
    text = f"deployment: demo\nengine: OpenSearch_3.3\ndomain: {{configuration: api}}\n{alerts}"
    found = model.lint(model.loads(text, "demo.yaml"))
    assert ("nobody-told" in {f.code for f in found}) is warned


def test_the_worst_comes_first_and_every_code_is_in_the_table():
    text = role(entry(dls="'{'", masked_fields="[a]", fls="['~a']"))
    found = model.lint(model.loads(text, "other.yaml"))
    order = [list(Severity).index(f.severity) for f in found]
    assert order == sorted(order)
    assert {f.code for f in found} >= {"dls-invalid", "mask-and-hidden", "file-name"}
    assert {f.code for f in found} <= set(model.CODES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # As real nodes of 2.19.3 and 3.4.0 answer with these among cluster permissions alone.
        (
            access("roles: {r: {cluster_permissions: [get]}}"),
            "of get these alone count among cluster permissions: indices:data/read/mget",
        ),
        (
            access("roles: {r: {cluster_permissions: [indices_monitor]}}"),
            "indices_monitor has no effect among cluster permissions",
        ),
        (
            role("{index_patterns: [a], allowed_actions: [cluster_monitor]}"),
            "cluster_monitor has no effect among index permissions",
        ),
        (
            role("{index_patterns: [a], allowed_actions: [cluster_composite_ops]}"),
            "of cluster_composite_ops these alone count among index permissions: indices:admin/aliases",
        ),
    ],
)
def test_what_of_a_misplaced_group_counts_all_the_same_is_said(text: str, message: str) -> None:
    assert lint(text)["permission-place"][0].message.startswith(message)


def test_groups_of_every_index_action_put_templates_from_among_cluster_permissions() -> None:
    said = lint(access("roles: {r: {cluster_permissions: [indices_all]}}"))["permission-place"][0].message
    assert "indices:admin/index_template/" in said


@pytest.mark.parametrize(
    ("permission", "remedy"),
    [
        ("indices:admin/mappings/put", "did you mean 'indices:admin/mapping/put'?"),
        ("cluster:monitor/prometheus/metrics", "is it one of a plugin's, spelled right?"),
        ("cluster:admin/opensearch/ql/datasources/read", "is it one of a plugin's, spelled right?"),
    ],
)
def test_a_permission_of_another_plugin_is_no_slip_of_one_that_is_known(permission: str, remedy: str) -> None:
    findings = lint(role(f"{{index_patterns: [a], allowed_actions: ['{permission}']}}"))
    assert findings["unknown-permission"][0].remedy.startswith(remedy)


def test_the_right_to_indices_of_the_engines_own_is_known() -> None:
    assert "unknown-permission" not in lint(
        role("{index_patterns: [a], allowed_actions: ['system:admin/system_index']}")
    )
