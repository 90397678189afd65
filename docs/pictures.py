"""`make docs`: pictures of the page of `portcullis report`, light and dark, of an account that the tests keep in memory.

They are taken where there is a `chromium` on the PATH; elsewhere those that are there stay, and it is said.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
THEMES = {"dark": 0, "light": 1}  # as Chromium numbers what the system prefers
SIZE = "1100,1500"


def page() -> str:
    """The page of people in groups, on an engine with some indices, after somebody joined."""
    sys.path.insert(0, str(ROOT))
    from portcullis.access.plan import SubjectKind
    from portcullis.cli.report import writing
    from portcullis.cli.report.gathering import ASKED, of_deployment
    from portcullis.entry.verbs import VERBS
    from portcullis.operations.access.deployments import apply_text

    from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
    from tests.operations.worlds import arn

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


def taken(browser: str, text: str, theme: str, into: Path) -> None:
    """One picture. Raises CalledProcessError where the browser fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(text, "utf-8")
        command = [
            browser,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
            "--host-resolver-rules=MAP * 127.0.0.1:9",
            f"--blink-settings=preferredColorScheme={THEMES[theme]}",
            f"--user-data-dir={folder}/profile",
            f"--window-size={SIZE}",
            f"--screenshot={into}",
            file.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300)


def main() -> None:
    browser = shutil.which("chromium")
    if browser is None:
        print("docs/report-*.png stay as they are: there is no chromium here")
        return
    text = page()
    for theme in THEMES:
        taken(browser, text, theme, ROOT / "docs" / f"report-{theme}.png")


if __name__ == "__main__":
    main()
