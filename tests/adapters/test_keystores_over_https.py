"""Keys put into keystores by the API of Elastic Cloud, and by a secret of Kubernetes: over TLS, to one host, and told to nobody else.

Neither service runs here: an HTTPS server of our own takes what their documents ask for.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from portcullis.adapters.keystores.over_https import ElasticCloudKeystores, KubernetesKeystores, sender
from portcullis.errors import Refused, Unreachable
from portcullis.ports.registration import ElasticCloudKeystore, KubernetesKeystore
from portcullis.ports.remotes import KeyText

TEXT = KeyText("key-1", "aWQ6c2VjcmV0LW9mLWEta2V5")
SETTING = "cluster.remote.dc2.credentials"
CLOUD = "0123456789abcdef0123456789abcdef"


@dataclass
class Api:
    """`answers`: the status of the next requests; 200 after them. `elsewhere`: where a redirection points."""

    host: str
    ca: str
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    elsewhere: str = ""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.command, self.path, dict(self.headers), body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            if found.elsewhere:
                self.send_header("Location", found.elsewhere)
            said = json.dumps(body).encode()  # as both do: with what they were told
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found = Api(f"localhost:{server.server_address[1]}", str(tmp_path / "ca.pem"))
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def nodes() -> frozenset[str]:
    return frozenset({"node-1", "node-2"})


def cloud(api: Api, ca: str | None = None) -> ElasticCloudKeystores:
    at = ElasticCloudKeystore(CLOUD, "elastic/cloud", "_main", api.host)
    return ElasticCloudKeystores(at, nodes, lambda: "an-api-key", sender(ca or api.ca))


def kubernetes(api: Api, ca: str | None = None) -> KubernetesKeystores:
    at = KubernetesKeystore(api.host, "search", "remote-keys", "elastic/kubernetes")
    return KubernetesKeystores(at, nodes, lambda: "a-token", sender(ca or api.ca))


Made = Callable[..., ElasticCloudKeystores | KubernetesKeystores]
both = pytest.mark.parametrize("made", [cloud, kubernetes])


def test_elastic_cloud_gets_one_setting_and_keeps_the_others(api: Api) -> None:
    keystores = cloud(api)
    for node in sorted(keystores.nodes):
        keystores.put(node, "dc2", TEXT)
    ((method, path, headers, body),) = api.asked
    assert (method, path) == ("PATCH", f"/api/v1/deployments/{CLOUD}/elasticsearch/_main/keystore")
    assert headers["Authorization"] == "ApiKey an-api-key"
    assert body == {"secrets": {SETTING: {"value": TEXT.encoded, "as_file": False}}}


def test_kubernetes_gets_one_entry_of_the_secret_and_keeps_the_others(api: Api) -> None:
    keystores = kubernetes(api)
    for node in sorted(keystores.nodes):
        keystores.put(node, "dc2", TEXT)
    ((method, path, headers, body),) = api.asked
    assert (method, path) == ("PATCH", "/api/v1/namespaces/search/secrets/remote-keys")
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer a-token", "application/merge-patch+json")
    assert body == {"data": {SETTING: base64.b64encode(TEXT.encoded.encode()).decode()}}


@pytest.mark.parametrize(("made", "part"), [(cloud, "secrets"), (kubernetes, "data")])
def test_a_key_that_is_taken_out_is_null(api: Api, made: Made, part: str) -> None:
    made(api).put("node-1", "dc2", None)
    assert api.asked[0][3] == {part: {SETTING: None}}


@both
def test_another_key_is_put_after_the_first(api: Api, made: Made) -> None:
    keystores = made(api)
    for text in (TEXT, KeyText("key-2", "b3RoZXI="), None):
        keystores.put("node-1", "dc2", text)
        keystores.put("node-2", "dc2", text)
    assert len(api.asked) == 3


@both
@pytest.mark.parametrize(
    ("status", "error"), [(401, Refused), (403, Refused), (404, Refused), (429, Unreachable), (500, Unreachable)]
)
def test_what_is_not_written_is_said_without_the_key_and_written_when_asked_again(
    api: Api, made: Made, status: int, error: type[Exception]
) -> None:
    api.answers = [status]
    keystores = made(api)
    with pytest.raises(error, match=str(status)) as said:
        keystores.put("node-1", "dc2", TEXT)
    told = f"{said.value!r} {said.value.__cause__!r}"
    assert TEXT.encoded not in told
    assert base64.b64encode(TEXT.encoded.encode()).decode() not in told
    keystores.put("node-1", "dc2", TEXT)
    assert len(api.asked) == 2


@both
def test_a_redirection_is_not_followed(api: Api, made: Made) -> None:
    api.answers, api.elsewhere = [307], f"https://{api.host}/elsewhere"
    with pytest.raises(Unreachable, match="307"):
        made(api).put("node-1", "dc2", TEXT)
    assert len(api.asked) == 1


@both
def test_a_certificate_of_nobody_known_gets_no_key(api: Api, made: Made, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with pytest.raises(Unreachable, match="SSLError"):
        made(api, str(other)).put("node-1", "dc2", TEXT)
    assert api.asked == []
