"""What `portcullis check` takes for large files: reading one, and looking for what is seldom meant."""

from __future__ import annotations

import argparse
import sys
import time

from portcullis import model

from benchmarks.common import Report, Tell, main

_HEAD = "deployment: large\nengine: OpenSearch_3.3\ndomain: {configuration: api}\naccess:\n"


def _entry(pattern: str, number: int) -> str:
    """Every second one shows a part of the documents."""
    dls = f', dls: \'{{"term": {{"area": "a{number}"}}}}\'' if number % 2 else ""
    return f"{{index_patterns: ['{pattern}'], allowed_actions: [read]{dls}}}"


def roles(many: int, pattern: str) -> str:
    """A file of so many roles that one subject has; `pattern` may hold the number of the role."""
    entries = "".join(f"    r{i}: {{index_permissions: [{_entry(pattern.format(i), i)}]}}\n" for i in range(many))
    grants = "".join(f"    - {{role: r{i}, to: {{iam_role: app}}}}\n" for i in range(many))
    return f"{_HEAD}  roles:\n{entries}  grants:\n{grants}"


def entries(many: int) -> str:
    """A file of one role with so many entries."""
    lines = "".join(f"        - {_entry(f'logs-{i}-*', i)}\n" for i in range(many))
    return f"{_HEAD}  roles:\n    r:\n      index_permissions:\n{lines}  grants: [{{role: r, to: {{iam_role: app}}}}]\n"


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    files = {
        f"{given.n} roles of one subject, each on indices of its own": roles(given.n, "logs-{}-*"),
        f"{given.n // 2} entries of one role, each on indices of its own": entries(given.n // 2),
        f"{given.n // 10} roles of one subject, all on the same indices": roles(given.n // 10, "logs-*"),
        f"{given.n} roles of one subject, all on the same indices": roles(given.n, "logs-*"),
    }
    for what, text in files.items():
        tell(what)
        began = time.process_time()
        deployment = model.loads(text, "large.yaml")
        read = time.process_time()
        found = len(list(model.lint(deployment)))
        took = time.process_time() - read
        report.figures[what] = {"read_s": round(read - began, 3), "check_s": round(took, 3), "findings": found}
        report.row(f"{what}: read", f"{read - began:.2f} s")
        report.row(f"{what}: looked at", f"{took:.2f} s, {found} findings")
    return report


if __name__ == "__main__":
    sys.exit(main("check", __doc__ or "", run, n=3000, n_is="roles of the largest file"))
