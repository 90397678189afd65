"""What an answer says is seen of an index, read as people read it: whether a document fits, and a field shows."""

from __future__ import annotations

from typing import Any

from portcullis.access.questions.answers import Seen
from portcullis.families.elasticsearch.known.names import matches


def shows(seen: Seen, field: str) -> bool:
    """As the words of an answer say it."""
    for word in seen.fields_only or ("*",):
        shown, _, without = word.partition(" without ")
        grants = [] if shown == "(none)" else shown.split(" and ")
        if any(all(matches(part, field) for part in one.split(" that are ")) for one in grants) and not any(
            matches(one, field) for one in (*seen.fields_hidden, *filter(None, without.split(" and ")))
        ):
            return True
    return False


def fits(document: Any, query: Any) -> bool:
    [(kind, of)] = query.items()
    if kind == "bool":
        return all(fits(document, one) for one in of.get("filter", ())) and (
            "should" not in of or any(fits(document, one) for one in of["should"])
        )
    return kind == "match_all" or all(document.get(name) == value for name, value in of.items())
