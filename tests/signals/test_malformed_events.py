"""Given events that lack what their kind always has, or anything at all, when they are read, then nothing but MalformedEvent is raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.errors import MalformedEvent
from portcullis.signals import Scope, Signal, read
from portcullis.signals.table import NOTICES, ROWS

from tests.signals.cases import NAMES, event

GROUP = {"eventSource": "iam.amazonaws.com", "eventName": "AddUserToGroup"}
ENVELOPE = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam"}


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({}, "detail, or eventSource and eventName"),
        ({"eventName": "AddUserToGroup"}, "eventSource"),
        ({"eventSource": "iam.amazonaws.com"}, "eventName"),
        ({"eventSource": 7, "eventName": "AddUserToGroup"}, "eventSource"),
        (ENVELOPE, "detail"),
        ({"source": "aws.iam"}, "detail"),
        ({"detail-type": "KMS CMK Rotation"}, "detail"),
        ({**ENVELOPE, "detail": None}, "detail"),
        ({**ENVELOPE, "detail": [GROUP]}, "detail"),
        ({**ENVELOPE, "detail": {}}, "detail.eventSource"),
        ({**ENVELOPE, "detail": {"eventSource": "iam.amazonaws.com"}}, "detail.eventName"),
        ({**ENVELOPE, "detail": {"eventName": "AddUserToGroup"}}, "detail.eventSource"),
        ({"source": "aws.kms", "detail": {}}, "detail-type"),
        ({"detail-type": "KMS CMK Rotation", "detail": {}}, "source"),
        (GROUP, "requestParameters.groupName"),
        ({**ENVELOPE, "detail": GROUP}, "detail.requestParameters.groupName"),
        (
            {**ENVELOPE, "detail": {**GROUP, "requestParameters": {"groupName": ["ops"]}}},
            "detail.requestParameters.groupName",
        ),
        (
            {**ENVELOPE, "detail": {**GROUP, "requestParameters": {"groupName": ""}}},
            "detail.requestParameters.groupName",
        ),
        ({"eventSource": "iam.amazonaws.com", "eventName": "DeleteRole"}, "requestParameters.roleName"),
        (
            {"eventSource": "cognito-idp.amazonaws.com", "eventName": "AdminAddUserToGroup"},
            "requestParameters.userPoolId",
        ),
        (
            {
                "eventSource": "cognito-idp.amazonaws.com",
                "eventName": "DeleteGroup",
                "requestParameters": {"userPoolId": "p"},
            },
            "requestParameters.groupName",
        ),
        ({"eventSource": "sso-directory.amazonaws.com", "eventName": "AddMemberToGroup"}, "requestParameters.groupId"),
        (
            {"eventSource": "identitystore.amazonaws.com", "eventName": "DeleteGroupMembership"},
            "requestParameters.membershipId",
        ),
        ({"eventSource": "kms.amazonaws.com", "eventName": "DisableKey"}, "resources[].ARN or requestParameters.keyId"),
        ({"eventSource": "kms.amazonaws.com", "eventName": "UpdateAlias"}, "requestParameters.aliasName"),
        (
            {"eventSource": "kms.amazonaws.com", "eventName": "ConnectCustomKeyStore"},
            "requestParameters.customKeyStoreId",
        ),
        ({"eventSource": "es.amazonaws.com", "eventName": "DeleteDomain"}, "requestParameters.domainName"),
        ({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": {}}, "resources[] or detail.key-id"),
        ({"source": "aws.es", "detail-type": "Domain Error Notification", "detail": {}}, "detail.event"),
        (
            {
                "source": "aws.es",
                "detail-type": "Domain Error Notification",
                "detail": {"event": "KMS Key Inaccessible"},
            },
            "resources[]",
        ),
    ],
)
def test_what_is_missing_is_named(told: dict[str, Any], missing: str) -> None:
    with pytest.raises(MalformedEvent) as raised:
        read(told, None)
    assert raised.value.place == missing
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("told", [None, 3, "text", [], [{}], True])
def test_what_is_no_object_is_said_to_be_none(told: Any) -> None:
    with pytest.raises(MalformedEvent, match="JSON object"):
        read(told, None)


def outcome(told: Any, scopes: tuple[Scope, ...] | None) -> tuple[Signal, ...] | MalformedEvent:
    """What `read` returns or raises, if that is one of the two things it may."""
    try:
        return read(told, scopes)
    except MalformedEvent as error:
        return error


SCOPES = (
    Scope(
        "demo",
        account="111122223333",
        region="eu-west-1",
        domain="catalyst",
        key_arns=frozenset({"arn:aws:kms:eu-west-1:111122223333:key/k"}),
        key_aliases=frozenset({"alias/catalyst"}),
        user_pool="p",
        identity_center_groups=frozenset({"ops"}),
        iam_groups=frozenset({"ops"}),
        iam_users=frozenset({"arn:aws:iam::111122223333:user/bob"}),
    ),
)

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\x00", "a" * 5000])
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    [
        "groupName",
        "userName",
        "roleName",
        "userPoolId",
        "keyId",
        "aliasName",
        "domainName",
        "ARN",
        "arn",
        "groupId",
        "sub",
        "username",
        "member",
        "event",
        "key-id",
        "group",
        "user",
        "state",
        "configuration",
        "metrics",
        "metricStat",
        "metric",
        "namespace",
        "dimensions",
        "newUserName",
        "identityStoreId",
        "httpBody",
        "customKeyStoreId",
    ]
)
_LIKELY = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=16
)
_NAMES = st.sampled_from([name for row in ROWS for name in row.operations]) | st.text(max_size=5)
_SOURCES = st.sampled_from(sorted({f"{row.service}.amazonaws.com" for row in ROWS})) | _JSON
_RECORDS = st.fixed_dictionaries(
    {"eventSource": _SOURCES, "eventName": _NAMES},
    optional=dict.fromkeys(
        (
            "requestParameters",
            "responseElements",
            "additionalEventData",
            "serviceEventDetails",
            "resources",
            "userIdentity",
            "errorCode",
            "readOnly",
            "awsRegion",
            "recipientAccountId",
            "eventID",
            "eventTime",
            "eventType",
            "eventCategory",
        ),
        _LIKELY,
    ),
)
_ENVELOPES = st.fixed_dictionaries(
    {"detail": _RECORDS | _LIKELY},
    optional={
        "source": st.sampled_from(["aws.kms", "aws.es", "aws.iam", "aws.cloudwatch", "aws.opensearchservice"]) | _JSON,
        "detail-type": st.sampled_from([notice.detail_type for notice in NOTICES] + ["AWS API Call via CloudTrail"])
        | _JSON,
        "resources": _LIKELY,
        "account": _JSON,
        "region": _JSON,
        "id": _JSON,
        "time": _JSON,
    },
)


@given(told=_JSON | _RECORDS | _ENVELOPES, scopes=st.sampled_from([None, (), SCOPES]))
def test_whatever_comes_in_there_are_signals_or_a_malformed_event(told: Any, scopes: tuple[Scope, ...] | None) -> None:
    found = outcome(told, scopes)
    if isinstance(found, MalformedEvent):
        assert found.place or not isinstance(told, dict)
    else:
        assert found
        assert all(isinstance(one, Signal) and one.because for one in found)
        assert len(found) == 1 or all(one.name for one in found)


@given(name=st.sampled_from(NAMES), data=st.data())
def test_a_real_event_with_any_one_field_spoilt_is_read_or_malformed(name: str, data: st.DataObject) -> None:
    told = event(name)
    place: Any = told
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(_JSON)
    found = outcome(told, SCOPES)
    assert found.place if isinstance(found, MalformedEvent) else found


def test_deep_nesting_is_no_trouble() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    (found,) = read({**ENVELOPE, "detail": {**GROUP, "requestParameters": {"groupName": "ops", "more": deep}}}, None)
    assert found.name == "member-added"
