"""Given an account, then `check --live` finds what the file names and the account does not have, and says what it could not see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.checking import check
from portcullis.operations.access.deployments import kept_model
from portcullis.operations.services import Services, Trigger

from tests.operations.worlds import ACCOUNT, Account, account, mapping, model_text

CAUSE = Trigger("a test")
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/given"
ACCESS = """\
  grants:
    - {role: readall, to: {iam_user: anna}}
    - {role: readall, to: {iam_group: ops}}
    - {role: readall, to: {iam_role: app}}
"""
TEXT = model_text(ACCESS) + f"key: {{arn: '{KEY}'}}\n"
OPS, ANNA = Subject(SubjectKind.IAM_GROUP, "ops"), Subject(SubjectKind.IAM_USER, "anna")
READERS = [Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers", "tokens")]


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups |= dict.fromkeys([OPS, *READERS], ())
    return one


def with_key(made: Account, describe: Any) -> Services:
    class Desk:
        def describe(self, named: str) -> KeyAnswers:
            assert named == KEY
            return KeyAnswers(describe)

    return replace(made.services, key_desk=lambda _: Desk())


def found(services: Services, text: str | None = TEXT) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for finding in check(services, "demo", CAUSE, text=text, source="files/demo.yaml").findings:
        codes.setdefault(finding.code, []).append(f"{finding.place}: {finding.message}")
    return codes


THERE = {"KeyMetadata": {"Arn": KEY}}
LIVE = {"missing-principal", "missing-key", "not-looked-at"}


def test_given_all_is_there_then_nothing_is_missing(made: Account) -> None:
    assert not LIVE & set(found(with_key(made, THERE)))


def test_a_missing_subject_is_named_with_its_line_and_only_a_warning(made: Account) -> None:
    """The finding names file and line, and `check` still exits with 0."""
    made.people.gone.add(ANNA)
    services = with_key(made, THERE)
    (said,) = found(services)["missing-principal"]
    assert said == "files/demo.yaml:9 access.grants[0].to: iam_user:anna does not exist"
    assert check(services, "demo", CAUSE, text=TEXT).exit_status == 0


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        ({"Error": {"Code": "NotFoundException", "Message": "no key"}}, "missing-key", 2),
        ({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "not-looked-at", 0),
        ("ReadTimeoutError: KMS", "not-looked-at", 0),
    ],
)
def test_only_a_key_that_does_not_exist_is_an_error_of_check(
    made: Account, answer: Any, code: str, status: int
) -> None:
    """One that may not be looked at, or does not answer, is a warning."""
    services = with_key(made, answer)
    assert KEY in found(services)[code][0]
    assert check(services, "demo", CAUSE, text=TEXT).exit_status == status


def test_check_names_what_it_could_not_see_and_looks_at_the_rest(made: Account) -> None:
    """A group, the domain and its policy cannot be read. What is missing elsewhere is still found."""
    made.people.hidden[OPS] = "not allowed to read iam_group:ops"
    made.people.gone.add(ANNA)

    def silent(*_: Any) -> Any:
        raise Unreachable("the domain did not answer")

    def refused(*_: Any) -> Any:
        raise Refused("opensearch describe_domain: not allowed")

    made.engine.read = silent  # type: ignore[method-assign]
    made.aws.policy = refused  # type: ignore[method-assign]
    codes = found(with_key(made, THERE))
    assert len(codes["missing-principal"]) == 1
    said = " ".join(codes["not-looked-at"])
    assert "iam_group:ops" in said
    assert "the domain did not answer" in said
    assert "describe_domain" in said


def test_given_the_engine_then_mappings_by_host_are_found(made: Account) -> None:
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/manage_snapshots", "value": mapping(hosts=["*"])}])
    assert "hosts-everyone" in found(with_key(made, THERE))


def test_without_a_text_check_looks_at_the_file_in_force(made: Account) -> None:
    """The file of another deployment is refused, and so is a deployment that nobody knows."""
    made.ledger.keep_model("demo", kept_model(TEXT, "demo.yaml"))
    made.people.gone.add(ANNA)
    services = with_key(made, THERE)
    assert "missing-principal" in found(services, None)
    with pytest.raises(BadInput, match="is the file of 'other'"):
        check(services, "demo", CAUSE, text=TEXT.replace("deployment: demo", "deployment: other"))
    for given, status in ((TEXT, 1), (None, 2)):  # a file that is not deployed yet is valid
        with pytest.raises(Refused, match="no deployment named") as none:
            check(services, "nobody", CAUSE, text=given)
        assert none.value.exit_status == status
