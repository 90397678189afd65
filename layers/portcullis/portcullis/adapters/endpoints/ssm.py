"""The endpoint of a deployment as a parameter of Systems Manager, which clients read when they connect."""

from __future__ import annotations

from typing import Any

from portcullis.clients import error_code, our_errors
from portcullis.errors import Refused


class ParameterStore:
    """The Endpoints protocol. `client` is a boto3 SSM client in the domain's Region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def tell(self, deployment: str, endpoint: str) -> None:
        self._call("put_parameter", Name=_name(deployment), Value=endpoint, Type="String", Overwrite=True)

    def told(self, deployment: str) -> str:
        try:
            value: str = self._call("get_parameter", Name=_name(deployment))["Parameter"]["Value"]
        except Refused as error:
            if error_code(error.__cause__ or error) == "ParameterNotFound":
                return ""
            raise
        return value

    def _call(self, call: str, **arguments: Any) -> Any:
        with our_errors(f"ssm {call}"):
            return getattr(self._client, call)(**arguments)


def _name(deployment: str) -> str:
    return f"/portcullis/{deployment}/endpoint"
