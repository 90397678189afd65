"""What a release or a licence cannot hold is named before anything is written."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.losses import losses
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import holds, versions

from .asked import (
    BAD_MAPPINGS,
    BAD_NAMES,
    BAD_ROLES,
    BROKEN_ROLES,
    EVERYBODY,
    GOOD_MAPPINGS,
    GOOD_NAMES,
    GOOD_ROLES,
    REFUSED_ROLES,
    on,
)

RELEASES = [Release.of(version) for version in versions()]


def places(
    document: Json, release: Release, *, kind: Kind = Kind.ROLES, name: str = "x", licence: str = "trial"
) -> list[str]:
    return [loss.place for loss in losses(SecurityConfig({kind: {name: document}}), release, licence)]


@pytest.mark.parametrize("release", RELEASES, ids=str)
@pytest.mark.parametrize("what", [*BAD_ROLES, *REFUSED_ROLES, *BROKEN_ROLES])
def test_a_role_that_could_not_work_is_named_with_its_place(what: str, release: Release) -> None:
    document, place = (BAD_ROLES | REFUSED_ROLES | BROKEN_ROLES)[what]
    assert places(document, release) == [place]


@pytest.mark.parametrize("release", RELEASES, ids=str)
@pytest.mark.parametrize("what", BAD_MAPPINGS)
def test_a_mapping_that_could_not_work_is_named_with_its_place(what: str, release: Release) -> None:
    document, place = BAD_MAPPINGS[what]
    assert places(document, release, kind=Kind.MAPPINGS) == [place]


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_what_all_of_them_take_loses_nothing(release: Release) -> None:
    for document in GOOD_ROLES.values():
        assert places(document, release) == []
    for document in GOOD_MAPPINGS.values():
        assert places(document, release, kind=Kind.MAPPINGS) == []
    for name in GOOD_NAMES:
        assert places({}, release, name=name) == []


def test_a_rule_that_is_everybody_is_named() -> None:
    [loss] = losses(SecurityConfig({Kind.MAPPINGS: {"m": EVERYBODY}}), RELEASES[0], "trial")
    assert str(loss) == 'role_mapping m, rules: all of nothing is everybody (at least one rule; {"any": []} is nobody)'


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_taken_is_named(name: str) -> None:
    for kind in (Kind.ROLES, Kind.USERS):
        assert places({}, RELEASES[0], kind=kind, name=name) == [""]


def test_a_basic_licence_has_no_filters_and_no_keys_between_clusters() -> None:
    new = Release.of("9.5.3")
    assert places(on("a", query='{"match_all": {}}'), new, licence="basic") == ["indices[0]"]
    assert places(on("a", field_security={"grant": ["x"]}), new, licence="basic") == ["indices[0]"]
    assert places(on("a", field_security={"grant": ["*"], "except": ["b"]}), new, licence="basic") == ["indices[0]"]
    assert places(on("a", field_security={"grant": ["*"]}), new, licence="basic") == []
    remote = {"remote_indices": [{"names": ["a"], "privileges": ["read"], "clusters": ["c"]}]}
    assert places(remote, new, licence="basic") == ["remote_indices"]
    assert places(remote, new) == []


def test_a_field_of_a_later_release_is_named_and_an_empty_one_is_not() -> None:
    assert places({"description": "x"}, Release.of("8.14")) == ["description"]
    assert places({"description": ""}, Release.of("8.14")) == []
    assert places({"description": "x"}, Release.of("8.15")) == []
    assert places(
        {"roles": ["r"], "rules": {"any": []}, "role_templates": [{}]}, Release.of("6.8"), kind=Kind.MAPPINGS
    ) == ["role_templates"]


def test_a_reserved_name_is_named_and_the_engine_s_own_role_is_not() -> None:
    assert places({}, Release.of("9.5"), name="superuser") == [""]
    assert places({"metadata": {"_reserved": True}}, Release.of("9.5"), name="superuser") == []
    assert places({}, Release.of("9.5"), kind=Kind.USERS, name="elastic") == [""]
    assert places({"metadata": {"_mine": 1}}, Release.of("9.5")) == ["metadata._mine"]


@pytest.mark.parametrize(
    ("version", "measured"),
    [("9.0", "9.5.3"), ("9.9", "9.5.3"), ("8.1", "8.19.21"), ("7.17", "7.17.29"), ("6.8", "6.8.23")],
)
def test_an_unmeasured_release_uses_the_facts_of_the_nearest_in_its_line(version: str, measured: str) -> None:
    """What a release can hold was measured on a few. Others take the measured one that is closest."""
    assert holds(Release.of(version)).measured == measured


def said(document: Json, release: str = "9.5", *, kind: Kind = Kind.ROLES, name: str = "x") -> list[str]:
    found = losses(SecurityConfig({kind: {name: document}}), Release.of(release), "trial")
    return [f"{loss.place}: {loss.why}" for loss in found]


ANNA: Json = {"field": {"username": "anna"}}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"field": {"dn": "*,ou=x"}}, []),
        ({"field": {"realm.name": "x"}}, []),
        ({"field": {"metadata.team": ["a"]}}, []),
        ({"field": {"metadata": "a"}}, ["rules: nobody has a field metadata"]),
        ({"field": {"user": "anna"}}, ["rules: nobody has a field user"]),
        ({"field": {"user": []}}, ["rules: a list of nobody is refused", "rules: nobody has a field user"]),
        ({"field": {"username": "a", "dn": "b"}}, ["rules: is no rule"]),
        ({"field": ["a"]}, ["rules: is no rule"]),
        ({"field": {}}, ["rules: is no rule"]),
        ({"any": ANNA}, ["rules: is no rule"]),
        ({"any": [], "all": []}, ["rules: is no rule"]),
        ("anna", ["rules: is no rule"]),
        (None, ["rules: is no rule"]),
        ({"any": [ANNA, {"all": []}]}, ["rules.any[1]: all of nothing is everybody"]),
        ({"all": [ANNA, {"except": ANNA}]}, []),
        ({"all": [{"any": [{"except": ANNA}]}]}, ["rules.all[0].any[0]: except stands alone"]),
        ({"all": [{"except": {"any": ["x"]}}]}, ["rules.all[0].except.any[0]: is no rule"]),
        ({"all": [{"except": {"except": ANNA}}]}, ["rules.all[0].except: except stands alone"]),
    ],
)
def test_each_part_of_a_rule_that_could_not_work_is_named_with_its_place(rule: object, told: list[str]) -> None:
    assert said({"roles": ["r"], "rules": rule}, kind=Kind.MAPPINGS) == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"grant": ["a.*"], "except": ["a.b"]}, ""),
        ({"grant": ["a.*"], "except": ["a.*"]}, ""),
        ({"grant": ["a"], "except": []}, ""),
        ({"grant": ["a?b", "c"], "except": ["a?b"]}, ""),
        ({"grant": ["a"], "except": ["a.*"]}, "a.* is taken out and was never given"),
        ({"grant": "a*", "except": ["ab"]}, ""),
        ({"grant": "b", "except": ["ab"]}, "ab is taken out and was never given"),
        ({"grant": [], "except": ["a"]}, "a is taken out and was never given"),
        ({"grant": ["/a"]}, "/a begins as a regular expression and does not end as one"),
        ({"grant": "/a"}, "/a begins as a regular expression and does not end as one"),
        ({"grant": ["/a@/"], "except": ["ab"]}, ""),
        ({"except": ["a"]}, "it takes fields out of none that are given"),
        ({}, "it gives no field and takes none out"),
    ],
)
def test_fields_that_could_not_work_are_named(fields: Json, told: str) -> None:
    assert said(on("a", field_security=fields)) == ([f"indices[0].field_security: {told}"] if told else [])


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"indices": [{"privileges": ["read"]}]}, ["indices[0].names: it is about no index"]),
        ({"indices": [{"names": "a,b", "privileges": ["read"]}]}, ["indices[0].names: no index has , in its name, and a,b is one name"]),
        (on("/a,b/"), []),
        ({"run_as": ["a,b"]}, []),  # as a user may be called
        (on("a", query="[]"), ["indices[0].query: it is no JSON object, so that nothing of it would hold"]),
        (on("a", query="{}"), ["indices[0].query: it is no JSON object, so that nothing of it would hold"]),
        (on("a", query=""), []),
        ({"indices": [*on("a")["indices"], *on("b,c")["indices"]]}, ["indices[1].names: no index has , in its name, and b,c is one name"]),
        ({"cluster": ["MONITOR", "cluster:monitor/main", "internal:x"]}, []),
        ({"metadata": {"a": 1, "_b": 2}}, ["metadata._b: a key that begins with _ is the engine's"]),
    ],
)  # fmt: skip
def test_what_else_could_not_work_in_a_role_is_named(document: Json, told: list[str]) -> None:
    assert said(document) == told


def test_a_name_is_as_long_as_the_engine_takes_it_and_of_a_mapping_any_signs() -> None:
    too_long = [": a name has 507 characters at most"]
    for kind in (Kind.ROLES, Kind.USERS, Kind.MAPPINGS):
        mapping = {"roles": ["r"], "rules": ANNA} if kind is Kind.MAPPINGS else {}
        assert said(mapping, kind=kind, name="a" * 507) == []
        assert said(mapping, kind=kind, name="a" * 508) == too_long
    assert said({"roles": ["r"], "rules": ANNA}, kind=Kind.MAPPINGS, name="größe") == []
    assert said({"roles": ["r"], "rules": ANNA, "odd": 1}, kind=Kind.MAPPINGS) == ["odd: no release knows it"]


def test_a_later_privilege_ends_every_request_on_6_8() -> None:
    assert places({"indices": [{"names": ["a"], "privileges": ["create_doc"]}]}, Release.of("6.8")) != []
    assert places({"indices": [{"names": ["a"], "privileges": ["create_doc"]}]}, Release.of("7.17")) == []
