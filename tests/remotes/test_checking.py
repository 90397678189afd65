"""What is wrong with remote clusters: each fault by itself on two sides that are well, and nothing that was not seen is called OK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portcullis.remotes.checking import check
from portcullis.remotes.facts import Certificate, Cluster, Finding, Given, Licence, Looked, RemoteFacts, Weight
from portcullis.remotes.keys import Key
from portcullis.remotes.refusals import answered, state_told

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LOGS = {"search": [{"names": ["logs-*"]}]}
INFO = {
    "connected": True,
    "mode": "proxy",
    "proxy_address": "b.example:9443",
    "skip_unavailable": False,
    "cluster_credentials": "::es_redacted::",
}
LESS = {"search": [{"names": ["logs-1"]}]}
LATER = NOW + timedelta(days=300)
KEY = Key("K1", "portcullis/logs/orders", "portcullis", LOGS, NOW, NOW + timedelta(days=60))
HERE = Cluster(
    "orders",
    ("9.5.3",),
    Licence("enterprise", True, LATER),
    (Certificate("certs/node.pem", LATER, True), Certificate("certs/ca.pem", LATER, False)),
    {
        "reader": {"remote_indices": [{"clusters": ["dc2"], "names": ["logs-*"], "privileges": ["read"]}]},
        "portcullis_remotes": {
            "remote_indices": [{"clusters": ["*"], "names": ["portcullis-may-read"], "privileges": ["read"]}]
        },
        "superuser": {
            "indices": [{"names": ["*"], "privileges": ["all"]}],
            "remote_indices": [{"clusters": ["*"], "names": ["*"], "privileges": ["all"]}],
            "metadata": {"_reserved": True},
        },
    },
)
THERE = replace(HERE, name="logs", roles={})
WELL = RemoteFacts(
    "dc2",
    address="b.example:9443",
    allows=LOGS,
    info=INFO,
    resolved={"connected": True},
    key="K1",
    secret="K1",
    other=THERE,
    shown=(KEY,),
)
BY_CERTIFICATE = {name: value for name, value in INFO.items() if name != "cluster_credentials"}


def found(remote: RemoteFacts = WELL, here: Cluster = HERE, given: tuple[Given, ...] = ()) -> tuple[Finding, ...]:
    return check(Looked(here, (remote,), given), NOW)


def codes(findings: tuple[Finding, ...], weight: Weight) -> set[str]:
    return {one.code for one in findings if one.weight is weight}


def test_two_sides_that_are_well_have_nothing_wrong_and_nothing_unseen() -> None:
    assert {one.weight for one in found()} == {Weight.OK}
    assert codes(found(), Weight.OK) == {
        "as-declared",
        "connected",
        "key",
        "key-ends",
        "releases",
        "licence",
        "certificates",
    }


@pytest.mark.parametrize(
    ("key", "model", "wrong"),
    [
        (KEY, BY_CERTIFICATE, True),
        (KEY, INFO, False),
        (replace(KEY, access={"replication": [{"names": ["logs-*"]}]}), BY_CERTIFICATE, False),
        (None, BY_CERTIFICATE, False),
    ],
)
def test_whoever_comes_with_a_key_is_passed_on_to_what_is_read_by_certificate(
    key: Key | None, model: Any, wrong: bool
) -> None:
    there = replace(WELL, info=model, model="certificate" if model is BY_CERTIFICATE else "api-key")
    told = {one.code: one for one in check(Looked(HERE, (there,), keys=(key,) if key else ()), NOW)}
    assert ("passed-on" in told) is wrong
    if wrong:
        assert told["passed-on"].weight is Weight.WRONG
        assert (
            "the key K1 reads dc2 through it, as ALIAS:dc2:INDEX: what the key allows by name (logs-*)"
            in told["passed-on"].says
        )


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (BY_CERTIFICATE, "what roles of their names there read, a super user everything"),
        (INFO, "what remote_indices of roles of their names on orders and the key allow, both"),
    ],
)
def test_whoever_comes_by_certificate_is_passed_on_by_either_road(model: Any, what: str) -> None:
    there = replace(WELL, info=model, model="certificate" if model is BY_CERTIFICATE else "api-key")
    looked = Looked(HERE, (there,), keys=(KEY,), by_certificate=("mails as main",))
    (told, *more) = [one for one in check(looked, NOW) if one.code == "passed-on"]
    assert (told.weight, len(more)) == (Weight.NOTE, 1 if model is BY_CERTIFICATE else 0)
    assert told.says.endswith(f"by certificate (mails as main) reads dc2 through it, as ALIAS:dc2:INDEX: {what}")


def other(**more: Any) -> RemoteFacts:
    return replace(WELL, other=replace(THERE, **more))


def info(**more: Any) -> RemoteFacts:
    return replace(WELL, info={**INFO, **more})


_SOON = NOW + timedelta(days=3)
_UNKNOWN_KEY = {
    "connected": False,
    "error": "unable to authenticate user [K1] for action [indices:admin/resolve/cluster]",
}
WRONG: list[tuple[str, RemoteFacts, Cluster]] = [
    ("not-set", replace(WELL, info=None), HERE),
    ("not-declared", replace(WELL, declared=False), HERE),
    ("mode-differs", info(mode="sniff"), HERE),
    ("address-differs", info(proxy_address="c.example:9443"), HERE),
    ("skip-unavailable-differs", info(skip_unavailable=True), HERE),
    ("model-differs", replace(WELL, info=BY_CERTIFICATE), HERE),
    ("not-connected", info(connected=False), HERE),
    ("refuses", replace(WELL, state="revoked", key=""), HERE),
    ("refuses", replace(WELL, resolved=_UNKNOWN_KEY), HERE),
    ("refusals-hidden", replace(info(skip_unavailable=True), skip_unavailable=True, state="revoked", key=""), HERE),
    ("another-key", replace(WELL, secret="K2"), HERE),
    ("another-key", replace(WELL, secret=""), HERE),
    ("key-not-there", replace(WELL, shown=()), HERE),
    ("key-ends", replace(WELL, shown=(replace(KEY, expires=NOW + timedelta(days=13)),)), HERE),
    ("allows-differs", replace(WELL, shown=(replace(KEY, access={"search": [{"names": ["logs-*", "hr"]}]}),)), HERE),
    ("beyond-key", replace(WELL, allows=LESS, shown=(replace(KEY, access=LESS),)), HERE),
    ("unused", WELL, replace(HERE, roles={name: role for name, role in (HERE.roles or {}).items() if name != "reader"})),
    ("releases", other(releases=("7.17.29",)), HERE),
    ("releases", other(releases=("8.17.1",)), HERE),
    ("releases", other(releases=("8.9.0",)), replace(HERE, releases=("8.19.21",))),
    ("licence", other(licence=Licence("trial", ends=_SOON)), HERE),
    ("licence", other(licence=Licence("trial", active=False)), HERE),
    ("certificate-ends", other(certificates=(Certificate("certs/node.pem", _SOON, own=True),)), HERE),
    ("certificate-ends", WELL, replace(HERE, certificates=(Certificate("certs/ca.pem", NOW, own=False),))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "remote", "here"), WRONG)
def test_each_fault_is_found_and_has_a_remedy(code: str, remote: RemoteFacts, here: Cluster) -> None:
    wrong = [one for one in found(remote, here) if one.weight is Weight.WRONG]
    assert code in {one.code for one in wrong}
    assert all(one.remedy for one in wrong)


NOT_SEEN: list[tuple[str, Callable[[], tuple[Finding, ...]]]] = [
    ("connected", lambda: found(replace(WELL, resolved=None))),
    ("key", lambda: found(replace(WELL, secret=None))),
    ("key", lambda: found(replace(WELL, key=""))),
    ("key-ends", lambda: found(replace(WELL, shown=None))),
    ("releases", lambda: found(other(releases=None))),
    ("releases", lambda: found(other(releases=("10.0.0",)))),
]


@pytest.mark.parametrize(("code", "look"), NOT_SEEN)
def test_what_was_not_seen_is_unknown_and_never_ok(code: str, look: Callable[[], tuple[Finding, ...]]) -> None:
    assert code not in codes(look(), Weight.OK)
    assert codes(look(), Weight.UNKNOWN)
    assert codes(look(), Weight.WRONG) == set()


def test_of_a_cluster_of_others_only_what_this_side_sees_is_ok() -> None:
    seen = found(replace(WELL, other=None, shown=None))
    assert {one.code for one in seen if one.alias == "dc2" and one.weight is Weight.OK} == {
        "as-declared",
        "connected",
        "key",
    }
    assert any("is no deployment of this account" in one.says for one in seen if one.weight is Weight.UNKNOWN)
    blind = found(
        replace(WELL, **dict.fromkeys(("resolved", "other", "shown", "secret"))), Cluster("orders", unseen=("why",))
    )
    assert codes(blind, Weight.OK) == {"as-declared"}
    assert "why" in {one.says for one in blind}


def test_a_refusal_that_would_be_hidden_is_a_note_while_nothing_is_refused() -> None:
    seen = found(replace(info(skip_unavailable=True), skip_unavailable=True))
    assert "refusals-hidden" in codes(seen, Weight.NOTE)
    assert codes(seen, Weight.WRONG) == set()


def test_by_certificate_a_super_user_is_named_and_roles_that_are_not_there() -> None:
    seen = found(replace(WELL, model="certificate", info=BY_CERTIFICATE, address=""))
    assert {"certificate", "roles-missing"} <= codes(seen, Weight.NOTE)
    assert [one.says.rpartition(": ")[2] for one in seen if one.code == "roles-missing"] == ["reader"]
    assert "beyond-key" not in {one.code for one in seen}


def test_a_key_that_nobody_comes_with_is_told_only_where_everybody_was_looked_at() -> None:
    mine = Given(KEY, offered=True, ours=True)
    assert codes(found(given=(replace(mine, by=("orders as dc2",)),)), Weight.WRONG) == set()
    assert codes(found(given=(mine,)), Weight.WRONG) == {"key-unused"}
    assert codes(found(given=(replace(mine, all_seen=False),)), Weight.UNKNOWN) == {"key-unused"}
    assert codes(found(given=(replace(mine, offered=False, ours=False),)), Weight.WRONG) == {"key-of-no-offer"}


# As the servers say them (9.5.3 and 8.19.21).
SAID = [
    ("security_exception: api key is expired", "expired"),
    ("api key [K] has been invalidated", "revoked"),
    ("unable to authenticate user [K] for action [indices:admin/resolve/cluster]", "revoked"),
    ("authentication expected API key type of [cross_cluster], but API key [K] has type [rest]", "wrong-type"),
    ("invalid ApiKey value", "garbage"),
    ("remote ... require transport header [_cross_cluster_access_credentials]", "absent"),
    ("towards remote cluster is unauthorized for user [u] with assigned roles [r] authenticated by API key id [K] of user [o]", "live"),
    ("no such remote cluster", ""),
]  # fmt: skip


@pytest.mark.parametrize(("words", "state"), SAID)
def test_what_a_refusal_says_of_the_key(words: str, state: str) -> None:
    assert state_told(words) == state


def test_who_is_refused_by_the_other_side_has_reached_it() -> None:
    assert answered("action [x] towards remote cluster is unauthorized for user [u] authenticated by API key id [K]")
    assert answered("action [x] is unauthorized for user [u] with effective roles []")
    assert not answered("action [x] towards remote cluster [dc2] is unauthorized for user [u] with effective roles [r]")
    assert not answered("unable to authenticate user [K]")


def test_no_field_of_what_is_seen_is_forgotten() -> None:
    """A fact that nothing judges would look as if it were checked."""
    import inspect

    from portcullis.remotes import checking

    text = inspect.getsource(checking)
    for kind in (RemoteFacts, Cluster, Given, Licence, Looked):
        for one in fields(kind):
            assert f".{one.name}" in text, f"{kind.__name__}.{one.name}"
