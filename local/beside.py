"""The embedded default with an Elasticsearch: a cluster that runs elsewhere, the emulated AWS, and our own stacks deployed beside it.

The cluster is a real node that its owner has prepared, as whoever runs one does: a user for the automation with its roles, one for
break-glass, and the secrets that hold their passwords. What is deployed are the synthesised stacks, unmodified; the deployment file is
local/elastic/demo.yaml with what only a start knows filled in.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from portcullis.errors import BadInput, PortcullisError
from portcullis.families import family_named

from layers import build as layer
from local import embedded
from local.aws.emulator import Emulator
from local.deploy import Assembly, deploy
from local.elastic import distribution
from local.elastic.node import Elasticsearch
from local.embedded import ACCOUNT, CACHE, REGION, Embedded, Parts, Tell
from local.node.certificates import make
from local.processes import check_port, free_port

DEFAULT_VERSION = distribution.VERSIONS[0]
TEMPLATE = Path(__file__).parent / "elastic" / "demo.yaml"
ALIAS = "alias/demo-volumes"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:{ALIAS}"
AUTOMATION, BREAK_GLASS = "portcullis", "on-call"
OWNER = "owner"  # a super user of the cluster, whoever runs it: not `elastic`, whose first password stands in the node's settings
SECRETS = {AUTOMATION: "demo/automation", BREAK_GLASS: "demo/on-call"}


class Beside(Embedded):
    """Everything up and deployed, seen as the embedded default is."""

    owner = ""  # the password of `OWNER`

    @property
    def door_ca(self) -> Path:
        """What to verify the cluster with."""
        return Path(self.node.ca)

    def output(self, name: str) -> str:
        """One output by its name; `KeyArn` is that of the key that the cluster's owner made."""
        return self.key if name == "KeyArn" else super().output(name)

    @property
    def key(self) -> str:
        found: str = self.aws.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
        return found

    def as_owner(self, method: str, path: str, body: Any = None) -> Any:
        """A request of whoever runs the cluster. Of a kind of which there is none it gives {}; raises for what is refused."""
        return _asked(self.node, method, path, body, user=OWNER, password=self.owner)  # type: ignore[arg-type]

    def password_in(self, secret: str) -> str:
        store = self.aws.client("secretsmanager")
        return str(json.loads(store.get_secret_value(SecretId=secret)["SecretString"])["password"])


def parts_from_environment(parts: Parts, version: str) -> Parts:
    """What `make` was told of it. BadInput for a release that there is none of, and for what a cluster has not."""
    version = version or DEFAULT_VERSION
    if version not in distribution.VERSIONS:
        raise BadInput(
            f"no Elasticsearch {version!r} runs here",
            source="environment",
            place="ELASTICSEARCH",
            remedy=f"one of {', '.join(distribution.VERSIONS)}",
        )
    if parts.beside or parts.deployments != Parts().deployments:
        raise BadInput(
            "a folder of deployments is for domains",
            source="environment",
            place="PORTCULLIS_DEPLOYMENTS",
            remedy="leave it out with ENGINE=elasticsearch: the deployment is local/elastic/demo.yaml",
        )
    return replace(parts, version=version)


@contextmanager
def running(parts: Parts, tell: Tell) -> Iterator[Beside]:
    """From nothing to deployed, and gone again at the end, however it ends."""
    shutil.rmtree(parts.home, ignore_errors=True)
    home, files = parts.home / "node", parts.home / "deployments"
    files.mkdir(parents=True)
    for port in (parts.door_port, parts.aws_port):
        if port:
            check_port(port, "a port that was asked for")
    port = parts.door_port or free_port()
    ca = make(home / "config" / "certs").ca
    (files / "demo.yaml").write_text(written(parts.version, f"localhost:{port}", ca.read_text(encoding="utf-8")))
    parts = replace(parts, deployments=files)
    with ExitStack() as ends, ThreadPoolExecutor(3) as side:
        distribution.ensure(parts.version, CACHE, tell)
        assembly = side.submit(embedded.synthesise, parts, tell)
        host_layer = side.submit(layer.build, "host")
        node = ends.enter_context(Elasticsearch.start(home, CACHE, parts.version, port=port, tell=tell))
        aws = ends.enter_context(
            Emulator.start(parts.home / "aws", region=REGION, account=ACCOUNT, port=parts.aws_port, tell=tell)
        )
        with embedded.naming_the_dead(node, aws):
            owner = prepare(node, aws)
            parts.before(aws)
            out = assembly.result()
            layers = Assembly.read(out, account=ACCOUNT, region=REGION).layers()
            outputs = deploy(out, aws, swap_assets=dict.fromkeys(layers, host_layer.result()), tell=tell)
            whole = Beside(parts, {"demo": node}, aws, {"demo": port}, outputs)  # type: ignore[dict-item]
            whole.owner = owner
            yield whole


def written(version: str, endpoint: str, ca: str) -> str:
    """The deployment file."""
    text = TEMPLATE.read_text(encoding="utf-8").partition("\n")[2]
    return Template(text).substitute(VERSION=version, ENDPOINT=endpoint, CERTIFICATE=json.dumps(ca), KEY=KEY)


def prepare(node: Elasticsearch, aws: Emulator) -> str:
    """What whoever runs the cluster does before Portcullis comes: its key, two users, and secrets with their passwords. Returns the
    password of its super user."""
    owner = secrets.token_urlsafe(24)
    _asked(node, "PUT", f"/_security/user/{OWNER}", {"password": owner, "roles": ["superuser"]})
    kms = aws.client("kms")
    key = kms.create_key(Description="of the cluster's volumes")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    needs = family_named("elasticsearch").baseline()
    for name in needs.automation:
        _asked(node, "PUT", f"/_security/role/{name}", dict(needs.documents[name]))
    store = aws.client("secretsmanager")
    for user, roles in ((AUTOMATION, needs.automation), (BREAK_GLASS, ())):
        password = secrets.token_urlsafe(24)
        _asked(node, "PUT", f"/_security/user/{user}", {"password": password, "roles": list(roles)})
        store.create_secret(Name=SECRETS[user], SecretString=json.dumps({"username": user, "password": password}))
    return owner


def _asked(node: Elasticsearch, method: str, path: str, body: Any = None, **who: str) -> Any:
    status, answer = node.ask(method, quote(path, safe="/?&=%*,:"), body, **who)
    if status >= 300 and not (status == 404 and answer == {}):
        raise PortcullisError(f"{method} {path} answered {status}: {str(answer)[:300]}")
    return answer
