"""What a function may answer: Lambda takes 6 MB (6,291,556 bytes) of JSON, and ends whatever answers more with an error without a remedy.

Whoever can unpack (the command says that it can) gets what is larger packed: tables of people and indices repeat themselves, and pack to
a twentieth. What is still too large, or was asked for by somebody who cannot unpack, is an error that says what to ask for instead. So
no answer is cut here: who reads a list takes it for all of it.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from portcullis.entry.verbs import VERBS
from portcullis.entry.verbs.types import LOOK
from portcullis.errors import PortcullisError, Refused

MOST = 6_000_000  # bytes of an answer; the rest of what Lambda takes is for what stands around it
PACKED = "packed"  # of an answer; and of a request, whose sender can unpack
# What to ask for instead. Of the others what there is to leave out is not for the asker to choose.
_LESS = {
    "access": "name some people or indices: --user and --index take patterns",
    "access-between": "name some people or indices (--user and --index take patterns), or a shorter time",
    "history": "ask for fewer entries (--limit), or for some of them (--operation, --by, --since)",
    "matrix": "name some indices by a pattern, or some people by --person",
    "plan": "plan some roles of the file: --only NAME",
    "who-can": "name fewer indices",
}
_NO_FUNCTION = "ask where the domain can be reached, with --direct: then no function is asked"


def fitted(answer: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as it goes out. PortcullisError if it is too large, packed too."""
    text = json.dumps(answer)  # in ASCII, which is never shorter than what the runtime sends
    if len(text) <= MOST:
        return answer
    packed = b64encode(zlib.compress(text.encode())).decode() if request.get(PACKED) is True else ""
    if packed and len(packed) <= MOST:
        return {"exit_status": answer["exit_status"], PACKED: packed}
    verb = str(request.get("verb"))
    large = f"has {len(text) / 1e6:.0f} MB, and a function answers at most {MOST / 1e6:.0f}"
    if verb in VERBS and VERBS[verb].level != LOOK:
        raise PortcullisError(f"{verb} was done, and what it answers {large}: portcullis history says what was done")
    raise Refused(f"the answer to {verb} {large}: {_LESS.get(verb, _NO_FUNCTION)}")


def unpacked(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer as it was before it was packed."""
    if PACKED not in payload:
        return payload
    found: dict[str, Any] = json.loads(zlib.decompress(b64decode(payload[PACKED])))
    return found
