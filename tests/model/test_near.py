"""Lints look only at patterns that are near to each other: none that meet may be missed by that."""

from hypothesis import given
from hypothesis import strategies as st
from portcullis.model.lints.near import Near
from portcullis.model.names import overlap

from tests.model.examples import access, lint

PATTERNS = st.one_of(st.text("ab*?", min_size=1, max_size=6), st.sampled_from(["/a.*/", "/[ab]+/", "a-${user.name}"]))


@given(st.lists(PATTERNS, min_size=1, max_size=12), PATTERNS)
def test_all_patterns_that_meet_one_are_near_to_it(patterns: list[str], one: str) -> None:
    near = Near(zip(patterns, range(len(patterns)), strict=True)).to([one])
    assert near >= {i for i, other in enumerate(patterns) if overlap(one, other) or overlap(other, one)}


def test_patterns_that_begin_otherwise_are_not_near() -> None:
    near = Near(
        [("logs-*", "logs"), ("orders", "orders"), ("*-2026", "any year"), ("/o.*/", "expression"), ("l?gs", "l")]
    )
    assert near.to(["logs-eu"]) == {"logs", "any year", "expression", "l"}
    assert near.to(["o*"]) == {"orders", "any year", "expression"}
    assert near.to(["/.*/"]) == {"logs", "orders", "any year", "expression", "l"}
    assert near.to([]) == set()


def test_given_many_roles_alike_then_three_are_told_and_the_rest_counted() -> None:
    entry = '{index_patterns: [\'logs-*\'], allowed_actions: [read], dls: \'{"term": {"area": "e%d"}}\'}'
    roles = "".join(f"  r{i}:\n    index_permissions:\n      - {entry % i}\n" for i in range(6))
    grants = "".join(f"  - {{role: r{i}, to: {{iam_role: app}}}}\n" for i in range(6))
    messages = [finding.message for finding in lint(access(f"roles:\n{roles}grants:\n{grants}"))["dls-widens"]]
    of_the_first = [message for message in messages if "documents of r0 and" in message]
    assert len(of_the_first) == 3
    assert [message.rpartition(";")[2] for message in of_the_first if ";" in message] == [" so in 2 more cases of r0"]
