"""How the keys by which other clusters are read reach the nodes' keystores, where no disk of a node can be written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from portcullis.model.elasticsearch.parts import Certificate
from portcullis.model.names import Wrong
from portcullis.model.parts import SecretName, Strict

Host = Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")]
_PATH = r"^/[A-Za-z0-9._/-]{1,255}$"
_OF_KUBERNETES = r"^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$"


class ElasticCloud(Strict):
    """A deployment of Elastic Cloud, or of Elastic Cloud Enterprise."""

    deployment: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Id of the deployment there: 32 hexadecimal digits."""
    credential: SecretName
    """Secret in Secrets Manager with an API key of Elastic Cloud that may change the deployment: JSON with "api_key"."""
    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "_main"
    """Which Elasticsearch of the deployment, if it has several."""
    api: Host = "api.elastic-cloud.com"
    """Host of the API, on port 443."""
    ca: Certificate | None = None
    """Certificate of the CA that signed the API's, as PEM. Default: the CAs that everybody trusts."""


class Kubernetes(Strict):
    """A cluster of Elastic Cloud on Kubernetes (ECK). Its `secureSettings` name the secret of Kubernetes; ECK starts the nodes again, one
    by one, when the secret changes."""

    api: Host
    """Host of the Kubernetes API, on port 443."""
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
    """Namespace of the cluster."""
    secret: Annotated[str, Field(pattern=_OF_KUBERNETES)]
    """Secret of Kubernetes that `secureSettings` names. Whoever runs the cluster makes it."""
    credential: SecretName
    """Secret in Secrets Manager with the token of a service account that may patch that one secret: JSON with "password", or the
    token alone."""
    ca: Certificate | None = None
    """Certificate of the CA that signed the API's, as PEM. Default: the CAs that everybody trusts."""


class Ssm(Strict):
    """Nodes on EC2, or on machines that Systems Manager manages. The stacks make a document by which a node takes a key out of its
    secret."""

    nodes: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,255}$")],
        Annotated[str, Field(pattern=r"^m?i-[0-9a-f]{8,17}$")],
    ] = Field(min_length=1)
    """A node's name -> the id of its machine: i-… or mi-…. The role of the machine has to be allowed to read the secrets of the keys."""
    folder: Annotated[str, Field(pattern=_PATH)] = "/etc/elasticsearch"
    """The nodes' config folder."""
    tool: Annotated[str, Field(pattern=_PATH)] = "/usr/share/elasticsearch/bin/elasticsearch-keystore"
    """The release's own keystore tool."""
    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "elasticsearch"
    """The user that the nodes run as."""


class Keystore(Strict):
    elastic_cloud: ElasticCloud | None = None
    """By the API of Elastic Cloud."""
    kubernetes: Kubernetes | None = None
    """By a secret of Kubernetes."""
    ssm: Ssm | None = None
    """By Systems Manager, on the machines of the nodes."""

    @model_validator(mode="after")
    def _one_way(self) -> Keystore:
        if len([way for way in (self.elastic_cloud, self.kubernetes, self.ssm) if way]) != 1:
            raise Wrong("names no way, or several", "elastic_cloud: {...}, kubernetes: {...} or ssm: {...}")
        return self

    @property
    def credential(self) -> str:
        """The secret that it takes to write them; empty if it takes none."""
        way = self.elastic_cloud or self.kubernetes
        return way.credential if way else ""
