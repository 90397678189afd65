"""Given the page of who may see what, opened in a real browser, then it asks nobody, everybody can read it, and it does what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.pictures import page
from local.npm.browser import Browser, browser

Looks = Callable[..., Any]
COUNT = ["ask", "document.getElementById('count').textContent"]
FOCUS = ["ask", "document.activeElement.id || document.activeElement.className || document.activeElement.textContent"]


@pytest.fixture(scope="module")
def chromium() -> Browser:
    return browser()


@pytest.fixture(scope="module")
def text() -> str:
    return page()


@pytest.fixture
def looks(chromium: Browser, text: str, tmp_path: Path) -> Looks:
    """What is found in the page, or in a changed one."""

    def look(changed: str = "", **options: Any) -> Any:
        file = tmp_path / "page.html"
        file.write_text(changed or text, "utf-8")
        return chromium.look(file, **options)

    return look


def counted(words: str) -> list[Any]:
    return ["wait", f"document.getElementById('count').textContent.startsWith({words!r})"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "opened", [[], [["focus", "#people button"], ["press", "Enter"]]], ids=["as it is", "a person open"]
)
def test_nothing_keeps_a_screen_reader_out(looks: Looks, theme: str, opened: list[Any]) -> None:
    found = looks(theme=theme, axe=True, steps=opened)
    assert (found["violations"], found["incomplete"], found["errors"]) == ([], [], [])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_would_keep_one_out_is_seen(looks: Looks, text: str, theme: str) -> None:
    pale = text.replace('<p class="dim" id="made"></p>', '<p class="dim" id="made"></p><img src="data:,">')
    assert pale != text
    assert "image-alt" in [one["id"] for one in looks(pale, theme=theme, axe=True)["violations"]]


def test_it_asks_nobody(looks: Looks, tmp_path: Path) -> None:
    found = looks(steps=[["focus", "#people button"], ["press", "Enter"]])
    assert found["requests"] == [(tmp_path / "page.html").as_uri()]


def test_a_page_that_would_ask_somebody_is_seen(looks: Looks, text: str) -> None:
    asks = text.replace("<body>", '<body><img alt="" src="https://example.com/a.png">')
    found = looks(asks)
    assert any("example.com" in one for one in (*found["requests"], *found["errors"]))


def test_the_keyboard_reaches_every_part_in_the_order_of_the_page(looks: Looks) -> None:
    steps: list[Any] = [step for _ in range(13) for step in (["press", "Tab"], FOCUS)]
    places = looks(steps=steps)["asked"]
    assert places[0] == "skip"
    assert places[1:8] == [
        "Who by what",
        "Paths to administration",
        "Findings",
        "Gate and key",
        "Changed by hand",
        "Timeline",
        "What is not known",
    ]
    assert places[8:] == ["f-person", "f-group", "f-index", "f-kind", "map"]


def test_arrow_keys_move_over_the_map_and_enter_says_why(looks: Looks) -> None:
    said = ["ask", "document.getElementById('said').textContent"]
    found = looks(
        steps=[
            ["focus", "#map"],
            ["type", "#f-person", "ada"],
            counted("1 person"),
            ["type", "#f-index", "payroll"],
            ["wait", "document.getElementById('count').textContent.endsWith('10 indices')"],
            ["focus", "#map"],
            ["press", "ArrowRight"],
            ["press", "Home"],
            said,
            ["press", "ArrowRight", 3],
            said,
            ["press", "Enter"],
            ["ask", "document.getElementById('detail').textContent"],
            FOCUS,
        ]
    )
    first, moved, reasons, focus = found["asked"]
    assert first.startswith("cognito_user:ada on payroll-")
    assert moved != first
    assert "reads all" in moved
    assert reasons.startswith(moved)
    assert "gives reads_payroll" in reasons
    assert focus == "detail"


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        ([["type", "#f-person", "iam_user"]], "iam_user"),
        ([["choose", "#f-group", "cognito_group:readers"]], "cognito_user:lee"),
        ([["choose", "#f-kind", "parts"]], "cognito_user:anna"),
        ([["choose", "#f-kind", "writes"]], "iam_user:kim"),
    ],
    ids=["a name", "a group", "reads a part", "writes"],
)
def test_a_filter_leaves_whom_it_names(looks: Looks, steps: list[Any], shown: str) -> None:
    names = ["ask", "[...document.querySelectorAll('#people button')].map(one => one.textContent)"]
    all_of = ["ask", "JSON.parse(document.getElementById('data').textContent).picture.people.length"]
    changed = [
        "wait",
        "document.querySelectorAll('#people button').length < JSON.parse(data.textContent).picture.people.length",
    ]
    everybody, people = looks(steps=[all_of, *steps, changed, names])["asked"]
    assert 0 < len(people) < everybody
    assert any(shown in one for one in people)


def test_a_filter_that_nobody_fits_leaves_nobody_and_breaks_nothing(looks: Looks) -> None:
    found = looks(
        steps=[["type", "#f-person", "nobody at all"], counted("0 people"), ["focus", "#map"], ["press", "Enter"]]
    )
    assert found["errors"] == []


@pytest.mark.parametrize(
    ("fragment", "says"),
    [
        ("person=cognito_user%3Aada", "cognito_user:ada"),
        ("person=ada", "cognito_user:ada"),
        ("index=payroll-1", "payroll-1"),
        ("person=%3Cimg%20src=x%3E", "<img src=x>"),
        ("person=%zz", "%zz"),
    ],
    ids=["a person", "by name alone", "an index", "mark-up", "no escape"],
)
def test_a_link_leads_to_a_person_or_an_index(looks: Looks, fragment: str, says: str) -> None:
    there = f"location.hash = {json.dumps(fragment)}"
    detail = "document.querySelector('#detail h3')?.textContent"
    found = looks(
        steps=[
            ["ask", there],
            ["wait", detail],
            ["ask", detail],
            ["ask", "document.getElementById('detail').textContent"],
        ]
    )
    _, title, whole = found["asked"]
    assert title == says
    assert ("not on this page" in whole) == (says[0] in "<%")
    assert found["errors"] == []
