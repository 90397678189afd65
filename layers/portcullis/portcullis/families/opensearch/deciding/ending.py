"""A request that ends in an error before all that it needs is asked for: nobody is refused for what is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from portcullis.access.questions.answers import parted
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.limiting.view import Decision
from portcullis.families.opensearch.names.dates import NotKnown
from portcullis.families.opensearch.names.world import SEARCHED, NotThere, Refused, Release
from portcullis.families.opensearch.requesting.actions import ROLLOVER, ends, is_cluster_action
from portcullis.families.opensearch.requesting.need import Need, W

Fields = Mapping[str, Sequence[str]]  # index -> the fields that its mapping has
NO_FIELDS: Fields = MappingProxyType({})


def of_each(asked: Compiled, wanted: Sequence[Need]) -> Iterator[Need]:
    """What is asked for index by index, by the names of those that there are."""
    for need in wanted:
        if need.of_each is None or not asked.names.place:
            yield need
            continue
        try:
            # Where nothing is named hidden ones are among all that there are.
            how = need.of_each if need.indices else replace(need.of_each, hidden=True)
            names = tuple(asked.names.names(asked.names.concrete(need.indices, how)))
        except (NotKnown, NotThere, Refused):
            yield need
            continue
        if names or is_cluster_action(need.action):
            yield replace(need, indices=names, options={"ignore_unavailable": "true"})


def ends_with(asked: Compiled, need: Need, error: str) -> bool:
    """Whether a request ends with this error of what is permitted, so that the rest of it is not asked for."""
    older = asked.world.release is Release.V2
    ending = bool(error) and bool(asked.names.place) and need.item is None and not need.perhaps
    return ending and ends(need.action, older=older)


def with_error(asked: Compiled, need: Need, answer: Decision, fields: Fields = NO_FIELDS) -> Decision:
    """What is permitted, with the error in which it ends by the names it is about, or by what it sorts them by."""
    if answer.allowed and (error := _ended(asked, need) or _unsorted(need, answer, fields)):
        return replace(answer, error=error)
    return replace(answer, error="") if need.made or need.perhaps else answer


def _unsorted(need: Need, answer: Decision, fields: Fields) -> str:
    """Why no index that is reached can be sorted: a part that can is answered without the others. The plugin's own has no such field."""
    if not need.sorts or answer.error or answer.beyond or not (answer.own or answer.visible):
        return ""
    for index in answer.visible:
        if not any(_lacks(fields, index, name) for name in need.sorts):
            return ""
    return f"400: no index that is reached has {' and '.join(need.sorts)} to sort by"


def _lacks(fields: Fields, index: str, name: str) -> bool:
    """A field may have others of its own, which are not told: `msg.keyword`."""
    known = fields.get(index)
    return known is not None and not any(name == one or name.startswith(f"{one}.") for one in known)


def _ended(asked: Compiled, need: Need) -> str:
    names = asked.names
    if not names.place or need.made:
        return ""
    if need.action == ROLLOVER and not names.of(need.indices) & (names.aliases | names.streams):
        return f"400: {', '.join(need.indices)} is no alias and no data stream, and nothing else is rolled over"
    if need.action != f"{W}reindex" or parted(need.indices)[1]:
        return ""
    try:
        names.concrete(need.indices, SEARCHED)
    except NotThere as missing:
        return f"404: {missing} does not exist"
    except Refused as closed:
        return f"400: {closed}"
    except NotKnown:
        return ""
    return ""
