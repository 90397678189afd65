"""Given AWS's own lists of operations, then the table leaves none out, says nothing twice, and is what the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import pytest
from portcullis.signals.document import as_markdown
from portcullis.signals.reading import _READS
from portcullis.signals.table import NOTICES, ROWS, row_of

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"
# botocore's service -> the label of its eventSource
MODELS = {
    "iam": "iam",
    "cognito-idp": "cognito-idp",
    "cognito-identity": "cognito-identity",
    "identitystore": "identitystore",
    "sso-admin": "sso",
    "kms": "kms",
    "es": "es",
    "opensearch": "es",
}


@pytest.mark.parametrize(("model", "service"), MODELS.items())
def test_every_operation_that_changes_anything_has_its_row(model: str, service: str) -> None:
    operations = botocore.session.get_session().get_service_model(model).operation_names
    writing = [name for name in operations if not name.startswith(_READS)]
    assert writing
    assert [name for name in writing if row_of(service, name) is None] == []


@pytest.mark.parametrize(("model", "service"), MODELS.items())
def test_no_operation_that_reads_is_a_signal(model: str, service: str) -> None:
    operations = botocore.session.get_session().get_service_model(model).operation_names
    reading = [name for name in operations if name.startswith(_READS)]
    assert [name for name in reading if (row := row_of(service, name)) and row.signal] == []


def test_no_operation_has_two_meanings() -> None:
    told = [(row.service, name) for row in ROWS for name in row.operations]
    assert len(told) == len(set(told))


def test_signals_are_named_in_kebab_case_and_say_whom_they_ask_for_what() -> None:
    for row in (*ROWS, *NOTICES):
        assert row.because
        assert (row.signal is None) == (row.concern is None) == (row.about is None)
        assert row.signal is None or re.fullmatch(r"[a-z]+(-[a-z]+)+", row.signal)


def test_one_name_asks_for_one_reaction() -> None:
    reactions = {(row.signal, row.concern) for row in (*ROWS, *NOTICES) if row.signal}
    assert len(reactions) == len({signal for signal, _ in reactions})


def test_the_documentation_is_the_table() -> None:
    assert PAGE.read_text() == as_markdown(), "run: portcullis signal --table > docs/signals.md"
