"""A security config compiled once, and asked often: who may do what on which index, and what of it they see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from portcullis.access.actual import Actual
from portcullis.access.questions.answers import parted
from portcullis.access.terms import Caller
from portcullis.families.last_made import LastMade
from portcullis.families.opensearch.deciding.by_request import (
    ALL_POINTS,
    ANALYZE,
    NOTHING_LEFT,
    SYSTEM_INDEX,
    UNDOCUMENTED,
    May,
)
from portcullis.families.opensearch.deciding.by_request import checked as by_request
from portcullis.families.opensearch.deciding.doubts import OF_TENANTS, of_another_cluster
from portcullis.families.opensearch.deciding.granted import Granted, Who
from portcullis.families.opensearch.deciding.seeing import Seeing
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.limiting.limits import Unreadable
from portcullis.families.opensearch.limiting.roles import LIMITS
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.alias_filters import filters_of, named_by
from portcullis.families.opensearch.names.dates import NotKnown
from portcullis.families.opensearch.names.index_names import no_name
from portcullis.families.opensearch.names.own_indices import own_indices
from portcullis.families.opensearch.names.world import Asked, EngineFacts, NotThere, Options, Refused
from portcullis.families.opensearch.requesting.actions import (
    BARE,
    DASHBOARDS_INDEX,
    IN_POINT,
    OWN_INDEX,
    RESOLVE,
    ROLLOVER,
    blocked_by,
    is_cluster_action,
    leaves_out,
    makes,
    minds_filters,
    never_on_all,
    of_no_names,
    opens,
    options_of,
)
from portcullis.families.opensearch.requesting.need import BULK

POINT = "indices:data/read/point_in_time/create"
NO_POINT = "400: nothing is found of which there could be a point in time"


class Compiled:
    """A security config on an engine as it is."""

    def __init__(self, held: Actual, world: EngineFacts) -> None:
        self.held, self.world = held, world
        self._granted = Granted(held, world)
        self._seeing = Seeing(self._granted, free_wins=world.dfm_empty_overrides_all)
        self.names, self.mappings = self._granted.names, self._granted.mappings
        self.who, self.anywhere = self._granted.who, self._granted.anywhere

    def decide(
        self, caller: Caller, action: str, indices: Iterable[str] = (), options: Mapping[str, str] | None = None
    ) -> Decision:
        """Whether the caller may do `action` on what they name, and what they see of it."""
        who = self.who(caller)
        if is_cluster_action(action) or (self.world.v4 and action == ALL_POINTS):
            through = [role.name for role in who.roles if role.cluster.allow(action)]
            told = [f"{action} through cluster_permissions of {role}" for role in through]
            refusal = f"no cluster permission of {who.named} covers {action}" if who.why else who.nobody
            if through and (never := self._never(action, tuple(indices))):
                return Decision(False, who.why, (never,))
            makes_filters = self._granted.older and BARE not in (options or {})
            if through and makes_filters and (broken := self._broken(who, action, tuple(indices))):
                return Decision(False, who.why, (broken,), unknown=who.unknown)
            return Decision(bool(through), who.why, tuple(told) or (refusal,), unknown=who.unknown)
        asked = () if self._granted.older and action == ROLLOVER else tuple(indices)
        if beyond := parted(asked)[1]:
            return Decision(False, who.why, (), unknown=(*who.unknown, of_another_cluster(beyond)))
        return self.here(who, action, asked, options or {})

    def here(self, who: Who, action: str, asked: tuple[str, ...], options: Mapping[str, str]) -> Decision:
        """What this engine makes of the names, which are all taken for its own."""
        try:
            if self.world.v4:
                return self._by_request(who, action, asked, options)
            rows = self.names.checked(asked)
        except Refused as refused:
            return Decision(False, who.why, (f"refused as it is written: {refused}",))
        except NotKnown as doubt:
            return Decision(False, who.why, (), unknown=(*who.unknown, str(doubt)))
        return self._on_indices(who, action, asked, rows, options)

    def _by_request(self, who: Who, action: str, asked: tuple[str, ...], options: Mapping[str, str]) -> Decision:
        """As the opt-in evaluation v4 decides. Raises Refused, NotKnown."""
        said = Options.of_request(options, options_of(action))
        may = May(
            self._granted.on(who, action) & ~self._out_of_reach(who),
            lambda name: bool(self._granted.granting(who, action, name)),
            self.anywhere(who, action),
        )
        found = by_request(self.names, action, asked, said, may, in_part=not self.world.v4_whole)
        if found.unknown or (IN_POINT in options and not found.refused):
            return Decision(
                False,
                who.why,
                (),
                unknown=(*who.unknown, found.unknown or UNDOCUMENTED.format("a search in a point in time")),
            )
        if found.refused:
            return self._decision(who, action, found.rows, False, (found.refusal,) if found.refusal else ())
        if not asked and action == ANALYZE:
            return Decision(True, who.why, unknown=who.unknown)
        if found.rows != found.left and not found.left.bits and not found.left.missing:
            return self._decision(who, action, found.left, True, (NOTHING_LEFT,), "", found.rows)
        reach = asked if found.rows == found.left else (*self.names.names(found.left.bits), *found.left.missing)
        return self._carried_out(who, action, found.rows, found.left, reach, options)

    def _out_of_reach(self, who: Who) -> int:
        """What v4 gives nobody: the plugin's own index, and without a permission in so many words the others of the engine's own."""
        if who.out_of_reach is None:
            names = self.names
            own = names.fitting_any(own_indices(Dialect.PLUGINS, "")) & ~self._granted.in_so_many_words(
                who, SYSTEM_INDEX
            )
            own |= self._own
            who.out_of_reach = own | names.of(
                name for name in self.world.aliases if names.members[names.place[name]] & own
            )
        return who.out_of_reach

    def _broken(self, who: Who, action: str, asked: tuple[str, ...]) -> str:
        """Why a request ends in an error for which filters are made of what is named; of all where nothing is."""
        if not self._seeing.wrong(who):
            return ""
        try:
            return self._seeing.broken(who, action, self.names.checked(() if of_no_names(action) else asked))
        except (Refused, NotKnown):
            return ""

    def _never(self, action: str, asked: tuple[str, ...]) -> str:
        """Why what is asked for is refused whoever asks. Of several items each is refused by itself."""
        if not asked or action == BULK[0] or not never_on_all(action):
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
            return Decision(False, who.why, (never,))
        granted = self._granted.on(who, action)
        absent = [name for name in rows.missing if not self._granted.granting(who, action, name)]
        refused = rows.bits & ~granted
        if rows.everything and not rows.bits and not self.anywhere(who, action):
            refusal = f"no index permission of {who.named} covers {action}" if who.why else who.nobody
            return Decision(False, who.why, (refusal,), unknown=who.unknown)
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
            # Seen on both: what is left out of a point in time is searched all the same, on 3.x where any role has an entry for it.
            if IN_POINT in options:
                unseen = 0 if self._granted.older else self._seeing.unseen(who)
                meant = Asked(left | (rows.bits & ~unseen), rows.missing)
                reach = (*self.names.names(meant.bits), *meant.missing)
        return self._carried_out(who, action, rows, meant, reach, options)

    def _carried_out(
        self, who: Who, action: str, rows: Asked, meant: Asked, reach: tuple[str, ...], options: Mapping[str, str]
    ) -> Decision:
        """What comes of a request that is let in. `rows`: what it was checked for; `meant`: what of it is left, by the names in `reach`."""
        nothing = () if rows.bits or rows.missing else ("no index matches",)
        broken = self._seeing.broken(who, action, rows) or (of_no_names(action) and self._broken(who, action, ()))
        if broken and BARE not in options:
            return self._decision(who, action, rows, False, (broken,))
        if makes(action) and (never := next(filter(None, map(no_name, reach)), "")):
            return self._decision(who, action, meant, True, (), f"400: {never}")
        if makes(action) and rows.missing:
            return self._decision(who, action, meant, True, ())
        if action == RESOLVE and not (reach := tuple(name for name in reach if name != "_all")):
            return self._decision(who, action, Asked(0), True, ("_all is no name here",), "", rows)
        try:
            reached = self.names.concrete(reach, Options.of_request(options, options_of(action)))
        except NotThere as missing:
            return self._decision(who, action, meant, True, nothing, f"404: {missing} does not exist", rows)
        except Refused as closed:
            return self._decision(who, action, meant, True, nothing, f"400: {closed}", rows)
        except NotKnown as doubt:
            return Decision(False, who.why, (), unknown=(*who.unknown, str(doubt)))
        if action == POINT and not reached and self.names.place:
            return self._decision(who, action, meant, True, nothing, NO_POINT, rows)
        if blocked := self._blocked(action, reached):
            return self._decision(who, action, meant, True, nothing, blocked, rows)
        if self._granted.older and reached and (broken := self._seeing.broken_behind(who, action, reached)):
            return self._decision(who, action, rows, False, (broken,))
        # Of the plugin's own index nothing is read, so that it answers whatever the masks.
        if reached and not reached & self._own and opens(action) and (clash := self._seeing.clash_on_all(who, reached)):
            return self._decision(who, action, meant, True, nothing, f"400: {clash}", rows)
        return self._decision(who, action, Asked(reached), True, nothing, "", rows, reach)

    def _blocked(self, action: str, reached: int) -> str:
        """Which index that is reached has a block that refuses this, whoever asks: one of several is enough."""
        for index, blocks in self.world.blocks.items():
            if reached & self.names.of((index,)) and (block := blocked_by(action, blocks)):
                status = 429 if block == "read_only_allow_delete" else 403
                return f"{status}: {index} is blocked (index.blocks.{block})"
        return ""

    @cached_property
    def _own(self) -> int:
        return self.names.of((OWN_INDEX,))

    def _decision(
        self,
        who: Who,
        action: str,
        told: Asked,
        allowed: bool,
        refusal: tuple[str, ...],
        error: str = "",
        rows: Asked | None = None,
        reach: tuple[str, ...] = (),
    ) -> Decision:
        """`reach`: the names by which the engine reaches what is told: of a request that it narrows itself, indices alone."""

        def views() -> tuple[View, ...]:
            # What was asked for and refused is told beside what is reached.
            beside = rows.bits & self.names.indices & ~told.bits & ~self._granted.on(who, action) if rows else 0
            names = sorted((*self._indices_of(told.bits | beside), *told.missing))
            reached = told.bits if allowed and not error else 0
            # Whoever covers the plugin's own index is not refused for it, and is shown nothing of it.
            shown = [name for name in names if name != OWN_INDEX or not allowed]
            filtered = reached and self.world.filters and minds_filters(action)
            named = named_by(self.names, reach) if filtered else self.names.indices
            return tuple(self._view(who, action, name, named, reached=reached) for name in shown)

        own = allowed and not error and bool(told.bits & self._own)
        return Decision(allowed, who.why, refusal, error, who.unknown, views, own=own)

    def _view(self, who: Who, action: str, name: str, named: int, *, reached: int) -> View:
        """`named`: what is seen without the filter of an alias, and the aliases through which the rest is."""
        told = bool(reached & self.names.of((name,)))
        view = self._seeing.view(who, action, name, reached=told)
        if told and view.allowed and (filters := filters_of(self.names, name, named)):
            return self._seeing.by_alias(view, filters)
        return view

    def _indices_of(self, bits: int) -> Iterator[str]:
        return self.names.names(self.names.with_members(bits) & self.names.indices)

    def as_sent(
        self, caller: Caller, action: str, indices: Iterable[str] = (), options: Mapping[str, str] | None = None
    ) -> Decision:
        """`decide` of a request as people send it: what names Dashboards' index is asked for a tenant, too."""
        asked = tuple(indices)
        told = self.decide(caller, action, asked, options)
        if not told.allowed or is_cluster_action(action) or not self._is_of_dashboards(asked):
            return told
        if not self._granted.has_global_tenant(self.who(caller), action):
            return replace(told, unknown=(*told.unknown, OF_TENANTS), conditional=True)
        return told

    def _is_of_dashboards(self, asked: tuple[str, ...]) -> bool:
        """Whether of all aliases Dashboards' is the one that is asked for, or of all indices the one of that name."""
        names = self.names
        try:
            rows = names.checked(asked)
        except (Refused, NotKnown):
            return False
        aliases = 0
        for one in asked:
            aliases |= names.simple(one) & names.aliases
        its = names.of((DASHBOARDS_INDEX,))
        alone = rows.bits == its and not rows.missing if rows.bits else rows.missing == (DASHBOARDS_INDEX,)
        return not rows.everything and (alone or bool(its and aliases == its))

    def limited(self, caller: Caller, indices: Iterable[str], limits: Sequence[str] = LIMITS) -> bool:
        """Whether any such limit of the caller is on what is named."""
        try:
            return self._seeing.limited(self.who(caller), self.names.checked(tuple(indices)), limits)
        except (Unreadable, Refused, NotKnown):
            return False


_LAST: LastMade[Compiled] = LastMade(16)


def compiled(held: Actual, world: EngineFacts) -> Compiled:
    """The config compiled for an engine as it is; of a few that were asked for last, the one that was made then."""
    return _LAST.of(held, lambda: Compiled(held, world), world)
