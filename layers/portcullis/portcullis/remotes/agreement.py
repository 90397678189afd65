"""Which offer a remote cluster is read by: one rule, for files alone and for what is deployed. Pure.

They are known to belong together by the secret that the key's text is put into. A remote that names a deployment is read by an offer of
that one alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.errors import Refused

Offered = tuple[str, str, str]  # deployment, offer, secret


def is_of(giver: str, secret: str, deployment: str, credential: str) -> bool:
    """Whether an offer of `giver` in `secret` is what a remote with this `deployment` (empty: an address alone) and `credential` is
    read by."""
    return bool(secret) and secret == credential and deployment in ("", giver)


def offer_behind(reader: str, deployment: str, credential: str, offered: Iterable[Offered]) -> tuple[str, str] | None:
    """The deployment and the offer that a remote of `reader` is read by; None if none of these. Refused if two could be meant."""
    found = [
        (giver, name)
        for giver, name, secret in offered
        if giver != reader and is_of(giver, secret, deployment, credential)
    ]
    if len(found) > 1:
        named = ", ".join(f"{name} of {giver}" for giver, name in found)
        raise Refused(f"the secret {credential} is that of {named}: give each offer a secret of its own")
    return found[0] if found else None
