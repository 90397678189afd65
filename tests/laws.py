"""How many examples a law is tried with, where it does not take as many as the profile says (`tests/conftest.py`)."""

from __future__ import annotations

from hypothesis import settings

_WHOLE = settings.get_profile("whole")


def examples(number: int) -> settings:
    """`number` of them in the whole run. In the fast loop no more than any law has there: a number that is written at a law itself
    would be taken whatever the profile says."""
    now = settings.default.max_examples
    return settings(max_examples=number if now >= _WHOLE.max_examples else min(number, now))
