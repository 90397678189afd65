"""The roles of Portcullis itself, as they have to be while it is locked: whoever widened one by hand must not gain by a window of
break-glass, and whoever narrowed one must not keep a lock away. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.actual import Actual, Json
from portcullis.access.guard import ProtectedPrincipals
from portcullis.families.opensearch.documents.compare import same
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.dialects import Dialect, from_engine, to_engine
from portcullis.families.opensearch.shutting.baseline import baseline

_DOCUMENTS = baseline().documents


def amiss(held: Actual, keep: ProtectedPrincipals) -> dict[str, Json]:
    """Of the roles that the keepers need, those that are not there or say something else: name -> the role as it has to be."""
    needed = {role for keeper in keep.keepers for role in keeper.roles}
    return {
        role: document
        for role, document in sorted(_DOCUMENTS.items())
        if role in needed
        and not held.is_fixed(Kind.ROLES, role)
        and not any(same(held.get(Kind.ROLES, role), form) for form in _forms(document))
    }


def widening(held: Actual) -> dict[str, Json]:
    """Action groups that are called like an action of one of these roles: whoever has the role would have what such a group holds."""
    named = {action for document in _DOCUMENTS.values() for action in _actions(document)}
    groups = held.of(Kind.ACTION_GROUPS)
    return {name: groups[name] for name in sorted(named & groups.keys()) if not held.is_fixed(Kind.ACTION_GROUPS, name)}


def _actions(role: Json) -> Iterator[str]:
    yield from role.get("cluster_permissions") or ()
    for entry in role.get("index_permissions") or ():
        # `read` of the canary is the engine's own group, which it keeps from everybody.
        yield from entry.get("allowed_actions") or ()


def _forms(document: Json) -> Iterator[Json]:
    """A role as each dialect shows it: 6.x has no descriptions."""
    yield document
    kept, _ = to_engine(Kind.ROLES, document, Dialect.V6)
    if kept is not None:
        yield from_engine(Kind.ROLES, kept, Dialect.V6)
