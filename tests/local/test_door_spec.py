"""What the door cannot start with is said in one line."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from portcullis.errors import BadInput

from local.door import serve
from local.door.spec import NEEDED, Spec


@pytest.fixture
def good(tmp_path: Path) -> dict[str, Any]:
    for name in ("ca", "cert", "key", "jwt"):
        (tmp_path / name).touch()
    files = {"node_ca": "ca", "node_client_cert": "cert", "node_client_key": "key", "jwt_key": "jwt", "home": "."}
    plain = {
        "port": 0,
        "domain": "logs",
        "region": "eu-central-1",
        "account": "111122223333",
        "node_url": "https://localhost:1",
    }
    return {**plain, **{name: str(tmp_path / file) for name, file in files.items()}}


def test_a_spec_is_read(good: dict[str, Any]) -> None:
    spec = Spec.read({**good, "ingress": {"groups": {"r": "of-r"}}, "timeout_s": 5})
    assert spec.domain_arn == "arn:aws:es:eu-central-1:111122223333:domain/logs"
    assert spec.ingress is not None
    assert spec.ingress.groups == {"r": "of-r"}
    assert Spec.read(good).ingress is None


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(good: dict[str, Any], name: str) -> None:
    del good[name]
    with pytest.raises(BadInput, match=f"{name}: is missing"):
        serve.start_in_thread(good)


def test_what_is_unknown_is_named(good: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="prot: is not known"):
        serve.start_in_thread({**good, "prot": 1})


def test_a_file_that_is_not_there_is_named(good: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"node_ca: .* does not exist"):
        serve.start_in_thread({**good, "node_ca": good["node_ca"] + "-gone"})


def test_a_port_in_use_is_named(good: dict[str, Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} on 127.0.0.1 cannot be used"):
            serve.start_in_thread({**good, "port": port})
