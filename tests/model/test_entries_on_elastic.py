"""What `check` says of filters and fields of a cluster's roles, and of who can become a super user, and what real servers do with it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
import requests
from portcullis.errors import BadInput

from local.elastic.node import Elasticsearch
from tests.families.expressions import otherwise
from tests.model.test_clusters import cluster, codes

pytest_plugins = ["tests.fixtures_node", "tests.fixtures_elastic"]

BOTH: set[str] = {"0", "1"}
NOTHING: set[str] = set()
SHOULD = {"should": [{"term": {"area": "eu"}}], "filter": [{"match_all": {}}]}
TEMPLATE = {"template": {"source": {"term": {"area": "{{_user.username}}"}}}}
# A filter -> the finding, and which of the two documents are seen (0 is of us, 1 of eu).
FILTERS: dict[str, tuple[Any, str, set[str]]] = {
    "sound": ({"term": {"area": "eu"}}, "", {"1"}),
    "sound, as text": ('{"term": {"area": "eu"}}', "", {"1"}),
    "sound, a should that has to match": ({"bool": {**SHOULD, "minimum_should_match": 1}}, "", {"1"}),
    "a relative date": ({"range": {"at": {"gte": "now-20y"}}}, "dls-relative-date", NOTHING),
    "a relative date within": ({"bool": {"filter": [{"range": {"at": {"gte": "now-20y"}}}]}}, "dls-relative-date", NOTHING),
    "a should beside a filter": ({"bool": SHOULD}, "dls-should", BOTH),
    "a should that may miss": ({"bool": {**SHOULD, "minimum_should_match": "-1"}}, "dls-should", BOTH),
    "no condition": ({"match_all": {}}, "dls-everything", BOTH),
    "a range without bounds": ({"range": {"at": {}}}, "dls-everything", BOTH),
    "nothing left out": ({"bool": {"must_not": {"terms": {"area": []}}}}, "dls-everything", BOTH),
    "braces outside a template": ({"term": {"area": "{{_user.username}}"}}, "dls-attribute", NOTHING),
}  # fmt: skip
# What is taken out -> the finding, and whether the documents show the card.
TAKEN_OUT: dict[str, tuple[str, bool]] = {
    "card": ("", False),
    "/ca.*/": ("", False),
    "card.": ("field-matches-nothing", True),
    "card ": ("field-name-odd", True),
    "card,area": ("field-name-odd", True),
    "~card": ("field-name-odd", True),
    "{{_user.username}}": ("field-name-odd", True),
    "card;area": ("field-name-odd", True),
}
# Names of indices that reach none -> the finding.
REACH_NOTHING = {
    "ENTRIES": "pattern-upper-case",
    "_entries": "pattern-no-exclusion",
    "!entries": "pattern-no-exclusion",
    "~entries*": "pattern-no-exclusion",
    "entries-{{_user.username}}": "pattern-attribute",
    "entries\u200b": "pattern-odd",
    "\u0435ntries": "pattern-odd",
}
# What a file may not hold: a server refuses it, or answers every request of its holders with an error.
NOT_TAKEN: dict[str, dict[str, Any]] = {
    "a name that is no expression": {"indices": [{"names": ["/(/"], "privileges": ["read"]}]},
    "a field that is none": {
        "indices": [
            {"names": ["entries"], "privileges": ["read"], "field_security": {"grant": ["*"], "except": ["/(/"]}}
        ]
    },
    "a user who is none": {"run_as": ["/(/"]},
    "an application in capitals": {
        "applications": [{"application": "Kibana", "privileges": ["a"], "resources": ["*"]}]
    },
    "a short one": {"applications": [{"application": "ab-c", "privileges": ["a"], "resources": ["*"]}]},
    "a privilege with a blank": {"applications": [{"application": "kib-a", "privileges": ["a b"], "resources": ["*"]}]},
    "global of something else": {"global": {"nope": {}}},
}
# What lets its holder write access, or act as somebody who may.
STRONG: dict[str, dict[str, Any]] = {
    "all security": {"cluster": ["cluster:admin/xpack/security/*"]},
    "all of the cluster": {"cluster": ["cluster:*"]},
    "as anybody": {"run_as": ["*"]},
    "as elastic": {"run_as": ["elastic"]},
}
PASSWORD = "Seen-Passw0rd-of-the-test"


def of(role: dict[str, Any]) -> set[str]:
    return codes(cluster(f"roles: {{r: {json.dumps(role)}}}"))


def entry(**limits: Any) -> dict[str, Any]:
    return {"indices": [{"names": ["entries"], "privileges": ["read"], **limits}]}


def taking_out(field: str) -> dict[str, Any]:
    return entry(field_security={"grant": ["*"], "except": [field]})


@pytest.mark.parametrize("what", FILTERS)
def test_a_filter_of_a_cluster_is_called_what_it_is(what: str) -> None:
    query, code, _ = FILTERS[what]
    assert {one for one in of(entry(query=query)) if one.startswith("dls-")} == {code} - {""}


@pytest.mark.parametrize("field", TAKEN_OUT)
def test_a_field_that_is_taken_out_in_vain_is_found(field: str) -> None:
    assert {one for one in of(taking_out(field)) if one.startswith("field-")} == {TAKEN_OUT[field][0]} - {""}


@pytest.mark.parametrize(
    "braces",
    [
        "{{{_user.username}}}",
        "{{&_user.username}}",
        "{{ & _user.username}}",
        "{{=<% %>=}}<%&_user.username%>",
        "{{=<% %>=}}<%{_user.username}%>",
        "{{#join}}_user.metadata.teams{{/join}}",
        "{{#join delimiter=' '}}_user.metadata.teams{{/join delimiter=' '}}",
    ],
)
def test_a_template_that_takes_a_name_as_it_is_is_found(braces: str) -> None:
    """Each of them let somebody see everything by what they are called, on 6.8.23 (but for the blank, which later releases may take)."""
    source = json.dumps({"term": {"area": braces}})
    assert "dls-name" in of(entry(query={"template": {"source": source}}))
    hidden = json.dumps({"template": {"source": source}}).replace("{{", "\\u007b\\u007b")
    assert "dls-name" in of(entry(query=hidden))
    assert "dls-name" not in of(entry(query=TEMPLATE))


def test_a_key_that_stands_twice_in_a_filter_is_found() -> None:
    assert "dls-invalid" in of(entry(query='{"term": {"area": "eu"}, "term": {"area": "us"}}'))


def asked(elastic: Elasticsearch, who: str, path: str, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, str(elastic.ca), (who, PASSWORD)
        return session.get(elastic.url + path, headers=headers, timeout=120)


def given(elastic: Elasticsearch, who: str, role: dict[str, Any]) -> None:
    """A user with a role of its own."""
    status, said = elastic.ask("PUT", "/_security/role/seeing", role)
    assert status == 200, said
    document = {"password": PASSWORD, "roles": ["seeing"]}
    status, said = elastic.ask("PUT", f"/_security/user/{quote(who, safe='')}", document)
    assert status == 200, said


def seen(elastic: Elasticsearch, who: str = "eu") -> dict[str, set[str]]:
    """Each document that is found, with its fields."""
    answer = asked(elastic, who, "/entries/_search")
    hits = answer.json()["hits"]["hits"] if answer.status_code == 200 else []
    return {hit["_id"]: set(hit["_source"]) for hit in hits}


@pytest.fixture
def filled(elastic: Elasticsearch) -> Elasticsearch:
    fields = {"area": {"type": "keyword"}, "at": {"type": "date"}, "card": {"type": "keyword"}}
    mapping = {"properties": fields}
    body = {"mappings": {"_doc": mapping} if elastic.version.startswith("6.") else mapping}
    assert elastic.ask("PUT", "/entries", body)[0] == 200
    for n, area in enumerate(("us", "eu")):
        document = {"area": area, "at": "2020-01-01", "card": str(n)}
        assert elastic.ask("PUT", f"/entries/_doc/{n}?refresh=true", document)[0] == 201
    return elastic


@pytest.mark.node
def test_servers_filter_as_check_says(filled: Elasticsearch) -> None:
    found = {}
    for what, (query, _, _) in FILTERS.items():
        given(filled, "eu", entry(query=query))
        found[what] = set(seen(filled))
    assert found == {what: documents for what, (_, _, documents) in FILTERS.items()}


@pytest.mark.node
def test_servers_show_a_field_that_is_taken_out_in_vain(filled: Elasticsearch) -> None:
    shown = {}
    for field in TAKEN_OUT:
        given(filled, "eu", taking_out(field))
        shown[field] = all("card" in fields for fields in seen(filled).values())
    assert shown == {field: shows for field, (_, shows) in TAKEN_OUT.items()}


@pytest.mark.node
def test_who_may_act_as_a_super_user_or_write_access_is_called_one(filled: Elasticsearch) -> None:
    for what, role in STRONG.items():
        assert "superuser-by-another-name" in of(role), what
        given(filled, "eu", role)
        headers = {"es-security-runas-user": "elastic"} if "run_as" in role else {}
        assert asked(filled, "eu", "/_security/user", **headers).status_code == 200, what


@pytest.mark.node
def test_a_name_that_a_template_takes_as_it_is_chooses_what_it_sees(filled: Elasticsearch) -> None:
    """Templates need Mustache, which the packages of later releases do not bring along: there every search of theirs fails."""
    name = 'eu"}}'
    as_it_is = {"template": {"source": '{"term": {"area": "{{{_user.username}}}"}}'}}
    found = []
    for query in (as_it_is, TEMPLATE):
        given(filled, name, entry(query=query))
        found.append(set(seen(filled, name)))
    assert found == [{"1"} if filled.version.startswith("6.") else NOTHING, NOTHING]


@pytest.mark.node
def test_names_that_reach_no_index_are_found(filled: Elasticsearch) -> None:
    for name, code in REACH_NOTHING.items():
        role = {"indices": [{"names": [name], "privileges": ["read"]}]}
        assert code in of(role), name
        given(filled, "eu", role)
        assert asked(filled, "eu", "/entries/_search").status_code == 403, name


@pytest.mark.node
def test_what_a_server_refuses_is_refused_first(filled: Elasticsearch) -> None:
    for what, role in NOT_TAKEN.items():
        with pytest.raises(BadInput):
            of(role)
        status, _ = filled.ask("PUT", "/_security/role/seeing", role)
        if status == 200:
            given(filled, "eu", role)
            assert asked(filled, "eu", "/entries/_search").status_code in (400, 500), what
        else:
            assert status == 400, what


@pytest.mark.node
def test_expressions_are_taken_and_refused_as_is_said(elastic: Elasticsearch) -> None:
    assert otherwise(elastic) == {}
