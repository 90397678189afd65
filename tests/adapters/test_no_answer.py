"""Given a service that failed by itself, when it is asked for something, then nobody takes it for a refusal: it may have been done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from portcullis.adapters.domains.aws import AwsDomain
from portcullis.adapters.endpoints.ssm import ParameterStore
from portcullis.errors import PortcullisError, Refused, Unreachable

from tests.adapters.registrations import registration

ASK: tuple[Callable[[Any], object], ...] = (
    lambda client: AwsDomain(client).delete(registration()),
    lambda client: ParameterStore(client).tell("demo", "example.com"),
)


class Answers:
    """A client whose every call is answered by this error."""

    def __init__(self, code: str, status: int) -> None:
        self._answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def __getattr__(self, call: str) -> Callable[..., None]:
        def answer(**_: Any) -> None:
            raise ClientError(self._answer, call)  # type: ignore[arg-type]

        return answer


@pytest.mark.parametrize("ask", ASK, ids=("a domain is deleted", "an endpoint is told"))
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("504", 504, Unreachable),  # of a gateway, without a code of the service
        ("ServiceUnavailable", 503, Unreachable),
        ("RequestTimeout", 408, Unreachable),
        ("AccessDeniedException", 403, Refused),
    ],
)
def test_what_a_service_did_not_answer_is_no_refusal(
    ask: Callable[[Any], object], code: str, status: int, kind: type[PortcullisError]
) -> None:
    with pytest.raises(kind, match=code):
        ask(Answers(code, status))
