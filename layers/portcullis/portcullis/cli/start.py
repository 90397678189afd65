"""The `portcullis` command, from its first moment: what it takes to say more is imported by `main`, and that takes a while."""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def _end(_number: int, _frame: object) -> None:
    """Nothing was begun: there is nothing to put away, and whatever is being imported cannot be broken off cleanly."""
    os.write(2, b"portcullis: interrupted\n")
    os._exit(_INTERRUPTED)


def run() -> None:
    """The `portcullis` command."""
    before = signal.getsignal(signal.SIGINT)
    ends = before is signal.default_int_handler  # else it is ignored, as `nohup` has it, and stays so
    if ends:
        signal.signal(signal.SIGINT, _end)
    from portcullis.cli.main import main

    if ends:
        signal.signal(signal.SIGINT, before)
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
