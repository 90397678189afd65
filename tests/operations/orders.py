"""A deployment for questions about people: orders and payroll, and who is in which group."""

from __future__ import annotations

from portcullis.access.one_role import Rank
from portcullis.access.plan import Subject, SubjectKind
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.limiting.known import known
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger
from portcullis.ports.registration import Cognito

from tests.operations.worlds import POOL, Account, account, arn, house, model_text

CAUSE = Trigger("event 4711", "sam")
TEXT = model_text(
    """\
  roles:
    part_of_orders:
      index_permissions:
        - index_patterns: ["orders-*"]
          dls: '{"term": {"region": "eu"}}'
          fls: ["~customer"]
          masked_fields: ["card"]
          allowed_actions: [read]
    keeps_orders:
      cluster_permissions: ["indices:data/write/bulk"]
      index_permissions: [{index_patterns: ["orders-*"], allowed_actions: [crud]}]
    reads_payroll:
      index_permissions: [{index_patterns: ["payroll-*"], allowed_actions: [read]}]
  grants:
    - {role: part_of_orders, to: {cognito_group: tokens, by: role}}
    - {role: keeps_orders, to: {iam_group: ops}}
    - {role: reads_payroll, to: {iam_user: rita}}
    - {role: reads_payroll, to: {cognito_group: readers}}
"""
)


def cognito(name: str) -> str:
    return f"Cognito/{POOL}/{name}"


def group(name: str, kind: SubjectKind = SubjectKind.COGNITO_GROUP) -> Subject:
    return Subject(kind, name)


def orders_account() -> Account:
    """People in groups, granted parts of orders and payroll, on an engine that holds all of it."""
    groups = {Kind.ACTION_GROUPS: known("OpenSearch_3.3").action_groups}
    made = account(SecurityConfig({**house().documents, **groups}))
    made.registered(cognito=Cognito(POOL, group_roles={"tokens": arn("role", "tokens")}))
    signed_in = Rank(arn("role", "signed-in"), 1000)
    made.people.ranked = {"tokens": Rank(arn("role", "tokens"), 1), "readers": signed_in, "writers": signed_in}
    made.people.groups |= {
        group("tokens"): (cognito("anna"), cognito("both")),
        group("readers"): (cognito("both"), cognito("lee")),
        group("writers"): (cognito("idle"),),
        group("ops", SubjectKind.IAM_GROUP): (arn("user", "kim"), arn("user", "x/anna")),
    }
    made.engine.index_blocks = {name: {} for name in ("orders-1", "orders-2", "payroll-1")}
    apply_text(made.services, "demo", TEXT, CAUSE)
    return made
