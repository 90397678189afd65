"""Patterns as people could write them, to the plugin's own matcher: which Java compiles, and whether they fit a name.

`python -m benchmarks.deciding.kept --of matcher` asks the matcher of a release and keeps what it said.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from portcullis.families.opensearch.names.java_regex import groups
from portcullis.families.opensearch.names.matching import is_expression, match
from portcullis.families.opensearch.names.patterns import unreadable

Json = dict[str, Any]
Pair = tuple[str, str]
_AT_ONCE = 250
# Anything that begins something, ends something or means something, also where it means nothing.
_SIGNS = (
    r"a b 1 2 , - & é ( ) [ ] { } * + ? | ^ $ . \ && (?: (?= (?! (?<= (?<! (?> (?<n> (?<n1> (?i) (?i: (?-s) (?is-U) (?x) (?P<n> (?# (?' [^"
    r" [a-z] [^a-] [b-a] [\d-a] [a&&b] [a[b]] [a&&[^b]] [&&] a- \- [] \[ {2} {2,} {2,1} {,2} {2147483648} {1,99999999999} ++ ??"
    r" \k<n> \k<n1> \k{n} \k \1 \9 \12 \d \D \p{L} \p{Lx} \p{IsGreek} \p{Foo} \P{Alpha} \p{Sc} \p{ASCII} \p{XDigit} \p{javaLowerCase} \p{L"
    r" \pL \pY \x41 \x4 \x{41} \x{110000} \x{ \u0041 \u00 \Q \E \b \b{g} \b{x} \B \A \z \Z \G \R \X \N \N{DIGIT_ONE} \y \i \07 \0377 \08 \0"
    r" \c \cA \e \a \f \n \r \t \h \H \v \V \s \S \w \W \K \_ \# \é \~"
)
_ANYTHING = _SIGNS.split(" ")
# Each with a piece of a name that it fits.
_FITTING = (
    r"a=a a=a b=b c=c -=- .=1 1=1 _=_ a*=aa a+=a b?= .*=ab .+=c .=- [ab]=b [^a]=c [a-c]=b [^b-c]=a [.-]=- [-a]=- [a_-]=_ [\d]=1"
    r" [\w.]=. [\-a]=- \d=1 \D=a \w=_ \W=- \s=- \S=a \.=. \-=- \x61=a \x2d=- (a)=a (b|c)=c"
    r" (?:ab)?=ab (?:a|b-)+=b-a (?<n>a)=a (a|)= a{2}=aa a{1,2}=a"
    r" b{1,}=bb c{0}= (?i)A=a (?i:B)=b (?i)a(?-i)B=AB (?s).=a (?-s).=b ^= $= |= \A= \z= a*?=a b+?=bb c??=c [\]a]=a \\=- \[=a"
)
_PLAIN = [tuple(one.split("=")) for one in _FITTING.split(" ")]
_AHEAD = ("", "", "", "(?!b)", "(?!a|b)", "(?=a)", "(?!.*c$)", "(?=[ab])", "^(?!a-)", "(?!(?:b))", "^")
_WILD = ("a", "b", "-", "*", "?", ".", "**", "/", "[a]", "a+", "*a")
_NAMES = "aaabbc-.1_AB"


def pairs(seed: int, how_many: int) -> Iterator[Pair]:
    chance = random.Random(seed)
    for _ in range(how_many):
        some = chance.randint(1, 6)
        name = "".join(chance.choice(_NAMES) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4))))
        match chance.random():
            case kind if kind < 0.4:
                pattern = "".join(chance.choice(_ANYTHING) for _ in range(some))
                yield f"/{pattern}/", name
            case kind if kind < 0.85:
                chosen = [chance.choice(_PLAIN) for _ in range(some)]
                pattern = chance.choice(_AHEAD) + "".join(piece for piece, _ in chosen)
                fitting = "".join(fits for _, fits in chosen)
                yield f"/{pattern}/", fitting if chance.random() < 0.7 else name
            case _:
                yield "".join(chance.choice(_WILD) for _ in range(some)), name


def bunches(asked: Sequence[Pair], matched: Sequence[bool | None]) -> Iterator[Json]:
    """A line is some of them, each with what the matcher said: null where Java does not compile it."""
    told = [[*pair, said] for pair, said in zip(asked, matched, strict=True)]
    for start in range(0, len(told), _AT_ONCE):
        yield {"pairs": told[start : start + _AT_ONCE]}


def beside(line: Json) -> tuple[list[str], int]:
    """What is said otherwise than the matcher did, and of how many patterns it is left to Java whether they fit."""
    found, left_open = [], 0
    for pattern, name, said in line["pairs"]:
        why, ours = unreadable(pattern), match(pattern, name)
        left_open += ours is None
        left_to_java = is_expression(pattern) and not why and groups(pattern[1:-1]).count is None
        if bool(why) is not (said is None) and not left_to_java:
            found.append(f"{pattern}: {why or 'is taken'}")
        if ours is not None and ours is not bool(said):
            found.append(f"{pattern} {'fits' if ours else 'does not fit'} {name!r}")
    return found, left_open
