"""What somebody asserts of access, read from a line of text. The grammar stands in docs/assertions.md."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass

from portcullis.access.plan import SubjectKind
from portcullis.errors import BadInput

READS, WRITES, GAINS, ADMINISTRATORS = "reads", "writes", "gains", "administrators"
_GROUPS = (SubjectKind.COGNITO_GROUP, SubjectKind.IAM_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)
_GROUP = "group"
_LONGEST = 500  # characters
_FORM = "e.g. nobody outside group hr reads payroll-*; no one gains; nobody gains on payroll-*"


@dataclass(frozen=True, slots=True)
class Assertion:
    """Nobody, but for those `outside` of it, does this on indices of these patterns; none: on anything."""

    text: str
    does: str  # reads, writes or gains
    patterns: tuple[str, ...]
    outside: tuple[str, ...] = ()  # "group:hr", "cognito_user:anna", "administrators"

    @property
    def of_one_state(self) -> bool:
        """Whether it is about how things are, and not about what changes."""
        return self.does != GAINS

    def spares(self, person: str, groups: Collection[str], *, administers: bool) -> bool:
        """Whether it says nothing of this person, with the groups that they are in. A group stands for whoever is in it."""
        names = {person, *groups}
        for one in self.outside:
            kind, _, name = one.partition(":")
            if one == ADMINISTRATORS and administers:
                return True
            if one in names or (kind == _GROUP and any(f"{group}:{name}" in names for group in _GROUPS)):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Asserted:
    """What became of it: it holds, it does not (true, false), or nobody here can tell (null). Who, where and why if it does not hold."""

    text: str
    holds: bool | None
    person: str = ""
    index: str = ""
    rule: str = ""

    def __str__(self) -> str:
        if self.holds:
            return f"holds: {self.text}"
        where = f" on {self.index}" if self.index else ""
        who = f"{self.person}{where}: " if self.person else ""
        return f"{'does not hold' if self.holds is False else 'not known'}: {self.text}: {who}{self.rule}"


def read(text: str) -> Assertion:
    """BadInput for what is no assertion."""
    if len(text) > _LONGEST or not text.isprintable():
        raise _wrong(text[:60], f"has to be one line of at most {_LONGEST} characters")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _wrong(text, str(error)) from None
    if words[:2] == ["no", "one"]:
        words[:2] = ["nobody"]
    if words[:1] != ["nobody"]:
        raise _wrong(text, "begins neither with nobody nor with no one")
    outside, rest = _outside(text, words[1:])
    does, patterns = rest[0] if rest else "", rest[1:]
    if does not in (READS, WRITES, GAINS):
        raise _wrong(text, f"says neither {READS}, {WRITES} nor {GAINS}")
    if does == GAINS and patterns:
        if patterns[0] != "on":
            raise _wrong(text, f"has {patterns[0]!r} where only on PATTERN may stand")
        patterns = patterns[1:] or [""]
    found = [one for word in patterns for one in word.split(",")]
    if not all(found) or (does != GAINS and not found):
        raise _wrong(text, "names no index")
    if odd := [one for one in found if set(one) & set("?/<>{}:\\ ") or one.startswith("-")]:
        raise _wrong(text, f"has {odd[0]!r}, which is no name of an index, and no pattern with * alone")
    return Assertion(text, does, tuple(found), outside)


def _outside(text: str, words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    if words[:1] != ["outside"]:
        return (), words
    found: list[str] = []
    at = 1
    while True:
        word = words[at] if at < len(words) else ""
        if word == _GROUP and at + 1 < len(words):
            found.append(f"{_GROUP}:{words[at + 1]}")
            at += 2
        elif word == ADMINISTRATORS or (word.partition(":")[0] in [*SubjectKind] and word.partition(":")[2]):
            found.append(word)
            at += 1
        else:
            raise _wrong(text, f"has {word!r} where only group NAME, KIND:NAME or {ADMINISTRATORS} may stand")
        if words[at : at + 1] != ["or"]:
            return tuple(found), words[at:]
        at += 1


def _wrong(text: str, problem: str) -> BadInput:
    return BadInput(f"{text!r} is no assertion: it {problem}", source="assertion", remedy=_FORM)
