"""What a caller may do and see on OpenSearch, and why: mapped roles, privileges, document filter, fields, masks.

As the Security plugin evaluates it. Held against the plugin's own classes (`make bench-differential`, tests/families/opensearch/
test_decide_by_the_plugin.py) and against real nodes (test_decide_on_node.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portcullis.access.actual import Actual
from portcullis.access.terms import Caller
from portcullis.families.opensearch.compiled import Compiled
from portcullis.families.opensearch.view import Decision, Fields, View
from portcullis.families.opensearch.world import EngineFacts, Release


def decide(
    held: Actual,
    caller: Caller,
    action: str,
    indices: Iterable[str] = (),
    world: EngineFacts | None = None,
    options: Mapping[str, str] | None = None,
) -> Decision:
    """Whether the caller may do `action` (e.g. `indices:data/read/search`) on these indices, aliases or wildcards.

    For many questions to one config, compile it once: `Compiled(held, world).decide(...)`.
    """
    return Compiled(held, world or EngineFacts()).decide(caller, action, indices, options)


__all__ = ["Decision", "EngineFacts", "Fields", "Release", "View", "decide"]
