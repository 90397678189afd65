"""Access models for the laws: few names, so that they collide."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from portcullis.access.plan import Subject, SubjectKind

from tests.operations.worlds import POOL, Make, arn, model_text

READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
OPS = Subject(SubjectKind.IAM_GROUP, "ops")
MEMBERS = {READERS: tuple(f"Cognito/{POOL}/{n}" for n in ("anna", "ben")), OPS: (arn("user", "carl"),)}

_actions = st.lists(st.sampled_from(["read", "write", "crud"]), min_size=1, max_size=2, unique=True)
_permissions = st.fixed_dictionaries(
    {"index_patterns": st.sampled_from([["logs-*"], ["orders"]]), "allowed_actions": _actions},
    optional={
        "dls": st.just('{"term": {"a": 1}}'),
        "fls": st.just(["~b", "~a"]),
        "masked_fields": st.just(["c", "d::/x/::y"]),
    },
)
_roles = st.dictionaries(
    st.sampled_from(["viewers", "editors", "auditors"]),
    st.fixed_dictionaries(
        {"index_permissions": st.lists(_permissions, min_size=1, max_size=2)},
        optional={
            "description": st.sampled_from(["of the team", "old"]),
            "cluster_permissions": st.just(["cluster_monitor"]),
        },
    ),
    max_size=3,
)
_subjects = st.sampled_from(
    [
        {"cognito_group": "readers"},
        {"cognito_group": "writers"},
        {"cognito_group": "tokens", "by": "role"},
        {"iam_group": "ops"},
        {"iam_role": "app"},
        {"iam_user": "dora"},
        {"cognito_user": "emil"},
        {"backend_role": "team"},
    ]
)


@st.composite
def texts(draw: st.DrawFn, deployment: str = "demo") -> str:
    """The text of any small deployment file."""
    roles = draw(_roles)
    grantable = [*roles, "all_access", "opensearch_dashboards_user"]
    grants = draw(st.lists(st.tuples(st.sampled_from(grantable), _subjects), max_size=5))
    access: dict[str, Any] = {"roles": roles, "grants": [{"role": role, "to": to} for role, to in grants]}
    if draw(st.booleans()):
        access["tenants"] = {"team": {"description": draw(st.sampled_from(["ours", "theirs"]))}}
    if draw(st.booleans()):
        access["action_groups"] = {"looking": {"allowed_actions": draw(_actions)}}
    if draw(st.booleans()):
        access["users"] = {"robot": {"backend_roles": draw(st.sampled_from([["team"], []]))}}
    if roles and draw(st.booleans()):
        access["and_backend_roles"] = {min(roles): ["east", "west"]}
    lines = [f"  {key}: {json.dumps(value)}\n" for key, value in access.items()]
    return model_text("".join(lines), deployment)


# ---------------------------------------------------------------------- of a cluster of Elasticsearch

_entries = st.fixed_dictionaries(
    {"names": st.sampled_from([["logs-*"], ["orders"]]), "privileges": st.sampled_from([["read"], ["write"], ["all"]])},
    optional={
        "query": st.just('{"term": {"a": 1}}'),
        "field_security": st.just({"grant": ["*"], "except": ["b", "a"]}),
    },
)
_cluster_roles = st.dictionaries(
    st.sampled_from(["viewers", "editors", "auditors"]),
    st.fixed_dictionaries(
        # Entries with the same names lift one another's filter, and are refused.
        {"indices": st.lists(_entries, min_size=1, max_size=2, unique_by=lambda one: one["names"][0])},
        optional={
            "description": st.sampled_from(["of the team", "old"]),
            "cluster": st.just(["monitor"]),
        },
    ),
    max_size=3,
)
_cluster_subjects = st.sampled_from(
    [
        {"cognito_group": "readers"},
        {"cognito_group": "writers"},
        {"iam_group": "ops"},
        {"iam_user": "dora"},
        {"cognito_user": "emil"},
        {"internal_user": "robot"},
    ]
)


@st.composite
def cluster_texts(draw: st.DrawFn, deployment: str = "demo") -> str:
    """The text of any small deployment file of an Elasticsearch cluster: its people are native users, or have tokens of a realm."""
    roles = draw(_cluster_roles)
    with_robot = draw(st.booleans())
    grants = draw(st.lists(st.tuples(st.sampled_from([*roles, "superuser", "viewer"]), _cluster_subjects), max_size=5))
    access: dict[str, Any] = {
        "roles": roles,
        "grants": [{"role": role, "to": to} for role, to in grants if with_robot or to != {"internal_user": "robot"}],
    }
    if with_robot:
        access["users"] = {"robot": draw(st.sampled_from([{}, {"full_name": "Robot"}]))}
    people = draw(st.sampled_from(["native_users: {}", "realm: {name: tokens}", "realm: {name: tokens, by: groups}"]))
    return (
        f"deployment: {deployment}\n"
        "engine: elasticsearch-9.5\n"
        'cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}\n'
        "key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}\n"
        f"people: {{{people}}}\n"
        "identity:\n"
        "  cognito: {groups: {readers: {}, writers: {}}}\n"
        "  iam_groups: [ops]\n"
        "access:\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in access.items())
    )


def texts_of(make: Make, deployment: str = "demo") -> st.SearchStrategy[str]:
    """The text of any small deployment file of an engine of this make."""
    return {"opensearch": texts, "elasticsearch": cluster_texts}[make.family.name](deployment)


groups = st.fixed_dictionaries(
    {
        READERS: st.sampled_from([(), MEMBERS[READERS], MEMBERS[READERS][:1]]),
        OPS: st.sampled_from([(), MEMBERS[OPS]]),
        Subject(SubjectKind.COGNITO_GROUP, "writers"): st.sampled_from([(), (f"Cognito/{POOL}/anna",)]),
        Subject(SubjectKind.COGNITO_GROUP, "tokens"): st.just((arn("role", "portcullis-demo-tokens"),)),
    }
)
