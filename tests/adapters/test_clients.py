"""AWS's errors as ours, and answers that come in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from portcullis import clients
from portcullis.clients import our_errors, pages
from portcullis.errors import PortcullisError, Refused, Unreachable

from local.aws.emulator import Credentials, Emulator

ME = "arn:aws:iam::111122223333:role/x"


def answered(code: str, status: int, message: str = "as it is") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "ListThings")


SAID_NO = "An error occurred (AccessDenied) when calling the ListThings operation: as it is"


@pytest.mark.parametrize(
    ("raised", "refused", "kind", "told"),
    [
        (answered("AccessDenied", 403), "", Refused, f"the thing: {SAID_NO}"),
        (answered("AccessDenied", 403), "not ours", Refused, "not ours: AccessDenied (ListThings)"),
        (
            answered("AccessDenied", 403, f"User: {ME} is not authorized to perform: things:List on resource: {ME}"),
            "not ours",
            Refused,
            "not ours: AccessDenied, not authorized to perform: things:List",
        ),
        (answered("ThrottlingException", 400), "not ours", Unreachable, "the thing: ThrottlingException"),
        (answered("InternalError", 500), "not ours", Unreachable, "the thing: InternalError"),
        (EndpointConnectionError(endpoint_url="https://x"), "", Unreachable, "the thing: EndpointConnectionError"),
    ],
)
def test_no_answer_is_unreachable_and_an_answer_of_no_is_refused(
    raised: Exception, refused: str, kind: type[PortcullisError], told: str
) -> None:
    with pytest.raises(kind) as met, our_errors("the thing", refused):
        raise raised
    assert str(met.value) == told
    assert met.value.__cause__ is raised


@pytest.mark.parametrize(
    "raised", [KeyError("x"), ParamValidationError(report="a word"), Refused("ours"), Unreachable("ours")], ids=repr
)
def test_a_mistake_of_ours_and_an_error_of_ours_go_on_as_they_are(raised: Exception) -> None:
    with pytest.raises(type(raised)) as met, our_errors("the thing"):
        raise raised
    assert met.value is raised


@pytest.mark.aws
def test_a_role_that_may_not_be_taken_is_refused_and_says_which(
    aws: Emulator, person: Callable[..., Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its credentials are fetched in the middle of a request: whoever sends that knows our errors alone."""
    role = f"arn:aws:iam::{aws.account}:role/{uuid4()}"
    as_nobody = aws.client("sts", credentials=person())
    monkeypatch.setattr(clients, "client", lambda _service: as_nobody)
    session = clients.role_session(role, "a-test")
    with pytest.raises(Refused, match=rf"the role {role} could not be taken: .*sts:AssumeRole"):
        session.get_credentials().get_frozen_credentials()


@pytest.mark.parametrize("last", [{}, {"NextToken": ""}, {"NextToken": None}])
def test_every_page_is_asked_for_until_none_is_named(last: dict[str, Any]) -> None:
    answers = {None: {"Things": [1, 2], "NextToken": "a"}, "a": {"NextToken": "b"}, "b": {"Things": [3], **last}}

    def call(*, of: str, **more: str) -> dict[str, Any]:
        assert of == "mine"
        assert more.keys() <= {"NextToken"}
        return answers[more.get("NextToken")]

    assert list(pages(call, "Things", of="mine")) == [1, 2, 3]
