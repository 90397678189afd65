"""The data of releases, and what is called a loss, held against real servers."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from portcullis.access.actual import Json
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import MAPPING_FIELDS, ROLE_FIELDS, built_in, holds

from local.elastic.node import Elasticsearch

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
)

pytestmark = pytest.mark.node

_KNOWN = re.compile(r"\[([a-z_,=\[\] ]+)\] or a pattern")


def put(node: Elasticsearch, kind: str, document: Json, name: str = "asked") -> int:
    more = {"enabled": True} if kind == "role_mapping" else {}
    return node.ask("PUT", f"/_security/{kind}/{quote(name, safe='')}", {**document, **more})[0]


def privileges(node: Elasticsearch, kind: str) -> set[str]:
    """Those that a server lists; 6.8 has no list, and names them all when it is asked about one that it has not."""
    status, listed = node.ask("GET", "/_security/privilege/_builtin")
    if listed:
        return set(listed[kind])
    asked = (
        {"cluster": ["nonsense"]} if kind == "cluster" else {"index": [{"names": ["a"], "privileges": ["nonsense"]}]}
    )
    status, answer = node.ask("POST", "/_security/user/_has_privileges", asked)
    found = _KNOWN.search(answer["error"]["reason"])
    assert found, (status, answer)
    return {one.partition("=")[0].strip() for one in found[1].split(",")}


def test_what_a_release_has_from_the_start_is_what_the_data_say(elastic: Elasticsearch) -> None:
    data = holds(Release.of(elastic.version))
    if data.measured != elastic.version:
        pytest.fail(f"{elastic.version} was not measured")
    roles = elastic.ask("GET", "/_security/role")[1]
    assert {name for name, role in roles.items() if role["metadata"].get("_reserved")} == data.reserved_roles
    assert {name for name, role in roles.items() if role["metadata"].get("_deprecated")} == data.deprecated_roles
    assert set(elastic.ask("GET", "/_security/user")[1]) == data.reserved_users
    assert privileges(elastic, "cluster") == data.cluster
    assert privileges(elastic, "index") == data.index


def test_what_the_engine_s_own_roles_reach_on_other_clusters_is_what_the_data_say(elastic: Elasticsearch) -> None:
    shown = {
        name: entries
        for name, role in elastic.ask("GET", "/_security/role")[1].items()
        if (entries := [_plain(one) for one in role.get("remote_indices") or ()])
    }
    release = Release.of(elastic.version)
    own = holds(release).reserved_roles
    said = {name: [_plain(one) for one in built_in(name, release).get("remote_indices", ())] for name in own}
    assert {name: entries for name, entries in said.items() if entries} == shown
    assert ("monitoring_user" in shown) is (release.major > 7)


def _plain(entry: Json) -> Json:
    return {"allow_restricted_indices": False} | entry


def test_what_is_said_to_be_taken_is_taken(elastic: Elasticsearch) -> None:
    assert {what: put(elastic, "role", one) for what, one in GOOD_ROLES.items()} == dict.fromkeys(GOOD_ROLES, 200)
    taken = {what: put(elastic, "role_mapping", one) for what, one in GOOD_MAPPINGS.items()}
    assert taken == dict.fromkeys(GOOD_MAPPINGS, 200)
    assert {name: put(elastic, "role", {}, name) for name in GOOD_NAMES} == dict.fromkeys(GOOD_NAMES, 200)


def test_what_is_said_to_be_lost_is_refused_and_by_6_8_taken_without_a_look(elastic: Elasticsearch) -> None:
    looks = Release.of(elastic.version).major > 6
    answers = {what: put(elastic, "role", one) for what, (one, _) in BAD_ROLES.items()}
    assert answers == dict.fromkeys(BAD_ROLES, 400 if looks else 200)
    refused = {what: put(elastic, "role", one) for what, (one, _) in REFUSED_ROLES.items()}
    assert refused == dict.fromkeys(REFUSED_ROLES, 400)
    assert {what: put(elastic, "role", one) for what, (one, _) in BROKEN_ROLES.items()} == dict.fromkeys(
        BROKEN_ROLES, 200
    )
    assert {what: put(elastic, "role_mapping", one) for what, (one, _) in BAD_MAPPINGS.items()} == dict.fromkeys(
        BAD_MAPPINGS, 400
    )
    assert put(elastic, "role_mapping", EVERYBODY) == 200
    assert [put(elastic, "role", {}, name) for name in BAD_NAMES if name] == [400, 400]


def test_a_field_is_known_since_the_release_that_the_data_say(elastic: Elasticsearch) -> None:
    some: dict[str, Json] = {
        "description": {"description": "x"},
        "remote_indices": {"remote_indices": [{"names": ["a"], "privileges": ["read"], "clusters": ["c"]}]},
        "remote_cluster": {"remote_cluster": [{"privileges": ["monitor_enrich"], "clusters": ["c"]}]},
        "global": {"global": {"application": {"manage": {"applications": ["x"]}}}},
    }
    release = Release.of(elastic.version)
    for name, document in some.items():
        assert (put(elastic, "role", document) == 200) == (ROLE_FIELDS[name] <= release), name
    template = {"role_templates": [{"template": {"source": "x"}}], "rules": {"any": []}}
    if MAPPING_FIELDS["role_templates"] > release:
        assert put(elastic, "role_mapping", template) == 400
