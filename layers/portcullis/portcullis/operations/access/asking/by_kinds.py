"""Which indices a question about many is asked of: one of each kind that are alike to a person, as the others are told the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from portcullis.access.questions.answers import Request, There
from portcullis.access.questions.persons import Person
from portcullis.operations.access.asking.scene import Scene

_MANY = 3  # indices, of which some may be alike


def one_of_each(
    scene: Scene, person: Person, request: Request, there: There, of: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], Mapping[str, Sequence[str]]]:
    """What to ask about, and of each index among it those that are like it. What is no index, or is none here, is asked about by itself;
    `of` says of which of these an index is: they show it, too."""
    if request.path or person.caller is None or len(request.indices) < _MANY:
        return request.indices, {}
    known = frozenset(there.indices or ())
    like: dict[str, list[str]] = {}
    for kind in scene.answers.alike(scene.held, person.caller, [one for one in request.indices if one in known], there):
        first: dict[tuple[str, ...], str] = {}
        for index in kind:
            like.setdefault(first.setdefault(of.get(index, ()), index), []).append(index)
    asked = (*like, *(one for one in request.indices if one not in known))
    if len(asked) == 1:  # an index that is asked about alone is asked about as people send it
        asked = tuple(next(iter(like.values()), asked))[:2]
    return asked, like


def within(there: There, names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Of each index the aliases and data streams among these names that it is of."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for index in (*(there.aliases or {}).get(name, ()), *there.streams.get(name, ())):
            found[index] = (*found.get(index, ()), name)
    return found
