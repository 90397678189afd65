"""Whether Java's regular expressions take an expression, and which groups it has: they compile whatever stands between slashes.

A reading of the grammar of java.util.regex, not a matcher. tests/families/opensearch/test_java_regex_on_node.py holds it against a real
node, which compiles the expressions of a masking rule when the rule is written. What only Java's own tables know (names of scripts and
blocks, names of characters) and the mode for comments are taken to be right.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

_END = ""
_LETTERS_TAKEN = "dDhHsSvVwWaefnrt"  # what may follow a backslash in a class too
_OUTSIDE_ONLY = "ABGRXZbz"
_FLAGS = "imsducxU"
_FAMILIES = re.compile(
    r"C[cfnos]?|L[CDlmotu1]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|all|ASCII|Alnum|Alpha|Blank|Cntrl|Digit|Graph|Lower|Print|Punct"
    r"|Space|Upper|XDigit|(?i:sc|script|blk|block|gc|general_category)=.+|Is.+|In.+"
    r"|java(?:Alphabetic|Defined|Digit|ISOControl|IdentifierIgnorable|Ideographic|JavaIdentifier(?:Part|Start)|Letter|LetterOrDigit|LowerCase"
    r"|Mirrored|SpaceChar|TitleCase|UnicodeIdentifier(?:Part|Start)|UpperCase|Whitespace)",
    re.DOTALL,
)  # characters by name
_DEEPEST = 60  # groups and classes within each other; Java itself would run out of stack some thousands deeper
_LARGEST = 2**31 - 1


class NotJava(ValueError):
    """What Java says against an expression."""


class _LeftToJava(Exception):
    """From here on only Java can tell."""


@dataclass(frozen=True, slots=True)
class Groups:
    """What a replacement may refer to. `count` None: not known."""

    count: int | None = 0
    names: frozenset[str] = frozenset()


@lru_cache(maxsize=4096)
def groups(expression: str) -> Groups:
    """The groups of an expression. Raises NotJava if Java does not compile it."""
    reader = _Reader(_without_quotations(expression))
    try:
        reader.alternatives(0)
        if not reader.at_end:
            raise NotJava("a closing bracket ) without an opening one")
    except _LeftToJava:
        return Groups(None)
    return Groups(reader.count, frozenset(reader.names))


def why_not(expression: str) -> str:
    """Why Java does not compile an expression; empty if it does."""
    try:
        groups(expression)
    except NotJava as error:
        return str(error)
    return ""


def wrong_reference(expression: str, replacement: str) -> str:
    """Why a replacement fails as soon as its expression matches; empty if it does not. The expression has to be Java's."""
    held, i = groups(expression), 0
    while i < len(replacement):
        sign, i = replacement[i], i + 1
        if sign not in "\\$":
            continue
        if i == len(replacement):
            return "a backslash at the end" if sign == "\\" else "a $ at the end: write \\$"
        if sign == "\\":
            i += 1
            continue
        if replacement[i] == "{":
            found = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}").match(replacement, i)
            if not found:
                return "${ without the name of a group"
            if held.count is not None and found[1] not in held.names:
                return f"there is no group {found[0]}"
            i = found.end()
            continue
        if replacement[i] not in "0123456789":
            return f"${replacement[i]} refers to no group: write \\$ for a dollar sign"
        if held.count is not None and int(replacement[i]) > held.count:
            how_many = {0: "no group", 1: "one group"}.get(held.count, f"{held.count} groups")
            return f"${replacement[i]} is beyond the groups of the expression, which has {how_many}"
        i += 1
    return ""


def _without_quotations(expression: str) -> str:
    r"""\Q…\E written out, as Java does before anything else."""
    if "\\Q" not in expression:
        return expression
    made, i = "", 0
    while i < len(expression):
        if expression[i : i + 2] == "\\Q":
            end = expression.find("\\E", i + 2)
            quoted = expression[i + 2 :] if end < 0 else expression[i + 2 : end]
            made += "".join(c if c.isalnum() or ord(c) > 127 else f"\\{c}" for c in quoted)
            i = len(expression) if end < 0 else end + 2
        elif expression[i] == "\\":
            made += expression[i : i + 2]
            i += 2
        else:
            made += expression[i]
            i += 1
    return made


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    count: int = 0
    names: set[str] = field(default_factory=set)

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def take(self) -> str:
        taken = self.peek()
        self.at += 1
        return taken

    # Each of these answers whether what it read may be endlessly long: no such thing may stand in a look-behind.

    def alternatives(self, depth: int) -> bool:
        if depth > _DEEPEST:
            raise _LeftToJava
        endless = self.sequence(depth)
        while self.peek() == "|":
            self.at += 1
            endless |= self.sequence(depth)
        return endless

    def sequence(self, depth: int) -> bool:
        endless = False
        while not self.at_end and self.peek() not in "|)":
            if self.peek() in "*+?":
                raise NotJava(f"{self.peek()} with nothing before it to repeat")
            if self.peek() == "(":
                inner = self.group(depth)
                if inner is None:
                    continue  # flags, which nothing can repeat
                endless |= inner
            elif self.peek() == "[":
                self.character_class(depth)
            elif self.peek() == "\\":
                endless |= self.escape(in_class=False) == "endless"
            elif self.peek() != "{":  # of nothing: Java takes {2} at the beginning
                self.at += 1
            endless |= self.repetition()
        return endless

    def repetition(self) -> bool:
        sign = self.peek()
        if sign not in ("*", "+", "?", "{"):
            return False
        self.at += 1
        endless = sign in "*+"
        if sign == "{":
            endless = self.counted()
        if self.peek() in ("?", "+"):
            self.at += 1
        return endless

    def counted(self) -> bool:
        least = self.digits()
        if not least:
            raise NotJava("a { that is no repetition: write \\{")
        most: str | None = least
        if self.peek() == ",":
            self.at += 1
            most = self.digits() if self.peek() != "}" else None
        if self.take() != "}":
            raise NotJava("a repetition { without its }")
        if len(least) > 10 or len(most or "") > 10:
            raise NotJava("a repetition beyond Java's numbers")
        if most is not None and int(most or "0") < int(least):
            raise NotJava(f"{{{least},{most}}} ends before it begins")
        if max(int(least), int(most or "0")) > _LARGEST:
            raise NotJava("a repetition beyond Java's numbers")
        return most is None

    def digits(self) -> str:
        found = ""
        while self.peek() and self.peek() in "0123456789":
            found += self.take()
        return found

    def group(self, depth: int) -> bool | None:
        self.at += 1
        looks = behind = False
        if self.peek() != "?":
            self.count += 1
        else:
            self.at += 1
            kind = self.take()
            if kind in ("=", "!"):
                looks = True
            elif kind == "<" and self.peek() in ("=", "!"):
                looks = behind = True
                self.at += 1
            elif kind == "<":
                self.new_name()
            elif kind not in (":", ">"):
                self.at -= 1
                if self.flags():
                    return None
        endless = self.alternatives(depth + 1)
        if self.take() != ")":
            raise NotJava("an opening bracket ( without a closing one")
        if behind and endless:
            raise NotJava("a look-behind that may be endlessly long")
        return endless and not looks

    def new_name(self) -> None:
        name = self.name()
        if name in self.names:
            raise NotJava(f"two groups are called {name}")
        self.names.add(name)
        self.count += 1

    def name(self) -> str:
        found = re.compile(r"([A-Za-z][A-Za-z0-9]*)>").match(self.text, self.at)
        if not found:
            raise NotJava("the name of a group is letters and digits, then >")
        self.at = found.end()
        return found[1]

    def flags(self) -> bool:
        """Whether the flags stand by themselves: (?i). Else a group begins with them: (?i:…)."""
        while self.peek() and self.peek() in _FLAGS + "-":
            if self.take() == "x":
                raise _LeftToJava
        end = self.take()
        if end not in (")", ":") or end == _END:
            raise NotJava(f"(?{end} is not known to Java")
        return end == ")"

    def escape(self, *, in_class: bool) -> str:
        """Read what a backslash begins: the character, empty for a set of characters, "endless" for what may be so."""
        self.at += 1
        if self.at_end:
            raise NotJava("a backslash at the end")
        letter = self.take()
        if letter in "pP":
            self.family()
            return ""
        if letter in _OUTSIDE_ONLY and not in_class:
            if letter == "b" and self.peek(1) == "g" and self.peek() == "{":
                self.exactly("{g}", "\\b{")
            return "endless" if letter == "X" else ""
        if letter == "N":
            if not (found := re.compile(r"\{([A-Za-z0-9 _-]+)\}").match(self.text, self.at)):
                raise NotJava("\\N without the name of a character")
            if not _is_a_character(found[1]):
                raise NotJava(f"no character is called {found[1]!r}")
            self.at = found.end()
            return ""
        if letter == "k" and not in_class:
            if self.take() != "<":
                raise NotJava("\\k without <name>")
            if (name := self.name()) not in self.names:
                raise NotJava(f"there is no group called {name} before \\k<{name}>")
            return "endless"
        if letter in "123456789" and not in_class:
            self.digits()
            return "endless"
        return self.character(letter)

    def character(self, letter: str) -> str:
        if letter == "0":
            found = re.compile(r"[0-3]?[0-7]{1,2}").match(self.text, self.at)
            if not found:
                raise NotJava("\\0 without an octal number")
            self.at = found.end()
            return chr(int(found[0], 8))
        if letter == "c":
            if self.at_end:
                raise NotJava("\\c at the end")
            return chr(ord(self.take()) ^ 64)
        if letter in "xu":
            found = re.compile(r"[0-9A-Fa-f]{2}" if letter == "x" else r"[0-9A-Fa-f]{4}").match(self.text, self.at)
            if letter == "x" and self.peek() == "{":
                found = re.compile(r"\{([0-9A-Fa-f]+)\}").match(self.text, self.at)
            if not found or len(found[0]) > 20 or int(found[0].strip("{}"), 16) > 0x10FFFF:
                raise NotJava(f"\\{letter} without a hexadecimal number")
            self.at = found.end()
            return chr(int(found[0].strip("{}"), 16))
        if letter in _LETTERS_TAKEN:
            return {"a": "\a", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}.get(letter, "")
        if letter.isascii() and letter.isalnum():
            raise NotJava(f"\\{letter} means nothing to Java here")
        return letter

    def family(self) -> None:
        if self.peek() != "{":
            name = self.take()
        else:
            end = self.text.find("}", self.at)
            if end < 0:
                raise NotJava("\\p{ without }")
            name, self.at = self.text[self.at + 1 : end], end + 1
        if not _FAMILIES.fullmatch(name):
            raise NotJava(f"Java knows no characters called {name!r}")

    def exactly(self, wanted: str, what: str) -> None:
        if self.text[self.at : self.at + len(wanted)] != wanted:
            raise NotJava(f"{what} is not known to Java here")
        self.at += len(wanted)

    def character_class(self, depth: int, *, after_and: bool = False) -> None:
        """From its [ to its ]; the right side of && ends before the ]."""
        if depth > _DEEPEST:
            raise _LeftToJava
        if not after_and:
            self.at += 1
            if self.peek() == "^":
                self.at += 1
        something = False
        while True:
            if self.at_end:
                raise NotJava("a class of characters [ without its ]")
            if self.peek() == "[":
                self.character_class(depth + 1)
            elif self.text.startswith("&&", self.at):
                self.at += 2
                right = False
                while self.peek() not in ("]", "&"):
                    if self.peek() == "[":
                        self.character_class(depth + 1)
                    else:
                        self.character_class(depth + 1, after_and=True)
                    right = True
                if not (something or right):
                    raise NotJava("&& between nothing")
            elif self.peek() == "]" and something:
                self.at += 0 if after_and else 1
                return
            else:
                self.one_or_range()
            something = True

    def one_or_range(self) -> None:
        first = self.one()
        if first and self.peek() == "-" and self.peek(1) not in ("[", "]", _END):
            self.at += 1
            last = self.one()
            if not last or last < first:
                raise NotJava(f"a range that ends before it begins: {first}-{last}")

    def one(self) -> str:
        return self.escape(in_class=True) if self.peek() == "\\" else self.take()


def _is_a_character(name: str) -> bool:
    """Whether one character has this name: no alias and no sequence of several, as neither is known to Java."""
    wanted = name.strip().upper()
    try:
        found = unicodedata.lookup(wanted)
    except KeyError:
        return False
    return len(found) == 1 and unicodedata.name(found, "") == wanted
