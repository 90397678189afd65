"""Every alert that the library can tell: name, page, and the commands it gives to whoever is woken by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from portcullis.custody import telling, words_of_alerts
from portcullis.custody.types import Custody, Hold
from portcullis.operations import alert_table

# A command in the text of an alert: in backticks, or up to where the sentence goes on.
_QUOTED = re.compile(r"`(portcullis [^`]+)`")
_PLAIN = re.compile(r"(portcullis [a-z-]+(?: (?:--[a-z-]+|[a-z0-9][\w-]*|[A-Z][A-Z-]+))*)")


@dataclass(frozen=True)
class Told:
    """One alert, with names filled in."""

    name: str
    page: str
    next: str
    where: str

    @property
    def commands(self) -> list[str]:
        return _QUOTED.findall(self.next) if "`" in self.next else _PLAIN.findall(self.next)


def of_custody() -> Iterator[Told]:
    now = datetime(2025, 6, 1, tzinfo=UTC)
    facts = telling._facts(Custody("demo", revoked_since=now, hold=Hold("ann", "a leak", now)))
    for name, (_severity, _happened, _done, then, page) in words_of_alerts.WORDS.items():
        yield Told(name.value, page, then.format(**facts), "custody/words_of_alerts.py")


def of_operations() -> Iterator[Told]:
    for kind in alert_table.ALL:
        yield Told(kind.name, kind.runbook, kind.next.format_map(_Names()), "operations/alert_table.py")


class _Names(dict[str, str]):
    """What a template asks for: every name is that of the deployment `demo`."""

    def __missing__(self, key: str) -> str:
        return "demo"


ALL = [*of_custody(), *of_operations()]
