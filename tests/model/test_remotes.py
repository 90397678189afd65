"""Remote clusters in the file of an Elasticsearch cluster: read, refused with a place and a remedy, and what is seldom meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from portcullis import model
from portcullis.cli.main import main
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.known.names import Unreadable, within

from tests.model.test_clusters import cluster

LOGS = "search: [{names: ['logs-*']}]"
KEYED = f"remotes:\n  dc2: {{address: 'b.example:9443', credential: key, allows: {{{LOGS}}}}}\n"
OFFER = f"offers:\n  beta: {{secret: theirs, {LOGS}}}\n"
READER = "roles: {r: {remote_indices: [{clusters: [dc2], names: ['logs-*'], privileges: [read]}]}}"


def codes(text: str, beside: dict[str, model.Deployment] | None = None) -> set[str]:
    found = model.lint(model.loads(text, "alpha.yaml"), beside=beside)
    return {finding.code for finding in found if finding.code.startswith("remote-")}


def test_a_remote_is_bounded_by_its_key_and_hides_nothing_unless_told() -> None:
    read = model.loads(cluster(READER, more=KEYED + OFFER), "alpha.yaml")
    assert isinstance(read, model.OnCluster)
    remote, offer = read.remotes["dc2"], read.offers["beta"]
    assert (remote.mode, remote.model, remote.skip_unavailable) == ("proxy", "api-key", False)
    assert (offer.secret, offer.expires_after_days) == ("theirs", 90)
    assert offer.document() == {"search": [{"names": ["logs-*"]}]}
    assert codes(cluster(READER, more=KEYED + OFFER)) == set()


def test_what_a_key_allows_is_written_as_the_engine_takes_it() -> None:
    entry = "{names: [a], query: {term: {team: red}}, field_security: {grant: ['*'], except: [secret]}}"
    read = model.loads(cluster(more=OFFER.replace(LOGS, f"search: [{entry}]")), "alpha.yaml")
    assert isinstance(read, model.OnCluster)
    assert read.offers["beta"].document() == {
        "search": [
            {
                "names": ["a"],
                "query": {"term": {"team": "red"}},
                "field_security": {"grant": ["*"], "except": ["secret"]},
            }
        ]
    }


REFUSED = [
    (KEYED.replace("9443", "99999"), "remotes.dc2.address", "there is no port 99999", "1 to 65535"),
    (KEYED.replace("address", "adress"), "remotes.dc2.adress", "unknown key", "did you mean 'address'?"),
    (KEYED.replace("dc2", "'d:2'"), "remotes['d:2']", "cannot stand here", "fits"),
    (KEYED.replace("address: 'b.example:9443', ", ""), "remotes.dc2", "where the other cluster is", "deployment: NAME"),
    (KEYED.replace("address:", "deployment: beta, address:"), "remotes.dc2", "in one way", "address: HOST:PORT"),
    (
        KEYED.replace("address: 'b.example:9443'", "deployment: alpha"),
        "remotes.dc2.deployment",
        "this deployment itself",
        "",
    ),
    (KEYED.replace("credential: key, ", ""), "remotes.dc2", "needs credential", "credential: SECRET"),
    (KEYED.replace("credential: key", "key: abc"), "remotes.dc2.key", "unknown key", "never stands in this file"),
    (KEYED.replace(f", allows: {{{LOGS}}}", ""), "remotes.dc2", "needs allows", "as agreed"),
    (KEYED.replace(LOGS, ""), "remotes.dc2.allows", "allows nothing", "search:"),
    (KEYED.replace("credential: key", "credential: s"), "remotes.dc2.credential", "cluster.credential", "the key"),
    (
        KEYED.replace("address:", "model: certificate, address:"),
        "remotes.dc2.credential",
        "certificates know no",
        "leave it out",
    ),
    (OFFER.replace("theirs", "s"), "offers.beta.secret", "that of cluster.credential already", "of its own"),
    (
        OFFER + OFFER.replace("beta", "gamma").replace("offers:\n", ""),
        "offers.gamma.secret",
        "that of offers.beta already",
        "",
    ),
    (
        OFFER.replace("*']}]", "*'], query: {match_all: {}}}], replication: [{names: [a]}]"),
        "offers.beta.search[0].query",
        "takes no query",
        "two keys",
    ),
    (
        OFFER.replace("*']}]", "*'], field_security: {grant: [a]}}], replication: [{names: [a]}]"),
        "offers.beta.search[0].field_security",
        "takes no field_security",
        "two keys",
    ),
    (OFFER.replace("*']}]", "*'], query: nonsense}]"), "offers.beta.search[0].query", "no JSON object", "in JSON"),
    (
        KEYED.replace("*']}]", "*'], field_security: {grant: [a], except: [b]}}]"),
        "remotes.dc2.allows.search[0].field_security",
        "b is taken out",
        "what grant covers",
    ),
]


@pytest.mark.parametrize(("more", "place", "problem", "remedy"), REFUSED)
def test_what_cannot_be_is_refused_with_its_place_and_a_remedy(
    more: str, place: str, problem: str, remedy: str
) -> None:
    with pytest.raises(BadInput) as caught:
        model.loads(cluster(more=more), "alpha.yaml")
    assert caught.value.place.partition(", ")[2] == place
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("version", "licence", "said"),
    [
        ("9.5", "basic", "the licence basic has no keys between clusters"),
        ("9.5", "platinum", "the licence platinum has no keys between clusters"),
        ("8.9", "trial", "8.9 has no keys between clusters"),
        ("7.17", "trial", "7.17 has no keys between clusters"),
    ],
)
def test_keys_between_clusters_need_a_release_and_a_licence_that_have_them(
    version: str, licence: str, said: str
) -> None:
    _, wrong = model.examine(cluster(version=version, licence=licence, more=KEYED + OFFER), "alpha.yaml")
    assert {one.place.partition(", ")[2] for one in wrong if one.problem == said} == {
        "remotes.dc2.model",
        "offers.beta",
    }


def test_certificates_are_for_any_licence_and_told_of_as_deprecated() -> None:
    certificate = "remotes: {dc2: {address: 'b.example:9300', model: certificate}}\n"
    for version, licence in (("9.5", "basic"), ("7.17", "basic")):
        assert codes(cluster(version=version, licence=licence, more=certificate)) == {"remote-by-certificate"}


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        (OFFER, {"remote-by-certificate", "remote-passed-on"}),
        (OFFER.replace(LOGS, "replication: [{names: ['logs-*']}]"), {"remote-by-certificate"}),
    ],
)
def test_a_key_that_lets_its_holders_on_to_a_third_cluster_is_told_of(offer: str, told: set[str]) -> None:
    certificate = "remotes: {dc3: {address: 'c.example:9300', model: certificate}}\n"
    assert codes(cluster(more=certificate + offer)) == told


def test_keys_between_clusters_before_their_time_are_told_of() -> None:
    assert codes(cluster(READER, version="8.13", more=KEYED)) == {"remote-key-early"}
    assert codes(cluster(version="8.13", more=OFFER)) == {"remote-key-early"}
    assert codes(cluster(READER, version="8.14", more=KEYED + OFFER)) == set()


def test_a_remote_that_may_be_left_out_hides_refusals() -> None:
    assert codes(cluster(READER, more=KEYED.replace("address", "skip_unavailable: true, address"))) == {
        "remote-refusals-hidden"
    }


@pytest.mark.parametrize(
    ("names", "privileges", "beyond"),
    [
        ("logs-*", "read", False),
        ("logs-1", "read, view_index_metadata, read_cross_cluster", False),
        ("logs-a*, logs-?", "read", False),
        ("/logs-[ab]/", "read", False),  # only the engine can tell
        ("metrics-1", "read", True),
        ("*", "read", True),
        ("log*", "read", True),
        ("logs-1, metrics-1", "read", True),
        ("logs-*", "write", True),
        ("logs-*", "cross_cluster_replication", True),
    ],
)
def test_a_role_that_asks_beyond_the_key_is_told_with_who_refuses(names: str, privileges: str, beyond: bool) -> None:
    quoted = ", ".join(f"'{name}'" for name in names.split(", "))
    role = f"roles: {{r: {{remote_indices: [{{clusters: ['dc*'], names: [{quoted}], privileges: [{privileges}]}}]}}}}"
    text = cluster(role, more=KEYED)
    assert codes(text) == ({"remote-beyond-key"} if beyond else set())
    if beyond:
        [told] = [f for f in model.lint(model.loads(text, "a.yaml")) if f.code == "remote-beyond-key"]
        assert "the other cluster refuses it" in told.message
        assert told.place.endswith("access.roles.r.remote_indices[0]")


def test_what_may_be_followed_covers_who_follows() -> None:
    follows = READER.replace("[read]", "[cross_cluster_replication]")
    assert codes(cluster(follows, more=KEYED.replace("search", "replication"))) == set()


def test_a_role_that_names_no_remote_of_the_file_is_told() -> None:
    assert codes(cluster(READER.replace("dc2", "dc3"), more=KEYED)) == {"remote-unknown", "remote-unused"}
    assert codes(cluster(READER)) == {"remote-unknown"}
    for_cluster = "roles: {r: {remote_cluster: [{clusters: ['e*'], privileges: [monitor_enrich]}]}}"
    assert "remote-unknown" in codes(cluster(for_cluster, more=KEYED))


def test_a_remote_that_no_role_names_is_told() -> None:
    assert codes(cluster(more=KEYED)) == {"remote-unused"}


BESIDE = KEYED.replace("address: 'b.example:9443'", "deployment: beta").replace("credential: key", "credential: theirs")


def beta(offers: str) -> dict[str, model.Deployment]:
    return {"beta": model.loads(cluster(more=offers).replace("deployment: alpha", "deployment: beta"), "beta.yaml")}


@pytest.mark.parametrize(
    ("offers", "code"),
    [
        (OFFER, None),
        (OFFER.replace("['logs-*']", "['logs-*', 'logs-*']"), None),
        (OFFER.replace("logs-*", "logs-1"), "remote-offer-differs"),
        (OFFER.replace("*']}]", "*'], query: {match_all: {}}}]"), "remote-offer-differs"),
        (OFFER.replace("theirs", "another"), "remote-offer-differs"),
        ("", "remote-offer-differs"),
    ],
)
def test_the_other_sides_file_is_held_against_this_one(offers: str, code: str | None) -> None:
    assert codes(cluster(READER, more=BESIDE), beta(offers)) == ({code} if code else set())


def test_a_deployment_without_a_file_beside_is_told() -> None:
    assert codes(cluster(READER, more=BESIDE), {}) == {"remote-not-beside"}
    assert codes(cluster(READER, more=BESIDE)) == set()  # nobody looked


def test_check_reads_the_file_of_the_other_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` of one file alone: the other deployment's file lies beside it, and a file that is no deployment's does no harm."""
    (tmp_path / "alpha.yaml").write_text(cluster(READER, more=BESIDE))
    other = cluster(more=OFFER.replace("logs-*", "logs-1")).replace("deployment: alpha", "deployment: beta")
    (tmp_path / "b.yaml").write_text(other)
    (tmp_path / "broken.yaml").write_text("deployment: [")
    assert main(["check", str(tmp_path / "alpha.yaml")]) == 0
    said = capsys.readouterr().out
    assert "[remote-offer-differs]" in said
    assert "broken.yaml" not in said


@pytest.mark.parametrize(
    ("pattern", "others", "covered"),
    [
        ("a*", ["*"], True),
        ("a?", ["a*"], True),
        ("a*", ["a?"], False),
        ("a*b", ["a*", "x"], True),
        ("a*", ["a*b"], False),
        ("?", ["*", "x"], True),
        ("*", ["a*", "b*"], False),
        ("/a.*/", ["/a.*/"], True),
        ("ab", ["/a[bc]/"], True),
    ],
)
def test_a_pattern_lies_within_others_where_each_of_its_names_does(
    pattern: str, others: list[str], covered: bool
) -> None:
    assert within(pattern, others) is covered


@pytest.mark.parametrize(("pattern", "others"), [("/a.*/", ["a*"]), ("a*", ["/a.*/", "b*"])])
def test_where_only_the_engine_can_tell_nothing_is_said(pattern: str, others: list[str]) -> None:
    with pytest.raises(Unreadable):
        within(pattern, others)
