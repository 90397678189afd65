"""The pages of runbooks/, read: their parts, the command lines they quote, what those print."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "runbooks"
PARTS = (
    "You see",
    "It means",
    "Already done",
    "Do, in order",
    "Check that it is over",
    "Never",
    "From the console",
    "Tell",
)
PLACES = ("domain", "cluster")  # where a deployment may be; what differs is said on the page for each
_FENCE = re.compile(
    r"^( *)```console(?: (run)(?: (domain|cluster))?(?: exit=(\d|any))?)?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"`((?:portcullis|aws) [^`]+)`")


@dataclass(frozen=True)
class Command:
    """A line as it is typed, and what it prints (`...` for what differs). `exit` is None where any will do; `place` is empty where it is
    typed at both."""

    page: str
    line: str
    prints: str = ""
    run: bool = False
    exit: int | None = 0
    place: str = ""

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)

    def matches(self, printed: str) -> bool:
        """`...` on a line of its own stands for any lines, or none; within a line for anything."""
        lines = [
            r"(?:.*\n)*?" if line == "..." else r".*".join(map(_spaced, line.split("..."))) + r" *\n"
            for line in self.prints.splitlines()
        ]
        return re.fullmatch("".join(lines), printed) is not None if self.prints else True


def _spaced(text: str) -> str:
    """Literally, but however many blanks."""
    return re.sub(r"(?:\\ )+", " +", re.escape(text))


@dataclass(frozen=True)
class Page:
    """One page."""

    name: str
    text: str = field(repr=False)

    @property
    def parts(self) -> dict[str, str]:
        pieces = re.split(r"^## (.*)$", self.text, flags=re.MULTILINE)
        return dict(zip(pieces[1::2], pieces[2::2], strict=True))

    @property
    def commands(self) -> list[Command]:
        """Every command line in a block, in order."""
        found = []
        for indent, run, place, status, body in _FENCE.findall(self.text):
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
            if not starts or starts[0]:
                raise ValueError(f"{self.name}: a block that does not begin with a command")
            for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
                prints = "".join(line + "\n" for line in lines[start + 1 : end])
                wanted = None if status == "any" else int(status or 0)
                found.append(Command(self.name, lines[start][2:], prints, bool(run), wanted, place))
        return found

    def typed(self, place: str) -> list[Command]:
        """Those that are to be typed where the deployment is a domain, or a cluster that runs elsewhere."""
        return [command for command in self.commands if command.run and command.place in ("", place)]

    @property
    def quoted(self) -> list[Command]:
        """Those in blocks, and those in the running text."""
        prose = _FENCE.sub("", self.text)
        return self.commands + [Command(self.name, line) for line in _INLINE.findall(prose)]


def page(name: str) -> Page:
    return Page(name, (FOLDER / f"{name}.md").read_text(encoding="utf-8"))


NAMES = sorted(file.stem for file in FOLDER.glob("*.md") if file.stem != "README")
PAGES = [page(name) for name in NAMES]
