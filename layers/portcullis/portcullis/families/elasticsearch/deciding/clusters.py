"""Which names of a request go to which cluster: `alias:index`, wildcards of aliases, and what is taken out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portcullis.families.elasticsearch.known.names import is_pattern, matches
from portcullis.families.elasticsearch.known.release import Release


@dataclass(frozen=True, slots=True)
class Split:
    """`remote`: what each cluster is asked for, which may be a name of yet another one (`bills:logs-1`). `fault`: a status and why,
    whoever asks; 0 where only the engine can tell."""

    local: tuple[str, ...]
    remote: Mapping[str, tuple[str, ...]]
    fault: tuple[int, str] | None = None


def parted_by_cluster(names: Sequence[str], remotes: Mapping[str, Release], release: Release) -> Split:
    """Which names go where. An alias that does not exist is an error; a wildcard that meets none is nothing."""
    local: list[str] = []
    remote: dict[str, list[str]] = {}
    taken_out: set[str] = set()
    for name in names:
        cluster, colon, index = name.partition(":")
        out = cluster.startswith("-")
        alias = cluster.removeprefix("-")
        if not colon:
            local.append(name)
            continue
        if "<" in name or "::" in name or not index or not alias or (":" in index and (out or index.startswith("-"))):
            return Split((), {}, (0, f"how {name} is read only the engine can tell"))
        found = [one for one in remotes if matches(alias, one)] if is_pattern(alias) else [alias]
        if not is_pattern(alias) and alias not in remotes:
            return Split(
                (), {}, (_unknown_alias(release), f"there is no remote cluster {alias}: the whole request is refused")
            )
        if out and index != "*" and release.major < 9:
            why = f"{name} takes out less than a cluster, which {release} does not know: the whole request is refused"
            return Split((), {}, (403 if release.major == 8 else 0, why))
        if out and index == "*":
            lacking = [one for one in found if one not in remote]
            if lacking or not found:
                why = f"{name} takes out a cluster that was not named before: the whole request is refused"
                return Split((), {}, (403, why))
            taken_out.update(found)
        for one in found:
            remote.setdefault(one, []).append(f"-{index}" if out else index)
    left = {alias: tuple(of) for alias, of in remote.items() if alias not in taken_out}
    if taken_out and not left and not local:
        return Split((), {}, (403, "every cluster that is named is taken out again: the whole request is refused"))
    # From 9 on an exclusion takes away what was found before it, and before anything else nothing (seen on 9.5.3).
    for alias, of in left.items():
        if of[0].startswith("-") and min(release.major, remotes[alias].major) < 9:
            return Split(
                (), {}, (0, f"what an exclusion before anything else means to {alias} only the engine can tell")
            )
    if any("_all" in of and len(of) > 1 for of in (local, *left.values())):
        return Split((), {}, (0, "_all beside other names is read as a name by some, which only the engine can tell"))
    if local and local[0].startswith("-") and release.major < 9:
        return Split((), {}, (0, f"what {local[0]} before anything else means only the engine can tell"))
    if not local and not left:
        local = [
            "*",
            "-*",
        ]  # wildcards that meet no cluster: a search of nothing, which takes the right to search something
    return Split(tuple(local), left)


def _unknown_alias(release: Release) -> int:
    """Measured on 9.5.3 and 8.19.21."""
    return {9: 404, 8: 403}.get(release.major, 0)
