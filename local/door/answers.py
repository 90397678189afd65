"""How the door says no: Amazon's status codes and message shapes.

Amazon writes `message` when it could not tell who is asking, and `Message` when it could and the caller may not.
"""

from __future__ import annotations

from typing import Any

SIGNATURE_DIFFERS = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
    "method. Consult the service documentation for details."
)
INVALID_TOKEN = "The security token included in the request is invalid."


class Refused(Exception):
    """Answered with `status` and `body` (JSON for a dict, plain text otherwise); nothing reached the node."""

    def __init__(self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


class Dropped(Exception):
    """Answered with nothing: the connection is closed, as by a security group (where Amazon's would time out)."""


def unknown(message: str) -> Refused:
    """403: it is not proved who is asking."""
    return Refused(403, {"message": message})


def anonymous(action: str) -> Refused:
    """403: no signature at all."""
    return Refused(
        403,
        {
            "Message": f"User: anonymous is not authorized to perform: {action} "
            f"because no resource-based policy allows the {action} action"
        },
    )


def forbidden(arn: str, action: str, why: str) -> Refused:
    """403: known, and not allowed to; `why` continues the sentence."""
    return Refused(403, {"Message": f"User: {arn} is not authorized to perform: {action} {why}"})


def basic() -> Refused:
    """401: a password that is nobody's, or none at all where the internal user database wants one; or any, under an IAM master."""
    return Refused(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="Authorization Required"'})


def not_signed_in(why: str) -> Refused:
    """401 of the Dashboards door."""
    return Refused(401, {"message": f"Unauthorized: {why}"}, {"WWW-Authenticate": "Bearer"})


def malformed(why: str) -> Refused:
    """400: a request that door and node could read differently."""
    return Refused(400, {"message": f"Bad Request: {why}"})
