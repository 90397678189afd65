"""The embedded default with an Elasticsearch: a cluster that runs elsewhere, the emulated AWS, and our own stacks deployed beside it.

The cluster is a real node that its owner has prepared, as whoever runs one does: a user for the automation with its roles, one for
break-glass, and the secrets that hold their passwords. What is deployed are the synthesised stacks, unmodified; the deployment file is
that of local/elastic with what only a start knows filled in.

With one deployment `beside` there are two clusters, of two owners: the first may read the other one, by certificate and by key.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, cast
from urllib.parse import quote

from portcullis.adapters.engines.elastic_remotes import ElasticRemotes
from portcullis.adapters.engines.transport import basic_transport
from portcullis.errors import BadInput, PortcullisError
from portcullis.families import family_named
from portcullis.families.elasticsearch.documents.baseline import REMOTES, REMOTES_ROLE
from portcullis.ports.remotes import Connection

from layers import build as layer
from local import embedded
from local.aws.emulator import Emulator
from local.deploy import Assembly, deploy
from local.elastic import distribution
from local.elastic.keystore import TOOL
from local.elastic.keystore_server import KeystoreServer
from local.elastic.node import USER, Elasticsearch
from local.elastic.pair import ALIAS, Side, all_or_none, wired
from local.embedded import ACCOUNT, CACHE, PROJECT, REGION, Embedded, Parts, Tell
from local.node.certificates import make
from local.processes import LOOPBACK, check_port, free_port

DEFAULT_VERSION = distribution.VERSIONS[0]
TEMPLATES = Path(__file__).parent / "elastic"
BY_CERTIFICATE = "old"  # the alias by which the first of two clusters read the other one before there were keys
AUTOMATION, BREAK_GLASS = "portcullis", "on-call"
OWNER = "owner"  # a super user of the cluster, whoever runs it: not `elastic`, whose first password stands in the node's settings
_SECRETS = {AUTOMATION: "automation", BREAK_GLASS: "on-call"}


def secret_of(deployment: str, user: str) -> str:
    """The name of the secret with the password of one of the users that its owner made for a deployment."""
    return f"{deployment}/{_SECRETS[user]}"


def _alias(deployment: str) -> str:
    return f"alias/{deployment}-volumes"


def key_of(deployment: str) -> str:
    """The key of its cluster's volumes, by the ARN of its alias."""
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:{_alias(deployment)}"


class Beside(Embedded):
    """Everything up and deployed, seen as the embedded default is."""

    owners: Mapping[str, str]  # deployment -> the password of its `OWNER`

    def at(self, deployment: str) -> Beside:
        found = Beside(replace(self.parts, deployment=deployment), self.nodes, self.aws, self.door_ports, self.outputs)
        found.owners = self.owners
        return found

    @property
    def owner(self) -> str:
        """The password of the one who runs this cluster."""
        return self.owners[self.deployment]

    @property
    def door_ca(self) -> Path:
        """What to verify the cluster with."""
        return Path(self.node.ca)

    def output(self, name: str) -> str:
        """One output by its name; `KeyArn` is that of the key that the cluster's owner made."""
        return self.key if name == "KeyArn" else super().output(name)

    @property
    def key(self) -> str:
        found: str = self.aws.client("kms").describe_key(KeyId=_alias(self.deployment))["KeyMetadata"]["Arn"]
        return found

    def as_owner(self, method: str, path: str, body: Any = None) -> Any:
        """A request of whoever runs the cluster. Of a kind of which there is none it gives {}; raises for what is refused."""
        return _asked(cast(Elasticsearch, self.node), method, path, body, user=OWNER, password=self.owner)

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
            remedy="leave it out with ENGINE=elasticsearch: its deployments are those of local/elastic",
        )
    return replace(parts, version=version)


@dataclass(frozen=True)
class _Cluster:
    """One node to be started: where it lies, where it listens, and what is filled into its deployment's file."""

    home: Path
    port: int
    transport_port: int
    side: Side
    filled: Mapping[str, str]


def _clusters(parts: Parts) -> dict[str, _Cluster]:
    """Of the deployment, and of the one beside it, which listens for whoever comes with a key."""
    homes = {parts.deployment: parts.home / "node", **{name: parts.home / f"node-{name}" for name in parts.beside}}
    free = _ports({parts.door_port, parts.aws_port})
    interface, transports = next(free), {name: next(free) for name in homes}
    ports = {name: next(free) for name in homes} | ({parts.deployment: parts.door_port} if parts.door_port else {})
    filled = {
        "INTERFACE": f"localhost:{interface}",
        "TRANSPORT": f"localhost:{transports[(parts.deployment, *parts.beside)[-1]]}",
    }
    sides: tuple[Side, ...] = (Side({}, {}),)
    if parts.beside:
        reads, is_read = homes.values()
        sides = wired(reads, is_read, interface)
    return {
        name: _Cluster(home, ports[name], transports[name], side, filled)
        for (name, home), side in zip(homes.items(), sides, strict=True)
    }


def _ports(taken: set[int]) -> Iterator[int]:
    """Free ones, none of them twice: they are chosen before anybody listens there."""
    while True:
        port = free_port()
        if port not in taken:
            taken.add(port)
            yield port


@contextmanager
def running(parts: Parts, tell: Tell) -> Iterator[Beside]:
    """From nothing to deployed, and gone again at the end, however it ends."""
    shutil.rmtree(parts.home, ignore_errors=True)
    files = parts.home / "deployments"
    files.mkdir(parents=True)
    for port in (parts.door_port, parts.aws_port):
        if port:
            check_port(port, "a port that was asked for")
    clusters = _clusters(parts)
    for name, one in clusters.items():
        ca = make(one.home / "config" / "certs").ca.read_text(encoding="utf-8")
        text = written(name, parts.version, f"localhost:{one.port}", ca, **one.filled)
        (files / f"{name}.yaml").write_text(text, encoding="utf-8")
    parts = replace(parts, deployments=files)
    with ExitStack() as ends, ThreadPoolExecutor(3) as side:
        distribution.ensure(parts.version, CACHE, tell)
        # Each cluster has a CA of its own, which stands in its file: nobody asks for the same again.
        assembly = side.submit(embedded.synthesise, parts, tell, again=False)
        host_layer = side.submit(layer.build, "host")
        nodes = all_or_none({name: partial(_started, one, parts.version, tell) for name, one in clusters.items()})
        for node in nodes.values():
            ends.callback(node.stop)
        if parts.beside:  # it reads the other one, by keys that come and go
            ends.enter_context(KeystoreServer(clusters[parts.deployment].home))
        aws = ends.enter_context(_account(parts, clusters, tell))
        with embedded.naming_the_dead(*nodes.values(), aws):
            owners = {name: prepare(name, node, aws) for name, node in nodes.items()}
            if parts.beside:
                _may_read(nodes[parts.deployment], clusters[parts.deployment].filled)
            parts.before(aws)
            out = assembly.result()
            layers = Assembly.read(out, account=ACCOUNT, region=REGION).layers()
            outputs = deploy(out, aws, swap_assets=dict.fromkeys(layers, host_layer.result()), tell=tell)
            ports = {name: one.port for name, one in clusters.items()}
            whole = Beside(parts, nodes, aws, ports, outputs)  # type: ignore[arg-type]
            whole.owners = owners
            yield whole


def _started(one: _Cluster, version: str, tell: Tell) -> Elasticsearch:
    return Elasticsearch.start(
        one.home,
        CACHE,
        version,
        settings=one.side.settings,
        files=one.side.files,
        port=one.port,
        transport_port=one.transport_port,
        tell=tell,
    )


def _account(parts: Parts, clusters: Mapping[str, _Cluster], tell: Tell) -> Emulator:
    """The emulated AWS. Where there are two clusters its functions can write the nodes' keystores: they are processes of this machine."""
    told = {}
    if parts.beside:
        told = {
            "PORTCULLIS_KEYSTORES": json.dumps(
                {of: {"node": str(one.home / "config")} for of, one in clusters.items()}
            ),
            "PORTCULLIS_KEYSTORE_TOOL": shlex.join(["env", f"PYTHONPATH={PROJECT}", *TOOL]),
        }
    return Emulator.start(
        parts.home / "aws", region=REGION, account=ACCOUNT, lambda_environment=told, port=parts.aws_port, tell=tell
    )


def written(deployment: str, version: str, endpoint: str, ca: str, **more: str) -> str:
    """The deployment file. `more`: what else its template has words for."""
    text = (TEMPLATES / f"{deployment}.yaml").read_text(encoding="utf-8").partition("\n")[2]
    filled = {"VERSION": version, "ENDPOINT": endpoint, "CERTIFICATE": json.dumps(ca), "KEY": key_of(deployment)}
    return Template(text).substitute(filled, **more)


def prepare(deployment: str, node: Elasticsearch, aws: Emulator) -> str:
    """What whoever runs the cluster does before Portcullis comes: its key, two users, and secrets with their passwords. Returns the
    password of its super user."""
    owner = secrets.token_urlsafe(24)
    _asked(node, "PUT", f"/_security/user/{OWNER}", {"password": owner, "roles": ["superuser"]})
    kms = aws.client("kms")
    key = kms.create_key(Description="of the cluster's volumes")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=_alias(deployment), TargetKeyId=key)
    needs = family_named("elasticsearch").baseline()
    for name in needs.automation:
        _asked(node, "PUT", f"/_security/role/{name}", dict(needs.documents[name]))
    store = aws.client("secretsmanager")
    for user, roles in ((AUTOMATION, needs.automation), (BREAK_GLASS, ())):
        password = secrets.token_urlsafe(24)
        _asked(node, "PUT", f"/_security/user/{user}", {"password": password, "roles": list(roles)})
        text = json.dumps({"username": user, "password": password})
        store.create_secret(Name=secret_of(deployment, user), SecretString=text)
    return owner


def _may_read(node: Elasticsearch, filled: Mapping[str, str]) -> None:
    """What whoever runs the cluster that reads does besides: a role of its automation, and the other cluster under two aliases, one for
    each model. The one for a key waits for it."""
    _asked(node, "PUT", f"/_security/role/{REMOTES_ROLE}", REMOTES)
    own = _asked(node, "GET", f"/_security/user/{AUTOMATION}")[AUTOMATION]["roles"]
    _asked(node, "PUT", f"/_security/user/{AUTOMATION}", {"roles": [*own, REMOTES_ROLE]})
    owner_of = basic_transport(f"{LOOPBACK}:{node.port}", USER, node.password, ca=str(node.ca))
    for alias, address in ((ALIAS, filled["INTERFACE"]), (BY_CERTIFICATE, filled["TRANSPORT"])):
        ElasticRemotes(owner_of, "the cluster that reads").connect(Connection(alias, address))


def _asked(
    node: Elasticsearch, method: str, path: str, body: Any = None, *, user: str = USER, password: str = ""
) -> Any:
    status, answer = node.ask(method, quote(path, safe="/?&=%*,:"), body, user=user, password=password)
    if status >= 300 and not (status == 404 and answer == {}):
        raise PortcullisError(f"{method} {path} answered {status}: {str(answer)[:300]}")
    return answer
