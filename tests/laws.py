"""How much a law is tried with, where it does not take as many examples as the profile says (`tests/conftest.py`)."""

from __future__ import annotations

from hypothesis import settings

_WHOLE = settings.get_profile("whole")


def examples(number: int) -> settings:
    """`number` of them in the whole run. In the fast loop no more than any law has there: a number that is written at a law itself
    would be taken whatever the profile says."""
    return settings(max_examples=number if _is_whole() else min(number, settings.default.max_examples))


def moments(first: int, last: int) -> range:
    """At which calls something is cut off or disturbed: at each in the whole run, at every fifth in the fast loop."""
    return range(first, last + 1, 1 if _is_whole() else 5)


def _is_whole() -> bool:
    return settings.default.max_examples >= _WHOLE.max_examples
