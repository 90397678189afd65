"""What the words of a refusal say about the key that a remote cluster is read with: seen on real servers, 8.19 and 9.5."""

from __future__ import annotations

from portcullis.families.elasticsearch.deciding.remote import LIVE

# What a refusal says -> how the key is. The first that fits.
_SAID = (
    ("api key is expired", "expired"),
    ("has been invalidated", "revoked"),
    ("expected api key type of [cross_cluster]", "wrong-type"),
    ("invalid apikey value", "garbage"),
    ("require transport header [_cross_cluster_access_credentials]", "absent"),
    ("unable to find apikey", "revoked"),
    ("unable to authenticate user", "revoked"),
)


def state_told(words: str) -> str:
    """How the key in the keystore is, as a refusal says it; empty where it says nothing of that. `live`: it was told by which key."""
    said = words.lower()
    if "authenticated by api key id" in said:
        return LIVE
    return next((state for part, state in _SAID if part in said), "")


def answered(words: str) -> bool:
    """Whether a refusal is one of an other side that was reached and knows who asks: it only does not permit what was asked."""
    said = words.lower()
    return "is unauthorized for" in said and "towards remote cluster [" not in said
