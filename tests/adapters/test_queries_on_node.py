"""Asked whether it can read a query, a node says so to whoever may do nothing at all, and says nothing of any document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.families.opensearch.names.attributes import with_attributes
from portcullis.model.lints.limiting.filter_reach import read

from local.node.node import Node
from tests.model.filters import EVERYTHING, MODULES, SOUND, WRONG

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

USER = "/_plugins/_security/api/internalusers/asks-queries"
PASSWORD = "Asking-Passw0rd-of-the-test"
# What only an index tells: dates, and the query that is written out first. The rest of it is no matter of reading.
_OF_THE_INDEX = ("dls-relative-date", "dls-attribute", "dls-attribute-value", "dls-attribute-place")
TEMPLATE = '{"template": {"term": {"area": "eu"}}}'
# Read without a word, and wrong only once they are run: a script without its module; clauses that nothing reaches; "1.5" of them;
# an expression that is none.
READ = {
    '{"script": {"script": "true"}}',
    '{"regexp": {"area": "e.*("}}',
    '{"regexp": {"area": {"value": "[z-a]"}}}',
    '{"bool": {"should": [{"term": {"area": "eu"}}], "minimum_should_match": 5}}',
    '{"bool": {"filter": [{"term": {"area": "eu"}}], "minimum_should_match": 1}}',
    '{"bool": {"should": [{"term": {"area": "eu"}}], "filter": {"exists": {"field": "n"}}, "minimum_should_match": "1.5"}}',
}


@pytest.fixture(params=["without any right", "with every right"])
def engine(request: pytest.FixtureRequest, node_basic: Node) -> Iterator[OpenSearchEngine]:
    user, password = (
        ("asks-queries", PASSWORD) if request.param == "without any right" else (node_basic.user, node_basic.password)
    )
    assert node_basic.ask("PUT", USER, {"password": PASSWORD})[0] in (200, 201)
    endpoint = node_basic.url.removeprefix("https://")
    yield OpenSearchEngine(basic_transport(endpoint, user, password, ca=str(node_basic.ca)), "the node")
    node_basic.ask("DELETE", USER)


def test_what_it_can_read_and_what_not(engine: OpenSearchEngine) -> None:
    sound = {dls: engine.why_no_query(read(with_attributes(dls))) for dls in (*SOUND, *EVERYTHING)}
    assert {dls: why for dls, why in sound.items() if why} == {}
    readable = [dls for dls in WRONG if WRONG[dls] not in _OF_THE_INDEX and dls.startswith("{") and _is_json(dls)]
    wrong = {dls: engine.why_no_query(read(dls)) for dls in (*readable, *MODULES)}
    # The template is told to whoever has rights, once it is put to an index.
    assert {dls for dls, why in wrong.items() if not why} - {TEMPLATE} == READ
    assert "unknown query [percolate]" in wrong[MODULES[0]]


def _is_json(dls: str) -> bool:
    try:
        read(dls)
    except ValueError:
        return False
    return True
