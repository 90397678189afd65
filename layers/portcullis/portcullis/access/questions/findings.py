"""What of a state of access is seldom meant: paths to administration, misspelt patterns, grants nobody has, people far ahead of
their group. As data; nothing here knows an engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from portcullis.access.plan import Grant
from portcullis.access.questions.answers import KeptOut
from portcullis.access.questions.persons import Person, granting

PATH = "path-to-administration"
NOBODY = "pattern-fits-nobody"
EVERYBODY = "pattern-fits-everybody"
NO_INDEX = "pattern-fits-no-index"
MISSPELT = "pattern-one-letter-away"
UNUSED = "grant-nobody-has"
LIFTED = "alias-filter-lifted"
AHEAD = "far-more-than-their-group"
CODES = (PATH, EVERYBODY, LIFTED, MISSPELT, AHEAD, NOBODY, UNUSED, NO_INDEX)  # the gravest first

_SMALLEST_GROUP = 3  # of fewer, no median says what is usual
_TIMES, _MORE = 2, 3  # far: more than so many times the median, and at least so many beyond it
_LEAST_LETTERS = 3  # of a pattern: with fewer, one letter is too much of it


@dataclass(frozen=True, slots=True)
class Found:
    """`path`: step by step, from whom it begins with. `certain` false: it depends on what nobody here can see, and `says` tells on what."""

    code: str
    about: str
    says: str
    remedy: str
    path: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Findings:
    """`kept_out`: whom the engine would let in, and the network or a policy does not. `exit_status`: 3 if there is a finding and that was
    asked, else 0."""

    deployment: str
    answer: str  # one sentence
    findings: tuple[Found, ...]
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    kept_out: tuple[KeptOut, ...] = ()
    exit_status: int = 0


@dataclass(frozen=True, slots=True)
class WayUp:
    """How whoever has some roles comes to administer, after the first of `steps`, which is a role that they have."""

    steps: tuple[str, ...]
    unless: str = ""  # the setting of the engine that it hangs on, in words


@dataclass(frozen=True, slots=True)
class Pattern:
    """What lets in whoever fits it. `anybody`: in words, if that is whoever there is; `whom`: those people of `among` whom it lets in,
    None if only the engine can tell. `among`: how many are known who could be let in so."""

    about: str
    says: str
    whom: tuple[Person, ...] | None
    among: int
    anybody: str = ""


def in_order(found: Iterable[Found]) -> tuple[Found, ...]:
    """The gravest first; of one kind what is certain first."""
    return tuple(sorted(set(found), key=lambda one: (CODES.index(one.code), not one.certain, one.about, one.says)))


def unused(grants: Sequence[Grant], people: Collection[Person], unread: Collection[str]) -> Iterator[Found]:
    """Grants that no person has. Of a group that could not be read nothing is said."""
    nobody: dict[tuple[str, str, str], list[str]] = {}
    for grant in grants:
        subject = str(grant.subject)
        if subject in unread or any(granting((grant,), person, grant.role) for person in people):
            continue
        behind = [person for person in people if subject in person.groups]
        nobody.setdefault((subject, grant.source, _some(behind)), []).append(grant.role)
    for (subject, source, behind_it), roles in nobody.items():
        why, remedy = "nobody is in it or called so", "take the grant out, or find out who should have it"
        if behind_it:
            why = f"the token of {behind_it} carries the role of another group"
            remedy = "grant by members, which adds up, or take them out of the other group"
        given = f"{' and '.join(roles)} {'is' if len(roles) == 1 else 'are'} granted to {subject} ({source})"
        yield Found(UNUSED, subject, f"{given} and nobody has it: {why}", remedy)


def ahead(counts: Iterable[tuple[Person, int]]) -> Iterator[Found]:
    """People who may do far more than the median of their group. `counts`: on how many indices each may read, and write."""
    groups: dict[str, list[tuple[Person, int]]] = {}
    for person, has in counts:
        for group in person.groups:
            groups.setdefault(group, []).append((person, has))
    for group, members in sorted(groups.items()):
        if len(members) < _SMALLEST_GROUP:
            continue
        usual = median(has for _, has in members)
        for person, has in members:
            if has > _TIMES * usual and has >= usual + _MORE:
                others = [one for one in person.groups if one != group]
                by = f"; they are in {', '.join(others)}, too" if others else "; by no other group"
                says = f"{person} may read or write {has} times (an index each), the median of {group} is {usual:g}{by}"
                remedy = f"portcullis why {person} INDEX says by what; take away what they do not need"
                yield Found(AHEAD, str(person), says, remedy)


def whom_patterns_fit(patterns: Iterable[Pattern]) -> Iterator[Found]:
    """Of patterns of which it is known whom they let in."""
    for one in patterns:
        let_in = one.whom or ()
        if one.anybody or (one.among > 1 and len(let_in) == one.among):
            whom = one.anybody or f"all {one.among} people who are known"
            remedy = "name the people or the group; portcullis who-can shows what it gives them"
            yield Found(EVERYBODY, one.about, f"{one.says} lets in {whom}", remedy)
        elif not let_in:
            remedy = "correct it, or take it out: whoever is called so one day is let in"
            yield Found(NOBODY, one.about, f"{one.says} fits nobody who is known", remedy)


def lifted(found: Iterable[tuple[str, str]]) -> Iterator[Found]:
    """Of roles that reach indices by an alias alone, on an engine that leaves out what is forbidden (measured on 2.19.3 and 3.4.0)."""
    for role, alias in found:
        says = f"{role} reaches what is behind the alias {alias} by that name alone, and do_not_fail_on_forbidden is on: {_WITHOUT_FILTER}"
        yield Found(LIFTED, role, says, _WITH_FILTER)


_WITHOUT_FILTER = "a filter of the alias is no limit, as whoever names a forbidden index beside it is shown all of it"
_WITH_FILTER = "put the filter into the role (dls), or switch do_not_fail_on_forbidden off"


def near(pattern: str, names: Collection[str]) -> str:
    """A name that the pattern misses by one letter: one too many, one missing, another one, or two the wrong way round. "" if there is
    none. Digits are no misspelling: orders-1 is not orders-2."""
    if sum(sign.isalpha() for sign in pattern) < _LEAST_LETTERS:
        return ""
    return next((name for name in sorted(names) if _nearly(pattern, name)), "")


def _nearly(pattern: str, name: str) -> bool:
    """Whether one edit of a letter of the pattern makes it fit: the usual table of distances, with `*` and `?` in it, cut at 1."""
    # rows[i]: for pattern[:i], edits -> places of the name that are reached
    places: list[list[set[int]]] = [[set(), set()] for _ in range(len(pattern) + 1)]
    places[0][0] = {0}
    for at in range(len(pattern) + 1):
        here = places[at]
        here[1] |= {
            place + 1 for place in here[0] if place < len(name) and name[place].isalpha()
        }  # a letter is missing
        if at == len(pattern):
            break
        sign, after = pattern[at], places[at + 1]
        for edits in (0, 1):
            for place in here[edits]:
                if sign == "*":
                    after[edits] |= set(range(place, len(name) + 1))
                elif place < len(name) and sign in ("?", name[place]):
                    after[edits].add(place + 1)
        for place in here[0] if sign.isalpha() else ():
            after[1].add(place)  # one letter too many
            if place < len(name) and name[place].isalpha():
                after[1].add(place + 1)  # another letter
            two = pattern[at : at + 2]
            if len(two) == 2 and two[1].isalpha() and name[place : place + 2] == two[::-1]:
                places[at + 2][1].add(place + 2)
    return len(name) in places[-1][1] and len(name) not in places[-1][0]


def _some(people: Sequence[Person]) -> str:
    names = ", ".join(str(one) for one in people[:3])
    return names + (f" and {len(people) - 3} more" if len(people) > 3 else "")
