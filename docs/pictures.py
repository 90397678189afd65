"""`make docs`: pictures of the page of `portcullis report`, light and dark, of an account that the tests keep in memory.

They are taken in the Chromium that the tests bring along (`local/npm`).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
THEMES = ("dark", "light")
SIZE = (1100, 1500)


def page() -> str:
    """The page of people in groups, on an engine with some indices, after somebody joined."""
    sys.path.insert(0, str(ROOT))
    from portcullis.access.plan import SubjectKind
    from portcullis.entry.page import writing
    from portcullis.entry.page.gathering import ASKED, of_deployment
    from portcullis.entry.verbs import VERBS
    from portcullis.operations.access.deployments import apply_text

    from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
    from tests.operations.surroundings import arn

    made = orders_account()
    groups = made.people.groups
    groups[group("readers")] += tuple(cognito(name) for name in ("ada", "ines", "noor", "omar", "sam"))
    groups[group("writers")] += tuple(cognito(name) for name in ("ben", "cleo", "ines"))
    groups[group("ops", SubjectKind.IAM_GROUP)] += (arn("user", "maya"),)
    made.engine.index_blocks |= {
        f"{kind}-{year}": {} for kind in ("orders", "payroll", "logs") for year in range(2018, 2027)
    }
    apply_text(made.services, "demo", TEXT, CAUSE)

    def answer(verb: str) -> Any:
        return msgspec.to_builtins(VERBS[verb].run(made.services, "demo", CAUSE, **ASKED[verb]))

    return writing.page(of_deployment(answer, {}))


def taken(text: str, theme: str, into: Path) -> None:
    """One picture. Raises PortcullisError where the browser fails."""
    from local.npm.browser import browser

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(text, "utf-8")
        browser().look(file, theme=theme, size=SIZE, picture=str(into))


def main() -> None:
    text = page()
    for theme in THEMES:
        taken(text, theme, ROOT / "docs" / f"report-{theme}.png")


if __name__ == "__main__":
    main()
