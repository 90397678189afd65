"""Answers about people, for a person: the most important thing first, in lines of 80 signs. Names are shown as what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from portcullis.cli.console import WIDTH, console, when
from portcullis.words import line, many

_LABEL = 12
_LABELS = {"role by the token": "token", "access policy": "policy"}
_COLOURS = {True: "green", False: "red", None: "yellow"}
_CELLS = {"read": "r", "part": "p", "write": "w"}
_LEGEND = "r reads, p reads a part, w writes, - nothing, ? not known here"
_IN_PART = "? behind a letter: and something more, or how much of it, is not known here"
_AS_WORDS = {"-": "nothing", "?": "not known", "part": "reads a part", "read": "reads", "write": "writes"}
_LONGEST_NAME = 24


def show_why(found: Any) -> None:
    """The sentence, the chain, and what would turn it round."""
    console().prose(found["answer"], fg=_COLOURS[found["allowed"]], bold=True)
    console().text()
    for reason in found["reasons"]:
        _show_reason(reason)
    _section("would allow it", found["would_allow"])
    _section("would let them come as far as the engine", found["would_let_in"])
    show_limits(found)


def _show_reason(reason: Any) -> None:
    label = _LABELS.get(reason["layer"], reason["layer"])
    first, rest = reason["object"] or reason["rule"], reason["rule"] if reason["object"] else ""
    pad = " " * _LABEL
    console().prose(f"{label:<{_LABEL}}{line(first)}", pad)
    if rest:
        console().prose(pad + line(rest), pad, dim=True)
    stops = reason["effect"] in ("stops here", "nobody is let in") or reason["effect"].startswith("gives nothing")
    colour = "red" if stops else "yellow" if reason["effect"] == "not known" else "green"
    console().prose(pad + line(reason["effect"], 2000), pad, fg=colour)
    known = [f"since {when(reason['since'])}"] if reason["since"] else []
    known += [f"by {reason['by']}"] if reason["by"] else []
    known += [f"because of {reason['event']}"] if reason["event"] else []
    if known:
        console().prose(pad + line(", ".join(known), 2000), pad, dim=True)


def show_who_can(found: Any) -> None:
    """Who may, by name; then of whom it is not known."""
    may = [one for one in found["people"] if one["allowed"]]
    perhaps = [one for one in found["people"] if not one["allowed"]]
    question = line(found["question"])
    _show_stopped(found, "nobody may now", bold=True)
    console().prose(f"{_counted(may)} may {question}", bold=True)
    _show_people(may)
    if perhaps:
        console().text(f"of {_counted(perhaps)} it is not known:", bold=True)
        _show_people(perhaps)
    _section("indices", found["indices"])
    show_limits(found)


def _show_people(people: Sequence[Any]) -> None:
    names = [_short(one["name"]) for one in people]
    width = max(map(len, names), default=0)
    for name, one in zip(names, people, strict=True):
        kind = one["person"].partition(":")[0]
        sees = "a part, " if one["limited"] else ""
        through = ", ".join(map(line, one["through"])) or "a mapping by hand"
        console().prose(f"  {name:<{width}}  {kind}, {sees}through {through}", " " * (width + 4))


def show_matrix(found: Any) -> None:
    """Indices have numbers, so that many of them fit beside each other."""
    indices, people = found["indices"], found["people"]
    _show_stopped(found, "nobody is let in now", bold=True)
    title = f"{_counted(people)} by {many(len(indices), 'index', 'indices')}"
    console().text(f"{title} of {found['deployment']}", bold=True)
    console().text(_LEGEND, dim=True)
    if any(cell.endswith(" ?") for one in people for cell in one["cells"]):
        console().text(_IN_PART, dim=True)
    for number, index in enumerate(indices, 1):
        console().text(f"{number:>4}  {line(index, 70)}")
    names = [_short(one["name"]) for one in people]
    width = max(map(len, names), default=0)
    across = max(1, (WIDTH - width) // 4)
    for start in range(0, len(indices), across):
        columns = range(start, min(start + across, len(indices)))
        console().text()
        console().text(" " * width + "".join(f"{number + 1:>4}" for number in columns), bold=True)
        for name, one in zip(names, people, strict=True):
            cells = (_cell(one["cells"][number]) for number in columns)
            console().text(f"{name:<{width}}" + "".join(f"{cell:>4}" for cell in cells))
    show_kept_out(found)
    show_limits(found)


def show_what_if(found: Any) -> None:
    """What would be different, index by index."""
    console().prose(found["answer"], bold=True)
    _show_stopped(found, "nobody is let in now")
    width = max((len(_short(one["index"])) for one in found["changes"]), default=0)
    for one in found["changes"]:
        more = one["before"] == "-"
        sign, colour = ("+", "green") if more else ("-", "red") if one["after"] == "-" else ("~", "yellow")
        now = f"{_in_words(one['before'])} -> {_in_words(one['after'])}"
        console().prose(f"{sign} {_short(one['index']):<{width}}  {now}", " " * (width + 4), fg=colour)
    _section("roles they would have", found["roles_gained"])
    _section("roles they would no longer have", found["roles_lost"])
    show_kept_out(found)
    show_limits(found)


def show_kept_out(found: Any, title: str = "kept out before the engine is asked") -> None:
    told = [f"{one['name']}: {'; '.join(one['why'])}" for one in found["kept_out"]]
    _section(title, told, fg="red")


def _show_stopped(found: Any, words: str, **style: Any) -> None:
    if found["stopped"]:
        console().prose(f"{words}: {found['stopped']}; once it is open:", fg="red", **style)


def show_limits(found: Any) -> None:
    _section("not known here", found["unknown"], fg="yellow")
    _section("not looked at, and before all this", [", ".join(found["not_looked_at"])], dim=True)


def _counted(people: Sequence[Any]) -> str:
    of_groups = any(one["person"].partition(":")[0].endswith("_group") for one in people)
    words = ("group or person", "groups and people") if of_groups else ("person", "people")
    return many(len(people), *words)


def _cell(words: str) -> str:
    return "".join(_CELLS.get(word, word) for word in words.split())


def _in_words(cell: str) -> str:
    words = [_AS_WORDS[word] for word in cell.split()]
    return f"{' and '.join(words[:-1])}, something of it {words[-1]}" if cell.endswith(" ?") else " and ".join(words)


def _short(name: str) -> str:
    shown = line(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 3] + "..."


def _section(title: str, items: Iterable[str], **style: Any) -> None:
    items = list(items)
    if items:
        console().text()
        console().text(f"{title}:", bold=True)
    for item in items:
        console().prose(f"  {line(item, 2000)}", "    ", **style)
