"""The embedded default: a real OpenSearch behind the front door, the emulated AWS, and our own stacks deployed into it.

The stacks are the synthesised ones, unmodified; the Lambda code that runs is their built assets. What differs from a real account is
where the domain's endpoint points, and that the layer is built for this machine instead of Lambda's. One node and one door serve
every domain, but those that were asked for `beside`: each of them has its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from portcullis.errors import BadInput, PortcullisError, Refused

from layers import build as layer
from local import assemblies
from local.aws.emulator import Emulator
from local.deploy import Assembly, deploy
from local.node import jars
from local.node.node import Node
from local.node.security import SecuritySetup
from local.processes import Died, Part, check_port, free_port
from stacks import names
from stacks.deployments import Declared, load_all

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".portcullis"
CACHE = HOME / "cache"
LOCK = HOME / "running.lock"  # held, and with the process id, while one runs or starts
REGION, ACCOUNT = "eu-central-1", "111122223333"
DEFAULT_VERSION = "3.4.0"
APPLICATION_ROLE = "catalyst-application"  # granted in deployments/demo.yaml
ON_CALL = "on-call"  # whom deployments/demo.yaml lets take break-glass

Tell = Callable[[str], None]
BringUp = Callable[..., dict[str, dict[str, str]]]  # as local.deploy.deploy


class SynthesisFailed(PortcullisError):
    """`app.py` did not synthesise; the text is its own."""


@contextmanager
def only_one(home: Path = HOME) -> Iterator[None]:
    """One embedded default a project folder: a second one is refused, with the first one's process id."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK.name).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            who = lock.read().strip() or "unknown"
            raise Refused(
                f"the embedded default of this folder runs already (process {who}); wait for its end, or `make down` if it is left running"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


@dataclass(frozen=True)
class Parts:
    """What is asked of one embedded default. Ports of 0 are free ones."""

    home: Path = HOME / "run"
    deployments: Path = PROJECT / "deployments"
    deployment: str = "demo"
    beside: tuple[str, ...] = ()  # further deployments that have a node and a front door of their own
    version: str = DEFAULT_VERSION
    door_port: int = 0
    aws_port: int = 0
    # A domain with a past: what its engine holds from the start, beside what Amazon predefines. Name -> document.
    roles: Mapping[str, Any] = field(default_factory=dict)
    roles_mapping: Mapping[str, Any] = field(default_factory=dict)
    stays_up: bool = False  # a node compiled as one that runs for long: up a little later, faster from then on
    # What the account has besides, before anything is deployed: a key of somebody else, say.
    before: Callable[[Emulator], None] = lambda _: None


def parts_from_environment() -> Parts:
    """What `make` was told: OPENSEARCH=2.19.3 make demo, PORTCULLIS_DOOR_PORT=8443 make up, PORTCULLIS_DEPLOYMENTS=FOLDER make up.

    Of a folder that is named, every deployment has a node and a door of its own; `demo` has to be among them. BadInput for a bad file.
    """

    def port(name: str) -> int:
        given = os.environ.get(name, "0")
        if not given.isdigit() or int(given) > 65535:
            raise BadInput(
                f"{given!r} is no port", source="environment", place=name, remedy="1 to 65535, or leave it out"
            )
        return int(given)

    shipped, given = Parts(), os.environ.get("PORTCULLIS_DEPLOYMENTS")
    folder = Path(given).resolve() if given else shipped.deployments
    beside = tuple(one.name for one in load_all(folder) if one.name != shipped.deployment) if given else ()
    return Parts(
        deployments=folder,
        beside=beside,
        version=os.environ.get("PORTCULLIS_OPENSEARCH") or DEFAULT_VERSION,
        door_port=port("PORTCULLIS_DOOR_PORT"),
        aws_port=port("PORTCULLIS_AWS_PORT"),
    )


class Embedded:
    """Everything up and deployed. Use `running` to have it stopped again."""

    def __init__(
        self,
        parts: Parts,
        nodes: Mapping[str, Node],
        aws: Emulator,
        door_ports: Mapping[str, int],
        outputs: dict[str, dict[str, str]],
    ) -> None:
        self.parts, self.nodes, self.aws, self.door_ports, self.outputs = parts, nodes, aws, door_ports, outputs

    def at(self, deployment: str) -> Embedded:
        """The same, seen as one of the deployments beside: its node, its door, its outputs."""
        return Embedded(replace(self.parts, deployment=deployment), self.nodes, self.aws, self.door_ports, self.outputs)

    def check(self) -> None:
        """Raise if one of the parts has died by itself."""
        for death in (*(node.death() for node in self.nodes.values()), self.aws.death()):
            if death:
                raise death

    @property
    def deployment(self) -> str:
        return self.parts.deployment

    @property
    def node(self) -> Node:
        return self.nodes[self.deployment]

    @property
    def door(self) -> str:
        """The domain's endpoint: host:port."""
        return f"localhost:{self.door_ports[self.deployment]}"

    @property
    def door_ca(self) -> Path:
        """What to verify every door with."""
        return self.parts.home / "door" / "door-ca.pem"

    def output(self, name: str) -> str:
        """One output by its name: of the deployment's own stacks first, then of any."""
        own = (names.of(self.deployment, part) for part in ("key", "identity", "domain"))
        for stack in (*own, *self.outputs):
            if name in (outputs := self.outputs.get(stack, {})):
                return outputs[name]
        known = ", ".join(sorted({key for outputs in self.outputs.values() for key in outputs}))
        raise KeyError(f"no stack has an output {name}; there are: {known}")


def denying_older_sessions(folder: Path) -> Path:
    """The shipped deployment once more, in a folder of its own, with `custody.deny_older_sessions`: it takes another synthesis."""
    text, asked = (PROJECT / "deployments" / "demo.yaml").read_text(encoding="utf-8"), "\ncustody:\n"
    if text.count(asked) != 1:
        raise Refused("deployments/demo.yaml has no section `custody` to put deny_older_sessions into")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo.yaml").write_text(text.replace(asked, f"{asked}  deny_older_sessions: true\n"), encoding="utf-8")
    return folder


@contextmanager
def running(parts: Parts, tell: Tell, bring_up: BringUp = deploy) -> Iterator[Embedded]:
    """The embedded default from nothing to deployed, and gone again at the end, however it ends. `bring_up`: what deploys the assembly."""
    shutil.rmtree(parts.home, ignore_errors=True)
    parts.home.mkdir(parents=True)
    check(parts)
    door_ports = {parts.deployment: parts.door_port or free_port()} | {name: free_port() for name in parts.beside}
    with ExitStack() as ends, ThreadPoolExecutor(3) as side:
        # The jars come first: a first start without a network fails here, before anything runs.
        jars.ensure(parts.version, CACHE, tell)
        assembly = side.submit(synthesise, parts, tell)
        host_layer = side.submit(layer.build, "host")
        nodes: dict[str, Node] = {}
        for name in door_ports:
            nodes[name] = ends.enter_context(start_node(parts, name, nodes.get(parts.deployment), tell))
        aws = ends.enter_context(start_aws(parts, nodes, door_ports, tell))
        with naming_the_dead(*nodes.values(), aws):
            prepare_account(aws)
            parts.before(aws)
            out = assembly.result()
            layers = Assembly.read(out, account=ACCOUNT, region=REGION).layers()
            outputs = bring_up(out, aws, swap_assets=dict.fromkeys(layers, host_layer.result()), tell=tell)
            yield Embedded(parts, nodes, aws, door_ports, outputs)


def check(parts: Parts) -> None:
    """What was asked for, before anything starts: BadInput for a port that is taken, a deployment that is not there, a wrong file."""
    for port in (parts.door_port, parts.aws_port):
        if port:
            check_port(port, "a port that was asked for")
    there = {one.name for one in load_all(parts.deployments)}
    for name in (parts.deployment, *parts.beside):
        if name not in there:
            raise BadInput(
                f"there is no deployment {name!r}",
                source=str(parts.deployments),
                remedy=f"write {name}.yaml there; there are: {', '.join(sorted(there))}",
            )


@contextmanager
def naming_the_dead(*watched: Part) -> Iterator[None]:
    """A failure is often only the echo of a part that died: then the part is named."""
    try:
        yield
    except Exception as error:
        death = next(filter(None, (part.death() for part in watched)), None)
        if death is None or isinstance(error, Died):
            raise
        raise death from error


def start_node(parts: Parts, deployment: str, first: Node | None, tell: Tell) -> Node:
    """A real node that only its front door may talk to, with the roles that Amazon predefines and open source does not.

    `first`: the node of the first deployment, whose folder for snapshots is this one's too, as S3 is every domain's.
    """
    roles, mapping = (parts.roles, parts.roles_mapping) if first is None else ({}, {})
    # A master who is an internal user is made with the domain, as their password is.
    internal = declared(parts, deployment).configuration == "internal"
    security = SecuritySetup.behind_door(
        "" if internal else role_arn(names.of(deployment, "master")),
        internal_database=internal,
        roles={**AMAZON_ROLES, **roles},
        roles_mapping=mapping,
    )
    return Node.start(
        parts.home / ("node" if first is None else f"node-{deployment}"),
        CACHE,
        parts.version,
        security=security,
        tell=tell,
        repository=first.repository if first else None,
        stays_up=parts.stays_up,
    )


def declared(parts: Parts, deployment: str) -> Declared:
    """One of the deployments of the folder, by its name."""
    return next(one for one in load_all(parts.deployments) if one.name == deployment)


def start_aws(parts: Parts, nodes: Mapping[str, Node], door_ports: Mapping[str, int], tell: Tell) -> Emulator:
    """The emulated AWS with a front door in front of each node."""
    door, *further = (_door(parts, name, node, door_ports[name]) for name, node in nodes.items())
    trust = {name: str(Path(door["home"]) / "door-ca.pem") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    return Emulator.start(
        parts.home / "aws",
        region=REGION,
        account=ACCOUNT,
        door=door,
        further_doors=further,
        lambda_environment=trust,
        port=parts.aws_port,
        tell=tell,
    )


def _door(parts: Parts, deployment: str, node: Node, port: int) -> dict[str, Any]:
    home = parts.home / ("door" if deployment == parts.deployment else f"door-{deployment}")
    home.mkdir()
    return {
        "port": port,
        "domain": deployment,
        "region": REGION,
        "account": ACCOUNT,
        "node_url": node.url,
        "node_ca": str(node.ca),
        "node_client_cert": str(node.door.cert),
        "node_client_key": str(node.door.key),
        "node_admin_cert": str(node.admin.cert),
        "node_admin_key": str(node.admin.key),
        "jwt_key": str(node.token_key),
        "home": str(home),
        # Everybody calls from loopback: from which security group is told by the role.
        "ingress": {
            "groups": {
                role_arn(names.AUTOMATION_ROLE): names.AUTOMATION_GROUP,
                role_arn(names.of(deployment, "canary")): names.AUTOMATION_GROUP,
                role_arn(names.of(deployment, "snapshots")): names.AUTOMATION_GROUP,
                role_arn(names.of(deployment, "break-glass")): names.BREAK_GLASS_GROUP,
            }
        },
    }


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


# What Amazon predefines under names of its own: what the open-source plugin calls kibana_user and kibana_read_only.
AMAZON_ROLES: dict[str, Any] = {
    "opensearch_dashboards_user": {
        "reserved": True,
        "description": "The least a user of Dashboards needs",
        "cluster_permissions": ["cluster_composite_ops"],
        "index_permissions": [
            {
                "index_patterns": [".kibana", ".kibana_*", ".opensearch_dashboards", ".opensearch_dashboards_*"],
                "allowed_actions": ["delete", "index", "manage", "read"],
            },
            {"index_patterns": ["*"], "allowed_actions": ["indices:admin/aliases*"]},
        ],
        "tenant_permissions": [{"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_write"]}],
    },
    "opensearch_dashboards_read_only": {
        "reserved": True,
        "description": "Dashboards shows what it has, and edits nothing",
    },
}


def synthesise(parts: Parts, tell: Tell, *, again: bool = True) -> Path:
    """`python app.py`, as `cdk synth` runs it; or what it made before, if nothing that it reads has changed since.

    `again`: whether another start may ask for the same. The assembly is kept then, and else gone with what is under `parts.home`.
    """
    began = time.monotonic()
    if not again:
        out, before = parts.home / "cdk.out", False
        _run_app(parts.deployments, out)
    else:
        name = assemblies.digest(PROJECT, parts.deployments, f"{ACCOUNT} {REGION}")
        out, before = assemblies.kept(CACHE / "assemblies", name, partial(_run_app, parts.deployments))
    took = f"{time.monotonic() - began:.1f} s"
    tell(f"app.py was synthesised before, of the same files ({took})" if before else f"app.py synthesised in {took}")
    return out


def _run_app(deployments: Path, out: Path) -> None:
    environment = {
        **os.environ,
        # No look through the templates by the CDK's own rules: that takes longer than making them, and is for what goes to AWS.
        "CDK_VALIDATION": "false",
        "CDK_OUTDIR": str(out),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_CONTEXT_JSON": json.dumps({"deployments": str(deployments)}),
    }
    done = subprocess.run(
        [sys.executable, str(PROJECT / "app.py")],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-3000:]
        raise SynthesisFailed(said.removeprefix("portcullis: "))  # who prints it says that again


def prepare_account(aws: Emulator) -> None:
    """What an account has before Portcullis comes: an application's role, and the user whom demo.yaml lets take break-glass."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam = aws.client("iam")
    iam.create_role(RoleName=APPLICATION_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_user(UserName=ON_CALL)
    take = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn("portcullis-*-break-glass")}
    policy = {"Version": "2012-10-17", "Statement": [take]}
    iam.put_user_policy(UserName=ON_CALL, PolicyName="break-glass", PolicyDocument=json.dumps(policy))
