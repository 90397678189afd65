"""An answer in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.questions.answers import WORD, Decided, Request
from portcullis.access.questions.persons import Person
from portcullis.words import in_words, many

NO_MAPPING = "no mapping names them"


def sentence(
    person: Person,
    request: Request,
    allowed: bool | None,
    decided: Decided,
    stopped: str,
    unknown: Sequence[str],
    outside: str = "",
) -> str:
    """`outside`: what stops them before the engine is asked, which would let them in."""
    name, does = in_words(person.name), in_words(str(request))
    if allowed is True:
        limited = [one for one in decided.seen if one.allowed and one.limited]
        rest = f", but sees only a part: {limited[0].part}" if limited else ""
        if decided.beyond and not decided.seen:
            rest = ": it is answered, and no index that they see fits"
        rest += _left_out(decided)
        if decided.ends:
            rest = f"; it is answered {decided.ends}"
        return f"yes: {name} may {does}{rest}"
    if allowed is False:
        before = not stopped and in_words(outside)
        return f"no: {name} may not {does}: {before or _no(person, decided, stopped)}"
    return f"{WORD[None]}: whether {name} may {does}: {unknown[0] if unknown else 'nobody here can tell'}"


def _left_out(decided: Decided) -> str:
    """What of a request that is answered is not in the answer, as the end of a sentence."""
    left = [in_words(one.index) for one in decided.seen if one.allowed is False]
    if not left:
        return ""
    return (
        f"; {left[0]} is left out" if len(left) == 1 else f"; {left[0]} and {many(len(left) - 1, 'other')} are left out"
    )


def _no(person: Person, decided: Decided, stopped: str) -> str:
    if stopped and decided.allowed is not False:
        return stopped
    if person.caller is None:
        return person.refused
    if not decided.roles and not decided.elsewhere:
        return decided.nobody or NO_MAPPING
    if not decided.permissions and not decided.beyond:
        return f"no permission of {', '.join(decided.roles)} covers it"
    return decided.reasons[0] if decided.reasons else "the engine refuses it"
