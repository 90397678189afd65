"""What a caller sees of what they may read: the limits of their roles added up, and what they make unreadable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from portcullis.families.opensearch.deciding.granted import KEPT, Granted, Who
from portcullis.families.opensearch.limiting.limits import LimitsOf2, LimitsOf3, Unreadable
from portcullis.families.opensearch.limiting.query_shapes import readable
from portcullis.families.opensearch.limiting.roles import DOCUMENTS, FIELDS, LIMITS, MASKS, Entry
from portcullis.families.opensearch.limiting.showing import (
    clashing,
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
from portcullis.families.opensearch.limiting.view import View
from portcullis.families.opensearch.names.attributes import needs_attributes
from portcullis.families.opensearch.names.world import Asked
from portcullis.families.opensearch.requesting.actions import (
    fails_behind,
    never_under_limits,
    opens,
    spoils_under_limits,
)


class Seeing:
    """Of what is granted, what is seen. `free_wins`: a role without a limit frees of those of others."""

    def __init__(self, granted: Granted, *, free_wins: bool) -> None:
        self._granted, self._names, self._older = granted, granted.names, granted.older
        kind = LimitsOf2 if self._older else LimitsOf3
        self._limits: LimitsOf2 | LimitsOf3 = kind(self._names, free_wins=free_wins)
        self._views_kept = 0

    def broken(self, who: Who, action: str, rows: Asked) -> str:
        """Why the engine refuses a permitted request all the same: it cannot work the limits out, or would read beyond them."""
        try:
            limited = self.limited(who, rows)
            if limited:
                self._readable(who, rows)
        except Unreadable as broken:
            return str(broken)
        if limited and never_under_limits(action):
            return f"{action} is refused where documents, fields or masks limit what is seen"
        return ""

    def broken_behind(self, who: Who, action: str, reached: int) -> str:
        """Of 2.19 why each index that is reached fails: a data stream was checked by its name, and limits are on what is behind it."""
        if not fails_behind(action) or not self.wrong(who):
            return ""
        why = [self.broken(who, action, Asked(self._names.of((name,)))) for name in self._names.names(reached)]
        return why[0] if all(why) else ""

    def clash_on_all(self, who: Who, reached: int) -> str:
        """Why no index that is reached shows a document: a part that does is answered without the others."""
        why = ""
        for name in self._names.names(reached):
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

    def _limited_names(self, who: Who, limit: str) -> tuple[int, int]:
        """Of the names that exist: what this kind of limit limits, and what nothing is seen of."""
        found = who.limited.get(limit)
        if found is None:
            found = who.limited[limit] = self._limits.bits(who, limit)
        return found

    def unseen(self, who: Who) -> int:
        """The names of whose documents nothing is seen, as no role of theirs has an entry for them."""
        return self._limited_names(who, DOCUMENTS)[1]

    def limited(self, who: Who, rows: Asked, limits: Sequence[str] = LIMITS) -> bool:
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
            limited, nothing = self._limited_names(who, limit)
            if limits_all or rows.bits & (limited | nothing):
                return True
            if any(self._limits.on(who, limit, name).limited for name in rows.missing):
                return True
        return False

    def _limited_by_2(self, limits: LimitsOf2, who: Who, limit: str, rows: Asked) -> bool:
        limited, _ = self._limited_names(who, limit)
        keys = limits.groups(who, limit)
        if rows.everything:
            return bool(limited or keys)
        names = [*self._names.names(rows.bits), *rows.missing]
        return bool(rows.bits & limited) or any(self._names.fits_any((key,), name) for key in keys for name in names)

    def _readable(self, who: Who, rows: Asked) -> None:
        """Raises Unreadable if the filter of any name that is checked cannot be made."""
        wrong = self.wrong(who)
        if not wrong:
            return
        if isinstance(self._limits, LimitsOf2) and rows.everything:
            for role in who.roles:  # 2.19 reads every filter of theirs for such a request
                for entry in role.entries:
                    if id(entry) in wrong and self._limits.anywhere(who, DOCUMENTS, entry):
                        raise Unreadable(wrong[id(entry)])
        for name in (*self._names.names(rows.bits), *rows.missing):
            for entries in self._limits.on(who, DOCUMENTS, name).alternatives:
                for entry in entries:
                    if id(entry) in wrong:
                        raise Unreadable(wrong[id(entry)])

    def wrong(self, who: Who) -> dict[int, str]:
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
            if self._views_kept >= KEPT:  # of everybody: they are the largest of what is kept
                self._granted.forget()
                self._views_kept = 0
            self._views_kept += 1
            found = who.views[key] = self._view(who, action, index, reached=reached)
        return found

    def _view(self, who: Who, action: str, index: str, *, reached: bool) -> View:
        at = self._names.place.get(index)
        granting = (
            self._granted.granting(who, action, index) if at is None or self._granted.on(who, action) >> at & 1 else []
        )
        if not granting and not reached:
            refusal = f"no index permission of {who.named} on {index} covers {action}" if who.why else who.nobody
            return View(index, False, (), reasons=(refusal,))
        reasons = [f"{action} on {index} through {names_of(granting)}"]
        if not granting:
            told = f"no role of theirs covers {index}, but the request is let through: of it what is written was checked, not what it means"
            reasons = [told]
        if index not in self._names.place and self._names.place:
            reasons.append(f"{index} does not exist: the answer is 404, not 403")
        here = Asked(self._names.of((index,)), () if index in self._names.place else (index,))
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

    def by_alias(self, view: View, filters: tuple[str, ...]) -> View:
        """The same index, reached through aliases with these filters alone: they find in what is seen of it."""
        reasons = [*view.reasons, "reached by an alias with a filter: what it does not find is not shown"]
        unknown: list[str] = []
        left = found_by(filters, view, reasons, unknown, measured=not self._older, what="filter of an alias")
        return replace(view, alias_filters=left or (), reasons=tuple(reasons), unknown=(*view.unknown, *unknown))

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
        if self._older and (view.masks_of("_id") or not (view.fields.sees("_id") or not view.fields.excluding)):
            reasons.append("what hides _id keeps documents from being found by it: to read one so may end in an error")
        left = found_by(documents, view, reasons, unknown, measured=not self._older)
        if self._older:
            seen = in_documents_of_2(seen, reasons)
        else:
            unknown += dict.fromkeys(clashing(sets))
        return replace(
            view, documents=left, fields=seen, written=documents, reasons=tuple(reasons), unknown=tuple(unknown)
        )
