"""Files that a command writes: whole or not at all, so that a full disk or Ctrl-C costs nobody the file that they had."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path

from portcullis.errors import BadInput, PortcullisError, Refused


def write_new(path: Path, text: str) -> None:
    """A file that is not there yet. BadInput if it is, or cannot be written: then nothing is left of it."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        remedy = "choose another name, or take the file away first"
        raise BadInput("is there already, and is not overwritten", source=str(path), remedy=remedy) from None
    except (OSError, ValueError) as error:
        raise _cannot_be_written(path, error) from None


def write_over(path: Path, text: str, *, private: bool = False) -> None:
    """A file, in place of the one that may be there, whose mode it keeps; `private`: nobody but its owner may read it.

    What is no file (a device, a pipe) is written to. BadInput if it cannot be written: what was there is as it was.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8")
        else:
            _replace(path.resolve(), text, private=private)
    except (OSError, ValueError) as error:
        raise _cannot_be_written(path, error) from None


def write_back(path: Path, before: str, after: str) -> None:
    """A file whose text was changed, with the line ends and the mode that it has; and not over what somebody wrote meanwhile.

    Refused if it is not `before` any more; PortcullisError if it cannot be written.
    """
    try:
        if path.read_text("utf-8") != before:
            raise Refused(f"{path} was changed meanwhile: ask again")
        ends = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
        _replace(path.resolve(), after, ends=ends)
    except OSError as error:
        raise PortcullisError(f"{path} cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str, *, ends: str = "", private: bool = False) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    mode = 0o600 if private else path.stat().st_mode & 0o777 if path.exists() else None
    try:
        # Made with its mode: whoever opens it while it is empty reads what is written to it later.
        opener = partial(os.open, mode=0o666 if mode is None else mode)
        with open(fresh, "x", encoding="utf-8", newline=ends, opener=opener) as file:
            if mode is not None:
                fresh.chmod(mode)  # also what the umask took off
            file.write(text)
        fresh.replace(path)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _cannot_be_written(path: Path, error: OSError | ValueError) -> BadInput:
    problem = getattr(error, "strerror", None) or str(error)
    return BadInput(f"cannot be written: {problem}", source=str(path), remedy="name a file that can be written")
