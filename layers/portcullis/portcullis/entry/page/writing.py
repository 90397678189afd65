"""One HTML file of what was found: style, script and data in it, and nothing that is asked of anybody.

What people name is data, never mark-up: it stands in the file as JSON in which no sign can end the script that it is in, and the script
puts it in as text. Signs that turn the direction of writing, or cannot be seen, are shown as their numbers. The file's own policy lets
its own script and style run, by their digests, and no other, and lets it ask nobody. A live page may ask whoever served it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from importlib.resources import files
from typing import Any

from portcullis.words import line

_LONGEST = 20_000_000  # of one text: the bits of a very large picture
_ENDS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page(data: Any, *, live: bool = False) -> str:
    """`data`: plain JSON, as `portcullis.entry.page.gathering` puts it together.

    `live`: with a second script, which asks whoever served the page for its data again, and nobody else.
    """
    style, script, frame, again = (
        files(__package__).joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js", "html", "live.js")
    )
    parts = {
        "SCRIPT_HASH": _digest(script),
        "STYLE_HASH": _digest(style),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(data),
        "LIVE_POLICY": f" '{_digest(again)}'; connect-src 'self'" if live else "",
        "LIVE": f"<script>{again}</script>\n" if live else "",
    }
    first, *rest = frame.split("@")  # each part once, so that nothing in one is taken for the name of another
    made = [first]
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        made += [parts[name], text]
    return "".join(made)


def embedded(data: Any) -> str:
    """JSON as it may stand in a script element."""
    text = json.dumps(_shown(data), ensure_ascii=False, separators=(",", ":"))
    return "".join(_ENDS.get(sign, sign) for sign in text) if any(sign in text for sign in _ENDS) else text


def _shown(value: Any) -> Any:
    """Every text as what it is: one line, of signs that can be seen."""
    if isinstance(value, str):
        return line(value, _LONGEST)
    if isinstance(value, dict):
        return {line(key, _LONGEST): _shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    return value


def _digest(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
