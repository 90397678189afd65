"""Access models for the laws: few names, so that they collide."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from portcullis.access.plan import Subject, SubjectKind

from tests.operations.worlds import POOL, arn, model_text

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


groups = st.fixed_dictionaries(
    {
        READERS: st.sampled_from([(), MEMBERS[READERS], MEMBERS[READERS][:1]]),
        OPS: st.sampled_from([(), MEMBERS[OPS]]),
        Subject(SubjectKind.COGNITO_GROUP, "writers"): st.sampled_from([(), (f"Cognito/{POOL}/anna",)]),
        Subject(SubjectKind.COGNITO_GROUP, "tokens"): st.just((arn("role", "portcullis-demo-tokens"),)),
    }
)
