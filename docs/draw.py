"""`make docs`: draws the rooms of the library, and the walk of a change through them, into docs/architecture.md, from the code.

The rooms and who imports whom come from the sources. The walk is traced while a change runs: a person's apply, on the engine and the
account that the tests keep in memory.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import grimp

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "layers" / "portcullis" / "portcullis"
PAGE = ROOT / "docs" / "architecture.md"
# From the top down, as .importlinter has it.
LEVELS = (
    ("cli",),
    ("entry",),
    ("wiring",),
    ("operations", "adapters"),
    ("ports",),
    ("model", "families", "custody", "watch"),
    ("signals", "access"),
)
_SHOWN = frozenset(room for level in LEVELS for room in level)


def rooms() -> str:
    """Which room imports which, as a mermaid graph; what is said on an arrow is by how many imports."""
    graph = grimp.build_graph("portcullis")
    counted: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            pair = (_room(importer), _room(imported))
            if pair[0] != pair[1] and set(pair) <= _SHOWN:
                counted[pair] += 1
    lines = ["```mermaid", "flowchart TD"]
    for number, level in enumerate(LEVELS):
        lines.append(f"  subgraph level{number}[ ]")
        lines += [f"    {room}" for room in level]
        lines.append("  end")
    lines += [f"  {one} -->|{times}| {other}" for (one, other), times in sorted(counted.items())]
    return "\n".join([*lines, "```"])


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def folders() -> str:
    """Each folder with what its `__init__` says of it, and how many modules it has."""
    lines = ["| folder | what it is for | modules |", "|---|---|---|"]
    for file in sorted(LIBRARY.rglob("__init__.py")):
        folder = file.parent.relative_to(LIBRARY).as_posix()
        said = file.read_text(encoding="utf-8").lstrip().removeprefix('"""').split("\n")[0].removesuffix('"""')
        modules = sum(1 for one in file.parent.glob("*.py") if one.name != "__init__.py")
        if folder != "." and modules:
            lines.append(f"| `{folder}/` | {said} | {modules} |")
    return "\n".join(lines)


def walk() -> str:
    """The modules that a change comes through, in the order of their first call."""
    sys.path.insert(0, str(ROOT))
    from portcullis.operations.access.deployments import apply_text, introduce
    from portcullis.operations.services import Trigger

    from tests.operations.worlds import account, model_text, registration

    made = account()
    introduce(made.services.at(registration("demo")), model_text("  roles: {}\n"), Trigger("a deploy"))
    text = model_text("  roles: {reader: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n")
    seen: dict[str, str] = {}
    doors: dict[str, dict[str, None]] = {}  # module of the operations -> those that call it
    calls: list[str] = []

    def call(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and calls:
            calls.pop()
        if event != "call":
            return
        file = frame.f_code.co_filename
        module = Path(file).relative_to(LIBRARY).as_posix().removesuffix(".py") if file.startswith(str(LIBRARY)) else ""
        calls.append(module)
        if not module or frame.f_code.co_name.startswith("<"):
            return
        seen.setdefault(module, frame.f_code.co_name)
        caller = next((one for one in reversed(calls[:-1]) if _is_operation(one)), "")
        if _is_operation(module) and caller not in ("", module):
            doors.setdefault(module, {})[caller] = None

    sys.setprofile(call)
    try:
        apply_text(made.services, "demo", text, Trigger("portcullis apply", "ann"))
    finally:
        sys.setprofile(None)
    steps = [(module, name) for module, name in seen.items() if _is_operation(module) or module.startswith("families/")]
    lines = ["| # | module | entered by | from |", "|---|---|---|---|"]
    for number, (module, name) in enumerate(steps, 1):
        callers = ", ".join(f"`{one.removeprefix('operations/')}`" for one in doors.get(module, ()))
        lines.append(f"| {number} | `{module}` | `{name}` | {callers} |")
    return "\n".join(lines)


def _is_operation(module: str) -> bool:
    return module.startswith("operations/") and module != "operations/services"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, drawn in (("rooms", rooms()), ("folders", folders()), ("walk", walk())):
        begin, end = f"<!-- {name}: made by `make docs` -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{drawn}\n{end}{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
