"""`make up ENGINE=elasticsearch CLUSTERS=2`, and docs/two-teams.md typed on it: two real clusters, the emulated AWS, our stacks deployed.

Each part of the page goes on where the one before it ended. 9.5.3 unless PAIR names another release (8.19.21).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import beside, embedded, two_teams
from local.beside import Beside
from local.elastic.pair import Searching
from local.processes import typed
from local.rehearsal.pages import Command, Page
from tests.fixtures_pair import RELEASE
from tests.runbooks.conftest import shell

pytestmark = pytest.mark.embedded

PAGE = Page("two-teams", (embedded.PROJECT / "docs" / "two-teams.md").read_text(encoding="utf-8"))
PARTS = {title: Page(title, text).commands for title, text in PAGE.parts.items()}
UNDER_LOAD = "Replaced while people read"
# What the page's curl does, for machines without one: asks as a file of it says, and writes the answer and its status.
CURL = f"""\
#!{sys.executable}
import base64, http.client, ssl, sys, urllib.parse
dash, config, url = sys.argv[1:]
assert dash == "-K"
said = dict(line.split(" = ", 1) for line in open(config).read().splitlines() if " = " in line)
said = {{name: value.strip('"') for name, value in said.items()}}
url = urllib.parse.urlsplit(url)
context = ssl.create_default_context(cafile=said["cacert"])
connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)
who = base64.b64encode(said["user"].encode()).decode()
connection.request("GET", f"{{url.path}}?{{url.query}}", headers={{"authorization": f"Basic {{who}}"}})
answer = connection.getresponse()
print(answer.read().decode(), answer.status)
"""


@dataclass
class Typist:
    """Somebody with a shell in the folder that the page names."""

    whole: Beside
    environment: dict[str, str]

    def type(self, command: Command) -> str:
        """What is wrong with it: nothing, if it ends and prints as the page says."""
        line, home = ["/bin/sh", "-c", command.line], self.whole.parts.home
        ended, printed = typed(line, self.environment, folder=home, patience=300)
        as_said = ended == command.exit and command.matches(printed)
        return "" if as_said else f"{command.line}\nexit {ended}\n{printed}"

    def password(self, user: str) -> str:
        config = (self.whole.parts.home / f"{user}.curl").read_text(encoding="utf-8")
        return config.partition(f'"{user}:')[2].partition('"')[0]


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    folder = tmp_path_factory.mktemp("two-teams")
    curl = folder / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(CURL, encoding="utf-8")
    curl.chmod(stat.S_IRWXU)
    with beside.running(two_teams.parts(embedded.Parts(home=folder / "run", version=RELEASE)), print) as whole:
        whole.aws.admin("schedules", by_themselves=False)
        state = two_teams.furnish(whole)
        assert f"https://{whole.at('logs').door}" in two_teams.welcome(
            {**state, "aws": whole.aws.endpoint, "page": "http://page/"}
        )
        path = os.pathsep.join([str(curl.parent), str(Path(sys.executable).parent), os.defpath])
        yield Typist(whole, {**shell(whole, folder), **state["exported"], "PATH": path})


@pytest.mark.parametrize("title", [title for title, commands in PARTS.items() if commands])
def test_the_page_is_typed_and_prints_what_it_says(title: str, typist: Typist) -> None:
    if title != UNDER_LOAD:
        assert "\n".join(map(typist.type, PARTS[title])).strip() == ""
        return
    person = two_teams.PERSON
    with Searching(typist.whole.node, user=person, password=typist.password(person)) as searching:  # type: ignore[arg-type]
        searching.more(20)
        wrong = "\n".join(map(typist.type, PARTS[title])).strip()
        searching.more(20)
    assert (wrong, searching.refused) == ("", {})
