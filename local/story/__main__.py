"""`make demo`: the main job on the embedded default, told as a story."""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is imported ends it at once, and shows no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import inspect
import os
import sys
from contextlib import ExitStack
from typing import Any

from portcullis.errors import BadInput, PortcullisError
from rich.console import Console

from local import embedded
from local.processes import Supervisor
from local.story.book import Book
from local.story.engines import engine_from_environment
from local.story.stages import Alerts
from local.surroundings import set_aside

RESULT = embedded.HOME / "demo.json"


def main() -> int:
    """Play the story; 0 if every expectation held."""
    set_aside()
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    book = Book(console)
    try:
        with embedded.only_one():
            RESULT.unlink(missing_ok=True)
            try:
                _play(book)
            finally:
                book.write(RESULT)
    except PortcullisError as error:
        Console(stderr=True, soft_wrap=True).print(f"portcullis: {error}", style="red", highlight=False, markup=False)
        return error.exit_status
    except KeyboardInterrupt:
        console.print("stopped; everything that was started has ended")
        return 130
    except Exception:
        if not book.stages or book.stages[-1].ok:
            raise
        console.print(
            f"the story broke off at {book.stages[-1].name!r}; see {RESULT.relative_to(embedded.PROJECT)}", style="red"
        )
        if os.environ.get("PORTCULLIS_TRACEBACK"):
            raise
        return 1
    console.print(book.table())
    console.print(
        f"written to {RESULT.relative_to(embedded.PROJECT)}; the parts' logs are in .portcullis/run", style="dim"
    )
    return 0 if book.ok else 1


def _play(book: Book) -> None:
    engine = engine_from_environment()
    if engine.of_two:
        raise BadInput(
            "the story is that of one cluster", source="environment", place="CLUSTERS", remedy="make up plays with two"
        )
    with ExitStack() as ends:
        with book.stage("up", f"A real {engine.title}, the emulated AWS, our stacks deployed") as stage:
            whole = ends.enter_context(engine.running(engine.parts, lambda line: _tell(book, line)))
            watch = ends.enter_context(Supervisor())  # a part that dies ends the story there and then
            for part in (*whole.nodes.values(), whole.aws):
                watch.keep(part)
            stage.note(f"{engine.place} {whole.deployment} behind https://{whole.door}; {len(whole.outputs)} stacks")
        have: dict[str, Any] = {"cast": engine.cast(whole), "alerts": Alerts(whole), "book": book}
        for name, title, play in engine.stages:
            with book.stage(name, title) as stage:
                asked = [have[wanted] for wanted in list(inspect.signature(play).parameters)[1:]]
                play(stage, *asked)


def _tell(book: Book, line: str) -> None:
    book.console.print(f"   {line}", style="dim", highlight=False, markup=False)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
