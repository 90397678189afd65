"""A security config compiled once, and asked often: who may do what on which index, and what of it they see.

A set of names is a number, a bit a name (`world.Names`): whether a caller may search a thousand indices is one comparison. Roles are
compiled when somebody who has them first asks, and what a caller's roles come to is kept for the next question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from portcullis.access.actual import Actual
from portcullis.access.questions.answers import parted
from portcullis.access.terms import Caller
from portcullis.families.last_made import LastMade
from portcullis.families.opensearch.deciding.actions import (
    OWN_INDEX,
    ROLLOVER,
    fails_behind,
    is_cluster_action,
    leaves_out,
    makes,
    never_on_all,
    never_under_limits,
    opens,
    options_of,
    spoils_under_limits,
)
from portcullis.families.opensearch.deciding.doubts import Doubts, of_another_cluster
from portcullis.families.opensearch.granting.mappings import mappings
from portcullis.families.opensearch.limiting.limits import LimitsOf2, LimitsOf3, Unreadable, rendered
from portcullis.families.opensearch.limiting.query_shapes import readable
from portcullis.families.opensearch.limiting.roles import DOCUMENTS, FIELDS, LIMITS, MASKS, Entry, Role, Roles
from portcullis.families.opensearch.limiting.showing import (
    documents_of,
    fields_of,
    found_by,
    in_documents_of_2,
    named_twice,
    names_of,
    one_of,
    sets_of,
    told_of,
)
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.attributes import filled_in, needs_attributes
from portcullis.families.opensearch.names.dates import NotKnown
from portcullis.families.opensearch.names.world import Asked, EngineFacts, Names, NotThere, Options, Refused, Release

_KEPT = 20_000  # callers, and questions


@dataclass(eq=False)
class Who:
    """A caller with their roles, and what was worked out for them."""

    caller: Caller
    why: dict[str, str]  # role -> why they have it
    roles: Sequence[Role]
    unknown: tuple[str, ...] = ()
    granted: dict[str, int] = field(default_factory=dict)  # action -> names
    limited: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # kind of limit -> names it limits, names nothing is seen of
    everywhere: dict[str, tuple[bool, bool]] = field(
        default_factory=dict
    )  # kind -> limited, and freed, whatever the index
    wrong: dict[int, str] | None = None
    shown: dict[str, View] = field(default_factory=dict)
    views: dict[tuple[str, str, bool], View] = field(default_factory=dict)

    @cached_property
    def masks_twice(self) -> bool:
        """Whether any of their roles' masks are of one name, on whatever index."""
        every = (rule for role in self.roles for entry in role.entries for rule in entry.limits.get(MASKS, ()))
        return bool(named_twice(every))

    @cached_property
    def named(self) -> str:
        return names_of(self.why)

    @property
    def nobody(self) -> str:
        return f"{self.caller.name} is mapped to no role"

    def render(self, text: str) -> str:
        caller = self.caller
        return filled_in(text, caller.name, caller.backend_roles, self.why, caller.attributes)


# Seen on a node of 2.19.3, by GET _cluster/health; which requests else, was not.
_UNREADABLE = (
    "a document filter of theirs cannot be made, which may end this request in an error: only the engine knows"
)


class Compiled:
    """A security config on an engine as it is."""

    def __init__(self, held: Actual, world: EngineFacts) -> None:
        self.held, self.world = held, world
        self.names = Names(world)
        older = world.release is Release.V2
        self._older = older
        self._roles = Roles(held, blank_is_filter=older)
        self.mappings = mappings(held)
        kind = LimitsOf2 if older else LimitsOf3
        self._limits: LimitsOf2 | LimitsOf3 = kind(self.names, free_wins=world.dfm_empty_overrides_all)
        self._who: dict[tuple[object, ...], Who] = {}
        self._covers: dict[tuple[str, str], int] = {}
        self._doubts = Doubts(world)
        self._views_kept = 0

    # ---- who asks

    def who(self, caller: Caller) -> Who:
        key = (caller.name, caller.backend_roles, caller.hosts, tuple(caller.attributes.items()))
        found = self._who.get(key)
        if found is None:
            if len(self._who) >= _KEPT:
                self._who.clear()
            why = self.mappings.roles(caller)
            roles = [role for name in why if (role := self._roles.get(name)) is not None]
            found = self._who[key] = Who(caller, why, roles)
            doubts = (*self.mappings.unknown(caller, why), *self._doubts.of(found))
            found.unknown = tuple(dict.fromkeys(doubts))
        return found

    # ---- what is granted

    def granted(self, who: Who, action: str) -> int:
        """Every name on which the caller may do the action."""
        found = who.granted.get(action)
        if found is None:
            found = 0
            for role in who.roles:
                found |= self._cover(role, action)
                if role.dynamic:
                    found |= self._dynamic(who, role, action)
            who.granted[action] = found
        return found

    def _cover(self, role: Role, action: str) -> int:
        found = self._covers.get((role.name, action))
        if found is None:
            found = 0
            for entry in role.entries:
                if entry.actions.allow(action):
                    found |= self.names.with_members(self.names.fitting_any(entry.patterns.static))
            self._covers[role.name, action] = found
        return found

    def _granting(self, who: Who, action: str, name: str) -> list[str]:
        """The roles by which it is granted on a name, which may not exist."""
        at = self.names.place.get(name)
        if at is not None:
            return [
                role.name
                for role in who.roles
                if self._cover(role, action) >> at & 1 or (role.dynamic and self._dynamic(who, role, action) >> at & 1)
            ]
        return [
            role.name
            for role in who.roles
            if any(
                entry.actions.allow(action)
                and self.names.fits_any(
                    (*entry.patterns.static, *(rendered(who, p, self.names) for p in entry.patterns.dynamic)), name
                )
                for entry in role.entries
            )
        ]

    def _dynamic(self, who: Who, role: Role, action: str) -> int:
        """What a role covers for this caller, and on this day."""
        found = 0
        for entry in role.entries:
            if entry.patterns.dynamic and entry.actions.allow(action):
                for pattern in entry.patterns.dynamic:
                    found |= self.names.with_members(self.names.fitting(rendered(who, pattern, self.names)))
        return found

    # ---- a question

    def decide(
        self, caller: Caller, action: str, indices: Iterable[str] = (), options: Mapping[str, str] | None = None
    ) -> Decision:
        """Whether the caller may do `action` on what they name, and what they see of it."""
        who = self.who(caller)
        if is_cluster_action(action):
            through = [role.name for role in who.roles if role.cluster.allow(action)]
            told = [f"{action} through cluster_permissions of {role}" for role in through]
            refusal = f"no cluster permission of {who.named} covers {action}" if who.why else who.nobody
            if through and (never := self._never(action, tuple(indices))):
                return Decision(False, who.why, (never,), unknown=who.unknown)
            unsure = (_UNREADABLE,) if through and self._older and self._wrong(who) else ()
            return Decision(bool(through), who.why, tuple(told) or (refusal,), unknown=(*who.unknown, *unsure))
        asked = () if self._older and action == ROLLOVER else tuple(indices)
        if beyond := parted(asked)[1]:
            return Decision(False, who.why, (), unknown=(*who.unknown, of_another_cluster(beyond)))
        try:
            rows = self.names.checked(asked)
        except Refused as refused:
            return Decision(False, who.why, (f"refused as it is written: {refused}",), unknown=who.unknown)
        except NotKnown as doubt:
            return Decision(False, who.why, (), unknown=(*who.unknown, str(doubt)))
        return self._on_indices(who, action, asked, rows, options or {})

    def _never(self, action: str, asked: tuple[str, ...]) -> str:
        """Why what is asked for is refused whoever asks."""
        if not asked or not never_on_all(action):
            return ""
        try:
            rows = self.names.checked(asked)
        except (Refused, NotKnown):
            return ""
        return self._refused_to_all(action, rows)

    def _refused_to_all(self, action: str, rows: Asked) -> str:
        if not never_on_all(action):
            return ""
        if rows.everything:
            return f"{action} on all indices at once is refused to everybody but the admin certificate: name them"
        return f"{action} on {OWN_INDEX} is refused" if rows.bits & self._own else ""

    def _on_indices(
        self, who: Who, action: str, asked: tuple[str, ...], rows: Asked, options: Mapping[str, str]
    ) -> Decision:
        if never := self._refused_to_all(action, rows):
            return Decision(False, who.why, (never,), unknown=who.unknown)
        granted = self.granted(who, action)
        absent = [name for name in rows.missing if not self._granting(who, action, name)]
        refused = rows.bits & ~granted
        if rows.everything and not rows.bits and not self.anywhere(who, action):
            refusal = f"no index permission of {who.named} covers {action}" if who.why else who.nobody
            return Decision(False, who.why, (refusal,), unknown=who.unknown)
        nothing = () if rows.bits or rows.missing else ("no index matches",)
        meant, reach = rows, asked
        if refused or absent:
            left = rows.bits & granted
            kept = [*self.names.names(left), *(name for name in rows.missing if name not in absent)]
            if not (self.world.do_not_fail_on_forbidden and leaves_out(action) and kept) or (
                options_of(action).several is False and len(kept) != 1
            ):
                some = "one index that is refused refuses the whole request"
                return self._decision(who, action, rows, False, (some,) if kept else ())
            meant, reach = Asked(left, tuple(name for name in rows.missing if name not in absent)), tuple(kept)
        if broken := self.broken(who, action, rows):
            return self._decision(who, action, rows, False, (broken,))
        if makes(action) and rows.missing:
            return self._decision(who, action, meant, True, ())
        try:
            reached = self.names.concrete(reach, Options.of_request(options, options_of(action)))
        except NotThere as missing:
            return self._decision(who, action, meant, True, nothing, f"404: {missing} does not exist", rows)
        except Refused as closed:
            return self._decision(who, action, meant, True, nothing, f"400: {closed}", rows)
        except NotKnown as doubt:
            return Decision(False, who.why, (), unknown=(*who.unknown, str(doubt)))
        if self._older and reached and (broken := self._broken_behind(who, action, reached)):
            return self._decision(who, action, rows, False, (broken,))
        if reached and opens(action) and (clash := self._clash_on_all(who, reached)):
            return self._decision(who, action, meant, True, nothing, f"400: {clash}", rows)
        return self._decision(who, action, Asked(reached), True, nothing, "", rows)

    def _broken_behind(self, who: Who, action: str, reached: int) -> str:
        """Of 2.19 why each index that is reached fails: a data stream was checked by its name, and limits are on what is behind it."""
        if not fails_behind(action) or not self._wrong(who):
            return ""
        why = [self.broken(who, action, Asked(self.names.of((name,)))) for name in self.names.names(reached)]
        return why[0] if all(why) else ""

    def _clash_on_all(self, who: Who, reached: int) -> str:
        """Why no index that is reached shows a document: a part that does is answered without the others."""
        why = ""
        for name in self.names.names(reached):
            why = self._clash(who, name)
            if not why:
                return ""
        return why

    def _clash(self, who: Who, index: str) -> str:
        """Of 2.19 why nothing of an index is read: it keeps one mask of a name, and fails where there are two."""
        if not self._older or not who.masks_twice:
            return ""
        twice = named_twice(self._seen(who, index).masks)
        return f"two masks of {names_of(twice)} on {index}: the engine ends what reads it in an error" if twice else ""

    def limited(self, caller: Caller, indices: Iterable[str], limits: Sequence[str] = LIMITS) -> bool:
        """Whether any such limit of the caller is on what is named."""
        try:
            return self._limited(self.who(caller), self.names.checked(tuple(indices)), limits)
        except (Unreadable, Refused, NotKnown):
            return False

    @cached_property
    def _own(self) -> int:
        return self.names.of((OWN_INDEX,))

    @staticmethod
    def anywhere(who: Who, action: str) -> bool:
        """Whether it is permitted on any index there could be."""
        return any(entry.written and entry.actions.allow(action) for role in who.roles for entry in role.entries)

    def _decision(
        self,
        who: Who,
        action: str,
        told: Asked,
        allowed: bool,
        refusal: tuple[str, ...],
        error: str = "",
        rows: Asked | None = None,
    ) -> Decision:
        def views() -> tuple[View, ...]:
            # What was asked for and refused is told beside what is reached.
            beside = rows.bits & self.names.indices & ~told.bits & ~self.granted(who, action) if rows else 0
            names = sorted((*self._indices_of(told.bits | beside), *told.missing))
            reached = told.bits if allowed and not error else 0
            # Whoever covers the plugin's own index is not refused for it, and is shown nothing of it.
            shown = [name for name in names if name != OWN_INDEX or not allowed]
            return tuple(self.view(who, action, name, reached=bool(reached & self.names.of((name,)))) for name in shown)

        return Decision(allowed, who.why, refusal, error, who.unknown, views)

    def _indices_of(self, bits: int) -> Iterator[str]:
        return self.names.names(self.names.with_members(bits) & self.names.indices)

    def broken(self, who: Who, action: str, rows: Asked) -> str:
        """Why the engine refuses a permitted request all the same: it cannot work the limits out, or would read beyond them."""
        try:
            limited = self._limited(who, rows)
            if limited:
                self._readable(who, rows)
        except Unreadable as broken:
            return str(broken)
        if limited and never_under_limits(action):
            return f"{action} is refused where documents, fields or masks limit what is seen"
        return ""

    # ---- what is seen

    def limited_names(self, who: Who, limit: str) -> tuple[int, int]:
        """Of the names that exist: what this kind of limit limits, and what nothing is seen of."""
        found = who.limited.get(limit)
        if found is None:
            found = who.limited[limit] = self._limits.bits(who, limit)
        return found

    def _limited(self, who: Who, rows: Asked, limits: Sequence[str] = LIMITS) -> bool:
        """Whether any limit is on what is checked; a part is enough."""
        if isinstance(self._limits, LimitsOf2):
            if not any(role.limited for role in who.roles):
                return False
            return any(self._limited_by_2(self._limits, who, limit, rows) for limit in limits)
        for limit in limits:
            whole = who.everywhere.get(limit)
            if whole is None:
                whole = who.everywhere[limit] = self._limits.everywhere(who, limit)
            limits_all, frees_all = whole
            if frees_all:
                continue
            limited, nothing = self.limited_names(who, limit)
            if limits_all or rows.bits & (limited | nothing):
                return True
            if any(self._limits.on(who, limit, name).limited for name in rows.missing):
                return True
        return False

    def _limited_by_2(self, limits: LimitsOf2, who: Who, limit: str, rows: Asked) -> bool:
        limited, _ = self.limited_names(who, limit)
        keys = limits.groups(who, limit)
        if rows.everything:
            return bool(limited or keys)
        names = [*self.names.names(rows.bits), *rows.missing]
        return bool(rows.bits & limited) or any(self.names.fits_any((key,), name) for key in keys for name in names)

    def _readable(self, who: Who, rows: Asked) -> None:
        """Raises Unreadable if the filter of any name that is checked cannot be made."""
        wrong = self._wrong(who)
        if not wrong:
            return
        if isinstance(self._limits, LimitsOf2) and rows.everything:
            for role in who.roles:  # 2.19 reads every filter of theirs for such a request
                for entry in role.entries:
                    if id(entry) in wrong and self._limits.anywhere(who, DOCUMENTS, entry):
                        raise Unreadable(wrong[id(entry)])
        for name in (*self.names.names(rows.bits), *rows.missing):
            for entries in self._limits.on(who, DOCUMENTS, name).alternatives:
                for entry in entries:
                    if id(entry) in wrong:
                        raise Unreadable(wrong[id(entry)])

    def _wrong(self, who: Who) -> dict[int, str]:
        """The entries whose filter the engine cannot make for this caller, and why."""
        if who.wrong is None:
            suspects = [
                entry
                for role in who.roles
                for entry in role.entries
                if DOCUMENTS in entry.limits
                and (needs_attributes(entry.limits[DOCUMENTS]) or (self._older and entry.readable is not True))
            ]
            who.wrong = {id(entry): why for entry in suspects if (why := self._unreadable(who, entry))}
        return who.wrong

    def _unreadable(self, who: Who, entry: Entry) -> str:
        """Why the engine cannot make the filter of an entry."""
        made = who.render(entry.limits[DOCUMENTS])
        if needs_attributes(made) and not self._older:
            attribute = "${" + made.partition("${")[2].partition("}")[0] + "}"
            return f"{attribute} is undefined for {who.caller.name}, so the document filter cannot be made: refused"
        return f"a document filter of {entry.role} is no query: refused" if readable(made) is False else ""

    def view(self, who: Who, action: str, index: str, *, reached: bool = False) -> View:
        """What the caller sees of one index. `reached`: by a request that was let through, whatever it was checked for."""
        key = (action, index, reached)
        found = who.views.get(key)
        if found is None:
            if self._views_kept >= _KEPT:  # of everybody: they are the largest of what is kept
                self._who.clear()
                self._views_kept = 0
            self._views_kept += 1
            found = who.views[key] = self._view(who, action, index, reached=reached)
        return found

    def _view(self, who: Who, action: str, index: str, *, reached: bool) -> View:
        at = self.names.place.get(index)
        granting = self._granting(who, action, index) if at is None or self.granted(who, action) >> at & 1 else []
        if not granting and not reached:
            refusal = f"no index permission of {who.named} on {index} covers {action}" if who.why else who.nobody
            return View(index, False, (), reasons=(refusal,))
        reasons = [f"{action} on {index} through {names_of(granting)}"]
        if not granting:
            told = f"no role of theirs covers {index}, but the request is let through: of it what is written was checked, not what it means"
            reasons = [told]
        if index not in self.names.place and self.names.place:
            reasons.append(f"{index} does not exist: the answer is 404, not 403")
        here = Asked(self.names.of((index,)), () if index in self.names.place else (index,))
        if broken := self.broken(who, action, here):
            return View(index, False, (), reasons=(*reasons, broken))
        if opens(action) and (clash := self._clash(who, index)):
            return View(index, False, (), reasons=(*reasons, clash))
        shown = self._seen(who, index)
        reasons += shown.reasons
        if shown.written is not None and action.startswith("indices:data/write/"):
            reasons.append("limits are for reading: what is not seen can be overwritten and deleted all the same")
        if spoils_under_limits(action) and not (shown.fields.everything and not shown.masks):
            reasons.append(
                "what it writes back lacks the fields that they do not see, and keeps masks as values, for everybody"
            )
        return replace(shown, reasons=tuple(reasons))

    def _seen(self, who: Who, index: str) -> View:
        found = who.shown.get(index)
        if found is None:
            found = who.shown[index] = self._shown(who, index)
        return found

    def _shown(self, who: Who, index: str) -> View:
        """What is seen of an index by whatever action is permitted."""
        reasons: list[str] = []
        unknown: list[str] = []
        limits = {limit: one_of(self._limits.on(who, limit, index), limit, unknown) for limit in LIMITS}
        for limit, on in limits.items():
            reasons += told_of(on, limit)
        documents = documents_of(who, limits[DOCUMENTS], reasons)
        seen = fields_of(limits[FIELDS], reasons)
        sets = sets_of(limits[MASKS], older=self._older)
        if sets:
            reasons.append("masks hide text alone: numbers, true and false, and objects are shown as they are")
        masks = tuple(dict.fromkeys(rule for rules in sets for rule in rules))
        view = View(index, True, None, seen, masks, sets=sets)
        if view.masks_of("_id") and not self._older:
            reasons.append("a mask that fits _id hides the ids of documents, too")
        left = found_by(documents, view, reasons, unknown, measured=not self._older)
        if self._older:
            seen = in_documents_of_2(seen, reasons)
        return replace(
            view, documents=left, fields=seen, written=documents, reasons=tuple(reasons), unknown=tuple(unknown)
        )


_LAST: LastMade[Compiled] = LastMade(8)


def compiled(held: Actual, world: EngineFacts) -> Compiled:
    """The config compiled for an engine as it is; of a few that were asked for last, the one that was made then."""
    return _LAST.of(held, lambda: Compiled(held, world), world)
