"""Who decides what somebody may read on a remote cluster, in one sentence and as a chain of reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from portcullis.access.questions.answers import WORD, Far, Layer, Reason
from portcullis.families.elasticsearch.deciding.remote import API_KEY, LIVE, Rule, Side
from portcullis.families.elasticsearch.granting.merging import SUPERUSER
from portcullis.families.elasticsearch.known.names import is_pattern, may_match
from portcullis.families.elasticsearch.over_there.reaching import remote_link, skipped_link
from portcullis.remotes.parties import Asked, Near, Shown, Verdict, Who, listed
from portcullis.words import in_words, many

_MOST_NAMED = 3  # in the sentence


def sentence(
    who: Who, asked: Asked, near: Near, far: Far | None, found: Verdict, seen: Sequence[Shown], unknown: Sequence[str]
) -> str:
    name = in_words(who.name)
    if found.allowed is None:
        return f"{WORD[None]}: whether {name} may read {asked}: {unknown[0] if unknown else 'nobody here can tell'}"
    if found.allowed:
        sees = [f"{one.by} shows {one.words}" for one in (seen[0].limits if seen else ()) if one.words]
        part = f", but sees only a part: {', and '.join(sees)}" if sees else ""
        if found.status == 404:
            part = ": it would, were there an index of this name"
        return f"yes: {name} may read {_what(asked, far, found)}: {_by_what(far, found)}{part}"
    return f"no: {name} may not read {asked}: {_no(who, near, far, found)}"


def _what(asked: Asked, far: Far | None, found: Verdict) -> str:
    """Of a pattern, what of it is seen: that is seldom all."""
    if not is_pattern(asked.index):
        return str(asked)
    names = [f"{asked.alias}:{name}" for name in found.told]
    more = f" and {many(len(names) - _MOST_NAMED, 'other')}" if len(names) > _MOST_NAMED else ""
    such = "" if far is not None and far.there.every else "such names as "
    return f"of {asked} {such}{', '.join(names[:_MOST_NAMED])}{more}"


def _by_what(far: Far | None, found: Verdict) -> str:
    roles = _named("role", found.roles)
    if far is None or far.model != API_KEY:
        return f"{roles} of the same name over there {'allows' if len(found.roles) == 1 else 'allow'} it"
    return f"{_the_key(far)} and {roles} allow it"


def _no(who: Who, near: Near, far: Far | None, found: Verdict) -> str:
    here, there = f"{near.deployment} refuses", f"{(far.deployment or far.alias) if far else ''} refuses"
    if found.rule in ("custody", "person", "unknown-alias"):
        return found.why
    if found.rule == Rule.NO_ENTRY:
        return f"{here}: {found.why}"
    if far is None or not found.rule:
        return found.why or "nothing that fits is seen"
    if found.rule == Rule.KEY:
        asks = f", whatever {_named('role', found.roles)} asks for" if found.roles else ""
        return f"{there}: {_the_key(far)} does not allow it{asks}"
    if found.rule == Rule.BOTH:
        return f"{there}: neither {_the_key(far)} nor a role of theirs allows it"
    if found.rule == Rule.KEY_STATE:
        return f"{there} whoever asks: {found.why}"
    if far.model == API_KEY:
        return f"{there}: {_the_key(far)} allows it, and no role of theirs asks for it in remote_indices"
    missing = [role for role in who.roles if role not in (far.roles or {}) and role != SUPERUSER]
    if len(missing) == len(who.roles):
        return f"{there}: it has no role {' or '.join(missing)}" if missing else f"{there}: they have no role"
    return f"{there}: {found.why}"


def _the_key(far: Far) -> str:
    return f"the key {far.key}" if far.key else "the key"


def _named(what: str, names: Sequence[str]) -> str:
    if not names:
        return f"no {what}"
    return f"the {what}{'' if len(names) == 1 else 's'} {', '.join(names)}"


def chain(who: Who, asked: Asked, near: Near, far: Far | None, found: Verdict) -> Iterator[Reason]:
    """From the person to the other cluster, in the order in which it is decided."""
    yield Reason(Layer.PERSON, who.person, ", ".join(who.because), f"asks {near.deployment}")
    if near.stopped:
        yield Reason(Layer.CUSTODY, near.deployment, near.stopped, "nobody is let in")
        return
    if who.refused:
        yield Reason(Layer.PRINCIPAL, "", who.refused, "stops here")
        return
    yield Reason(Layer.PRINCIPAL, who.user, many(len(who.roles), "role"), "is how the engine sees them")
    if far is None:
        yield Reason(Layer.REMOTE, asked.alias, found.why, "stops here")
        return
    yield remote_link(far)
    yield from _by_roles(who, near, far, found)
    if far.model == API_KEY and found.side != Side.LOCAL:
        yield from _by_key(far, found)
    if far.stopped:
        yield Reason(Layer.CUSTODY, far.deployment, far.stopped, "nobody is let in")
    elif far.skip_unavailable and found.allowed is False and found.side == Side.REMOTE:
        yield skipped_link(far)


def _by_roles(who: Who, near: Near, far: Far, found: Verdict) -> Iterator[Reason]:
    told = False
    for role, why in who.roles.items():
        if far.model == API_KEY:
            asked = near.roles.get(role, {}).get("remote_indices") or ()
            says = _on_indices(one for one in asked if _of_alias(one, far.alias))
            if role == SUPERUSER:
                says = "asks for everything: what it gets is what the key allows"
            if not says:
                continue
        elif far.roles is None:
            says = "roles of the same name over there decide"
        elif role not in far.roles and role != SUPERUSER:
            yield Reason(
                Layer.PERMISSION, role, why, f"gives nothing: {far.deployment or far.alias} has no role {role}"
            )
            told = True
            continue
        else:
            allows = _on_indices((far.roles or {}).get(role, {}).get("indices") or ()) or "it says nothing of indices"
            if role == SUPERUSER:
                allows = "everything"
            says = f"is the role {role} of {far.deployment or far.alias}: {allows}"
        told = True
        effect = (
            "allows it"
            if found.allowed and role in found.roles
            else "asks for it"
            if role in found.roles
            else "does not cover it"
        )
        yield Reason(Layer.PERMISSION, role, f"{why}; {says}", effect)
    if not told:
        what = f"remote_indices for {far.alias}" if far.model == API_KEY else "a role over there"
        yield Reason(Layer.PERMISSION, ", ".join(who.roles) or "no role", f"none has {what}", "stops here")


def _by_key(far: Far, found: Verdict) -> Iterator[Reason]:
    if far.access is None and far.state == LIVE:
        yield Reason(Layer.KEY, far.key, "what it allows could not be looked at", "is not known")
        return
    searched = [", ".join(listed(one.get("names"))) for one in (far.access or {}).get("search") or ()]
    allows = f"search on {'; '.join(searched)}" if searched else "no search"
    if far.state != LIVE:
        yield Reason(Layer.KEY, far.key, found.why, "stops here")
        return
    yield Reason(Layer.KEY, far.key, f"{allows} ({far.source})", "allows it" if found.key_allows else "stops here")


def _of_alias(entry: Mapping[str, Any], alias: str) -> bool:
    return any(may_match(pattern, alias) for pattern in listed(entry.get("clusters")))


def _on_indices(entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries of a role, in words."""
    return "; ".join(
        f"{', '.join(listed(one.get('privileges')))} on {', '.join(listed(one.get('names')))}" for one in entries
    )
