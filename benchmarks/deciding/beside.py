"""`decide` beside the plugin's own classes: the same case to both, what differs made small, and written as a row of a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pprint import pformat
from typing import Any

from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.limiting.view import Decision, View
from portcullis.families.opensearch.names.matching import is_expression
from portcullis.families.opensearch.names.world import EngineFacts, Release
from portcullis.families.opensearch.requesting.actions import never_under_limits

from benchmarks.deciding.cases import Case, case, smaller
from local.oracle.plugin import Plugin

_DFM = "plugins.security.dfm_empty_overrides_all"
_LISTED = re.compile(r'"[^"]*"(?:,"[^"]*")+')

# What the classes are asked in a search, which a closed index ends; a node answers it of a closed index (test_ended_early_on_node.py).
_ANSWERED_CLOSED = ("indices:monitor/settings/get", "indices:admin/mappings/get")


@dataclass(frozen=True, slots=True)
class Found:
    """A question to which the two say different things. `more`: we say that less can be seen than there is."""

    case: Case
    question: int
    what: str
    more: bool


@dataclass(slots=True)
class Counts:
    questions: int = 0
    unknown: int = 0
    unloadable: int = 0


def facts(one: Case, version: str, now: datetime) -> EngineFacts:
    world = one["world"]
    return EngineFacts(
        tuple(world["indices"]),
        {alias: tuple(members) for alias, members in world.get("aliases", {}).items() if members},
        {stream: tuple(members) for stream, members in world.get("streams", {}).items() if members},
        tuple(world.get("hidden", ())),
        tuple(world.get("closed", ())),
        world.get("settings", {}).get(_DFM) == "true",
        world.get("do_not_fail_on_forbidden", False),
        Release(version),
        now,
    )


def compare(one: Case, told: dict[str, Any], version: str, now: datetime, counts: Counts) -> Iterator[Found]:
    """Where ours differs from what the plugin told."""
    if "answers" not in told:
        counts.unloadable += 1
        return
    compiled = Compiled(SecurityConfig(one["security"]), facts(one, version, now))
    people = {person["name"]: person for person in one["people"]}
    for at, (question, theirs) in enumerate(zip(one["questions"], told["answers"], strict=True)):
        person = people[question["who"]]
        caller = Caller(
            person["name"],
            tuple(person.get("backend_roles", ())),
            person.get("attributes", {}),
            tuple(person.get("hosts", ())),
        )
        ours = compiled.decide(caller, question["action"], question["indices"], question.get("options"))
        counts.questions += 1
        if ours.unknown:
            counts.unknown += 1
            continue
        for what, more in _differences(ours, theirs, question, one["fields"], version, counts):
            yield Found(one, at, what, more)
            break


def _differences(
    ours: Decision,
    theirs: dict[str, Any],
    question: dict[str, Any],
    names: Sequence[str],
    version: str,
    counts: Counts,
) -> Iterator[tuple[str, bool]]:
    if "roles" in theirs and set(theirs["roles"]) != set(ours.roles):
        yield f"roles {sorted(theirs['roles'])}, ours {sorted(ours.roles)}", len(theirs["roles"]) > len(ours.roles)
        return
    action = question["action"]
    allowed = theirs.get("allowed", False) and not (theirs.get("limited") and never_under_limits(action))
    views = theirs.get("views", {})
    # What opens documents ends in an error, then.
    fails = bool(views) and all("error" in view for view in views.values())
    if allowed and fails and not ours.allowed:
        return
    if allowed is not ours.allowed:
        yield f"allowed {allowed}, ours {ours.allowed} {ours.refusal}", allowed
        return
    if not allowed or not theirs.keys() & {"error", "views"}:
        return
    if fails and ours.error:
        return
    if action in _ANSWERED_CLOSED and "IndexClosedException" in theirs.get("error", "") and not ours.error:
        return
    if ("error" in theirs) is not bool(ours.error):
        yield f"error {theirs.get('error')}, ours {ours.error or 'none'}", "error" not in theirs
        return
    if "error" in theirs:
        return
    seen = {view.index: view for view in ours.views if view.allowed}
    reached = {index: view for index, view in views.items() if "error" not in view}
    if reached.keys() != seen.keys():
        yield f"reached {sorted(reached)}, ours {sorted(seen)}", bool(reached.keys() - seen.keys())
        return
    for index, view in reached.items():
        if any("one of several counts" in doubt for doubt in seen[index].unknown):
            counts.unknown += 1
            continue
        compare_views = _of_3 if version.startswith("3") else _of_2
        for what, more in compare_views(seen[index], view, names):
            yield f"{index}: {what}", more
            return


def _of_3(ours: View, theirs: dict[str, Any], names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    documents = theirs["documents"]
    wanted = None if documents is None else sorted(set(map(_listed, documents)))
    found = None if ours.written is None else sorted(set(map(_listed, ours.written)))
    if wanted != found:
        yield f"documents {wanted}, ours {found}", wanted is None or (found is not None and len(wanted) > len(found))
    for name in names:
        seen = theirs["fields"][name]
        masks = ours.masks_of(name)
        if (seen is not False) is not ours.fields.sees(name):
            yield f"field {name} {seen}, ours {ours.fields}", seen is not False
        elif isinstance(seen, str) and seen not in masks:
            yield f"mask of {name} {seen}, ours {masks}", False
        elif seen is True and masks:
            yield f"mask of {name} none, ours {masks}", True


def _of_2(ours: View, theirs: dict[str, Any], names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    documents, rules, masks = ([sorted(group) for group in theirs[key]] for key in ("documents", "fields", "masks"))
    for what, groups in (("documents", documents), ("fields", rules), ("masks", masks)):
        if len({tuple(group) for group in groups}) > 1:
            yield f"{what} of several keys {groups}, ours none unknown", True
            return
    wanted = sorted(set(map(_listed, documents[0]))) if documents else None
    found = None if ours.written is None else sorted(set(map(_listed, ours.written)))
    if wanted != found:
        yield f"documents {wanted}, ours {found}", wanted is None
    excluded = {rule[1:] for rule in (rules or [[]])[0] if rule[0] in "!~"}
    shown = excluded or set((rules or [[]])[0])
    # The classes give the rules; of a document 2.19 then minds neither a /regular expression/ nor a ?, as nodes show (tests/model).
    plain = {rule for rule in shown if not is_expression(rule) and "?" not in rule}
    excluding = bool(excluded) or not shown
    if plain != shown:
        excluding, shown = (excluding, plain) if excluding or plain else (True, {"*"})
    if (excluding, shown) != (ours.fields.excluding, set(ours.fields.patterns)):
        yield f"fields {rules}, ours {ours.fields}", not rules
    if sorted((masks or [[]])[0]) != sorted(ours.masks):
        yield f"masks {masks}, ours {ours.masks}", not masks


def _listed(query: str) -> str:
    """A filter with the lists in it sorted: roles come in no order."""
    return _LISTED.sub(lambda found: ",".join(sorted(found[0].split(","))), query)


def shrink(found: Found, plugin: Plugin, now: datetime, *, rounds: int = 60) -> Found:
    """The smallest case found in which the two still differ in the same direction."""
    one = {**found.case, "questions": [found.case["questions"][found.question]]}
    one["people"] = [person for person in one["people"] if person["name"] == one["questions"][0]["who"]]
    best = Found(one, 0, found.what, found.more)
    kind = found.what.split(" ")[0]
    for _ in range(rounds):
        tried = smaller(best.case)
        for candidate, told in zip(tried, plugin.ask(tried), strict=True):
            try:
                differs = next(compare(candidate, told, plugin.version, now, Counts()), None)
            except (KeyError, TypeError, IndexError):  # too little left to be a case
                continue
            if (
                differs is not None
                and differs.more is found.more
                and (differs.what.split(" ")[0] == kind or ":" in kind)
            ):
                best = differs
                break
        else:
            return best
    return best


def row(found: Found, version: str) -> str:
    """As a row of the table in tests/families/opensearch/test_decide_by_the_plugin.py."""
    one = found.case
    kept = {key: value for key, value in one["security"].items() if value and key != "actiongroups"}
    side = "MORE can be seen than we say" if found.more else "less can be seen than we say"
    told = {**one, "security": kept, "fields": found.case["fields"][:3]}
    return f"# {version}: {found.what} ({side})\n{pformat(told, width=130, compact=True)}"


def play(plugin: Plugin, seeds: Sequence[int], counts: Counts, *, at_once: int = 40) -> Iterator[Found]:
    """What differs in the cases of these seeds."""
    for start in range(0, len(seeds), at_once):
        now = datetime.now(UTC)
        cases = [case(seed, now) for seed in seeds[start : start + at_once]]
        for one, told in zip(cases, plugin.ask(cases), strict=True):
            yield from compare(one, told, plugin.version, now, counts)
