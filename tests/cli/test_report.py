"""Given what there is, then the page holds all of it, shows it as it is, asks nobody, and no name in it is more than a name."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.questions.picture import Picture, rows
from portcullis.entry.page.writing import embedded, page
from portcullis.entry.verbs import VERBS
from portcullis.families.opensearch.documents.config import Kind

from docs import pictures
from tests.cli.test_asking_verbs import here, run
from tests.operations.orders import CAUSE, cognito, group
from tests.operations.worlds import Account

__all__ = ["here"]
EVIL = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "\"'`${alert(1)}",
    "]]>&lt;\u2028\u2029",
    "\u202egnp.exe",
    "@SCRIPT@",
    "\x1b[2J\ud800",
)


class Parts(HTMLParser):
    """The elements of a page, and the text in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def made(data: Any) -> Parts:
    return Parts(page(data))


def held(parts: Parts) -> Any:
    return json.loads(parts.scripts[0])


PLAIN = made({"picture": {}})


@pytest.mark.parametrize("name", EVIL, ids=range(len(EVIL)))
def test_a_name_is_data_and_no_mark_up(name: str) -> None:
    parts = made({"picture": {"people": [{"person": name}], name: name}})
    assert parts.tags == PLAIN.tags
    assert parts.scripts[1] == PLAIN.scripts[1]
    shown = held(parts)["picture"]["people"][0]["person"]
    assert shown.isprintable()
    assert shown == name or not name.isprintable()


@given(st.text())
def test_no_text_ends_the_script_it_is_in(text: str) -> None:
    made = embedded({"name": text})
    assert not set("<>&\u2028\u2029") & set(made)
    assert json.loads(made)["name"].isprintable()


def test_the_page_asks_nobody_and_lets_its_own_script_alone_run() -> None:
    text = page({"picture": {}})
    assert not re.findall(r"https?://|//[a-z]|url\(|@import|\b(?:src|srcset|action)=", text)
    assert {attributes["href"] for _, attributes in PLAIN.tags if "href" in attributes} == {
        f"#{attributes['id']}" for tag, attributes in PLAIN.tags if tag in ("section", "main")
    }
    (policy,) = (a["content"] or "" for _, a in PLAIN.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    digest = b64encode(hashlib.sha256(PLAIN.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    script = PLAIN.scripts[1]
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(|XMLHttp|import\(|localStorage", script
    )


def test_the_page_in_the_pictures_of_the_docs_is_whole() -> None:
    data = held(Parts(pictures.page()))
    assert data["unread"] == {}
    assert data["history"]
    assert data["status"]["custody"]["state"] == "open"
    assert {"cognito_user:ines", "iam_user:maya"} <= {one["person"] for one in data["picture"]["people"]}


def test_a_live_page_asks_whoever_served_it_and_nobody_else() -> None:
    text = page({"picture": {}}, live=True)
    parts = Parts(text)
    (policy,) = (a["content"] or "" for _, a in parts.tags if a.get("http-equiv") == "Content-Security-Policy")
    digests = [b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in parts.scripts[1:]]
    assert f"script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'; connect-src 'self';" in policy
    assert policy.startswith("default-src 'none';")
    assert parts.scripts[:2] == PLAIN.scripts[:2]
    assert re.findall(r"fetch\((.{17})", parts.scripts[2]) == ["location.pathname"]
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|XMLHttp|import\(", parts.scripts[2]
    )
    assert "connect-src" not in page({"picture": {}})


def test_every_label_and_part_is_there_for_who_does_not_see_it() -> None:
    """A field has a label around it, a part its title, the map a name, and what is said of it is told."""
    of = {attributes.get("id"): attributes for _, attributes in PLAIN.tags if attributes.get("id")}
    assert of["map"]["tabindex"] == "0"
    assert of["map"]["aria-label"]
    assert of["said"]["aria-live"] == "polite"
    for tag, attributes in PLAIN.tags:
        if tag == "section":
            assert attributes["aria-labelledby"] in of
    text = page({"picture": {}})
    fields = re.findall(r"<(?:input|select)", text)
    assert len(re.findall(r"<label>[^<]+<(?:input|select)", text)) == len(fields) == 4
    assert [attributes for tag, attributes in PLAIN.tags if tag == "html"] == [{"lang": "en"}]


cells = st.lists(
    st.lists(st.sampled_from(["-", "read", "part write", "?", "write"]), min_size=19, max_size=19), max_size=5
)


@given(cells)
def test_a_bit_a_cell_is_read_back(table: list[list[str]]) -> None:
    raw = b64decode(rows(table, 19, "write"))
    assert len(raw) == 3 * len(table)
    assert [[bool(raw[p * 3 + (i >> 3)] >> (i & 7) & 1) for i in range(19)] for p in range(len(table))] == [
        ["write" in cell.split() for cell in row] for row in table
    ]


def bit(picture: Any, plane: str, p: int, i: int) -> bool:
    width = (len(picture.indices) + 7) // 8
    return bool(b64decode(getattr(picture, plane))[p * width + (i >> 3)] >> (i & 7) & 1)


def test_the_map_is_the_matrix_and_each_way_in_it_has_a_rule(here: Account) -> None:
    picture: Picture = VERBS["report"].run(here.services, "demo", CAUSE)
    matrix = VERBS["matrix"].run(here.services, "demo", CAUSE)
    assert picture.indices == matrix.indices
    cells = {row.person: row.cells for row in matrix.people}
    for p, one in enumerate(picture.people):
        for i, index in enumerate(picture.indices):
            cell = cells.get(one.person, ("-",) * len(matrix.indices))[i].split()
            assert bit(picture, "reads", p, i) is bool({"read", "part"} & set(cell))
            assert bit(picture, "parts", p, i) is ("part" in cell)
            assert bit(picture, "writes", p, i) is ("write" in cell)
            rules = [rule for role, _ in one.roles for rule in picture.roles[role].rules]
            on = [rule for rule in rules if not rule.covers or b64decode(rule.covers)[i >> 3] >> (i & 7) & 1]
            assert on or cell == ["-"], (one.person, index)


def test_the_file_holds_everything_and_only_its_owner_reads_it(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here.people.groups[group("tokens")] = (cognito(EVIL[0]),)
    here.engine.by_hand(
        Kind.MAPPINGS, [{"op": "add", "path": "/security_manager", "value": {"users": [cognito("eve")]}}]
    )
    file = tmp_path / "demo.html"
    file.write_text("older")
    status, out, _ = run(capsys, "report", str(file))
    assert status == 0
    assert out.startswith(f"{file} written: ")
    assert file.stat().st_mode & 0o777 == 0o600
    parts = Parts(file.read_text("utf-8"))
    assert parts.tags == PLAIN.tags
    data = held(parts)
    assert data["status"]["custody"]["state"] == "open"
    assert data["history"][-1]["operation"] == "apply"
    assert any("eve" in one for one in data["drift"])
    assert {one["about"] for one in data["findings"]} >= {"cognito_user:eve"}
    assert f"cognito_user:{EVIL[0]}" in {one["person"] for one in data["picture"]["people"]}
    assert not list(tmp_path.glob(".demo.html*"))


def test_what_cannot_be_read_is_said_in_its_place(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    run(capsys, "report", str(tmp_path / "demo.html"))
    data = held(Parts((tmp_path / "demo.html").read_text("utf-8")))
    assert data["drift"] is None
    assert "is no drift" in data["unread"]["drift"]
    assert "locked manually by" in data["picture"]["stopped"]


def test_a_page_of_a_file_alone_asks_nobody(here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    here.people.fails = 99
    calls = here.fate.calls
    status, out, _ = run(capsys, "report", str(tmp_path / "demo.html"), "--offline", "--json")
    assert (status, json.loads(out)["people"] > 0, here.fate.calls) == (0, True, calls)
    assert held(Parts((tmp_path / "demo.html").read_text("utf-8")))["of_file"] is True


def test_a_file_that_cannot_be_written_is_bad_input(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, err = run(capsys, "report", str(tmp_path / "none" / "demo.html"), "--offline")
    assert (status, "a file that can be written" in err) == (2, True)
