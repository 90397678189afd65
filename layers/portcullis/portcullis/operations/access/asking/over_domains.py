"""What somebody may read on a domain that is connected to another: what `can` and `why` answer, in the form of `remote explain`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from portcullis.access.questions.answers import STATUS, WORD, Far, Layer, Reason, Request, Seen, Why
from portcullis.operations.access.asking.across import CONNECTION
from portcullis.operations.access.asking.edge import Before
from portcullis.operations.access.asking.questions import why
from portcullis.operations.access.asking.scene import Scene, fits
from portcullis.ports.ledger import Change
from portcullis.remotes.parties import Asked, Explained, Limit, Shown
from portcullis.words import in_words, many

_HERE, _THERE = "local", "remote"  # the side that refuses
_UNKNOWN_ALIAS = "unknown-alias"
_CONNECTION = "connection"
_MOST_NAMES = 100  # of a pattern
_MOST_NAMED = 3  # in the sentence
_STOPS = ("stops here", "nobody is let in")
_RULES = {
    Layer.MAPPING: "mapping",
    Layer.PERMISSION: "roles",
    Layer.CARRIED: "person",
    Layer.REMOTE: _CONNECTION,
}
_BY_POLICY = (Layer.POLICY, Layer.IAM)
_NOT_LET_IN, _NOT_THERE = 403, 404


def explained(
    scene: Scene, person: str, asked: Asked, history: Iterable[Change] = (), edge: Before | None = None
) -> Explained:
    """May this person read any index that is meant? Each is asked for by itself, by its own name."""
    far = (scene.there.remotes or {}).get(asked.alias)
    names, more = _names(scene, far, asked)
    told = {name: why(scene, person, _reading(asked, name), edge=edge) for name in names}
    name = max(told, key=lambda one: (told[one].allowed is True, told[one].allowed is None))
    found = why(scene, person, _reading(asked, name), history, edge)
    if scene.there.remotes is not None and far is None:
        return _of_no_alias(found, asked, scene.there.remotes)
    if more and found.allowed is not True:
        doubt = f"{many(more, 'name')} of those that fit were not looked at"
        return _told(found, asked, far, None, f"{WORD[None]}: whether {in_words(found.name)} may read {asked}: {doubt}")
    seen = [one for each in told.values() if each.allowed for one in each.seen if one.allowed]
    answer = _of_a_pattern(found, asked, far, seen) if name != asked.index and found.allowed else found.answer
    side, rule = _refusing(found)
    status = _status(found, far, side, rule)
    return _told(found, asked, far, found.allowed, answer, seen, (side, rule), status)


def cut_off(scene: Scene, person: str, asked: Asked, says: str, *, certain: bool) -> Explained:
    """No search of theirs comes through to the other domain; or, if that is not `certain`, nobody here can tell. `says`: why."""
    found = why(scene, person, _reading(asked, asked.index))
    far = (scene.there.remotes or {}).get(asked.alias)
    before = takewhile(lambda link: link.layer not in (Layer.REMOTE, Layer.CUSTODY), found.reasons)
    link = Reason(Layer.REMOTE, asked.alias, says, "stops here" if certain else "is not known")
    found = replace(found, reasons=(*before, link), unknown=() if certain else (says,))
    name = in_words(found.name)
    if certain:
        return _told(
            found, asked, far, False, f"no: {name} may not read {asked}: {says}", refused=(_THERE, _CONNECTION)
        )
    return _told(found, asked, far, None, f"{WORD[None]}: whether {name} may read {asked}: {says}")


def unsure(found: Explained, asked: Asked, says: str) -> Explained:
    """The same, of which nobody here can tell whether it is so."""
    answer = f"{WORD[None]}: whether {in_words(found.name)} may read {asked}: {says}"
    unknown = tuple(dict.fromkeys((says, *found.unknown)))
    return replace(
        found,
        allowed=None,
        status=None,
        side="",
        rule="",
        answer=answer,
        seen=(),
        unknown=unknown,
        exit_status=STATUS[None],
    )


def _reading(asked: Asked, name: str) -> Request:
    return Request("read", indices=(f"{asked.alias}:{name}",))


def _names(scene: Scene, far: Far | None, asked: Asked) -> tuple[tuple[str, ...], int]:
    """What is asked for by name, and how many names more there are. Of a file names that roles tell apart stand for all."""
    if "*" not in asked.index or far is None:
        return (asked.index,), 0
    there = far.there
    known = dict.fromkeys((*(there.indices or ()), *(there.aliases or ()), *there.streams))
    fitting = [name for name in known if name not in there.hidden and fits(name, (asked.index,))]
    return tuple(fitting[:_MOST_NAMES]) or (asked.index,), max(0, len(fitting) - _MOST_NAMES)


def _refusing(found: Why) -> tuple[str, str]:
    """Which side says no, and by what: the first link of the chain that stops."""
    if found.allowed is not False:
        return "", ""
    beyond = False
    for link in found.reasons:
        beyond = beyond or link.layer is Layer.REMOTE
        if link.effect in _STOPS:
            ours = not beyond or (link.layer is Layer.CUSTODY and link.object == found.deployment)
            return _HERE if ours else _THERE, _RULES.get(link.layer, link.layer.value)
    return "", ""


def _status(found: Why, far: Far | None, side: str, rule: str) -> int | None:
    """What the search is answered; None where that is not known."""
    if found.allowed:
        return int(found.ends[:3]) if found.ends else 200
    if side == _THERE:
        return 200 if far is not None and far.skip_unavailable else _NOT_LET_IN
    return _NOT_LET_IN if rule in _BY_POLICY else None


def _of_no_alias(found: Why, asked: Asked, there: Iterable[str]) -> Explained:
    """Taken for a name of this side, which no index has: whoever may search it by that name is told that it is not there."""
    known = ", ".join(sorted(there)) or "none"
    says = f"{found.deployment} is connected to no domain as {asked.alias} (there is {known})"
    answer = f"no: {in_words(found.name)} may not read {asked}: {says}"
    status = {True: _NOT_THERE, False: _NOT_LET_IN, None: None}[found.allowed]
    return _told(found, asked, None, False, answer, refused=(_HERE, _UNKNOWN_ALIAS), status=status)


def _of_a_pattern(found: Why, asked: Asked, far: Far | None, seen: Sequence[Seen]) -> str:
    names = list(dict.fromkeys(one.index for one in seen))
    more = f" and {many(len(names) - _MOST_NAMED, 'other')}" if len(names) > _MOST_NAMED else ""
    such = "" if far and far.there.every else "such names as "
    part = f", but sees only a part: {seen[0].part}" if seen and seen[0].limited else ""
    return f"yes: {in_words(found.name)} may read of {asked} {such}{', '.join(names[:_MOST_NAMED])}{more}{part}"


def _told(
    found: Why,
    asked: Asked,
    far: Far | None,
    allowed: bool | None,
    answer: str,
    seen: Iterable[Seen] = (),
    refused: tuple[str, str] = ("", ""),
    status: int | None = None,
) -> Explained:
    other = far.called if far else ""
    return Explained(
        found.deployment,
        found.person,
        found.name,
        f"read {asked}",
        asked.alias,
        CONNECTION if far else "",
        far.deployment if far else "",
        "",
        allowed,
        status,
        *refused,
        answer,
        tuple(_shown(one, other) for one in seen) if allowed else (),
        found.reasons,
        found.unknown,
        found.not_looked_at,
        STATUS[allowed],
    )


def _shown(seen: Seen, other: str) -> Shown:
    """All limits are those of the other side."""
    fields: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    if seen.fields_only or seen.fields_hidden:
        fields = ({"grant": seen.fields_only or ("*",), "except": seen.fields_hidden},)
    by_alias = (Limit(f"an alias of {other}", seen.alias_filters),) if seen.alias_filters else ()
    by_roles = Limit(f"roles of {other}", seen.documents, fields, seen.masked)
    return Shown(seen.index.partition(":")[2], (by_roles, *by_alias))
