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
