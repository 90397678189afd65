"""What the door is told at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portcullis.errors import BadInput

from local.door.ingress import Ingress

SOURCE = "the front door's spec"
NEEDED = (
    "port",
    "domain",
    "region",
    "account",
    "node_url",
    "node_ca",
    "node_client_cert",
    "node_client_key",
    "home",
    "jwt_key",
)
FILES = ("node_ca", "node_client_cert", "node_client_key", "jwt_key", "home")
ADMIN = ("node_admin_cert", "node_admin_key")  # by whom the domain's master is made on the node: see local.aws.masters
FURTHER = (*ADMIN, "ingress", "timeout_s")


@dataclass(frozen=True, slots=True)
class Spec:
    """`port` 0 takes a free one; `home` is where door-ca.pem is written; `jwt_key` signs what is handed over (Node.token_key);
    `ingress` absent means that no security group is looked at; `timeout_s` is how long the node may be silent."""

    port: int
    domain: str
    region: str
    account: str
    node_url: str
    node_ca: Path
    node_client_cert: Path
    node_client_key: Path
    home: Path
    jwt_key: Path
    ingress: Ingress | None = None
    timeout_s: float = 60.0

    @property
    def domain_arn(self) -> str:
        return f"arn:aws:es:{self.region}:{self.account}:domain/{self.domain}"

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Spec:
        """Raises BadInput for a key that is missing, unknown, or names a file that is not there."""
        for name in NEEDED:
            if name not in given:
                raise BadInput("is missing", source=SOURCE, place=name, remedy=f"needed are: {', '.join(NEEDED)}")
        for name in given:
            if name not in (*NEEDED, *FURTHER):
                raise BadInput(
                    "is not known", source=SOURCE, place=name, remedy=f"known are: {', '.join((*NEEDED, *FURTHER))}"
                )
        files = {
            name: Path(given[name]) for name in ("node_ca", "node_client_cert", "node_client_key", "jwt_key", "home")
        }
        for name, file in files.items():
            if not file.exists():
                raise BadInput(f"{file} does not exist", source=SOURCE, place=name, remedy="start the node first")
        told = given.get("ingress")
        ingress = None
        if told is not None:
            ingress = Ingress(dict(told.get("groups", {})), told.get("security_group", ""))
        return cls(
            port=int(given["port"]),
            domain=given["domain"],
            region=given["region"],
            account=given["account"],
            node_url=given["node_url"],
            **files,
            ingress=ingress,
            timeout_s=float(given.get("timeout_s", 60)),
        )
