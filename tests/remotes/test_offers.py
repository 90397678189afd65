"""An offer on its way between two administrators: whole or refused, and without a secret."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from portcullis import model
from portcullis.cli.remotes.offer_signature import load_key, sign, verified
from portcullis.errors import BadInput
from portcullis.model.offer_file import OfferFacts, OfferFile, written
from portcullis.remotes.comparing import differ

from tests.remotes.offered import KEY, NOW, OFFERS, ORDERS, SIGNER, facts, received, signed, taken


def test_what_is_offered_is_what_is_accepted() -> None:
    ours = facts()
    theirs, signer = received(signed(ours))
    assert (theirs, signer) == (ours, SIGNER)
    read = model.loads(taken(ORDERS, theirs).text, "orders.yaml")
    assert isinstance(read, model.OnCluster)
    remote = read.remotes["dc2"]
    assert (remote.address, remote.model, remote.credential) == ("logs.example:9443", "api-key", "remotes/orders")
    assert remote.allows is not None
    assert remote.allows.document() == {"search": [{"names": ["logs-*"], "query": {"term": {"team": "red"}}}]}
    assert remote.agreed is not None
    assert (remote.agreed.deployment, remote.agreed.offer, remote.agreed.signer) == ("logs", "for-orders", SIGNER)


_NAMES = st.sampled_from(["logs-*", "hr", "a?", "/lo.*/", "mäuse-*", "*"])
_QUERY = st.one_of(
    st.none(),
    st.sampled_from(['{"match_all": {}}', '{"term": {"a": 1e5}}']),
    st.builds(lambda value: {"term": {"team": value}}, st.one_of(st.text(max_size=20), st.integers(), st.booleans())),
)
_ENTRY = st.fixed_dictionaries({"names": st.lists(_NAMES, min_size=1, max_size=3, unique=True), "query": _QUERY})


@settings(max_examples=60, deadline=None)
@given(st.lists(_ENTRY, min_size=1, max_size=3), st.integers(1, 3650))
def test_any_offer_comes_through_whole_and_is_valid_on_the_other_side(entries: list[Any], days: int) -> None:
    whole = {"secret": "remotes/orders", "expires_after_days": days}
    offer = json.dumps(whole | {"search": [{k: v for k, v in one.items() if v is not None} for one in entries]})
    try:
        ours = facts(f"offers: {{for-orders: {offer}}}\n")
    except BadInput:
        assume(False)  # no file of a cluster: nothing to offer
    theirs, signer = received(signed(ours))
    assert (theirs, signer) == (ours, SIGNER)
    done = taken(ORDERS, theirs)
    read = model.loads(done.text, "orders.yaml")
    assert isinstance(read, model.OnCluster)
    allows = read.remotes["dc2"].allows
    assert allows is not None
    assert differ(allows.document(), ours.allows.document()) == differ({}, {})
    assert taken(done.text, theirs).text == done.text


WHOLE = signed(facts())


def test_no_sign_of_it_can_be_another_without_being_noticed() -> None:
    for place, is_ in enumerate(WHOLE):
        for other in {"", " ", "0", "A", "\n", '"', chr(ord(is_) ^ 1), chr(ord(is_) ^ 32)} - {is_}:
            with pytest.raises(BadInput):
                received(WHOLE[:place] + other + WHOLE[place + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(WHOLE)), st.text(min_size=1, max_size=5))
def test_nothing_can_be_put_into_it_without_being_noticed(place: int, more: str) -> None:
    with pytest.raises(BadInput):
        received(WHOLE[:place] + more + WHOLE[place:])


def test_other_facts_under_the_same_signature_are_noticed() -> None:
    """Written as a file should be: only the signature tells."""
    ours = facts()
    wider = facts(OFFERS.replace("logs-*", "*"))
    with pytest.raises(BadInput, match="was changed since it was signed"):
        received(written(OfferFile(wider, sign(ours.message(), KEY))))
    with pytest.raises(BadInput, match="was changed since it was signed"):
        received(written(OfferFile(ours, sign(ours.message(), KEY))).replace("anna", "boss"))


def _with(**more: Any) -> str:
    whole = json.loads(WHOLE)
    whole["facts"] |= more
    return json.dumps(whole, indent=2) + "\n"


REFUSED: list[tuple[str, str, str]] = [
    (WHOLE.replace('"portcullis_offer": 1', '"portcullis_offer": 2'), "of another version (2)", "reads 1"),
    (WHOLE.replace('"portcullis_offer": 1', '"portcullis_offer": true'), "of another version", "reads 1"),
    (WHOLE.replace("portcullis_offer", "portcullis_plan"), "is no offer", "portcullis remote offer"),
    ("[]", "is no offer", "portcullis remote offer"),
    ("", "is no JSON", "ask for a new file"),
    ("[" * 100_000, "is no JSON", "ask for a new file"),
    ("x" * 300_000, "300,000 characters", "at most"),
    (WHOLE.replace('"signature"', '"sig"'), "unknown key 'sig'", "ask for"),
    (_with(password="x"), "unknown key 'password'", ""),
    (_with(engine="elasticsearch-8.9"), "8.9 has no keys between clusters", "8.10"),
    (_with(model="certificate"), "model is 'certificate'", "api-key"),
    (_with(address="logs.example:99999"), "there is no port 99999", ""),
    (_with(allows={}), "allows nothing", ""),
    (_with(ca="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\nand more"), "beside certificates", ""),
    (_with(ends="2026-11-01T00:00:00Z"), "ends before it was made", ""),
    (WHOLE.replace("\n", "\r\n"), "was changed since it was written", "without an editor"),
    (WHOLE.replace("-----BEGIN SSH", "-----BEGIN PGP"), "is no signature of an offer", "ask whoever offers"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem", "remedy"), REFUSED)
def test_what_is_no_offer_is_refused_with_one_reason(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        received(text)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.source == "got.json"


def test_an_offer_is_accepted_until_it_ends() -> None:
    received(WHOLE, NOW + timedelta(days=14, seconds=-1))
    with pytest.raises(BadInput, match=r"ended 2026-12-12 12:00:00 UTC"):
        received(WHOLE, NOW + timedelta(days=14))


def test_an_offer_from_the_future_is_refused() -> None:
    """It would make every later one the older one."""
    received(WHOLE, NOW - timedelta(minutes=10))
    with pytest.raises(BadInput, match="one of the two clocks is wrong"):
        received(WHOLE, NOW - timedelta(minutes=11))


def test_an_offer_that_nobody_could_accept_is_not_written() -> None:
    names = json.dumps([f"{'x' * 200}-{number}" for number in range(1_500)])
    with pytest.raises(BadInput, match="too long for a file"):
        facts(f"offers: {{for-orders: {{search: [{{names: {names}}}], secret: remotes/orders}}}}\n")


def test_nothing_of_the_file_is_in_it_but_the_facts() -> None:
    """Of the deployment file, of the key that signs, of whoever has a certificate: nothing that is not for the other side."""
    ca = trustme.CA()
    pem = ca.cert_pem.bytes().decode()
    indented = "".join(f"      {one}\n" for one in ("password: hunter2", *pem.splitlines()))
    text = signed(
        facts(
            f"offers:\n  for-orders:\n    secret: remotes/orders\n    search: [{{names: [a]}}]\n    ca: |\n{indented}"
        )
    )
    assert json.loads(text)["facts"]["ca"] == pem
    own = (
        "the-automation",
        "logs/automation",
        "passwords/kim",
        "10.77",
        "not for others",
        "secretive",
        "kim",
        "hunter2",
    )
    raw = KEY.private_bytes_raw()
    forms = [
        KEY.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        for form in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH)
    ]
    for hidden in (*own, "PRIVATE", "password", raw.hex(), *(form.splitlines()[1] for form in forms)):
        assert hidden not in text
    plain = json.loads(text)
    assert set(plain) == {"portcullis_offer", "facts", "signature"}
    assert set(plain["facts"]) == set(OfferFacts.model_fields)


def test_a_private_key_in_place_of_a_certificate_never_gets_into_a_file() -> None:
    ca = trustme.CA()
    both = ca.cert_pem.bytes().decode() + ca.private_key_pem.bytes().decode()
    indented = "".join(f"      {one}\n" for one in both.splitlines())
    with pytest.raises(BadInput, match="holds a private key"):
        facts(f"offers:\n  for-orders:\n    secret: s2\n    search: [{{names: [a]}}]\n    ca: |\n{indented}")


# ---------------------------------------------------------------------- the signature

# Made with `ssh-keygen -Y sign -n portcullis-offer` of OpenSSH, of the text "an offer", with a key that was thrown away.
OF_OPENSSH = """\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgZ+vxdMQJwpdKSv0bXQhadZJoE6
kubPr83KWhplJqYw0AAAAQcG9ydGN1bGxpcy1vZmZlcgAAAAAAAAAGc2hhNTEyAAAAUwAA
AAtzc2gtZWQyNTUxOQAAAED7qQ3/4zjBcNwpBm0YozxZUVhlLpf79Li+qKtX+dig2OPOz9
tvuoByWuon1+OnsoMWklAHAwTgzBdDCNy9MdUL
-----END SSH SIGNATURE-----
"""
ITS_SIGNER = "SHA256:TerngvxDJHcPgkE7/9FRgmvrmgB5hJEuf5jSAxHXrFU"


def test_a_signature_of_openssh_is_read() -> None:
    assert verified(b"an offer", OF_OPENSSH, "x") == ITS_SIGNER
    with pytest.raises(BadInput, match="was changed"):
        verified(b"an offer.", OF_OPENSSH, "x")


def test_a_key_is_read_in_both_forms_and_with_a_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for form in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
        file.write_bytes(KEY.private_bytes(Encoding.PEM, form, NoEncryption()))
        assert load_key(file, lambda: "").private_bytes_raw() == KEY.private_bytes_raw()
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right")))
    assert load_key(file, lambda: "right").private_bytes_raw() == KEY.private_bytes_raw()
    for passphrase in ("wrong", ""):
        with pytest.raises(BadInput):
            load_key(file, lambda given=passphrase: given)
    for text in (b"", b"nonsense", trustme.CA().private_key_pem.bytes()):
        file.write_bytes(text)
        with pytest.raises(BadInput):
            load_key(file, lambda: "")
    with pytest.raises(BadInput, match="cannot be read"):
        load_key(tmp_path / "none", lambda: "")
