"""One table: the index in runbooks/README.md. Pages, alerts and documents are what it says, and nothing else."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click
import pytest
from portcullis.cli.main import portcullis
from portcullis.entry.verbs import LEVELS, VERBS
from portcullis.errors import PortcullisError, Refused

from local.rehearsal.incidents import INCIDENTS, WITHOUT
from local.rehearsal.pages import NAMES, PAGES, PARTS, PLACES, Command, Page
from stacks.runbooks import RUNBOOKS
from tests.runbooks import alerts
from tests.runbooks.of_clusters import ELSEWHERE, NEVER, WALKED
from tests.runbooks.pages import index, without_page
from tests.runbooks.provoking import PROVOKED

ROOT = Path(__file__).resolve().parents[2]
INDEX = index()


def test_every_page_is_in_the_index_and_every_row_has_its_page() -> None:
    assert sorted(INDEX) == NAMES


def test_every_alert_links_the_page_that_the_index_says() -> None:
    by_page: dict[str, set[str]] = {name: set() for name in NAMES}
    for told in alerts.ALL:
        if told.page:
            assert told.page in by_page, f"{told.where}: {told.name} links runbooks/{told.page}.md, which is not there"
            by_page[told.page].add(told.name)
    assert by_page == {name: set(row.alerts) for name, row in INDEX.items()}


def test_an_alert_without_a_page_is_one_that_asks_for_nothing() -> None:
    assert {told.name for told in alerts.ALL if not told.page} == without_page()


def test_no_page_without_an_alert() -> None:
    assert [name for name, row in INDEX.items() if not row.alerts] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_managed_policy_that_the_index_names_is_the_least_that_suffices(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every line of ours that the page quotes, typed or told."""
    monkeypatch.chdir(ROOT)
    asked = {level_of(command, monkeypatch) for command in page.quoted if command.words[0] == "portcullis"} - {""}
    assert INDEX[page.name].level == max(asked, key=LEVELS.index)


def level_of(command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """Through the door of which level this line goes; empty if it asks nothing of the account."""
    verbs: list[str] = []

    def asked(verb: str, *_: object, **__: object) -> None:
        verbs.append(verb)
        raise Refused("what is asked for is all that counts")

    monkeypatch.setattr("portcullis.entry.ask.ask", asked)
    with contextlib.suppress(click.exceptions.Exit, PortcullisError):
        portcullis.main(command.words[1:], prog_name="portcullis", standalone_mode=False)
    return VERBS[verbs[0]].level if verbs else ""


def test_every_document_belongs_to_the_page_that_the_index_says() -> None:
    by_page: dict[str, list[str]] = {name: [] for name in NAMES}
    for runbook in RUNBOOKS:
        by_page[runbook.page].append(runbook.document)
    assert by_page == {name: sorted_as(row.documents, by_page[name]) for name, row in INDEX.items()}


def sorted_as(found: tuple[str, ...], order: list[str]) -> list[str]:
    """In the order of the other list as far as it has them: the order in the index is for people."""
    return [name for name in order if name in found] + [name for name in found if name not in order]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_all_its_parts_in_order(page: Page) -> None:
    assert tuple(page.parts) == PARTS
    assert all(text.strip() for text in page.parts.values())
    assert page.text.startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_runbook_page_names_its_alerts_and_its_documents(page: Page) -> None:
    """The documents stand in the part about the console. Alerts that only end something need not be named."""
    row = INDEX[page.name]
    recoveries = {
        "lock-complete",
        "break-glass-ended",
    }  # told after what is seen; the first says that nothing is to be done
    assert all(f"`{alert}`" in page.text for alert in row.alerts - recoveries)
    named = set(re.findall(r"`(portcullis-[a-z-]+)`", page.parts["From the console"]))
    assert set(row.documents) <= named <= {runbook.document for runbook in RUNBOOKS}


@pytest.mark.parametrize("place", PLACES)
def test_every_page_has_an_incident_or_says_why_it_has_none(place: str) -> None:
    assert {*INCIDENTS[place], *WITHOUT[place]} == set(NAMES)
    assert not {*INCIDENTS[place]} & {*WITHOUT[place]}


def test_every_alert_is_brought_about_on_a_cluster_or_says_why_it_does_not_come() -> None:
    """Each once: in the incident of a page, by itself, by a test of its own, or never."""
    known = {told.name for told in alerts.ALL}
    walked, provoked = frozenset().union(*WALKED.values()), {name for names in PROVOKED for name in names}
    assert walked | provoked | ELSEWHERE.keys() | NEVER.keys() == known
    assert not (walked | provoked) & (ELSEWHERE.keys() | NEVER.keys()) | (walked & provoked)
    assert not ELSEWHERE.keys() & NEVER.keys()
    for name, file in ELSEWHERE.items():
        assert name in (ROOT / file).read_text(encoding="utf-8"), f"{file} knows nothing of {name}"


@pytest.mark.parametrize("alert", sorted(NEVER))
def test_the_page_of_an_alert_that_no_cluster_gives_rise_to_says_so(alert: str) -> None:
    (page,) = (page for page in PAGES if alert in INDEX[page.name].alerts)
    of_clusters = page.parts["Do, in order"].partition("**On an Elasticsearch cluster.**")[2]
    assert f"`{alert}`" in of_clusters


def test_what_has_an_action_has_a_document() -> None:
    for page in PAGES:
        levels = {runbook.level for runbook in RUNBOOKS if runbook.page == page.name}
        assert levels, f"{page.name} has no document"


@pytest.mark.parametrize("page", [*PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.text):
        assert (ROOT / "runbooks" / target).is_file(), target


def test_pages_named_in_stacks_and_library_are_there() -> None:
    for folder in ("stacks", "layers/portcullis/portcullis", "local", "docs"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".py", ".md"):
                for name in re.findall(r"runbooks/([a-z-]+)\.md", file.read_text(encoding="utf-8")):
                    assert name in NAMES, f"{file.name}: runbooks/{name}.md"
