"""An offer taken into this side's file: never over what somebody wrote by hand, and with what it means to the people here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from portcullis import model
from portcullis.cli.main import main
from portcullis.errors import BadInput, Refused
from portcullis.model.accepting import Accepted, accept
from portcullis.model.offer_file import OfferFacts

from tests.operations.remotes_page import commands_under
from tests.remotes.offered import KEY, LOGS, NOW, OFFERS, ORDERS, SIGNER, facts, taken


def test_all_else_in_the_file_keeps_every_sign() -> None:
    done = taken(ORDERS, facts())
    assert done.text.startswith(ORDERS)
    assert done.block == done.text[len(ORDERS) :]
    assert taken(done.text, facts()).text == done.text


def test_it_says_who_here_will_read_it_and_what_will_be_refused() -> None:
    done = taken(ORDERS, facts())
    (role,) = done.roles
    assert (role.role, role.asks, role.beyond) == ("log_reader", ("logs-*", "hr"), ("hr",))
    assert (role.people, done.superusers) == (("cognito_group:readers",), ("internal_user:boss",))
    assert (done.again, done.alias) == (False, "dc2")
    assert taken(ORDERS, facts(), alias="").alias == "logs"


LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("offers", "narrower", "wider"),
    [
        (OFFERS, 0, 0),
        (OFFERS.replace("'logs-*'", "'logs-*', hr"), 0, 1),
        (OFFERS.replace("'logs-*'", "logs-1"), 1, 0),
        (OFFERS.replace(", query: {term: {team: red}}", ""), 0, 1),
        (OFFERS.replace("red", "blue"), 1, 1),
        (OFFERS.replace("search: [{", "search: [{field_security: {grant: [team]}, "), 1, 0),
        ("offers: {for-orders: {replication: [{names: ['logs-*']}], secret: remotes/orders}}\n", 1, 1),
    ],
)
def test_a_later_offer_is_shown_as_what_narrows_and_what_widens(offers: str, narrower: int, wider: int) -> None:
    before = taken(ORDERS, facts())
    after = taken(before.text, facts(offers, LATER))
    assert after.again
    assert (len(after.difference.narrower), len(after.difference.wider)) == (narrower, wider)
    read = model.loads(after.text, "orders.yaml")
    assert isinstance(read, model.OnCluster)
    agreed = read.remotes["dc2"].agreed
    assert agreed is not None
    assert agreed.made == "2026-11-29T12:00:00Z"


def test_what_this_side_says_of_the_alias_stays_with_a_later_offer() -> None:
    before = taken(ORDERS, facts()).text
    ours = before.replace(
        "    credential: remotes/orders\n", "    credential: ours  # in our account\n    skip_unavailable: true\n"
    )
    after = taken(ours, facts(at=LATER)).text
    assert "    credential: ours  # in our account\n    skip_unavailable: true\n" in after
    moved = taken(ours, facts(OFFERS.replace("{search", "{address: 'new.example:9443', search"), LATER))
    assert moved.changes == ("the address is new.example:9443, and was logs.example:9443",)
    assert "new.example:9443" in moved.text


def _before(change: Callable[[str], str] = lambda text: text) -> str:
    return change(taken(ORDERS, facts()).text)


BY_HAND = ORDERS + "remotes: {dc2: {address: 'b.example:9443', credential: mine, allows: {search: [{names: [a]}]}}}\n"
SAME_BY_HAND = (
    ORDERS + "remotes:\n  dc2: {deployment: logs, credential: remotes/orders,"
    " allows: {search: [{names: ['logs-*'], query: {term: {team: red}}}]}}\n"
)
NOT_OURS: list[tuple[str, OfferFacts, dict[str, Any], str]] = [
    (BY_HAND, facts(), {}, "written by hand, and its address and allows is not what is offered"),
    (_before(lambda text: text.replace("team: red", "team: blue")), facts(at=LATER), {}, "changed by hand since it was accepted"),
    (_before(lambda text: text.replace("logs.example:9443", "x.example:9443")), facts(at=LATER), {}, "changed by hand"),
    (_before(), facts(at=NOW - timedelta(seconds=1)), {}, "is older than the one that was accepted"),
    (_before(), facts(at=LATER), {"signer": "SHA256:" + "A" * 43}, "the one before was signed with"),
    (_before(), facts(at=LATER), {"alias": "dc9"}, "is dc2 here already"),
    (_before(), facts(OFFERS.replace("for-orders", "second"), LATER, "second"), {}, "is for-orders of logs, and this is second"),
    (_before(), facts(at=LATER), {"credential": "another"}, "change it there"),
    (ORDERS.replace("orders", "logs"), facts(), {}, "this deployment itself"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "of", "more", "said"), NOT_OURS)
def test_what_is_somebody_elses_is_refused_and_not_written_over(
    text: str, of: OfferFacts, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        taken(text, of, **more)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "", False),
        ("credential: remotes/orders", "credential: ours", False),
        ("team: red", "team: blue", True),
        ("logs.example:9443", "x.example:9443", True),
    ],
)
def test_check_tells_what_was_changed_by_hand_since(before: str, after: str, told: bool) -> None:
    found = model.lint(model.loads(_before(lambda text: text.replace(before, after)), "orders.yaml"))
    assert ("remote-agreed-changed" in {one.code for one in found}) is told


def test_an_alias_that_was_written_by_hand_as_offered_is_taken_over_as_it_is() -> None:
    done = taken(SAME_BY_HAND, facts(), alias="")
    assert (done.alias, done.again) == ("dc2", False)
    read = model.loads(done.text, "orders.yaml")
    assert isinstance(read, model.OnCluster)
    assert (read.remotes["dc2"].deployment, read.remotes["dc2"].address) == ("logs", None)
    assert taken(done.text, facts(at=LATER)).again


def test_a_file_that_would_not_be_valid_with_it_is_not_made() -> None:
    with pytest.raises(BadInput, match="licence has no keys between clusters"):
        taken(ORDERS.replace("licence: trial", "licence: basic"), facts())
    with pytest.raises(BadInput, match="--as"):
        taken(ORDERS, facts(), alias="no:alias")
    with pytest.raises(BadInput, match=r"that of cluster\.credential"):
        taken(ORDERS, facts(), credential="orders/automation")


@pytest.mark.parametrize("name", ["nobody", "for_orders", ""])
def test_an_offer_that_the_file_has_not_is_named(name: str) -> None:
    with pytest.raises(BadInput, match="there is no offer"):
        facts(name=name)


# ---------------------------------------------------------------------- the verbs


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "logs.yaml").write_text(LOGS.replace("OFFERS", OFFERS))
    (tmp_path / "deployments" / "orders.yaml").write_text(ORDERS)
    (tmp_path / "offers.key").write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


OFFER = ["remote", "offer", "for-orders", "-d", "logs", "--sign-with", "offers.key", "--by", "anna"]
FILE = "logs-for-orders.offer.json"
ACCEPT = ["remote", "accept", FILE, "-d", "orders", "--as", "dc2"]


def test_both_sides_by_the_command(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(OFFER) == 0
    assert SIGNER in capsys.readouterr().out.replace("\n  ", " ")
    assert main(OFFER) == 2  # one that is there is somebody's
    assert "is not overwritten" in capsys.readouterr().err
    assert main(ACCEPT) == 1
    assert "nobody has said whose key" in capsys.readouterr().err
    assert main([*ACCEPT, "--signer", "SHA256:" + "A" * 43]) == 1
    assert "is not who you named" in capsys.readouterr().err
    assert main([*ACCEPT, "--print"]) == 0
    printed = capsys.readouterr().out
    assert (two / "deployments" / "orders.yaml").read_text() == ORDERS
    assert all(line.startswith(("#", " ", "remotes:")) for line in printed.splitlines())
    assert "nobody said whose key that is" in printed.replace("\n#  ", "")
    assert main([*ACCEPT, "--signer", SIGNER, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["written"], told["vouched"], told["again"], told["alias"]) == (True, True, False, "dc2")
    assert told["roles"][0]["beyond"] == ["hr"]
    after = (two / "deployments" / "orders.yaml").read_text()
    assert after == ORDERS + told["block"]
    assert [path.name for path in (two / "deployments").iterdir() if path.suffix != ".yaml"] == []
    assert main(ACCEPT) == 0  # the one who signs is known from now on
    assert "nothing to change" in capsys.readouterr().out
    assert main(["check", "deployments/orders.yaml"]) == 0


def test_an_offer_that_was_changed_on_its_way_changes_nothing(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(OFFER)
    file = two / FILE
    file.write_text(file.read_text().replace('"red"', '"all"'))
    capsys.readouterr()
    assert main([*ACCEPT, "--signer", SIGNER]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "was changed since it was signed" in err
    assert (two / "deployments" / "orders.yaml").read_text() == ORDERS


def test_line_ends_and_a_link_to_the_file_stay_as_they_are(two: Path) -> None:
    path = two / "deployments" / "orders.yaml"
    kept = two / "kept.yaml"
    kept.write_bytes(ORDERS.replace("\n", "\r\n").encode())
    path.unlink()
    path.symlink_to(kept)
    assert main(OFFER) == 0
    assert main([*ACCEPT, "--signer", SIGNER]) == 0
    assert path.is_symlink()
    after = kept.read_bytes()
    assert after.startswith(ORDERS.replace("\n", "\r\n").encode())
    assert after.count(b"\n") == after.count(b"\r\n")


def test_the_ca_of_the_other_side_is_written_for_the_nodes(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pem = trustme.CA().cert_pem.bytes().decode()
    indented = "".join(f"      {one}\n" for one in pem.splitlines())
    offers = f"offers:\n  for-orders:\n    secret: remotes/orders\n    search: [{{names: [a]}}]\n    ca: |\n{indented}"
    (two / "deployments" / "logs.yaml").write_text(LOGS.replace("OFFERS", offers))
    assert main(OFFER) == 0
    assert main([*ACCEPT, "--signer", SIGNER, "--ca", "logs-ca.pem"]) == 0
    assert (two / "logs-ca.pem").read_text() == pem
    assert main([*ACCEPT, "--ca", "logs-ca.pem"]) == 0  # asked for again, it is there
    (two / "logs-ca.pem").write_text("of somebody else")
    capsys.readouterr()
    assert main([*ACCEPT, "--ca", "logs-ca.pem"]) == 2
    assert "is not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["remote", "offer", "for-orders", "-d", "logs"], 2, "nothing to sign with"),
        (["remote", "offer", "none", "-d", "logs", "--sign-with", "offers.key"], 2, "there is no offer"),
        (["remote", "offer", "for-orders", "-d", "logs", "--sign-with", "deployments/logs.yaml"], 2, "no private key"),
        (["remote", "offer", "for-orders", "no/folder", "-d", "logs", "--sign-with", "offers.key"], 2, "be written"),
        (["remote", "offer", "for-orders", "-d", "nowhere", "--sign-with", "offers.key"], 2, "there is no such file"),
        (["remote", "accept", "none.json", "-d", "orders"], 2, "cannot be read"),
        (["remote", "accept", "deployments/logs.yaml", "-d", "orders"], 2, "is no JSON"),
    ],
)
def test_a_call_that_cannot_be_is_one_line(
    two: Path, arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_what_is_written_meanwhile_is_not_written_over(
    two: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(OFFER)
    path = two / "deployments" / "orders.yaml"
    before = accept

    def slow(*arguments: Any) -> Accepted:
        path.write_text(ORDERS + "# of somebody else\n")
        return before(*arguments)

    monkeypatch.setattr(model, "accept", slow, raising=False)
    assert main([*ACCEPT, "--signer", SIGNER]) == 1
    assert "was changed meanwhile" in capsys.readouterr().err
    assert path.read_text() == ORDERS + "# of somebody else\n"


def test_the_page_about_remotes_quotes_both_sides(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (two / "deployments" / "logs.yaml").write_text(LOGS.replace("OFFERS", OFFERS).replace(":9200", ":443"))
    commands = commands_under("Agreed in a signed file")
    assert len(commands) == 4
    for command in commands:
        if "later" in command.line:
            more = OFFERS.replace("red", "blue").replace("search: [", "search: [{names: ['metrics-*']}, ")
            (two / "deployments" / "logs.yaml").write_text(LOGS.replace("OFFERS", more))
        assert main(command.words[1:]) == command.exit
        printed = capsys.readouterr().out
        assert command.matches(printed), printed
