"""What a caller may do and see on Elasticsearch, and why: privileges, document filter, fields.

As Elastic's security decides it, seen on real servers (tests/families/elasticsearch):

- Entries with the same set of names are merged before anything else, in whatever roles they stand: their privileges unite, and one of
  them without a query or without field rules takes away those of all.
- What is named has to be covered by its own name: an alias by the alias, a data stream by the stream or its backing indices by either. A
  wildcard narrows silently to what the action is permitted on; a name that is not permitted refuses the request.
- Of the entries that cover what was asked and grant the action: queries are OR-ed, one without a query lifts them; fields are what any of
  them shows, one without field rules shows all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from portcullis.families.elasticsearch.deciding.beside import may_look_for, overruled
from portcullis.families.elasticsearch.deciding.blocks import blocked_by
from portcullis.families.elasticsearch.deciding.resolving import everything, has_dates, resolved, without_dates
from portcullis.families.elasticsearch.deciding.templates import UNFILLED, is_template
from portcullis.families.elasticsearch.granting.merging import Group, Holding, covering
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable, matches_any
from portcullis.families.elasticsearch.known.privileges import grants_on_cluster
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import ALL, Need

_FIELD_CAPS, _VALIDATE = "indices:data/read/field_caps", "indices:admin/validate/query"
# The engine looks for the names of these before it asks whether anybody may: they may be asked of other clusters.
_ALSO_ELSEWHERE = frozenset(
    (
        "indices:data/read/search",
        _FIELD_CAPS,
        "indices:data/read/open_point_in_time",
        "indices:admin/resolve/index",
        "indices:admin/resolve/cluster",
    )
)
_WRITES = "indices:data/write/"
_DELETE = f"{_WRITES}delete"
_BY_ID = (f"{_WRITES}index:op_type/index", f"{_WRITES}update", _DELETE)
_ON_DOCUMENTS = (f"{_WRITES}index:", f"{_WRITES}update", _DELETE)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields are seen: what any of these groups shows. No group: all."""

    groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()  # (grant, except) of each

    def sees(self, name: str) -> bool:
        """Whether a field is seen, by its full dotted name."""
        return not self.groups or any(
            matches_any(grant, name) and not matches_any(without, name) for grant, without in self.groups
        )


@dataclass(frozen=True, slots=True)
class View:
    """How one index looks to the caller."""

    index: str
    documents: tuple[str, ...] | None = None  # queries as JSON, OR-ed; None: all documents
    fields: Fields = Fields()
    alias_filters: tuple[str, ...] | None = None  # of the aliases it was asked by, OR-ed; None: not filtered
    reasons: tuple[str, ...] = ()
    within: View | None = None  # of an API key: what the key lets through; a document or field is seen if both do

    @property
    def hides_documents(self) -> bool:
        return self.documents is not None or (self.within is not None and self.within.hides_documents)

    @property
    def hides_fields(self) -> bool:
        return bool(self.fields.groups) or (self.within is not None and self.within.hides_fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one need. `allowed` None: only the engine can tell; `status` is what it answers, as far as access decides it."""

    need: Need
    allowed: bool | None
    status: int = 200
    views: tuple[View, ...] = ()
    reasons: tuple[str, ...] = ()


def answer(held: Holding, need: Need, world: EngineFacts, release: Release) -> Answer:
    """What the engine says to one need of the caller."""
    if held.broken:
        return Answer(need, False, 400, reasons=held.broken)
    try:
        if need.aliases:
            told = _of_aliases(held, need, world, release)
        else:
            told = _cluster(held, need, release) if need.cluster else _index(held, need, world, release)
    except Unreadable as error:
        return Answer(need, None, 0, reasons=(str(error),))
    unknown = held.unknown_of_cluster if need.cluster else held.unknown
    if unknown and told.allowed is False and told.status != 400:
        return Answer(need, None, 0, reasons=(*told.reasons, *(f"{what} is not known here" for what in unknown)))
    return told


def _cluster(held: Holding, need: Need, release: Release) -> Answer:
    granting = [
        role for role, privileges in held.cluster.items() if grants_on_cluster(privileges, need.action, release)
    ]
    if granting and held.within is not None:
        limit = _cluster(held.within, need, release)
        if not limit.allowed:
            return limit
    if granting and need.own_only:
        return Answer(need, False, 400, reasons=("what somebody else may do is told to nobody: run as them",))
    if granting:
        return Answer(need, True, reasons=(f"{need.action} through cluster privileges of {_names(granting)}",))
    return Answer(need, False, 403, reasons=(f"no cluster privilege of {_names(held.cluster)} covers {need.action}",))


def _of_aliases(held: Holding, need: Need, world: EngineFacts, release: Release) -> Answer:
    """What is asked about aliases of indices. Where no index is visible there is nothing to find, whoever asks for which alias."""
    told = _index(held, replace(need, aliases=(), beside=need.aliases), world, release)
    granting = held.grants(need.action)
    if release.major < 7 and granting and told.status != 404 and not may_look_for(granting, need.aliases, world):
        why = f"no alias that {', '.join(need.aliases)} means is visible, which {release} tells before it asks who may: 404"
        return Answer(need, told.allowed, 404, reasons=(why,))
    if told.allowed is not True or told.status >= 400 or need.aliases == (ALL,):
        return told
    literal = [name for name in need.aliases if "*" not in name and not name.startswith("-")]
    missing = literal
    if told.views:
        of_names = replace(need, names=need.aliases, aliases=(), makes_names=True)
        named = _index(held, of_names, world, release)
        if named.allowed is not True:
            return named
        seen = {view.index for view in told.views}
        missing = [name for name in literal if not seen & set(world.aliases.get(name, ()))]
    if missing:
        return replace(told, status=404, reasons=(f"{', '.join(missing)} is no alias of what is visible: 404",))
    return told


def _index(held: Holding, need: Need, world: EngineFacts, release: Release) -> Answer:
    granting = held.grants(need.action)
    if need.destroys and need.wild and release.major >= 8:
        return Answer(need, bool(granting), 400, reasons=("wildcards are refused to whoever asks for this",))
    told_before = need.action in _ALSO_ELSEWHERE and not need.options.allow_no_indices
    looks_first = (
        granting or need.item or release.major < 7 or need.action != _DELETE
    )  # who may delete nothing is refused
    if looks_first and (before := _before_rights(granting, need, world)) is not None:
        # 6.8 asks who may delete before it looks, where nothing beside was asked.
        unsure = release.major < 7 and before.allowed is False and need.action == _DELETE
        return replace(before, status=0) if unsure and not need.item else before
    granted_nowhere = not granting and not held.grants_on_failures(need.action)
    if granted_nowhere and not told_before and not (release.major < 8 and has_dates(need) and _is_search(need)):
        why = f"no role of {_names(held.cluster)} grants {need.action} on any index"
        # Terms of documents are fetched from within a search, which ends in an error of its own.
        return Answer(need, False, 0 if need.looked_up and need.any_index else 403, reasons=(why,))
    if need.any_index:
        return Answer(need, True, reasons=(f"{need.action} through {_names(r for g in granting for r in g.roles)}",))
    if need.single and need.wild:
        status = 403 if release.major < 8 else 400  # of 8 a 403 to whoever runs as somebody
        return Answer(need, status == 400, status, reasons=("this takes the name of one index, and no wildcard",))
    if need.single and release.major >= 9 and need.names[0].startswith("-"):
        may = bool(covering(granting, need.names[0], world))
        return Answer(need, may, 400 if may else 403, reasons=("an exclusion, where one name is taken",))
    if _says_nothing(need, release):
        status = 404 if release.major == 8 or not need.options.allow_no_indices else 200
        return Answer(need, True, status, reasons=("no wildcard is expanded, and -* is how nothing is said",))
    if ALL in need.names and len(need.names) > 1 and release.major == 7:
        return Answer(need, None, 0, reasons=(f"what {ALL} means beside other names was not measured on {release}",))
    asked = resolved(granting, need, world, release)
    if asked.fault is not None:
        return Answer(need, bool(granting), asked.fault[0], reasons=(asked.fault[1],))
    if (
        release.major < 8
        and has_dates(need)
        and _is_search(need)
        and not all(covering(granting, one, world) for one in asked.named)
    ):
        return Answer(
            need, True, 404, reasons=("a name that is worked out is looked for among those that are permitted",)
        )
    if asked.names == (ALL,) and covering(granting, ALL, world):
        return _everything(granting, need, world, release)
    refused = [name for name in asked.named if not covering(granting, name, world)]
    if refused and release.major < 7 and overruled(granting, refused, (*asked.names, *need.beside), world):
        why = f"an alias of {', '.join(refused)} that is asked about with it is covered: {release} goes by the one it comes to last"
        return Answer(need, None, 0, reasons=(why,))
    if refused:
        why = f"no role of {_names(held.cluster)} grants {need.action} on {', '.join(refused)}"
        return Answer(need, False, 403, reasons=(why,))
    reads_one = need.single and need.action.startswith(("indices:data/read/", "indices:admin/analyze"))
    if reads_one and asked.named[0] in world.data_streams:
        why = f"{asked.named[0]} is a data stream, and no document is asked of one: 404"
        return Answer(need, True, 404, reasons=(why,))
    several = [name for name in asked.named if need.single and name in world.aliases and len(world.of(name)) > 1]
    if several and need.action.startswith(("indices:data/read/", "indices:admin/analyze")):
        return Answer(
            need, True, 400, reasons=(f"{several[0]} is an alias of several indices, and this is asked of one: 400",)
        )
    absent = [name for name in asked.named if not world.of(name)]
    if ALL in absent and need.action == _VALIDATE:  # an answer that says so on 6.8; later releases were not asked
        return Answer(need, True, 200 if release.major < 7 else 0, reasons=(f"{ALL} beside other names is a name",))
    if ALL in absent and (release.major > 6 or not need.options.ignore_unavailable):
        return Answer(need, True, 400, reasons=(f"{ALL} beside other names is a name, and no index may have it: 400",))
    if need.options.ignore_unavailable:
        if not need.options.allow_no_indices and len(absent) == len(asked.names):
            return Answer(need, True, 404, reasons=("nothing that is named is there, and allow_no_indices is false",))
        absent = []
    elif release.major < 8 and need.options.allow_no_indices and not _expands(need) and len(asked.names) == 1:
        absent = []  # where no wildcard is expanded, one name that is not there is nothing
    if absent and _tells_either(need, granting, absent, world, release):
        why = f"{', '.join(absent)} does not exist, or is refused where limits are on that name: {release} may tell either"
        made = not need.creates or _created(held, need, absent, world, granting).allowed
        return Answer(need, made, 0, reasons=(why,))
    if absent and need.makes_names:
        absent = []
    if absent and need.creates:
        return _created(held, need, absent, world, granting)
    if absent:
        return Answer(need, True, 404, reasons=(f"{', '.join(absent)} does not exist: the answer is 404, not 403",))
    views = _views(granting, asked.names, world)
    shut = [view.index for view in views if world.is_closed(view.index)] if need.needs_open(release.major) else []
    if shut and not need.options.ignore_unavailable:
        # 7.17 calls it a block there, later releases here.
        blocked = need.action == _FIELD_CAPS if release.major == 7 else release.major > 7 and _updates(need)
        status = 403 if blocked and not need.item else 400
        return Answer(need, True, status, reasons=(f"{', '.join(shut)} is closed: {status}",))
    views = tuple(view for view in views if view.index not in shut)
    if shut and not views and not need.options.allow_no_indices:
        return Answer(need, True, 404, reasons=("nothing that is open is visible, and allow_no_indices is false",))
    if not views:
        through = _names(r for g in granting for r in g.roles)
        if need.makes_names:
            return Answer(need, True, reasons=(f"{need.action} through {through}",))
        return Answer(need, True, reasons=("nothing that matches is visible: an empty answer",))
    of_shards = release.major < 7 and need.action == "indices:admin/refresh"  # each is asked about by its index
    behind = [view.index for view in views if of_shards and not covering(granting, view.index, world)]
    if behind:
        why = f"{', '.join(behind)} is covered by an alias alone, by which {release} refreshes nothing"
        return Answer(need, False, 403, reasons=(why,))
    limited = [v.index for v in views if v.hides_documents or (v.hides_fields and not need.only_documents)]
    if need.refused_under_limits and limited and release.major < 7 and has_dates(need):
        why = f"whether {release} sees limits behind a name that is worked out, only the engine can tell"
        return Answer(need, None, 0, reasons=(why,))
    if need.refused_under_limits and limited:
        return Answer(need, False, 400, reasons=(f"{need.refused_under_limits} ({', '.join(limited)})",))
    for view in views:
        block, status = blocked_by(need.action, world.blocks.get(view.index, ()), release)
        if block:
            return Answer(need, True, status, reasons=(f"{view.index} is blocked (index.blocks.{block}): {status}",))
    return Answer(need, True, 200, views, tuple(dict.fromkeys(reason for view in views for reason in view.reasons)))


def _says_nothing(need: Need, release: Release) -> bool:
    """Whether the engine reads these names as none at all."""
    if need.names != ("-*",) or _expands(need) or release.major > 8:
        return False
    return release.major < 7 or not need.options.ignore_unavailable


def _tells_either(
    need: Need, granting: tuple[Group, ...], absent: list[str], world: EngineFacts, release: Release
) -> bool:
    """Whether limits on a name that is not there may refuse what they refuse where it is."""
    if not need.refused_under_limits or not need.single or release.major > 7:
        return False
    limited = any(not _free(group) for name in absent for group in covering(granting, name, world))
    return release.major < 7 or (bool(need.item) and limited)


def _is_search(need: Need) -> bool:
    """A search, or a change of all documents that a search finds."""
    return not need.single and (need.action.startswith("indices:data/read/") or need.action.endswith("/byquery"))


def _expands(need: Need) -> bool:
    return need.options.open or need.options.closed


def _before_rights(granting: tuple[Group, ...], need: Need, world: EngineFacts) -> Answer | None:
    """What is told of one document to whoever may ask for documents at all: where there is none to look for."""
    if not need.single or not need.names:
        return None
    name = without_dates(need.names[0])
    reads = need.action.startswith("indices:data/read/") and not need.looked_up
    there, allowed = bool(world.of(name)), bool(covering(granting, name, world))
    if need.item and reads and (not there or name in world.data_streams):
        return Answer(need, allowed, 404, reasons=(f"{name} is no index, which is told to whoever asks for documents",))
    if need.action == _DELETE and not there:
        return Answer(need, allowed, 404, reasons=(f"{name} does not exist, which is told to whoever may delete",))
    if need.item and reads and world.is_closed(name):
        return Answer(need, allowed, 400, reasons=(f"{name} is closed, which is told to whoever asks for documents",))
    if need.item and reads and len(world.aliases.get(name, ())) > 1:
        why = f"{name} is an alias of several indices, which is told to whoever asks for documents: 400"
        return Answer(need, allowed, 400, reasons=(why,))
    if need.action.startswith(_ON_DOCUMENTS) and len(world.aliases.get(name, ())) > 1:
        why = f"{name} is an alias of several indices: 400 to whoever may write where none of them is written to through it"
        return Answer(need, allowed, 0, reasons=(why,))
    if need.action.startswith(_BY_ID) and name in world.data_streams and (allowed or need.item or not _updates(need)):
        return Answer(need, allowed, 400, reasons=(f"{name} is a data stream, to which documents are only added: 400",))
    if need.action.startswith(_ON_DOCUMENTS if need.item else _ON_DOCUMENTS[::2]) and world.is_closed(name):
        return Answer(need, allowed, 400, reasons=(f"{name} is closed, which is told to whoever may write: 400",))
    return None


def _updates(need: Need) -> bool:
    """Who may is asked before what is looked for: seen of updates on 9.5.3 and 8.19.21, and not of other writes."""
    return need.action == f"{_WRITES}update"


def _everything(granting: tuple[Group, ...], need: Need, world: EngineFacts, release: Release) -> Answer:
    """Seen on 9.5.3: where `_all` alone is left of several names, whoever may read that name is shown every index."""
    groups = covering(granting, ALL, world)
    if not any(_free(group) for group in groups):
        why = f"a role on the name {ALL} lets {','.join(need.names)} reach every index, and with which limits only the engine can tell"
        return Answer(need, None, 0, reasons=(why,))
    reached = everything(need, world, release)
    views = tuple(_view(index, groups, None) for index in reached if not world.is_closed(index))
    why = f"what is left of {','.join(need.names)} is {ALL}, which is every index to whoever may read the name"
    return Answer(need, True, 200, views, (why,))


def _free(group: Group) -> bool:
    """Whether it hides nothing."""
    return group.queries is None and not group.fields and (group.within is None or _free(group.within))


def _created(held: Holding, need: Need, absent: list[str], world: EngineFacts, granting: tuple[Group, ...]) -> Answer:
    """A name that does not exist is made by the request, which is a right of its own where it is a document that makes it."""
    through = _names(r for g in granting for r in g.roles)
    if need.action == "indices:admin/create":
        return Answer(need, True, 200, reasons=(f"{need.action} on {', '.join(absent)} through {through}",))
    # An update that is sent alone asks for the index as somebody would who makes it.
    alone = _updates(need) and not need.item
    making = held.grants("indices:admin/create" if alone else "indices:admin/auto_create")
    lacking = [name for name in absent if not covering(making, name, world)]
    if lacking:
        why = f"{', '.join(lacking)} does not exist, and making it takes {'' if alone else 'auto_configure or '}create_index"
        return Answer(need, False, 403, reasons=(why,))
    return Answer(need, True, 201, reasons=(f"{need.action} makes {', '.join(absent)}, through {through}",))


def _views(granting: tuple[Group, ...], asked: Sequence[str], world: EngineFacts) -> tuple[View, ...]:
    """One of each index behind what was asked: limited by the groups that cover it by a name it was asked by."""
    by_index: dict[str, dict[Group, None]] = {}
    filters: dict[str, list[str] | None] = {}
    for name in asked:
        groups = covering(granting, name, world)
        for index in world.of(name):
            by_index.setdefault(index, {}).update(dict.fromkeys(groups))
            rule = world.aliases.get(name, {}).get(index)
            if rule is None or filters.get(index, []) is None:
                filters[index] = None
            else:
                filters[index] = [
                    *(filters.get(index) or ()),
                    rule if isinstance(rule, str) else json.dumps(rule, sort_keys=True),
                ]
    return tuple(_view(index, tuple(groups), filters[index]) for index, groups in by_index.items())


def _view(index: str, groups: tuple[Group, ...], filters: list[str] | None) -> View:
    reasons = [f"{index} through {_names(r for g in groups for r in g.roles)}"]
    limits = tuple(group.within for group in groups if group.within is not None)
    groups = tuple(dict.fromkeys(replace(group, within=None) for group in groups)) if limits else groups
    limited = [group for group in groups if group.queries is not None]
    documents: tuple[str, ...] | None = None
    if limited and len(limited) == len(groups):
        documents = tuple(dict.fromkeys(query for group in groups for query in group.queries or ()))
        reasons.append(f"documents limited by {_names(r for g in groups for r in g.roles)}")
        if any(is_template(query) for query in documents):
            reasons.append(UNFILLED)
    elif limited:
        free = _names(r for g in groups if g.queries is None for r in g.roles)
        reasons.append(
            f"{free} grants the same without a query, which lifts that of {_names(r for g in limited for r in g.roles)}"
        )
    fields = Fields()
    ruled = [group for group in groups if group.fields]
    if ruled and len(ruled) == len(groups):
        fields = Fields(tuple(dict.fromkeys(rule for group in groups for rule in group.fields)))
        reasons.append(f"fields limited by {_names(r for g in groups for r in g.roles)}")
    elif ruled:
        free = _names(r for g in groups if not g.fields for r in g.roles)
        reasons.append(
            f"{free} grants the same without field rules, which lifts those of {_names(r for g in ruled for r in g.roles)}"
        )
    within = _view(index, tuple(dict.fromkeys(limits)), None) if limits else None
    by_alias = None if filters is None else tuple(dict.fromkeys(filters))
    return View(index, documents, fields, by_alias, tuple(reasons), within)


def _names(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles))) or "nobody's"
