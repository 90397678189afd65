"""A page put into the account's bucket by whoever asks, with their own credentials."""

from __future__ import annotations

from portcullis import wiring
from portcullis.ports.pages import Link


def put_and_link(place: str, page: str, seconds: int) -> Link:
    """Keep `page` at `place` (BUCKET/KEY); a link to it, and to no page that comes later."""
    pages = wiring.pages()
    return pages.link(place, pages.put(place, page), seconds)
