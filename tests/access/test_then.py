"""Given what an engine holds, then what lets somebody in and is in no claim is named: since when, no history tells."""

from __future__ import annotations

from portcullis.access.plan import AppliedStep, Claim
from portcullis.access.questions.then import as_it_was, by_hand
from portcullis.families.elasticsearch.documents.config import Kind as OfElasticsearch
from portcullis.families.elasticsearch.documents.config import SecurityConfig as OnElasticsearch
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import holding, mapping, role

ANNA, EVE = (Claim(Kind.MAPPINGS, "readers", "users", name) for name in ("anna", "eve"))


def test_an_entry_that_no_claim_knows_was_made_by_hand() -> None:
    held = holding({"readers": role("read")}, {"readers": mapping(users=["anna", "eve"])})
    assert list(by_hand(OPENSEARCH, held, {ANNA})) == [EVE]
    assert list(by_hand(OPENSEARCH, held, {ANNA, EVE})) == []


def test_what_a_reserved_mapping_holds_is_the_engine_s_own() -> None:
    held = holding({"readers": role("read")}, {"readers": {**mapping(users=["eve"]), "reserved": True}})
    assert list(by_hand(OPENSEARCH, held, ())) == []


def test_a_mapping_that_is_claimed_whole_is_named_whole() -> None:
    gives = {"enabled": True, "roles": ["readers"], "rules": {"field": {"groups": ["team"]}}}
    held = OnElasticsearch({OfElasticsearch.MAPPINGS: {"ours": gives, "theirs": gives}})
    ours, theirs = (Claim(OfElasticsearch.MAPPINGS, name) for name in ("ours", "theirs"))
    assert list(by_hand(ELASTICSEARCH, held, {ours})) == [theirs]


def test_only_what_is_as_it_was_left_can_be_taken_back() -> None:
    left = [
        AppliedStep("add", claim.kind, claim.name, claim.entry_list, claim.entry, None, claim.entry)
        for claim in (ANNA, EVE)
    ]
    held = holding({"readers": role("read")}, {"readers": mapping(users=["anna"])})
    can, cannot = as_it_was(OPENSEARCH, held, left)
    assert can == (left[0],)
    assert cannot == (f"{EVE} is no longer as it was left: it was changed by hand since",)
