"""The deployment file of an Elasticsearch cluster: read, refused with a place and a remedy, linted, turned into an access model."""

from __future__ import annotations

import itertools

import pytest
from portcullis import model
from portcullis.access.plan import By, Membership, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.compiling import desired
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.losses import losses
from portcullis.families.elasticsearch.known.privileges import grants_on_index

from tests.model.examples import SMALLEST

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"
VERSIONS = ("9.5.3", "8.19.21", "7.17.29", "6.8.23")
PRESET = model.start("alpha", "layered-elasticsearch")


def cluster(text: str = "", version: str = "9.5", licence: str = "trial", more: str = "") -> str:
    """A file of a cluster with this (unindented) access section."""
    access = "".join(f"  {line}\n" for line in text.strip("\n").splitlines())
    return (
        f"deployment: alpha\nengine: elasticsearch-{version}\n"
        f"cluster: {{endpoint: 'a.example:443', user: automation, credential: s, licence: {licence}}}\nkey: {{arn: '{KEY}'}}\n{more}"
        + (f"access:\n{access}" if access else "")
    )


def refusal(text: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        model.loads(text, "alpha.yaml")
    return caught.value


def codes(text: str) -> set[str]:
    return {finding.code for finding in model.lint(model.loads(text, "alpha.yaml"))}


def test_the_smallest_file_has_native_users_of_the_same_name() -> None:
    read = model.loads(cluster(), "alpha.yaml")
    assert isinstance(read, model.OnCluster)
    assert (read.family, str(read.release), read.people.natives.user_name) == ("elasticsearch", "9.5", "{name}")
    assert model.resolve(read).people is not None
    assert model.options(read).snapshots.every_hours == 0


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("9", "9.0"),
        *((given, "9.5") for given in ("9.5", "9.5.3")),
        ("8", "8.0"),
        *((given, "8.19") for given in ("8.19", "8.19.21")),
        *((given, "7.17") for given in ("7.17", "7.17.29")),
        *((given, "6.8") for given in ("6.8", "6.8.23")),
    ],
)
def test_each_release_may_be_named_as_exactly_as_one_likes(given: str, read: str) -> None:
    assert str(model.loads(cluster(version=given), "a").release) == read  # type: ignore[attr-defined]


ROLE = "roles:\n  r: {indices: [{names: [x], privileges: [read]}]}\n"
SEED = 'levels: {preset: layered, indices: ["app-*"]}\n'
REFUSED = [
    (SMALLEST + "cluster: {}\n", "line 4, cluster", "a domain and a cluster", "one that runs elsewhere"),
    (
        cluster().replace("elasticsearch-9.5", "OpenSearch_3.3"),
        "line 2, engine",
        "a name of Amazon's",
        "elasticsearch-9.5",
    ),
    (
        cluster().replace("elasticsearch-9.5", "Elasticsearch_7.17"),
        "line 2, engine",
        "of Amazon's",
        "elasticsearch-7.17?",
    ),
    (SMALLEST.replace("OpenSearch_3.3", "elasticsearch-9.5"), "line 3, domain", "Elastic's own", "cluster: {endpoint"),
    (cluster(version="7.10"), "line 2, engine", "is not an engine", "7.17 or 6.8"),
    (cluster(version="10.0"), "line 2, engine", "is not an engine", "9, 8, 7.17 or 6.8"),
    (
        cluster().replace("'a.example:443'", "https://a:443"),
        "line 3, cluster.endpoint",
        "is not an endpoint",
        "always https",
    ),
    (
        cluster().replace("443", "9200"),
        "line 3, cluster.endpoint",
        "nothing lets the functions out to port 9200",
        "network:",
    ),
    (cluster().replace("443", "70000"), "line 3, cluster.endpoint", "there is no port 70000", "65535"),
    (cluster().replace("licence:", "ca: x, licence:"), "line 3, cluster.ca", "is no certificate", "PEM"),
    (cluster().replace("licence:", "ca: BEGIN PRIVATE KEY, licence:"), "line 3, cluster.ca", "a private key", "change"),
    (cluster().replace("licence: trial", "network: {}"), "line 3, cluster.network", "names no address", "cidrs:"),
    (cluster().replace("key: {", "key: {rotation_days: 90, "), "line 4, key", "names an existing key", "owner"),
    (
        cluster().replace("key: {", "key: {org_paths: [o-abcdefghij/x], "),
        "line 4, key.org_paths",
        "made and rotated",
        "{arn:",
    ),
    (cluster().replace(f"arn: '{KEY}'", ""), "line 4, key", "names no key", "key: {arn:"),
    (cluster(more="key_: {}\n"), "line 5, key_", "unknown key", "did you mean 'key'?"),
    (
        cluster(more="custody: {deny_older_sessions: true}\n"),
        "line 5, custody.deny_older_sessions",
        "no sessions",
        "leave",
    ),
    (
        cluster(more="custody: {delete_after_days: 9}\n"),
        "line 5, custody.delete_after_days",
        "its owner's",
        "leave it out",
    ),
    (cluster(more="snapshots: {every_hours: 1}\n"), "line 5, snapshots", "whoever runs it", "leave it out"),
    (
        cluster(more="break_glass: {require_mfa: true}\n"),
        "line 5, break_glass.require_mfa",
        "no IAM role",
        "break_glass: {user:",
    ),
    (
        cluster(more="identity: {cognito: {groups: {a: {role: true}}}}\n"),
        "line 5, identity.cognito.groups.a.role",
        "Dashboards",
        "",
    ),
    (cluster("tenants: {a: {}}"), "line 6, access.tenants", "unknown key", "spaces of Kibana"),
    (cluster("action_groups: {}"), "line 6, access.action_groups", "unknown key", "names privileges"),
    (cluster("and_backend_roles: {}"), "line 6, access.and_backend_roles", "unknown key", "has none"),
    (
        cluster("roles: {r: {index_permissions: []}}"),
        "line 6, access.roles.r.index_permissions",
        "",
        "here it is indices:",
    ),
    (
        cluster("roles: {r: {cluster_permissions: []}}"),
        "line 6, access.roles.r.cluster_permissions",
        "",
        "here it is cluster:",
    ),
    (cluster("roles: {superuser: {}}"), "line 6, access.roles.superuser", "keeps this name", "another name"),
    (cluster("roles: {portcullis_x: {}}"), "line 6, access.roles.portcullis_x", "kept for Portcullis", ""),
    (cluster("roles: {r: {cluster: [reed]}}"), "line 6, access.roles.r.cluster", "no privilege reed", "one of"),
    (
        cluster("roles: {r: {indices: [{names: [a], privileges: [crud]}]}}"),
        "line 6, access.roles.r.indices[0].privileges",
        "no privilege crud",
        "",
    ),
    (
        cluster("roles: {r: {indices: [{names: ['-a'], privileges: [read]}]}}"),
        "line 6, access.roles.r.indices[0].names[0]",
        "no exclusions",
        "logs-*",
    ),
    (
        cluster("roles: {r: {indices: [{names: [a], privileges: [read], query: 'x'}]}}"),
        "line 6, access.roles.r.indices[0].query",
        "no JSON object",
        "",
    ),
    (
        cluster("roles: {r: {indices: [{names: [a], privileges: [read], query: '{\"a\": {}}'}]}}", licence="basic"),
        "line 6, access.roles.r.indices[0]",
        "licence has no filters",
        "another licence",
    ),
    (
        cluster("roles: {r: {indices: [{names: [a], privileges: [read], field_security: {grant: [a], except: [b]}}]}}"),
        "line 6, access.roles.r.indices[0].field_security",
        "never given",
        "",
    ),
    (
        cluster("roles: {r: {description: x}}", "7.17"),
        "line 6, access.roles.r.description",
        "7.17 does not know it",
        "8.15",
    ),
    (
        cluster("roles: {r: {remote_cluster: [{clusters: [a], privileges: [monitor_stats]}]}}", "8.14"),
        "line 6, access.roles.r.remote_cluster",
        "8.14 does not know it",
        "8.15",
    ),
    (
        cluster("roles: {r: {indices: [{names: [a], privileges: [create_doc]}]}}", "6.8"),
        "line 6, access.roles.r.indices[0].privileges",
        "create_doc would end every request",
        "leave it out",
    ),
    (cluster("users: {elastic: {}}"), "line 6, access.users.elastic", "keeps this name", "another name"),
    (
        cluster("users: {a: {backend_roles: []}}"),
        "line 6, access.users.a.backend_roles",
        "unknown key",
        "access.grants",
    ),
    (
        cluster("users: {a: {password: x}}"),
        "line 6, access.users.a.password",
        "unknown key",
        "never stand in this file",
    ),
    (
        cluster(ROLE + "grants: [{role: r, to: {iam_role: a}}]"),
        "line 8, access.grants[0].to.iam_role",
        "no user of a cluster",
        "internal_user",
    ),
    (
        cluster(ROLE + "grants: [{role: r, to: {backend_role: a}}]"),
        "line 8, access.grants[0].to.backend_role",
        "no backend roles",
        "internal_user",
    ),
    (
        cluster(ROLE + "grants: [{role: r, to: {internal_user: elastic}}]"),
        "line 8, access.grants[0].to.internal_user",
        "cannot be changed",
        "",
    ),
    (
        cluster(ROLE + "grants: [{role: all_access, to: {internal_user: a}}]"),
        "line 8, access.grants[0].role",
        "there is no role",
        "",
    ),
    (
        cluster(ROLE + "grants: [{role: r, to: {iam_group: g}}]"),
        "line 8, access.grants[0].to.iam_group",
        "not listened to",
        "iam_groups",
    ),
    (
        cluster(ROLE + "grants: [{role: r, to: {identity_center_group: g}}]"),
        "line 8, access.grants[0].to.identity_center_group",
        "no identity store",
        "identity_center",
    ),
    (
        cluster(
            ROLE + "grants: [{role: r, to: {cognito_group: g, by: role}}]",
            more="identity: {cognito: {groups: {g: {}}}}\n",
        ),
        "line 9, access.grants[0].to.by",
        "all groups count in one way",
        "people.realm.by",
    ),
    (
        cluster("levels: {preset: layered, indices: [a], define: {super_user: {indices: [b]}}}"),
        "line 6, access.levels.define.super_user",
        "cannot be narrowed",
        "another name",
    ),
    (
        cluster(
            "levels: {preset: layered, indices: [a], define: {x: {privileges: [crud]}}}\nseed_users: {cloud: [{name: u, level: x}]}"
        ),
        "line 6, access.levels.define.x.privileges",
        "no privilege crud",
        "",
    ),
    (
        cluster(SEED + "seed_users: {local: [{name: elastic, level: super_user}]}"),
        "line 7, access.seed_users.local[0].name",
        "there from the start",
        "leave it out",
    ),
    (
        cluster(SEED + "seed_users: {local: [{name: anna, level: support}]}"),
        "line 7, access.seed_users.local[0].name",
        "the standard of the level support",
        "<firstname>",
    ),
    (cluster(more="people: {realm: {name: a}, native_users: {}}\n"), "line 5, people.realm", "two ways", ""),
    (
        cluster(more="people: {realm: {name: native}}\n"),
        "line 5, people.realm.name",
        "cluster's own users",
        "native_users",
    ),
    (
        cluster(more="people: {realm: {name: a}}\n", licence="basic"),
        "line 5, people.realm",
        "no realms of tokens",
        "cluster.licence",
    ),
    (
        cluster(more="people: {realm: {name: a}}\n", version="8.1"),
        "line 5, people.realm",
        "8.1 has no jwt realm",
        "8.2",
    ),
    (
        cluster(more="people: {realm: {name: a, type: oidc}}\n", version="6.8"),
        "line 5, people.realm.type",
        "6.8 has no oidc realm",
        "7.2",
    ),
    (
        cluster(more="people: {native_users: {user_name: x}}\n"),
        "line 5, people.native_users.user_name",
        "makes no user name",
        "{name}.support",
    ),
    (
        cluster(more="people: {native_users: {user_name: '{name}{name}'}}\n"),
        "line 5, people.native_users.user_name",
        "makes no user name",
        "",
    ),
    (
        cluster(SEED, more="people: {native_users: {of_levels: {suport: '{name}'}}}\n"),
        "line 5, people.native_users.of_levels.suport",
        "no level",
        "support",
    ),
    (
        cluster(SEED, more="people: {native_users: {of_levels: {support: '{name}.sup'}}}\n"),
        "line 5, people.native_users.of_levels.support",
        "does not follow the standard",
        "<firstname>",
    ),
]


@pytest.mark.parametrize(("text", "place", "problem", "remedy"), REFUSED)
def test_what_cannot_be_is_refused_with_its_place_and_a_remedy(
    text: str, place: str, problem: str, remedy: str
) -> None:
    why = refusal(text)
    assert why.source == "alpha.yaml"
    assert why.place.startswith(place)
    assert problem in why.problem
    assert remedy in why.remedy
    assert why.remedy


@pytest.mark.parametrize(
    ("more", "access", "place"),
    [
        ("break_glass: {user: automation, secret: x}\n", "", "break_glass.user"),
        ("break_glass: {user: elastic, secret: x}\n", "", "break_glass.user"),
        ("break_glass: {user: alone}\n", "", "break_glass"),
        ("", "users: {automation: {}}", "access.users.automation"),
        ("", "users: {portcullis_canary: {}}", "access.users.portcullis_canary"),
        (
            "break_glass: {user: ada, secret: x}\n",
            "grants: [{role: viewer, to: {internal_user: ada}}]",
            "access.grants[0].to",
        ),
        ("break_glass: {user: ada, secret: x}\n", "users: {ada: {}}", "access.users.ada"),
    ],
)
def test_the_users_that_portcullis_needs_are_nobody_elses(more: str, access: str, place: str) -> None:
    assert refusal(cluster(access, more=more)).place.endswith(place)


def test_a_private_key_in_the_place_of_a_certificate_is_not_repeated() -> None:
    text = cluster().replace("licence:", "ca: '-----BEGIN PRIVATE KEY-----abcdefgh', licence:")
    assert "abcdefgh" not in str(refusal(text))


def test_a_domain_takes_none_of_a_clusters_words() -> None:
    assert "unknown key 'people'" in refusal(SMALLEST + "people: {}\n").problem


# ------------------------------------------------------------------ the preset, and the layered model


@pytest.mark.parametrize("version", VERSIONS)
def test_the_preset_is_valid_on_every_release_and_nothing_of_it_is_lost(version: str) -> None:
    read = model.loads(PRESET.replace("elasticsearch-9.5 ", f"elasticsearch-{version} "), "alpha.yaml")
    assert isinstance(read, model.OnCluster)
    assert str(read.release) == version.rpartition(".")[0]
    assert model.require(read)
    made = SecurityConfig({Kind.ROLES: model.resolve(read).roles, Kind.USERS: model.resolve(read).users})
    assert losses(made, read.release, "basic") == ()


def granted(version: str, access: str = "") -> dict[str, set[str]]:
    """Level -> the roles that a grant of it grants."""
    grants = "\n".join(
        f"  - {{level: {level}, to: {{internal_user: u-{level}}}}}"
        for level in ("super_user", "application", "support", "dashboard")
    )
    resolved = model.resolve(model.loads(cluster(SEED + access + f"grants:\n{grants}", version), "alpha.yaml"))
    found: dict[str, set[str]] = {}
    for grant in resolved.grants:
        found.setdefault(grant.subject.name.removeprefix("u-"), set()).add(grant.role)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_each_level_is_the_role_of_the_seed_or_one_made_in_its_place(version: str) -> None:
    dashboard = "kibana_dashboard_only_user" if version[0] in "67" else "level_dashboard"
    assert granted(version) == {
        "super_user": {"superuser"},
        "application": {"level_application"},
        "support": {"level_support"},
        "dashboard": {dashboard},
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dashboard_level_that_reads_has_a_role_for_it_beside_the_engines(version: str) -> None:
    reading = SEED.replace("}\n", ", define: {dashboard: {privileges: [read]}}}\n")
    text = cluster(reading + "grants: [{level: dashboard, to: {internal_user: a.b.dashboard}}]", version)
    resolved = model.resolve(model.loads(text, "alpha.yaml"))
    roles = {grant.role for grant in resolved.grants}
    assert "level_dashboard" in roles
    assert ("kibana_dashboard_only_user" in roles) == (version[0] in "67")
    assert resolved.roles["level_dashboard"]["indices"] == [{"names": ["app-*"], "privileges": ["read"]}]
    assert bool(resolved.roles["level_dashboard"].get("applications")) == (version[0] in "89")
    assert "dashboard-sees-nothing" not in codes(text)


# Every privilege that the layered model explains for the application and the support role, and what it is asked for.
PRIVILEGES = {
    "create": "indices:data/write/index",
    "create_index": "indices:admin/create",
    "delete": "indices:data/write/delete",
    "delete_index": "indices:admin/delete",
    "index": "indices:data/write/index",
    "manage": "indices:admin/close",
    "manage_follow_index": "indices:admin/xpack/ccr/put_follow",
    "manage_ilm": "indices:admin/ilm/retry",
    "manage_leader_index": "indices:admin/xpack/ccr/forget_follower",
    "monitor": "indices:monitor/stats",
    "read": "indices:data/read/search",
    "read_cross_cluster": "indices:admin/shards/search_shards",
    "view_index_metadata": "indices:admin/mappings/get",
    "write": "indices:data/write/bulk",
}


@pytest.mark.parametrize(("privilege", "version"), [*itertools.product(PRIVILEGES, VERSIONS)])
def test_each_privilege_of_the_model_may_be_a_levels_and_all_contains_it(privilege: str, version: str) -> None:
    define = SEED.replace("}\n", f", define: {{own: {{privileges: [{privilege}]}}}}}}\n")
    text = cluster(define + "grants: [{level: own, to: {internal_user: u}}]", version)
    resolved = model.resolve(model.loads(text, "alpha.yaml"))
    [entry] = resolved.roles["level_own"]["indices"]
    assert entry == {"names": ["app-*"], "privileges": [privilege]}
    assert grants_on_index([privilege], PRIVILEGES[privilege])
    assert grants_on_index(["all"], PRIVILEGES[privilege])
    assert grants_on_index(["read"], PRIVILEGES[privilege]) == (privilege == "read")


@pytest.mark.parametrize(
    ("environment", "users"),
    [
        ("local", {"anna.lin.admin", "catalyst", "anna.lin.support", "anna.lin.dashboard"}),
        ("on_premises", {"catalyst"}),
        ("cloud", {"catalyst"}),
    ],
)
def test_the_seed_users_of_an_environment_are_made_with_a_secret_each(environment: str, users: set[str]) -> None:
    read = model.loads(PRESET.replace("environment: cloud ", f"environment: {environment} "), "alpha.yaml")
    resolved = model.resolve(read)
    assert set(resolved.users) == users
    assert model.secrets(read) == dict.fromkeys(users)
    assert {grant.subject.name for grant in resolved.grants if grant.subject.kind is SubjectKind.INTERNAL_USER} == users


def test_people_of_a_group_are_called_by_the_standard_of_their_level() -> None:
    resolved = model.resolve(model.loads(PRESET, "alpha.yaml"))
    pool = {
        Subject(SubjectKind.COGNITO_GROUP, group): (f"Cognito/eu-1_A/{name}",)
        for group, name in (("admins", "anna.lin"), ("support", "maya.lin"), ("dashboards", "maya.lin"))
    }
    assert resolved.people is not None
    asked = desired(resolved, Membership(users=pool))
    assert {role: set(of["users"]) for role, of in asked.entries.items()} == {
        "superuser": {"anna.lin.admin"},
        "level_application": {"catalyst"},
        "level_support": {"maya.lin.support"},
        "level_dashboard": {"maya.lin.dashboard"},
    }


@pytest.mark.parametrize(("by", "way"), [("user_name", By.MEMBERS), ("groups", By.ROLE)])
def test_a_realm_counts_groups_by_name_or_by_the_token(by: str, way: By) -> None:
    identity = "identity: {cognito: {groups: {g: {}}}, iam_groups: [i]}\n"
    people = f"people: {{realm: {{name: tokens, by: {by}}}}}\n"
    grants = "grants: [{role: viewer, to: {cognito_group: g}}, {role: viewer, to: {iam_group: i}}]"
    text = cluster(grants, more=identity + people)
    resolved = model.resolve(model.loads(text, "alpha.yaml"))
    assert resolved.people is not None
    assert resolved.people.realm == "tokens"
    assert [grant.by for grant in resolved.grants] == [way, By.MEMBERS]
    assert ("token-outlives-group" in codes(text)) == (by == "groups")
    assert "token-outlives-group" not in codes(text.replace("{name: tokens,", "{name: tokens, type: oidc,"))


def test_a_role_is_resolved_in_elasticsearch_form_without_empty_parts() -> None:
    """The query, `global` and `metadata` stay as the file has them. An empty list of exceptions is left out."""
    entry = "{names: ['a*'], privileges: [read], query: {term: {a: 1}}, field_security: {grant: [], except: []}}"
    text = cluster(
        f"roles: {{r: {{indices: [{entry}], global: {{role: 1}}, metadata: {{team: a}}}}}}\ngrants: [{{role: r, to: {{internal_user: u}}}}]"
    )
    role = model.resolve(model.loads(text, "alpha.yaml")).roles["r"]
    assert role == {
        "indices": [
            {"names": ["a*"], "privileges": ["read"], "query": {"term": {"a": 1}}, "field_security": {"grant": []}}
        ],
        "global": {"role": 1},
        "metadata": {"team": "a"},
    }  # fmt: skip


# ------------------------------------------------------------------ what is seldom meant

FILTERED = "{names: ['logs-*'], privileges: [read], query: '{\"term\": {\"a\": 1}}'}"


def roles(first: str, second: str = "", *, one: bool = True, together: bool = True) -> str:
    """Two entries, in one role or in two, which one subject has or two have."""
    entries = [f"r: {{indices: [{first}{', ' + second if one and second else ''}]}}"]
    if not one:
        entries.append(f"s: {{indices: [{second}]}}")
    grants = ["{role: r, to: {internal_user: u}}"]
    if not one:
        grants.append(f"{{role: s, to: {{internal_user: {'u' if together else 'v'}}}}}")
    return cluster(f"roles: {{{', '.join(entries)}}}\ngrants: [{', '.join(grants)}]")


LIFTS = "{names: ['logs-*'], privileges: [write]}"


def test_a_twin_that_only_writes_lifts_the_filter_and_is_an_error() -> None:
    assert "filter-lifted" in codes(roles(FILTERED, LIFTS))
    assert "filter-lifted" in codes(roles(FILTERED, LIFTS, one=False))
    assert "filter-lifted-for-both" in codes(roles(FILTERED, LIFTS, one=False, together=False))


def test_an_entry_that_reads_the_same_index_without_the_filter_lifts_it() -> None:
    assert "filter-lifted" in codes(roles(FILTERED, "{names: ['logs-a*'], privileges: [read]}"))
    assert "filter-lifted" in codes(roles(FILTERED, "{names: ['/logs-[ab]/', logs-a], privileges: [all]}"))


def test_a_document_filter_next_to_a_field_filter_is_reported_as_lifted() -> None:
    """Two entries of one role for the same indices, one with a query and one with fields: together they show everything."""
    fields = "{names: ['logs-*'], privileges: [read], field_security: {grant: [a]}}"
    assert "filter-lifted" in codes(roles(FILTERED, fields))


def test_a_filter_that_nothing_lifts_is_not_told() -> None:
    both = {"filter-lifted", "filter-lifted-for-both"}
    assert not both & codes(roles(FILTERED))
    assert not both & codes(roles(FILTERED, "{names: ['logs-a*'], privileges: [write]}"))
    assert not both & codes(roles(FILTERED, "{names: ['other-*'], privileges: [read]}"))
    assert not both & codes(roles(FILTERED, FILTERED))
    # One more role that reads everything is meant so: roles add up.
    assert not both & codes(roles(FILTERED, "{names: ['logs-*'], privileges: [read]}", one=False))


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ("roles: {r: {cluster: [manage_security]}}", "superuser-by-another-name"),
        ("roles: {r: {cluster: [ALL]}}", "superuser-by-another-name"),
        ("roles: {r: {cluster: ['cluster:*']}}", "superuser-by-another-name"),
        ("roles: {r: {cluster: ['cluster:admin/xpack/security/*']}}", "superuser-by-another-name"),
        ("roles: {r: {run_as: ['*']}}", "superuser-by-another-name"),
        ("roles: {r: {run_as: [elastic]}}", "superuser-by-another-name"),
        ("roles: {r: {run_as: ['/e.*/']}}", "superuser-by-another-name"),
        (
            "roles: {r: {run_as: [s]}, s: {}}\ngrants: [{role: superuser, to: {internal_user: s}}]",
            "superuser-by-another-name",
        ),
        (
            "roles: {r: {indices: [{names: [a], privileges: [read], allow_restricted_indices: true}]}}",
            "restricted-indices",
        ),
        ("roles: {r: {indices: [{names: [a, _all], privileges: [read]}]}}", "name-all"),
        ("roles: {r: {}}", "role-unused"),
        ("roles: {Viewer: {}}", "names-by-case"),
        (SEED + "grants: [{level: dashboard, to: {internal_user: a.b.dashboard}}]", "dashboard-sees-nothing"),
        (SEED + "grants: [{level: support, to: {internal_user: bob}}]", "user-name-standard"),
        ("grants: [{role: kibana_user, to: {internal_user: bob}}]", "deprecated-role"),
    ],
)
def test_what_is_seldom_meant_is_told_by_its_code(access: str, code: str) -> None:
    assert code in codes(cluster(access))


CLOUD = "elastic_cloud: {deployment: 0123456789abcdef0123456789abcdef, credential: elastic/cloud}"
KUBERNETES = "kubernetes: {api: k8s.example, namespace: search, secret: remote-keys, credential: elastic/kubernetes}"

MACHINES = "ssm: {nodes: {node-1: i-0123456789abcdef0, node-2: mi-0123456789abcdef0}}"


def keystore(way: str) -> str:
    return cluster().replace("credential: s,", f"credential: s, keystore: {{{way}}},")


@pytest.mark.parametrize(
    ("way", "credential"), [(CLOUD, "elastic/cloud"), (KUBERNETES, "elastic/kubernetes"), (MACHINES, "")]
)
def test_keystores_are_written_in_one_way_with_one_credential(way: str, credential: str) -> None:
    read = model.loads(keystore(way), "alpha.yaml")
    assert isinstance(read, model.OnCluster)
    assert read.cluster.keystore is not None
    assert read.cluster.keystore.credential == credential


@pytest.mark.parametrize(
    ("way", "place"),
    [
        ("", "cluster.keystore"),
        (f"{CLOUD}, {KUBERNETES}", "cluster.keystore"),
        (CLOUD.replace("0123456789abcdef0123456789abcdef", "../x"), "cluster.keystore.elastic_cloud.deployment"),
        (CLOUD.replace("}", ", api: 'https://x'}"), "cluster.keystore.elastic_cloud.api"),
        ("ssm: {nodes: {}}", "cluster.keystore.ssm.nodes"),
        ("ssm: {nodes: {node-1: i-0123456789abcdef0}, folder: '/etc/$(id)'}", "cluster.keystore.ssm.folder"),
        (KUBERNETES.replace("remote-keys", "a/b"), "cluster.keystore.kubernetes.secret"),
        (KUBERNETES.replace("search", "../kube-system"), "cluster.keystore.kubernetes.namespace"),
    ],
)
def test_a_way_to_keystores_that_will_not_do_is_refused_by_place(way: str, place: str) -> None:
    assert refusal(keystore(way)).place == f"line 3, {place}"


def test_the_user_name_standard_is_about_the_name_on_the_cluster() -> None:
    """The name in IAM may differ from it. A rule of the file that makes a name of the standard form is enough."""
    grant = SEED + "grants: [{level: support, to: {iam_user: maya.lin}}]"
    assert "user-name-standard" in codes(cluster(grant))
    assert "user-name-standard" not in codes(
        cluster(grant, more='people: {native_users: {of_levels: {support: "{name}.support"}}}\n')
    )


def test_a_look_at_a_cluster_misses_nobody_whom_it_or_the_file_has() -> None:
    """Its users are native users. One that neither has is missing."""
    granted = "".join(
        f"\n  - {{role: r, to: {{internal_user: {name}}}}}" for name in ("of-file", "of-cluster", "x.y.admin", "nobody")
    )
    seeds = "seed_users: {cloud: [{name: x.y.admin, level: super_user}]}\n"
    text = cluster(f"{ROLE}{SEED}users: {{of-file: {{}}}}\n{seeds}grants:{granted}")
    held = SecurityConfig({Kind.USERS: {"of-cluster": {"roles": []}}})
    found = model.lint(model.loads(text, "alpha.yaml"), model.Facts(held=held))
    assert [one.message for one in found if one.code == "missing-principal"] == ["internal_user:nobody does not exist"]
