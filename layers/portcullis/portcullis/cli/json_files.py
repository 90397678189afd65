"""A JSON file that a person names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from portcullis.errors import BadInput


def read_json(file: str, *, remedy: str = "see `portcullis decide --help`") -> Any:
    """What is in it; `-` is standard input. BadInput if it cannot be read, or is no JSON: then `remedy` says what would be."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"cannot be read: {error}", source=file, remedy="name a JSON file, or - for standard input"
        ) from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"is no JSON: {error}", source=file, remedy=remedy) from None
    except RecursionError:
        raise BadInput("is nested too deep", source=file, remedy=remedy) from None
