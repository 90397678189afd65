"""Which nodes a domain may have: what AWS refuses, minutes into a deployment, is refused before it."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from portcullis import model
from portcullis.errors import BadInput
from portcullis.model.data_nodes import most_gib

FILE = """deployment: alpha
engine: {engine}
domain: {{configuration: api, data_nodes: {{{nodes}}}}}
alerts: {{email: oncall@example.com}}
"""

# Every instance type that the resource takes in some Region, from the data of cfn-lint.
DATA = "data/schemas/extensions/aws_opensearchservice_domain/clusterconfig_instancetype_enum.json"
TAKEN = sorted(set(re.findall(r'"(\w+\.\w+\.search)"', (Path(find_spec("cfnlint").origin).parent / DATA).read_text())))
# What the guide says of families: "Supported instance types" and, for gp3, "EBS volume size quotas".
OWN_STORAGE = {"i3", "i4g", "i4i", "i7i", "i8g", "i8ge", "im4gn", "oi2", "r6gd", "r7gd", "r8gd"}
NO_ENCRYPTION = {"m3", "r3", "t2"}
NO_GP3 = {"c4", "i2", "m4", "r4"}


def of(nodes, engine="OpenSearch_3.3"):
    return model.loads(FILE.format(engine=engine, nodes=nodes), "alpha.yaml")


@pytest.mark.parametrize("kind", TAKEN)
def test_of_all_types_of_amazon_those_are_taken_that_get_a_volume_and_encryption(kind):
    family = kind.partition(".")[0]
    if family in OWN_STORAGE | NO_ENCRYPTION | NO_GP3 or family.startswith("ultrawarm"):
        with pytest.raises(BadInput, match="will not do for a data node") as caught:
            of(f"type: {kind}")
        assert caught.value.place == "line 3, domain.data_nodes.type"
    else:
        assert of(f"type: {kind}").domain.data_nodes.type_on("OpenSearch_3.3") == kind


REFUSED = [
    ("OpenSearch_3.3", "type: i3.large.search", "type", "takes no volume"),
    ("OpenSearch_3.3", "type: r9gd.large.search", "type", "takes no volume"),
    ("OpenSearch_3.3", "type: t2.small.search", "type", "no encryption at rest"),
    ("OpenSearch_3.3", "type: m4.large.search", "type", "no gp3 volume"),
    ("OpenSearch_3.3", "type: ultrawarm1.medium.search", "type", "warm nodes"),
    ("OpenSearch_3.3", "type: m5.large.elasticsearch", "type", "is not an instance type"),
    ("Elasticsearch_6.8", "type: r7g.large.search", "type", "has no Graviton nodes"),
    ("Elasticsearch_7.8", "type: m6g.large.search", "type", "has no Graviton nodes"),
    ("Elasticsearch_7.10", "type: or1.large.search", "type", "OpenSearch_2.11 or later"),
    ("OpenSearch_2.9", "type: om2.large.search", "type", "OpenSearch_2.11 or later"),
    ("OpenSearch_2.11", "{type: or1.large.search, storage_gib: 10}", "storage_gib", "too few"),
]


@pytest.mark.parametrize(("engine", "nodes", "key", "why"), REFUSED)
def test_what_amazon_refuses_is_refused_with_its_place(engine, nodes, key, why):
    with pytest.raises(BadInput, match=why) as caught:
        of(nodes.strip("{}"), engine)
    assert caught.value.place == f"line 3, domain.data_nodes.{key}"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        ("OpenSearch_1.0", "r7g.large.search"),
        ("OpenSearch_3.3", "r7g.large.search"),
        ("Elasticsearch_7.9", "r7g.large.search"),
        ("Elasticsearch_7.10", "r7g.large.search"),
        ("Elasticsearch_7.8", "r5.large.search"),
        ("Elasticsearch_6.8", "r5.large.search"),
    ],
)
def test_without_a_type_the_nodes_are_some_that_the_engine_runs_on(engine, kind):
    assert of("count: 2", engine).domain.data_nodes.type_on(engine) == kind


@pytest.mark.parametrize(
    ("nodes", "warned"),
    [
        ("type: t3.small.search, storage_gib: 100", False),
        ("type: t3.small.search, storage_gib: 101", True),
        ("storage_gib: 1536", False),
        ("storage_gib: 1537", True),
        ("type: x9.large.search, storage_gib: 24576", False),  # a family that the guide did not have
    ],
)
def test_a_volume_beyond_amazons_quota_is_warned_of(nodes, warned):
    codes = {finding.code for finding in model.lint(of(nodes))}
    assert ("volume-size" in codes) is warned


@pytest.mark.parametrize(
    "kind", [kind for kind in TAKEN if kind.partition(".")[0] in {"c5", "m5", "m7g", "om2", "or1", "r6g", "r7g", "t3"}]
)
def test_the_table_of_volumes_knows_the_usual_types(kind):
    assert most_gib(kind) >= 100 or kind.endswith((".16xlarge.search", ".24xlarge.search"))
