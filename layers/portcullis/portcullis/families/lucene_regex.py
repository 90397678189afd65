"""What Lucene takes for a regular expression, by the grammar of its `RegExp`: engines put `regexp` queries to it, and patterns in slashes.

Less is wrong to it than to most: an anchor or a sign of repetition that has nothing before it is a character like others. Pure.
"""

from __future__ import annotations

_DEEPEST = 200  # groups within each other
_LARGEST = 10_000  # states, about; a node builds them all, and a larger one has it busy for minutes


class _Wrong(ValueError):
    pass


def why_not(expression: str) -> str:
    """Why Lucene refuses an expression, or works on it for very long; empty if it takes it."""
    reader = _Reader(expression)
    try:
        reader.whole()
    except _Wrong as wrong:
        return str(wrong)
    return "" if reader.largest <= _LARGEST else f"about {reader.largest:,} states, which keep a node busy"


class _Reader:
    """Reads from `at` on; each part answers how many states it is, about."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.largest = text, 0, 0

    def _more(self) -> bool:
        return self.at < len(self.text)

    def _peek(self, signs: str) -> bool:
        return self._more() and self.text[self.at] in signs

    def _match(self, sign: str) -> bool:
        if self._peek(sign):
            self.at += 1
            return True
        return False

    def _next(self) -> str:
        if not self._more():
            raise _Wrong("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def _until(self, sign: str, what: str) -> str:
        end = self.text.find(sign, self.at)
        if end < 0:
            raise _Wrong(f"{what} that is not closed")
        found, self.at = self.text[self.at : end], end + 1
        return found

    def whole(self) -> None:
        if self.text:
            self.union(0)
        if self._more():
            raise _Wrong(f"a {self.text[self.at]} that closes nothing")

    def union(self, depth: int) -> int:
        if depth > _DEEPEST:
            raise _Wrong(f"groups within each other, more than {_DEEPEST}")
        size = self._concatenated(depth)
        while self._match("|") or self._match("&"):
            size += self._concatenated(depth)
        return size

    def _concatenated(self, depth: int) -> int:
        size = self._repeated(depth)
        while self._more() and not self._peek(")|&"):
            size += self._repeated(depth)
        return size

    def _repeated(self, depth: int) -> int:
        size = self._one(depth)
        while self._peek("?*+{"):
            if self._match("{"):
                size *= max(self._times(), 1)
                self.largest = max(self.largest, size)
            else:
                self.at += 1
        return size

    def _times(self) -> int:
        least = self._number()
        if least is None:
            raise _Wrong("a { without a number")
        most: int | None = least
        if self._match(","):
            most = self._number()
        if not self._match("}"):
            raise _Wrong("a { that is not closed")
        if most is not None and most < least:
            raise _Wrong(f"{{{least},{most}}} asks for more than it allows")
        return least if most is None else most

    def _number(self) -> int | None:
        begin = self.at
        while self._peek("0123456789"):
            self.at += 1
        digits = self.text[begin : self.at]
        if len(digits) > len(str(_LARGEST)):
            raise _Wrong(f"{{{digits[:10]}… is repeated too often")
        return int(digits) if digits else None

    def _one(self, depth: int) -> int:
        while self._match("~"):  # the complement of what follows; to 3.x a character at the end
            if not self._more():
                return 1
        if self._match("["):
            self._class()
        elif self._match('"'):
            return max(len(self._until('"', "a quotation mark")), 1)
        elif self._match("("):
            if self._match(")"):
                return 1
            size = self.union(depth + 1)
            if not self._match(")"):
                raise _Wrong("a ( that is not closed")
            return size
        elif self._match("<"):
            first, hyphen, last = self._until(">", "a <").partition("-")
            if not (hyphen and first.isdecimal() and last.isdecimal()):
                raise _Wrong("a <> that is no <1-9>")
        else:
            self._character()
        return 1

    def _character(self) -> str:
        self._match("\\")
        return self._next()

    def _class(self) -> None:
        self._match("^")
        first = True
        while first or (self._more() and not self._peek("]")):
            first = False
            one = self._character()
            if self._match("-"):
                until = self._character()
                if one > until:
                    raise _Wrong(f"[{one}-{until}] goes backwards")
        if not self._match("]"):
            raise _Wrong("a [ that is not closed")
