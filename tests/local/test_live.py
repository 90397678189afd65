"""Given the live page's server, then it answers its reader alone, in words whatever happens, and asks no more than it has to."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from portcullis.entry.page.gathering import no_picture
from portcullis.errors import Unreachable

from local.live.looking import SELDOM_S, SOON_S, Gone, Look, Looks
from local.live.serving import Live
from local.people import until

PATH, LONG = "guess-me-not", 60.0


class Account:
    """Answers as the account's functions would. `says` may be changed, an error is raised, and a verb in `held` answers when it is set."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {
            "list": [{"deployment": "demo"}],
            "history": [{"entry": "1", "at": "2026-11-29T03:00:00+00:00", "summary": "anna joined"}],
            "status": {"custody": {"state": "open"}},
            "report": no_picture("demo") | {"at": "2026-11-29T03:00:01+00:00"},
            "findings": {"findings": [{"code": "x"}]},
            "drift": {"drift": ["by hand"]},
        }
        self.asked: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.now = 1000.0

    def __call__(self, verb: str, deployment: str | None, arguments: Mapping[str, Any]) -> Any:
        assert (deployment is None) is (verb == "list")
        self.asked.append(verb)
        if verb in self.held:
            assert self.held[verb].wait(LONG)
        said = self.says[verb]
        if isinstance(said, Exception):
            raise said
        return said

    def looks(self) -> Looks:
        return Looks(self, lambda: self.now, LONG)


@pytest.fixture
def account() -> Account:
    return Account()


@contextmanager
def served(looks: Looks) -> Iterator[Live]:
    with Live(0, PATH, looks) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(account: Account) -> Iterator[Live]:
    with served(account.looks()) as one:
        yield one


def asked(
    server: Live, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=LONG)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


# ---------------------------------------------------------------------- who is answered


def test_the_address_leads_to_the_deployments_and_to_each_page(server: Live) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/{PATH}/"
    status, headers, text = asked(server, f"/{PATH}/")
    assert (status, f'href="/{PATH}/demo"' in text, headers["Cache-Control"]) == (200, True, "no-store")
    status, headers, text = asked(server, f"/{PATH}/demo")
    assert status == 200
    assert "anna joined" in text
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not any(name.lower().startswith("access-control") for name in headers)
    status, headers, text = asked(server, f"/{PATH}/demo/data")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/json")
    assert json.loads(text)["drift"] == ["by hand"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost.evil.example:{}", "evil.example:{}", ""])
def test_a_name_that_points_here_is_not_answered(server: Live, account: Account, host: str) -> None:
    status, _, text = asked(server, f"/{PATH}/demo", headers={"Host": host.format(server.server_port)})
    assert (status, "anna" in text, account.asked) == (421, False, [])


def test_localhost_is_answered_by_its_name(server: Live) -> None:
    assert asked(server, f"/{PATH}/demo", headers={"Host": f"localhost:{server.server_port}"})[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/demo", "/demo/data", f"/{PATH}x/demo", "//[", "/%ff/demo", f"/x/../{PATH}/demo"]
)
def test_who_does_not_know_the_path_sees_nothing(server: Live, account: Account, path: str) -> None:
    status, _, text = asked(server, path)
    assert (status, PATH in text, "anna" in text, account.asked) == (404, False, False, [])


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_nothing_but_get_is_answered(server: Live, account: Account, method: str) -> None:
    status, headers, text = asked(server, f"/{PATH}/demo", method)
    assert (status, headers.get("Allow")) == ((501, None) if method == "BREW" else (405, "GET"))
    assert "anna" not in text
    assert account.asked == []


def test_another_page_of_the_browser_may_link_here_and_ask_nothing(server: Live, account: Account) -> None:
    other = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert asked(server, f"/{PATH}/demo/data", headers=other)[0] == 403
    assert account.asked == []
    assert asked(server, f"/{PATH}/demo", headers=other | {"Sec-Fetch-Mode": "navigate"})[0] == 200


# ---------------------------------------------------------------------- whatever happens, in words


def test_what_breaks_off_is_words_and_no_trace(server: Live, account: Account) -> None:
    account.says["report"] = ZeroDivisionError("a secret of the inside")
    account.says["drift"] = Unreachable("the engine did not answer <b>")
    status, _, text = asked(server, f"/{PATH}/demo")
    assert status == 200
    assert "it broke off" in text
    assert "the engine did not answer" in text
    assert "anna joined" in text
    assert not [one for one in ("Traceback", "ZeroDivision", "a secret of", "<b>") if one in text]


def test_an_account_that_does_not_answer_is_said_and_asked_again(server: Live, account: Account) -> None:
    account.says["list"] = Unreachable("AWS did not answer")
    status, _, text = asked(server, f"/{PATH}/demo")
    assert (status, "AWS did not answer" in text, 'http-equiv="refresh"' in text) == (503, True, True)
    status, _, text = asked(server, f"/{PATH}/demo/data")
    assert (status, "AWS did not answer" in json.loads(text)["says"]) == (503, True)


def test_a_deployment_that_was_removed_is_said_to_be_gone(server: Live, account: Account) -> None:
    assert asked(server, f"/{PATH}/demo")[0] == 200
    account.says["list"], account.now = [{"deployment": "other"}], account.now + SELDOM_S + 1
    status, _, text = asked(server, f"/{PATH}/demo/data")
    assert (status, "was removed (there are: other)" in json.loads(text)["says"]) == (404, True)
    assert asked(server, f"/{PATH}/demo")[0] == 404


def test_a_name_in_the_address_is_no_mark_up(server: Live, account: Account) -> None:
    account.says["list"] = [{"deployment": "<script>x"}]
    assert "<script>x" not in asked(server, f"/{PATH}/")[2]
    assert "<script>" not in asked(server, f"/{PATH}/%3Cscript%3Ey")[2]


# ---------------------------------------------------------------------- no more than it has to


def at_once(count: int, does: Callable[[], object], ready: Callable[[], bool], go: threading.Event) -> list[object]:
    """What so many get who ask at once. `go` is set when all of them ask."""
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(does())) for _ in range(count)]
    for one in threads:
        one.start()
    while not ready():
        threading.Event().wait(0.01)
    go.set()
    for one in threads:
        one.join(LONG)
    return found


def test_two_tabs_at_once_are_one_look() -> None:
    go, begun = threading.Event(), []

    def ask() -> str:
        begun.append(1)
        assert go.wait(LONG)
        return "answer"

    look = Look(ask)
    found = at_once(2, lambda: look.seen(0.0, LONG), lambda: bool(begun), go)
    assert [one.value for one in found if one] == ["answer", "answer"]  # type: ignore[attr-defined]
    assert begun == [1]


def settled(looks: Looks) -> None:
    """No look is under way any more."""
    until(lambda: all(one.busy_for() is None for one in looks._all.values()), what="every look has ended")


def impatient(looks: Looks, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What somebody gets who waits for no look, as soon as it is what they want."""
    looks.patience = 0.0
    got: dict[str, Any] = {}

    def there() -> bool:
        with contextlib.suppress(Unreachable):
            got.update(looks.data("demo"))
        return bool(got) and wanted(got)

    until(there, within=LONG, what="it is there")
    looks.patience = LONG
    return got


def test_a_look_that_takes_long_is_said_and_comes_later(account: Account) -> None:
    account.held["report"] = threading.Event()
    looks = account.looks()
    data = impatient(looks, lambda got: bool(got["history"] and got["status"]))
    assert data["unread"]["report"].startswith("no answer yet after")
    assert data["picture"] == no_picture("demo")
    account.held["report"].set()
    until(lambda: looks.data("demo")["picture"] == account.says["report"], what="the map is there")
    assert account.asked.count("report") == 1


def test_the_rest_is_looked_at_again_when_the_history_moves(account: Account) -> None:
    looks = account.looks()
    looks.data("demo")
    account.asked.clear()
    # Given nothing new, then only the history is asked, and not even that within its short memory
    looks.data("demo")
    account.now += SOON_S + 0.1
    looks.data("demo")
    assert account.asked == ["history"]
    # When it has something new, then everything is looked at after that
    account.says["history"] = [{"entry": "2", "summary": "anna left"}, *account.says["history"]]
    account.now += SOON_S + 0.1
    assert looks.data("demo")["history"][0]["entry"] == "2"
    until(lambda: set(account.asked) == {"history", "status", "report", "findings", "drift"}, what="all is looked at")
    settled(looks)
    # And after a while it is, whatever the history says
    account.asked.clear()
    account.now += SELDOM_S + 0.1
    looks.data("demo")
    until(lambda: set(account.asked) == {"list", "history", "status", "report", "findings", "drift"}, what="all is")


def test_the_last_picture_stays_while_there_is_no_newer_one(account: Account) -> None:
    looks = account.looks()
    before = looks.data("demo")["picture"]
    account.says["report"], account.now = Unreachable("the engine is down"), account.now + SELDOM_S + 1
    until(lambda: looks.data("demo")["unread"] == {"report": "the engine is down"}, what="it is said")
    settled(looks)
    assert looks.data("demo")["picture"] == before
    account.says["report"], account.now = before | {"at": "later"}, account.now + SELDOM_S + 1
    until(lambda: looks.data("demo")["picture"]["at"] == "later", what="there is a newer one")
    assert (looks.data("demo")["unread"], looks.data("demo")["late"]) == ({}, [])


def test_the_timeline_moves_though_the_engine_is_silent(account: Account) -> None:
    looks = account.looks()
    looks.data("demo")
    account.held |= {verb: threading.Event() for verb in ("report", "findings", "drift")}
    account.says["history"], account.now = [{"entry": "9"}], account.now + SELDOM_S + 1
    data = impatient(looks, lambda got: got["history"] == [{"entry": "9"}] and set(got["late"]) == set(account.held))
    assert data["findings"] == account.says["findings"]["findings"]
    for held in account.held.values():
        held.set()
    assert looks.data("demo")["late"] == []


def test_a_deployment_that_is_not_known_is_gone(account: Account) -> None:
    with pytest.raises(Gone, match="there are: demo"):
        account.looks().data("nothere")
