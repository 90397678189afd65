"""Deployment files to test with: the smallest valid one, and pieces to put into it."""

from __future__ import annotations

from portcullis import model

SMALLEST = """\
deployment: alpha
engine: OpenSearch_3.3
domain: {configuration: api}
"""


def access(text: str, configuration: str = "api", more: str = "") -> str:
    """A deployment file with this (unindented) access section."""
    indented = "".join(f"  {line}\n" for line in text.strip("\n").splitlines())
    return f"deployment: alpha\nengine: OpenSearch_3.3\ndomain: {{configuration: {configuration}}}\n{more}access:\n{indented}"


def role(entry: str, configuration: str = "api", more: str = "") -> str:
    """A deployment file with one role `r` of one index permission (flow style), granted to an IAM role."""
    return access(
        f"roles:\n  r:\n    index_permissions:\n      - {entry}\ngrants:\n  - {{role: r, to: {{iam_role: app}}}}",
        configuration,
        more,
    )


def lint(text: str, facts: model.Facts | None = None, source: str = "alpha.yaml") -> dict[str, list[model.Finding]]:
    """The findings of a file by code."""
    found: dict[str, list[model.Finding]] = {}
    for finding in model.lint(model.loads(text, source), facts):
        found.setdefault(finding.code, []).append(finding)
    return found
