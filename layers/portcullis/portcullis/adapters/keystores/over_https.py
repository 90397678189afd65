"""Keystores of nodes that whoever runs them writes: Elastic Cloud, and Elastic Cloud on Kubernetes. One change for all nodes of a cluster.

https://www.elastic.co/guide/en/cloud-enterprise/current/set-deployment-es-resource-keystore.html
https://www.elastic.co/guide/en/cloud-on-k8s/current/k8s-es-secure-settings.html
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from portcullis.errors import Refused, Unreachable
from portcullis.ports.registration import ElasticCloudKeystore, KubernetesKeystore
from portcullis.ports.remotes import KeyText

_WITHIN_S = 30
_At = TypeVar("_At")
Send = Callable[[str, Mapping[str, str], Any], int]  # URL, headers, JSON body of a PATCH -> status


class _OfAllNodes(ABC, Generic[_At]):
    """The Keystores protocol. `names`: of the cluster's nodes. What was put already is not put once more for the next node."""

    def __init__(self, at: _At, names: Callable[[], frozenset[str]], credential: Callable[[], str], send: Send) -> None:
        self._at, self._names, self._credential, self._send = at, names, credential, send
        self._written: dict[str, KeyText | None] = {}

    @property
    def nodes(self) -> frozenset[str]:
        return self._names()

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        if alias in self._written and self._written[alias] == text:
            return
        url, headers, body = self._change(f"cluster.remote.{alias}.credentials", text.encoded if text else None)
        status = self._send(url, headers, body)
        # What it answers is not passed on: it was told the key.
        if status in (401, 403, 404):
            raise Refused(f"the keystore of {node} was not written: {self._whose} answered {status}")
        if not 200 <= status < 300:
            raise Unreachable(f"the keystore of {node} was not written: {self._whose} answered {status}")
        self._written[alias] = text

    @property
    @abstractmethod
    def _whose(self) -> str:
        """Who is asked, for messages."""

    @abstractmethod
    def _change(self, setting: str, text: str | None) -> tuple[str, Mapping[str, str], Any]:
        """URL, headers and body that set one setting, or take it out."""


class ElasticCloudKeystores(_OfAllNodes[ElasticCloudKeystore]):
    """Of one deployment of Elastic Cloud. Others of its settings stay as they are."""

    @property
    def _whose(self) -> str:
        return f"the API of Elastic Cloud for the deployment {self._at.deployment}"

    def _change(self, setting: str, text: str | None) -> tuple[str, Mapping[str, str], Any]:
        url = f"https://{self._at.api}/api/v1/deployments/{self._at.deployment}/elasticsearch/{self._at.ref}/keystore"
        secret = None if text is None else {"value": text, "as_file": False}
        return url, {"Authorization": f"ApiKey {self._credential()}"}, {"secrets": {setting: secret}}


class KubernetesKeystores(_OfAllNodes[KubernetesKeystore]):
    """By a secret of Kubernetes that ECK puts into the keystores. Other entries of the secret stay as they are."""

    @property
    def _whose(self) -> str:
        return f"Kubernetes for the secret {self._at.secret} of {self._at.namespace}"

    def _change(self, setting: str, text: str | None) -> tuple[str, Mapping[str, str], Any]:
        url = f"https://{self._at.api}/api/v1/namespaces/{self._at.namespace}/secrets/{self._at.secret}"
        value = None if text is None else base64.b64encode(text.encode()).decode()
        headers = {
            "Authorization": f"Bearer {self._credential()}",
            "Content-Type": "application/merge-patch+json",
        }
        return url, headers, {"data": {setting: value}}


def sender(ca: str | None) -> Send:
    """`ca`: a file of certificates that are believed; None: the public ones. Redirections are not followed: a key goes to one host."""
    import requests

    def send(url: str, headers: Mapping[str, str], body: Any) -> int:
        try:
            return requests.request(
                "PATCH", url, json=body, headers=headers, verify=ca or True, timeout=_WITHIN_S, allow_redirects=False
            ).status_code
        except requests.RequestException as error:
            # Without its words: they may hold the request.
            raise Unreachable(f"{url.split('/')[2]} did not answer: {type(error).__name__}") from None

    return send
